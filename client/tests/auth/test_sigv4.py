"""SigV4: whose credentials sign, and that they are asked for only when they are needed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from fake_service import FakeService, Planned
from loopback import Answer, Asked, serving
from running import credvend
from terminal import at_a_terminal

from credvend import credentials, lean
from credvend.auth import aws_credentials
from credvend.auth.methods.sigv4 import SigV4
from credvend.auth.registry import authenticator
from credvend.disk.config_file import Config
from credvend.errors import AuthenticationError, UsageError
from credvend.time_limit import within

pytest.importorskip("botocore")


@pytest.fixture
def signer(environ: dict[str, str]) -> dict[str, str]:
    """A caller with an AWS key, and no token."""
    del environ["CREDVEND_TOKEN"]
    key = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret-of-alice"}
    return {**environ, **key, "AWS_EC2_METADATA_DISABLED": "true", "CREDVEND_REGION": "eu-west-1"}


def without_key(signer: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in signer.items() if not name.startswith("AWS_") or "METADATA" in name}


def aws_file(environ: Mapping[str, str], name: str, text: str) -> Path:
    path = Path(environ["HOME"], ".aws", name)
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def signed_by(service: FakeService) -> str:
    """The key id of the last request."""
    return service.asked[-1].headers["authorization"].partition("Credential=")[2].partition("/")[0]


def test_the_request_is_signed_for_the_signed_door(service: FakeService, signer: dict[str, str]) -> None:
    done = credvend({**signer, "AWS_SESSION_TOKEN": "token-of-alice"}, "process", "reports")
    assert done.returncode == 0, done.stderr
    asked = service.asked[0]
    assert asked.path == "/api/v1/iam/credentials" and asked.headers["x-amz-security-token"] == "token-of-alice"
    assert asked.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/")
    assert "/eu-west-1/execute-api/aws4_request" in asked.headers["authorization"]
    assert "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token" in asked.headers["authorization"]


def test_the_signature_is_that_of_botocore_over_what_is_sent(service: FakeService, signer: dict[str, str]) -> None:
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import ReadOnlyCredentials

    assert credvend(signer, "process", "reports").returncode == 0
    asked = service.asked[0]
    again = AWSRequest("POST", f"{service.url}/v1/iam/credentials", data=asked.body)
    again.headers["Content-Type"] = "application/json"
    again.context["timestamp"] = asked.headers["x-amz-date"]
    again.headers["X-Amz-Date"] = asked.headers["x-amz-date"]
    auth = SigV4Auth(ReadOnlyCredentials("AKIAEXAMPLE", "secret-of-alice", None), "execute-api", "eu-west-1")
    signature = auth.signature(auth.string_to_sign(again, auth.canonical_request(again)), again)
    assert asked.headers["authorization"].endswith(f"Signature={signature}")


def test_a_profile_that_is_configured_signs_whatever_the_environment_has(
    service: FakeService, signer: dict[str, str]
) -> None:
    aws_file(signer, "credentials", "[work]\naws_access_key_id = AKIAWORK\naws_secret_access_key = x\n")
    assert credvend({**signer, "CREDVEND_PROFILE": "work"}, "whoami").returncode == 0
    assert signed_by(service) == "AKIAWORK"
    assert credvend({**without_key(signer), "AWS_PROFILE": "work"}, "whoami").returncode == 0
    assert signed_by(service) == "AKIAWORK"


def test_another_key_does_not_get_what_the_first_one_got(service: FakeService, signer: dict[str, str]) -> None:
    for key in ("AKIA1", "AKIA2", "AKIA1"):
        assert credvend({**signer, "AWS_ACCESS_KEY_ID": key}, "process", "reports").returncode == 0
    assert len(service.asked) == 2


def test_a_changed_credentials_file_does_not_get_what_the_first_one_got(
    service: FakeService, signer: dict[str, str]
) -> None:
    environ = without_key(signer)
    for moment, key in enumerate(("AKIA1", "AKIA2")):
        path = aws_file(environ, "credentials", f"[default]\naws_access_key_id={key}\naws_secret_access_key=x\n")
        os.utime(path, (moment, moment))
        assert credvend(environ, "process", "reports").returncode == 0
    assert len(service.asked) == 2 and signed_by(service) == "AKIA2"


def test_a_profile_whose_credentials_come_from_credvend_does_not_ask_for_ever(
    service: FakeService, signer: dict[str, str]
) -> None:
    environ = without_key(signer)
    command = f"{sys.executable} -m credvend process reports"
    aws_file(environ, "config", f"[profile reports]\ncredential_process = {command}\n")
    started = time.monotonic()
    done = credvend({**environ, "AWS_PROFILE": "reports"}, "process", "reports")
    assert done.returncode == 3 and len(done.stderr.splitlines()) == 1 and time.monotonic() - started < 30
    assert "CREDVEND_PROFILE" in done.stderr and service.asked == []


def test_sdks_get_credentials_through_such_a_profile(service: FakeService, signer: dict[str, str]) -> None:
    environ = without_key(signer)
    command = f"{sys.executable} -m credvend process reports"
    keys = "[me]\naws_access_key_id = AKIAME\naws_secret_access_key = x\n"
    aws_file(environ, "config", f"[profile reports]\ncredential_process = {command}\n")
    aws_file(environ, "credentials", keys)
    code = "import botocore.session as s; print(s.Session(profile='reports').get_credentials().access_key)"
    environ["CREDVEND_PROFILE"] = "me"
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("ASIAEXAMPLE") and signed_by(service) == "AKIAME"


def test_many_threads_sign_at_once_and_leave_nothing_behind(
    service: FakeService, signer: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from botocore.session import Session

    for name, value in signer.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("CREDVEND_TOKEN", raising=False)
    together = threading.Barrier(8)
    found = Session.get_credentials

    def wait_for_all(session: Session) -> object:
        together.wait(30)
        return found(session)

    monkeypatch.setattr(Session, "get_credentials", wait_for_all)
    with ThreadPoolExecutor(8) as pool:
        given = list(pool.map(lambda number: credentials(f"role-{number}"), range(8)))
    assert [each.role for each in given] == [f"role-{number}" for number in range(8)]
    assert len(service.asked) == 8 and lean.SIGNING not in os.environ


def test_who_leaves_first_takes_the_sign_from_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(lean.SIGNING, raising=False)
    with ExitStack() as first, ExitStack() as second:
        first.enter_context(aws_credentials._signing())
        second.enter_context(aws_credentials._signing())
        first.close()
        assert os.environ[lean.SIGNING] == str(os.getpid())
    assert lean.SIGNING not in os.environ


def test_a_process_that_is_forked_meanwhile_is_not_taken_for_one_that_asks_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(lean.SIGNING, raising=False)
    with aws_credentials._signing():
        child = os.fork()
        if child == 0:
            os._exit(int(lean.asks_itself(os.environ)))
        assert os.waitpid(child, 0)[1] == 0
        assert not lean.asks_itself(os.environ)


@pytest.mark.parametrize("process", ["sh -c 'echo leaked >&2; exit 1'", "echo leaked", "sh -c 'echo {}'"])
def test_what_a_credential_process_says_is_not_repeated(signer: dict[str, str], process: str) -> None:
    environ = without_key(signer)
    aws_file(environ, "config", f"[default]\ncredential_process = {process}\n")
    done = credvend(environ, "whoami")
    assert done.returncode == 3 and "credential_process failed" in done.stderr and "leaked" not in done.stderr


def test_without_anything_people_are_told_what_they_can_do(signer: dict[str, str]) -> None:
    done = credvend(without_key(signer), "whoami")
    assert done.returncode == 3 and "credvend login" in done.stderr and "AWS_PROFILE" in done.stderr


def test_a_profile_that_is_not_there_is_an_error_of_authentication(signer: dict[str, str]) -> None:
    done = credvend({**signer, "CREDVEND_PROFILE": "nobody"}, "whoami")
    assert done.returncode == 3 and "nobody" in done.stderr


@pytest.mark.parametrize(
    ("url", "config", "environ", "region"),
    [
        ("https://a1b2.execute-api.eu-west-1.amazonaws.com/api", None, {"AWS_REGION": "us-east-1"}, "eu-west-1"),
        ("https://a1b2.execute-api.cn-north-1.amazonaws.com.cn/api", None, {}, "cn-north-1"),
        ("https://a1b2.execute-api.eu-west-1.amazonaws.com/api", "eu-west-2", {}, "eu-west-2"),
        ("https://credvend.example.com", None, {"AWS_REGION": "us-east-1"}, "us-east-1"),
        ("https://credvend.example.com", None, {"AWS_DEFAULT_REGION": "us-east-2"}, "us-east-2"),
        ("https://a.execute-api.eu-west-1.amazonaws.com.example.com", None, {"AWS_REGION": "r"}, "r"),
        ("https://vpce-0a1-b2c3.execute-api.eu-west-1.vpce.amazonaws.com/api", None, {}, "eu-west-1"),
        ("https://vpce-0a1-b2c3-us-east-1a.execute-api.us-east-1.vpce.amazonaws.com/api", None, {}, "us-east-1"),
        ("https://vpce-0a1-b2c3.execute-api.cn-north-1.vpce.amazonaws.com.cn/api", None, {}, "cn-north-1"),
        ("https://a1b2-vpce-0a1.execute-api.eu-west-1.amazonaws.com/api", None, {}, "eu-west-1"),
        ("https://a1b2.execute-api-fips.us-gov-west-1.amazonaws.com/api", None, {}, "us-gov-west-1"),
        ("https://a1b2.execute-api.eu-west-1.api.aws/api", None, {"AWS_REGION": "us-east-1"}, "eu-west-1"),
        ("https://a1b2.execute-api.cn-north-1.api.amazonwebservices.com.cn/api", None, {}, "cn-north-1"),
        ("https://a1b2.execute-api.eusc-de-east-1.amazonaws.eu/api", None, {}, "eusc-de-east-1"),
        ("https://a.execute-api.eu-west-1.api.aws.example.com", None, {"AWS_REGION": "r"}, "r"),
    ],
)
def test_the_region_is_told_or_found(url: str, config: str | None, environ: dict[str, str], region: str) -> None:
    assert SigV4(Config(url=url, region=config), environ).region(url) == region


def test_a_region_that_cannot_be_found_is_a_mistake_of_usage() -> None:
    with pytest.raises(UsageError, match="CREDVEND_REGION"):
        SigV4(Config(), {}).region("https://credvend.example.com")


WRONG_REGION = Planned(403, {"message": "Credential should be scoped to a valid region, not 'us-west-2'."})


@pytest.mark.parametrize(
    ("variables", "said_by"),
    [
        ({"CREDVEND_REGION": "us-west-2"}, "the variable CREDVEND_REGION"),
        ({"AWS_REGION": "us-west-2"}, "the variable AWS_REGION"),
        ({"AWS_DEFAULT_REGION": "us-west-2"}, "the variable AWS_DEFAULT_REGION"),
        ({}, "the configuration"),
    ],
)
def test_a_wrong_region_is_told_with_what_says_it(
    service: FakeService, signer: dict[str, str], variables: dict[str, str], said_by: str
) -> None:
    del signer["CREDVEND_REGION"]
    if not variables:
        config = Path(signer["HOME"], ".config", "credvend", "config")
        config.parent.mkdir(parents=True)
        config.write_text("region = us-west-2\n")
    service.planned = [WRONG_REGION]
    done = credvend({**signer, **variables}, "whoami")
    assert done.returncode == 3 and f"for the region us-west-2, which {said_by} says: set region" in done.stderr


INVALID_KEY = Planned(403, {"message": "The security token included in the request is invalid."})
KEYS = "aws_access_key_id = AKIA0123456789ABCDEF\naws_secret_access_key = secret-of-work\n"


@pytest.mark.parametrize(
    ("file", "text", "variables", "found_in"),
    [
        ("none", "", {"AWS_ACCESS_KEY_ID": "AKIA0123456789ABCDEF"}, "the variable AWS_ACCESS_KEY_ID"),
        ("credentials", f"[work]\n{KEYS}", {"AWS_PROFILE": "work"}, "the profile work in ~/.aws/credentials"),
        ("config", f"[profile work]\n{KEYS}", {"CREDVEND_PROFILE": "work"}, "the profile work in ~/.aws/config"),
        ("credentials", f"[default]\n{KEYS}", {}, "the profile default in ~/.aws/credentials"),
        (
            "config",
            """[default]\ncredential_process = printf '{"Version": 1, "AccessKeyId": "AKIA0123456789ABCDEF", """
            """"SecretAccessKey": "secret-of-work"}'\n""",
            {},
            "the credential_process of the profile default",
        ),
    ],
)
def test_keys_that_aws_does_not_take_are_told_with_where_they_came_from(
    service: FakeService, signer: dict[str, str], file: str, text: str, variables: dict[str, str], found_in: str
) -> None:
    aws_file(signer, file, text)
    service.planned = [INVALID_KEY]
    environ = {**(signer if "AWS_ACCESS_KEY_ID" in variables else without_key(signer)), **variables}
    done = credvend(environ, "whoami")
    assert done.returncode == 3 and f"signed with the access key AKIA...CDEF, of {found_in}.\n" in done.stderr
    assert "0123456789" not in done.stderr and "secret-of" not in done.stderr


