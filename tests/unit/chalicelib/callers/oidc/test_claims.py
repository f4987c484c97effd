"""What a token's claims become in a policy: text and values of the caller's Cedar tags."""

from datetime import UTC, datetime

import pytest

from chalicelib.callers.oidc.claims import VerifiedClaims, subject_of
from chalicelib.callers.oidc.issuer import Issuer
from chalicelib.decisions.authorizer import Authorizer
from chalicelib.decisions.decision import Circumstances
from chalicelib.decisions.policy_index import IndexedPolicies
from chalicelib.errors import InvalidToken
from chalicelib.roles.catalog import Catalog
from chalicelib.roles.role import Role
from testing.cedar import SCHEMA

ISSUER = Issuer(
    name="idp",
    url="https://idp.example.com",
    audiences=frozenset({"credvend"}),
    algorithms=frozenset({"RS256"}),
    jwks_uri=None,
    jwks_file=None,
    audience_claim="aud",
    subject_claim=("sub",),
    groups_claim=("realm", "groups"),
    claims=(("tag", ("claim",)), ("nested", ("outer", "inner"))),
    required_claims=(),
    types=frozenset({None}),
    max_age=3600,
    leeway=0,
)
ROLE = Role(
    name="reader",
    arn="arn:aws:iam::111122223333:role/reader",
    description="",
    groups=(),
    default_duration=900,
    max_duration=3600,
    external_id=None,
    require_reason=False,
    source_identity=True,
    tag_session=True,
)
NOW = Circumstances(900, "198.51.100.7", False, datetime(2026, 3, 4, 12, tzinfo=UTC))


def permits(condition: str, **claims: object) -> bool:
    """Whether a policy with that condition permits the caller of a token with these claims."""
    policy = f'@id("p") permit (principal is OidcSubject, action, resource) when {{ {condition} }};'
    caller = subject_of(VerifiedClaims({"sub": "alice", **claims}), ISSUER)
    return Authorizer(IndexedPolicies.of(SCHEMA, policy), Catalog((ROLE,))).decide(caller, ROLE, NOW).allowed


@pytest.mark.parametrize(
    ("claim", "text"),
    [
        ("acme", "acme"),
        (7, "7"),
        (7.0, "7"),  # JSON knows one kind of number
        (0.5, "0.5"),
        (True, "true"),
        (False, "false"),
    ],
)
def test_a_claim_of_one_value_is_text_and_the_only_value(claim: object, text: str) -> None:
    has = 'principal.hasTag("tag")'
    assert permits(f'{has} && principal.getTag("tag").text == "{text}"', claim=claim)
    assert permits(f'{has} && principal.getTag("tag").values == ["{text}"]', claim=claim)
    assert not permits(f'{has} && principal.getTag("tag").text == "{text}x"', claim=claim)


def test_a_claim_of_several_values_is_a_set_and_no_text() -> None:
    has = 'principal.hasTag("tag")'
    claim = ["acme", 7, 7.0, True]
    assert permits(f'{has} && principal.getTag("tag").values == ["acme", "7", "true"]', claim=claim)
    assert permits(f'{has} && principal.getTag("tag").values.contains("acme")', claim=claim)
    assert not permits(f'{has} && principal.getTag("tag").values.contains("seven")', claim=claim)
    assert not permits(f'{has} && principal.getTag("tag").text like "*acme*"', claim=claim)


def test_a_nested_claim_is_a_tag_and_one_that_is_missing_is_none() -> None:
    condition = 'principal.hasTag("nested") && principal.getTag("nested").text == "yes"'
    assert permits(condition, outer={"inner": "yes"})
    for outer in ({}, {"inner": None}, {"inner": "no"}, "yes", None):
        assert not permits(condition, outer=outer)
    assert not permits('principal.hasTag("nested") || principal.hasTag("tag")')


def test_groups_of_a_claim_are_groups_of_the_caller() -> None:
    condition = 'principal in OidcGroup::"idp:admins"'
    assert permits(condition, realm={"groups": ["admins", "others"]})
    assert permits(condition, realm={"groups": "admins"})
    assert not permits(condition, realm={"groups": ["others"]}) and not permits(condition)


@pytest.mark.parametrize("claim", [{"a": "b"}, [["nested"]], ["fine", None], ["1"] * 257, "line\nbreak", "x" * 1025])
def test_a_claim_that_is_no_text_number_or_boolean_is_refused(claim: object) -> None:
    with pytest.raises(InvalidToken, match="claim"):
        permits("true", claim=claim)


@pytest.mark.parametrize("groups", [7, [7], [""], {"a": "b"}, ["fine", None]])
def test_groups_that_are_no_texts_are_refused(groups: object) -> None:
    with pytest.raises(InvalidToken, match="groups"):
        permits("true", realm={"groups": groups})
