"""Nobody sees or ends a session of somebody else, nor learns that there is one."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from testing.app import ROLES, Answer, write_config
from testing.dynamodb.credvend_tables import QUOTAS, REVOCATIONS, SESSIONS
from testing.dynamodb.database import Database
from testing.dynamodb.faults import Before
from testing.events import ACCOUNT, federated_user, iam_user, role_session, root, unsigned
from testing.ledger_app import EVERYBODY, LedgerApp, start
from testing.sts_server import StsServer
from testing.tokens import AUDIENCE, ISSUER, ec_key, honest_claims, key_set, sign

UNKNOWN = "7b1c9c8e-0000-4000-8000-999999999999"
OTHER_ISSUER = "https://other.example.com"
# Of alice, the user of IAM: others of her name, and a role with a session called like her.
NOT_ALICE = [
    iam_user("bob"),
    iam_user("alice", account="444455556666"),
    iam_user("alice", path="/deep/"),
    iam_user("Alice"),
    role_session("alice", "alice"),
    federated_user("alice"),
]


def told(answer: Answer) -> tuple[int, object, object]:
    """What an answer tells beside the id of its own request."""
    headers = {name: value for name, value in answer.headers.items() if name.lower() != "x-amzn-requestid"}
    return answer.status, headers, {name: value for name, value in answer.body.items() if name != "RequestId"}


def everything(ledger_app: LedgerApp) -> list[object]:
    return [ledger_app.database.items(schema.name) for schema in (SESSIONS, QUOTAS, REVOCATIONS)]


@pytest.mark.parametrize("stranger", NOT_ALICE, ids=lambda identity: str(identity["userArn"]))
def test_another_s_session_looks_like_none(ledger_app: LedgerApp, stranger: Mapping[str, object]) -> None:
    session = ledger_app.vended()
    before = everything(ledger_app)
    ledger_app.database.operations()
    assert told(ledger_app.read(session, stranger)) == told(ledger_app.read(UNKNOWN, stranger))
    assert told(ledger_app.revoke(session, None, stranger)) == told(ledger_app.revoke(UNKNOWN, None, stranger))
    assert ledger_app.read(session, stranger).status == ledger_app.revoke(session, None, stranger).status == 404
    # Each asks the table once, so that neither takes longer.
    assert ledger_app.database.operations() == ["GetItem"] * 6
    assert ledger_app.sessions({"limit": "1000"}, stranger).body["Sessions"] == []
    assert everything(ledger_app) == before


def test_sessions_of_one_role_are_callers_of_their_own(ledger_app: LedgerApp) -> None:
    alice, bob = role_session("Developers", "alice"), role_session("Developers", "bob")
    session = ledger_app.vended(identity=alice)
    assert ledger_app.read(session, bob).status == ledger_app.revoke(session, None, bob).status == 404
    assert ledger_app.sessions(None, bob).body["Sessions"] == []
    assert ledger_app.read(session, role_session("Developers", "alice", account="444455556666")).status == 404
    assert ledger_app.read(session, alice).status == 200


MALFORMED = [
    "",
    " ",
    "/",
    "..",
    "../roles",
    "a/b",
    "a%2Fb",
    "%00",
    "\0",
    "a\0b",
    "a\r\nSet-Cookie: x",
    "é",
    "\ud800",
    "*",
    "#",
    "session#1",
    "list",
    "-",
    "x" * 65,
    "x" * 2049,
    "x" * 100_000,
    "7b1c9c8e_0000",
    "７b1c",
    '{"S": "x"}',
]


@pytest.mark.parametrize("session", MALFORMED, ids=lambda text: ascii(text)[:20])
def test_an_id_that_can_be_none_looks_like_one_that_is_none(ledger_app: LedgerApp, session: str) -> None:
    ledger_app.vended()
    before = everything(ledger_app)
    ledger_app.database.operations()
    for ask in (ledger_app.read, ledger_app.revoke):
        assert told(ask(session)) == told(ask(UNKNOWN))
    assert ledger_app.database.operations() == ["GetItem"] * 4
    assert everything(ledger_app) == before
    assert all(len(str(record["session"])) <= 64 for record in ledger_app.app.records() if "session" in record)


def test_an_id_in_another_spelling_is_another_id(ledger_app: LedgerApp) -> None:
    session = ledger_app.vended()
    for spelt in (session.upper(), f" {session}", f"{session}\n", session.replace("-", "%2D"), f"session#{session}"):
        assert ledger_app.read(spelt).status == ledger_app.revoke(spelt).status == 404


def test_who_is_never_served_is_not_served_here(ledger_app: LedgerApp) -> None:
    session = ledger_app.vended()
    assert ledger_app.sessions(None, root()).status == ledger_app.read(session, root()).status == 403
    assert ledger_app.revoke(session, None, root()).status == 403
    for path in ("/v1/sessions", "/v1/sessions/{session}"):
        assert ledger_app.app.call("GET", path, session=session).status == 401
    assert ledger_app.app.call("POST", "/v1/sessions/{session}/revoke", session=session).status == 401
    assert "revoke_requested" not in (ledger_app.database.item(SESSIONS.name, session) or {})


def test_sessions_of_one_role_that_call_themselves_otherwise_do_not_fill_a_policy(
    ledger_app: LedgerApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever may assume a role names its sessions; a policy that is full denies sessions of others."""
    monkeypatch.setattr("chalicelib.own_sessions.MOST_REVOKED", 3)
    statuses = []
    for number in range(5):
        name = role_session("Developers", f"name-{number}")
        statuses.append(ledger_app.revoke(ledger_app.vended(identity=name), None, name).status)
    assert statuses == [200, 200, 200, 429, 429]
    other = role_session("Operators", "name-0")
    assert ledger_app.revoke(ledger_app.vended(identity=other), None, other).status == 200


