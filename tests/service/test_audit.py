"""The audit log: what docs/audit.md promises is what is written, and nothing is vended without it."""

import hashlib
import json
import logging
import logging.config
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from io import StringIO
from pathlib import Path
from typing import NoReturn, cast, get_args

import pytest

import app as app_module
from chalicelib.admission.admission import Admitted
from chalicelib.admission.without_ledger import WithoutLedger
from chalicelib.assembly import _key_ring, load_service
from chalicelib.audit.log import AuditLog
from chalicelib.callers.api_tokens.store import TokenStore
from chalicelib.callers.api_tokens.stored_token import StoredToken
from chalicelib.callers.caller import Caller
from chalicelib.callers.kinds import KINDS
from chalicelib.configuration.settings import Settings
from chalicelib.errors import (
    AuditFailed,
    Blocked,
    InvalidToken,
    NoSuchSession,
    QuotaExceeded,
    RefusedToken,
    TokenCause,
    TokenStoreUnavailable,
)
from chalicelib.http import HttpEdge
from chalicelib.ledger.entry import Entry
from chalicelib.own_sessions import Found, OwnSessions, Read, Revoked
from chalicelib.sessions.sharing import SharedSessions
from chalicelib.sessions.sts_failures import Cause
from testing.app import POLICIES, ROLES, CredvendApp, Json, write_config
from testing.events import federated_user, iam_user, role_session, root, unsigned
from testing.kms_server import Key, kms_server
from testing.sts_server import SECRET, TOKEN, Refusal, StsServer
from testing.tokens import ABSENT, AUDIENCE, ISSUER, ec_key, honest_claims, honest_header, key_set, sign

ALIAS = "alias/credvend-test-signing"
DOCUMENT = Path(__file__).resolve().parent.parent.parent / "docs/audit.md"
EVENTS = {
    "requested": "credentials.requested",
    "vended": "credentials.vended",
    "denied": "credentials.denied",
    "failed": "credentials.failed",
    "roles.listed": "roles.listed",
    "caller.described": "caller.described",
    "health.reported": "health.reported",
    "sessions.listed": "sessions.listed",
    "session.read": "session.read",
    "revocation.requested": "revocation.requested",
    "revocation.refused": "revocation.refused",
    "read.denied": "read.denied",
    "authentication.failed": "authentication.failed",
    "request.failed": "request.failed",
}
# The sixth power of half an hour is no number of 64 bits, as that of a quarter is: the policy may apply, and fails.
FAILING = (
    POLICIES
    + """
@id("a-session-may-use-the-reader")
permit (principal is IamRole, action, resource in RoleGroup::"open");
@id("overflows") forbid (principal, action, resource == Role::"brief")
when {
  context.duration * context.duration * context.duration * context.duration * context.duration * context.duration > 0
};
@id("tried") @mode("audit") forbid (principal, action, resource) when { context.duration == 1200 };
@id("tried-and-failing") @mode("audit") forbid (principal, action, resource) when { context.has_reason }
when {
  context.duration * context.duration * context.duration * context.duration * context.duration * context.duration * 4
  > 0
};
"""
)


def documented() -> dict[str, tuple[set[str], set[str]]]:
    """For each event, the fields that it always has, and those that it may have."""
    promised: dict[str, tuple[set[str], set[str]]] = {event: (set(), set()) for event in EVENTS.values()}
    table = DOCUMENT.read_text().partition("## Fields")[2].partition("\n## ")[0]
    for field, where in re.findall(r"^\| `(\w+)` \| ([^|]+) \|", table, re.M):
        for listed in (part.strip() for part in where.split(",")):
            name = listed.rstrip("?")
            for event in EVENTS.values() if name == "all" else [EVENTS[name]]:
                promised[event][listed.endswith("?")].add(field)
    # "may also hold whatever `denied` may", as the document says.
    always, sometimes = promised["request.failed"]
    sometimes |= set.union(*promised["credentials.denied"]) - always
    return promised


ISSUERS = f"""
issuers:
  - {{name: main, issuer: {ISSUER}, audiences: [{AUDIENCE}], jwks_file: keys/main.json,
     groups_claim: groups, claims: {{team: team, areas: areas}}}}
  - {{name: far, issuer: "https://far.example.com", audiences: [{AUDIENCE}], jwks_uri: "https://127.0.0.1:1/"}}
"""
OTHERS = """
@id("everybody-with-a-token-may-use-open-roles")
permit (principal, action, resource in RoleGroup::"open")
when { principal is OidcSubject || principal is ServiceToken };
@id("a-federated-user-may-use-open-roles")
permit (principal is FederatedUser, action, resource in RoleGroup::"open");
"""


