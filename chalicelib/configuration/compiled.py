"""A configuration as the deployed function reads it: one file, compiled when the package was made.

Checking takes what a cold start has no time for: YAML, Cedar's validation, the checks of catalog and issuers. Here it
is only seen to that the file is whole, and made from the very configuration that lies beside it.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn, TypedDict

from chalicelib.configuration.compiled_roles import CompiledRoles
from chalicelib.configuration.configuration import Configuration
from chalicelib.configuration.digest import configuration_digest
from chalicelib.configuration.session_settings import settings_of
from chalicelib.decisions.authorizer import make_authorizer
from chalicelib.decisions.indexed_policy import IndexedPolicies, IndexedPolicy
from chalicelib.errors import ConfigError
from chalicelib.roles.catalog import Catalog

if TYPE_CHECKING:
    from chalicelib.callers.oidc.issuer_keys import TrustedIssuer
    from chalicelib.text.local_time import TimeZone

# A function never reads what another version of this code has compiled.
FORMAT: Final = 7
_NAME: Final = "compiled.json"


class CompiledPolicies(TypedDict):
    """Policies in the compiled form: what `IndexedPolicies` has."""

    schema: str
    attributes: list[str]
    policies: list[tuple[tuple[str, str, str, str], Sequence[str]]]
    forbids: list[int]
    kinds: list[tuple[int, str]]
    role_facts: list[str]


def compiled_path(config: Path) -> Path:
    """Where the compiled form of a configuration directory is: beside it."""
    return config.with_name(_NAME)


def load_compiled(config: Path, allow_loopback_http: bool) -> Configuration:
    """Read the compiled form of a configuration directory.

    Raises:
        ConfigError: it is not there, is not whole, or was made from another configuration, for another stage or by
            another version.
    """
    try:
        written, _, content = compiled_path(config).read_bytes().partition(b"\n")
    except OSError as error:
        _refuse(f"cannot be read: {error.strerror}")
    if hashlib.sha256(content).hexdigest().encode() != written:
        _refuse("is not whole")
    document = json.loads(content)
    if document["format"] != FORMAT:
        _refuse("was made by another version")
    digest = configuration_digest(config)
    if document["written"] != digest:
        _refuse("was not made from the configuration beside it")
    if document["allow_loopback_http"] is not allow_loopback_http:
        _refuse("was made for another stage")
    made = CompiledRoles(document["roles"], document["defaults"], document["accounts"])
    # The key is of all that is compiled. It is told nobody, and who can compute it knows the roles.
    catalog = Catalog.of(made.places, made.role, key=bytes.fromhex(written.decode()))

    @cache
    def issuers() -> "Mapping[str, TrustedIssuer]":
        from chalicelib.configuration.trusted_issuers import trusted_issuers

        return trusted_issuers(config, document["issuers"], allow_loopback_http)

    zone = None if document["time_zone"] is None else _time_zone(*document["time_zone"])
    authorizer = make_authorizer(_policies(document), catalog, zone)
    audit_mode = None
    if document["audited"] is not None:
        from chalicelib.decisions.audit_mode import AuditMode  # most have no policies in audit mode

        audit_mode = AuditMode(_policies(document["audited"]), authorizer, catalog, zone)
    return Configuration(catalog, issuers, authorizer, digest, settings_of(document["sessions"]), audit_mode)


def _policies(document: CompiledPolicies) -> IndexedPolicies:
    return IndexedPolicies(
        document["schema"],
        tuple(
            IndexedPolicy(name, text, caller, role, tuple(named))
            for (name, text, caller, role), named in document["policies"]
        ),
        frozenset(document["attributes"]),
        frozenset(document["forbids"]),
        dict(document["kinds"]),
        frozenset(document["role_facts"]),
    )


def _time_zone(name: str, rules: str) -> "TimeZone":
    from chalicelib.text.local_time import TimeZone  # most have none

    return TimeZone(name, bytes.fromhex(rules))


def _refuse(why: str) -> NoReturn:
    raise ConfigError([f"{_NAME}: {why}: package and deploy again"]) from None
