"""credvend in Python programs."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from aging import age
from fake_service import SECRET, TOKEN, FakeService, Planned

import credvend


@pytest.fixture(autouse=True)
def caller(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("HOME", "CREDVEND_URL", "CREDVEND_TOKEN"):
        monkeypatch.setenv(name, environ[name])
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "CREDVEND_CONFIG", "CREDVEND_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    return iter([None])


def test_credentials_are_a_plain_object_and_the_function_stays_one(service: FakeService) -> None:
    for _ in range(2):
        given = credvend.credentials("reports")
        assert isinstance(given, credvend.Credentials)
        assert (given.secret_access_key, given.session_token, given.account_id) == (SECRET, TOKEN, "111122223333")
    assert len(service.asked) == 1


def test_a_refresh_that_fails_is_an_error_of_credvend_s(service: FakeService, environ: dict[str, str]) -> None:
    credentials = credvend.session("reports", region_name="eu-west-1").get_credentials()
    age(environ, 3590)
    credentials._expiry_time -= timedelta(seconds=3590)  # type: ignore[union-attr]
    service.planned = [Planned(403, {"Code": "AccessDenied", "Message": "No.", "RequestId": "r"})] * 3
    with pytest.raises(credvend.AccessDeniedError):
        credentials.get_frozen_credentials()  # type: ignore[union-attr]


def test_every_option_is_passed_on(service: FakeService) -> None:
    policy = {"Version": "2012-10-17"}
    credvend.credentials("r", duration=900, reason="why", params={"a": "1"}, tags={"b": "2"}, policy=policy)
    assert service.asked[0].json == {
        "role": "r", "duration": 900, "reason": "why", "params": {"a": "1"}, "tags": {"b": "2"}, "policy": policy,
    }  # fmt: skip


def test_a_refusal_is_an_error_of_its_kind(service: FakeService) -> None:
    service.planned = [Planned(403, {"Code": "AccessDenied", "Message": "No."})]
    with pytest.raises(credvend.AccessDeniedError, match="No"):
        credvend.credentials("reports")
    assert issubclass(credvend.AccessDeniedError, credvend.CredvendError)


def test_a_session_refreshes_by_itself(service: FakeService, environ: dict[str, str]) -> None:
    pytest.importorskip("boto3")
    session = credvend.session("reports", region_name="eu-west-1")
    credentials = session.get_credentials()
    assert credentials is not None and session.region_name == "eu-west-1"
    first = credentials.get_frozen_credentials()
    assert first.secret_key == SECRET and len(service.asked) == 1
    age(environ, 3500)
    credentials._expiry_time -= timedelta(seconds=3500)  # type: ignore[attr-defined]
    second = credentials.get_frozen_credentials()
    assert second.access_key != first.access_key and len(service.asked) == 2


@pytest.mark.parametrize(("lifetime", "margin"), [(60, 12), (3600, 300), (43_200, 300)])
def test_a_session_asks_anew_when_the_cache_would_and_not_at_each_call(
    service: FakeService, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, lifetime: int, margin: int
) -> None:
    pytest.importorskip("boto3")
    monkeypatch.setenv("CREDVEND_CACHE", "off")  # so that each question is seen
    service.lifetime = lifetime
    credentials = credvend.session("reports", duration=lifetime, region_name="eu-west-1").get_credentials()
    assert credentials is not None
    for passed, asked in ((0, 1), (lifetime - margin - 3, 1), (5, 2), (0, 2)):
        credentials._expiry_time -= timedelta(seconds=passed)  # type: ignore[attr-defined]
        credentials.get_frozen_credentials()
        assert len(service.asked) == asked


def test_a_session_signs_with_nothing_else_from_the_environment(
    service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("boto3")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIASOMEBODY")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    credentials = credvend.session("reports").get_credentials()
    assert credentials is not None and credentials.access_key.startswith("ASIAEXAMPLE")


def test_a_session_that_is_refused_fails_at_once(service: FakeService) -> None:
    pytest.importorskip("boto3")
    service.planned = [Planned(403, {"Code": "AccessDenied", "Message": "No."})]
    with pytest.raises(credvend.AccessDeniedError):
        credvend.session("reports")


def test_without_boto3_a_session_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(credvend.UsageError, match="pip install boto3"):
        credvend.session("reports")


def test_importing_credvend_imports_nothing_else(environ: dict[str, str]) -> None:
    code = "import sys; bare = set(sys.modules); import credvend; print(sorted(set(sys.modules) - bare))"
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout == "['credvend']\n"


def test_what_there_is_not_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError):
        credvend.nonsense  # noqa: B018
    assert all(hasattr(credvend, name) for name in credvend.__all__)


def test_the_package_is_typed() -> None:
    assert Path(credvend.__file__).with_name("py.typed").exists()


AIO = """
import asyncio, credvend, datetime, os

async def main():
    session = credvend.aio_session("reports", region_name="eu-west-1")
    turns = 0

    async def turn():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    turning = asyncio.create_task(turn())
    credentials = await session.get_credentials()
    frozen = await credentials.get_frozen_credentials()
    print(frozen.access_key, frozen.secret_key, session.get_config_variable("region"), turns > 100)
    turns = 0
    os.environ["CREDVEND_TOKEN"] = "cvt_another"  # of whom the cache has nothing
    credentials._expiry_time -= datetime.timedelta(seconds=3500)
    print((await credentials.get_frozen_credentials()).access_key, turns > 0)
    turning.cancel()

asyncio.run(main())
"""


def test_an_asyncio_session_refreshes_without_holding_up_the_loop(
    service: FakeService, environ: dict[str, str]
) -> None:
    service.gate.clear()
    threading.Timer(0.3, service.gate.set).start()
    python = Path(__file__).parents[2] / ".venv/aio/bin/python"
    done = subprocess.run([str(python), "-c", AIO], env=environ, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["ASIAEXAMPLE1", SECRET, "eu-west-1", "True", "ASIAEXAMPLE2", "True"], done.stderr


def test_what_a_program_was_given_it_can_give_back(service: FakeService) -> None:
    given = credvend.credentials("reports")
    told = {"Role": "reports", "RoleArn": "arn", "State": "live", "Requested": "2026-01-01T00:00:00Z"}
    service.vended = [{**told, "Id": given.session_id, "Expires": "2026-01-01T01:00:00Z"}]
    (found,) = credvend.sessions(live=True, since="7d")
    assert isinstance(found, credvend.Session) and found.id == given.session_id and found.revocation is None
    ended = credvend.revoke(found.id, reason="done")
    assert ended.revocation is not None and ended.revocation.written is not None
    assert credvend.credentials("reports") != given  # which is in no cache any more
    with pytest.raises(credvend.UsageError, match="no session of that id"):
        credvend.revoke("another")