class SomeTokens:
    """A table of API tokens: one that is good, one that has expired, and none other."""

    def token_of(self, token: str, source_ip: str) -> StoredToken:
        if token == "cvt_good":
            return StoredToken("a" * 64, "backup", "ops", (("team", "red"),), 0, 9_999_999_999, None, None, ())
        if token == "cvt_down":
            raise TokenStoreUnavailable
        name = "backup" if token == "cvt_old" else None
        raise InvalidToken("The token has expired.", "expired", RefusedToken(token_id="0" * 12, token_name=name))


ENTRY = Entry(
    id="7b1c9c8e", state="vended", caller="x", caller_type="IamUser", session_name="x", role="reader", role_arn="arn",
    account="1", tagged=True, requested_at=0, duration=900, expires=900, access_key_id="ASIAEXAMPLE",
)  # fmt: skip


class SomeSessions:
    """Everybody's: one that was vended, one of which nobody knows, and none other."""

    keep_seconds = 86_400

    def listed(self, *_: object) -> Found:
        return Found((ENTRY,), 0, 0.0)

    def one(self, caller: Caller, session: str) -> Read:
        if session == "none":
            raise NoSuchSession
        return Read(ENTRY if session == "vended" else replace(ENTRY, state="requested", access_key_id=None), 0.0)

    def revoke(self, caller: Caller, session: str, *_: object) -> Revoked:
        return Revoked(self.one(caller, session).session, ("arn",) if session == "vended" else (), 0.0)


@pytest.fixture(scope="module")
def written() -> list[Json]:
    """The records of `records`, once they are written: a thousand requests."""
    return []


@pytest.fixture
def records(written: list[Json], request: pytest.FixtureRequest) -> list[Json]:
    """The records of every way that a request can go."""
    if not written:
        credvend, tmp_path, monkeypatch = map(request.getfixturevalue, ("credvend", "tmp_path", "monkeypatch"))
        written += _go(credvend, tmp_path, monkeypatch)
    return written


def _go(credvend: CredvendApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Json]:
    config = write_config(tmp_path, policies=FAILING + OTHERS)
    key = ec_key("audit")
    (config / "keys").mkdir()
    (config / "keys/main.json").write_text(json.dumps(key_set(key)))
    (config / "issuers.yaml").write_text(ISSUERS)
    service = load_service(config, Settings("eu-west-1"))._replace(
        token_store=lambda: cast(TokenStore, SomeTokens()), own_sessions=lambda: cast(OwnSessions, SomeSessions())
    )
    monkeypatch.setattr(app_module, "service", service)
    session = role_session("Dev", "alice")
    nobody = unsigned("::1")
    good = sign(honest_claims(groups=["dev", "ops", ""], team="red", areas=["a", "b"]), key)
    bare = sign(honest_claims(jti="7"), key, honest_header(key, kid=ABSENT))
    far = sign(honest_claims(iss="https://far.example.com"), key)
    bad = [sign(honest_claims(exp=1), key), sign(honest_claims(exp=1), key, honest_header(key, kid=ABSENT)), "x", far]
    bad += [sign(honest_claims(jti="7", aud="others"), key), sign(honest_claims(iat=ABSENT, exp="soon"), key)]
    bad += ["cvt_old", "cvt_none", "cvt_down"]
    for trace in ("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1", ""):
        monkeypatch.setenv("_X_AMZN_TRACE_ID", trace)
        keyless = iam_user() | {"accessKey": None}
        for identity in (iam_user(), keyless, session, federated_user("bob"), root(), nobody):
            _go_every_way(credvend, "/v1/iam", identity, {})
        for token in (good, bare, "cvt_good"):
            _go_every_way(credvend, "/v1", nobody, {"Authorization": f"Bearer {token}"})
        for token in bad:
            credvend.call("GET", "/v1/whoami", identity=nobody, headers={"Authorization": f"Bearer {token}"})
        credvend.vend("{")
    with monkeypatch.context() as patch:
        patch.setattr("chalicelib.audit.log.MAXIMUM_CHARACTERS", 700)
        _go_every_way(credvend, "/v1/iam", session, {})
    _fail_unforeseen(credvend, monkeypatch, session)
    _issue_otherwise(credvend, monkeypatch, tmp_path / "3")
    monkeypatch.setattr("urllib3.util.connection.create_connection", _refuse)
    monkeypatch.setattr(app_module, "service", load_service(write_config(tmp_path / "2"), Settings("eu-west-1")))
    credvend.vend({"role": "reader"})
    return credvend.records()