# What AWS, its files and its sign-ins refuse


@contextmanager
def sts(signer: dict[str, str], answer: Answer) -> Iterator[tuple[dict[str, str], list[dict[str, str]]]]:
    """A caller whose profile `work` assumes a role, and the forms that its STS was sent."""
    forms: list[dict[str, str]] = []

    def assume(asked: Asked) -> Answer:
        forms.append(dict(parse_qsl(asked.body.decode())))
        return answer

    base = "[base]\naws_access_key_id = AKIABASE\naws_secret_access_key = secret-of-base\n"
    aws_file(signer, "credentials", base)
    work = "[profile work]\nrole_arn = arn:aws:iam::111122223333:role/work\nsource_profile = base\n"
    aws_file(signer, "config", work + "[profile mfa]\nmfa_serial = arn:aws:iam::111122223333:mfa/alice\n" + work[15:])
    with serving(assume) as url:
        more = {"AWS_ENDPOINT_URL_STS": url, "CREDVEND_PROFILE": "work"}
        yield {**without_key(signer), **more}, forms


def refused_by_sts(code: str, message: str, status: int = 403) -> Answer:
    error = f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
    return Answer(status, f"{error}<RequestId>r</RequestId></ErrorResponse>".encode())


ASSUMED = Answer(
    200,
    b"<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAWORK</AccessKeyId>"
    b"<SecretAccessKey>secret-of-work</SecretAccessKey><SessionToken>token-of-work</SessionToken>"
    b"<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials><AssumedRoleUser>"
    b"<AssumedRoleId>AROAWORK:x</AssumedRoleId><Arn>arn:aws:sts::111122223333:assumed-role/work/x</Arn>"
    b"</AssumedRoleUser></AssumeRoleResult></AssumeRoleResponse>",
)


