"""The loopback endpoint gives credentials to those who have its token, and to nobody else, and always good ones."""

from __future__ import annotations

import errno
import http.client
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from fake_service import SECRET, TOKEN, FakeService, Planned
from running import with_command

from credvend.net import loopback_server
from credvend.net.loopback_server import MOST_CONNECTIONS


class Endpoint:
    """A running `credvend serve`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout is not None
        lines = [shlex.split(line) for line in process.stdout]  # to its end, which does not wait for that of `serve`
        assert lines[0][0] == "unset" and {words[0] for words in lines[1:]} == {"export"}
        self.variables = dict(words[1].split("=", 1) for words in lines[1:])
        assert self.variables.pop("CREDVEND_SERVE_PID") == str(process.pid)
        self.uri = self.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
        self.token = self.variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
        self.port = int(self.uri.split(":")[2].split("/")[0])

    def get(self, path: str = "/credentials", method: str = "GET", **headers: str | None) -> tuple[int, dict[str, str]]:
        sent = {"Authorization": self.token, **headers}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.putrequest(method, path, skip_host="Host" in headers)
            for name, value in sent.items():
                if value is not None:
                    connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        return answer.status, json.loads(body) if body[:1] == b"{" else {}


@contextmanager
def serving(environ: dict[str, str], *arguments: str) -> Iterator[Endpoint]:
    command = [sys.executable, "-m", "credvend", "serve", *arguments]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield Endpoint(process)
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(30)


def test_an_sdk_gets_credentials_by_the_two_variables(service: FakeService, environ: dict[str, str]) -> None:
    with serving(environ, "reports") as endpoint:
        assert set(endpoint.variables) == {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        }
        program = (
            "import botocore.session; found = botocore.session.Session().get_credentials().get_frozen_credentials()\n"
        )
        program += "print(found.access_key, found.secret_key, found.token)"
        sdk = {"PATH": environ["PATH"], "HOME": environ["HOME"], **endpoint.variables}
        done = subprocess.run([sys.executable, "-c", program], env=sdk, capture_output=True, text=True, check=True)
        assert done.stdout.split() == ["ASIAEXAMPLE1", SECRET, TOKEN]
    assert len(service.asked) == 1


def test_it_answers_as_the_container_endpoint_of_aws_does(environ: dict[str, str]) -> None:
    with serving(environ, "reports") as endpoint:
        status, content = endpoint.get()
    assert status == 200
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", content.pop("Expiration"))
    assert content == {
        "AccessKeyId": "ASIAEXAMPLE1",
        "SecretAccessKey": SECRET,
        "Token": TOKEN,
        "AccountId": "111122223333",
        "RoleArn": "arn:aws:iam::111122223333:role/reports",
    }


def test_nobody_without_the_token_gets_anything(environ: dict[str, str]) -> None:
    with serving(environ, "reports") as endpoint:
        refused = [
            endpoint.get(Authorization=value)
            for value in (None, "", "guessed", endpoint.token[:-1], endpoint.token + "x", f"Bearer {endpoint.token}")
        ]
    assert {status for status, _ in refused} == {401}
    assert not any("Token" in content or SECRET in str(content) for _, content in refused)


def test_a_page_in_a_browser_gets_nothing_even_with_the_token(environ: dict[str, str]) -> None:
    """DNS rebinding, and pages that just send requests here."""
    with serving(environ, "reports") as endpoint:
        port = endpoint.port
        for host in ("evil.example.com", f"evil.example.com:{port}", "127.0.0.1", f"127.0.0.1.evil.com:{port}", ""):
            assert endpoint.get(Host=host)[0] == 403, host
        assert endpoint.get(Origin="https://evil.example.com")[0] == 403
        assert endpoint.get(Host=f"localhost:{port}")[0] == 200


def test_there_is_one_path_and_one_method(environ: dict[str, str]) -> None:
    with serving(environ, "reports") as endpoint:
        for path in ("/", "/credentials/", "/credentials?x=1", "/latest/meta-data/"):
            assert endpoint.get(path)[0] == 404
        for method in ("POST", "PUT", "OPTIONS", "HEAD"):
            assert endpoint.get(method=method)[0] == 501


def test_it_listens_on_the_loopback_address_alone(environ: dict[str, str]) -> None:
    with serving(environ, "reports") as endpoint:
        listening = {
            line.split()[1]
            for line in Path("/proc/net/tcp").read_text().splitlines()
            if f":{endpoint.port:04X} " in line and line.split()[3] == "0A"
        }
    assert listening == {f"0100007F:{endpoint.port:04X}"}


def test_a_role_that_the_caller_may_not_have_is_said_at_once(service: FakeService, environ: dict[str, str]) -> None:
    service.planned = [Planned(403, {"Code": "AccessDenied", "Message": "Access denied.", "RequestId": "r"})]
    command = [sys.executable, "-m", "credvend", "serve", "reports"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=30)
    assert (done.returncode, done.stdout) == (4, "false\n")  # for the shell that evaluates it


@pytest.mark.parametrize(("names", "code"), [(["reports"], None), ([], 2), (["reports", "billing"], 2)])
def test_without_a_role_it_serves_the_only_one(
    service: FakeService, environ: dict[str, str], names: list[str], code: int | None
) -> None:
    service.roles = [{"Role": name} for name in names]
    if code is None:
        with serving(environ) as endpoint:
            assert endpoint.get()[1]["RoleArn"].endswith("role/reports")
        return
    command = [sys.executable, "-m", "credvend", "serve"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == code and done.stderr.startswith("credvend: Which role?")


def test_a_port_that_is_taken_is_said_in_one_line(environ: dict[str, str]) -> None:
    with serving(environ, "reports") as endpoint:
        command = [sys.executable, "-m", "credvend", "serve", "reports", "--port", str(endpoint.port)]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 2 and "choose another with --port" in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_ends_in_order_and_its_port_is_free(environ: dict[str, str], ending: signal.Signals) -> None:
    with serving(environ, "reports") as endpoint:
        endpoint.process.send_signal(ending)
        assert endpoint.process.wait(30) == 0
        assert endpoint.process.stderr is not None and "Traceback" not in endpoint.process.stderr.read()
        with serving(environ, "reports", "--port", str(endpoint.port)) as again:
            assert again.get()[0] == 200 and again.token != endpoint.token


def test_what_it_says_holds_no_secret_but_the_two_variables(environ: dict[str, str]) -> None:
    with serving({**environ, "PYTHONUNBUFFERED": "1"}, "reports", "--verbose") as endpoint:
        endpoint.get()
        endpoint.get(Authorization="guessed")
        endpoint.process.terminate()
        out, err = endpoint.process.communicate()
    assert out == "" and "served a request: 200" in err
    assert not any(secret in err for secret in (SECRET, TOKEN, endpoint.token, "guessed"))


def test_its_command_line_holds_no_secret(environ: dict[str, str]) -> None:
    with serving(environ, "reports") as endpoint:
        line = Path(f"/proc/{endpoint.process.pid}/cmdline").read_bytes()
    assert endpoint.token.encode() not in line


@pytest.mark.parametrize(
    ("format", "first"),
    [
        ("fish", "set -gx AWS_CONTAINER_CREDENTIALS_FULL_URI '"),
        ("powershell", "$Env:AWS_CONTAINER_CREDENTIALS_FULL_URI = '"),
    ],
)
def test_the_variables_are_printed_for_other_shells_too(environ: dict[str, str], format: str, first: str) -> None:
    command = [sys.executable, "-m", "credvend", "serve", "reports", "--format", format]
    with subprocess.Popen(
        command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        printed = process.stdout.read()
        process.terminate()
    assert f"\n{first}http://127.0.0.1:" in printed


def test_what_sdks_would_prefer_is_unset(environ: dict[str, str], tmp_path: Path) -> None:
    """Where a script is evaluated; whoever reads JSON is warned of it."""
    before = {**with_command(environ, tmp_path), "AWS_PROFILE": "mine", "AWS_ACCESS_KEY_ID": "AKIA"}
    script = 'eval "$(credvend serve reports &)" || exit; env; kill "$CREDVEND_SERVE_PID"'
    done = subprocess.run(["bash", "-c", script], env=before, capture_output=True, text=True, check=True, timeout=60)
    left = {line.partition("=")[0] for line in done.stdout.splitlines()}
    assert "AWS_CONTAINER_CREDENTIALS_FULL_URI" in left and not left & {"AWS_PROFILE", "AWS_ACCESS_KEY_ID"}
    command = [sys.executable, "-m", "credvend", "serve", "reports", "--format", "json"]
    with subprocess.Popen(command, env=before, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and json.loads(process.stdout.read())
        process.terminate()
        assert "warning: AWS SDKs prefer" in process.communicate()[1]


def test_the_example_of_the_readme_works(service: FakeService, environ: dict[str, str], tmp_path: Path) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```sh\n(eval \"\$\(credvend serve .*?)```", readme, re.S)
    programs = {
        "credvend": f'exec {sys.executable} -m credvend "$@"',
        "aws": f"exec {sys.executable} -c 'import botocore.session as s; "
        "print(s.Session().get_credentials().access_key)'",
    }
    for name, script in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    shell = {**environ, "PATH": f"{tmp_path}:{environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-ec", example], env=shell, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout == "ASIAEXAMPLE1\n", done.stderr
    service.planned = [Planned(403, {"Code": "AccessDenied", "Message": "No.", "RequestId": "r"})]
    done = subprocess.run(
        ["bash", "-e", "-c", f"credvend cache clear; {example}; echo went on"],
        env=shell, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode != 0 and done.stdout == "", "a role that is refused ends the script"


def test_many_connections_keep_nobody_out(environ: dict[str, str]) -> None:
    with serving(environ, "reports") as endpoint, ExitStack() as stack:
        for _ in range(MOST_CONNECTIONS * 2):
            held = stack.enter_context(socket.create_connection(("127.0.0.1", endpoint.port)))
            held.sendall(b"G")
        assert endpoint.get()[0] == 200
        threads = Path(f"/proc/{endpoint.process.pid}/task")
        deadline = time.monotonic() + 5  # well before those connections would time out
        while len(list(threads.iterdir())) > MOST_CONNECTIONS + 10:
            assert time.monotonic() < deadline
            os.sched_yield()


def test_it_does_not_spin_without_a_file_descriptor_for_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def accept(self) -> object:
            raise OSError(errno.EMFILE, "Too many open files")

    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    with loopback_server.listen(BaseHTTPRequestHandler, 0) as server:
        whole, server.socket = server.socket, Full()  # type: ignore[assignment]
        with pytest.raises(OSError, match="Too many"):
            server.get_request()
        server.socket = whole
    assert pauses == [0.1]


def test_it_outlives_its_terminal_under_nohup(environ: dict[str, str]) -> None:
    command = ["nohup", sys.executable, "-m", "credvend", "serve", "reports"]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        endpoint = Endpoint(process)
        process.send_signal(signal.SIGHUP)
        assert endpoint.get()[0] == 200
        process.terminate()
        assert process.wait(30) == 0
