"""The aws command line, called the way people call it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from ops.documents.json_object import Json
from ops.environments import programs
from ops.errors import CommandFailed
from ops.processes.run import Ended, run


@dataclass(frozen=True, slots=True, repr=False)
class AwsCli:
    """The `aws` of the project's own virtualenv.

    Attributes:
        environment: all that it is run with, credentials included: they never stand on a command line.
    """

    environment: Mapping[str, str]

    def run(self, *arguments: str) -> Ended:
        """Run a command, whatever its exit status."""
        # Not the script `aws`: its first line does not work in a directory with a space in its name.
        command = [str(programs("aws") / "python"), "-m", "awscli", *arguments]
        return run(command, environment={**self.environment, "AWS_PAGER": ""})

    def text(self, *arguments: str) -> str:
        """What a command prints.

        Raises:
            CommandFailed: it failed.
        """
        done = self.run(*arguments)
        if done.returncode != 0:
            raise CommandFailed(f"aws {' '.join(arguments)}\n{(done.stderr or done.stdout).strip()}")
        return done.stdout.strip()

    def json(self, *arguments: str) -> Json:
        """The JSON object that a command prints, empty where it prints none.

        Raises:
            CommandFailed: it failed.
        """
        return cast(Json, json.loads(self.text(*arguments, "--output", "json") or "{}"))
