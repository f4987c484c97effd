"""What is left of all requests under a condition: nothing where it contradicts itself, whatever it is about."""

import json

import cedarpy
import pytest

from chalicelib.callers.kinds import KINDS
from chalicelib.configuration.policy_conditions import Conditions
from chalicelib.configuration.policy_constants import constant
from chalicelib.configuration.policy_parts import parts_of
from chalicelib.configuration.policy_text import text_of
from chalicelib.configuration.possible_requests import PossibleRequests
from testing.policies import catalog_and_issuers

CATALOG, ISSUERS = catalog_and_issuers()
CONDITIONS = Conditions(PossibleRequests(KINDS, ISSUERS, CATALOG))
WEEKEND = '[Day::"Saturday", Day::"Sunday"].contains(context.local.day)'


def expression(text: str) -> object:
    policy = f"permit (principal, action, resource) when {{ {text} }};"
    (est,) = json.loads(cedarpy.policies_to_json_str(policy))["staticPolicies"].values()
    (part,) = parts_of(est)
    return part.expression


@pytest.mark.parametrize(
    ("contradiction", "possible"),
    [
        (f'{WEEKEND} && context.local.day == Day::"Monday"', f'{WEEKEND} && context.local.day != Day::"Sunday"'),
        (f'{WEEKEND} && !(["x", "y"].contains("x"))', f'{WEEKEND} && ["x", "y"].contains("x")'),
        ("context.n < 3 && context.n > 2", "context.n < 3 && context.n >= 2"),
        ("context.n >= 1 && context.n <= 2 && context.n != 1 && context.n != 2", "context.n >= 1 && context.n <= 2"),
        (
            'context.reason like "INC-*" && context.reason == "x"',
            'context.reason like "*x*" && context.reason == "xyx"',
        ),
        (r'context.reason like "\*" && context.reason == "x"', r'context.reason like "\*" && context.reason == "*"'),
        ("(if context.a then context.b else false) && !context.b", "(if context.a then false else true) && !context.b"),
        ('context.t.hasTag("a") && !context.t.hasTag("a")', 'context.t.hasTag("a") && !context.t.hasTag("b")'),
        (
            'context.at < datetime("2024-01-01T01:00:00+0100") && context.at >= datetime("2024-01-01")',
            'context.at < datetime("2024-01-01T01:00:00Z") && context.at >= datetime("2024-01-01")',
        ),
        ("(context.a || context.b) && !context.a && !context.b", "(context.a || context.b) && !context.a"),
        ("(context.a || context.b) && !context.b && !context.a", "(context.a || context.b) && !context.b"),
        (
            'context.d > duration("-30m") && context.d < duration("-1h")',
            'context.d > duration("-1h") && context.d < duration("-30m")',
        ),
        ('principal in OidcGroup::"github:a"', 'principal in OidcGroup::"okta:a"'),
        (
            'principal in Account::"111122223333" && !(principal in Account::"111122223333")',
            'principal is IamUser && !(principal in Account::"111122223333") && principal.account == "444455556666"',
        ),
        (
            'principal in OidcGroup::"okta:a" && !(principal in OidcGroup::"okta:a")',
            'principal in OidcGroup::"okta:a" && !(principal in OidcGroup::"okta:b")',
        ),
        (
            'principal == OidcSubject::"okta:a" && principal == OidcSubject::"okta:b"',
            'principal == OidcSubject::"okta:a" && principal != OidcSubject::"okta:b"',
        ),
        ('context.d > duration("1d2h3m4s5ms") && context.d < duration("93784006ms")', 'context.d >= duration("-1h")'),
        ('context.local.date == "24.12.2026"', 'context.local.date == "2026-12-24"'),
        ('context.local.time > duration("24h")', 'context.local.time > duration("23h59m")'),
        ("context.a && (context.b || !context.a) && !context.b", "context.a && (context.b || !context.a)"),
        ("principal == resource && principal != resource", "principal == resource"),
    ],
)
def test_a_contradiction_leaves_nothing_and_what_is_none_does(contradiction: str, possible: str) -> None:
    everything = [CONDITIONS.everything]
    assert CONDITIONS.where(expression(contradiction), True, everything) == []
    assert CONDITIONS.where(expression(f"!({contradiction})"), True, everything) != []
    assert CONDITIONS.where(expression(possible), True, everything) != []


def test_with_too_many_cases_a_condition_leaves_all_that_there_was() -> None:
    both = " && ".join(f"(context.a{n} || context.b{n})" for n in range(20))
    cases = CONDITIONS.where(expression(f"{both} && context.c"), True, [CONDITIONS.everything])
    assert 0 < len(cases) <= 64
    assert CONDITIONS.where(expression("!context.c"), True, cases) == []
    others = " && ".join(f"!context.a{n}" for n in range(20))
    assert CONDITIONS.where(expression(others), True, cases) != []


@pytest.mark.parametrize(
    "text",
    [
        'principal.issuer == "o\\"k"',
        'context.reason like "a\\*b*"',
        '["x"].contains(principal.name)',
        'principal is IamRole in Account::"111122223333"',
        'principal.hasTag("a") && principal.getTag("a").values.containsAny(["x", "y"])',
        'context.time.toTime() >= duration("9h")',
        'context.source_ip.isInRange(ip("10.0.0.0/8"))',
        "!(context.a) || (1 + 2) < context.b",
        'principal has "name"',
        "context.a && (context.b && !context.c) || context.d == 1 && context.e",
        "(context.a && context.b) == (context.c || !(context.d && context.e))",
        "(if context.a then context.b else context.c == 1) && context.d",
        '{"a": 1, b: {c: principal.name}}.b.c == "x"',
        "-context.n < -(1 + 2) && !(context.n in context.m) && !context.s.isEmpty()",
        "-(context.n * 2) - 3 == (1 - context.n)",
    ],
)
def test_the_text_of_an_expression_is_that_expression(text: str) -> None:
    assert expression(text_of(expression(text))) == expression(text)


def test_what_is_no_constant_is_none() -> None:
    for text in ("context.a", 'ip("10.0.0")', 'datetime("never")', 'duration("1x")'):
        try:
            node = expression(f"{text} == context.z")
        except ValueError:
            continue
        assert isinstance(node, dict)
        assert constant(node["=="]["left"]) is None