def _go_every_way(
    credvend: CredvendApp, prefix: str, identity: Mapping[str, object], headers: Mapping[str, str]
) -> None:
    def vend(role: str, more: Mapping[str, object]) -> None:
        sent = {**headers, "Content-Type": "application/json"}
        credvend.call("POST", f"{prefix}/credentials", json.dumps({"role": role, **more}), identity, sent)

    credvend.call("GET", f"{prefix}/roles", None, identity, headers)
    credvend.call("GET", f"{prefix}/roles", None, identity, headers, {"account": "111122223333"})
    credvend.call("GET", f"{prefix}/whoami", None, identity, headers)
    credvend.call("GET", f"{prefix}/whoami", None, identity, headers, {"a": "b"})
    credvend.call("GET", f"{prefix}/health", None, identity, headers)
    nowhere = {**identity, "sourceIp": None}
    for query in ({}, {"live": "yes"}):
        credvend.call("GET", f"{prefix}/sessions", None, identity, headers, query)
    for session in ("vended", "requested", "none"):
        one = f"{prefix}/sessions/{{session}}"
        credvend.call("GET", one, None, identity, headers, session=session)
        for who in (identity, nowhere):
            for body in ("", '{"reason": "lost"}'):
                credvend.call("POST", f"{one}/revoke", body, who, headers, session=session)
    credvend.call("GET", f"{prefix}/whoami", None, nowhere, headers)
    credvend.call("POST", f"{prefix}/credentials", '{"role": "reader"}', nowhere, headers)
    for more in ({}, {"reason": "ticket 7", "duration": "20m"}):
        for role in ("reader", "plain", "brief", "forbidden"):
            vend(role, more)
        vend("brief", {**more, "duration": "30m"})
        for role in ("tenant", "forbidden"):
            vend(role, {**more, "params": {"tenant": "acme"}, "tags": {"Project": "x"}})
        for role in ("reader", "plain", "tenant"):
            credvend.sts.refusals[:] = [Refusal("AccessDenied")]
            vend(role, more if role != "tenant" else {"params": {"tenant": "acme"}, "tags": {"Project": "x"}})
        credvend.sts.refusals.clear()


def _fail_unforeseen(credvend: CredvendApp, monkeypatch: pytest.MonkeyPatch, session: Json) -> None:
    """Before the request is known, before the plan, with an answer of STS that is half right, and after it."""

    def fail(*_: object, **__: object) -> NoReturn:
        raise AttributeError

    with monkeypatch.context() as patch:
        patch.setattr(StsServer, "answer", lambda *_: (200, "<AssumeRoleResponse/>"))
        credvend.vend({"role": "reader"})
    for function in (
        "http._incoming",
        "callers.sigv4._caller",
        "service.plan_session",
        "wire.rendering.render_explanation",
        "wire.rendering.render_session",
    ):
        with monkeypatch.context() as patch:
            patch.setattr(f"chalicelib.{function}", fail)
            for identity in (iam_user(), session, iam_user() | {"sourceIp": None}):
                for dry_run in (False, True):
                    credvend.vend({"role": "reader", "dry_run": dry_run}, identity=identity)
    for refusal in (Blocked(("role:reader",)), QuotaExceeded("few", "1 a minute", 30)):
        with monkeypatch.context() as patch:
            patch.setattr(WithoutLedger, "admit", partial(_raise, refusal))
            credvend.vend({"role": "reader"})
    with monkeypatch.context() as patch:  # counted by a quota of live sessions: vended, and not
        patch.setattr(WithoutLedger, "admit", lambda _, asked: Admitted(asked.session, 0, ("few#live#x",)))
        credvend.sts.refusals[:] = [Refusal("AccessDenied")]
        for _ in range(2):
            credvend.vend({"role": "reader"})
    with monkeypatch.context() as patch:  # sessions that are shared, and one of which the answer cannot be made
        patch.setattr(app_module, "service", app_module.service._replace(sharing=SharedSessions(60)))
        for _ in range(3):
            credvend.vend({"role": "reader"})
        patch.setattr("chalicelib.wire.rendering.render_session", fail)
        credvend.vend({"role": "reader"})
    with monkeypatch.context() as patch:
        patch.setattr(app_module, "service", app_module.service._replace(configuration=fail))
        patch.setattr(app_module, "edge", HttpEdge(app_module.service.record_unforeseen))
        credvend.call("GET", "/v1/health", query={"a": "b"})
        credvend.vend({"role": "reader"})


