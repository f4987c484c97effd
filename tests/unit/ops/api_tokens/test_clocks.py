"""Operators whose clock is wrong: what they do is right by the clock that credvend goes by."""

from collections.abc import Callable

import pytest

from ops.api_tokens.table import Tokens
from ops.errors import OperationFailed
from testing.clock import Clock
from tests.unit.ops.administered import DAY, HOUR, OPERATOR, Administered

# More than AWS takes a signature of: on a local AWS, say.
YEAR = 365 * DAY


def told(administered: Administered, seconds: float) -> Tokens:
    """An operator whose clock is so much ahead, at a table that tells the time, as DynamoDB does."""
    administered.table.clock = administered.clock
    return untold(administered, seconds)


def untold(administered: Administered, seconds: float) -> Tokens:
    return administered.tokens_of(OPERATOR, Clock(administered.clock.now + seconds))


@pytest.mark.parametrize("ahead", [240, 2 * HOUR, YEAR, -240, -YEAR])
@pytest.mark.parametrize("by", [told, untold])
def test_a_token_that_credvend_takes_can_be_revoked_by_any_clock(
    administered: Administered, by: Callable[[Administered, float], Tokens], ahead: int
) -> None:
    issued = administered.tokens.create("ci", "me", HOUR)
    administered.find(issued.token)
    (revoked,) = by(administered, ahead).revoke("ci")
    assert revoked.id == issued.stored.id
    assert administered.refusal(issued.token) == "revoked"


@pytest.mark.parametrize("ahead", [0, 240, 2 * HOUR, YEAR, -240, -YEAR])
def test_nobody_gets_the_name_of_a_token_that_credvend_takes(administered: Administered, ahead: int) -> None:
    issued = administered.tokens.create("ci", "me", HOUR)
    with pytest.raises(OperationFailed, match="There is a live token ci already"):
        told(administered, ahead).create("ci", "mallory", DAY)
    administered.clock.now += HOUR - 1
    administered.find(issued.token)
    with pytest.raises(OperationFailed, match="There is a live token ci already"):
        told(administered, ahead).create("ci", "mallory", DAY)
    administered.clock.now += 300
    with pytest.raises(OperationFailed, match=f"only just expired.*token revoke {issued.stored.id}"):
        told(administered, ahead).create("ci", "mallory", DAY)
    assert len(administered.table.items) == 1
    administered.clock.now += 1
    made = told(administered, ahead).create("ci", "me", DAY)
    assert made.stored.expires == administered.clock.now + DAY


def test_without_aws_time_a_name_is_not_free_within_what_clocks_may_differ(administered: Administered) -> None:
    issued = administered.tokens.create("ci", "me", HOUR)
    administered.clock.now += HOUR - 1
    with pytest.raises(OperationFailed, match="only just expired"):
        untold(administered, 299).create("ci", "mallory", DAY)
    administered.find(issued.token)


def test_a_revoked_name_is_free_by_any_clock(administered: Administered) -> None:
    administered.tokens.create("ci", "me", HOUR)
    untold(administered, YEAR).revoke("ci")
    administered.tokens.create("ci", "me", HOUR)


@pytest.mark.parametrize("ahead", [240, YEAR, -YEAR])
def test_what_is_rotated_ends_when_credvend_says_it_is_over(administered: Administered, ahead: int) -> None:
    old = administered.tokens.create("ci", "me", DAY)
    new = told(administered, ahead).rotate("ci", HOUR, 30 * DAY)
    assert new.stored.expires == administered.clock.now + 30 * DAY
    administered.clock.now += HOUR - 1
    administered.find(old.token)
    administered.clock.now += 1
    assert administered.refusal(old.token) == "expired"
    administered.find(new.token)


def test_without_an_overlap_no_clock_is_asked(administered: Administered) -> None:
    old = administered.tokens.create("ci", "me", DAY)
    untold(administered, 240).rotate("ci", 0, 30 * DAY)
    assert administered.refusal(old.token) == "revoked"


def test_a_clock_that_is_wrong_is_told_once(administered: Administered) -> None:
    for ahead in (0, 9, -9):
        told(administered, ahead).list_all()
    assert administered.said == []
    wrong = told(administered, 240)
    wrong.list_all()
    wrong.list_all()
    told(administered, -YEAR).list_all()
    first, second = administered.said
    assert "240 s ahead of AWS's" in first and f"{YEAR} s behind AWS's" in second
    assert wrong.now() == administered.clock.now
