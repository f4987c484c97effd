"""The commands that there are, one module each."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Mapping
from typing import Protocol, cast

from credvend.disk.config_file import Config

# In the order in which --help shows them.
COMMANDS = {
    "get": "print credentials, in a format of your choice",
    "exec": "run one command with credentials",
    "process": "credentials for credential_process",
    "roles": "the roles that you may have",
    "whoami": "you, as the service sees you",
    "console": "sign in to the AWS console",
    "serve": "a local endpoint for AWS SDKs",
    "login": "sign in, as a person",
    "logout": "forget the sign-in",
    "configure": "set up credvend and ~/.aws/config",
    "cache": "clear what is cached",
    "completion": "for bash, zsh or fish",
}


class Command(Protocol):
    """What a module of a command has. Its docstring is the command's description."""

    __doc__: str | None

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, arguments: argparse.Namespace, config: Config, environ: Mapping[str, str]) -> int:
        """Run it; the exit code.

        Raises:
            CredvendError: it cannot be done.
        """
        ...


def load_command(name: str) -> Command:
    """The module of a command of `COMMANDS`. Only that one is imported."""
    return cast(Command, importlib.import_module(f"credvend.commands.{name}"))
