"""How much room does an IAM policy of the template take? Counted as IAM counts, and never as less.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: white space is not counted. What
CloudFormation puts in is longer than its placeholder, and known when it is deployed: here, it is as long as it can be.
"""

import json
import re
from typing import Final, cast

from chalicelib.aws.partitions import PARTITIONS
from ops.stages.names import TABLES

# All inline policies of a role together, and one managed policy, in characters.
MAXIMUM_INLINE: Final = 10_240
MAXIMUM_MANAGED: Final = 6_144

_PARTITION: Final = max(PARTITIONS.split("|"), key=len)
_REGION: Final = "r" * 20  # the longest today, us-isof-south-1, has 15
_ACCOUNT: Final = "1" * 12
# The revoker's role is called `STACK-revoker-REGION`, in the 64 characters that IAM has for it, and the shortest
# regions have 9: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
_STACK: Final = "s" * (64 - len("-revoker-") - len("eu-west-1"))
_VALUES: Final = {
    "AWS::Partition": _PARTITION,
    "AWS::Region": _REGION,
    "AWS::AccountId": _ACCOUNT,
    "AWS::StackName": _STACK,
    **{
        f"{table}.Arn": f"arn:{_PARTITION}:dynamodb:{_REGION}:{_ACCOUNT}:table/{_STACK}-{name}"
        for table, name in TABLES.items()
    },
}
# For whatever else an overlay may refer to: no ARN of a key, a bucket or a policy is longer.
_ANYTHING: Final = "x" * 256
_PLACEHOLDER: Final = re.compile(r"\$\{([^!}][^}]*)\}")


def characters(document: object) -> int:
    """The most characters that a policy document of the template can have."""
    return len(json.dumps(longest(document), separators=(",", ":")))


def longest(node: object) -> object:
    """A document of the template, with the longest value instead of each intrinsic function."""
    match node:
        case {"Ref": str(name), **more} if not more:
            return _VALUES.get(name, _ANYTHING)
        case {"Fn::GetAtt": [str(resource), str(attribute)], **more} if not more:
            return _VALUES.get(f"{resource}.{attribute}", _ANYTHING)
        case {"Fn::Sub": str(text) | [str(text), _], **more} if not more:
            return _PLACEHOLDER.sub(lambda match: _VALUES.get(match[1], _ANYTHING), text)
        case dict():
            return {key: longest(value) for key, value in cast(dict[str, object], node).items()}
        case list():
            return [longest(value) for value in cast(list[object], node)]
    return node
