"""The trusted issuers of a configuration, and where the keys of each come from."""

from pathlib import Path

from chalicelib.callers.oidc.fetch import fetch_json
from chalicelib.callers.oidc.issuer import Issuer
from chalicelib.callers.oidc.issuer_keys import FetchedKeys, FixedKeys, Keys, TrustedIssuer
from chalicelib.callers.oidc.key_set import has_use_for, keys_of
from chalicelib.configuration.issuers_file import check_issuers, read_issuers
from chalicelib.errors import ConfigError
from chalicelib.text.strict_json import json_object


def load_trusted_issuers(config: Path, allow_loopback_http: bool) -> dict[str, TrustedIssuer]:
    """The issuers of a configuration directory, by their URL.

    Raises:
        ConfigError: one line for every problem found.
    """
    from chalicelib.configuration.issuer_warnings import issuer_mistakes  # the deployed function's were checked before

    trusted = trusted_issuers(config, read_issuers(config / "issuers.yaml"), allow_loopback_http)
    mistakes = issuer_mistakes(one.issuer for one in trusted.values())
    if mistakes:
        raise ConfigError(mistakes)
    return trusted


def trusted_issuers(config: Path, entries: list[object], allow_loopback_http: bool) -> dict[str, TrustedIssuer]:
    """The issuers of some entries of issuers.yaml, by their URL.

    Raises:
        ConfigError: one line for every problem found.
    """
    issuers = check_issuers(config / "issuers.yaml", entries, allow_loopback_http)
    return {issuer.url: TrustedIssuer(issuer, load_keys(issuer, config, allow_loopback_http)) for issuer in issuers}


def load_keys(issuer: Issuer, config: Path, allow_loopback_http: bool) -> Keys:
    """Where the keys of an issuer come from, as the configuration says. Nothing is fetched yet.

    Raises:
        ConfigError: its `jwks_file` is not a JWKS with a key for its algorithms.
    """
    if issuer.jwks_file is None:
        return FetchedKeys(issuer, fetch_json, allow_loopback_http)
    try:
        keys = keys_of(json_object((config / issuer.jwks_file).read_bytes()))
        if any("d" in key for key in keys):
            raise ValueError("it holds a private key, which must never leave its issuer")
    except (OSError, ValueError) as error:
        raise ConfigError([f"{issuer.jwks_file}: {error}"]) from None
    if not has_use_for(keys, issuer.algorithms):
        raise ConfigError([f"{issuer.jwks_file}: no key in it fits the algorithms of issuer {issuer.name!r}"])
    return FixedKeys(keys)
