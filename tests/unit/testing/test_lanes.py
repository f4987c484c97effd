"""Lanes of tests are one run: counted, printed and ended together."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.environments import ROOT
from testing.order import LAST

FIRST = "def test_one(): pass\ndef test_two(): pass\n"
# Ends when the process of the second lane is interrupted, and tells that it was.
FOREVER = """
import pathlib, threading
def test_waits():
    here = pathlib.Path(__file__)
    here.with_name("started").touch()
    try:
        threading.Event().wait(60)
    finally:
        here.with_name("stopped").touch()
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["testing.lanes"]\n')
    (tmp_path / "e2e").mkdir()
    (tmp_path / "e2e/conftest.py").write_text(
        "import pytest\n@pytest.fixture(autouse=True, scope='session')\ndef stack(): pass\n"
    )
    (tmp_path / "test_first.py").write_text(FIRST)
    return tmp_path


@pytest.fixture(autouse=True)
def started() -> Iterator[None]:
    """No run outlives its test, whose failure may be that it does not end."""
    yield
    while _runs:
        with _runs.pop() as run:
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGINT)  # as Ctrl-C: the first lane ends the others


_runs: "list[subprocess.Popen[str]]" = []


def start(project: Path, *arguments: str) -> "subprocess.Popen[str]":
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", "--lanes", "-p", "no:cacheprovider", *arguments],
        cwd=project,
        # Without the plugins of the project's own tests, whose imports take longer than these tests.
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    _runs.append(run)
    return run


def test_the_summary_counts_both_lanes(project: Path) -> None:
    (project / "e2e/test_second.py").write_text("def test_three(): pass\n")
    run = start(project)
    output, _ = run.communicate()
    assert run.returncode == 0 and re.search(r"=+ 3 passed in .*=+\n\Z", output), output


def test_a_failure_of_the_second_lane_fails_the_run_and_is_shown(project: Path) -> None:
    (project / "e2e/test_second.py").write_text("def test_three(): assert 'this' == 'that'\n")
    run = start(project)
    output, _ = run.communicate()
    assert run.returncode == pytest.ExitCode.TESTS_FAILED and "1 failed, 2 passed" in output, output
    assert "AssertionError: assert 'this' == 'that'" in output


def test_what_the_second_lane_skips_is_told_with_its_reason(project: Path) -> None:
    (project / "e2e/test_second.py").write_text("import pytest\ndef test_three(): pytest.skip('no fish here')\n")
    run = start(project, "-rs")
    output, _ = run.communicate()
    assert run.returncode == 0 and "no fish here" in output and "2 passed, 1 skipped" in output, output


def test_a_lane_that_is_free_takes_files_from_the_back(project: Path) -> None:
    told = "import os, pathlib, threading\nhere = pathlib.Path(__file__)\n"
    ran = "here.with_suffix('.ran').open('a').write(f'{os.getpid()}\\n')\n"
    last = "while not here.with_name('test_z.ran').exists(): threading.Event().wait(0.05)"
    (project / "test_first.py").write_text(f"{told}def test_waits_for_the_last():\n    {last}\n    {ran}")
    for name in "mnz":
        (project / f"test_{name}.py").write_text(f"{told}def test_{name}(): {ran}")
    run = start(project)
    output, _ = run.communicate(timeout=60)
    assert run.returncode == 0 and "4 passed" in output, output
    by = {path.stem: path.read_text().split() for path in project.glob("*.ran")}
    assert {name: len(lanes) for name, lanes in by.items()} == {f"test_{name}": 1 for name in ("first", "m", "n", "z")}
    assert by["test_first"] != by["test_z"]


