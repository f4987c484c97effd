"""Where a configuration is read from."""

from pathlib import Path

from chalicelib.configuration.configuration import Configuration
from chalicelib.configuration.settings import Settings


def load_configuration(config: Path, settings: Settings) -> Configuration:
    """The configuration: a deployed function's was checked and compiled when it was packaged, any other is read here.

    Raises:
        ConfigError: one line for every problem found.
    """
    if settings.deployed:
        from chalicelib.configuration.compiled import load_compiled

        return load_compiled(config, settings.allow_loopback_http)
    from chalicelib.configuration.source import load_source

    return load_source(config, settings.allow_loopback_http)
