"""What `make smoke` says of a stage that it cannot test."""

import pytest

from ops import smoke
from ops.aws.account import Account
from ops.errors import CommandFailed


def test_what_could_not_be_tested_has_not_failed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_region(_: object) -> Account:
        raise CommandFailed("No region: set AWS_REGION.")

    monkeypatch.setattr("ops.smoke.find_account", no_region)
    assert smoke.main(["prod"]) == 1
    assert capsys.readouterr().err == "Stage prod could not be tested: No region: set AWS_REGION.\n"