def test_what_is_ended_at_one_moment_fills_a_policy_no_further(
    ledger_app: LedgerApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two that read the same count, and then write: the second is refused."""
    monkeypatch.setattr("chalicelib.own_sessions.MOST_REVOKED", 1)
    one, other = ledger_app.vended(), ledger_app.vended()
    statuses: list[int] = []
    ledger_app.database.faults.next(
        "TransactWriteItems", Before(lambda: statuses.append(ledger_app.revoke(one).status))
    )
    statuses.append(ledger_app.revoke(other).status)
    assert statuses == [200, 429]


@pytest.fixture
def two_issuers(
    sts: StsServer,
    database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> LedgerApp:
    """The service, which trusts two issuers alike."""
    config = write_config(tmp_path, ROLES, EVERYBODY)
    (config / "keys").mkdir()
    (config / "keys/all.json").write_text(json.dumps(key_set(ec_key("audit"))))
    (config / "issuers.yaml").write_text(
        f"issuers:\n  - {{name: main, issuer: {ISSUER}, audiences: [{AUDIENCE}], jwks_file: keys/all.json}}\n"
        f'  - {{name: other, issuer: "{OTHER_ISSUER}", audiences: [{AUDIENCE}], jwks_file: keys/all.json}}\n'
    )
    return start(config, sts, monkeypatch, capsys, database)


def test_one_subject_at_two_issuers_is_two_callers(two_issuers: LedgerApp) -> None:
    app = two_issuers.app

    def with_token(**claims: object) -> dict[str, str]:
        token = sign(honest_claims(**claims), ec_key("audit"))
        return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    vended = app.call("POST", "/v1/credentials", '{"role": "reader"}', unsigned(), with_token())
    session = str(vended.body["RequestId"])
    one = "/v1/sessions/{session}"
    for stranger in ({"iss": OTHER_ISSUER}, {"sub": "main:somebody"}):
        headers = with_token(**stranger)
        assert app.call("GET", one, None, unsigned(), headers, session=session).status == 404
        assert app.call("POST", f"{one}/revoke", None, unsigned(), headers, session=session).status == 404
        assert app.call("GET", "/v1/sessions", None, unsigned(), headers).body["Sessions"] == []
    # The same subject with another token is the same caller.
    again = with_token(jti="another")
    assert app.call("GET", one, None, unsigned(), again, session=session).status == 200
    assert app.call("POST", f"{one}/revoke", None, unsigned(), again, session=session).status == 200


def test_an_entry_that_names_another_kind_of_caller_is_another_s(ledger_app: LedgerApp) -> None:
    session = ledger_app.vended()
    ledger_app.change(session, caller_type={"S": "FederatedUser"})
    assert ledger_app.read(session).status == ledger_app.revoke(session).status == 404
    assert ledger_app.sessions().body["Sessions"] == []


def test_a_reason_cannot_forge_a_record(ledger_app: LedgerApp) -> None:
    session = ledger_app.vended()
    ledger_app.app.records()
    forged = json.dumps({"reason": '","event":"credentials.vended","caller":"x'})
    assert ledger_app.revoke(session, forged).status == 200
    (record,) = ledger_app.app.records()
    assert record["event"] == "revocation.requested" and record["caller"] == f"arn:aws:iam::{ACCOUNT}:user/alice"
