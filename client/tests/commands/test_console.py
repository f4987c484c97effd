"""The console's sign-in: credentials go to AWS alone, in a body; the address that lets one in is on no command line."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from browsing import address_on, has_browser
from fake_service import SECRET, TOKEN, FakeService, Planned, fake_service

from credvend import lean
from credvend.command_line import run
from credvend.commands.console_pages import PARTITIONS, Page, address_of, partition_of
from credvend.errors import ServiceError, UsageError
from credvend.net.browser import show_privately
from credvend.net.private_page import private_page
from credvend.vending.credentials import Credentials


@pytest.fixture
def aws() -> Iterator[FakeService]:
    """AWS's federation endpoint."""
    with fake_service() as started:
        started.planned = [Planned(body={"SigninToken": "the-sign-in-token"})]
        yield started


@pytest.fixture
def caller(environ: dict[str, str], aws: FakeService) -> dict[str, str]:
    return {**environ, "CREDVEND_CONSOLE_URL": aws.url.replace("/api", "/federation")}


def query(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def test_the_address_signs_in_to_the_page_that_was_asked_for(
    caller: dict[str, str], aws: FakeService, service: FakeService, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["console", "reports", "--service", "ec2", "--region", "eu-west-1", "--print"], caller) == 0
    address = capsys.readouterr().out.strip()
    assert address.startswith(caller["CREDVEND_CONSOLE_URL"] + "?")
    assert query(address) == {
        "Action": "login",
        "Issuer": service.url,
        "Destination": "https://console.aws.amazon.com/ec2/home?region=eu-west-1",
        "SigninToken": "the-sign-in-token",
    }
    assert SECRET not in address and TOKEN not in address


def test_aws_is_told_the_credentials_in_a_body_and_nothing_of_a_duration(
    caller: dict[str, str], aws: FakeService, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["--verbose", "console", "reports", "--print"], caller) == 0
    (asked,) = aws.asked
    assert (asked.method, asked.path) == ("POST", "/federation")
    form = query("?" + asked.body.decode())
    session = json.loads(form.pop("Session"))
    assert form == {"Action": "getSigninToken"}
    assert session == {"sessionId": "ASIAEXAMPLE1", "sessionKey": SECRET, "sessionToken": TOKEN}
    assert "authorization" not in asked.headers
    assert not any(secret in capsys.readouterr().err for secret in (SECRET, TOKEN, "the-sign-in-token"))


@pytest.mark.parametrize(("lifetime", "code"), [(60, 2), (800, 2), (900, 0), (43_200, 0)])
def test_the_console_is_for_sessions_of_a_quarter_of_an_hour_to_twelve(
    caller: dict[str, str],
    aws: FakeService,
    service: FakeService,
    capsys: pytest.CaptureFixture[str],
    lifetime: int,
    code: int,
) -> None:
    """The console knows no shorter one: it might go on when a lease has ended."""
    service.lifetime = lifetime
    assert run(["console", "reports", "--print"], caller) == code
    assert len(aws.asked) == (code == 0) and ("15 minutes" in capsys.readouterr().err) == (code == 2)


def test_the_browser_gets_the_address_without_its_being_on_a_command_line(
    caller: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []
    led: list[str] = []

    def browse(page: str) -> bool:
        address = address_on(page)

        class Stay(urllib.request.HTTPRedirectHandler):
            def redirect_request(
                self, req: object, fp: object, code: int, msg: str, headers: object, newurl: str
            ) -> None:
                led.append(newurl)

        def go() -> None:
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), Stay)
            with pytest.raises(urllib.request.HTTPError) as raised:
                opener.open(address, timeout=30)
            raised.value.close()

        opened.append(page)
        threads.append(threading.Thread(target=go))
        threads[0].start()
        return True

    threads: list[threading.Thread] = []
    has_browser(monkeypatch, browse)
    assert run(["console", "reports"], caller) == 0
    threads[0].join()
    assert opened[0].startswith("file://") and not Path(urlsplit(opened[0]).path).parent.exists()
    assert query(led[0])["SigninToken"] == "the-sign-in-token"
    out, err = capsys.readouterr()
    assert out == "" and "as reports of 111122223333" in err and "the-sign-in-token" not in err