@pytest.mark.parametrize(
    ("code", "message", "said"),
    [
        ("AccessDenied", "User: x is not authorized to perform: sts:AssumeRole", "does that role trust"),
        ("InvalidClientTokenId", "The security token included in the request is invalid.", "out of date"),
        ("SignatureDoesNotMatch", "The signature does not match.", "secret key"),
        ("ExpiredToken", "The security token included in the request is expired", "get a new one"),
        ("SomethingNew", "Something new.", "is the profile right"),
    ],
)
def test_what_sts_refuses_to_whoever_signs_is_a_sentence_on_what_to_do(
    signer: dict[str, str], code: str, message: str, said: str
) -> None:
    with sts(signer, refused_by_sts(code, message)) as (environ, _):
        done = credvend(environ, "whoami")
    assert done.returncode == 3 and done.stderr.count("\n") == 1
    assert "AWS refuses AssumeRole" in done.stderr and code in done.stderr and said in done.stderr


def test_in_the_library_it_is_an_error_of_authentication_too(
    signer: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with sts(signer, refused_by_sts("AccessDenied", "no")) as (environ, _):
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "CREDVEND_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        with pytest.raises(AuthenticationError, match="AWS refuses AssumeRole"):
            credentials("reports")


def test_an_sts_that_cannot_be_reached_is_an_error_of_the_service(signer: dict[str, str]) -> None:
    with sts(signer, ASSUMED) as (environ, _):
        pass
    done = credvend(environ, "whoami")
    assert done.returncode == 5 and "AWS cannot be reached" in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("config", "variables", "said"),
    [
        (
            "",
            {"AWS_WEB_IDENTITY_TOKEN_FILE": "/nowhere/token", "AWS_ROLE_ARN": "arn:aws:iam::111122223333:role/x"},
            "/nowhere/token",
        ),
        (
            "[default]\nsso_session = s\nsso_account_id = 1\nsso_role_name = r\n"
            "[sso-session s]\nsso_region = eu-west-1\nsso_start_url = https://x.example.com\n",
            {},
            "aws sso login",
        ),
        (
            "[default]\nsso_account_id = 1\nsso_role_name = r\nsso_region = eu-west-1\n"
            "sso_start_url = https://x.example.com\n",
            {},
            "aws sso login",
        ),
        ("[default]\nrole_arn = arn:aws:iam::111122223333:role/x\nsource_profile = none\n", {}, "none"),
        ("[default\n", {}, "config"),
    ],
)
def test_what_is_missing_to_sign_with_is_a_sentence_on_what_to_do(
    signer: dict[str, str], config: str, variables: dict[str, str], said: str
) -> None:
    environ = {**without_key(signer), "AWS_REGION": "eu-west-1", **variables}
    aws_file(environ, "config", config)
    done = credvend(environ, "whoami")
    assert done.returncode == 3 and done.stderr.count("\n") == 1 and said in done.stderr


