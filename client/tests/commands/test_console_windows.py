"""Several accounts side by side, any page, and the clipboard. Nothing that lets anybody in is on a command line."""

from __future__ import annotations

import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from fake_programs import FakeProgram, fake_browser, fake_clipboard
from fake_service import FakeService, Planned, fake_service

from credvend.command_line import run
from credvend.commands.console_pages import PARTITIONS, Page, address_of
from credvend.errors import UsageError

SIGN_IN = "the-sign-in-token"


@pytest.fixture
def aws() -> Iterator[FakeService]:
    """AWS's federation endpoint."""
    with fake_service() as started:
        started.planned = [Planned(body={"SigninToken": SIGN_IN})] * 4
        yield started


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """All that is on PATH."""
    (tmp_path / "bin").mkdir()
    return tmp_path / "bin"


@pytest.fixture
def caller(environ: dict[str, str], aws: FakeService, programs: Path) -> dict[str, str]:
    return {**environ, "PATH": str(programs), "CREDVEND_CONSOLE_URL": aws.url.replace("/api", "/federation")}


def argv(program: FakeProgram) -> list[str]:
    """What it was started with, once it has done what a browser does; that it saw the right thing is checked."""
    ended = threading.Event()
    for _ in range(600):
        if program.notes.exists():
            break
        ended.wait(0.05)
    seen = program.seen()
    words = [str(word) for word in seen["argv"]]  # type: ignore[attr-defined]
    assert seen["mode"] == 0o600 and words[-1].startswith("file://")
    assert not any(secret in word for word in words for secret in (SIGN_IN, "127.0.0.1", "ext+"))
    assert parse_qs(urlsplit(str(seen["led"])).query)["SigninToken"] == [SIGN_IN]
    return words[1:-1]


# A role's own profile


@pytest.mark.parametrize("name", ["google-chrome", "chromium", "microsoft-edge"])
def test_each_role_has_a_profile_of_its_own_in_a_private_directory(
    caller: dict[str, str], programs: Path, name: str
) -> None:
    browser = fake_browser(programs, name)
    profiles = []
    for role in ("reports", "admin/../../b", "reports"):
        assert run(["console", role, "--browser-profile"], caller) == 0
        option, *rest = argv(browser)
        browser.notes.unlink()
        assert option.startswith("--user-data-dir=") and rest == ["--no-first-run", "--no-default-browser-check"]
        profiles.append(Path(option.partition("=")[2]))
    assert profiles[0] == profiles[2] != profiles[1]
    for profile in profiles:
        assert profile.parent == Path(caller["HOME"], ".local/state/credvend/browsers")
        assert all(stat.S_IMODE(path.stat().st_mode) == 0o700 for path in (profile, profile.parent))


def test_two_services_do_not_share_a_profile(caller: dict[str, str], programs: Path, aws: FakeService) -> None:
    browser = fake_browser(programs, "chromium")
    seen = set()
    with fake_service() as other:
        for url in (caller["CREDVEND_URL"], other.url):
            assert run(["console", "reports", "--browser-profile"], {**caller, "CREDVEND_URL": url}) == 0
            seen.add(argv(browser)[0])
            browser.notes.unlink()
    assert len(seen) == 2


def test_firefox_gets_its_profile_by_a_path(caller: dict[str, str], programs: Path) -> None:
    browser = fake_browser(programs, "firefox")
    assert run(["console", "reports", "--browser-profile"], caller) == 0
    option, directory = argv(browser)
    assert option == "--profile" and Path(directory).is_dir()


def test_a_browser_that_is_a_snap_sees_its_profile(caller: dict[str, str], programs: Path) -> None:
    Path(caller["HOME"], "snap").mkdir()
    browser = fake_browser(programs, "chromium")
    assert run(["console", "reports", "--browser-profile"], caller) == 0
    assert argv(browser)[0].startswith(f"--user-data-dir={caller['HOME']}/credvend-browsers/reports-")


