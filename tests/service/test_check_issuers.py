"""`credvend-admin check-issuers`: issuers on loopback, each with a fault of its own."""

import errno
import json
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from chalicelib.callers.oidc.connection import Deadline
from ops import admin
from ops.issuer_checks import check
from testing.certificate import make_certificate
from testing.loopback import LoopbackServer, RawResponse, Request, Response, json_response, serve
from testing.tokens import Json, ec_key, key_set, rsa_key

# By the issuer's name: what is told, and then what to do.
FAULTS: Final = {
    "slash": ("of another issuer: http://127.0.0.1:PORT/slash/.", "to the last slash"),
    "lost": ("/lost/.well-known/openid-configuration answered 404.", "needs `jwks_uri`"),
    "keyless": ("/keyless/keys answered 404.", "Tell whoever runs the issuer."),
    "moved": ("answered 302: it leads to https://id.example.com/.", "Redirects are not followed"),
    "closed": ("answered 403.", "credvend asks without credentials"),
    "broken": ("answered 500.", "Try again later"),
    "curves": ("none of its keys is for PS256, RS256.", "Its keys are for ES256: set `algorithms`"),
    "empty": ("it has no key that signatures can be checked with.", "Tell whoever"),
    "elsewhere": ("jwks_uri must be an https URL", "set `jwks_uri`"),
    "nowhere": ("the discovery document has no jwks_uri", "set `jwks_uri`"),
    "huge": ("answered more than 262144 bytes", "Ask whoever runs the issuer"),
    "text": ("is not valid JSON", "no document of an issuer"),
    "hanging": ("127.0.0.1 did not answer within 5 s.", "cannot be reached from the internet"),
    "gopher": ("127.0.0.1 answered no HTTP.", "Check host and port"),
}


def answer(request: Request) -> Response | RawResponse | None:
    _, name, path = request.path.split("/", 2)
    url = f"http://{request.headers['Host']}/{name}"
    if path == "keys":
        keys = {"curves": [ec_key("a")], "empty": [], "good": [rsa_key("a"), ec_key("b")]}.get(name)
        return Response(404) if keys is None else json_response(key_set(*keys))
    if name == "hanging":
        request.stopping.wait()
    faulty: dict[str, Response | RawResponse] = {
        "slash": json_response({"issuer": f"{url}/", "jwks_uri": f"{url}/keys"}),
        "lost": Response(404),
        "moved": Response(302, headers={"Location": "https://id.example.com/"}),
        "closed": Response(403),
        "broken": Response(500),
        "elsewhere": json_response({"issuer": url, "jwks_uri": "http://169.254.169.254/keys"}),
        "nowhere": json_response({"issuer": url}),
        "huge": Response(200, b"x" * 300_000),
        "text": Response(200, b"<html>"),
        "gopher": RawResponse([b"iWelcome\r\n"]),
    }
    return faulty.get(name, json_response({"issuer": url, "jwks_uri": f"{url}/keys"}))


@dataclass
class CommandLine:
    """The command, on a configuration directory."""

    directory: Path
    capture: pytest.CaptureFixture[str]
    server: LoopbackServer

    def run(self, issuers: list[str], *options: str, status: int) -> tuple[str, str]:
        """What it prints to standard output and to standard error."""
        (self.directory / "issuers.yaml").write_text("issuers:\n" + "".join(f"  - {one}\n" for one in issuers))
        arguments = ["check-issuers", "--config", str(self.directory), *options]
        assert admin.main(arguments) == status
        printed = self.capture.readouterr()
        return printed.out, printed.err

    def entry(self, name: str, more: str = "") -> str:
        url = f"{self.server.url}/{name}"
        return f"{{name: {name}, issuer: '{url}', audiences: [credvend], algorithms: [PS256, RS256]{more}}}"


