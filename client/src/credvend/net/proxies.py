"""Which proxy a request goes through."""

from __future__ import annotations

import contextlib
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

from urllib3.util import make_headers

from credvend.errors import UsageError
from credvend.net.urls import is_loopback


@dataclass(frozen=True)
class Proxy:
    """A proxy; its headers may hold a password, so they are not in its `repr`."""

    host: str
    port: int
    headers: Mapping[str, str] = field(repr=False)

    @property
    def name(self) -> str:
        """For people: without its password."""
        return f"{self.host}:{self.port}"


def proxy_for(url: SplitResult, environ: Mapping[str, str]) -> Proxy | None:
    """The proxy for a URL: `HTTPS_PROXY`, else `ALL_PROXY`, in lower or upper case, unless `NO_PROXY` names the host.

    Raises:
        UsageError: the variable holds no URL of a proxy.
    """
    host = url.hostname or ""
    no_proxy = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    if is_loopback(host) or _bypasses_proxy(host, url.port or 443, no_proxy):
        return None
    variable = proxy_variable(environ)
    if variable is None:
        return None
    text = environ[variable]
    with contextlib.suppress(ValueError):
        proxy = urlsplit(text if "://" in text else f"http://{text}")
        if "@" in f"{proxy.path}{proxy.query}{proxy.fragment}":
            raise ValueError  # behind a password with one of / ? # in it, whose start would be taken for the host
        if proxy.hostname and proxy.scheme != "http":
            raise UsageError(f"The proxy {proxy.hostname} must be given as http://HOST:PORT; TLS goes through it.")
        if proxy.hostname and text.isascii() and not re.search(r"[\x00-\x20\x7f]", text):
            user = f"{unquote(proxy.username or '')}:{unquote(proxy.password or '')}"
            headers = make_headers(proxy_basic_auth=user) if proxy.username is not None else {}
            return Proxy(proxy.hostname, proxy.port or 80, headers)
    raise UsageError(
        f"The variable {variable} holds no URL like http://proxy.example.com:3128; in a user and a password, "
        "/ ? # are written %2F %3F %23."
    )


def proxy_variable(environ: Mapping[str, str]) -> str | None:
    """The variable that names a proxy, if any does."""
    names = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
    return next((name for name in names if environ.get(name)), None)


def _bypasses_proxy(host: str, port: int, no_proxy: str) -> bool:
    """Whether `NO_PROXY` names a host: `*`, a name for itself and all below it, an address, or a network; with a port,
    for that port."""
    for entry in no_proxy.lower().replace(",", " ").split():
        if entry == "*":
            return True
        with contextlib.suppress(ValueError):
            if ipaddress.ip_address(host) in ipaddress.ip_network(entry.strip("[]"), strict=False):
                return True
        name, colon, only = entry.rpartition(":")
        if colon and only.isdigit():
            if int(only) != port:
                continue
            entry = name
        name = entry.strip("[]").lstrip("*").lstrip(".")
        if name and (host.lower() == name or host.lower().endswith("." + name)):
            return True
    return False
