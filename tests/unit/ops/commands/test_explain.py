"""`credvend-admin explain`: by a caller, a test, a record or a request id."""

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.configuration.digest import configuration_digest
from ops.building.source_tree import copy_source
from testing.policies import HOME
from tests.unit.ops.commands.command_line import CommandLine, command_line

ALICE = f"arn:aws:iam::{HOME}:user/alice"
REQUEST = "7b1c9c8e-0000-4000-8000-000000000001"
RECORD = {
    "service": "credvend.audit",
    "event": "credentials.denied",
    "configuration": "0" * 64,
    "request_id": REQUEST,
    "source_ip": "192.0.2.1",
    "caller": "oidc:okta:x",
    "caller_type": "OidcSubject",
    "caller_issuer": "okta",
    "caller_subject": "x",
    "caller_groups": ["dev"],
    "caller_claims": {"team": "b"},
    "requested_role": "reader",
    "narrowed": False,
    "format": "json",
    "dry_run": False,
    "decision_time": "2026-01-07T12:00:00+00:00",
    "decision": "deny",
    "policies": [],
    "cause": "AccessDenied",
}


@pytest.fixture
def line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return command_line(tmp_path, capsys)


def test_who_is_let_in_sees_by_what_and_the_session(line: CommandLine) -> None:
    out, err = line.run("explain", "reader", "--caller", ALICE, "--duration", "20m")
    assert out.splitlines()[:4] == [
        "Allowed by alice.",
        "  permit alice (policies/a.cedar, line 2) applies, whatever else is asked.",
        f"Role             arn:aws:iam::{HOME}:role/reader",
        f"Session          user=alice@{HOME}",
    ]
    assert "Duration         1200 s" in out and err == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ("--caller", "oidc:okta:x", "--group", "dev", "--claim", "team=b"),
        ("--caller", "oidc:okta:x", "--claim", 'groups:=["dev"]', "--claim", 'team:="b"'),
        ("--caller", "{file}"),
    ],
)
def test_who_is_not_let_in_sees_the_condition_and_the_value(
    line: CommandLine, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    file = tmp_path / "caller.json"
    file.write_text(json.dumps({"issuer": "okta", "claims": {"sub": "x", "groups": ["dev"], "team": "b"}}))
    out, _ = line.run("explain", "reader", *(one.format(file=file) for one in arguments), status=1)
    assert 'line 4: when `principal.getTag("team").text == "a"` is false; principal.getTag("team").text is "b"' in out


def test_a_caller_is_named_as_tests_name_it_and_a_test_is_explained(line: CommandLine) -> None:
    assert line.run("explain", "deep", "--caller", "alice")[0].startswith("Allowed by alice.")
    out, _ = line.run("explain", "--test", "developers of team b do not", status=1)
    assert out.startswith("Denied by default")
    assert line.run("explain", "--test", "alyce reads", status=1)[1].endswith("in tests/; did you mean alice reads?\n")


def test_an_api_token_is_described_with_owner_and_tags(line: CommandLine) -> None:
    token = ("deep", "--caller", "token:ci", "--token-tag", "env=prod", "--address", "192.0.2.7")
    out, err = line.run("explain", *token, "--owner", "olga")
    assert out.startswith("Allowed by ci.") and err == ""
    out, err = line.run("explain", *token, status=1)
    assert err == "Policy ci looks at principal.owner, which is not said.\n"
    out, err = line.run("explain", *token[:-2], "--owner", "olga")
    assert err == "Policy addresses looks at context.source_ip, which is not said (192.0.2.1 is taken for it).\n"


def test_what_is_asked_for_is_what_a_request_would_ask(line: CommandLine, tmp_path: Path) -> None:
    policy = tmp_path / "policy.json"
    policy.write_text(
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'
    )
    found = line.json(
        *("explain", "writer", "--caller", ALICE, "--param", "tenant=acme", "--tag", "Team=x", "--reason", "why"),
        *("--policy", str(policy), "--format", "env", "--time", "2026-01-07T12:00:00+09:00", "--address", "::1"),
    )
    assert found["Request"] == {
        "Caller": ALICE,
        "CallerType": "IamUser",
        "Role": "writer",
        "Duration": None,
        "Reason": "why",
        "Tags": {"Team": "x"},
        "Params": {"tenant": "acme"},
        "Narrowed": True,
        "Format": "env",
        "Address": "::1",
        "Time": "2026-01-07T03:00:00Z",
    }
    assert found["Allowed"] is True and found["Policies"] == ["alice"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("reader",), "Say ROLE and --caller, or --test, or --record or --request."),
        (("reader", "--caller", ALICE, "--test", "x"), "Say ROLE and --caller"),
        (("--caller", ALICE), "Which ROLE?"),
        (("reader", "--test", "x"), "leave ROLE out"),
        (("reader", "--caller", ALICE, "--time", "noon"), "must be a moment with its zone"),
        (("reader", "--caller", ALICE, "--tag", "x"), "write KEY=VALUE"),
        (("reader", "--caller", ALICE, "--policy", "/nowhere"), "no JSON can be read from it"),
    ],
)
def test_what_is_misunderstood_is_told(line: CommandLine, arguments: tuple[str, ...], message: str) -> None:
    assert message in line.run("explain", *arguments, status=2)[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("raeder", "--caller", ALICE), "is not in the catalog; did you mean reader?"),
        (("reader", "--caller", "alise"), "is no caller: write an ARN, oidc:ISSUER:SUBJECT"),
        (("reader", "--caller", "oidc:okta"), "write oidc:ISSUER:SUBJECT"),
        (("reader", "--caller", "oidc:otka:x"), "did you mean okta?"),
        (("reader", "--caller", "oidc:github:x", "--group", "a"), "tells of no groups"),
        (("reader", "--caller", "oidc:okta:x", "--claim", "a"), "write NAME=TEXT, or NAME:=JSON"),
        (("reader", "--caller", "oidc:okta:x", "--claim", "a:=b"), "is no JSON"),
        (("reader", "--caller", ALICE, "--group", "a"), "--group and --claim are of a caller oidc:ISSUER:SUBJECT"),
        (("reader", "--caller", ALICE, "--owner", "a"), "--owner and --token-tag are of a caller token:NAME"),
        (("reader", "--caller", ALICE, "--address", "10.0.0.0/8"), "`address` must be one IPv4 or IPv6 address"),
        (("--request", "a b"), "is no request id"),
        (("--record", "/nowhere"), "/nowhere cannot be read"),
    ],
)
def test_what_cannot_be_is_told(line: CommandLine, arguments: tuple[str, ...], message: str) -> None:
    out, err = line.run("explain", *arguments, status=1)
    assert message in err and out == ""