@pytest.fixture
def command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[CommandLine]:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")  # no word of it: AWS is not asked
    monkeypatch.setattr(check, "PATIENCE_SECONDS", 0.5)
    with serve(answer) as server:
        yield CommandLine(tmp_path, capsys, server)


def test_each_fault_is_told_with_what_to_do(command_line: CommandLine) -> None:
    issuers = [command_line.entry(name) for name in ["good", *FAULTS]]
    out, err = command_line.run(issuers, "--stage", "local", status=1)
    head, *lines = out.splitlines()
    assert head.split() == ["ISSUER", "RESULT", "DETAILS"]
    told = {name: (result, details) for name, result, details in (line.split(maxsplit=2) for line in lines)}
    assert told.pop("good") == ("ok", f"2 keys from {command_line.server.url}/good/keys")
    assert told.keys() == FAULTS.keys()
    for name, (what, advice) in FAULTS.items():
        result, details = told[name]
        assert result == "failed"
        assert what.replace("PORT", str(command_line.server.port)) in details and advice in details
    assert err == f"{len(FAULTS)} of {len(FAULTS) + 1} issuers failed.\n"


def test_all_are_asked_side_by_side(command_line: CommandLine) -> None:
    issuers = [
        f"{{name: slow-{number}, issuer: '{command_line.server.url}/hanging/{number}', audiences: [credvend]}}"
        for number in range(8)
    ]
    started = time.monotonic()
    command_line.run(issuers, "--stage", "local", status=1)
    assert time.monotonic() - started < 8 * 0.5 - 1


def test_json_is_for_programs(command_line: CommandLine) -> None:
    good, lost = (command_line.entry(name) for name in ("good", "lost"))
    out, err = command_line.run([good], "--stage", "local", "--json", status=0)
    url = f"{command_line.server.url}/good"
    described: Json = {"Name": "good", "Issuer": url, "Ok": True, "Keys": 2, "From": f"{url}/keys"}
    assert json.loads(out) == [{**described, "Problem": None, "Advice": None}] and err == ""
    out, _ = command_line.run([good, lost], "--stage", "local", "--json", status=1)
    assert [(one["Ok"], one["Problem"] is None) for one in json.loads(out)] == [(True, True), (False, False)]


def test_keys_in_a_file_need_no_network(command_line: CommandLine) -> None:
    (command_line.directory / "keys").mkdir()
    (command_line.directory / "keys/own.json").write_text(json.dumps(key_set(rsa_key("a"))))
    entry = "{name: own, issuer: 'https://k8s.internal', audiences: [credvend], jwks_file: keys/own.json}"
    out, _ = command_line.run([entry], status=0)
    assert out.splitlines()[1].split(maxsplit=2) == ["own", "ok", "1 key from keys/own.json"]
    assert command_line.server.connections == 0


def test_the_stage_local_alone_lets_issuers_do_without_tls(command_line: CommandLine) -> None:
    out, err = command_line.run([command_line.entry("good")], status=1)
    assert out == "" and "must be an https URL" in err and command_line.server.connections == 0
    out, err = command_line.run([command_line.entry("good")], "--stage", "nightly", status=1)
    assert out == "" and "No stage 'nightly'" in err


