"""How a configuration becomes the one file that the deployed function reads (compiled.py)."""

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import NODEFAULT, UNSET, structs

from chalicelib.configuration.all_warnings import configuration_warnings
from chalicelib.configuration.catalog_file import WrittenCatalog, WrittenEntry
from chalicelib.configuration.compiled import FORMAT, CompiledPolicies, compiled_path, load_compiled
from chalicelib.configuration.compiled_roles import FILLED, OF
from chalicelib.configuration.issuers_file import read_issuers
from chalicelib.configuration.role_entry import RoleEntry
from chalicelib.configuration.session_settings import compiled_settings
from chalicelib.configuration.source import read_source
from chalicelib.decisions.indexed_policy import IndexedPolicies


class CompiledConfiguration(NamedTuple):
    """What was compiled, for whatever else is made from it.

    Attributes:
        warnings: what is likely a mistake in it: one line each, the file first. It stops nothing.
        operator_role: as sessions.yaml names it.
    """

    catalog: WrittenCatalog
    warnings: tuple[str, ...]
    operator_role: str | None = None


def compile_configuration(config: Path, allow_loopback_http: bool) -> CompiledConfiguration:
    """Check a configuration directory, and write its compiled form.

    Args:
        allow_loopback_http: let issuers on this very machine be reached without TLS, for tests.

    Raises:
        ConfigError: one line for every problem found.
    """
    written = read_source(config, allow_loopback_http)
    zone = written.catalog.time_zone
    document = {
        "format": FORMAT,
        "written": written.configuration.digest,
        "allow_loopback_http": allow_loopback_http,
        "defaults": _defaults(RoleEntry),
        "accounts": [list(account) for account in written.catalog.accounts.accounts],
        "roles": [_compiled(entry, written.catalog) for entry in written.catalog.entries],
        "issuers": read_issuers(config / "issuers.yaml"),
        "time_zone": zone and (zone.name, zone.rules.hex()),
        **_policies(written.policies.for_package()),
        "audited": None if written.audited is None else _policies(written.audited),
        "sessions": compiled_settings(written.configuration.sessions),
    }
    content = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    compiled_path(config).write_bytes(hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
    compiled = load_compiled(config, allow_loopback_http)
    if compiled.catalog.roles != written.catalog.roles:
        raise AssertionError("a compiled role differs from the one that was written")
    if compiled.sessions != written.configuration.sessions:
        raise AssertionError("compiled settings of sessions differ from those that were written")
    compiled.trusted_issuers()
    return CompiledConfiguration(written.catalog, configuration_warnings(written), compiled.sessions.operator_role)


def _builtins(entry: RoleEntry) -> dict[str, object]:
    said: dict[str, object] = msgspec.to_builtins(entry)
    return said


def _compiled(written: WrittenEntry, catalog: WrittenCatalog) -> dict[str, object]:
    """An entry; of many accounts once, with what makes a role of each of them."""
    if not written.accounts:
        account = catalog.accounts.by_id.get(catalog.roles[written.first].account)
        known = {} if account is None else {OF: catalog.accounts.accounts.index(account)}
        return _builtins(written.entry) | known
    entry = written.entry
    if written.is_filled:
        # As it is written, but for what has defaults of its own; nothing there speaks of accounts.
        parts = {"params": entry.params, "claims": entry.claims}
        value = dict(written.value) | {key: msgspec.to_builtins(part) for key, part in parts.items() if part}
    else:
        value = _builtins(entry)
    return value | {"accounts": list(written.accounts), FILLED: written.is_filled}


def _policies(policies: IndexedPolicies) -> CompiledPolicies:
    return {
        "schema": policies.schema,
        "attributes": sorted(policies.attributes),
        "policies": [((one.name, one.text, one.caller, one.role), one.named) for one in policies.indexed],
        "forbids": sorted(policies.forbids),
        "kinds": list(policies.kinds.items()),
        "role_facts": sorted(policies.role_facts),
    }


def _defaults(entry: type[RoleEntry]) -> dict[str, object]:
    """What an entry has that does not say it; written once, for thousands of roles say little."""
    defaults = {
        field.name: field.default if field.default_factory is NODEFAULT else field.default_factory()
        for field in structs.fields(entry)
        if not field.required
    }
    return {name: default for name, default in defaults.items() if default is not UNSET}
