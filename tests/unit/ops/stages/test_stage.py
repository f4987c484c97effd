"""Stages whose functions could be taken for others are refused."""

import json
from pathlib import Path

import pytest

from ops.environments import ROOT
from ops.errors import CommandFailed
from ops.stages.stage import read_stage


@pytest.mark.parametrize("name", ["prod-doctor", "prod-revoker"])
def test_no_stage_is_called_as_a_function_of_another(tmp_path: Path, name: str) -> None:
    (tmp_path / ".chalice").mkdir()
    (tmp_path / ".chalice/config.json").write_text(json.dumps({"stages": {name: {}, "doctor": {}}}))
    with pytest.raises(CommandFailed, match="so is a function of another"):
        read_stage(tmp_path, name)
    assert read_stage(tmp_path, "doctor").stack == "credvend-doctor"


def test_the_functions_are_called_so() -> None:
    resources = json.loads((ROOT / ".chalice/template.json").read_text())["Resources"]
    names = [resources[name]["Properties"]["FunctionName"] for name in ("Doctor", "Revoker")]
    assert names == [{"Fn::Sub": f"${{AWS::StackName}}-{end}"} for end in ("doctor", "revoker")]
