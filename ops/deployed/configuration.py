"""The configuration that a deployed function has: out of its package, which the artifacts bucket keeps."""

import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Final, NamedTuple, cast

from ops.aws.account import Account, find_account
from ops.aws.refusals import is_for_want_of_rights
from ops.cloudformation.stack import Stack, find_stack, sent_template
from ops.errors import CommandFailed, OperationFailed
from ops.processes.temporary import temporary_directory
from ops.stages.names import CONFIGURATION_OUTPUT, FUNCTION

_INSIDE: Final = PurePosixPath("chalicelib/config")
_RIGHTS: Final = (
    "\nWhat is deployed is read with cloudformation:DescribeStacks and cloudformation:GetTemplate of the stack, and "
    "s3:GetObject of its package."
)
# No configuration comes near it: a package is at most 250 MB unpacked, code included.
_MOST_BYTES: Final = 268_435_456


class DeployedConfiguration(NamedTuple):
    """What is deployed.

    Attributes:
        directory: its files, which are there for as long as the program runs.
        digest: as the stack tells it; empty where it does not.
    """

    directory: Path
    digest: str


def unpack_deployed(stage: str) -> DeployedConfiguration:
    """The configuration of a deployed stage.

    Raises:
        OperationFailed: there is no such stage here, or its package cannot be had; says what to do.
    """
    try:
        account = find_account(os.environ)
        stack = find_stack(account.aws, f"credvend-{stage}")
        if stack is None:
            raise OperationFailed(
                f"There is no stack credvend-{stage} in account {account.number}, {account.region}: choose another "
                "--stage, region (AWS_REGION) or account."
            )
        return DeployedConfiguration(_unpacked(_package(account, stack)), stack.outputs.get(CONFIGURATION_OUTPUT, ""))
    except CommandFailed as error:
        said = str(error)
        raise OperationFailed(said + (_RIGHTS if is_for_want_of_rights(said) else "")) from None


def _package(account: Account, stack: Stack) -> Path:
    place = _place(json.loads(sent_template(account.aws, stack.name)))
    if place is None:
        raise OperationFailed(f"The template of stack {stack.name} does not say where its package is.")
    package = temporary_directory() / "package.zip"
    account.aws.text("s3", "cp", place, str(package), "--only-show-errors")
    return package


def _place(template: Mapping[str, object]) -> str | None:
    """Where the code of the function is, as an `s3://` URL; None: the template does not say."""
    resources = cast(Mapping[str, Mapping[str, Mapping[str, object]]], template.get("Resources") or {})
    properties = resources.get(FUNCTION, {}).get("Properties", {})
    match properties.get("CodeUri", properties.get("Code")):
        case str(url) if url.startswith("s3://"):
            return url
        case {"Bucket": str(bucket), "Key": str(key)} | {"S3Bucket": str(bucket), "S3Key": str(key)}:
            return f"s3://{bucket}/{key}"
    return None


def _unpacked(package: Path) -> Path:
    target = temporary_directory()
    try:
        with zipfile.ZipFile(package) as archive:
            members = [member for member in archive.infolist() if _is_inside(member)]
            if sum(member.file_size for member in members) > _MOST_BYTES:
                raise OperationFailed("The deployed package holds a configuration larger than any that was deployed.")
            for member in members:
                place = target / PurePosixPath(member.filename).relative_to(_INSIDE)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(archive.read(member))
    except zipfile.BadZipFile as error:
        raise OperationFailed(f"The deployed package cannot be read: {error}") from None
    return target


def _is_inside(member: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(member.filename)
    return path.is_relative_to(_INSIDE) and ".." not in path.parts and not member.is_dir()