def test_a_code_is_asked_for_once_for_all_commands_and_for_the_aws_cli(
    service: FakeService, signer: dict[str, str]
) -> None:
    with sts(signer, ASSUMED) as (environ, forms):
        environ["CREDVEND_PROFILE"] = "mfa"
        code, seen = at_a_terminal(environ, "123456\n", "whoami", asked="MFA code")
        assert code == 0 and "MFA code for arn:aws:iam::111122223333:mfa/alice" in seen
        done = subprocess.run(
            [sys.executable, "-m", "credvend", "process", "reports"],
            env=environ,
            input="a line",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            start_new_session=True,
        )
        assert done.returncode == 0, done.stderr
    assert [form["TokenCode"] for form in forms] == ["123456"] and signed_by(service) == "ASIAWORK"
    (kept,) = Path(environ["HOME"], ".aws", "cli", "cache").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600 and kept.parent.stat().st_mode & 0o777 == 0o700


def test_without_a_terminal_nobody_is_asked_and_standard_input_is_left_alone(signer: dict[str, str]) -> None:
    with sts(signer, ASSUMED) as (environ, forms):
        environ["CREDVEND_PROFILE"] = "mfa"
        command = f"{sys.executable} -m credvend whoami; echo $?; cat"
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            env=environ,
            input="a line of a pipe\n",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            start_new_session=True,
        )
    assert done.stdout == "3\na line of a pipe\n" and forms == []
    assert "MFA code" in done.stderr and "run `credvend whoami`" in done.stderr and done.stderr.count("\n") == 1


