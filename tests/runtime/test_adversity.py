"""No record, no credentials: whatever becomes of standard output, of time, and of the package."""

import fcntl
import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest

from testing.jwks_site import JwksSite
from testing.runtime import SECONDS, Environment
from testing.sts_server import SECRET
from testing.tokens import ec_key, honest_claims, sign
from tests.runtime.conftest import FAR_ISSUER, World
from tests.runtime.test_requests import bearer_vend, events, signed_vend

_PIPE_BYTES = 4096
_HOUR = 3600
# Instead of an hour that the environment is frozen: time that is later by what a file says.
_CLOCK = """
import os, time
def _later(clock):
    return lambda: clock() + float(open(os.environ["TEST_CLOCK"]).read())
time.time, time.monotonic = _later(time.time), _later(time.monotonic)
"""


def wait_until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not what():
        assert time.monotonic() < deadline
        os.sched_yield()


def full_pipe() -> tuple[int, int]:
    """A pipe that takes no byte more."""
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    os.write(writing, b"\n" * _PIPE_BYTES)
    return reading, writing


def test_a_closed_standard_output_vends_nothing(world: World) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with world.start(stdout=writing) as function:
        os.close(writing)
        answer = function.call(signed_vend())
    assert (answer.status, answer.body["Code"]) == (500, "AuditFailed")
    assert world.sts.asked == []


@pytest.mark.parametrize("more", [{}, {"PYTHONUNBUFFERED": "1"}])
def test_a_standard_output_that_refuses_vends_nothing(world: World, more: dict[str, str]) -> None:
    """Also with PYTHONUNBUFFERED, where Python's text layer says that a full pipe took everything."""
    reading, writing = full_pipe()
    os.set_blocking(writing, False)
    with world.start(more, stdout=writing) as function:
        answer = function.call(signed_vend())
        os.close(writing)
        assert (answer.status, answer.body["Code"]) == (500, "AuditFailed")
        assert world.sts.asked == []
        assert os.read(reading, 2 * _PIPE_BYTES) == b"\n" * _PIPE_BYTES
        assert function.call(signed_vend(), time.time() + SECONDS).status == 200
        records = [json.loads(line) for line in os.read(reading, 2 * _PIPE_BYTES).splitlines() if line]
    os.close(reading)
    assert [record["event"] for record in records][-2:] == ["credentials.requested", "credentials.vended"]