def test_without_a_browser_people_are_told_of_print(
    caller: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    has_browser(monkeypatch, lambda page: False)
    assert run(["console", "reports"], caller) == 5
    assert "--print prints the address" in capsys.readouterr().err


def test_a_browser_that_does_not_come_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    has_browser(monkeypatch, lambda page: True)
    with pytest.raises(ServiceError):
        show_privately("https://console.example.com", seconds=0.05)


@pytest.mark.parametrize("name", ["w3m", "lynx", "www-browser"])
def test_a_browser_of_the_terminal_is_not_started(
    caller: dict[str, str], aws: FakeService, tmp_path: Path, name: str
) -> None:
    aws.planned = [Planned(body={"SigninToken": "the-sign-in-token"})] * 3
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / name
    program.write_text(f"#!/bin/sh\n: > {tmp_path}/started\n")
    program.chmod(0o755)
    for more in ({}, {"BROWSER": name}, {"BROWSER": f"{program} %s"}):
        environ = {**caller, "TERM": "xterm", "PATH": str(tmp_path / "bin"), **more}
        command = [sys.executable, "-m", "credvend", "console", "reports"]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 5 and "--print prints the address" in done.stderr
        assert not (tmp_path / "started").exists()


def test_a_browser_that_is_a_snap_can_read_its_page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with private_page("https://a.example.com") as page:
        assert Path(urlsplit(page).path).parent.parent != tmp_path
    (tmp_path / "snap").mkdir()
    with private_page("https://a.example.com") as page:
        directory = Path(urlsplit(page).path).parent
        assert directory.parent == tmp_path and not directory.name.startswith(".")
    assert not directory.exists()


def age_the_cache(environ: dict[str, str], seconds: int) -> None:
    (path,) = Path(environ["HOME"], ".cache/credvend").glob("*.entry")
    entry = lean.parse_entry(path.read_bytes(), path.stem)
    assert entry is not None
    older = lean.Entry(entry.key, entry.obtained - seconds, entry.expires - seconds, entry.process, entry.answer)
    path.write_bytes(older.to_bytes())


def test_the_console_gets_credentials_with_most_of_their_life_ahead(
    caller: dict[str, str], aws: FakeService, service: FakeService, capsys: pytest.CaptureFixture[str]
) -> None:
    for age, requests in ((0, 1), (1700, 1), (200, 2)):
        if age:
            age_the_cache(caller, age)
        aws.planned = [Planned(body={"SigninToken": "the-sign-in-token"})]
        assert run(["console", "reports", "--print"], caller) == 0
        assert len(service.asked) == requests
    age_the_cache(caller, 2000)
    service.planned = [Planned(503, {"Code": "StsUnavailable", "Message": "Later."}, {"Retry-After": "100"})]
    aws.planned = [Planned(body={"SigninToken": "the-sign-in-token"})]
    assert run(["console", "reports", "--print"], caller) == 0
    assert "will sign you out soon" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Planned(400, b"<html>"), "cache clear"),
        (Planned(403, b"<html>"), "cache clear"),
        (Planned(200, b"<html>"), "no sign-in token"),
        (Planned(200, {}), "no sign-in token"),
        (Planned(200, {"SigninToken": 7}), "no sign-in token"),
        (Planned(302, b"", {"Location": "https://evil.example.com/"}), "redirects"),
    ],
)
def test_what_aws_does_not_give_is_told_in_one_line(
    caller: dict[str, str], aws: FakeService, capsys: pytest.CaptureFixture[str], answer: Planned, said: str
) -> None:
    aws.planned = [answer]
    assert run(["console", "reports", "--print"], caller) == 5
    out, err = capsys.readouterr()
    assert out == "" and said in err and err.count("\n") == 1 and SECRET not in err


@pytest.mark.parametrize("arguments", [["--service", "../x"], ["--service", "ec2?a=b"], ["--region", "eu-west-1#x"]])
def test_pages_are_the_consoles_own(
    caller: dict[str, str], aws: FakeService, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert run(["console", "reports", "--print", *arguments], caller) == 2
    assert aws.asked == []


def session(partition: str) -> Credentials:
    return Credentials(
        role="r",
        role_arn=f"arn:{partition}:iam::111122223333:role/r",
        access_key_id="ASIAEXAMPLE",
        secret_access_key="secret",
        session_token="token",
        expiration=datetime(2026, 1, 1, tzinfo=timezone.utc),
        account_id="111122223333",
        assumed_role_arn=f"arn:{partition}:sts::111122223333:assumed-role/r/s",
    )


@pytest.mark.parametrize(
    ("partition", "sign_in", "page"),
    [
        ("aws", "signin.aws.amazon.com", "https://console.aws.amazon.com/console/home"),
        ("aws-us-gov", "signin.amazonaws-us-gov.com", "https://console.amazonaws-us-gov.com/console/home"),
        ("aws-cn", "signin.amazonaws.cn", "https://console.amazonaws.cn/console/home"),
    ],
)
def test_each_part_of_aws_has_its_own_sign_in_and_console(partition: str, sign_in: str, page: str) -> None:
    found = partition_of(session(partition))
    assert found is PARTITIONS[partition]
    assert urlsplit(found.federation).hostname == sign_in
    assert address_of(Page(), found) == page


def test_an_unknown_part_of_aws_is_told_of() -> None:
    with pytest.raises(UsageError, match="aws-iso"):
        partition_of(dataclasses.replace(session("aws-iso")))
