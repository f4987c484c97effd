"""The files of a sign-in, below the state directory, each 0600: who is signed in, and the lock beside it.

The file holds the session (who, where, and the token that the service is sent, which lives for minutes). The refresh
token is not in it, but in the secret store.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from credvend import lean
from credvend.disk import locks, secret_store
from credvend.disk.config_file import Config
from credvend.disk.private_files import private_directory, remove, write_private
from credvend.errors import AuthenticationError
from credvend.oidc.provider import Provider
from credvend.text.json_object import json_object

# Seconds of life below which a token is renewed: enough for one request and its retries.
_MARGIN = 60.0


@dataclass(frozen=True, kw_only=True)
class Session(Provider):
    """A person who is signed in at a provider, which need not be found again for them.

    Attributes:
        subject, name: who, for the provider and for people; None if no ID token said it.
        token: what the service is sent.
        expires: of the token, in seconds since 1970 by this computer's clock.
        lifetime: seconds that it had when it came.
        obtained: when that was.
    """

    subject: str | None
    name: str | None
    token: str = field(repr=False)
    expires: float
    lifetime: float
    obtained: float

    def is_fresh(self, now: float) -> bool:
        """Whether the token is good for another request. Not so if the clock was set back since it came."""
        return self.obtained - _MARGIN <= now < self.expires - min(_MARGIN, self.lifetime / 4)


def refresh_token_name(config: Config) -> str:
    """What the refresh token is called in the secret store."""
    return secret_store.name_for("login", config.url)


def path_of(config: Config, environ: Mapping[str, str]) -> str:
    """The session's file."""
    return lean.state_path(environ, f"login-{lean.sha256(config.url)[:16]}.json")


def read(config: Config, environ: Mapping[str, str]) -> Session | None:
    """The session; None if nobody is signed in, or its file is cut off or of another version.

    Raises:
        AuthenticationError: others could have read or changed the file.
    """
    path = path_of(config, environ)
    try:
        return Session(**(json_object(lean.read_private(path)) or {}))
    except FileNotFoundError:
        return None
    except lean.Unreadable as error:
        raise AuthenticationError(str(error)) from None
    except (OSError, ValueError, TypeError):
        return None


def write(session: Session, config: Config, environ: Mapping[str, str]) -> None:
    """Keep the session instead of the one of before. Only under the lock.

    Raises:
        UsageError: it cannot be written.
    """
    path = path_of(config, environ)
    private_directory(os.path.dirname(path))
    write_private(path, json.dumps(vars(session)).encode("ascii"))


def locked(config: Config, environ: Mapping[str, str]) -> contextlib.AbstractContextManager[None]:
    """One process at a time; the lock ends with its holder, whatever ends that.

    Raises:
        CannotWrite: there can be no lock.
        ServiceError: others did not finish in time.
    """
    private_directory(lean.state_directory(environ))
    return locks.locked(path_of(config, environ) + ".lock")


def sweep(config: Config, environ: Mapping[str, str]) -> None:
    """Remove what a process that was killed while it wrote has left, which may be a token. Only under the lock."""
    directory = lean.state_directory(environ)
    ours = (
        path_of(config, environ),
        secret_store.path_of(refresh_token_name(config), environ),
        lean.marker_path(environ, "login", config.url),
    )
    names = "|".join(re.escape(os.path.basename(path)) for path in ours)
    with contextlib.suppress(OSError):
        for name in os.listdir(directory):
            if re.fullmatch(rf"\.(?:{names})\.[0-9a-f]{{16}}", name):
                remove(os.path.join(directory, name))
