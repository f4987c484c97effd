"""The configuration: a file of `name = value` lines, and variables `CREDVEND_NAME`, which win."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from credvend import lean
from credvend.errors import UsageError

# What reads a configuration does without them: they are slow to import.
if TYPE_CHECKING:
    from pathlib import Path


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
    if "scopes" in values:
        values["scopes"] = tuple(settings["scopes"].split())
    for name in ("connect_timeout", "read_timeout"):
        if name in values:
            values[name] = _seconds(name, settings[name])
    return Config(**values)


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
    settings = {}
    for field in fields(config):
        value = getattr(config, field.name)
        if value not in (None, "", ()):
            settings[field.name] = " ".join(value) if isinstance(value, tuple) else str(value)
    return settings


def save_config(config: Config, environ: Mapping[str, str]) -> Path:
    """Write the file, 0600, whole or not at all; a link is kept, and what it points to written.

    Raises:
        UsageError: a value would not come back as it is, or the file cannot be written.
    """
    import tempfile
    from pathlib import Path

    default = settings_of(Config())
    settings = {name: value for name, value in settings_of(config).items() if value != default.get(name)}
    for name, value in settings.items():
        if value != value.strip() or len(value.splitlines()) != 1:
            raise UsageError(f"{name} must be one line, without blanks around it.")
    lines = "".join(f"{name} = {value}\n" for name, value in settings.items())
    text = "# credvend: what each name means is in the README, under Configuration.\n" + lines
    path = Path(os.path.realpath(lean.config_path(environ)))
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=str(path.parent), prefix=".config.")  # 0600
        try:
            with open(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from None
    return path
