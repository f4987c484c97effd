"""The walk-through, the way a newcomer runs it; and whatever ends it, nothing stays."""

import fcntl
import os
import re
import secrets
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from local.aws import ACCOUNT, ADMIN, RUNS, USER
from local.supervisor import LOCK
from ops.environments import ROOT, programs
from testing.deployed import PERSON


@dataclass(frozen=True)
class Make:
    """`make`, in a process group of its own, as a terminal runs it; and all that it starts, told by a mark in PATH.

    PATH is what the local AWS keeps of its starter's environment. The other lane's local AWS comes and goes meanwhile.
    """

    process: "subprocess.Popen[str]"
    mark: str

    def processes(self) -> list[str]:
        """Command lines of the processes that this one started, and that still run."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # it ended, or is not ours
                if self.mark in (process / "environ").read_text(errors="replace"):
                    found.append((process / "cmdline").read_text(errors="replace"))
        return found

    def directories(self) -> set[Path]:
        """The local AWSs that this one started and that still run, and those that nobody cleans up any more."""
        found = set()
        for directory in RUNS.glob("run-*"):
            with suppress(FileNotFoundError), (directory / LOCK).open() as lock:  # else it is just made, or removed
                try:
                    fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    if self.mark not in Path("/proc", lock.read(), "environ").read_text(errors="replace"):
                        continue
                found.add(directory)
        return found

    def left_nothing(self) -> bool:
        return self.processes() == [] and self.directories() == set()


def make(*arguments: str) -> Make:
    mark = f"/nowhere/{secrets.token_hex(8)}"
    process = subprocess.Popen(
        ["make", *arguments],
        cwd=ROOT,
        env=PERSON | {"PATH": f"{PERSON['PATH']}:{mark}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    return Make(process, mark)


@pytest.fixture(autouse=True)
def heed_ctrl_c() -> Iterator[None]:
    """Whoever runs the tests in the background of a script has them, and all that they start, ignore Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_the_walk_through_goes_from_refused_to_vended_to_recorded() -> None:
    demo = make("demo")
    output, _ = demo.process.communicate()
    assert demo.process.returncode == 0, output
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
    assert demo.left_nothing()


@pytest.mark.parametrize("moment", ["Starting a local AWS", "Deploying stack", "asks credvend for the role"])
def test_ctrl_c_stops_all_that_was_started(moment: str) -> None:
    demo = make("demo")
    assert demo.process.stdout is not None
    for line in demo.process.stdout:
        if moment in line:
            break
    assert demo.processes() != []
    os.killpg(demo.process.pid, signal.SIGINT)
    rest, _ = demo.process.communicate()
    assert demo.process.returncode != 0 and "Traceback" not in rest
    assert demo.left_nothing()


def test_even_kill_9_leaves_nothing_running() -> None:
    demo = make("demo")
    assert demo.process.stdout is not None
    next(line for line in demo.process.stdout if "Deploying stack" in line)
    (directory,) = demo.directories()
    with (directory / LOCK).open() as lock:
        os.killpg(demo.process.pid, signal.SIGKILL)
        demo.process.communicate()
        fcntl.flock(lock, fcntl.LOCK_EX)  # whoever held it has ended
    assert demo.left_nothing()


def test_one_that_is_left_running_is_stopped_by_make_stop() -> None:
    demo = make("demo", "KEEP=1")
    output, _ = demo.process.communicate()
    try:
        assert demo.process.returncode == 0, output
        assert demo.processes() and len(demo.directories()) == 1
        assert [link.stat().st_mode & 0o777 for link in (USER, ADMIN)] == [0o600, 0o600]
        command = output[output.index("source .local/user.sh") :].strip()
        asked = subprocess.run(["bash", "-c", command], cwd=ROOT, env=PERSON, capture_output=True, check=True)
        assert b'"Role":"assume-role-role"' in asked.stdout
        command = f"source .local/admin.sh && '{programs('aws') / 'aws'}' sts get-caller-identity"
        who = subprocess.run(["bash", "-c", command], cwd=ROOT, env=PERSON, capture_output=True, check=True)
        assert f'"arn:aws:iam::{ACCOUNT}:root"'.encode() in who.stdout
    finally:
        stopped, _ = make("stop").process.communicate()
    assert "Stopped 1 local AWS." in stopped
    assert demo.left_nothing() and not USER.is_symlink() and not ADMIN.is_symlink()
