"""How a configuration becomes the one file that the deployed function reads (compiled.py)."""

import hashlib
import json
from pathlib import Path

import msgspec
from msgspec import NODEFAULT, UNSET, structs

from chalicelib.configuration.catalog_file import WrittenCatalog, read_catalog
from chalicelib.configuration.compiled import FORMAT, compiled_path, load_compiled
from chalicelib.configuration.digest import configuration_digest
from chalicelib.configuration.issuers_file import read_issuers
from chalicelib.configuration.policy_files import load_policies
from chalicelib.configuration.role_entry import RoleEntry
from chalicelib.configuration.source import check_source
from chalicelib.roles.catalog import Catalog


def compile_configuration(config: Path, allow_loopback_http: bool) -> WrittenCatalog:
    """Check a configuration directory, and write its compiled form.

    Args:
        allow_loopback_http: let issuers on this very machine be reached without TLS, for tests.

    Returns:
        The catalog, for whatever else is made from it.

    Raises:
        ConfigError: one line for every problem found.
    """
    catalog = read_catalog(config / "roles.yaml")
    source = check_source(config, Catalog(catalog.roles), allow_loopback_http, catalog.time_zone)
    names = frozenset(trusted.issuer.name for trusted in source.trusted_issuers().values())
    policies = load_policies(config, source.catalog, names)
    document = {
        "format": FORMAT,
        "written": configuration_digest(config),
        "allow_loopback_http": allow_loopback_http,
        "defaults": _defaults(RoleEntry),
        "roles": [msgspec.to_builtins(entry) for entry in catalog.entries],
        "issuers": read_issuers(config / "issuers.yaml"),
        "time_zone": catalog.time_zone and (catalog.time_zone.name, catalog.time_zone.rules.hex()),
        "schema": policies.schema,
        "attributes": sorted(policies.attributes),
        "policies": [
            [(one.name, one.text, one.caller, one.role), one.named, one.permits, one.kind] for one in policies.indexed
        ],
    }
    content = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    compiled_path(config).write_bytes(hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
    compiled = load_compiled(config, allow_loopback_http)
    if compiled.catalog.roles != source.catalog.roles:
        raise AssertionError("a compiled role differs from the one that was written")
    compiled.trusted_issuers()
    return catalog


def _defaults(entry: type[RoleEntry]) -> dict[str, object]:
    """What an entry has that does not say it; written once, for thousands of roles say little."""
    defaults = {
        field.name: field.default if field.default_factory is NODEFAULT else field.default_factory()
        for field in structs.fields(entry)
        if not field.required
    }
    return {name: default for name, default in defaults.items() if default is not UNSET}
