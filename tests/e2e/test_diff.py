"""What is deployed is compared with what would be: `credvend-admin diff deployed`."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from ops import admin
from testing.deployed import Stack

MORE = '@id("more") forbid (principal, action, resource == Role::"instances");'


def diff(capture: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> Any:
    got = admin.main(["diff", *arguments, "--stage", "local", "--json"])
    printed = capture.readouterr()
    assert got == status, printed.err
    return json.loads(printed.out)


def test_what_is_deployed_is_compared_and_what_was_asked_is_decided_again(
    stack: Stack, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in stack.aws.environment().items():
        monkeypatch.setenv(name, value)
    deployed = stack.aws.directory / "config"
    told = diff(capsys, "deployed", str(deployed))
    assert not told["AccessChanges"] and not told["Changes"]
    vended = stack.vend({"role": "instances"})
    assert vended.status == 200
    config = shutil.copytree(deployed, tmp_path / "config")
    (config / "policies/more.cedar").write_text(MORE)
    told = diff(capsys, "deployed", str(config), "--replay", "1h", "--exit-code", status=1)
    assert [(one["Sign"], one["Name"]) for one in told["Changes"]] == [("+", "more")]
    of_records = [one for one in told["Taken"] if one["From"] == "records"]
    assert any(one["Roles"] == ["instances"] and one["Who"].endswith(":user/alice") for one in of_records)
    assert told["Records"]["Requests"] >= 1
