"""The walk-through, the way a newcomer runs it; and whatever ends it, nothing stays.

One that is left running is the README's, and is run in test_documents.py.
"""

import fcntl
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from local.supervisor import LOCK
from ops.environments import ROOT
from tests.walkthroughs.marked import Marked


@dataclass(frozen=True)
class Make:
    """`make`, in a process group of its own, as a terminal runs it; and all that it starts."""

    process: "subprocess.Popen[str]"
    started: Marked


def make(*arguments: str) -> Make:
    started = Marked()
    process = subprocess.Popen(
        ["make", *arguments],
        cwd=ROOT,
        env=started.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    return Make(process, started)


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
    assert demo.started.left_nothing()


@pytest.mark.parametrize("moment", ["Starting a local AWS", "Deploying stack", "asks credvend for the role"])
def test_ctrl_c_stops_all_that_was_started(moment: str) -> None:
    demo = make("demo")
    assert demo.process.stdout is not None
    for line in demo.process.stdout:
        if moment in line:
            break
    assert demo.started.processes() != []
    os.killpg(demo.process.pid, signal.SIGINT)
    rest, _ = demo.process.communicate()
    assert demo.process.returncode != 0 and "Traceback" not in rest
    assert demo.started.left_nothing()


def test_even_kill_9_leaves_nothing_running() -> None:
    demo = make("demo")
    assert demo.process.stdout is not None
    next(line for line in demo.process.stdout if "Deploying stack" in line)
    (directory,) = demo.started.directories()
    with (directory / LOCK).open() as lock:
        os.killpg(demo.process.pid, signal.SIGKILL)
        demo.process.communicate()
        fcntl.flock(lock, fcntl.LOCK_EX)  # whoever held it has ended
    assert demo.started.left_nothing()
