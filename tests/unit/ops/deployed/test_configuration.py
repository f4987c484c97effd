"""The deployed configuration is the one of the function's package."""

import json
import zipfile
from pathlib import Path

import pytest

from ops.aws.account import Account
from ops.aws.aws_cli import AwsCli
from ops.deployed.configuration import unpack_deployed
from ops.errors import CommandFailed, OperationFailed
from ops.stages.names import CONFIGURATION_OUTPUT, FUNCTION
from tests.unit.ops.example import NEW, raises

HERE = "ops.deployed.configuration"


class Bucket(AwsCli):
    """The aws command line, which copies one package, or fails."""

    def __init__(self, package: Path | None) -> None:
        object.__setattr__(self, "package", package)
        object.__setattr__(self, "asked", [])

    def text(self, *arguments: str) -> str:
        self.asked.append(arguments)  # type: ignore[attr-defined]
        package: Path | None = self.package  # type: ignore[attr-defined]
        if package is None:
            raise CommandFailed("aws s3 cp\nAn error occurred (403)")
        Path(arguments[3]).write_bytes(package.read_bytes())
        return ""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    path = tmp_path / "package.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("app.py", "x")
        archive.writestr("chalicelib/config/", "")
        archive.writestr("chalicelib/config/roles.yaml", "roles: []")
        archive.writestr("chalicelib/config/policies/a.cedar", "permit")
        archive.writestr("chalicelib/config/../../../out", "no")
        archive.writestr("chalicelib/compiled.json", "{}")
    return path


def deploy(monkeypatch: pytest.MonkeyPatch, package: Path | None, function: object) -> Bucket:
    bucket = Bucket(package)
    account = Account(bucket, "1" * 12, "eu-west-1", "arn")
    template = {"Resources": {FUNCTION: {"Properties": function}}}
    stack = NEW.__class__(NEW.name, NEW.id, NEW.status, NEW.created, NEW.updated, {CONFIGURATION_OUTPUT: "d"}, {})
    monkeypatch.setattr(f"{HERE}.find_account", lambda _: account)
    monkeypatch.setattr(f"{HERE}.find_stack", lambda *_: stack)
    monkeypatch.setattr(f"{HERE}.sent_template", lambda *_: json.dumps(template))
    return bucket


@pytest.mark.parametrize(
    "function",
    [
        {"CodeUri": "s3://bucket/key"},
        {"CodeUri": {"Bucket": "bucket", "Key": "key"}},
        {"Code": {"S3Bucket": "bucket", "S3Key": "key"}},
    ],
)
def test_it_is_taken_out_of_the_package_that_the_template_names(
    package: Path, function: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = deploy(monkeypatch, package, function)
    found = unpack_deployed("dev")
    files = {path.relative_to(found.directory).as_posix() for path in found.directory.rglob("*") if path.is_file()}
    assert (files, found.digest) == ({"roles.yaml", "policies/a.cedar"}, "d")
    assert [arguments[:3] for arguments in bucket.asked] == [("s3", "cp", "s3://bucket/key")]  # type: ignore[attr-defined]


def test_what_is_not_there_or_may_not_be_read_is_told(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(monkeypatch, None, {"CodeUri": "s3://bucket/key"})
    with pytest.raises(OperationFailed, match=r"403(.|\n)*s3:GetObject of its package"):
        unpack_deployed("dev")
    deploy(monkeypatch, package, {})
    with pytest.raises(OperationFailed, match="does not say where its package is"):
        unpack_deployed("dev")
    (tmp_path / "broken.zip").write_text("x")
    deploy(monkeypatch, tmp_path / "broken.zip", {"CodeUri": "s3://bucket/key"})
    with pytest.raises(OperationFailed, match="cannot be read: File is not a zip file"):
        unpack_deployed("dev")
    monkeypatch.setattr(f"{HERE}.find_stack", lambda *_: None)
    with pytest.raises(OperationFailed, match="no stack credvend-dev in account 111111111111, eu-west-1: choose"):
        unpack_deployed("dev")
    monkeypatch.setattr(f"{HERE}.find_account", raises(CommandFailed("The AWS credentials cannot be read: none")))
    # Rights would not help.
    with pytest.raises(OperationFailed, match=r"\AThe AWS credentials cannot be read: none\Z"):
        unpack_deployed("dev")