def test_credentials_whose_record_finds_no_room_are_not_handed_out(world: World) -> None:
    with world.start() as function:
        assert function.call(signed_vend()).status == 200
        requested, vended = (len(f"{line}\n".encode()) for line in function.log)
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    os.set_blocking(writing, False)
    os.write(writing, b"\n" * (_PIPE_BYTES - (requested + vended) // 2))
    world.sts.asked.clear()
    with world.start(stdout=writing) as function:
        answer = function.call(signed_vend())
        os.close(writing)
    assert (answer.status, answer.body["Code"]) == (500, "AuditFailed") and SECRET not in answer.text
    assert len(world.sts.asked) == 1
    assert json.loads(os.read(reading, _PIPE_BYTES))["event"] == "credentials.requested"
    os.close(reading)


def test_a_full_standard_output_holds_the_request_until_its_record_is_taken(world: World) -> None:
    reading, writing = full_pipe()
    with world.start(stdout=writing) as function:
        os.close(writing)
        function.send(signed_vend())
        wait_until(lambda: "pipe" in Path(f"/proc/{function.process.pid}/wchan").read_text() or is_writing(function))
        assert world.sts.asked == [] and function.api.results.empty()
        drain = Thread(target=lambda: [None for _ in iter(lambda: os.read(reading, 512), b"")], daemon=True)
        drain.start()
        assert function.answer().status == 200
    drain.join()
    os.close(reading)


def is_writing(function: Environment) -> bool:
    """The process waits in write(2), where the kernel does not tell more."""
    return Path(f"/proc/{function.process.pid}/syscall").read_text().split()[:2] == ["1", "0x1"]


def test_records_come_whole_through_a_slow_pipe(world: World) -> None:
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    taken: list[bytes] = []
    slow = Thread(target=lambda: taken.extend(iter(lambda: os.read(reading, 7), b"")), daemon=True)
    with world.start(stdout=writing) as function:
        os.close(writing)
        slow.start()
        for _ in range(5):
            assert function.call(signed_vend()).status == 200
    slow.join()
    os.close(reading)
    records = [json.loads(line) for line in b"".join(taken).splitlines()]
    assert [record["event"] for record in records] == ["credentials.requested", "credentials.vended"] * 5


def test_an_environment_thawed_after_an_hour_believes_nothing_that_is_old(world: World, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(_CLOCK)
    clock = tmp_path / "clock"
    clock.write_text("0")
    token = world.new_token()
    with world.start({"TEST_CLOCK": str(clock)}, search=tmp_path) as function:
        assert function.call(bearer_vend(token)).status == 200
        os.kill(function.process.pid, signal.SIGSTOP)
        for item in world.table.items.values():
            item["revoked_at"] = {"N": str(int(time.time()))}
        clock.write_text(str(_HOUR))
        world.sts.ahead = _HOUR
        os.kill(function.process.pid, signal.SIGCONT)
        later = time.time() + _HOUR + SECONDS
        assert function.call(bearer_vend(token), later).status == 401  # it is remembered for a minute, not for an hour
        assert function.call(signed_vend(), later).status == 200


def test_keys_that_an_issuer_took_back_while_the_environment_was_frozen_are_not_believed(
    world: World, far: JwksSite, tmp_path: Path
) -> None:
    old, new = ec_key("old"), ec_key("new")
    (tmp_path / "sitecustomize.py").write_text(_CLOCK)
    clock = tmp_path / "clock"
    clock.write_text("0")
    far.keys[:], far.asked = [old], 0
    claims = honest_claims(iss=FAR_ISSUER, exp=int(time.time()) + 3 * _HOUR)
    with world.start({"TEST_CLOCK": str(clock)}, search=tmp_path) as function:
        for _ in range(2):
            assert function.call(bearer_vend(sign(claims, old))).status == 200
        assert far.asked == 1
        os.kill(function.process.pid, signal.SIGSTOP)
        far.keys[:] = [new]
        clock.write_text(str(_HOUR))
        world.sts.ahead = _HOUR
        os.kill(function.process.pid, signal.SIGCONT)
        later = time.time() + _HOUR + SECONDS
        assert function.call(bearer_vend(sign(claims, old)), later).status == 401
        assert function.call(bearer_vend(sign(claims, new)), later).status == 200


def test_a_connection_that_sts_has_closed_meanwhile_is_made_anew(world: World) -> None:
    with world.start() as function:
        assert function.call(signed_vend()).status == 200
        os.kill(function.process.pid, signal.SIGSTOP)
        world.sts.server.hang_up()
        os.kill(function.process.pid, signal.SIGCONT)
        assert function.call(signed_vend()).status == 200
    assert world.sts.server.connections == 2


@pytest.mark.parametrize("seconds_left", [-1, 15], ids=["has passed", "may come while STS is slow"])
def test_a_request_whose_deadline_is_too_near_vends_nothing(world: World, seconds_left: int) -> None:
    with world.start() as function:
        answer = function.call(signed_vend(), deadline=time.time() + seconds_left)
        assert answer.status == 503 and SECRET not in answer.text and world.sts.asked == []
        assert events(function) == ["credentials.denied"] and function.records()[0]["cause"] == "OutOfTime"
        assert function.call(signed_vend()).status == 200


def test_a_configuration_that_does_not_start_is_told_to_the_operator(world: World, tmp_path: Path) -> None:
    tree = shutil.copytree(world.tree, tmp_path / "task")
    compiled = tree / "chalicelib/compiled.json"
    compiled.write_bytes(compiled.read_bytes()[:-1])
    world.tree = tree
    with world.start() as function:
        path, error = function.result()
        function.process.wait()
    assert path == "init/error" and error["errorType"] == "ConfigError"
    assert error["errorMessage"] == "compiled.json: is not whole: package and deploy again"
    assert world.sts.asked == []
