"""Do the issuers of a configuration give their keys to credvend? Asked as the service asks them, by its own code."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from chalicelib.callers.oidc.connection import Deadline
from chalicelib.callers.oidc.fetch import TROUBLE, fetch_json
from chalicelib.callers.oidc.issuer import Issuer
from chalicelib.callers.oidc.issuer_keys import PATIENCE_SECONDS, fetch_keys
from chalicelib.callers.oidc.key_set import keys_of
from chalicelib.text.strict_json import json_object
from ops.issuer_checks.advice import Trouble, explain

_AT_ONCE: Final = 16


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of asking an issuer.

    Attributes:
        keys_from: the address or file that its keys are from, or that was asked last.
        keys: how many there are; 0: it failed.
        trouble: why it failed.
    """

    issuer: Issuer
    keys_from: str
    keys: int = 0
    trouble: Trouble | None = None


def check_issuers(issuers: Sequence[Issuer], config: Path, allow_loopback_http: bool) -> list[Checked]:
    """Ask all issuers for their keys, side by side, and in the time that a request would have for each.

    Args:
        config: the directory of the configuration, whose files of keys have been found good.
        allow_loopback_http: let issuers on this very machine be reached without TLS.
    """
    if not issuers:
        return []
    with ThreadPoolExecutor(min(len(issuers), _AT_ONCE)) as threads:
        return list(threads.map(lambda issuer: _check(issuer, config, allow_loopback_http), issuers))


def is_without_network(checked: Sequence[Checked]) -> bool:
    """Whether it seems to be this machine that reaches nobody: several hosts, and no way to any of them."""
    asked = [one for one in checked if one.issuer.jwks_file is None]
    hosts = {urlsplit(one.keys_from).hostname for one in asked}
    return len(hosts) > 1 and all(one.trouble is not None and one.trouble.went_nowhere for one in asked)


def _check(issuer: Issuer, config: Path, allow_loopback_http: bool) -> Checked:
    if issuer.jwks_file is not None:
        keys = keys_of(json_object((config / issuer.jwks_file).read_bytes()))
        return Checked(issuer, issuer.jwks_file, len(keys))
    asked: list[str] = []

    def fetch(url: str, deadline: Deadline) -> dict[str, object]:
        asked.append(url)
        return fetch_json(url, deadline)

    try:
        keys = fetch_keys(issuer, fetch, Deadline(PATIENCE_SECONDS), allow_loopback_http)
    except TROUBLE as error:
        return Checked(issuer, asked[-1], trouble=explain(error, asked[-1], issuer))
    return Checked(issuer, asked[-1], len(keys))
