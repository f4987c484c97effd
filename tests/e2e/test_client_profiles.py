"""Profiles that the client wrote live with `aws configure`: whatever it sets, the aws command reads the file."""

import configparser
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.environments import ensure, programs
from testing.warm_aws import Run, warm_aws

OWN = "[default]\nregion = eu-west-1\n\n# mine\n[profile other]\n"
WRITE = """
import sys
from credvend.text.aws_profiles import Profile, with_profiles
path, service, *names = sys.argv[1:]
profiles = [Profile(name, ["credvend", "process", name], "eu-west-1") for name in names]
content = open(path, "rb").read()
open(path, "wb").write(with_profiles(content, profiles, service))
"""


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """Runs the aws command line without its start: 30 of them would take a quarter of a minute."""
    for environment in ("client", "aws"):
        ensure(environment)
    with warm_aws() as run:
        yield run


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config"
    path.write_text(OWN)
    return path


def write(config: Path, *names: str, service: str = "") -> None:
    """What `credvend configure --profiles` does with the file."""
    command = [str(programs("client") / "python"), "-c", WRITE, str(config), service, *names]
    subprocess.run(command, check=True, timeout=60)


def aws(run: Run, config: Path, *words: str) -> str:
    environment = {"PATH": os.environ["PATH"], "HOME": str(config.parent), "AWS_CONFIG_FILE": str(config)}
    command = [str(programs("aws") / "python"), "-m", "awscli", "configure", *words]
    done = run(command, environment=environment)
    assert done.returncode in (0, 1) and done.stderr == "", done.stderr  # 1: there is no such setting
    return done.stdout.strip()


def read(text: str) -> dict[str, dict[str, str]]:
    """What the aws command reads."""
    parsed = configparser.RawConfigParser()
    parsed.read_string(text)
    return {name: dict(parsed[name]) for name in parsed.sections()}


@pytest.mark.parametrize("service", ["", "prod"])
def test_what_aws_configure_sets_stays_where_it_was_set(run: Run, config: Path, service: str) -> None:
    write(config, "a", "b", service=service)
    for profile in ("a", "b", "other", "default", "new"):
        for name, value in (("region", "us-west-2"), ("output", "text"), ("s3.addressing_style", "path")):
            aws(run, config, "set", name, value, "--profile", profile)
    found = read(config.read_text())
    for name in ("profile a", "profile b", "profile other", "default", "profile new"):
        expected = {"region": "us-west-2", "output": "text", "s3": "\naddressing_style = path"}
        assert found[name].items() >= expected.items()
    write(config, "a", "b", "c", service=service)
    after = read(config.read_text())
    assert set(after.pop("profile c")) == {"credential_process", "region"}
    for name in ("profile a", "profile b"):
        assert after[name].pop("region") == "eu-west-1" and found[name].pop("region")
    assert after == found
    assert aws(run, config, "get", "output", "--profile", "b") == "text"
    assert aws(run, config, "get", "output", "--profile", "c") == ""
    write(config, service=service)
    assert read(config.read_text()) == {name: found[name] for name in ("default", "profile other", "profile new")}
    assert aws(run, config, "get", "output", "--profile", "new") == "text"


def test_what_aws_configure_set_while_two_services_are_there_stays_with_each(run: Run, config: Path) -> None:
    write(config, "a")
    write(config, "p", service="prod")
    for profile in ("a", "p"):
        aws(run, config, "set", "output", profile, "--profile", profile)
    write(config, "a", "b")
    write(config, "p", "q", service="prod")
    found = read(config.read_text())
    assert (found["profile a"]["output"], found["profile p"]["output"]) == ("a", "p")
    assert "output" not in found["profile b"] and "output" not in found["profile q"]
    write(config)
    write(config, service="prod")
    assert read(config.read_text()) == read(OWN)