def _issue_otherwise(credvend: CredvendApp, monkeypatch: pytest.MonkeyPatch, config: Path) -> None:
    """A lease of a role that is issued with a token: vended, and one of which the answer cannot be made."""
    bounds = "min_duration: 1s, max_duration: 2h"
    roles = f'{ROLES}  - {{name: long, arn: "arn:aws:iam::111122223333:role/long", groups: [open], {bounds}}}\n'
    settings = Settings("eu-west-1", signing_alias=ALIAS, issuer="https://id.example.com")
    _key_ring.cache_clear()
    with monkeypatch.context() as patch, kms_server() as kms:
        kms.aliases[ALIAS] = Key(1, "ECC_NIST_P256")
        patch.setenv("AWS_ENDPOINT_URL_KMS", kms.url)
        patch.setattr(app_module, "service", load_service(write_config(config, roles), settings))
        credvend.vend({"role": "long", "duration": 60})
        patch.setattr("chalicelib.wire.rendering.render_session", lambda *_: _raise(AttributeError()))
        credvend.vend({"role": "long", "duration": 60})


def _raise(error: Exception, *_: object) -> NoReturn:
    raise error


def _refuse(*_: object, **__: object) -> None:
    raise ConnectionRefusedError


def test_every_event_has_exactly_the_documented_fields(records: list[Json]) -> None:
    for event, (always, sometimes) in documented().items():
        found = [record.keys() for record in records if record["event"] == event]
        assert len(found) > 1, event
        assert set.intersection(*map(set, found)) == always, event
        if event == "request.failed":
            assert {"configuration", "caller_role", "requested_role", "decision"} < set.union(*map(set, found))
            assert set.union(*map(set, found)) <= always | sometimes
        else:
            assert set.union(*map(set, found)) == always | sometimes, event


def test_callers_of_every_kind_are_among_the_records(records: list[Json]) -> None:
    vended = {record["caller_type"] for record in records if record["event"] == "credentials.vended"}
    assert vended == {kind.kind for kind in KINDS}


def test_the_key_of_who_is_never_served_is_on_record(records: list[Json]) -> None:
    of_root = [r for r in records if r.get("cause") == "CallerRefused"]
    assert of_root and {r["caller_access_key_id"] for r in of_root} == {"AKIAEXAMPLE"}
    assert all("caller" not in record for record in of_root)


