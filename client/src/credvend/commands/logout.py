"""Sign out: forget the sign-in here and at the OpenID provider, and with it what is cached."""

from __future__ import annotations

import click

from credvend.auth import sign_in
from credvend.commands.told import Told, is_told
from credvend.disk.credentials_cache import Cache
from credvend.errors import one_line
from credvend.text.messages import progress


@click.command(help=__doc__)
@is_told
def command(told: Told) -> int:
    config, environ = told
    try:
        with progress("signing out"):
            session, revoked = sign_in.end(config, environ)
    finally:
        # Whose they are, the names of the entries do not tell; what was another caller's is one request away.
        Cache(environ).clear()
    if session is None:
        print("Nobody was signed in.")
        return 0
    print(one_line(f"Signed out{f' {session.name}' if session.name else ''}."))
    if revoked:
        print("The OpenID provider has revoked the refresh token.")
    return 0
