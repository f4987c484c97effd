"""Issuers whose tokens vend once: what uses a token up, what does not, and what is on record."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

import app as app_module
from chalicelib.admission.without_ledger import WithoutLedger
from chalicelib.assembly import load_service
from chalicelib.audit.log import AuditLog, EventName
from chalicelib.aws.table import Table
from chalicelib.callers.oidc.used_tokens import UsedTokens
from chalicelib.callers.origin import Origin
from chalicelib.configuration.settings import Settings
from chalicelib.errors import InvalidToken
from chalicelib.wire.incoming import Incoming
from testing.app import Answer, CredvendApp, write_config
from testing.events import unsigned
from testing.sts_server import Refusal
from testing.token_table import NAME, TokenTable
from testing.tokens import AUDIENCE, ISSUER, ec_key, honest_claims, key_set, sign

TWIN = "https://twin.example.com"
ISSUERS = f"""
issuers:
  - {{name: main, issuer: {ISSUER}, audiences: [{AUDIENCE}], jwks_file: keys/main.json, single_use: true}}
  - {{name: twin, issuer: {TWIN}, audiences: [{AUDIENCE}], jwks_file: keys/main.json, single_use: true}}
"""
POLICY = '@id("open") permit (principal is OidcSubject, action, resource in RoleGroup::"open");'
KEY = ec_key("once")


@dataclass
class Once:
    """The service, and the table of what was used."""

    credvend: CredvendApp
    table: TokenTable
    config: Path

    def vend(self, token: str, role: str = "reader", **more: object) -> Answer:
        body = json.dumps({"role": role, **more})
        return self.credvend.call("POST", "/v1/credentials", body, unsigned(), _bearer(token))

    def get(self, token: str, path: str) -> Answer:
        return self.credvend.call("GET", path, None, unsigned(), _bearer(token))


class OneLogForAll(AuditLog):
    """Environments have one each; here, what all of them write goes to one place."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    def write(self, event: EventName, fields: dict[str, object]) -> None:
        with self._lock:
            super().write(event, fields)


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}


def token(jti: str = "7", **changes: object) -> str:
    return sign(honest_claims(jti=jti, **changes), KEY)


@pytest.fixture
def once(credvend: CredvendApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Once]:
    config = write_config(tmp_path, policies=POLICY)
    (config / "keys").mkdir()
    (config / "keys/main.json").write_text(json.dumps(key_set(KEY)))
    (config / "issuers.yaml").write_text(ISSUERS)
    table = TokenTable()
    service = load_service(config, Settings("eu-west-1"))
    used = UsedTokens(Table(NAME, table.client))
    monkeypatch.setattr(app_module, "service", service._replace(admission=WithoutLedger(lambda: used)))
    yield Once(credvend, table, config)


def test_a_token_vends_once_and_who_sends_it_again_is_on_record(once: Once) -> None:
    assert once.vend(token()).status == 200
    once.credvend.records()
    again = once.vend(token())
    assert (again.status, again.body["Code"]) == (401, "InvalidToken")
    assert "was used before" in again.headers["WWW-Authenticate"] and "Get a new one" in str(again.body["Message"])
    assert len(once.credvend.sts.asked) == 1
    (record,) = once.credvend.records()
    told = {name: record[name] for name in ("event", "cause", "caller", "caller_token_id", "caller_key_id", "decision")}
    assert told == {
        "event": "credentials.denied",
        "cause": "used",
        "caller": "oidc:main:alice@example.com",
        "caller_token_id": "7",
        "caller_key_id": "once",
        "decision": "allow",
    }


def test_it_is_used_up_by_an_sdk_too(once: Once) -> None:
    def refresh() -> int:
        return once.credvend.call("GET", "/v1/credentials", None, unsigned(), _bearer(token()), role="reader").status

    assert [refresh(), refresh()] == [200, 401]


