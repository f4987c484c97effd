"""~/.aws/config has a profile for each role, and what people have in it stays theirs."""

from __future__ import annotations

import configparser
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from fake_service import FakeService, Planned
from terminal import at_a_terminal

from credvend import lean
from credvend.command_line import run
from credvend.disk import aws_config_file
from credvend.errors import UsageError
from credvend.text.aws_profiles import Profile, begin, with_profiles

OWN = b"[default]\nregion = eu-west-1\n\n# mine\n[profile other]\nregion=us-east-1\n"
PROFILES = (Profile("reports", ["/opt/credvend", "process", "reports"]),)
ROLES = [
    {"Role": "reports", "ReasonRequired": False},
    {"Role": "admin", "ReasonRequired": True},
    {"Role": "tenant", "ReasonRequired": False, "Params": [{"Name": "customer", "Required": True}]},
    {"Role": "other", "ReasonRequired": False},
]


def read(path: Path) -> dict[str, dict[str, str]]:
    """What the aws command reads."""
    configloader = pytest.importorskip("botocore.configloader")
    found: dict[str, dict[str, str]] = configloader.raw_config_parse(str(path))
    return found


@pytest.fixture
def aws_config(service: FakeService, environ: dict[str, str]) -> Path:
    service.roles = ROLES
    path = Path(environ["HOME"], ".aws/config")
    path.parent.mkdir()
    path.write_bytes(OWN)
    return path


