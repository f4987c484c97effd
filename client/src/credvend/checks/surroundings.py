"""What this computer has for credvend: a place for the cache, the proxy, and the certificates to trust."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from credvend.checks.finding import Found, first
from credvend.checks.subject import Subject
from credvend.disk.credentials_cache import Cache
from credvend.disk.private_files import remove, write_private
from credvend.errors import UsageError
from credvend.net.exchange import ca_bundle, tls_context
from credvend.net.proxies import proxy_for, proxy_variable
from credvend.net.urls import is_loopback

# A name that `credvend cache clear` knows.
_PROBE = "doctor.lock"


def check_cache(subject: Subject) -> Found:
    """Whether vended credentials can be kept, privately, where they are meant to be."""
    place = subject.config().cache
    if place == "off":
        return Found("ok", "off: each command asks the service")
    cache = Cache(subject.environ, place)
    said = f"{'the keyring, and ' if place == 'keyring' else ''}{cache.directory or 'nowhere'}"
    probe = os.path.join(cache.directory, _PROBE)
    try:
        cache.prepare()
        write_private(probe, b"credvend doctor")
        remove(probe)
    except UsageError as error:
        return Found("error", f"{said}: nothing is kept", error.message)
    return Found("ok", f"{said}, yours alone")


def check_proxy(subject: Subject) -> Found:
    """Which proxy leads to the service; its user and password are not told."""
    with first("There must be a url first."):
        url = urlsplit(subject.url())
    variable = proxy_variable(subject.environ)
    try:
        proxy = proxy_for(url, subject.environ)
    except UsageError as error:
        return Found("error", f"none that can be used ({variable})", error.message)
    if proxy is not None:
        return Found("ok", f"{proxy.name} ({variable})")
    if variable is None:
        return Found("ok", "none")
    if is_loopback(url.hostname or ""):
        return Found("ok", "none, for the service is on this computer")
    return Found("ok", f"none, for NO_PROXY names {url.hostname}")


def check_certificates(subject: Subject) -> Found:
    """Whose certificates are trusted."""
    found = ca_bundle(subject.config(), subject.environ)
    said = "the operating system's" if found is None else f"those of {found[0]} ({found[1]})"
    try:
        tls_context(subject.config(), subject.environ)
    except UsageError as error:
        return Found("error", said, error.message)
    return Found("ok", said)
