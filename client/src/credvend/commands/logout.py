"""Signing out: the sign-in is forgotten here, at the OpenID provider, and with it the credentials that it got."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from credvend.auth import login
from credvend.config import Config
from credvend.errors import one_line


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """There are none."""


def run(arguments: argparse.Namespace, config: Config, environ: Mapping[str, str]) -> int:
    session, revoked = login.end(config, environ)
    if session is None:
        print("Nobody was signed in.")
        return 0
    print(one_line(f"Signed out{f' {session.name}' if session.name else ''}."))
    if revoked:
        print("The OpenID provider has revoked the refresh token.")
    return 0
