"""Runs one program for as long as whoever started us is there: `python -m local.supervisor DIRECTORY COMMAND...`.

Standard input is the lifeline. It closes when the starter is done with the program, and just as well when the
starter crashes or is killed: then the program ends with all its children, and the directory is removed. A line
`keep` before that cuts the lifeline: the program runs on until this process gets SIGTERM.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Final

LOCK: Final = "running"  # locked while the program runs; holds our process id
LOG: Final = "log"
KEEP: Final = "keep"
KEPT: Final = "kept"  # there once the program was told to run on
_STOP_SECONDS: Final = 10


def main(directory: Path, command: list[str]) -> int:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # blocked by the starter, and inherited
    directory.mkdir(mode=0o700, parents=True)
    # This queue is the one way to wait for several things that a signal handler may put to.
    reasons: SimpleQueue[str] = SimpleQueue()
    signal.signal(signal.SIGTERM, lambda _signal, _frame: reasons.put("asked"))
    # Not closed by us: whoever waits for the lock waits for the end of this process.
    lock = os.open(directory / LOCK, os.O_WRONLY | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    os.write(lock, str(os.getpid()).encode("ascii"))
    with (directory / LOG).open("wb") as log:
        # A session of its own, so that one signal reaches it and all its children.
        program = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        threading.Thread(target=_hold_lifeline, args=(directory, reasons), daemon=True).start()
        threading.Thread(target=_await_end, args=(program, reasons), daemon=True).start()
        reason = reasons.get()
        _stop(program)
        if reason == "ended":
            return 1  # the directory stays, for the starter to read the log
        shutil.rmtree(directory, ignore_errors=True)
        return 0


def _hold_lifeline(directory: Path, reasons: SimpleQueue[str]) -> None:
    if sys.stdin.readline().strip() == KEEP:
        (directory / KEPT).touch()
    else:
        reasons.put("asked")


def _await_end(program: subprocess.Popen[bytes], reasons: SimpleQueue[str]) -> None:
    program.wait()
    reasons.put("ended")


def _stop(program: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(program.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        program.wait(_STOP_SECONDS)
    with suppress(ProcessLookupError):  # whoever did not listen
        os.killpg(program.pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
