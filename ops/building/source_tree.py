"""The tree that is packaged: a copy of what Lambda needs of the checkout, with the adopter's configuration in it."""

import json
import shutil
from pathlib import Path
from typing import Final

from ops.building.configuration_files import is_beside, lay_over
from ops.building.summary import Summary
from ops.documents.json_object import json_text
from ops.environments import ROOT
from ops.stages.names import CONFIGURATION_OUTPUT, DIGEST_OUTPUT

SHIPPED_CONFIG: Final = Path("chalicelib/config")


def copy_source(target: Path, config: Path | None) -> None:
    """Lay out afresh what Lambda needs; only Chalice's cache stays from last time."""
    target.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(target / "vendor", ignore_errors=True)  # earlier versions installed there, and Chalice packages it
    shutil.copyfile(ROOT / "app.py", target / "app.py")
    (target / "requirements.txt").write_text("# Chalice is to download nothing.\n", encoding="utf-8")
    shutil.rmtree(target / "chalicelib", ignore_errors=True)
    shutil.copytree(ROOT / "chalicelib", target / "chalicelib", ignore=_not_shipped)
    (target / ".chalice").mkdir(exist_ok=True)
    for name in ("config.json", "template.json"):
        shutil.copyfile(ROOT / ".chalice" / name, target / ".chalice" / name)
    if config is not None:
        lay_over(config, target / "chalicelib/config")


def copy_configuration(target: Path, config: Path) -> None:
    """Lay out a configuration as it is packaged: an adopter's directory over the shipped one.

    Args:
        target: a directory that is not there yet.

    Raises:
        CommandFailed: the adopter's lacks something, or holds what is no part of a configuration.
    """
    shutil.copytree(ROOT / SHIPPED_CONFIG, target, ignore=_not_shipped)
    lay_over(config, target)


def name_configuration(source: Path, summary: Summary) -> None:
    """Have the stack say which configuration it is, as audit records and `/v1/iam/health` do, and which stage.yaml."""
    path = source / ".chalice/template.json"
    template = json.loads(path.read_text(encoding="utf-8"))
    template["Outputs"][CONFIGURATION_OUTPUT] = {
        "Description": "SHA-256 of the configuration, as in audit records.",
        "Value": summary.digest,
    }
    template["Outputs"][DIGEST_OUTPUT] = {
        "Description": "SHA-256 of what the next deployment is compared with: configuration, settings of the stage.",
        "Value": summary.own_digest,
    }
    path.write_text(json_text(template), encoding="utf-8")


def _not_shipped(directory: str, names: list[str]) -> list[str]:
    """What of a directory of the checkout is not copied."""
    is_config = Path(directory) == ROOT / SHIPPED_CONFIG
    return [name for name in names if name == "__pycache__" or (is_config and is_beside(name))]