def lines_of(*records: dict[str, object]) -> str:
    """As `aws logs tail` prints them, among lines of Lambda's own."""
    logged = [f"2026-01-07T12:00:00 2026/01/07/[$LATEST]0 {json.dumps(record)}" for record in records]
    return "\n".join(["START RequestId: 1", *logged, "REPORT {}"])


def test_a_record_is_decided_anew_and_compared_with_what_became_of_it(
    line: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "record.json"
    for text in (json.dumps(RECORD, indent=2), lines_of(RECORD), json.dumps([RECORD])):
        file.write_text(text)
        out, _ = line.run("explain", "--record", str(file), status=1)
        assert 'principal.getTag("team").text is "b"' in out
        assert out.splitlines()[-1] == ("Recorded as credentials.denied: denied by default, by another configuration.")
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(RECORD)))
    found = line.json("explain", "--record", "-", status=1)
    assert found["Recorded"] == {
        "RequestId": REQUEST,
        "Event": "credentials.denied",
        "Decision": "deny",
        "Policies": [],
        "Cause": "AccessDenied",
        "Configuration": "0" * 64,
        "SameConfiguration": False,
        "Unknown": [],
    }


def test_what_a_record_does_not_tell_is_said(line: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "record.json"
    file.write_text(json.dumps(RECORD | {"narrowed": True, "left_out": {"caller_groups": 3}}))
    _, err = line.run("explain", "--record", str(file), status=1)
    assert "The record does not tell the caller's session policy" in err
    assert "The record does not tell 3 entries of caller_groups" in err


def test_one_request_of_several_is_chosen(line: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "records.log"
    other = RECORD | {"request_id": "other", "caller_claims": {"team": "a"}, "event": "credentials.requested"}
    vended = other | {"event": "credentials.vended", "decision": "allow", "policies": ["dev"]}
    file.write_text(lines_of(RECORD, other, vended))
    assert "records of 2 requests" in line.run("explain", "--record", str(file), status=1)[1]
    out, _ = line.run("explain", "--record", str(file), "--request", "other")
    assert "Recorded as credentials.vended (" not in out
    assert "Recorded as credentials.vended: allowed by dev, by another configuration." in out
    assert "there is no audit record of it" in line.run("explain", "--record", str(file), "--request", "x", status=1)[1]


def test_a_record_of_nobody_known_is_told_apart(line: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "record.json"
    record = {"service": "credvend.audit", "event": "authentication.failed", "request_id": "1"}
    file.write_text(json.dumps(record))
    assert "its event is authentication.failed" in line.run("explain", "--record", str(file), status=1)[1]


def test_a_request_is_looked_for_in_the_log(line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, ...]] = []

    def messages(client: object, group: str, since: int, until: int, pattern: str) -> Iterator[str]:
        asked.append((client, group, until - since, pattern))
        yield json.dumps(RECORD)
        yield "END RequestId: 1"

    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setattr("ops.commands.explain.logs_client", lambda region: region)
    monkeypatch.setattr("ops.commands.explain.messages", messages)
    out, _ = line.run("explain", "--request", REQUEST, "--log-group", "group", "--since", "2h", status=1)
    assert "Denied by default" in out
    pattern = f'{{ ($.service = "credvend.audit") && ($.request_id = "{REQUEST}") }}'
    assert asked == [("eu-west-1", "group", (7200 + 300) * 1000, pattern)]


def test_without_credentials_the_log_cannot_be_read(line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    _, err = line.run("explain", "--request", REQUEST, "--log-group", "group", status=1)
    assert err == "No AWS credentials: set AWS_PROFILE, or sign in.\n"


def test_the_digest_is_that_of_the_package(line: CommandLine, tmp_path: Path) -> None:
    """So what was recorded by the configuration at hand is known from what was not, whatever lies beside it."""
    copy_source(tmp_path / "source", line.config)
    digest = configuration_digest(tmp_path / "source/chalicelib/config")
    (line.config / "README.md").write_text("x")
    (line.config / "schema.cedarschema").unlink()
    file = tmp_path / "record.json"
    file.write_text(json.dumps(RECORD | {"configuration": digest}))
    assert "by this configuration." in line.run("explain", "--record", str(file), status=1)[0]
