"""Whoever packages is told what was packaged."""

from pathlib import Path

import pytest

from ops import package as packaging


@pytest.mark.parametrize(
    ("arguments", "region", "told"),
    [
        (
            ["dev"],
            None,
            ["chalicelib/config (the walk-through's: name yours by CONFIG=DIRECTORY)", "none: set AWS_REGION"],
        ),
        (["local"], "eu-west-1", ["chalicelib/config", "eu-west-1"]),
        (["dev", "--config", "CONFIG"], "eu-west-1", ["CONFIG", "eu-west-1"]),
    ],
)
def test_configuration_and_region_are_told(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    region: str | None,
    told: list[str],
) -> None:
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    if region is not None:
        monkeypatch.setenv("AWS_REGION", region)
    monkeypatch.setattr(packaging, "package", lambda *rest: tmp_path / "sam.json")
    assert packaging.main(arguments) == 0
    config, where = capsys.readouterr().out.splitlines()[3:]
    assert config == f"config    {told[0]}" and where.startswith(f"region    {told[1]}")
