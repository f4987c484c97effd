"""One request for many, whatever happens; and never credentials that are about to end."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from aging import age, directory, entry_file, forget_failure
from fake_keyring import Ring
from fake_service import SECRET, TOKEN, FakeService, Planned

from credvend import lean
from credvend.commands.known_roles import role_names
from credvend.disk.config_file import load_config
from credvend.disk.credentials_cache import Cache
from credvend.disk.private_files import CannotWrite, write_private
from credvend.errors import AccessDeniedError, CredvendError, ServiceError, UsageError
from credvend.time_limit import LONGEST, within
from credvend.vending import cache_or_service
from credvend.vending.cache_or_service import get_credentials
from credvend.vending.credentials import Credentials, parse_credentials
from credvend.vending.options import Options

DENIED = Planned(403, {"Code": "AccessDenied", "Message": "Access denied: no such role.", "RequestId": "r"})


def vend(environ: Mapping[str, str], role: str = "reports", *, fresh: bool = False, **options: str) -> Credentials:
    return get_credentials(role, Options(**options), load_config(environ), environ, fresh=fresh)  # type: ignore[arg-type]


# The cache


def test_the_second_answer_comes_from_the_cache(service: FakeService, environ: dict[str, str]) -> None:
    first, second = vend(environ), vend(environ)
    assert first == second and len(service.asked) == 1
    assert (first.role, first.account_id, first.secret_access_key) == ("reports", "111122223333", SECRET)
    assert first.expiration.tzinfo is not None and second.answer["RequestId"] == "request-1"


def test_what_is_cached_only_its_owner_can_read(service: FakeService, environ: dict[str, str]) -> None:
    before = os.umask(0)
    try:
        vend(environ)
    finally:
        os.umask(before)
    assert directory(environ).stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in directory(environ).iterdir()} == {0o600}


def test_who_finds_an_answer_there_waits_for_no_library_that_asks_or_locks(environ: dict[str, str]) -> None:
    code = "import sys\nfrom credvend.cli import main\nassert main(['get', 'reports', '--format', 'process']) == 0\n"
    code += "print('urllib3' in sys.modules, 'filelock' in sys.modules)"
    for expected in ("True True", "False False"):
        done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == expected


def test_each_service_caller_role_and_option_has_its_own(service: FakeService, environ: dict[str, str]) -> None:
    vend(environ)
    vend(environ, "other")
    vend(environ, duration="15m")
    vend(environ, reason="x")
    vend({**environ, "CREDVEND_TOKEN": "cvt_somebody-else"})
    vend({**environ, "CREDVEND_URL": service.url + "/"})
    vend({**environ, "CREDVEND_URL": service.url.replace("127.0.0.1", "localhost")})
    assert len(service.asked) == 6


def test_refreshed_when_a_few_minutes_are_left(service: FakeService, environ: dict[str, str]) -> None:
    first = vend(environ)
    age(environ, 3600 - 330)
    assert vend(environ) == first
    age(environ, 60)
    assert vend(environ) != first and len(service.asked) == 2


def test_whoever_says_fresh_gets_new_ones(service: FakeService, environ: dict[str, str]) -> None:
    first = vend(environ)
    second = vend(environ, fresh=True)
    assert second != first and vend(environ) == second and len(service.asked) == 2


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\xff\x00", b'{"Credentials": {}}'])
def test_a_corrupt_entry_is_replaced(service: FakeService, environ: dict[str, str], content: bytes) -> None:
    vend(environ)
    entry_file(environ).write_bytes(content)
    second = vend(environ)
    assert len(service.asked) == 2 and vend(environ) == second


def test_an_entry_that_others_can_read_or_that_is_a_link_is_replaced(
    service: FakeService, environ: dict[str, str], tmp_path: Path
) -> None:
    vend(environ)
    entry_file(environ).chmod(0o644)
    vend(environ)
    assert len(service.asked) == 2 and entry_file(environ).stat().st_mode & 0o777 == 0o600
    path = entry_file(environ)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    vend(environ)
    assert len(service.asked) == 3 and not entry_file(environ).is_symlink()


def test_a_cache_that_others_can_get_into_is_neither_read_nor_written_and_costs_no_more(
    service: FakeService, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    first = vend(environ)
    before = {path: path.stat().st_mtime_ns for path in directory(environ).iterdir()}
    directory(environ).chmod(0o755)
    assert vend(environ) != first and len(service.asked) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 and "warning: nothing is cached" in said[0] and "chmod 700" in said[0]
    assert {path: path.stat().st_mtime_ns for path in directory(environ).iterdir()} == before


def test_a_cache_of_another_user_costs_the_cache_and_no_more(
    service: FakeService, environ: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    vend(environ)
    monkeypatch.setattr(os, "geteuid", lambda: 12_345)  # as `sudo -E` has it
    assert vend(environ).secret_access_key == SECRET and len(service.asked) == 2
    assert "warning: nothing is cached" in capsys.readouterr().err


@pytest.mark.parametrize("home", [None, "relative", "~"])
def test_without_a_home_there_are_no_files_at_all(
    service: FakeService,
    environ: dict[str, str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    home: str | None,
) -> None:
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # as where the user is in no list
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    environ.pop("HOME")
    if home:
        environ["HOME"] = home
    assert vend(environ).secret_access_key == SECRET
    assert vend(environ).secret_access_key == SECRET and len(service.asked) == 2
    assert "no home directory" in capsys.readouterr().err
    assert not list((tmp_path / "here").iterdir())


def test_a_cache_that_is_off_leaves_no_file_and_says_nothing(
    service: FakeService, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    vend(environ)
    for path in directory(environ).iterdir():
        path.unlink()
    environ["CREDVEND_CACHE"] = "off"
    assert vend(environ) != vend(environ) and len(service.asked) == 3
    assert role_names(environ) == [], "which completion would keep"
    assert not list(directory(environ).iterdir()) and capsys.readouterr().err == ""


def test_entries_may_be_in_the_keyring_and_are_in_no_file_then(
    service: FakeService, environ: dict[str, str], ring: Ring
) -> None:
    vend(environ)
    environ["CREDVEND_CACHE"] = "keyring"
    first = vend(environ)
    assert vend(environ) == first and len(service.asked) == 2, "what is in files is not looked at"
    assert lean.cached_process(["reports"], environ) is None
    secret = first.secret_access_key.encode()
    assert len(ring.kept) == 1 and secret.decode() in next(iter(ring.kept.values()))
    Path(entry_file({**environ, "CREDVEND_CACHE": "file"})).unlink()
    assert not any(secret in path.read_bytes() for path in directory(environ).iterdir())
    assert Cache(environ).clear() == 1 and not ring.kept and not list(directory(environ).iterdir())


def test_what_is_long_dead_is_removed_from_the_keyring_too(
    service: FakeService, environ: dict[str, str], ring: Ring
) -> None:
    environ["CREDVEND_CACHE"] = "keyring"
    vend(environ)
    for path in directory(environ).iterdir():
        os.utime(path, (1, 1))
    vend(environ, "other")
    assert len(ring.kept) == 1


@pytest.mark.parametrize("state", ["missing", "locked", "forgetful"])
def test_a_keyring_that_keeps_nothing_costs_the_cache_and_no_secret_goes_to_a_file(
    service: FakeService, environ: dict[str, str], ring: Ring, capsys: pytest.CaptureFixture[str], state: str
) -> None:
    environ["CREDVEND_CACHE"] = "keyring"
    if state == "missing":
        environ["CREDVEND_KEYRING"] = "off"
    else:
        setattr(ring, state, True)
    assert vend(environ).secret_access_key == SECRET
    said = capsys.readouterr().err
    assert "warning: nothing is cached" in said and "keyring" in said and "the-secret" not in said
    assert not list(directory(environ).glob("*.entry"))


def test_whoever_waits_too_long_for_another_is_told(environ: dict[str, str]) -> None:
    cache = Cache(environ)
    cache.prepare()
    with cache.lock("a" * 64):
        for seconds in (0.05, -1.0):
            with within(seconds), pytest.raises(ServiceError, match="Another credvend"), cache.lock("a" * 64):
                pass


def test_a_place_that_cannot_be_written_costs_the_cache_and_no_more(
    service: FakeService, environ: dict[str, str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    environ["CREDVEND_CACHE_DIR"] = str(tmp_path / "file/below")
    assert vend(environ).secret_access_key == SECRET
    assert "warning: nothing is cached" in capsys.readouterr().err


def test_a_file_system_without_locks_costs_the_cache_and_no_more(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert vend(environ).secret_access_key == SECRET
    assert "warning: nothing is cached" in capsys.readouterr().err


@pytest.mark.parametrize(
    "more",
    [{"Role": "a\0b"}, {"Role": "a\ud800"}, {"Credentials": {"Expiration": "9999-12-31T23:59:59-14:00"}}],
)
def test_an_answer_that_cannot_be_used_is_no_fault_of_credvend(
    service: FakeService, environ: dict[str, str], more: dict[str, Any]
) -> None:
    answer = service.vend("reports")
    more = {**more, "Credentials": {**answer["Credentials"], **more.get("Credentials", {})}}
    service.planned = [Planned(200, {**answer, **more})]
    with pytest.raises(ServiceError, match="no credentials that credvend understands"):
        vend(environ)


def test_a_full_disk_costs_the_cache_and_no_second_request(
    service: FakeService, environ: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: str, data: bytes) -> None:
        raise CannotWrite(f"{path} cannot be written: No space left on device.")

    monkeypatch.setattr("credvend.disk.credentials_cache.write_private", full)
    assert vend(environ).secret_access_key == SECRET and len(service.asked) == 1
    assert "No space left" in capsys.readouterr().err
    service.planned = [DENIED]
    with pytest.raises(AccessDeniedError):
        vend(environ)
    assert len(service.asked) == 2


def test_what_is_long_dead_is_removed(service: FakeService, environ: dict[str, str]) -> None:
    vend(environ)
    old = entry_file(environ)
    other = directory(environ) / "not-ours.txt"
    other.write_text("")
    for path in (old, other):
        os.utime(path, (1, 1))
    vend(environ, "other")
    assert not old.exists() and other.exists()


def test_clearing_removes_what_is_ours_alone(service: FakeService, environ: dict[str, str]) -> None:
    vend(environ)
    other = directory(environ) / "notes.txt"
    other.write_text("")
    assert Cache(environ).clear() == 1
    assert list(directory(environ).iterdir()) == [other]
    assert Cache({**environ, "CREDVEND_CACHE_DIR": "/nowhere/at/all"}).clear() == 0


# Time


@pytest.mark.parametrize("lifetime", [0, -5, -3600])
def test_credentials_that_have_ended_are_no_credentials(
    service: FakeService, environ: dict[str, str], lifetime: int
) -> None:
    service.lifetime = lifetime
    with pytest.raises(ServiceError, match="had ended when they came"):
        vend(environ)
    assert not list(directory(environ).glob("*.entry"))


def test_a_lease_is_cached_for_most_of_its_life_and_not_handed_out_in_its_last_seconds(
    service: FakeService, environ: dict[str, str]
) -> None:
    service.lifetime = 60
    first = vend(environ, duration="60s")
    age(environ, 40)
    assert vend(environ, duration="1m") == first and len(service.asked) == 1
    age(environ, 10)
    service.planned = [Planned(500, headers={"Retry-After": "60"})]
    assert vend(environ, duration="60s") == first and len(service.asked) == 2, "while the service is away"
    age(environ, 5)
    forget_failure(environ)
    service.planned = [Planned(500, headers={"Retry-After": "60"})]
    with pytest.raises(ServiceError):
        vend(environ, duration="60s")
    forget_failure(environ)
    assert vend(environ, duration="60s") != first


def test_a_lease_that_ends_before_a_short_try_is_over_does_not_shorten_that_try(
    service: FakeService, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    service.lifetime = 60
    first = vend(environ)
    age(environ, 50)
    limits: list[float] = []

    def limited(seconds: float) -> AbstractContextManager[None]:
        limits.append(seconds)
        return within(seconds)

    monkeypatch.setattr(cache_or_service, "within", limited)
    assert vend(environ) != first and limits == []


NARROW = '{"Version": "2012-10-17", "Statement": []}'
LEASES = [
    Options(),
    Options(duration="60s"),
    Options(duration="61s"),
    Options(policy=NARROW),
    Options(policy=NARROW.replace("[]", "[{}]")),
    Options(duration="60s", policy=NARROW),
    Options(duration="60s", policy=NARROW, reason="task 42"),
    Options(duration="60s", reason=NARROW),
]


def test_a_lease_never_stands_in_for_another_session_nor_a_session_for_a_lease(
    service: FakeService, environ: dict[str, str]
) -> None:
    for _ in range(2):
        given = [get_credentials("reports", each, load_config(environ), environ).access_key_id for each in LEASES]
        assert len(set(given)) == len(LEASES) == len(service.asked)
    assert [asked.json.get("policy") is not None for asked in service.asked] == [
        each.policy is not None for each in LEASES
    ]


@pytest.mark.parametrize("ahead", [-7200, -600, 600, 7200])
def test_a_wrong_clock_is_noticed_and_shortens_no_life(
    service: FakeService, environ: dict[str, str], ahead: int, capsys: pytest.CaptureFixture[str]
) -> None:
    service.ahead = ahead
    first = vend(environ)
    said = capsys.readouterr().err
    assert "warning: this computer's clock is" in said and ("behind" in said) is (ahead > 0)
    age(environ, 3600 - 330)
    assert vend(environ) == first
    age(environ, 60)
    assert vend(environ) != first and len(service.asked) == 2


@pytest.mark.parametrize(("ahead", "lifetime"), [(-30 * 86_400, 3600), (0, 7000 * 365 * 86_400), (0, 43_200 + 600)])
def test_what_would_outlive_every_session_is_no_credentials(
    service: FakeService, environ: dict[str, str], ahead: int, lifetime: int
) -> None:
    service.lifetime = lifetime
    if ahead:  # the date alone is wrong, as that of a cache in between
        date = formatdate(time.time() + ahead, usegmt=True)
        service.planned = [Planned(200, service.vend("reports"), {"Date": date})]
    with pytest.raises(ServiceError, match="twelve hours"):
        vend(environ)
    assert not list(directory(environ).glob("*.entry"))


def test_the_longest_session_there_is_is_cached_for_its_life(service: FakeService, environ: dict[str, str]) -> None:
    service.lifetime = 43_200
    service.ahead = -30  # the date is rounded, and took its way
    assert vend(environ) == vend(environ) and len(service.asked) == 1


def test_an_entry_that_would_live_too_long_heals_itself(service: FakeService, environ: dict[str, str]) -> None:
    first = vend(environ)
    path = entry_file(environ)
    key = path.name.partition(".")[0]
    entry = lean.parse_entry(path.read_bytes(), key)
    assert entry is not None
    poisoned = lean.Entry(key, entry.obtained, entry.obtained + 43_201, entry.process, entry.answer)
    write_private(str(path), poisoned.to_bytes())
    assert not poisoned.is_usable(time.time())
    assert vend(environ) != first and len(service.asked) == 2


def test_a_clock_that_is_set_back_costs_one_request(service: FakeService, environ: dict[str, str]) -> None:
    vend(environ)
    age(environ, -3600)
    vend(environ)
    assert len(service.asked) == 2


# Failures


def test_old_credentials_do_while_the_service_is_down(service: FakeService, environ: dict[str, str]) -> None:
    first = vend(environ)
    age(environ, 3600 - 200)
    service.planned = [Planned(500, headers={"Retry-After": "60"})] * 2
    assert vend(environ) == first and len(service.asked) == 2
    assert vend(environ) == first and len(service.asked) == 2, "and it is left alone for a moment"
    forget_failure(environ)
    assert vend(environ) == first and len(service.asked) == 3


def test_a_service_that_hangs_costs_one_short_try_while_old_credentials_do(
    service: FakeService, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = vend(environ)
    age(environ, 3600 - 200)
    assert cache_or_service.SHORT_TRY <= 10
    monkeypatch.setattr(cache_or_service, "SHORT_TRY", 0.3)
    service.gate.clear()
    started = time.monotonic()
    assert [vend(environ) for _ in range(3)] == [first] * 3
    assert time.monotonic() - started < 5 and len(service.asked) == 2


def test_another_process_that_hangs_costs_one_short_wait_while_old_credentials_do(
    service: FakeService, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = vend(environ)
    age(environ, 3600 - 200)
    monkeypatch.setattr(cache_or_service, "SHORT_TRY", 0.3)
    with Cache(environ).lock(entry_file(environ).name.partition(".")[0]):
        started = time.monotonic()
        assert vend(environ) == first and time.monotonic() - started < 5
    assert len(service.asked) == 1


def test_without_credentials_it_gives_up_before_an_sdk_does(service: FakeService, environ: dict[str, str]) -> None:
    assert LONGEST < 60, "Go's SDK waits for 60 s"
    service.gate.clear()
    started = time.monotonic()
    with pytest.raises(ServiceError, match="in time"), within(0.3):
        vend(environ)
    assert time.monotonic() - started < 5 and len(service.asked) == 1


@pytest.mark.parametrize("answer", [Planned(403, {"message": "Forbidden"}), Planned(403, b"<html>"), Planned(401, b"")])
def test_old_credentials_do_while_something_else_answers(
    service: FakeService, environ: dict[str, str], answer: Planned
) -> None:
    first = vend(environ)
    age(environ, 3600 - 200)
    service.planned = [answer]
    assert vend(environ) == first and len(service.asked) == 2


def test_old_credentials_do_not_when_the_service_says_no(service: FakeService, environ: dict[str, str]) -> None:
    vend(environ)
    age(environ, 3600 - 200)
    service.planned = [DENIED]
    with pytest.raises(AccessDeniedError):
        vend(environ)


def test_old_credentials_do_not_for_their_last_minute(service: FakeService, environ: dict[str, str]) -> None:
    vend(environ)
    age(environ, 3600 - 59)
    service.planned = [Planned(500, headers={"Retry-After": "60"})]
    with pytest.raises(ServiceError):
        vend(environ)


def test_a_failure_is_shared_for_a_moment_and_then_forgotten(service: FakeService, environ: dict[str, str]) -> None:
    service.planned = [DENIED]
    for _ in range(3):
        with pytest.raises(AccessDeniedError, match="no such role"):
            vend(environ)
    assert len(service.asked) == 1
    vend(environ, "other")
    forget_failure(environ)
    assert vend(environ).role == "reports"
    assert not list(directory(environ).glob("*.failure"))


def test_a_failure_of_the_future_is_none(service: FakeService, environ: dict[str, str]) -> None:
    service.planned = [DENIED]
    with pytest.raises(AccessDeniedError):
        vend(environ)
    (file,) = directory(environ).glob("*.failure")
    file.write_text(json.dumps({**json.loads(file.read_text()), "at": time.time() + 3600}))
    assert vend(environ).role == "reports"


def test_whoever_says_fresh_shares_no_failure(service: FakeService, environ: dict[str, str]) -> None:
    service.planned = [DENIED]
    with pytest.raises(AccessDeniedError):
        vend(environ)
    assert vend(environ, fresh=True).role == "reports"


@pytest.mark.parametrize("content", ["", "{}", '{"at": "x"}', '{"at": 9e99, "exit_code": 1, "message": ""}', "[]"])
def test_a_corrupt_failure_is_none(service: FakeService, environ: dict[str, str], content: str) -> None:
    service.planned = [DENIED]
    with pytest.raises(AccessDeniedError):
        vend(environ)
    (file,) = directory(environ).glob("*.failure")
    file.write_text(content)
    assert vend(environ).role == "reports"


def test_the_profile_to_sign_with_must_not_come_from_credvend(service: FakeService, environ: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="CREDVEND_PROFILE"):
        vend({**environ, lean.SIGNING: "1"})
    assert service.asked == []


# Many at once


def crowd(environ: Mapping[str, str], size: int) -> list[tuple[int, str, str]]:
    """Exit code, output and messages of as many commands at once."""
    command = [sys.executable, "-m", "credvend", "process", "reports"]
    pipe = subprocess.PIPE
    running = [subprocess.Popen(command, env=dict(environ), stdout=pipe, stderr=pipe, text=True) for _ in range(size)]
    return [(process.returncode, *said) for process in running for said in [process.communicate()]]


def test_many_at_once_make_one_request(service: FakeService, environ: dict[str, str]) -> None:
    """Fifty make it of the deployed service, in tests/e2e/test_client_core.py."""
    answers = crowd(environ, 12)
    assert len(set(answers)) == 1 and answers[0][0] == 0, set(answers)
    assert json.loads(answers[0][1])["SecretAccessKey"] == SECRET
    assert len(service.asked) == 1


def test_fifty_at_once_share_one_refusal(service: FakeService, environ: dict[str, str]) -> None:
    service.planned = [DENIED] * 50
    service.gate.clear()
    start = threading.Barrier(51)
    refusals: list[str] = []

    def ask() -> None:
        start.wait()
        with pytest.raises(AccessDeniedError) as refused:
            vend(environ)
        refusals.append(str(refused.value))

    threads = [threading.Thread(target=ask) for _ in range(50)]
    for thread in threads:
        thread.start()
    start.wait()
    service.gate.set()
    for thread in threads:
        thread.join()
    assert refusals == ["Access denied: no such role. (request r)"] * 50
    assert len(service.asked) == 1


def test_threads_make_one_request_too(service: FakeService, environ: dict[str, str]) -> None:
    seen: list[Credentials] = []
    threads = [threading.Thread(target=lambda: seen.append(vend(environ))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 20 and len(set(map(repr, seen))) == 1 and len(service.asked) == 1


def test_whoever_is_killed_while_it_asks_leaves_no_lock(service: FakeService, environ: dict[str, str]) -> None:
    service.gate.clear()
    command = [sys.executable, "-m", "credvend", "process", "reports"]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 20
        while not service.asked and time.monotonic() < deadline:
            pass
        process.kill()
    service.gate.set()
    assert vend(environ).role == "reports" and len(service.asked) == 2


def test_a_cleared_cache_lets_nobody_ask_twice(service: FakeService, environ: dict[str, str]) -> None:
    cache = Cache(environ)
    cache.prepare()
    with cache.lock("a" * 64):
        cache.clear()
        with cache.lock("a" * 64):  # of the file that is there now
            pass


# Answers


def test_no_secret_is_in_the_repr_of_credentials(service: FakeService, environ: dict[str, str]) -> None:
    shown = repr(vend(environ))
    assert SECRET not in shown and TOKEN not in shown and "reports" in shown


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("Credentials", None),
        ("Credentials.SecretAccessKey", "it's"),
        ("Credentials.SecretAccessKey", None),
        ("Credentials.SessionToken", 'a"; rm -rf ~'),
        ("Credentials.AccessKeyId", "a\nb"),
        ("Credentials.Expiration", "soon"),
        ("Credentials.Expiration", "2026-11-24T20:58:26"),
        ("AssumedRoleUser.Arn", "arn:aws:iam::1:user/x"),
        ("AssumedRoleUser", []),
    ],
)
def test_an_answer_without_credentials_is_an_error_without_secrets(
    service: FakeService, path: str, value: object
) -> None:
    answer = service.vend("reports")
    *above, last = path.split(".")
    inner = answer
    for name in above:
        inner = inner[name]
    inner[last] = value
    with pytest.raises(ServiceError) as refused:
        parse_credentials(answer)
    error: BaseException | None = refused.value
    assert SECRET not in str(error) and isinstance(error, CredvendError) and error.__suppress_context__


def test_moments_are_read_as_aws_writes_them(service: FakeService) -> None:
    answer = service.vend("reports")
    for text in ("2026-11-24T20:58:26Z", "2026-11-24T20:58:26+00:00", "2026-11-24T21:58:26+01:00"):
        answer["Credentials"]["Expiration"] = text
        assert parse_credentials(answer).expiration.isoformat() == "2026-11-24T20:58:26+00:00"
