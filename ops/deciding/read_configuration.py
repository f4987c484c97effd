"""The configuration directory that decisions are made by, without AWS: as it would be deployed."""

import tempfile
from pathlib import Path

from chalicelib.configuration.source import WrittenConfiguration, read_source
from chalicelib.errors import ConfigError
from ops.building.source_tree import copy_configuration
from ops.errors import CommandFailed, OperationFailed
from ops.terminal.say import escaped_lines


def read_configuration(config: Path) -> WrittenConfiguration:
    """Read and check a configuration directory, laid over the shipped one as for a package, whose digest it so has.

    Issuers may be on this very machine, as those of the local stage are: nobody's keys are fetched here.

    Raises:
        OperationFailed: it is not valid; one line for every problem.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="credvend-") as temporary:
            target = Path(temporary) / "config"
            copy_configuration(target, config)
            return read_source(target, allow_loopback_http=True, prove=False)._replace(directory=config)
    except CommandFailed as error:
        raise OperationFailed(escaped_lines(str(error))) from None
    except OSError as error:  # what copying says of what cannot be read
        raise OperationFailed(escaped_lines(f"{config} cannot be read: {error}")) from None
    except ConfigError as error:
        raise OperationFailed(escaped_lines(f"{config} is no valid configuration:\n{error}")) from None