def test_a_refused_token_is_known_by_what_its_issuer_signed_and_by_nothing_else(
    credvend: CredvendApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, stranger = ec_key("audit"), ec_key("audit", "stranger")
    config = write_config(tmp_path)
    (config / "keys").mkdir()
    (config / "keys/main.json").write_text(json.dumps(key_set(key)))
    (config / "issuers.yaml").write_text(ISSUERS)
    monkeypatch.setattr(app_module, "service", load_service(config, Settings("eu-west-1")))

    def record_of(token: str) -> Json:
        credvend.call("GET", "/v1/whoami", identity=unsigned(), headers={"Authorization": f"Bearer {token}"})
        (record,) = credvend.records()
        return {name: value for name, value in record.items() if name.startswith(("token_", "key_id", "cause"))}

    expired = honest_claims(jti="7", iat=0, exp=60)
    assert record_of(sign(expired, key)) == {
        "cause": "expired",
        "key_id": "audit",
        "token_id": "7",
        "token_issued": "1970-01-01T00:00:00Z",
        "token_expires": "1970-01-01T00:01:00Z",
    }
    assert record_of(sign(expired, stranger)) == {"cause": "bad_signature", "key_id": "audit"}
    nameless = sign(honest_claims(exp=60), key)
    assert record_of(nameless)["token_hash"] == hashlib.sha256(nameless.encode()).hexdigest()


def test_every_cause_that_the_service_knows_is_documented() -> None:
    table = DOCUMENT.read_text().partition("## Causes")[2].partition("\n## ")[0]
    assert set(get_args(Cause)) | set(get_args(TokenCause)) == set(re.findall(r"^\| `([a-z_]+)` \|", table, re.M))


def test_no_record_holds_a_secret(records: list[Json]) -> None:
    assert [record for record in records if record["event"] == "credentials.vended"]
    text = json.dumps(records)
    for secret in (SECRET, TOKEN, "service-secret"):
        assert secret not in text


class FullDisk(StringIO):
    """A log that takes some records, and then no more."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    def write(self, text: str) -> int:
        if self.room == 0:
            raise OSError("No space left on device")
        self.room -= text.endswith("\n") or text == "\n"
        return super().write(text)


@pytest.mark.parametrize(("room", "asked"), [(0, 0), (1, 1)])
def test_no_record_no_credentials(
    credvend: CredvendApp, monkeypatch: pytest.MonkeyPatch, room: int, asked: int
) -> None:
    """Not even asked for without the record of intent; not handed out without that of the outcome."""
    monkeypatch.setattr(sys, "stdout", FullDisk(room))
    answer = credvend.vend({"role": "reader"})
    assert answer.status == 500 and answer.body["Code"] == "AuditFailed"
    assert SECRET not in answer.text and TOKEN not in answer.text
    assert len(credvend.sts.asked) == asked


def _set_the_level_to_warning() -> None:
    logging.getLogger("credvend.audit").setLevel(logging.WARNING)


def _add_a_filter() -> None:
    logging.getLogger("credvend.audit").addFilter(lambda _: False)


def _remove_the_handlers() -> None:
    logging.getLogger("credvend.audit").handlers.clear()


@pytest.fixture
def audit_logger() -> Iterator[logging.Logger]:
    """The logger, put back as it was."""
    logger = logging.getLogger("credvend.audit")
    level, handlers, filters = logger.level, logger.handlers[:], logger.filters[:]
    everybody = [each for each in logging.root.manager.loggerDict.values() if isinstance(each, logging.Logger)]
    disabled = [each.disabled for each in everybody]
    yield logger
    logging.disable(logging.NOTSET)
    for each, was_disabled in zip(everybody, disabled, strict=True):
        each.disabled = was_disabled
    logger.setLevel(level)
    logger.handlers[:], logger.filters[:] = handlers, filters


@pytest.mark.parametrize(
    "mute",
    [
        lambda: logging.disable(logging.INFO),
        # It disables all loggers that are there, unless it is told not to.
        lambda: logging.config.dictConfig({"version": 1}),
        _set_the_level_to_warning,
        _add_a_filter,
        _remove_the_handlers,
    ],
)
def test_logging_that_was_muted_elsewhere_vends_nothing(
    credvend: CredvendApp, audit_logger: logging.Logger, mute: Callable[[], None]
) -> None:
    mute()
    assert credvend.vend({"role": "reader"}).body["Code"] == "AuditFailed"
    assert credvend.sts.asked == []


def test_half_a_record_is_no_record(credvend: CredvendApp, monkeypatch: pytest.MonkeyPatch) -> None:
    class Short(StringIO):
        def write(self, text: str) -> int:
            return super().write(text[:10])

    monkeypatch.setattr(sys, "stdout", Short())
    assert credvend.vend({"role": "reader"}).body["Code"] == "AuditFailed"
    assert credvend.sts.asked == []


@pytest.mark.parametrize("body", [{"role": "forbidden"}, {"role": "nowhere"}, {"role": 7}])
def test_a_refusal_that_cannot_be_recorded_tells_nothing(
    credvend: CredvendApp, monkeypatch: pytest.MonkeyPatch, body: object
) -> None:
    monkeypatch.setattr(sys, "stdout", FullDisk(0))
    assert credvend.vend(body).body["Code"] == "AuditFailed"


def test_what_is_not_json_cannot_be_written(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(AuditFailed):
        AuditLog().write("caller.described", {"caller": object()})


def test_each_record_is_one_line_of_json_whatever_it_holds(capsys: pytest.CaptureFixture[str]) -> None:
    texts = ["a\nb", "\x85", "\u2028\u2029", "\ud800", "\x00", '"}\n{"event": "credentials.vended"', "Störung"]
    for text in texts:
        AuditLog().write("caller.described", {"user_agent": text})
    written = capsys.readouterr().out
    assert "Störung" in written
    assert [json.loads(line)["user_agent"] for line in written.splitlines()] == texts
