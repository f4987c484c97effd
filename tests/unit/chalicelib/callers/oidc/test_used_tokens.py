"""Tokens that vend once: of all who try, one may go on, and what cannot be found out is no leave."""

from dataclasses import replace

import pytest
from botocore.exceptions import ReadTimeoutError

from chalicelib.aws.table import Table
from chalicelib.callers.caller import OneUse
from chalicelib.callers.oidc.claims import check_claims
from chalicelib.callers.oidc.token_id import one_use, presented_token
from chalicelib.callers.oidc.used_tokens import UsedTokens
from chalicelib.errors import InvalidToken, UsedTokensUnavailable
from testing.dynamodb.faults import LoseAnswer
from testing.token_table import NAME, TokenTable
from tests.unit.chalicelib.callers.oidc.test_claims import NOW, issuer, signed

ONCE = replace(issuer(), single_use=True)
USE = OneUse("0" * 64, 1_800_000_900)


def used_tokens(table: TokenTable) -> UsedTokens:
    return UsedTokens(Table(NAME, table.client))


def use_of(jti: str, url: str = ONCE.url, **claims: object) -> OneUse:
    trusted = replace(ONCE, url=url)
    found = one_use(check_claims(signed(iss=url, jti=jti, **claims), trusted, NOW), trusted)
    assert found is not None
    return found


def test_a_token_is_used_once_wherever_it_is_tried_again() -> None:
    table = TokenTable()
    used_tokens(table).use(USE)
    for elsewhere in (used_tokens(table), used_tokens(table)):
        with pytest.raises(InvalidToken, match="was used before") as refused:
            elsewhere.use(USE)
        assert refused.value.cause == "used"
    used_tokens(table).use(OneUse("1" * 64, USE.until))


def test_the_table_holds_a_hash_and_when_it_may_be_forgotten() -> None:
    table = TokenTable()
    used_tokens(table).use(USE)
    item = table.items[USE.key]
    assert item.keys() == {"hash", "ttl", "attempt"} and item["ttl"] == {"N": "1800000900"}
    # It writes, and reads nothing.
    assert table.operations() == ["PutItem"]


def test_who_asks_again_since_the_answer_got_lost_goes_on() -> None:
    table = TokenTable(attempts=2, failures=[LoseAnswer()])
    used_tokens(table).use(USE)
    assert table.operations() == ["PutItem", "PutItem"]
    with pytest.raises(InvalidToken):
        used_tokens(table).use(USE)


@pytest.mark.parametrize("trouble", ["AccessDeniedException", "ResourceNotFoundException", ReadTimeoutError])
def test_a_table_that_cannot_be_asked_lets_nobody_go_on(trouble: str | type[ReadTimeoutError]) -> None:
    failure = trouble if isinstance(trouble, str) else trouble(endpoint_url="https://dynamodb")
    with pytest.raises(UsedTokensUnavailable):
        used_tokens(TokenTable(failures=[failure])).use(USE)


def test_a_token_is_known_by_its_issuer_and_its_id() -> None:
    ids = ["7", "8", '7"', "7\u200b", "https://okta.example.com", "7" * 2000]
    urls = ["https://okta.example.com", "https://okta.example.com/"]
    assert len({use_of(jti, url).key for jti in ids for url in urls}) == len(ids) * len(urls)
    # The same token always, whatever else it says.
    assert use_of("7").key == use_of("7", sub="bob", exp=NOW + 700).key


def test_it_is_remembered_for_as_long_as_any_leeway_takes_it() -> None:
    assert use_of("7", exp=NOW + 600.5).until == NOW + 601 + 300


def test_an_issuer_that_does_not_ask_for_it_is_not_slowed_down() -> None:
    assert one_use(check_claims(signed(jti="7"), issuer(), NOW), issuer()) is None


@pytest.mark.parametrize(
    ("claims", "cause"),
    [
        ({}, "missing_claim"),
        ({"jti": None}, "missing_claim"),
        ({"jti": 7}, "wrong_claim"),
        ({"jti": ""}, "wrong_claim"),
    ],
)
def test_without_an_id_nothing_can_be_used_once(claims: dict[str, object], cause: str) -> None:
    with pytest.raises(InvalidToken, match="jti") as refused:
        check_claims(signed(**claims), ONCE, NOW)
    assert refused.value.cause == cause


@pytest.mark.parametrize("jti", [None, 7, "", " ", "a\u200b", "x" * 257, ["7"]])
def test_a_token_whose_id_no_record_can_hold_is_known_by_its_hash(jti: object) -> None:
    one, other = (presented_token(token, "k", signed(jti=jti)) for token in ("a.b.c", "a.b.d"))
    assert one.token_id is None and one.token_hash is not None and len(one.token_hash) == 64
    assert one.token_hash != other.token_hash


def test_records_tell_a_token_by_its_id_and_its_times() -> None:
    found = presented_token("a.b.c", None, signed(jti="x" * 256, iat=0, exp=1_800_000_000.9))
    assert found == (None, "x" * 256, None, "1970-01-01T00:00:00Z", "2027-01-15T08:00:00Z")


@pytest.mark.parametrize("odd", [None, "1800000000", True, -1, 1e300, 10**400, 253_402_300_800, [1]])
def test_what_is_no_moment_is_in_no_record(odd: object) -> None:
    found = presented_token("a.b.c", None, signed(iat=odd, exp=odd))
    assert (found.token_issued, found.token_expires) == (None, None)