def test_whoever_has_no_time_for_a_person_asks_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getpass", lambda prompt: pytest.fail("somebody was asked"))
    with within(2), pytest.raises(AuthenticationError, match="MFA"):
        aws_credentials._asked_for("code: ")


def test_sessions_that_others_could_have_put_there_are_not_believed(
    service: FakeService, signer: dict[str, str]
) -> None:
    with sts(signer, ASSUMED) as (environ, forms):
        for mode, asked in ((0o777, 1), (0o777, 2), (0o700, 3), (0o700, 3)):
            kept = Path(environ["HOME"], ".aws", "cli", "cache")
            kept.mkdir(parents=True, exist_ok=True)
            kept.chmod(mode)
            assert credvend(environ, "whoami").returncode == 0 and len(forms) == asked


def test_a_kept_session_is_open_to_nobody_whatever_the_umask(service: FakeService, signer: dict[str, str]) -> None:
    with sts(signer, ASSUMED) as (environ, forms):
        before = os.umask(0)
        try:
            assert credvend(environ, "whoami").returncode == 0 and len(forms) == 1
        finally:
            os.umask(before)
        kept = Path(environ["HOME"], ".aws", "cli")
        assert kept.is_dir() and all(not each.stat().st_mode & 0o077 for each in (kept, *kept.rglob("*")))