def test_the_first_lane_helps_with_the_tests_of_the_stack_but_not_with_what_looks_back(project: Path) -> None:
    told = "import os, pathlib, threading\nhere = pathlib.Path(__file__)\n"
    ran = "here.with_suffix('.ran').open('a').write(f'{os.getpid()}\\n')\n"
    other = "while not here.with_name('test_z.ran').exists(): threading.Event().wait(0.05)"
    # The second lane waits in the first file until somebody has run the last one: the first lane, which is free.
    (project / "e2e/test_a.py").write_text(
        f"{told}def test_waits_for_the_last():\n    {other}\n    {ran}"
        f"def {LAST}(): here.with_name('test_back.ran').write_text(f'{{os.getpid()}}')\n"
    )
    (project / "e2e/test_z.py").write_text(f"{told}def test_z(): {ran}")
    run = start(project)
    output, _ = run.communicate(timeout=60)
    assert run.returncode == 0 and "5 passed" in output, output
    first, last, back = ((project / f"e2e/test_{name}.ran").read_text().split() for name in ("a", "z", "back"))
    assert first == back != last


def test_a_file_that_is_marked_is_one_lane_s_in_its_order(project: Path) -> None:
    told = "import os, pathlib, pytest\npytestmark = pytest.mark.together\nhere = pathlib.Path(__file__)\n"
    ran = "here.with_suffix('.ran').open('a').write(f'{os.getpid()} %s\\n')\n"
    (project / "e2e/test_a.py").write_text("def test_first_of_the_second_lane(): pass\n")
    (project / "e2e/test_z.py").write_text(told + "".join(f"def test_{n}(): {ran % n}" for n in "abcdef"))
    run = start(project)
    output, _ = run.communicate(timeout=60)
    assert run.returncode == 0 and "9 passed" in output, output
    lanes, order = zip(*(line.split() for line in (project / "e2e/test_z.ran").read_text().splitlines()), strict=True)
    assert len(set(lanes)) == 1 and "".join(order) == "abcdef"


def test_a_third_lane_takes_what_needs_no_stack_and_covers_nothing_from_the_back(project: Path) -> None:
    told = "import os, pathlib, threading, pytest\nhere = pathlib.Path(__file__)\n"
    ran = "    here.with_suffix('.ran').open('a').write(f'{os.getpid()}\\n')\n"
    # The first lane and the second one, which have taken test_g and test_z already, wait until the third is done.
    waits = (
        "def test_waits():\n    while not (here.parents[%d] / 'test_x.ran').exists(): threading.Event().wait(0.05)\n"
    )
    (project / "test_first.py").write_text(f"{told}{waits % 0}{ran}")
    (project / "e2e/test_second.py").write_text(f"{told}{waits % 1}{ran}")
    for name, mark in {"g": "", "x": "@pytest.mark.no_cover\n", "y": "@pytest.mark.no_cover\n", "z": ""}.items():
        (project / f"test_{name}.py").write_text(f"{told}{mark}def test_{name}():\n{ran}")
    run = start(project, "-p", "pytest_cov")
    output, _ = run.communicate(timeout=60)
    assert run.returncode == 0 and "6 passed" in output, output
    by = {path.stem: path.read_text().split() for path in project.rglob("*.ran")}
    assert {name: len(lanes) for name, lanes in by.items()} == {
        f"test_{name}": 1 for name in (*"gxyz", "first", "second")
    }
    assert by["test_x"] == by["test_y"] and len({by["test_first"][0], by["test_second"][0], by["test_x"][0]}) == 3
    assert by["test_x"][0] not in by["test_g"] + by["test_z"]


def test_a_third_lane_that_breaks_off_fails_the_run(project: Path) -> None:
    waits = (
        "import pathlib, threading\ndef test_waits():\n"
        "    while not (pathlib.Path(__file__).parents[%d] / 'ended').exists(): threading.Event().wait(0.05)\n"
    )
    (project / "test_first.py").write_text(waits % 0)
    (project / "e2e/test_second.py").write_text(waits % 1)
    # The other two have taken test_g and test_z before they wait.
    marked = "import os, pathlib, pytest\n@pytest.mark.no_cover\n"
    ends = "pathlib.Path('ended').touch(); os._exit(9)"
    for name, text in {"g": "", "x": marked, "y": f"{marked}def test_ends(): {ends}\n", "z": ""}.items():
        (project / f"test_{name}.py").write_text(text if "def" in text else f"{text}def test_it(): pass\n")
    run = start(project, "-p", "pytest_cov")
    output, _ = run.communicate(timeout=60)
    assert run.returncode == pytest.ExitCode.TESTS_FAILED and "1 failed, 4 passed" in output, output
    assert "the third lane broke off with 9" in output


