"""The two configurations that are compared: a directory, a git revision of one, or what is deployed."""

from pathlib import Path
from typing import Final, NamedTuple

from chalicelib.configuration.configuration import Configuration
from chalicelib.configuration.source import WrittenConfiguration, read_source
from chalicelib.errors import ConfigError
from ops.comparing.revisions import unpack_revision
from ops.deciding.read_configuration import read_configuration
from ops.deployed.configuration import unpack_deployed
from ops.errors import OperationFailed
from ops.faults.invalid_configuration import invalid

DEPLOYED: Final = "deployed"


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
    written = _read_deployed(directory) if name == DEPLOYED else read_configuration(directory, name)
    differs = digest not in ("", written.configuration.digest)
    note = f"The package of {name} is not the one that its stack names: somebody deploys just now." if differs else ""
    return Side(name, directory, written, note)


def _read_deployed(directory: Path) -> WrittenConfiguration:
    """What is in a package already; laid over the shipped one once more, it might no longer be what is deployed."""
    try:
        return read_source(directory, allow_loopback_http=True, prove=False)
    except ConfigError as error:
        raise invalid(directory, error.problems, DEPLOYED) from None
