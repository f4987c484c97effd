"""What Chalice's own commands may do, without starting one."""

from pathlib import Path

import pytest

from chalicelib.chalice_commands import refuse_deployment, settle_region


@pytest.mark.parametrize("command", ["deploy", "delete", "generate-pipeline"])
def test_what_would_change_aws_past_our_own_deployment_is_refused(command: str) -> None:
    with pytest.raises(SystemExit, match="make deploy STAGE=dev CONFIG=DIRECTORY"):
        refuse_deployment(["chalice", "--debug", command])


@pytest.mark.parametrize("command", ["local", "package"])
def test_what_changes_nothing_is_let_through(command: str) -> None:
    refuse_deployment(["chalice", command])


@pytest.mark.parametrize(
    ("environment", "region"),
    [
        ({"AWS_DEFAULT_REGION": "eu-west-1", "AWS_REGION": "eu-west-2"}, "eu-west-1"),
        ({"AWS_REGION": "eu-west-2"}, "eu-west-2"),
        ({"AWS_DEFAULT_REGION": ""}, "us-east-1"),
        ({}, "us-east-1"),
    ],
)
def test_a_region_is_settled(environment: dict[str, str], region: str, no_profile: None) -> None:
    settle_region(environment)
    assert environment["AWS_DEFAULT_REGION"] == region


def test_the_profile_tells_the_region(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_profile: None) -> None:
    (tmp_path / "config").write_text("[profile work]\nregion = eu-west-3\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "work")
    environment: dict[str, str] = {}
    settle_region(environment)
    assert environment["AWS_DEFAULT_REGION"] == "eu-west-3"
    monkeypatch.setenv("AWS_PROFILE", "play")
    with pytest.raises(SystemExit, match=r"play.*AWS_PROFILE names it\."):
        settle_region({})


@pytest.fixture
def no_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
