"""The configuration directory that decisions are made by, without AWS."""

from pathlib import Path

from chalicelib.configuration.source import WrittenConfiguration, read_source
from chalicelib.errors import ConfigError
from ops.errors import OperationFailed


def read_configuration(config: Path) -> WrittenConfiguration:
    """Read and check a configuration directory.

    Issuers may be on this very machine, as those of the local stage are: nobody's keys are fetched here.

    Raises:
        OperationFailed: it is not valid; one line for every problem.
    """
    try:
        return read_source(config, allow_loopback_http=True)
    except ConfigError as error:
        raise OperationFailed(f"{config} is no valid configuration:\n{error}") from None
