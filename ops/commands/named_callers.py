"""Callers that have a name in the tests of a configuration."""

from collections.abc import Mapping
from pathlib import Path

from chalicelib.errors import ConfigError
from ops.deciding.described import CallerEntry
from ops.policy_tests.read import read_tests


def named_callers(config: Path, text: str) -> Mapping[str, CallerEntry]:
    """The callers of tests. Whoever means none of them need not have tests in order.

    Args:
        text: how the caller is written.

    Raises:
        ConfigError: tests are wrong.
    """
    try:
        return read_tests(config).callers
    except ConfigError:
        if ":" in text or Path(text).is_file():
            return {}
        raise