@pytest.mark.parametrize("other", [{}, {"role": "brief"}, {"nonce": "another spelling of the same claims"}])
def test_of_many_who_send_it_at_the_same_moment_one_gets_credentials(once: Once, other: dict[str, str]) -> None:
    """Each in an execution environment of its own, and all having found that nobody has used it."""
    count = 8
    services = [load_service(once.config, Settings("eu-west-1")) for _ in range(count)]
    used = UsedTokens(Table(NAME, once.table.client))
    together = threading.Barrier(count)

    def wait_for_the_others() -> None:
        together.wait(30)

    once.table.before("PutItem", wait_for_the_others)
    log = OneLogForAll()

    def vend(number: int) -> str:
        sent = token(**({"nonce": f"{other['nonce']} {number}"} if "nonce" in other else {}))
        role = other.get("role", "reader") if number % 2 else "reader"
        origin = Origin(str(number), "", "198.51.100.7", "", cold_start=False)
        body = json.dumps({"role": role}).encode()
        incoming = Incoming("bearer", {}, origin, (f"Bearer {sent}",), body=body, content_type="application/json")
        try:
            services[number]._replace(admission=WithoutLedger(lambda: used), audit_log=log).vend(incoming)
        except InvalidToken as refused:
            return refused.cause
        return "vended"

    with ThreadPoolExecutor(count) as threads:
        ended = sorted(threads.map(vend, range(count)))
    assert ended == ["used"] * (count - 1) + ["vended"]
    assert len(once.credvend.sts.asked) == 1
    events = [str(record["event"]) for record in once.credvend.records()]
    assert sorted(events) == ["credentials.denied"] * (count - 1) + ["credentials.requested", "credentials.vended"]


def test_nothing_but_a_vend_uses_it_up(once: Once) -> None:
    def look_around() -> list[int]:
        answers = [once.get(token(), path) for path in ("/v1/whoami", "/v1/roles")]
        answers += [
            once.vend(token(), dry_run=True),
            once.vend(token(), "forbidden"),
            once.vend(token(), "reader", x=1),
        ]
        return [answer.status for answer in answers]

    assert look_around() == [200, 200, 200, 403, 400]
    assert once.table.operations() == []
    assert once.vend(token()).status == 200
    assert look_around() == [200, 200, 200, 403, 400]


def test_a_token_that_proves_nothing_uses_up_nobodys(once: Once) -> None:
    stranger = ec_key("once", "stranger")
    for worthless in (token(exp=1), token(aud="others"), token(sub=""), sign(honest_claims(jti="7"), stranger)):
        assert once.vend(worthless).status == 401
    assert once.table.operations() == []
    # What another issuer calls by the same id is another token.
    assert once.vend(token(iss=TWIN)).status == 200
    assert once.vend(token()).status == 200


def test_a_token_stays_used_if_sts_then_refuses(once: Once) -> None:
    once.credvend.sts.refusals[:] = [Refusal("AccessDenied")]
    assert once.vend(token()).status == 502
    assert once.vend(token()).status == 401


def test_while_the_table_cannot_be_asked_nothing_is_vended(once: Once) -> None:
    once.table.failures[:] = ["InternalServerError"]
    answer = once.vend(token())
    assert (answer.status, answer.body["Code"], answer.headers["Retry-After"]) == (503, "UsedTokensUnavailable", "2")
    assert once.credvend.sts.asked == []
    (record,) = once.credvend.records()
    assert (record["event"], record["cause"]) == ("credentials.denied", "UsedTokensUnavailable")
    assert once.get(token(), "/v1/whoami").status == 200
    assert once.vend(token()).status == 200


@pytest.mark.parametrize(("left", "status", "asked"), [(22.9, 503, 0), (23, 200, 1)])
def test_no_token_is_used_up_without_time_for_a_vend(
    once: Once, monkeypatch: pytest.MonkeyPatch, left: float, status: int, asked: int
) -> None:
    monkeypatch.setattr("chalicelib.http._seconds_left", lambda _: left)
    assert once.vend(token()).status == status
    assert len(once.table.operations()) == asked
