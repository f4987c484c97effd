"""What operators do: they deploy the service, and give out API tokens."""

import io
import os
import subprocess
from contextlib import redirect_stderr, redirect_stdout
from unittest import mock

from ops import deploy
from ops.environments import ROOT
from testing.deployed import PERSON, Stack


def make_deploy(stack: Stack, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
    """Run `make deploy` with variables of make, and of the environment."""
    environment = stack.aws.environment() | PERSON | more
    return subprocess.run(
        ["make", "deploy", "YES=1", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def deploy_here(stack: Stack, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run what `make deploy` starts, with its arguments, in this process: with the stack's `aws`, which needs no start.

    It is for what is deployed. That `make` starts it, and how, is for `make_deploy` and the walk-throughs.
    """
    stdout, stderr = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ, stack.aws.environment() | PERSON, clear=True),
        redirect_stdout(stdout),
        redirect_stderr(stderr),
    ):
        status = deploy.main([*arguments, "--yes=1"])
    return subprocess.CompletedProcess(arguments, status, stdout.getvalue(), stderr.getvalue())


def admin(stack: Stack, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run `credvend-admin token` with a command and its arguments."""
    return subprocess.run(
        [str(ROOT / "credvend-admin"), "token", arguments[0], "--stage", "local", *arguments[1:]],
        env=stack.aws.environment() | PERSON,
        capture_output=True,
        text=True,
        check=False,
    )


def create(stack: Stack, name: str, *more: str) -> str:
    """A new API token."""
    done = admin(stack, "create", name, "--owner", "ops@example.com", "--expires", "90d", *more)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