def test_a_certificate_that_lambda_would_not_trust_is_told(
    command_line: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(tmp_path, "127.0.0.1")
    with serve(answer, tmp_path / "private.pem") as server:
        entry = f"{{name: a, issuer: 'https://id.example.com', audiences: [c], jwks_uri: '{server.url}/good/keys'}}"
        out, _ = command_line.run([entry], status=1)
        assert "the certificate of 127.0.0.1 is not trusted: self" in out and "`jwks_file`" in out
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        out, _ = command_line.run([entry], status=0)
        assert f"2 keys from {server.url}/good/keys" in out


def test_what_the_files_say_wrong_is_told_before_anybody_is_asked(command_line: CommandLine) -> None:
    github = "https://token.actions.githubusercontent.com"
    wrong = f"{{name: github, issuer: '{github}/', audiences: [credvend]}}"
    out, err = command_line.run([wrong], status=1)
    assert out == ""
    assert (
        err == f"issuers.yaml: issuer 'github': `issuer` must be exactly the `iss` of GitHub Actions tokens: {github}\n"
    )
    odd = command_line.entry("good").replace("[credvend]", "['credvend ']")
    out, err = command_line.run([odd], "--stage", "local", status=0)
    assert err.startswith("Warning: issuers.yaml: issuer 'good': audience 'credvend ' has blanks around it")


def test_no_issuer_can_write_to_the_terminal(command_line: CommandLine) -> None:
    with serve(lambda _: json_response({"issuer": "https://x\x1b]0;owned\x07\u202e\nok"})) as server:
        out, _ = command_line.run(
            [f"{{name: a, issuer: '{server.url}', audiences: [credvend]}}"], "--stage", "local", status=1
        )
    assert len(out.splitlines()) == 2 and all(line.isprintable() for line in out.splitlines())


@pytest.mark.parametrize(
    "hostile",
    [
        json_response({"issuer": "x" * 200_000}),
        json_response({"issuer": [{"a": "x" * 1000}] * 200}),
        Response(302, headers={"Location": "https://x/" + "y" * 60_000}),
    ],
)
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_no_issuer_can_fill_the_terminal(
    command_line: CommandLine, hostile: Response, options: tuple[str, ...]
) -> None:
    with serve(lambda _: hostile) as server:
        out, _ = command_line.run(
            [f"{{name: a, issuer: '{server.url}', audiences: [credvend]}}"], "--stage", "local", *options, status=1
        )
    assert 200 < len(out) < 1500 and "..." in out


def test_nothing_is_asked_where_there_are_no_issuers(command_line: CommandLine) -> None:
    (command_line.directory / "issuers.yaml").write_text("issuers: []\n")
    assert admin.main(["check-issuers", "--config", str(command_line.directory)]) == 0
    printed = command_line.capture.readouterr()
    assert printed.out == "" and "There are no issuers in" in printed.err
    assert admin.main(["check-issuers", "--config", str(command_line.directory / "none")]) == 1
    assert "is not there" in command_line.capture.readouterr().err


def test_a_machine_without_network_is_told_of_once(command_line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    issuers = [
        f"{{name: {name}, issuer: 'https://{name}.example.com', audiences: [credvend]}}"
        for name in ("one", "two", "six")
    ]
    failures: list[OSError] = [
        socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"),
        socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
        OSError(errno.ENETUNREACH, "Network is unreachable"),
    ]

    def fail(url: str, deadline: Deadline) -> dict[str, object]:
        raise failures[["one", "two", "six"].index(url.removeprefix("https://").partition(".")[0])]

    monkeypatch.setattr(check, "fetch_json", fail)
    (command_line.directory / "keys").mkdir()
    (command_line.directory / "keys/own.json").write_text(json.dumps(key_set(rsa_key("a"))))
    own = "{name: own, issuer: 'https://own.example.com', audiences: [credvend], jwks_file: keys/own.json}"
    out, err = command_line.run([*issuers, own], status=1)
    assert [line.split() for line in out.splitlines()[1:]] == [
        *(["one", "not", "asked"], ["two", "not", "asked"], ["six", "not", "asked"]),
        ["own", "ok", "1", "key", "from", "keys/own.json"],
    ]
    assert err.startswith("No issuer could be asked: this machine has no network, or cannot look up names.")
    assert len(err.splitlines()) == 1
    # One that is not known is its own fault, and so are several where another answers.
    out, err = command_line.run(issuers[:1], status=1)
    assert "the name one.example.com is not known" in out and err == "1 of 1 issuers failed.\n"
    failures[2] = TimeoutError()
    out, err = command_line.run(issuers, status=1)
    assert "the name two.example.com is not known" in out and err == "3 of 3 issuers failed.\n"