def test_a_test_that_no_lane_runs_fails_the_run(project: Path) -> None:
    # The second lane ends in order, and has collected nothing.
    (project / "conftest.py").write_text(
        'pytest_plugins = ["testing.lanes"]\n'
        "def pytest_collection_modifyitems(config, items):\n"
        "    if config.getoption('--lane-reports') is not None: items.clear()\n"
    )
    (project / "e2e/test_second.py").write_text("def test_three(): pass\n")
    run = start(project)
    output, _ = run.communicate()
    assert run.returncode == pytest.ExitCode.TESTS_FAILED and "1 failed, 2 passed" in output, output
    assert "no lane has run e2e/test_second.py::test_three" in output


@pytest.mark.parametrize("status", [0, 1])
def test_a_test_whose_process_ends_as_a_run_would_fails_the_run(project: Path, status: int) -> None:
    (project / "e2e/test_second.py").write_text(f"import os\ndef test_three(): os._exit({status})\n")
    run = start(project)
    output, _ = run.communicate()
    assert run.returncode == pytest.ExitCode.TESTS_FAILED and "1 failed, 2 passed" in output, output
    assert "no lane has run e2e/test_second.py::test_three" in output


@pytest.mark.parametrize(("second", "is_enough"), [("two", True), ("one", False)])
def test_what_either_lane_covers_is_counted(project: Path, second: str, is_enough: bool) -> None:
    (project / "covered.py").write_text("def one():\n    return 1\ndef two():\n    return 2\n")
    (project / "test_first.py").write_text("import covered\ndef test_one(): covered.one()\n")
    (project / "e2e/test_second.py").write_text(f"import covered\ndef test_two(): covered.{second}()\n")
    run = start(project, "-p", "pytest_cov", "--cov=covered", "--cov-fail-under=100")
    output, _ = run.communicate()
    assert (run.returncode == 0) is is_enough and re.search(r"=+ 2 passed in .*=+\n\Z", output), output


def test_arguments_choose_from_both_lanes(project: Path) -> None:
    (project / "e2e/test_second.py").write_text("def test_three(): pass\ndef test_four(): assert False\n")
    run = start(project, "-k", "three")
    output, _ = run.communicate()
    assert run.returncode == 0 and "1 passed" in output, output


def test_a_second_lane_that_breaks_off_fails_the_run(project: Path) -> None:
    (project / "e2e/test_second.py").write_text("import os\ndef test_three(): os._exit(9)\n")
    run = start(project)
    output, _ = run.communicate()
    assert run.returncode == pytest.ExitCode.TESTS_FAILED and "1 failed, 2 passed" in output, output
    assert "the second lane broke off with 9" in output


def test_ctrl_c_ends_both_lanes_in_order(project: Path) -> None:
    (project / "e2e/test_second.py").write_text(FOREVER)
    (project / "test_first.py").write_text(
        "import pathlib, threading\n"
        "def test_waits_for_the_other():\n"
        "    while not pathlib.Path('e2e/started').exists(): threading.Event().wait(0.05)\n"
        "    print('both are at work', flush=True)\n"
        "    threading.Event().wait(60)\n"
    )
    run = start(project, "-s")
    assert run.stdout is not None
    for line in run.stdout:
        if "both are at work" in line:
            break
    os.killpg(run.pid, signal.SIGINT)
    run.communicate(timeout=30)
    assert run.returncode == pytest.ExitCode.INTERRUPTED and (project / "e2e/stopped").exists()
