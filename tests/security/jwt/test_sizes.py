"""Tokens that are too long."""

import pytest

from tests.security.jwt.gate import Gate, each
from tests.security.jwt.tokens import Make, plain, with_header


@pytest.mark.parametrize("length", each({"9 kB": 9_000, "100 kB": 100_000, "1 MB": 1_000_000}))
@pytest.mark.parametrize("where", ["claims", "header", "signature", "dots", "text"])
def test_a_huge_token_is_refused(gate: Gate, where: str, length: int) -> None:
    made: dict[str, Make] = {
        "claims": plain(pad="x" * length),
        "header": with_header(pad="x" * length),
        "signature": lambda: plain()() + "A" * length,
        "dots": lambda: plain()() + "." * length,
        "text": lambda: "A" * length,
    }
    gate.assert_refused(made[where]())


def test_a_token_of_8193_characters_is_too_long(gate: Gate) -> None:
    def padded(count: int) -> str:
        return plain(pad="x" * count)()

    count = next(count for count in range(5500, 6000) if len(padded(count)) > 8192)
    shorter, longer = padded(count - 1), padded(count)
    assert len(shorter) <= 8192 < len(longer) <= 8194
    assert gate.present(shorter).status == 200
    gate.credvend.records()
    gate.assert_refused(longer)


def test_a_token_with_too_many_groups_is_told_the_way_out(gate: Gate) -> None:
    """Claims as Entra's v2.0 access tokens have them: https://learn.microsoft.com/entra/identity-platform/access-tokens."""
    some_id = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
    claims = dict.fromkeys(("aud", "azp", "oid", "sid", "tid"), some_id) | {
        "iss": f"https://login.microsoftonline.com/{some_id}/v2.0",
        "aio": "x" * 100,
        "azpacr": "0",
        "name": "Alice Example",
        "preferred_username": "alice@example.com",
        "rh": "x" * 40,
        "scp": "access_as_user",
        "sub": "x" * 43,
        "uti": "x" * 22,
        "ver": "2.0",
    }

    def token(groups: int) -> str:
        return plain(**claims, groups=[some_id] * groups)()

    least = next(groups for groups in range(200) if len(token(groups)) > 8192)
    assert 125 <= least <= 140
    message = gate.assert_turned_away(gate.present(token(least)), token(least))["error"]
    assert isinstance(message, str) and "130 groups" in message and "app roles" in message
