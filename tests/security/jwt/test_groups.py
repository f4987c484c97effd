"""Groups: callers that would be in one, and are not."""

from typing import Final

import pytest

from testing.tokens import ABSENT, honest_claims, sign
from tests.security.jwt.gate import ROUTES, Gate, each
from tests.security.jwt.issuers import key
from tests.security.jwt.tokens import Make


def group_token(issuer: str, groups: object, **changes: object) -> str:
    return sign(honest_claims(iss=f"https://{issuer}.example.com", groups=groups, **changes), key())


FORBIDDEN: Final = ("POST", "/v1/credentials", '{"role": "forbidden"}')


@pytest.mark.parametrize("groups", each({"text": "admins", "a list": ["admins"], "among others": ["x", "admins"]}))
def test_a_member_of_the_group_is_let_in(gate: Gate, groups: object) -> None:
    assert gate.present(group_token("grouped", groups), FORBIDDEN).status == 200


OUTSIDERS: Final[dict[str, Make]] = {
    "no group": lambda: group_token("grouped", ABSENT),
    "an empty list": lambda: group_token("grouped", []),
    "upper case": lambda: group_token("grouped", ["Admins"]),
    "a space after it": lambda: group_token("grouped", ["admins "]),
    "the start of it": lambda: group_token("grouped", ["admin"]),
    "with a comma": lambda: group_token("grouped", "x,admins"),
    "with a space": lambda: group_token("grouped", "x admins"),
    "the name in policies": lambda: group_token("grouped", ["grouped:admins"]),
    "another issuer's group of that name": lambda: group_token("crowd", ["admins"]),
    "another issuer's group of the name in policies": lambda: group_token("crowd", ["grouped:admins"]),
    "an issuer that is not asked for groups": lambda: group_token("id", ["admins", "grouped:admins"]),
    "the subject of that name": lambda: group_token("grouped", ["x"], sub="admins"),
    "a subject with the name in policies": lambda: group_token("crowd", ["x"], sub="grouped:admins"),
    "another claim": lambda: group_token("grouped", ABSENT, roles=["admins"], Groups=["admins"]),
    "an entity": lambda: group_token("grouped", ['x", OidcGroup::"grouped:admins']),
}


@pytest.mark.parametrize("make", each(OUTSIDERS))
def test_who_is_not_in_the_group_is_not_let_in(gate: Gate, make: Make) -> None:
    answer = gate.present(make(), FORBIDDEN)
    assert (answer.status, answer.body["Code"]) == (403, "AccessDenied")
    assert gate.credvend.sts.asked == []
    (record,) = gate.credvend.records()
    assert (record["event"], record["policies"]) == ("credentials.denied", [])


GROUPS: Final[dict[str, object]] = {
    "a number": 7,
    "true": True,
    "an object": {"admins": True},
    "a list in a list": [["admins"]],
    "an object in a list": [{"admins": True}],
    "a number beside the right one": ["admins", 7],
    "true beside the right one": ["admins", True],
    "an object beside an odd one": ["", {"name": "admins"}],
}


@pytest.mark.parametrize("groups", each(GROUPS))
def test_groups_that_are_no_texts_are_refused(gate: Gate, groups: object) -> None:
    gate.assert_refused(group_token("grouped", groups))


ODD: Final[dict[str, object]] = {
    "empty": "",
    "null": None,
    "a zero-width space": "\u200b",
    "with a zero-width space": "admins\u200b",
    "blank": "   ",
    "a filler of Hangul": "\u3164",
    "a NUL": "admins\x00",
    "a line end": "admins\n",
    "half of a surrogate pair": "\ud800",
    "too long": "a" * 1025,
}


@pytest.mark.parametrize("odd", each(ODD))
def test_an_odd_group_locks_nobody_out_and_is_on_record(gate: Gate, odd: object) -> None:
    assert gate.present(group_token("grouped", ["admins", odd]), FORBIDDEN).status == 200
    shown = odd[:64] if isinstance(odd, str) else odd
    for record in gate.credvend.records():
        assert record["caller_groups_left_out"] == {"count": 1, "some": [shown]}
    # Alone, it is no group: whoever has it is let in where no group is asked for, and nowhere else.
    for groups in ([odd], odd):
        assert gate.present(group_token("grouped", groups), FORBIDDEN).status == 403
        assert gate.present(group_token("grouped", groups)).body["Groups"] == []


@pytest.mark.parametrize("odd", each(ODD))
def test_an_odd_group_hides_no_group_that_policies_forbid(gate: Gate, odd: object) -> None:
    for groups in (["contractors", odd], [odd, "contractors"]):
        answer = gate.present(group_token("grouped", groups), ROUTES[-1])
        assert (answer.status, answer.body["Code"]) == (403, "AccessDenied")


def test_however_many_odd_groups_there_are_a_record_stays_short(gate: Gate) -> None:
    assert gate.present(group_token("grouped", ["\x00" * 90] * 9)).status == 200
    (record,) = gate.credvend.records()
    assert record["caller_groups_left_out"] == {"count": 9, "some": ["\x00" * 64] * 5}


def test_a_text_at_the_bound_is_a_group(gate: Gate) -> None:
    assert gate.present(group_token("grouped", ["a" * 1024])).body["Groups"] == ["a" * 1024]
    (record,) = gate.credvend.records()
    assert "caller_groups_left_out" not in record