def test_without_a_home_no_session_is_kept(
    service: FakeService, signer: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sts(signer, ASSUMED) as (environ, forms):
        aws = Path(environ["HOME"], ".aws")
        environ.update(AWS_CONFIG_FILE=str(aws / "config"), AWS_SHARED_CREDENTIALS_FILE=str(aws / "credentials"))
        (tmp_path / "here").mkdir()
        monkeypatch.chdir(tmp_path / "here")
        for asked in (1, 2):
            done = credvend({**environ, "HOME": "home"}, "whoami")
            assert done.returncode == 0 and len(forms) == asked, done.stderr
        assert not list((tmp_path / "here").iterdir())


@pytest.mark.parametrize("home", [".", "home"])
@pytest.mark.parametrize(
    "files",
    [
        {".aws/config": "[default]\nregion = eu-west-1\ncredential_process = touch ran\n"},
        {".aws/credentials": "[default]\naws_access_key_id = AKIAHOSTILE\naws_secret_access_key = s\n"},
        {".boto": "[Credentials]\naws_access_key_id = AKIAHOSTILE\naws_secret_access_key = s\n"},
    ],
)
def test_without_a_home_the_working_directory_is_not_taken_for_one(
    service: FakeService,
    signer: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    home: str,
    files: dict[str, str],
) -> None:
    """It may be anybody's repository, which would have a command run, or have us sign as them."""
    for name, text in files.items():
        path = tmp_path / "here" / home / name
        path.parent.mkdir(parents=True)
        path.write_text(text)
    monkeypatch.chdir(tmp_path / "here")
    done = credvend({**without_key(signer), "HOME": home}, "whoami")
    assert done.returncode == 3 and "nothing to prove who you are" in done.stderr and service.asked == []
    assert not (tmp_path / "here/ran").exists()
    done = credvend({**signer, "HOME": home}, "whoami")
    assert done.returncode == 0 and signed_by(service) == "AKIAEXAMPLE", done.stderr


def test_a_home_that_cannot_be_written_costs_the_kept_session_and_no_more(
    service: FakeService, signer: dict[str, str]
) -> None:
    with sts(signer, ASSUMED) as (environ, forms):
        Path(environ["HOME"], ".aws", "cli").write_text("no directory")
        for asked in (1, 2):
            assert credvend(environ, "whoami").returncode == 0 and len(forms) == asked


def test_botocore_is_imported_by_whoever_signs_alone(service: FakeService, signer: dict[str, str]) -> None:
    code = (
        "import json, sys\nfrom credvend.cli import main\nassert main(['process', 'reports']) == 0\n"
        "print(json.dumps([name for name in sys.modules if name in ('botocore', 'boto3', 'keyring')]))"
    )
    for environ, expected in (({**signer, "CREDVEND_TOKEN": "t"}, []), (signer, ["botocore"]), (signer, [])):
        done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
        assert json.loads(done.stdout.splitlines()[-1]) == expected


def test_without_botocore_people_are_told_to_install_it(signer: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "botocore.py").write_text("raise ImportError")
    signer["PYTHONPATH"] = f"{tmp_path}{os.pathsep}{signer['PYTHONPATH']}"
    for environ, code in ((without_key(signer), 3), (signer, 3), ({**signer, "CREDVEND_AUTH": "sigv4"}, 2)):
        done = credvend(environ, "whoami")
        assert done.returncode == code and "botocore: pip install botocore" in done.stderr
        assert "credvend[" not in done.stderr and ("`credvend login`" in done.stderr) is (code == 3)


def test_the_way_is_found(signer: dict[str, str]) -> None:
    assert authenticator(Config(url="https://a.example.com"), signer).scheme == "sigv4"
    assert authenticator(Config(url="https://a.example.com"), {**signer, "CREDVEND_TOKEN": "t"}).scheme == "bearer"
