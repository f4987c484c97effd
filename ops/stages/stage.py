"""A stage of `.chalice/config.json`, as far as packaging and deployment look at it themselves."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, cast

from ops.errors import CommandFailed
from ops.stages.read_stage_file import read_stage_file
from ops.stages.runtimes import OWN_RUNTIME, RUNTIMES
from ops.stages.stage_file import STAGE_FILE, StageFile

# Where no stage is named, by `make` and by `credvend-admin` alike.
DEFAULT_STAGE: Final = "dev"
# The only stage that the shipped configuration is meant for: it is the walk-through's.
LOCAL_STAGE: Final = "local"
_FILE: Final = ".chalice/config.json"
# What the functions beside the one that vends are called, behind the stack's name: .chalice/template.json.
_FUNCTIONS: Final = ("-doctor", "-revoker")


@dataclass(frozen=True, slots=True)
class Stage:
    """The settings of a stage.

    Attributes:
        name: in commands, and in the names of all that is deployed.
        runtime: Lambda's, such as `python3.12`.
        runtime_file: the `stage.yaml` that says so, or None: it stands in `.chalice/config.json`.
        settings: what `stage.yaml` says, read once for all that look at it.
    """

    name: str
    runtime: str
    runtime_file: Path | None = None
    settings: StageFile = field(default_factory=StageFile)

    @property
    def stack(self) -> str:
        """Name of its CloudFormation stack."""
        return f"credvend-{self.name}"


def stages(root: Path) -> list[str]:
    """The names of all stages."""
    return sorted(_stages(root))


def is_stage(root: Path, name: str) -> bool:
    """Whether there is such a stage; in a program that was installed without the checkout, there may be any."""
    return not (root / _FILE).exists() or name in _stages(root)


def read_stage(root: Path, name: str, config: Path | None = None) -> Stage:
    """The stage of that name.

    Its runtime is what `stage.yaml` says, or else `.chalice/config.json`; where neither names one, the version of the
    Python that runs this. `CREDVEND_RUNTIME` in the environment takes the place of all: the local AWS runs functions
    with its own Python and refuses others, so tests that deploy other stages there need that one.

    Args:
        config: the adopter's configuration directory, which may hold a `stage.yaml`.

    Raises:
        CommandFailed: there is no such stage, its name is not to be had, or its runtime is none of Lambda's for Python.
        ConfigError: `stage.yaml` is invalid.
    """
    known = _stages(root)
    if name not in known:
        raise CommandFailed(f"No stage {name!r} in .chalice/config.json. There are: {', '.join(sorted(known))}.")
    if name.endswith(_FUNCTIONS):
        # Whoever may invoke `credvend-prod-doctor` may not vend: it must be no stage's function that vends.
        raise CommandFailed(f"No stage may be called {name!r}: so is a function of another. Choose another name.")
    settings = StageFile() if config is None else read_stage_file(config)
    runtime = os.environ.get("CREDVEND_RUNTIME") or settings.runtime or known[name].get("runtime", OWN_RUNTIME)
    if runtime not in RUNTIMES:
        raise CommandFailed(f"The runtime {runtime!r} of stage {name} is none of {', '.join(RUNTIMES)}.")
    runtime_file = None if config is None or settings.runtime is None else config / STAGE_FILE
    return Stage(name, str(runtime), runtime_file, settings)


def _stages(root: Path) -> dict[str, dict[str, object]]:
    document = json.loads((root / _FILE).read_text(encoding="utf-8"))
    return cast(dict[str, dict[str, object]], document["stages"])
