"""SigV4: whose credentials sign, and that they are asked for only when they are needed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from fake_service import FakeService

from credvend import credentials, lean
from credvend.auth.methods import sigv4
from credvend.auth.methods.sigv4 import SigV4
from credvend.auth.registry import authenticator
from credvend.disk.config_file import Config
from credvend.errors import UsageError

pytest.importorskip("botocore")


@pytest.fixture
def signer(environ: dict[str, str]) -> dict[str, str]:
    """A caller with an AWS key, and no token."""
    del environ["CREDVEND_TOKEN"]
    key = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret-of-alice"}
    return {**environ, **key, "AWS_EC2_METADATA_DISABLED": "true", "CREDVEND_REGION": "eu-west-1"}


def without_key(signer: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in signer.items() if not name.startswith("AWS_") or "METADATA" in name}


def credvend(environ: Mapping[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "credvend", *words]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)


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
        first.enter_context(sigv4._signing())
        second.enter_context(sigv4._signing())
        first.close()
        assert os.environ[lean.SIGNING] == str(os.getpid())
    assert lean.SIGNING not in os.environ


def test_a_process_that_is_forked_meanwhile_is_not_taken_for_one_that_asks_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(lean.SIGNING, raising=False)
    with sigv4._signing():
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
    ],
)
def test_the_region_is_told_or_found(url: str, config: str | None, environ: dict[str, str], region: str) -> None:
    assert SigV4(Config(url=url, region=config), environ).region(url) == region


def test_a_region_that_cannot_be_found_is_a_mistake_of_usage() -> None:
    with pytest.raises(UsageError, match="CREDVEND_REGION"):
        SigV4(Config(), {}).region("https://credvend.example.com")


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
