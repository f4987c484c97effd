"""Programs run with what they are given alone, and never wait for a person."""

import sys
from pathlib import Path

import pytest

from ops.processes.run import TookTooLong, run, run_in_sight

SHOW = "import os, sys; print(os.getcwd(), os.environ.get('A'), repr(sys.stdin.read())); sys.exit(3)"


def test_a_program_has_the_environment_directory_and_input_that_it_is_given(tmp_path: Path) -> None:
    done = run([sys.executable, "-c", SHOW], environment={"A": "b"}, directory=tmp_path, said="some")
    assert (done.returncode, done.stdout) == (3, f"{tmp_path.resolve()} b 'some'\n")


def test_who_would_ask_on_the_terminal_finds_nobody(tmp_path: Path) -> None:
    assert run([sys.executable, "-c", SHOW], directory=tmp_path).stdout.endswith("''\n")


def test_what_takes_too_long_is_stopped() -> None:
    with pytest.raises(TookTooLong):
        run([sys.executable, "-c", "import threading; threading.Event().wait()"], timeout=0.1)


def test_what_a_program_in_sight_says_is_seen_and_its_results_are_not(capfd: pytest.CaptureFixture[str]) -> None:
    program = "import sys; print('result'); print('said', file=sys.stderr); sys.exit(len(sys.stdin.read()) + 4)"
    assert run_in_sight([sys.executable, "-c", program], Path()) == 4
    assert capfd.readouterr() == ("", "said\n")
