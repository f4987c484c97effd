"""Parsed policies are kept up to a bound on all that is kept; and those that are about everybody are shared."""

import pytest

from chalicelib.decisions.indexed_policy import index_policies
from chalicelib.decisions.parsed_policies import ParsedPolicies, ParsedSet
from chalicelib.decisions.policy_index import PolicyIndex

OWN = 30


def parsed(general: int) -> ParsedPolicies:
    """So many policies about anybody, and then 30 about somebody; each names a role."""
    callers = ["principal"] * general + [f'principal == IamUser::"u{n}"' for n in range(OWN)]
    policies = index_policies(
        "".join(
            f'@id("p{n}") permit ({caller}, action, resource) when {{ Role::"r{n}" has arn }};'
            for n, caller in enumerate(callers)
        )
    )
    return ParsedPolicies(policies, PolicyIndex(policies).general)


def sizes(sets: tuple[ParsedSet, ...]) -> list[int]:
    return [len(one.policies) for one in sets]


def test_few_policies_about_everybody_stand_beside_the_others() -> None:
    """One question to Cedar is quicker than two."""
    policies = parsed(general=3)
    assert sizes(policies.with_general(())) == [3]
    (together,) = policies.with_general((3, 5))
    assert len(together.policies) == 5 and together.places == (0, 1, 2, 3, 5)
    assert together.named == {"r0", "r1", "r2", "r3", "r5"}


def test_many_policies_about_everybody_are_parsed_once_and_never_copied() -> None:
    policies = parsed(general=100)
    found = [policies.with_general((100 + n,)) for n in range(OWN)] + [policies.with_general(())]
    assert list(map(sizes, found)) == [[100, 1]] * OWN + [[100]]
    assert len({id(sets[0].policies) for sets in found}) == 1
    assert found[0][0].named == {f"r{n}" for n in range(100)} and found[0][1].named == {"r100"}


def test_without_policies_about_everybody_there_are_the_others_alone() -> None:
    policies = parsed(general=0)
    assert sizes(policies.with_general((1, 2))) == [2] and sizes(policies.with_general(())) == [0]


@pytest.mark.parametrize("general", [0, 3, 100])
def test_what_is_kept_has_a_bound_in_which_copies_count(general: int, monkeypatch: pytest.MonkeyPatch) -> None:
    room = 2000
    monkeypatch.setattr("chalicelib.decisions.parsed_policies._KEPT_CHARACTERS", room)
    monkeypatch.setattr("chalicelib.decisions.parsed_policies._KEPT_NAMED_CHARACTERS", room)
    policies = parsed(general)
    for n in range(general, general + OWN):
        for one in policies.with_general((n,)):
            policies.under_their_names(one.places)
    for cache in (policies._kept, policies._kept_named):
        held = [sum(len(policies._policies[place].text) for place in places) for places in cache._values]
        assert 1 < len(held) < OWN and sum(held) <= room


@pytest.mark.parametrize("general", [0, 3, 100])
def test_what_was_parsed_lately_is_not_parsed_again(general: int) -> None:
    policies = parsed(general)
    sets = policies.with_general((general, general + 1))
    again = policies.with_general((general, general + 1))
    assert [id(one.policies) for one in again] == [id(one.policies) for one in sets]
    named = [policies.under_their_names(one.places) for one in sets]
    assert [id(policies.under_their_names(one.places)) for one in sets] == list(map(id, named))
