"""Reads `CONFIG/stage.yaml`, and checks it whole before anything is packaged."""

import re
from pathlib import Path
from typing import Final

import msgspec

from chalicelib.configuration.entry_problems import field_message, unknown_key
from chalicelib.errors import ConfigError
from ops.documents.yaml_document import read_yaml
from ops.stages.runtimes import RUNTIMES
from ops.stages.stage_file import MOST_ACCOUNTS, STAGE_FILE, Domain, Kms, Signing, StageFile, Throttle

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
    "signing.issuer": "must be a URL such as https://tokens.example.com/credvend: a domain name in small letters, "
    "no port, no query, no slash at the end, and at most 255 characters",
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
    where = re.search(r"at `(?:key|value)? ?(?:in )?`?\$\.(kms|domain|signing|throttle)`?\Z", error)
    if "unknown field" in error and where is not None:
        kind = {"kms": Kms, "domain": Domain, "signing": Signing, "throttle": Throttle}[where.group(1)]
        return unknown_key(f"`{where.group(1)}` has an unknown key", error.split("`")[1], kind.__struct_fields__)
    error = error.replace("Object missing", "lacks the")
    message = field_message(error.replace("[...]", "").replace(" | null`", "`"), StageFile, _MUST_BE)
    if message.startswith("`accounts` must have at most"):
        return f"`accounts` has more than {MOST_ACCOUNTS}: name the `organization`"
    if message.startswith("`concurrency` ") and "must be at least" not in message:
        return "`concurrency` must be a number, or `none` to reserve nothing"
    if message.startswith(("`accounts", "`tags")) and "must be a text, and is" in message:
        return f"{message.partition(' ')[0]} must be texts: quote what looks like a number or a yes"
    return message
