"""How does a company want a stage to be? `CONFIG/stage.yaml`, as it is written.

It is for the deployment alone: the function never reads it, and it is not shipped.
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from chalicelib.aws.partitions import PARTITIONS
from chalicelib.configuration.json_schema import json_schema

STAGE_FILE: Final = "stage.yaml"
# A Lambda function may have 50 tags, of which Chalice and SAM take one each; stack tags go to all resources.
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-tags.html
_MOST_TAGS: Final = 48
# More would not fit into the API's resource policy.
MOST_ACCOUNTS: Final = 50
_REGION: Final = "[a-z]{2,}(-[a-z]+)+-[0-9]"
_ACCOUNT: Final = "[0-9]{12}"


def _arn(service: str, resource: str, account: str = _ACCOUNT) -> str:
    region = "" if service == "iam" else _REGION
    return rf"^arn:({PARTITIONS}):{service}:{region}:{account}:{resource}\Z"


# What CloudFormation takes, less what one of the tagged services would refuse; `aws:` is AWS's own.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Tag.html
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#id_tags_rules
TagKey = Annotated[str, Meta(pattern=r"^(?![aA][wW][sS]:)[A-Za-z0-9 _.:/=+@-]{1,128}\Z")]
TagValue = Annotated[str, Meta(pattern=r"^[A-Za-z0-9 _.:/=+@-]{1,256}\Z")]
# An alias would not do: CloudWatch Logs takes the ARN of the key alone.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-logs-loggroup.html (KmsKeyId)
KeyArn = Annotated[str, Meta(pattern=_arn("kms", r"key/(mrk-)?[0-9a-f-]{32,36}"))]
AccountId = Annotated[str, Meta(pattern=rf"^{_ACCOUNT}\Z")]
# IAM takes a URL of 255 characters, without port, query and fragment, and tells names apart by case:
# https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html (Url)
ISSUER: Final = (
    r"^(?=.{12,255}\Z)https://([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}(/(?!\.{1,2}(/|\Z))[A-Za-z0-9._-]+)*\Z"
)


class Kms(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Keys of the adopter."""

    log_group: Annotated[KeyArn | None, Meta(description="For the log group, which holds the audit records.")] = None
    tables: Annotated[KeyArn | None, Meta(description="For the tables of tokens.")] = None


class Domain(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A name of the adopter's for the API."""

    name: Annotated[
        str,
        Meta(
            pattern=r"^(?=.{4,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}\Z",
            description="Such as credvend.example.com.",
        ),
    ]
    certificate: Annotated[
        str,
        Meta(pattern=_arn("acm", "certificate/[0-9a-zA-Z-]+"), description="ACM's, of the region that is deployed to."),
    ]
    base_path: Annotated[
        Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{1,128}\Z")] | None,
        Meta(description="Where under the name it is. Default: right below."),
    ] = None


class Signing(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Of credvend's own tokens, by which roles of more than an hour are had."""

    algorithm: Annotated[
        Literal["RS256", "ES256"],
        Meta(description="Of the first key, and of those that `credvend-admin keys rotate` makes."),
    ] = "RS256"
    issuer: Annotated[
        Annotated[str, Meta(pattern=ISSUER)] | None,
        Meta(description="URL that the tokens name, where their keys are published. Default: that of the API."),
    ] = None


class Throttle(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What each route takes; those with less of their own get the same share of it as of what is shipped."""

    rate: Annotated[int, Meta(ge=1, le=100_000, description="Requests a second.")]
    burst: Annotated[int, Meta(ge=1, le=100_000, description="Requests at once.")]


class StageFile(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The whole of stage.yaml, as an adopter writes it. Its JSON Schema is made from this type."""

    tags: Annotated[
        dict[TagKey, TagValue],
        Meta(max_length=_MOST_TAGS, description="Of the stack; CloudFormation puts them on all that it makes."),
    ] = {}
    permissions_boundary: Annotated[
        Annotated[
            str,
            # AWS's own policies have `aws` instead of an account.
            Meta(pattern=_arn("iam", r"policy/([A-Za-z0-9_+=,.@-]+/)*[A-Za-z0-9_+=,.@-]{1,128}", r"([0-9]{12}|aws)")),
        ]
        | None,
        Meta(description="ARN of the managed policy that bounds each role of the template."),
    ] = None
    kms: Annotated[Kms, Meta(description="Keys of your own.")] = Kms()
    domain: Annotated[Domain | None, Meta(description="A custom domain name for the API.")] = None
    waf_acl: Annotated[
        Annotated[str, Meta(pattern=_arn("wafv2", "regional/webacl/[A-Za-z0-9_-]{1,128}/[0-9a-f-]{1,36}"))] | None,
        Meta(description="ARN of the regional web ACL that guards the API."),
    ] = None
    access_log: Annotated[
        Annotated[
            str,
            # https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-apigateway-stage-accesslogsetting.html
            Meta(
                pattern=rf"^arn:({PARTITIONS}):(logs:{_REGION}:{_ACCOUNT}:log-group:[A-Za-z0-9_./#-]{{1,512}}"
                rf"|firehose:{_REGION}:{_ACCOUNT}:deliverystream/amazon-apigateway-[A-Za-z0-9_.-]{{1,45}})\Z"
            ),
        ]
        | None,
        Meta(description="ARN of the log group or Firehose stream that API Gateway writes its access log to."),
    ] = None
    memory: Annotated[
        # https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
        Annotated[int, Meta(ge=128, le=10_240)] | None,
        Meta(description="Of the function, in MB. Default: 512."),
    ] = None
    # Unset instead of null, which would read as `none` and be the default.
    concurrency: Annotated[
        Annotated[int, Meta(ge=1, le=100_000)] | Literal["none"] | UnsetType,
        Meta(description="Reserved for the function; `none` reserves nothing."),
    ] = UNSET
    signing: Annotated[Signing, Meta(description="Of tokens for roles of more than an hour.")] = Signing()
    throttle: Annotated[Throttle | None, Meta(description="Of the API. Default: rate 50, burst 100.")] = None
    accounts: Annotated[
        list[AccountId],
        Meta(max_length=MOST_ACCOUNTS, description="Other accounts whose principals may call; quoted."),
    ] = []
    organization: Annotated[
        # https://docs.aws.amazon.com/organizations/latest/APIReference/API_Organization.html
        Annotated[str, Meta(pattern=r"^o-[a-z0-9]{10,32}\Z")] | None,
        Meta(description="Organization whose principals may call, of whichever account."),
    ] = None
    runtime: Annotated[str | None, Meta(description="Lambda's; instead of that in .chalice/config.json.")] = None


def stage_json_schema() -> dict[str, object]:
    """JSON Schema of stage.yaml, so that editors complete and check it."""
    return json_schema(StageFile, "credvend stage")
