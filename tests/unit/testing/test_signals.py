"""Programs that tests start have their signals by default, whatever the run itself was started from."""

import signal
import subprocess
import sys

import pytest

from ops.environments import ROOT

# Says of a program that it starts what that one ignores and blocks.
PARENT = """
import subprocess, sys
{before}
print(subprocess.run(["cat", "/proc/self/status"], capture_output=True, text=True, check=True).stdout)
"""


def started_from(shell: str, before: str) -> dict[str, set[int]]:
    """The signals that are ignored (`SigIgn`) and blocked (`SigBlk`) in a program that a test starts.

    Args:
        shell: what the shell does before it starts the run.
        before: what the run does before the test.
    """
    status = subprocess.run(
        ["sh", "-c", f'{shell}; exec "$@"', "sh", sys.executable, "-c", PARENT.format(before=before)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    masks = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    return {
        name: {number for number in signal.valid_signals() if int(masks[name], 16) >> (number - 1) & 1}
        for name in ("SigIgn", "SigBlk")
    }


IGNORED = "trap '' INT HUP QUIT TERM USR1"
BLOCKING = "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGCHLD])"


def test_what_the_run_has_inherited_as_ignored_or_blocked_is_not_handed_on() -> None:
    inherited = started_from(IGNORED, BLOCKING)
    assert {signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1} <= inherited["SigIgn"]
    assert {signal.SIGTERM, signal.SIGCHLD} <= inherited["SigBlk"]
    restored = started_from(IGNORED, f"{BLOCKING}; import testing.signals")
    assert restored == {"SigIgn": set(), "SigBlk": set()}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGHUP, 0), (signal.SIGTERM, -signal.SIGTERM)])
def test_a_run_under_nohup_survives_a_hang_up_and_nothing_else(number: signal.Signals, code: int) -> None:
    program = f"import os, testing.signals; os.kill(os.getpid(), {int(number)})"
    done = subprocess.run(
        ["sh", "-c", 'trap "" HUP TERM; exec "$@"', "sh", sys.executable, "-c", program], cwd=ROOT, check=False
    )
    assert done.returncode == code


def test_an_interrupt_stops_a_run_in_the_background() -> None:
    program = "import os, signal, testing.signals; os.kill(os.getpid(), signal.SIGINT)"
    done = subprocess.run(
        ["sh", "-c", 'trap "" INT; exec "$@"', "sh", sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "KeyboardInterrupt" in done.stderr


def test_every_run_of_pytest_restores_signals(pytestconfig: pytest.Config) -> None:
    assert pytestconfig.pluginmanager.hasplugin("testing.signals")
