"""Where a token stands in a request: in one `Authorization` header with the scheme `Bearer`, and nowhere else."""

import json
from collections.abc import Callable
from typing import Final

import pytest

import app as app_module
from testing.app import Answer, Invocation, Json
from testing.events import rest_event
from tests.security.jwt.gate import ROUTES, Gate, Route, assert_either, each
from tests.security.jwt.tokens import plain


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
def test_the_case_of_the_scheme_does_not_matter(gate: Gate, scheme: str) -> None:
    assert gate.send({"Authorization": f"{scheme} {plain()()}"}).status == 200


@pytest.mark.parametrize("name", ["Authorization", "authorization", "AUTHORIZATION"])
def test_the_case_of_the_header_does_not_matter(gate: Gate, name: str) -> None:
    assert gate.send({name: f"Bearer {plain()()}"}).status == 200


WHEREABOUTS: Final[dict[str, Callable[[str], dict[str, str]]]] = {
    "X-Authorization": lambda token: {"X-Authorization": f"Bearer {token}"},
    "Proxy-Authorization": lambda token: {"Proxy-Authorization": f"Bearer {token}"},
    "X-Forwarded-Authorization": lambda token: {"X-Forwarded-Authorization": f"Bearer {token}"},
    "Authentication": lambda token: {"Authentication": f"Bearer {token}"},
    "Authorization and a space": lambda token: {"Authorization ": f"Bearer {token}"},
    "X-Access-Token": lambda token: {"X-Access-Token": token},
    "X-Amz-Security-Token": lambda token: {"X-Amz-Security-Token": token},
    "X-Amzn-Oidc-Data": lambda token: {"X-Amzn-Oidc-Data": token, "X-Amzn-Oidc-Accesstoken": token},
    "Bearer": lambda token: {"Bearer": token},
    "Cookie": lambda token: {"Cookie": f"access_token={token}; Authorization=Bearer {token}"},
    "nowhere": lambda _: {},
}


@pytest.mark.parametrize("where", each(WHEREABOUTS))
def test_a_token_elsewhere_than_in_the_header_is_no_token(gate: Gate, where: Callable[[str], dict[str, str]]) -> None:
    token = plain()()
    for route in ROUTES:
        gate.assert_turned_away(gate.send(where(token), route), token, "Unauthenticated")


@pytest.mark.parametrize("name", ["access_token", "Authorization", "token", "id_token"])
def test_a_token_in_the_query_is_no_token(gate: Gate, name: str) -> None:
    token = plain()()
    for route in ROUTES:
        gate.assert_turned_away(gate.send({}, route, query={name: token}), token, "Unauthenticated")


@pytest.mark.parametrize("form", ["form", "json", "text"])
def test_a_token_in_the_body_is_no_token(gate: Gate, form: str) -> None:
    token = plain()()
    kind, body = {
        "form": ("application/x-www-form-urlencoded", f"access_token={token}"),
        "json": ("application/json", json.dumps({"role": "reader", "access_token": token})),
        "text": ("application/jwt", token),
    }[form]
    answer = gate.send({"Content-Type": kind}, ("POST", "/v1/credentials", body))
    gate.assert_turned_away(answer, token, "Unauthenticated")


SCHEMES: Final[dict[str, str]] = {
    "Basic": "Basic {}",
    "Token": "Token {}",
    "JWT": "JWT {}",
    "DPoP": "DPoP {}",
    "MAC": "MAC {}",
    "Negotiate": "Negotiate {}",
    "no scheme": "{}",
    "the scheme without a token": "Bearer",
    "the scheme and a space": "Bearer ",
    "the scheme in small and nothing": "bearer",
    "no space": "Bearer{}",
    "a colon": "Bearer: {}",
    "an equals sign": "Bearer={}",
    "a comma": "Bearer,{}",
    "a tab": "Bearer\t{}",
    "a line end": "Bearer\n{}",
    "a space that does not break": "Bearer\xa0{}",
    "a vertical tab": "Bearer\x0b{}",
    "a parameter": 'Bearer token="{}"',
    "two tokens": "Bearer {0} {0}",
    "two tokens and a comma": "Bearer {0},{0}",
    "two schemes and a comma": "Bearer {0}, Bearer {0}",
    "Basic first": "Basic YWxpY2U6eA==, Bearer {0}",
    "Basic last": "Bearer {0}, Basic YWxpY2U6eA==",
    "the scheme twice": "Bearer Bearer {}",
    "a word after it": "Bearer {} x",
    "a word before it": "x Bearer {}",
    "a look-alike": "\u0412earer {}",
    "a long s": "Bea\u017fer {}",
    "a dotless letter": "Bearer\u0131 {}",
    "a SigV4 signature": "AWS4-HMAC-SHA256 Credential={}, SignedHeaders=host, Signature=0",
    "empty": "",
    "a space": " ",
}


@pytest.mark.parametrize("header", each(SCHEMES))
def test_a_header_that_is_not_one_bearer_token_is_refused(gate: Gate, header: str) -> None:
    """Either code is true: there is no token, or none that counts."""
    token = plain()()
    for route in ROUTES:
        answer = gate.send({"Authorization": header.format(token)}, route)
        assert_either(gate, answer, token)


def event(headers: object, multi: object, route: Route = ROUTES[0]) -> Json:
    """An event as API Gateway sends it: `headers` holds the last of each header, `multiValueHeaders` all of them."""
    method, path, body = route
    return rest_event(method, path, body=body) | {"headers": headers, "multiValueHeaders": multi}


def answer_to(given: Json) -> Answer:
    answer = app_module.app(given, Invocation())
    return Answer(answer["statusCode"], answer["headers"], answer["body"], json.loads(answer["body"]))


@pytest.mark.parametrize("multi", each({"one": True, "none": None, "empty": {}}))
def test_one_header_is_let_in_however_the_event_says_it(gate: Gate, multi: object) -> None:
    value = f"Bearer {plain()()}"
    all_of_them = {"Authorization": [value]} if multi is True else multi
    assert answer_to(event({"Authorization": value}, all_of_them)).status == 200


# T stands for the honest token; the last value is the one that `headers` holds.
SEVERAL: Final[dict[str, dict[str, list[str]]]] = {
    "the same twice": {"Authorization": ["Bearer T", "Bearer T"]},
    "honest last": {"Authorization": ["Bearer x", "Bearer T"]},
    "honest first": {"Authorization": ["Bearer T", "Bearer x"]},
    "Basic first": {"Authorization": ["Basic YWxpY2U6eA==", "Bearer T"]},
    "Basic last": {"Authorization": ["Bearer T", "Basic YWxpY2U6eA=="]},
    "an empty one first": {"Authorization": ["", "Bearer T"]},
    "an empty one last": {"Authorization": ["Bearer T", ""]},
    "in two cases": {"Authorization": ["Bearer T"], "authorization": ["Bearer T"]},
    "in two cases, honest last": {"authorization": ["Bearer x"], "Authorization": ["Bearer T"]},
    "in two cases, honest first": {"AUTHORIZATION": ["Bearer T"], "authorization": ["Bearer x"]},
    "three": {"Authorization": ["Bearer T"] * 3},
}


@pytest.mark.parametrize("headers", each(SEVERAL))
def test_more_than_one_header_is_refused(gate: Gate, headers: dict[str, list[str]]) -> None:
    token = plain()()
    multi = {name: [value.replace("T", token) for value in values] for name, values in headers.items()}
    for route in ROUTES:
        answer = answer_to(event({name: values[-1] for name, values in multi.items()}, multi, route))
        assert_either(gate, answer, token)
