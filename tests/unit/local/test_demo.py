"""What the demo deploys does what its tests promise."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from local.aws import LocalAws
from local.demo import _configuration
from local.oidc_provider import OidcProvider
from ops import admin


def test_the_policies_of_the_demo_pass_their_tests_and_all_are_reached(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    aws = cast(LocalAws, SimpleNamespace(directory=tmp_path))
    oidc = cast(OidcProvider, SimpleNamespace(issuer="http://127.0.0.1:8080/", audience="https://credvend.example.com"))
    config = _configuration(aws, oidc)
    assert admin.main(["test", "--all-reached", "--config", str(config)]) == 0
    assert capsys.readouterr().out == "5 passed, 0 failed.\n"
