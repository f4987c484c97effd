"""The configuration directory that decisions are made by, without AWS."""

import tempfile
from pathlib import Path

from chalicelib.configuration.digest import configuration_digest
from chalicelib.configuration.source import WrittenConfiguration, read_source
from chalicelib.errors import ConfigError
from ops.building.configuration_files import with_schema
from ops.building.source_tree import SHIPPED_CONFIG, copy_source
from ops.environments import ROOT
from ops.errors import CommandFailed, OperationFailed


def read_configuration(config: Path) -> WrittenConfiguration:
    """Read and check a configuration directory.

    Issuers may be on this very machine, as those of the local stage are: nobody's keys are fetched here.

    Raises:
        OperationFailed: it is not valid; one line for every problem.
    """
    try:
        return read_source(with_schema(config, ROOT / SHIPPED_CONFIG), allow_loopback_http=True)
    except ConfigError as error:
        raise OperationFailed(f"{config} is no valid configuration:\n{error}") from None


def digest_as_deployed(config: Path) -> str | None:
    """What audit records would call the configuration, if the directory were deployed; None: it would not be.

    That is not the directory's own digest: what is shipped is laid beneath it, and some of its files are not shipped.
    """
    with tempfile.TemporaryDirectory(prefix="credvend-") as directory:
        try:
            copy_source(Path(directory), config)
        except CommandFailed:
            return None
        return configuration_digest(Path(directory) / SHIPPED_CONFIG)
