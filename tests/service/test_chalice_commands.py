"""Chalice's own commands in the checkout, where nothing tells of a region."""

import subprocess
import sys

from ops.environments import ROOT, programs

# No region, no credentials, and no configuration of whoever runs the tests.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "PYTHONDONTWRITEBYTECODE": "1"}


def run(*command: str, **more: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        cwd=ROOT,
        env=ENVIRONMENT | more,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_chalice_loads_the_app_without_a_region() -> None:
    loaded = run(sys.executable, "-c", "import app; print(*app.app.routes)", AWS_CHALICE_CLI_MODE="true")
    assert loaded.returncode == 0 and "/v1/credentials" in loaded.stdout, loaded.stderr


def test_without_a_region_nothing_else_starts_and_the_message_says_what_to_set() -> None:
    loaded = run(sys.executable, "-c", "import app")
    assert loaded.returncode != 0 and "No region: set AWS_REGION, or AWS_DEFAULT_REGION." in loaded.stderr


def test_chalice_deploys_nothing_and_says_what_to_type() -> None:
    done = run(str(programs("dev") / "chalice"), "deploy", "--stage", "dev", AWS_DEFAULT_REGION="us-east-1")
    assert done.returncode != 0 and "Traceback" not in done.stderr
    assert "make deploy STAGE=dev CONFIG=DIRECTORY" in done.stderr
