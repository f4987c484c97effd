"""From claims to a caller: what an issuer signed becomes tags, groups and a subject, or the token is refused."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chalicelib.callers.oidc.claims import SignedClaims, check_claims, subject_of
from chalicelib.callers.oidc.issuer import ClaimPath, Issuer
from chalicelib.decisions.authorizer import Authorizer
from chalicelib.decisions.decision import Circumstances
from chalicelib.decisions.indexed_policy import IndexedPolicies
from chalicelib.errors import InvalidToken
from chalicelib.roles.catalog import Catalog
from chalicelib.roles.role import Role
from testing.cedar import SCHEMA

NOW = 1_800_000_000.0
READER = Role("reader", "arn:aws:iam::111122223333:role/reader", "", (), 900, 3600, None, False, True, True)
HERE = Circumstances(900, "198.51.100.7", False, datetime(2026, 3, 4, 12, tzinfo=UTC))


def issuer(**tags: ClaimPath) -> Issuer:
    return Issuer(
        name="okta",
        url="https://okta.example.com",
        audiences=frozenset({"credvend"}),
        algorithms=frozenset({"ES256"}),
        jwks_uri=None,
        jwks_file=None,
        audience_claim="aud",
        subject_claim=("sub",),
        groups_claim=("groups",),
        claims=tuple(tags.items()),
        required_claims=(),
        types=frozenset({None}),
        max_age=86_400,
        leeway=30,
    )


def signed(**claims: object) -> SignedClaims:
    honest = {"iss": "https://okta.example.com", "sub": "alice", "aud": "credvend", "iat": NOW, "exp": NOW + 600}
    return SignedClaims(honest | claims)


def tag_of(claim: object, path: ClaimPath = ("claim",)) -> object:
    """What a claim becomes in the caller; None: there is no tag."""
    trusted = issuer(tag=path)
    subject = subject_of(check_claims(signed(claim=claim), trusted, NOW), trusted)
    return dict(subject.claims).get("tag")


@pytest.mark.parametrize(
    ("claim", "tag"),
    [
        ("main", "main"),
        ("", ""),
        (7, "7"),
        (1.0, "1"),
        (1.5, "1.5"),
        (True, "true"),
        (False, "false"),
        (["pwd", "mfa"], ("pwd", "mfa")),
        (["pwd"], ("pwd",)),
        ([1, True, "x", 2.0], ("1", "true", "x", "2")),
        ([], ()),
        (None, None),
    ],
)
def test_a_claim_becomes_text_or_texts(claim: object, tag: object) -> None:
    assert tag_of(claim) == tag


def test_a_path_leads_into_nested_claims_and_one_that_ends_early_to_no_tag() -> None:
    nested = {"namespace": {"name": "prod"}}
    assert tag_of(nested, ("claim", "namespace", "name")) == "prod"
    assert tag_of(nested, ("claim", "nothing", "name")) is None
    assert tag_of(None, ("claim", "namespace")) is None
    with pytest.raises(InvalidToken, match="claim must be an object"):
        tag_of("text", ("claim", "namespace"))


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        ({"a": "b"}, "must be text, number or boolean"),
        ([["a"]], "must be text, number or boolean"),
        (["a", None], "must be text, number or boolean"),
        (["a"] * 257, "has more than 256 values"),
        ("x" * 1025, "is too long"),
        ("a\nb", "has invisible characters: U.000A LINE FEED .character 2"),
        (["a", "\u200b\x00"], "has invisible characters: U.200B ZERO WIDTH SPACE .character 1"),
    ],
)
def test_a_claim_that_can_be_no_tag_refuses_the_token(claim: object, said: str) -> None:
    with pytest.raises(InvalidToken, match=said) as refused:
        tag_of(claim)
    assert refused.value.cause == "wrong_claim"


@pytest.mark.parametrize(
    ("claim", "policy"),
    [
        ("main", 'principal.getTag("tag").text == "main" && principal.getTag("tag").values == ["main"]'),
        ("main", 'principal.getTag("tag").text like "ma*"'),
        (7, 'principal.getTag("tag").text == "7"'),
        (True, 'principal.getTag("tag").values.contains("true")'),
        (["pwd", "mfa"], 'principal.getTag("tag").text == "" && principal.getTag("tag").values.contains("mfa")'),
        (["pwd", "mfa"], 'principal.getTag("tag").values.containsAll(["mfa", "pwd"])'),
    ],
)
def test_policies_read_a_claim_as_the_schema_says(claim: object, policy: str) -> None:
    text = f'@id("p") permit (principal, action, resource) when {{ principal.hasTag("tag") && {policy} }};'
    authorizer = Authorizer(IndexedPolicies.of(SCHEMA, text), Catalog((READER,)))
    trusted = issuer(tag=("claim",))
    caller = subject_of(check_claims(signed(claim=claim), trusted, NOW), trusted)
    stranger = subject_of(check_claims(signed(), trusted, NOW), trusted)
    assert authorizer.decide(caller, READER, HERE).allowed
    assert not authorizer.decide(stranger, READER, HERE).allowed


def test_claims_of_another_issuer_are_not_checked_by_this_ones_rules() -> None:
    with pytest.raises(InvalidToken, match="iss is another one") as refused:
        check_claims(signed(iss="https://evil.example.com"), issuer(), NOW)
    assert refused.value.cause == "unknown_issuer"


def test_who_brings_a_token_for_somebody_else_learns_what_to_ask_for() -> None:
    trusted = replace(issuer(), audiences=frozenset({"credvend", "api://default"}))
    with pytest.raises(InvalidToken) as raised:
        check_claims(signed(aud="else"), trusted, NOW)
    assert raised.value.cause == "wrong_audience"
    assert raised.value.message.endswith("Ask issuer okta for a token for api://default or credvend.")


def test_of_many_audiences_as_many_are_named_as_there_is_room_for() -> None:
    trusted = replace(issuer(), audiences=frozenset(f"{number}{'x' * 99}" for number in range(5)))
    with pytest.raises(InvalidToken) as raised:
        check_claims(signed(aud="else"), trusted, NOW)
    assert len(raised.value.message) < 400
    assert raised.value.message.endswith(f"1{'x' * 99} or one of 3 that are too long to name.")
