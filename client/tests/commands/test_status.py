"""What a prompt shows: whose credentials a shell has, and for how long."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from aging import age
from fake_service import FakeService
from running import credvend


def in_shell(environ: dict[str, str], script: str, *words: str) -> str:
    line = f"{script}\nexec {sys.executable} -m credvend {' '.join(words)}"
    done = subprocess.run(["sh", "-c", line], env=environ, capture_output=True, text=True, check=False, timeout=60)
    return done.stdout.strip()


def test_a_shell_without_credentials_has_no_status(environ: dict[str, str]) -> None:
    done = credvend(environ, "status")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
    assert credvend(environ, "status", "--json").stdout == "null\n"
    own = {**environ, "AWS_ACCESS_KEY_ID": "AKIA", "CREDVEND_SESSION": "reports ASIAOLD"}  # another's since
    assert credvend(own, "status").stdout == ""


@pytest.mark.parametrize(("lifetime", "shown"), [(3600, "reports 59m"), (7320, "reports 2h01m"), (43_200, "h59m")])
def test_a_script_leaves_role_and_time(
    environ: dict[str, str], service: FakeService, lifetime: int, shown: str
) -> None:
    service.lifetime = lifetime - 1
    script = credvend(environ, "get", "reports", "--format", "env").stdout
    assert shown in in_shell(environ, script, "status")
    told = json.loads(in_shell(environ, script, "status", "--json"))
    assert told["Role"] == "reports" and lifetime - 60 < told["SecondsLeft"] < lifetime


def test_what_has_ended_is_said_to_have(environ: dict[str, str]) -> None:
    script = credvend(environ, "get", "reports", "--format", "env").stdout
    script += "export AWS_CREDENTIAL_EXPIRATION=2024-02-29T23:59:59Z"
    assert in_shell(environ, script, "status") == "reports expired"


def test_within_exec_it_is_the_role_s(environ: dict[str, str]) -> None:
    inside = [sys.executable, "-m", "credvend", "status"]
    assert credvend(environ, "exec", "reports", "--", *inside).stdout == "reports 59m\n"
    assert credvend(environ, "exec", "--serve", "reports", "--", *inside).stdout == "reports\n"


def test_a_profile_of_credvend_s_has_the_cache_s(environ: dict[str, str], tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(
        "[profile other]\ncredential_process = other\n[profile work]\nregion = eu-west-1\n"
        "credential_process = /usr/local/bin/credvend process reports\n"
    )
    profiles = {**environ, "AWS_CONFIG_FILE": str(config)}
    assert credvend({**profiles, "AWS_PROFILE": "work"}, "status").stdout == "reports\n"
    credvend(environ, "process", "reports")
    age(environ, 600)
    assert credvend({**profiles, "AWS_PROFILE": "work"}, "status").stdout == "reports 49m\n"
    assert credvend({**profiles, "AWS_PROFILE": "other"}, "status").returncode == 1


def test_moments_are_counted_as_the_calendar_does() -> None:
    from credvend.session_status import _left

    for moment in (0, 951_782_399, 1_709_251_199, 1_767_225_599, 4_102_444_800):
        left = _left(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment)))
        assert left is not None and abs(left - (moment - time.time())) < 2


@pytest.mark.parametrize("has_credentials", [True, False])
def test_the_prompt_is_not_kept_waiting(environ: dict[str, str], has_credentials: bool) -> None:
    """Nothing but what Python has loaded already is imported, so the time is Python's own."""
    code = "import json, sys; before = set(sys.modules); import credvend.cli; credvend.cli.main(['status'])\n"
    code += "print(json.dumps(sorted(set(sys.modules) - before)))"
    script = credvend(environ, "get", "reports", "--format", "env").stdout if has_credentials else ""
    line = f'{script}\nexec {sys.executable} -c "{code}"'
    done = subprocess.run(["sh", "-c", line], env=environ, capture_output=True, text=True, check=True)
    modules = {"credvend", "credvend.cli", "credvend.lean", "credvend.own_session", "credvend.session_status"}
    assert set(json.loads(done.stdout.splitlines()[-1])) == modules
