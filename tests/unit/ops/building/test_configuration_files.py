"""What an adopter's configuration directory may hold, and what of it is shipped."""

import shutil
from pathlib import Path

import pytest

from ops.building.configuration_files import lay_over
from ops.environments import ROOT
from ops.errors import CommandFailed


def _copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "chalicelib/config", tmp_path / "mine"))


def test_subfolders_of_policies_are_shipped_and_what_is_beside_the_configuration_is_not(tmp_path: Path) -> None:
    config, target = _copy(tmp_path), tmp_path / "target"
    target.mkdir()
    beside = (
        *("tests/test_x.py", "tests/x.yaml", "README.md", "stage.yaml", "stage.schema.json", "tests.schema.json"),
        *("template.yaml", "template.json"),
    )
    for name in ("policies/team/x.cedar", *beside):
        (config / name).parent.mkdir(exist_ok=True)
        (config / name).write_text("x")
    lay_over(config, target)
    assert (target / "policies/team/x.cedar").is_file()
    assert [name for name in beside if (target / name).exists()] == []


def test_accounts_and_files_of_several_owners_are_shipped_and_none_stays_behind(tmp_path: Path) -> None:
    config, target = _copy(tmp_path), tmp_path / "target"
    names = ("accounts.yaml", "accounts/team/a.yaml", "roles/a.yaml", "roles/team/b.yaml")
    for name in names:
        (config / name).parent.mkdir(exist_ok=True, parents=True)
        (config / name).write_text("x")
    (config / "roles/.hidden").write_text("x")
    target.mkdir()
    lay_over(config, target)
    assert all((target / name).is_file() for name in names) and not (target / "roles/.hidden").exists()
    for name in ("accounts", "roles"):
        shutil.rmtree(config / name)
    (config / "accounts.yaml").unlink()
    lay_over(config, target)
    assert not any((target / name).exists() for name in names)


@pytest.mark.parametrize("folder", ["roles", "accounts", "policies"])
def test_no_folder_of_a_configuration_may_be_a_link(tmp_path: Path, folder: str) -> None:
    config = _copy(tmp_path)
    shutil.rmtree(config / folder, ignore_errors=True)
    (config / folder).symlink_to(tmp_path)
    with pytest.raises(CommandFailed, match="is a link to a folder"):
        lay_over(config, tmp_path / "target")


def test_a_link_to_a_folder_is_not_followed(tmp_path: Path) -> None:
    config = _copy(tmp_path)
    (config / "policies/round").symlink_to(config / "policies")
    with pytest.raises(CommandFailed, match="is a link to a folder"):
        lay_over(config, tmp_path / "target")
