"""The two configurations that are compared: a directory, a git revision of one, or what is deployed."""

from pathlib import Path
from typing import Final, NamedTuple

from chalicelib.configuration.configuration import Configuration
from chalicelib.configuration.source import WrittenConfiguration, read_source
from chalicelib.errors import ConfigError
from ops.building.configuration_files import with_schema
from ops.building.source_tree import SHIPPED_CONFIG
from ops.comparing.revisions import unpack_revision
from ops.deployed.configuration import unpack_deployed
from ops.environments import ROOT
from ops.errors import OperationFailed
from ops.validating.problems import validate

DEPLOYED: Final = "deployed"
# So many problems of a side are told; `validate` tells all.
_MOST_TOLD: Final = 10


class Side(NamedTuple):
    """One of the two.

    Attributes:
        name: as it was named: a directory, `main`, `HEAD~1:config`, `deployed`.
        directory: where its files are.
        note: what is to be said of it; empty: nothing.
    """

    name: str
    directory: Path
    written: WrittenConfiguration
    note: str = ""

    @property
    def configuration(self) -> Configuration:
        return self.written.configuration


def read_side(name: str, config: Path, stage: str) -> Side:
    """Read what is named: a directory that is there, `deployed`, or else a revision.

    Args:
        config: the directory that revisions are of.
        stage: of which the deployed configuration is meant.

    Raises:
        OperationFailed: it is not there, or not valid; says what to do.
    """
    digest = ""
    if name == DEPLOYED:
        directory, digest = unpack_deployed(stage)
    elif Path(name).is_dir():
        directory = Path(name)
    elif Path(name).exists():
        raise OperationFailed(f"{name} is a file: name the directory with roles.yaml and policies/, or a revision.")
    else:
        directory = unpack_revision(name, config)
    if not any(directory.iterdir()):
        raise OperationFailed(f"{name} is empty: name a directory with roles.yaml and policies/.")
    whole = with_schema(directory, ROOT / SHIPPED_CONFIG)
    try:
        # Issuers may be on this very machine, as those of the local stage are: nobody's keys are fetched here.
        written = read_source(whole, allow_loopback_http=True, prove=False)
    except ConfigError as error:
        raise OperationFailed(f"{name} is no valid configuration:\n{_problems(directory, error)}") from None
    differs = digest not in ("", written.configuration.digest)
    note = f"The package of {name} is not the one that its stack names: somebody deploys just now." if differs else ""
    return Side(name, directory, written, note)


def _problems(directory: Path, error: ConfigError) -> str:
    """All that is wrong, as `validate` tells it."""
    found = [one for one in validate(directory, None) if one.severity == "error"]
    lines = [f"{one.file or ''}{f':{one.line}' if one.line else ''}: {one.message}".lstrip(": ") for one in found]
    told = lines or list(error.problems)
    more = len(told) - _MOST_TOLD
    return "\n".join([*told[:_MOST_TOLD], *([f"and {more} more"] if more > 0 else [])])
