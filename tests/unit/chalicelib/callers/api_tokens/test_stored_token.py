"""What the table says of a token."""

from dataclasses import replace

from tests.unit.chalicelib.callers.api_tokens.one_token import World


def test_live_is_what_is_neither_revoked_nor_expired(world: World) -> None:
    found = world.find()
    assert found.is_live(found.expires - 1) and not found.is_live(found.expires)
    assert not replace(found, revoked_at=1).is_live(found.created)