def test_a_profile_that_others_get_into_is_not_used(
    caller: dict[str, str], programs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    browser = fake_browser(programs, "chromium")
    directory = Path(caller["HOME"], ".local/state/credvend/browsers")
    directory.mkdir(parents=True)
    directory.parent.chmod(0o700)
    directory.chmod(0o755)
    assert run(["console", "reports", "--browser-profile"], caller) == 2
    assert "open to other users" in capsys.readouterr().err and not browser.notes.exists()


# A role's own container


@pytest.mark.parametrize(
    ("option", "scheme"), [("--container", "ext+container"), ("--granted-container", "ext+granted-containers")]
)
def test_firefox_opens_a_container_for_the_role(
    caller: dict[str, str], programs: Path, option: str, scheme: str
) -> None:
    fake_browser(programs, "google-chrome")
    browser = fake_browser(programs, "firefox")
    assert run(["console", "a&url=https://evil.example.com#", option], caller) == 0
    assert argv(browser) == []
    link = str(browser.seen()["link"])
    assert link.startswith(f"{scheme}:")
    asked = parse_qs(link.partition(":")[2])
    assert asked["name"] == ["a&url=https://evil.example.com# 111122223333"]
    (address,) = asked["url"]
    assert urlsplit(address).hostname == "127.0.0.1" and SIGN_IN not in link


def test_a_browser_may_be_named_and_only_firefox_has_containers(
    caller: dict[str, str], programs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chrome, brave = fake_browser(programs, "google-chrome"), fake_browser(programs, "brave")
    assert run(["console", "reports", "--browser", str(brave.path)], caller) == 0
    assert argv(brave) == [] and not chrome.notes.exists()
    for words, said in (
        (["--container", "--browser", "brave"], "Only Firefox has containers"),
        (["--container"], "There is no Firefox on PATH"),
        (["--browser", "gone"], "There is no program gone"),
        (["--print", "--container"], "start no browser"),
        (["--copy", "--browser", "brave"], "start no browser"),
    ):
        assert run(["console", "reports", *words], caller) == 2
        assert said in capsys.readouterr().err


def test_a_program_of_no_known_kind_is_given_no_options(
    caller: dict[str, str], programs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shell = fake_browser(programs, "surf")
    assert run(["console", "reports", "--browser-profile", "--browser", "surf"], caller) == 2
    assert "How surf is given a profile is not known" in capsys.readouterr().err and not shell.notes.exists()


def test_a_browser_that_cannot_start_is_told_of_at_once(
    caller: dict[str, str], programs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (programs / "firefox").write_text("#!/bin/sh\necho 'no DISPLAY environment variable specified' >&2\nexit 1\n")
    (programs / "firefox").chmod(0o755)
    assert run(["console", "reports", "--browser-profile"], caller) == 5
    assert "no browser with a window" in capsys.readouterr().err


# Any page of the console, and no other


@pytest.mark.parametrize(
    ("destination", "address"),
    [
        ("s3/buckets/reports?region=eu-west-1&tab=objects", "/s3/buckets/reports?region=eu-west-1&tab=objects"),
        ("/ec2/home#Instances:tag:Name=x", "/ec2/home#Instances:tag:Name=x"),
        (
            "cloudwatch/home#logsV2:log-groups/log-group/$252Faws",
            "/cloudwatch/home#logsV2:log-groups/log-group/$252Faws",
        ),
        ("?a=://b", "/?a=://b"),
    ],
)
def test_a_page_may_be_what_comes_after_the_host(destination: str, address: str) -> None:
    for partition in PARTITIONS.values():
        assert address_of(Page(destination=destination), partition) == f"https://{partition.console}{address}"


@pytest.mark.parametrize("name", PARTITIONS)
def test_a_page_may_be_an_address_of_the_roles_partition_alone(name: str) -> None:
    partition = PARTITIONS[name]
    for host in ("", "eu-west-1.", "s3.", "a-1.eu-west-1."):
        address = f"https://{host}{partition.console}/ec2/home?region=eu-west-1#Instances:"
        assert address_of(Page(destination=address), partition) == address
        for other in PARTITIONS.values():
            if other is not partition:
                with pytest.raises(UsageError, match="page of the console"):
                    address_of(Page(destination=address), other)


def test_another_session_of_the_browser_is_left_out_of_the_address() -> None:
    given = "https://111122223333-abcd1234.eu-west-1.console.aws.amazon.com/s3/home"
    assert address_of(Page(destination=given), PARTITIONS["aws"]) == "https://eu-west-1.console.aws.amazon.com/s3/home"


@pytest.mark.parametrize(
    "destination",
    [
        "https://evil.example.com/",
        "//evil.example.com/",
        "http://console.aws.amazon.com/",
        "https://console.aws.amazon.com.evil.example.com/",
        "https://evilconsole.aws.amazon.com/",
        "https://evil.example.com#.console.aws.amazon.com/",
        "https://evil.example.com/.console.aws.amazon.com",
        "https://evil.example.com\\.console.aws.amazon.com/",
        "https://console.aws.amazon.com@evil.example.com/",
        "https://evil@console.aws.amazon.com/",
        "https://console.aws.amazon.com:8443/",
        "https://signin.aws.amazon.com/federation?Action=login",
        "https://..console.aws.amazon.com/",
        "https://-.console.aws.amazon.com/",
        "https://[::1].console.aws.amazon.com/",
        "https://ex%61mple.console.aws.amazon.com/",
        "https:console.aws.amazon.com",
        "https:///console.aws.amazon.com/",
        "javascript:alert(1)//console.aws.amazon.com",
        "ec2/home a",
        "ec2/home\n",
        "",
        "ec2/höme",
    ],
)
def test_no_other_page_is_opened_and_aws_is_not_asked(
    caller: dict[str, str], aws: FakeService, capsys: pytest.CaptureFixture[str], destination: str
) -> None:
    assert run(["console", "reports", "--print", "--destination", destination], caller) == 2
    out, err = capsys.readouterr()
    assert aws.asked == [] and out == "" and "--destination" in err and err.count("\n") == 1


def test_a_destination_is_a_whole_page(caller: dict[str, str], service: FakeService) -> None:
    for more in (["--service", "ec2"], ["--region", "eu-west-1"]):
        assert run(["console", "reports", "--print", "--destination", "ec2/home", *more], caller) == 2
    assert service.asked == []


# The clipboard


@pytest.mark.parametrize(
    ("name", "screen", "arguments"),
    [
        ("pbcopy", {}, []),
        ("wl-copy", {"WAYLAND_DISPLAY": "wayland-0"}, []),
        ("xclip", {"DISPLAY": ":0"}, ["-selection", "clipboard"]),
        ("xsel", {"DISPLAY": ":0"}, ["--clipboard", "--input"]),
        ("clip.exe", {}, []),
    ],
)
def test_the_address_is_copied_by_standard_input_and_people_are_warned(
    caller: dict[str, str],
    programs: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    screen: dict[str, str],
    arguments: list[str],
) -> None:
    clipboard = fake_clipboard(programs, name)
    assert run(["console", "reports", "--copy"], {**caller, **screen}) == 0
    seen = clipboard.seen()
    assert seen["argv"] == [str(clipboard.path), *arguments]
    assert parse_qs(urlsplit(str(seen["text"])).query)["SigninToken"] == [SIGN_IN]
    out, err = capsys.readouterr()
    assert out == "" and "15 minutes" in err and "anybody" in err and SIGN_IN not in err


def test_a_clipboard_that_does_not_work_is_passed_over(caller: dict[str, str], programs: Path) -> None:
    fake_clipboard(programs, "wl-copy", code=1)
    works = fake_clipboard(programs, "xsel")
    assert run(["console", "reports", "--copy"], {**caller, "WAYLAND_DISPLAY": "w", "DISPLAY": ":0"}) == 0
    assert works.seen()


def test_without_a_clipboard_people_are_told_what_to_install(
    caller: dict[str, str], programs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_clipboard(programs, "xclip")  # which has no screen
    assert run(["console", "reports", "--copy"], caller) == 2
    err = capsys.readouterr().err
    assert "install wl-clipboard" in err and "xclip" in err and SIGN_IN not in err
    broken = fake_clipboard(programs, "pbcopy", code=1)
    assert run(["console", "reports", "--copy"], caller) == 2
    assert broken.seen() and "its program failed" in capsys.readouterr().err
