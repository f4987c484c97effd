"""docs/ci.md is true: its workflows use what is there, and its commands give a container the role and nobody else."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ci_machine import ROOT
from conftest import SOURCES
from fake_service import SECRET, TOKEN, FakeService, Planned

DOCUMENT = (ROOT / "docs/ci.md").read_text()
# What Docker does with the variables: --env-file reads lines, --env takes them from its own environment.
_DOCKER = """#!{python}
import json, os, sys
given = {{}}
words = iter(sys.argv[1:])
for word in words:
    if word == "--env-file":
        given.update(line.rstrip("\\n").split("=", 1) for line in open(next(words)))
    elif word == "--env":
        name = next(words)
        given.update({{name: os.environ[name]}})
with open("{notes}", "w") as file:
    json.dump(dict(argv=sys.argv, given=given), file)
"""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", DOCUMENT, re.M | re.S)


def test_the_workflow_gives_the_action_inputs_that_it_has() -> None:
    workflow, step, _ = (yaml.safe_load(block) for block in blocks("yaml"))
    (count,) = workflow["jobs"].values()
    assert count["permissions"] == {"id-token": "write"}
    known = yaml.safe_load((ROOT / "action.yml").read_text())["inputs"]
    used = count["steps"][0]
    assert set(used["with"]) <= set(known) and re.fullmatch(r"OWNER/credvend@[0-9a-f]{40}", used["uses"])
    assert all(f"`{name}`" in DOCUMENT or name in used["with"] for name in known)
    assert step[0]["run"].startswith("credvend exec")


def test_the_pipeline_gives_the_component_inputs_that_it_has() -> None:
    pipeline = yaml.safe_load(blocks("yaml")[2])
    header, _ = yaml.safe_load_all(re.sub(r"\$\[\[.*?\]\]", "x", template()))
    known: dict[str, dict[str, str]] = header["spec"]["inputs"]
    (included,) = pipeline["include"]
    for name, value in included["inputs"].items():
        assert re.search(known[name]["regex"].replace(r"\z", r"\Z"), value)
    assert {name for name, spec in known.items() if "default" not in spec} <= set(included["inputs"])
    assert pipeline["count"]["extends"] == known["as"]["default"]
    assert all(f"`{name}`" in DOCUMENT or name in included["inputs"] for name in known)
    # The last but one part of its address is the project, the last the folder below templates/.
    assert re.fullmatch(r"\S+/credvend/credvend@[0-9a-f]{40}", included["component"])
    assert (ROOT / "templates/credvend/template.yml").exists()


def template() -> str:
    return (ROOT / "templates/credvend/template.yml").read_text()


class Docker:
    """A shell with credvend, and a Docker that starts nothing."""

    def __init__(self, directory: Path, environ: dict[str, str]) -> None:
        self.notes = directory / "notes.json"
        programs = directory / "bin"
        programs.mkdir()
        texts = {
            "docker": _DOCKER.format(python=sys.executable, notes=self.notes),
            "credvend": f'#!/bin/sh\nPYTHONPATH={SOURCES} exec {sys.executable} -m credvend "$@"\n',
        }
        for name, text in texts.items():
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        self._environ = {**environ, "PATH": f"{programs}:/usr/bin:/bin"}

    def run(self, script: str) -> tuple[int, dict[str, Any]]:
        """Its exit code, and what Docker was started with; empty if it was not."""
        done = subprocess.run(
            ["bash", "-c", script], env=self._environ, capture_output=True, text=True, check=False, timeout=60
        )
        seen = yaml.safe_load(self.notes.read_text()) if self.notes.exists() else {}
        assert not any(secret in str(seen.get("argv")) + done.stdout for secret in (SECRET, TOKEN))
        return done.returncode, seen


@pytest.fixture
def docker(tmp_path: Path, environ: dict[str, str]) -> Docker:
    return Docker(tmp_path, environ)


RECIPES = [block for block in blocks("bash") if "docker run" in block]


def test_there_are_three_ways_into_a_container() -> None:
    assert len(RECIPES) == 3


@pytest.mark.parametrize("recipe", RECIPES[:2])
def test_a_container_gets_the_credentials_and_no_command_line_does(docker: Docker, recipe: str) -> None:
    code, seen = docker.run(recipe)
    assert code == 0
    assert seen["given"]["AWS_SECRET_ACCESS_KEY"] == SECRET and seen["given"]["AWS_SESSION_TOKEN"] == TOKEN
    assert not any(name.startswith("CREDVEND_") for name in seen["given"])


def test_a_container_that_runs_for_hours_gets_the_endpoint(docker: Docker) -> None:
    code, seen = docker.run(RECIPES[2])
    assert code == 0
    uri, token = (
        seen["given"][name] for name in ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN")
    )
    assert re.match(r"http://127\.0\.0\.1:\d+/", uri) and len(token) > 20 and token not in str(seen["argv"])


@pytest.mark.parametrize("recipe", RECIPES)
def test_no_container_starts_for_a_role_that_is_refused(docker: Docker, service: FakeService, recipe: str) -> None:
    service.planned = [Planned(403, {"Code": "AccessDenied", "Message": "No.", "RequestId": "r"})]
    code, seen = docker.run(recipe)
    assert code != 0 and seen == {}
