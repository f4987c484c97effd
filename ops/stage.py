"""A stage of `.chalice/config.json`, as far as packaging and deployment look at it themselves."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ops.aws_cli import CommandFailed

# Where no stage is named, by `make` and by `credvend-admin` alike.
DEFAULT_STAGE: Final = "dev"
# The only stage that the shipped configuration is meant for: it is the walk-through's.
LOCAL_STAGE: Final = "local"


@dataclass(frozen=True, slots=True)
class Stage:
    """The settings of a stage.

    Attributes:
        name: in commands, and in the names of all that is deployed.
    """

    name: str

    @property
    def stack(self) -> str:
        """Name of its CloudFormation stack."""
        return f"credvend-{self.name}"


def stages(root: Path) -> list[str]:
    """The names of all stages."""
    return sorted(json.loads((root / ".chalice/config.json").read_text(encoding="utf-8"))["stages"])


def read_stage(root: Path, name: str) -> Stage:
    """The stage of that name.

    Raises:
        CommandFailed: there is none.
    """
    if name not in stages(root):
        raise CommandFailed(f"No stage {name!r} in .chalice/config.json. There are: {', '.join(stages(root))}.")
    return Stage(name)
