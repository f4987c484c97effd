"""A configuration as the deployed function reads it: checked and compiled to one file when the package was made.

Checking takes what a cold start has no time for: YAML, Cedar's validation, the checks of catalog and issuers. Here it
is only seen to that the file is whole, and made from the very configuration that lies beside it.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Final, NoReturn, cast

from chalicelib.aws.durations import parse_duration
from chalicelib.configuration.configuration import Configuration
from chalicelib.decisions.authorizer import Authorizer
from chalicelib.decisions.policy_index import IndexedPolicies, IndexedPolicy
from chalicelib.errors import ConfigError
from chalicelib.roles.role import Catalog, Role
from chalicelib.roles.session_rules import read_shape

if TYPE_CHECKING:
    from chalicelib.callers.oidc.issuer_keys import TrustedIssuer
    from chalicelib.configuration.catalog_file import RoleEntry, WrittenCatalog
    from chalicelib.configuration.session_rules_entry import ShapeEntry

# Of what is written below; a function never reads what another version of this code has written.
_FORMAT: Final = 2
_NAME: Final = "compiled.json"


def compiled_path(config: Path) -> Path:
    """Where the compiled form of a configuration directory is: beside it."""
    return config.with_name(_NAME)


def configuration_digest(config: Path) -> str:
    """Which configuration is it? SHA-256, 64 hexadecimal digits, over names and content of a directory's files.

    Hidden files are no part of it. What is deployed says this of the directory that is packaged: the adopter's files,
    laid over the shipped ones.
    """
    digest = hashlib.sha256()
    for path in shipped_files(config):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(config).as_posix()}\n{len(content)}\n".encode() + content)
    return digest.hexdigest()


def shipped_files(config: Path) -> list[Path]:
    """The files of a configuration directory that its digest is of."""
    return [path for path in sorted(config.rglob("[!.]*")) if path.is_file()]


def compile_configuration(config: Path, allow_loopback_http: bool) -> "WrittenCatalog":
    """Check a configuration directory, and write its compiled form.

    Args:
        allow_loopback_http: let issuers on this very machine be reached without TLS, for tests.

    Returns:
        The catalog, for whatever else is made from it.

    Raises:
        ConfigError: one line for every problem found.
    """
    # What the deployed function does without.
    import msgspec

    from chalicelib.configuration.catalog_file import RoleEntry, read_catalog
    from chalicelib.configuration.issuers_file import read_issuers
    from chalicelib.configuration.policy_files import load_policies
    from chalicelib.configuration.source import check_written

    catalog = read_catalog(config / "roles.yaml")
    written = check_written(config, Catalog(catalog.roles), allow_loopback_http)
    names = frozenset(trusted.issuer.name for trusted in written.trusted_issuers().values())
    policies = load_policies(config, written.catalog, names)
    document = {
        "format": _FORMAT,
        "written": configuration_digest(config),
        "allow_loopback_http": allow_loopback_http,
        "defaults": _defaults(RoleEntry),
        "roles": [msgspec.to_builtins(entry) for entry in catalog.entries],
        "issuers": read_issuers(config / "issuers.yaml"),
        "schema": policies.schema,
        "policies": [[(one.name, one.text, one.caller, one.role), one.named] for one in policies.indexed],
    }
    content = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    compiled_path(config).write_bytes(hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
    compiled = load_compiled(config, allow_loopback_http)
    if compiled.catalog.roles != written.catalog.roles:
        raise AssertionError("a compiled role differs from the one that was written")
    compiled.trusted_issuers()
    return catalog


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
    if document["format"] != _FORMAT:
        _refuse("was made by another version")
    digest = configuration_digest(config)
    if document["written"] != digest:
        _refuse("was not made from the configuration beside it")
    if document["allow_loopback_http"] is not allow_loopback_http:
        _refuse("was made for another stage")
    entries, defaults = document["roles"], document["defaults"]
    catalog = Catalog.of(
        [(entry["name"], entry["arn"]) for entry in entries], lambda place: _role(defaults | entries[place])
    )
    policies = tuple(
        IndexedPolicy(name, text, caller, role, tuple(named))
        for (name, text, caller, role), named in document["policies"]
    )

    @cache
    def issuers() -> "Mapping[str, TrustedIssuer]":
        from chalicelib.callers.oidc.issuer_keys import trusted_issuers

        return trusted_issuers(config, document["issuers"], allow_loopback_http)

    authorizer = Authorizer(IndexedPolicies(document["schema"], policies), catalog)
    return Configuration(catalog, issuers, authorizer, digest)


def _refuse(why: str) -> NoReturn:
    raise ConfigError([f"{_NAME}: {why}: package and deploy again"]) from None


def _defaults(entry: "type[RoleEntry]") -> dict[str, object]:
    """What an entry has that does not say it; written once, for thousands of roles say little."""
    from msgspec import NODEFAULT, UNSET, structs

    defaults = {
        field.name: field.default if field.default_factory is NODEFAULT else field.default_factory()
        for field in structs.fields(entry)
        if not field.required
    }
    return {name: default for name, default in defaults.items() if default is not UNSET}


def _role(entry: dict[str, object]) -> Role:
    """A role as catalog.py would make it from its entry, which it has found valid."""
    text = cast(dict[str, str], entry)
    flags = cast(dict[str, bool], entry)
    shape = SimpleNamespace(**{"policy": None} | entry)
    for part in ("params", "claims"):
        setattr(shape, part, {name: SimpleNamespace(**one) for name, one in getattr(shape, part).items()})
    return Role(
        name=text["name"],
        arn=text["arn"],
        description=text["description"],
        groups=tuple(cast(list[str], entry["groups"])),
        default_duration=parse_duration(cast(int | str, entry["default_duration"])),
        max_duration=parse_duration(cast(int | str, entry["max_duration"])),
        external_id=text["external_id"],
        require_reason=flags["require_reason"],
        source_identity=flags["source_identity"],
        tag_session=flags["tag_session"],
        shape=read_shape(cast("ShapeEntry", shape)),
    )
