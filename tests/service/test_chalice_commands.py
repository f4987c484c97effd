"""Chalice's own commands in the checkout, where nothing tells of a region."""

import http.client
import json
import shutil
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from ops.environments import ROOT, programs

# No region, no credentials, and no configuration of whoever runs the tests.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "PYTHONDONTWRITEBYTECODE": "1"}


# What Chalice sets when it loads the app.
COMMAND = {"AWS_CHALICE_CLI_MODE": "true"}
CLEAN: Mapping[str, str] = {}
CHALICE = str(programs("dev") / "chalice")


def run(
    *command: str, directory: Path = ROOT, settings: Mapping[str, str] = CLEAN
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        cwd=directory,
        env={**ENVIRONMENT, **settings},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_chalice_loads_the_app_without_a_region() -> None:
    loaded = run(sys.executable, "-c", "import app; print(*app.app.routes)", settings=COMMAND)
    assert loaded.returncode == 0 and "/v1/credentials" in loaded.stdout, loaded.stderr


def test_without_a_region_nothing_else_starts_and_the_message_says_what_to_set() -> None:
    loaded = run(sys.executable, "-c", "import app")
    assert loaded.returncode != 0 and "No region: set AWS_REGION, or AWS_DEFAULT_REGION." in loaded.stderr


def test_chalice_deploys_nothing_and_says_what_to_type() -> None:
    done = run(CHALICE, "deploy", "--stage", "dev")
    assert done.returncode != 0 and "Traceback" not in done.stderr
    assert "make deploy STAGE=dev CONFIG=DIRECTORY" in done.stderr


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy that Chalice may write to; it names no packages, as Chalice would download them."""
    copy = tmp_path / "checkout"
    ignored = shutil.ignore_patterns("__pycache__", "deployments")
    for name in ("chalicelib", ".chalice"):
        shutil.copytree(ROOT / name, copy / name, ignore=ignored)
    shutil.copy(ROOT / "app.py", copy)
    (copy / "requirements.txt").write_text("")
    return copy


def test_chalice_packages_without_a_region(checkout: Path) -> None:
    done = run(CHALICE, "package", "--pkg-format", "cloudformation", "out", directory=checkout)
    assert done.returncode == 0, done.stderr
    template = json.loads((checkout / "out/sam.json").read_text())
    assert "/v1/credentials" in template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]["paths"]
    with zipfile.ZipFile(checkout / "out/deployment.zip") as archive:
        assert {"app.py", "chalicelib/service.py"} <= set(archive.namelist())


@pytest.mark.parametrize(
    ("settings", "region"),
    [
        ({"AWS_DEFAULT_REGION": "eu-west-1", "AWS_PROFILE": "work"}, "eu-west-1"),
        ({"AWS_REGION": "eu-west-2", "AWS_PROFILE": "work"}, "eu-west-2"),
        ({"AWS_PROFILE": "work"}, "eu-west-3"),
        ({}, "us-east-1"),
    ],
)
def test_the_region_is_the_environments_or_the_profiles(settings: dict[str, str], region: str, tmp_path: Path) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/config").write_text("[profile work]\nregion = eu-west-3\n")
    code = "import os, app; print(os.environ['AWS_DEFAULT_REGION'])"
    loaded = run(sys.executable, "-c", code, settings=settings | {"HOME": str(tmp_path), **COMMAND})
    assert loaded.stdout == f"{region}\n", loaded.stderr


def test_a_profile_that_is_not_there_is_named(checkout: Path) -> None:
    done = run(CHALICE, "package", "out", directory=checkout, settings={"AWS_PROFILE": "nowhere"})
    assert done.returncode == 1 and "(nowhere)" in done.stderr and "Traceback" not in done.stderr


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def local_port(checkout: Path) -> Iterator[int]:
    """Where `chalice local` serves."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    command = [CHALICE, "local", "--no-autoreload", "--port", str(port)]
    # Into a file: a pipe that nobody reads would stop it once it is full.
    with (checkout / "said").open("w") as said:
        server = subprocess.Popen(
            command, cwd=checkout, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )
    try:
        deadline = time.monotonic() + 60
        while not is_open(port):
            assert server.poll() is None and time.monotonic() < deadline, (checkout / "said").read_text()
            time.sleep(0.02)
        yield port
    finally:
        server.kill()
        server.wait(10)


def ask(port: int, path: str) -> tuple[int, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path)
    response = connection.getresponse()
    answer = response.status, json.load(response)
    connection.close()
    return answer


def test_chalice_local_answers_and_lets_nobody_in_without_proof(local_port: int) -> None:
    assert ask(local_port, "/v1/health") == (200, {"Status": "ok"})
    for path in ("/v1/roles", "/v1/iam/roles"):
        status, answer = ask(local_port, path)
        assert (status, answer["Code"]) == (401, "Unauthenticated")
