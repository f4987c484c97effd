"""The configuration: a file of `name = value` lines, and variables `CREDVEND_NAME`, which win.

Each named service has a section of its own in it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from credvend import lean
from credvend.disk.private_files import make_directory, write_private
from credvend.errors import UsageError

if TYPE_CHECKING:  # slow to import
    from pathlib import Path

# Where vended credentials are kept.
CACHES = ("file", "keyring", "off")
_HEADER = "# credvend: what each name means is in the README, under Configuration.\n"


@dataclass(frozen=True)
class Config:
    """How to reach the service, and how to prove who one is.

    Attributes:
        url: of the service, without a slash at its end; empty if there is none yet.
        auth: `auto`, or the name of a method of `auth/methods`; whether there is that method, others know.
        region: of the service, for SigV4, where the host does not tell.
        profile: in `~/.aws/config`, to sign with; None for what the AWS credential chain finds.
        ca_bundle: a file of certificates to trust instead of the system's.
        audience: of tokens that are asked for.
        token_file: where the token is.
        issuer, client_id, scopes: of the OpenID provider that people sign in to.
        console_url: the federation endpoint, where it is not AWS's own.
        cache: one of `CACHES`.
        favourites: roles that the picker shows first.
        connect_timeout, read_timeout: seconds.
    """

    url: str = ""
    auth: str = "auto"
    region: str | None = None
    profile: str | None = None
    ca_bundle: str | None = None
    audience: str | None = None
    token_file: str | None = None
    issuer: str | None = None
    client_id: str | None = None
    scopes: tuple[str, ...] = ()
    console_url: str | None = None
    cache: str = "file"
    favourites: tuple[str, ...] = ()
    connect_timeout: float = 5.0
    read_timeout: float = 35.0  # API Gateway gives the service 29 s


def load_config(environ: Mapping[str, str]) -> Config:
    """The configuration of the file, which need not be there, and of the variables.

    Raises:
        UsageError: it is malformed.
    """
    try:
        settings = lean.read_settings(environ)
    except lean.Unreadable as error:
        raise UsageError(str(error)) from None
    values: dict[str, Any] = dict(settings)
    for name in {"scopes", "favourites"} & settings.keys():
        values[name] = tuple(settings[name].split())
    for name in ("connect_timeout", "read_timeout"):
        if name in values:
            values[name] = _seconds(name, settings[name])
    if values.get("cache", "file") not in CACHES:
        raise UsageError(f"cache is one of {', '.join(CACHES)}, not {settings['cache']}.")
    return Config(**values)


def where_to_say_it(environ: Mapping[str, str]) -> str:
    """What to do where no setting says where the service is.

    Raises:
        UsageError: the configuration is malformed.
    """
    service = environ.get(lean.SERVICE)
    if not service:
        return "Where is the service? Run `credvend configure`, or set CREDVEND_URL."
    names = service_names(environ)
    if service in names:
        return f"The service {service} has no url: run `credvend configure --service {service}`."
    known = f"it has {', '.join(names)}" if names else "it has none with a name"
    add = f"`credvend configure --service {service}` adds one" if lean.is_service_name(service) else "name another"
    return f"There is no service {service} in {lean.config_path(environ) or 'the configuration'}: {known}; {add}."


def service_names(environ: Mapping[str, str]) -> list[str]:
    """The named services of the file, in its order.

    Raises:
        UsageError: it is malformed.
    """
    try:
        return [name for name in lean.read_services(environ) if name]
    except lean.Unreadable as error:
        raise UsageError(str(error)) from None


def without_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment in which a configuration is what its file says, without the variables that win over it."""
    variables = {f"CREDVEND_{name.upper()}" for name in lean.SETTINGS}
    return {name: value for name, value in environ.items() if name not in variables}


def _seconds(name: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 600:
        raise UsageError(f"{name} is a number of seconds of at most 600, not {text}.")
    return seconds


def settings_of(config: Config) -> dict[str, str]:
    """The configuration as `lean` has it: what is not empty, as text."""
    given = {name: value for name, value in vars(config).items() if value not in (None, "", ())}
    return {name: " ".join(value) if isinstance(value, tuple) else str(value) for name, value in given.items()}


def save_config(config: Config, environ: Mapping[str, str]) -> Path:
    """Write the file, 0600, whole or not at all; a link is kept, and what it points to written. Tells where it is.

    Only what is another than before is written anew: comments, their order and other services stay as they are.

    Raises:
        UsageError: a value would not come back as it is, or the file cannot be read or written.
    """
    from pathlib import Path

    named = lean.config_path(environ)
    path = os.path.realpath(named) if named else ""
    before = settings_of(load_config(without_settings(environ)))
    default = settings_of(Config())
    settings = settings_of(config)
    for name in lean.PATHS:
        if name in settings and not settings[name].startswith("~/"):
            settings[name] = os.path.abspath(settings[name])
    for name, value in settings.items():
        if value != value.strip() or len(value.splitlines()) != 1:
            raise UsageError(f"{name} must be one line, without blanks around it.")
    changed = {name: settings.get(name) for name in lean.SETTINGS if settings.get(name) != before.get(name)}
    wanted = {name: None if value == default.get(name) else value for name, value in changed.items()}
    try:
        if path:
            make_directory(os.path.dirname(path))
        text = lean.decoded(lean.read_believed(path))
        if lean.came_by_sudo_from(os.stat(path)):
            raise UsageError(f"{path} belongs to who ran sudo: run this without it.")
    except FileNotFoundError:
        text = _HEADER
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be written: {error}.") from None
    except lean.Unreadable as error:
        raise UsageError(str(error)) from None
    write_private(path, _with_settings(text, environ.get(lean.SERVICE, ""), wanted).encode("utf-8"))
    return Path(path)


def _with_settings(text: str, service: str, wanted: Mapping[str, str | None]) -> str:
    """The text with other values for some settings of a service; None for a line that goes."""
    ending = "\r\n" if "\r\n" in text else "\n"
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith(("\n", "\r")):
        lines[-1] += ending
    of: list[str] = []  # which service each line is about
    for line in lines:
        of.append(lean.service_in(line.strip()) or (of[-1] if of else ""))
    if service and service not in of:
        lines += [*([ending] if lines else []), f"[service {service}]{ending}"]
        of += [*([""] if len(lines) > 1 else []), service]
    # New lines go behind the last one that is there, or else behind the comment that the section begins with.
    at = of.index(service) + 1 if service else 0
    while at < len(lines) and of[at] == service and lines[at].strip().startswith("#"):
        at += 1
    missing = {name: value for name, value in wanted.items() if value is not None}
    for number, line in enumerate(lines):
        name = line.partition("=")[0].strip()
        if of[number] == service and name in lean.SETTINGS:
            if name in wanted:
                value = missing.pop(name, None)
                lines[number] = "" if value is None else f"{name} = {value}{ending}"
            at = number + 1
    lines[at:at] = [f"{name} = {value}{ending}" for name, value in missing.items()]
    return "".join(lines)
