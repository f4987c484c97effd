"""The walk-through, the way a newcomer runs it; and whatever ends it, nothing stays."""

import fcntl
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.aws import ACCOUNT, ADMIN, RUNS, USER
from local.supervisor import LOCK
from ops.environments import ROOT, programs
from tests.harness.deployed import PERSON


def make(*arguments: str) -> "subprocess.Popen[str]":
    """`make`, in a process group of its own, as a terminal runs it."""
    return subprocess.Popen(
        ["make", *arguments],
        cwd=ROOT,
        env=PERSON,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


@pytest.fixture(autouse=True)
def heed_ctrl_c() -> Iterator[None]:
    """Whoever runs the tests in the background of a script has them, and all that they start, ignore Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def runs() -> set[Path]:
    return set(RUNS.glob("run-*"))


def servers(of: set[Path]) -> list[str]:
    """Command lines of the processes that work in these directories."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_text(errors="replace")
            command = (process / "cmdline").read_text(errors="replace")
        except OSError:  # it ended, or is not ours
            continue
        found += [command for directory in of if str(directory) in environment + command]
    return found


def test_the_walk_through_goes_from_refused_to_vended_to_recorded() -> None:
    before = runs()
    demo = make("demo")
    output, _ = demo.communicate()
    assert demo.returncode == 0, output
    story = [
        r"^\$ aws ec2 run-instances .*^(?P<instance>i-[0-9a-f]+)$",
        r"^arn:aws:iam::278805249149:user/assume-role-user$",
        r"^arn:aws:iam::278805249149:role/assume-role-role$",
        r"^\$ aws ec2 describe-instances$.*\(UnauthorizedOperation\)",
        r"^\$ credentials=\$\(curl .*--aws-sigv4.*^export AWS_SECRET_ACCESS_KEY='....\.\.\.'$",
        r"^arn:aws:sts::278805249149:assumed-role/assume-role-role/user=assume-role-user@278805249149$",
        r"^\$ aws ec2 describe-instances .*(?P=instance)",
        r"^\$ credvend roles$.*^assume-role-role +15m",
        r"^\$ credvend exec assume-role-role .*^(?P=instance)$",
        r"^\$ aws logs filter-log-events.*" + r'"event": "credentials\.vended".*"reason": "count the instances"',
        r'^\$ curl .*Authorization: Bearer.*"SecretAccessKey": "....\.\.\."',
        r"`make demo KEEP=1`.*^curl --aws-sigv4",
    ]
    assert re.search(".*".join(story), output, re.M | re.S), output
    assert runs() == before


@pytest.mark.parametrize("moment", ["Starting a local AWS", "Deploying stack", "asks credvend for the role"])
def test_ctrl_c_stops_all_that_was_started(moment: str) -> None:
    before = runs()
    demo = make("demo")
    assert demo.stdout is not None
    for line in demo.stdout:
        if moment in line:
            break
    mine = runs() - before
    os.killpg(demo.pid, signal.SIGINT)
    rest, _ = demo.communicate()
    assert demo.returncode != 0 and "Traceback" not in rest
    assert runs() == before and servers(mine) == []


def test_even_kill_9_leaves_nothing_running() -> None:
    before = runs()
    demo = make("demo")
    assert demo.stdout is not None
    next(line for line in demo.stdout if "Deploying stack" in line)
    (mine,) = runs() - before
    with (mine / LOCK).open() as lock:
        os.killpg(demo.pid, signal.SIGKILL)
        demo.communicate()
        fcntl.flock(lock, fcntl.LOCK_EX)  # whoever held it has ended
    assert servers({mine}) == [] and not mine.exists()


def test_one_that_is_left_running_is_stopped_by_make_stop() -> None:
    before = runs()
    demo = make("demo", "KEEP=1")
    output, _ = demo.communicate()
    try:
        assert demo.returncode == 0, output
        kept = runs() - before
        assert servers(kept) and [link.stat().st_mode & 0o777 for link in (USER, ADMIN)] == [0o600, 0o600]
        command = output[output.index("source .local/user.sh") :].strip()
        asked = subprocess.run(["bash", "-c", command], cwd=ROOT, env=PERSON, capture_output=True, check=True)
        assert b'"Role":"assume-role-role"' in asked.stdout
        command = f"source .local/admin.sh && '{programs('aws') / 'aws'}' sts get-caller-identity"
        who = subprocess.run(["bash", "-c", command], cwd=ROOT, env=PERSON, capture_output=True, check=True)
        assert f'"arn:aws:iam::{ACCOUNT}:root"'.encode() in who.stdout
    finally:
        stopped, _ = make("stop").communicate()
    assert "Stopped 1 local AWS." in stopped
    assert servers(kept) == [] and not (kept & runs()) and not USER.is_symlink() and not ADMIN.is_symlink()
