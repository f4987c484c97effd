"""The configuration directory that decisions are made by, without AWS: as it would be deployed."""

import tempfile
from pathlib import Path

from chalicelib.configuration.source import WrittenConfiguration, read_source
from chalicelib.errors import ConfigError
from ops.building.source_tree import copy_configuration
from ops.errors import CommandFailed, OperationFailed
from ops.faults.invalid_configuration import invalid
from ops.terminal.progress import Progress
from ops.terminal.say import escaped_lines


def read_configuration(config: Path, name: str | None = None) -> WrittenConfiguration:
    """Read and check a configuration directory, laid over the shipped one as for a package, whose digest it so has.

    Whether each policy can apply, `validate` looks at and packaging: that takes longer, and decides nothing. Issuers
    may be on this very machine, as those of the local stage are: nobody's keys are fetched here.

    Args:
        name: by which whoever runs the command knows the directory, if not by its path.

    Raises:
        OperationFailed: it is not valid; says what is wrong, with files and lines.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="credvend-") as temporary, Progress("Reading policies") as progress:
            progress.begin()
            target = Path(temporary) / "config"
            copy_configuration(target, config)
            return read_source(target, allow_loopback_http=True, prove=False)._replace(directory=config)
    except CommandFailed as error:
        raise invalid(config, str(error).splitlines(), name) from None
    except ConfigError as error:
        raise invalid(config, error.problems, name) from None
    except OSError as error:  # the disk is full, say
        raise OperationFailed(
            escaped_lines(f"{config} cannot be read, or be copied to {tempfile.gettempdir()}: {error}")
        ) from None
