"""Who made, rotated and revoked a token is kept with it."""

import pytest

from ops.errors import OperationFailed
from tests.unit.ops.administered import DAY, HOUR, Administered

OLGA, MAX, EVE = (f"arn:aws:sts::111122223333:assumed-role/Operator/{name}" for name in ("olga", "max", "eve"))


def test_who_did_what_and_when_is_kept_with_the_token(administered: Administered) -> None:
    administered.tokens_of(OLGA).create("ci", "me", DAY)
    made = int(administered.clock.now)
    administered.clock.now += HOUR
    administered.tokens_of(MAX).rotate("ci", 2 * HOUR, DAY)
    administered.clock.now += HOUR
    administered.tokens_of(EVE).revoke("ci")
    new, old = administered.tokens.list_all()
    assert (old.created, old.created_by) == (made, OLGA)
    assert (old.rotated_at, old.rotated_by, old.expires) == (made + HOUR, MAX, made + 3 * HOUR)
    assert (new.created, new.created_by, new.rotated_at, new.rotated_by) == (made + HOUR, MAX, None, None)
    for token in (old, new):
        assert (token.revoked_at, token.revoked_by) == (made + 2 * HOUR, EVE)


def test_a_rotation_without_overlap_revokes_in_the_name_of_whoever_rotates(administered: Administered) -> None:
    administered.tokens_of(OLGA).create("ci", "me", DAY)
    administered.tokens_of(MAX).rotate("ci", 0, DAY)
    old = next(stored for stored in administered.tokens.list_all() if stored.rotated_at)
    assert (old.rotated_by, old.revoked_by, old.expires) == (MAX, MAX, old.created + DAY)


def test_tokens_from_before_it_was_kept_read_well_and_change_as_all_do(administered: Administered) -> None:
    issued = administered.tokens.create("ci", "me", DAY)
    del administered.table.items[issued.stored.hash]["created_by"]
    assert administered.find(issued.token).created_by is None
    (listed,) = administered.tokens.list_all()
    assert (listed.created_by, listed.rotated_by, listed.revoked_by, listed.rotated_at) == (None, None, None, None)
    administered.tokens_of(MAX).rotate("ci", HOUR, DAY)
    administered.tokens_of(EVE).revoke(issued.stored.id)
    assert administered.refusal(issued.token) == "revoked"


def _nobody() -> str:
    raise OperationFailed("STS does not tell whose AWS credentials these are: no")


def test_nothing_is_made_by_somebody_unknown_but_anybody_is_let_revoke(
    administered: Administered, monkeypatch: pytest.MonkeyPatch
) -> None:
    administered.tokens.create("ci", "me", DAY)
    tokens = administered.tokens
    monkeypatch.setattr(tokens, "_who", _nobody)
    with pytest.raises(OperationFailed, match="STS does not tell"):
        tokens.create("cd", "me", DAY)
    with pytest.raises(OperationFailed, match="STS does not tell"):
        tokens.rotate("ci", 0, DAY)
    assert len(administered.table.items) == 1
    (revoked,) = tokens.revoke("ci")
    assert revoked.revoked_by is None and "Who revoked it is not kept" in administered.said[0]
    assert [stored.revoked_by for stored in tokens.list_all()] == [None]


@pytest.mark.parametrize(("revoked_after", "kept_until"), [(0, 31 * DAY), (DAY, 31 * DAY), (29 * DAY, 59 * DAY)])
def test_what_was_revoked_is_shown_for_a_month_at_least(
    administered: Administered, revoked_after: int, kept_until: int
) -> None:
    issued = administered.tokens.create("ci", "me", DAY)
    administered.clock.now += revoked_after
    administered.tokens.revoke("ci")
    assert administered.table.items[issued.stored.hash]["ttl"] == {"N": str(issued.stored.created + kept_until)}