def test_a_profile_is_written_for_each_role_that_needs_nothing_more(
    environ: dict[str, str], aws_config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    aws_config.chmod(0o640)
    assert run(["configure", "--profiles", "--yes"], environ) == 0
    out, err = capsys.readouterr()
    parsed = configparser.RawConfigParser()
    parsed.read_string(aws_config.read_text())
    assert parsed.sections() == ["default", "profile other", "profile reports"]
    assert parsed["profile reports"]["credential_process"].endswith("credvend process reports")
    assert "+[profile reports]" in out
    for left_out, why in (("admin", "reason"), ("tenant", "needs a parameter"), ("other", "not credvend's")):
        assert any(left_out in line and why in line for line in err.splitlines()), err
    assert stat.S_IMODE(aws_config.stat().st_mode) == 0o640
    (backup,) = aws_config.parent.glob("*.bak")
    assert backup.read_bytes() == OWN and stat.S_IMODE(backup.stat().st_mode) == 0o640 and str(backup) in err
    assert len(list(aws_config.parent.iterdir())) == 2
    before = aws_config.stat()
    assert run(["configure", "--profiles", "--yes"], environ) == 0
    assert "needs no change" in capsys.readouterr().out
    assert (aws_config.stat().st_ino, aws_config.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert len(list(aws_config.parent.iterdir())) == 2


def test_a_prefix_and_a_reason_let_more_roles_in(environ: dict[str, str], aws_config: Path) -> None:
    assert run(["configure", "--profiles", "--yes", "--prefix", "cv-", "--reason", "on call"], environ) == 0
    parsed = configparser.RawConfigParser()
    parsed.read_string(aws_config.read_text())
    assert parsed.sections()[2:] == ["profile cv-admin", "profile cv-other", "profile cv-reports"]
    assert parsed["profile cv-admin"]["credential_process"].endswith('process admin --reason "on call"')
    assert "reason" not in parsed["profile cv-reports"]["credential_process"]


def test_a_role_called_default_becomes_nobodys_default(
    service: FakeService, environ: dict[str, str], aws_config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    aws_config.write_bytes(b"")
    service.roles = [{"Role": "default"}, {"Role": "reports"}]
    assert run(["configure", "--profiles", "--yes"], environ) == 0
    assert b"default" not in aws_config.read_bytes() and b"[profile reports]" in aws_config.read_bytes()
    assert "left out: default" in capsys.readouterr().err
    assert run(["configure", "--profiles", "--yes", "--prefix", "cv-"], environ) == 0
    assert b"[profile cv-default]" in aws_config.read_bytes()


@pytest.mark.parametrize("section", ["[reports]", "[ reports ] # mine", "[profile reports]"])
@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_profile_with_keys_of_its_own_is_somebody_elses(
    environ: dict[str, str],
    aws_config: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    section: str,
    elsewhere: bool,
) -> None:
    keys = tmp_path / "keys" if elsewhere else aws_config.with_name("credentials")
    keys.write_text(f"{section}\naws_access_key_id = AKIAMINE\naws_secret_access_key = x\n")
    if elsewhere:
        environ["AWS_SHARED_CREDENTIALS_FILE"] = str(keys)
    assert run(["configure", "--profiles", "--dry-run"], environ) == 0
    out, err = capsys.readouterr()
    assert "[profile reports]" not in out and f"left out: reports; {keys} has a profile reports" in err


def test_a_role_with_a_name_for_no_command_line_is_left_out_and_the_others_are_not(
    service: FakeService, environ: dict[str, str], aws_config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service.roles = [{"Role": name} for name in ("--yes", "-x", ".x", "a b", "", "reports", "x" * 65)]
    for more in ([], ["--prefix", "cv-"]):
        assert run(["configure", "--profiles", "--yes", *more], environ) == 0
        assert aws_config.read_bytes().count(b"credential_process") == 1
        assert capsys.readouterr().err.count("left out: ") == 6


@pytest.mark.parametrize("prefix", ["a b", "-", "[", "x\n"])
def test_a_prefix_that_cannot_be_is_what_is_blamed(
    environ: dict[str, str], aws_config: Path, capsys: pytest.CaptureFixture[str], prefix: str
) -> None:
    assert run(["configure", "--profiles", "--yes", f"--prefix={prefix}"], environ) == 2
    assert "--prefix must begin" in capsys.readouterr().err and aws_config.read_bytes() == OWN


@pytest.mark.parametrize("profile", [None, "me"])
def test_who_signs_is_told_that_aws_profile_alone_will_not_do(
    environ: dict[str, str], aws_config: Path, capsys: pytest.CaptureFixture[str], profile: str | None
) -> None:
    pytest.importorskip("botocore")
    del environ["CREDVEND_TOKEN"]
    aws_config.with_name("credentials").write_text("[me]\naws_access_key_id = AKIA\naws_secret_access_key = x\n")
    environ["CREDVEND_REGION"] = "eu-west-1"
    environ["AWS_SHARED_CREDENTIALS_FILE"] = str(aws_config.with_name("credentials"))
    environ["CREDVEND_PROFILE" if profile else "AWS_PROFILE"] = "me"
    command = [sys.executable, "-m", "credvend", "configure", "--profiles", "--yes"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True, timeout=60)
    assert ("AWS_PROFILE set to one of these will not work" in done.stderr) is (profile is None)


def test_profiles_go_when_their_roles_go_and_on_request(
    service: FakeService, environ: dict[str, str], aws_config: Path
) -> None:
    run(["configure", "--profiles", "--yes"], environ)
    service.roles = [{"Role": "billing"}]
    run(["configure", "--profiles", "--yes"], environ)
    assert b"reports" not in aws_config.read_bytes() and b"[profile billing]" in aws_config.read_bytes()
    run(["configure", "--profiles", "--yes", "--remove"], environ)
    assert aws_config.read_bytes().rstrip() == OWN.rstrip()


def test_two_backups_that_draw_the_same_name_are_both_kept(aws_config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = iter(["aaaa", "temporary1", "aaaa", "bbbb", "temporary2"])
    monkeypatch.setattr("secrets.token_hex", lambda _: next(names))
    monkeypatch.setattr("time.strftime", lambda *_: "20260102T030405Z")
    for old, new in ((OWN, OWN + b"\n# first"), (OWN + b"\n# first", OWN + b"\n# second")):
        aws_config_file.write(str(aws_config), old, new)
    backups = sorted(aws_config.parent.glob("*.bak"))
    assert [backup.name[-8:] for backup in backups] == ["aaaa.bak", "bbbb.bak"]
    assert [backup.read_bytes() for backup in backups] == [OWN, OWN + b"\n# first"]


def test_nothing_is_written_without_a_yes(
    environ: dict[str, str], aws_config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["configure", "--profiles"], environ) == 2
    assert "--yes" in capsys.readouterr().err
    assert run(["configure", "--profiles", "--dry-run"], environ) == 0
    assert "+[profile reports]" in capsys.readouterr().out
    code, seen = at_a_terminal(environ, "n\n", "configure", "--profiles")
    assert code == 2 and "+[profile reports]" in seen and "nothing is written" in seen
    assert aws_config.read_bytes() == OWN and len(list(aws_config.parent.iterdir())) == 1
    code, seen = at_a_terminal(environ, "y\n", "configure", "--profiles")
    assert code == 0 and b"[profile reports]" in aws_config.read_bytes()


def test_the_preview_shows_nothing_of_others(
    environ: dict[str, str], aws_config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = b"aws_secret_access_key = of-somebody-else"
    mine = b"[profile mine]\n" + secret + b"\n"
    for content in (OWN + secret, mine + with_profiles(OWN + secret, PROFILES) + secret + b"\n"):
        aws_config.write_bytes(content)
        assert run(["configure", "--profiles", "--yes", "--prefix", "x-"], environ) == 0
        out = capsys.readouterr().out
        assert "+[profile x-reports]" in out and "of-somebody-else" not in out


def test_the_last_few_backups_are_kept(environ: dict[str, str], aws_config: Path) -> None:
    mine = aws_config.with_name("config.credvend-mine.bak")
    mine.touch()
    old = [aws_config.with_name(f"config.credvend-2020010{day}T000000Z-0000.bak") for day in range(1, 6)]
    for path in old:
        path.touch()
    assert run(["configure", "--profiles", "--yes"], environ) == 0
    backups = set(aws_config.parent.glob("*.bak")) - {mine}
    assert mine.exists() and len(backups) == 3 and backups > set(old[3:])


def test_a_link_is_kept_and_what_it_leads_to_written(environ: dict[str, str], aws_config: Path, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles" / "aws-config"
    real.parent.mkdir()
    aws_config.rename(real)
    aws_config.symlink_to(real)
    assert run(["configure", "--profiles", "--yes"], environ) == 0
    assert aws_config.is_symlink() and b"[profile reports]" in real.read_bytes()
    assert len(list(real.parent.glob("*.bak"))) == 1


def test_a_file_that_is_not_there_is_made_for_its_owner_alone(
    service: FakeService, environ: dict[str, str], tmp_path: Path
) -> None:
    service.roles = ROLES
    path = tmp_path / "new" / "config"
    assert run(["configure", "--profiles", "--yes"], {**environ, "AWS_CONFIG_FILE": str(path)}) == 0
    assert path.read_bytes().startswith(begin().encode())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert len(list(path.parent.iterdir())) == 1


def test_what_was_made_for_profiles_alone_goes_with_them(
    service: FakeService, environ: dict[str, str], tmp_path: Path
) -> None:
    service.roles = ROLES
    path = tmp_path / "new" / "config"
    environ["AWS_CONFIG_FILE"] = str(path)
    assert run(["configure", "--profiles", "--yes"], environ) == 0 and path.exists()
    assert run(["configure", "--profiles", "--yes", "--remove"], environ) == 0 and not path.exists()
    real = tmp_path / "real"
    real.touch()
    path.symlink_to(real)
    assert run(["configure", "--profiles", "--yes"], environ) == 0 and real.read_bytes()
    assert run(["configure", "--profiles", "--yes", "--remove"], environ) == 0
    assert path.is_symlink() and real.read_bytes() == b""


@pytest.mark.parametrize(
    ("words", "more", "region"),
    [
        ([], {}, "eu-west-1"),
        ([], {"AWS_REGION": "eu-west-2"}, "eu-west-2"),
        ([], {"AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-2"),
        ([], {"AWS_PROFILE": "other"}, "us-east-1"),
        ([], {"CREDVEND_PROFILE": "other"}, "us-east-1"),
        (["--region", "eu-north-1"], {"AWS_REGION": "eu-west-2"}, "eu-north-1"),
    ],
)
def test_each_profile_has_the_region_that_was_said_or_else_the_usual_one(
    environ: dict[str, str], aws_config: Path, words: list[str], more: dict[str, str], region: str
) -> None:
    assert run(["configure", "--profiles", "--yes", *words], {**environ, **more}) == 0
    assert read(aws_config)["profile reports"]["region"] == region
    # It stays, whatever is usual the next time; unless it is said.
    again = ["configure", "--profiles", "--yes"]
    assert run(again, {**environ, "AWS_REGION": "ap-east-1"}) == 0
    assert read(aws_config)["profile reports"]["region"] == region
    assert run([*again, "--region", "ap-east-1"], environ) == 0
    assert read(aws_config)["profile reports"]["region"] == "ap-east-1"


def test_where_nothing_says_a_region_that_is_said(
    environ: dict[str, str], aws_config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    aws_config.write_bytes(b"")
    assert run(["configure", "--profiles", "--yes"], environ) == 0
    assert "region" not in read(aws_config)["profile reports"]
    assert "--region REGION" in capsys.readouterr().err


def test_no_profile_gets_a_region_where_its_role_is_worth_nothing(
    service: FakeService, environ: dict[str, str], aws_config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service.roles = [
        {"Role": name, "RoleArn": f"arn:{partition}:iam::111122223333:role/{name}"}
        for name, partition in (("here", "aws"), ("gov", "aws-us-gov"))
    ]
    assert run(["configure", "--profiles", "--yes", "--region", "us-gov-west-1"], environ) == 0
    found = read(aws_config)
    assert found["profile gov"]["region"] == "us-gov-west-1" and "region" not in found["profile here"]
    said = capsys.readouterr().err
    assert "here gets no region" in said and "a role of aws-us-gov" in said
    before = aws_config.read_bytes()
    assert run(["configure", "--profiles", "--yes", "--region", "us gov"], environ) == 2
    assert aws_config.read_bytes() == before


@pytest.mark.parametrize(
    "theirs",
    [
        b"region = eu-west-1\n",
        b"[default]\n[default]\n",
        b"[default]\nnonsense\n",
        b"[default]\ns3 =\n  nonsense\n",
        "[default]\n".encode("utf-16"),
        b"\xef\xbb\xbf[default]\n",
    ],
)
def test_what_no_aws_command_could_read_is_not_written(
    environ: dict[str, str], aws_config: Path, theirs: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    aws_config.write_bytes(theirs)
    for words in ([], ["--remove"], ["--dry-run"]):
        assert run(["configure", "--profiles", "--yes", *words], environ) == 2
        said = capsys.readouterr().err.splitlines()[-1]
        assert "no aws command could read" in said and str(aws_config) in said and "nonsense" not in said
    assert aws_config.read_bytes() == theirs


def test_a_profile_that_somebody_wrote_a_second_time_goes_with_remove(
    environ: dict[str, str], aws_config: Path
) -> None:
    run(["configure", "--profiles", "--yes"], environ)
    with aws_config.open("ab") as file:
        file.write(b"[profile reports] # note [mine]\nregion = eu-west-1\n")
    assert run(["configure", "--profiles", "--yes"], environ) == 0
    assert "credential_process" not in aws_config.read_text(), "theirs is left, and ours gives way"
    assert run(["configure", "--profiles", "--yes", "--remove"], environ) == 0
    assert read(aws_config)


def test_profiles_of_a_named_service_hold_it_and_are_apart(
    service: FakeService, environ: dict[str, str], aws_config: Path, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text(f"[service prod]\nurl = {service.url}\n")
    environ["CREDVEND_CONFIG"] = str(config)
    words = ["configure", "--profiles", "--yes", "--service", "prod"]
    assert run(["configure", "--profiles", "--yes"], environ) == 0 and run(words, environ) == 0
    found = read(aws_config)
    assert set(found) == {"default", "profile other", "profile reports", "profile prod-reports", "profile prod-other"}
    command = found["profile prod-reports"]["credential_process"]
    assert command.endswith("credvend process --service prod reports")
    assert found["profile reports"]["credential_process"].endswith("credvend process reports")
    # With another service in the environment, that of the profile is asked all the same.
    arguments = command.split()[1:]
    del environ["CREDVEND_URL"]
    environ["CREDVEND_SERVICE"] = "dev"
    assert run(arguments, environ) == 0
    assert lean.cached_process(arguments[1:], environ) is not None
    assert run([*words, "--prefix", ""], environ) == 0
    assert set(read(aws_config)) == {"default", "profile other", "profile reports"}, "both have a role of that name"
    assert run([*words[:3], "--remove"], {**environ, "CREDVEND_SERVICE": ""}) == 0
    assert set(read(aws_config)) == {"default", "profile other"}


def test_no_directory_is_open_to_others_whatever_the_umask(
    service: FakeService, environ: dict[str, str], tmp_path: Path
) -> None:
    service.roles = ROLES
    path = tmp_path / "a" / "b" / "config"
    before = os.umask(0)
    try:
        assert run(["configure", "--profiles", "--yes"], {**environ, "AWS_CONFIG_FILE": str(path)}) == 0
    finally:
        os.umask(before)
    assert [stat.S_IMODE(each.stat().st_mode) for each in (path, path.parent, path.parent.parent)] == [
        0o600,
        0o700,
        0o700,
    ]


@pytest.mark.parametrize("other", ["/dev/null", "/dev/zero", "pipe", "directory"])
def test_what_is_no_file_is_neither_waited_for_nor_replaced(
    environ: dict[str, str],
    service: FakeService,
    tmp_path: Path,
    other: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    service.roles = ROLES
    path = tmp_path / other  # which an absolute one replaces
    if other == "pipe":
        os.mkfifo(path)
    elif other == "directory":
        path.mkdir()
    before = path.stat()
    assert run(["configure", "--profiles", "--yes"], {**environ, "AWS_CONFIG_FILE": str(path)}) == 2
    assert "is not a regular file" in capsys.readouterr().err
    assert (path.stat().st_ino, path.stat().st_mode) == (before.st_ino, before.st_mode)


def test_without_a_home_there_is_no_file(
    environ: dict[str, str],
    service: FakeService,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    service.roles = ROLES
    monkeypatch.chdir(tmp_path)
    environ["HOME"] = "relative"
    assert run(["configure", "--profiles", "--yes"], environ) == 2
    assert "no home directory" in capsys.readouterr().err and [each.name for each in tmp_path.iterdir()] == ["home"]


def test_a_change_of_somebody_else_meanwhile_is_not_lost(aws_config: Path) -> None:
    aws_config.write_bytes(OWN + b"# more\n")
    with pytest.raises(UsageError, match="meanwhile"):
        aws_config_file.write(str(aws_config), OWN, b"new")
    assert aws_config.read_bytes() == OWN + b"# more\n"
    assert len(list(aws_config.parent.iterdir())) == 1


def test_a_service_that_refuses_leaves_the_file_as_it_is(
    service: FakeService, environ: dict[str, str], aws_config: Path
) -> None:
    service.planned = [Planned(401, {"Code": "InvalidToken", "Message": "No.", "RequestId": "r"})]
    assert run(["configure", "--profiles", "--yes"], environ) == 3
    assert aws_config.read_bytes() == OWN


def test_an_sdk_gets_credentials_by_a_profile(
    service: FakeService, environ: dict[str, str], aws_config: Path, tmp_path: Path
) -> None:
    program = tmp_path / "bin with blanks" / "credvend"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m credvend "$@"\n')
    program.chmod(0o755)
    service.roles = [{"Role": "reports", "ReasonRequired": True}]
    command = [str(program), "configure", "--profiles", "--yes", "--reason", "it's on me"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 2 and "cannot be written into" in done.stderr
    # In Python, the program is what was started; here that is a script.
    run_as = "import sys; from credvend.command_line import run; import os; sys.argv[0] = sys.argv.pop(1)\n"
    run_as += "sys.exit(run(sys.argv[1:], os.environ))"
    command = [sys.executable, "-c", run_as, str(program), "configure", "--profiles", "--yes", "--reason", "on call"]
    subprocess.run(command, env=environ, capture_output=True, check=True, timeout=30)
    sdk = "import botocore.session\n"
    sdk += "print(botocore.session.Session(profile='reports').get_credentials().access_key)"
    done = subprocess.run([sys.executable, "-c", sdk], env=environ, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == f"ASIAEXAMPLE{len(service.asked)}", done.stderr
    assert service.asked[-1].json == {"role": "reports", "reason": "on call"}
