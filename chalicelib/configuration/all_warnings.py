"""What in a valid configuration is likely a mistake? Each kind of file has its own answers; here they come together.

Whoever packages or validates a configuration is told. It stops nothing, and the deployed function never asks.
"""

from collections.abc import Callable, Iterable
from typing import Final

from chalicelib.configuration.catalog_warnings import catalog_warnings
from chalicelib.configuration.issuer_warnings import issuer_warnings
from chalicelib.configuration.policy_warnings import policy_warnings
from chalicelib.configuration.source import WrittenConfiguration
from chalicelib.configuration.template_warnings import template_warnings

# Each yields lines that begin with the file: `issuers.yaml: issuer 'okta': ...`.
_SOURCES: Final[tuple[Callable[[WrittenConfiguration], Iterable[str]], ...]] = (
    catalog_warnings,
    template_warnings,
    policy_warnings,
    lambda written: issuer_warnings(written.issuers),
)


def configuration_warnings(written: WrittenConfiguration) -> tuple[str, ...]:
    """One line for each likely mistake, the file first; the text of files may hold what cannot be printed."""
    return tuple(warning for source in _SOURCES for warning in source(written))
