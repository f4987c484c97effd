"""The client, installed as people install it, and typed as they type it: at the deployed service."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import pytest

from ops.environments import ensure, programs
from testing.deployed import PERSON, Json, Key, Stack


@dataclass(frozen=True)
class Client:
    """One person's shell, with `credvend` in its path.

    Attributes:
        environment: all that its commands see. Nothing of whoever runs the tests, but the path.
    """

    stack: Stack
    environment: Mapping[str, str] = field(repr=False)

    @property
    def python(self) -> str:
        """The interpreter that has the client's package."""
        return str(programs("client") / "python")

    @property
    def home(self) -> Path:
        return Path(self.environment["HOME"])

    def run(self, *words: str, input: str | None = None) -> "subprocess.CompletedProcess[str]":
        """`credvend ...`, whatever comes of it."""
        return self.command(str(programs("client") / "credvend"), *words, input=input)

    def command(self, *command: str, input: str | None = None) -> "subprocess.CompletedProcess[str]":
        """Any command in that shell."""
        return subprocess.run(
            command, env=self.environment, input=input, capture_output=True, text=True, timeout=120, check=False
        )

    def output(self, *words: str) -> str:
        """What `credvend ...` prints; it must succeed."""
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, *words: str) -> Json:
        """The same, as JSON."""
        return cast(Json, json.loads(self.output(*words)))

    def with_variables(self, **variables: str) -> "Client":
        return replace(self, environment={**self.environment, **variables})

    def without(self, *prefixes: str) -> "Client":
        """The same shell without some variables."""
        kept = {name: value for name, value in self.environment.items() if not name.startswith(prefixes)}
        return replace(self, environment=kept)

    def with_token(self, token: str) -> "Client":
        """The shell of somebody who has a token, and no AWS key."""
        return self.without("AWS_ACCESS", "AWS_SECRET", "AWS_SESSION").with_variables(CREDVEND_TOKEN=token)

    def remember(self, answer: Json) -> Key:
        """The key of an answer in the shape of `aws sts assume-role`; no log line of the run may hold it."""
        given = cast(dict[str, str], answer["Credentials"])
        key = Key(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
        self.stack.vended.append(key)
        return key


@pytest.fixture
def client(stack: Stack, tmp_path: Path) -> Client:
    """The shell of alice, who signs with her AWS key."""
    ensure("client")
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    signing = stack.aws.environment_for(stack.alice.access_key_id, stack.alice.secret_access_key)
    own = {"HOME": str(home), "CREDVEND_URL": stack.url, "AWS_EC2_METADATA_DISABLED": "true"}
    return Client(stack, {"PATH": PERSON["PATH"], **signing, **own})
