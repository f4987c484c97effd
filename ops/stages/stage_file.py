"""How does a company want a stage to be? `CONFIG/stage.yaml`, read and checked whole before anything is packaged.

It is for the deployment alone: the function never reads it, and it is not shipped.
"""

import re
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from chalicelib.aws.partitions import PARTITIONS
from chalicelib.configuration.entry_problems import field_message
from chalicelib.configuration.json_schema import json_schema
from chalicelib.errors import ConfigError
from ops.documents.yaml_document import read_yaml
from ops.stages.runtimes import RUNTIMES

STAGE_FILE: Final = "stage.yaml"
# Of the 50 tags that a Lambda function may have, Chalice and SAM take one each; stack tags go to all resources.
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-tags.html
_MOST_TAGS: Final = 48
# More would not fit into the API's resource policy.
_MOST_ACCOUNTS: Final = 50
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


class Kms(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Keys of the adopter."""

    log_group: Annotated[KeyArn | None, Meta(description="For the log group, which holds the audit records.")] = None
    tables: Annotated[KeyArn | None, Meta(description="For the table of API tokens.")] = None


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


class Throttle(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What the API takes in all; the cheap routes get the same share of it as of what is shipped."""

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
    throttle: Annotated[Throttle | None, Meta(description="Of the API. Default: rate 50, burst 100.")] = None
    accounts: Annotated[
        list[AccountId],
        Meta(max_length=_MOST_ACCOUNTS, description="Other accounts whose principals may call; quoted."),
    ] = []
    organization: Annotated[
        # https://docs.aws.amazon.com/organizations/latest/APIReference/API_Organization.html
        Annotated[str, Meta(pattern=r"^o-[a-z0-9]{10,32}\Z")] | None,
        Meta(description="Organization whose principals may call, of whichever account."),
    ] = None
    runtime: Annotated[str | None, Meta(description="Lambda's; instead of that in .chalice/config.json.")] = None


_KEY = "must be the ARN of a KMS key, not of an alias: arn:aws:kms:REGION:ACCOUNT:key/ID"
# The patterns above, in words.
_MUST_BE: Final = {
    "tags": "must have keys of at most 128 and values of at most 256 letters, digits, spaces and `_.:/=+@-`; "
    "keys that begin with `aws:` are AWS's",
    "permissions_boundary": "must be the ARN of a managed policy: arn:aws:iam::ACCOUNT:policy/NAME",
    "kms.log_group": _KEY,
    "kms.tables": _KEY,
    "domain.name": "must be a domain name in small letters, such as credvend.example.com",
    "domain.certificate": "must be the ARN of a certificate in ACM: arn:aws:acm:REGION:ACCOUNT:certificate/ID",
    "domain.base_path": "must be at most 128 letters, digits, `_`, `.` or `-`, without a slash",
    "waf_acl": "must be the ARN of a regional web ACL: arn:aws:wafv2:REGION:ACCOUNT:regional/webacl/NAME/ID",
    "access_log": "must be the ARN of a log group, without `:*` at the end, or of a Firehose stream whose name begins "
    "with amazon-apigateway-",
    "accounts": "must hold account numbers of twelve digits",
    "organization": "must be the id of an organization, such as o-a1b2c3d4e5",
}


def read_stage_file(config: Path) -> StageFile:
    """The settings in a configuration directory; all defaults where it has no stage.yaml.

    Raises:
        ConfigError: something in it is wrong; names the key, and says what it must be.
    """
    path = config / STAGE_FILE
    if not path.exists():
        return StageFile()
    document = read_yaml(path)
    try:
        checked = msgspec.convert(document, StageFile, strict=True)
    except msgspec.ValidationError as error:
        raise ConfigError([f"{STAGE_FILE}: {_message(str(error))}"]) from None
    if problems := _problems(checked):
        raise ConfigError([f"{STAGE_FILE}: {problem}" for problem in problems])
    return checked


def check_region(stage: StageFile, region: str | None) -> None:
    """Refuse what is in another region than where it is deployed to, if that is known: AWS would not take it.

    Raises:
        ConfigError: one line for each key that names something elsewhere.
    """
    elsewhere = {name: found for name, arn in _arns(stage).items() if (found := arn.split(":")[3]) not in ("", region)}
    if region is not None and elsewhere:
        raise ConfigError(
            [f"{STAGE_FILE}: `{name}` is in {found}, and this is for {region}" for name, found in elsewhere.items()]
        )


def stage_json_schema() -> dict[str, object]:
    """JSON Schema of stage.yaml, so that editors complete and check it."""
    return json_schema(StageFile, "credvend stage")


def _problems(checked: StageFile) -> list[str]:
    problems: list[str] = []
    if checked.runtime is not None and checked.runtime not in RUNTIMES:
        problems.append(f"`runtime` {checked.runtime!r} is none of {', '.join(RUNTIMES)}")
    if len(set(checked.accounts)) != len(checked.accounts):
        problems.append("`accounts` names an account twice")
    arns = {name: arn.split(":") for name, arn in _arns(checked).items()}
    if len({parts[1] for parts in arns.values()}) > 1:
        problems.append(f"all ARNs must be of one partition: {_each(arns, 1)}")
    regional = {name: parts for name, parts in arns.items() if parts[3]}
    if len({parts[3] for parts in regional.values()}) > 1:
        problems.append(f"all must be in the region that is deployed to: {_each(regional, 3)}")
    return problems


def _arns(checked: StageFile) -> dict[str, str]:
    """The ARNs by their keys."""
    arns = {
        "permissions_boundary": checked.permissions_boundary,
        "kms.log_group": checked.kms.log_group,
        "kms.tables": checked.kms.tables,
        "domain.certificate": checked.domain.certificate if checked.domain else None,
        "waf_acl": checked.waf_acl,
        "access_log": checked.access_log,
    }
    return {name: arn for name, arn in arns.items() if arn is not None}


def _each(arns: dict[str, list[str]], part: int) -> str:
    return ", ".join(f"`{name}` is in {parts[part]}" for name, parts in arns.items())


def _message(error: str) -> str:
    where = re.search(r"at `(?:key|value)? ?(?:in )?`?\$\.(kms|domain|throttle)`?\Z", error)
    if "unknown field" in error and where is not None:
        kind = {"kms": Kms, "domain": Domain, "throttle": Throttle}[where.group(1)]
        unknown = error.split("`")[1]
        return f"`{where.group(1)}` has an unknown key `{unknown}`; the keys are {', '.join(kind.__struct_fields__)}"
    error = error.replace("Object missing", "lacks the")
    message = field_message(error.replace("[...]", "").replace(" | null`", "`"), StageFile, _MUST_BE)
    if message.startswith("`accounts` Expected `array` of length"):
        return f"`accounts` has more than {_MOST_ACCOUNTS}: name the `organization`"
    if message.startswith("`concurrency` ") and "`int` " not in message:
        return "`concurrency` must be a number, or `none` to reserve nothing"
    if message.startswith(("`accounts", "`tags")) and "Expected `str`, got " in message:
        return f"{message.partition(' ')[0]} must be texts: quote what looks like a number or a yes"
    return message
