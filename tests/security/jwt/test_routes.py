"""The two families of routes: a token counts on one, an IAM identity on the other, neither on both."""

from typing import Final

import pytest

from testing.events import iam_user
from testing.tokens import honest_claims, sign
from tests.security.jwt.gate import ROUTES, Gate, Route, assert_either
from tests.security.jwt.issuers import attacker
from tests.security.jwt.tokens import plain

IAM_DOORS: Final = tuple((method, path.replace("/v1/", "/v1/iam/"), body) for method, path, body in ROUTES)


@pytest.mark.parametrize("route", IAM_DOORS, ids=[route[1] for route in IAM_DOORS])
def test_a_token_counts_for_nothing_where_iam_is_asked_for(gate: Gate, route: Route) -> None:
    token = plain()()
    assert_either(gate, gate.send({"Authorization": f"Bearer {token}"}, route), token)


@pytest.mark.parametrize("route", ROUTES, ids=[route[1] for route in ROUTES])
def test_an_iam_identity_counts_for_nothing_where_a_token_is_asked_for(gate: Gate, route: Route) -> None:
    gate.assert_turned_away(gate.send({}, route, identity=iam_user()), "", "Unauthenticated")


def test_a_token_says_who_calls_whatever_else_the_event_holds(gate: Gate) -> None:
    honest = gate.present(plain()())
    context = {"authorizer": {"claims": {"sub": "bob"}, "principalId": "bob", "jwt": {"claims": {"sub": "bob"}}}}
    headers = {"Authorization": f"Bearer {plain()()}", "X-Amzn-Oidc-Identity": "bob", "X-Forwarded-User": "bob"}
    lied = gate.send(headers, identity=iam_user(), context=context)
    assert honest.status == lied.status == 200 and honest.body == lied.body and "bob" not in lied.text


def test_a_bad_token_is_refused_before_the_request_is_looked_at(gate: Gate) -> None:
    token = sign(honest_claims(), attacker())
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "text/plain"}
    answer = gate.send(headers, ("POST", "/v1/credentials", "{"), query={"a": "b"})
    gate.assert_turned_away(answer, token)
