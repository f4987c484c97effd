"""Tokens that say that a claim is somewhere else: what is not known is not taken for empty, or for a part of it."""

from typing import Final

import pytest

from testing.app import Json
from testing.tokens import ABSENT, honest_claims, sign
from tests.security.jwt.gate import ROUTES, Gate, each
from tests.security.jwt.issuers import key

VEND: Final = ROUTES[-1]
LINK: Final = {"endpoint": "https://graph.microsoft.com/v1.0/users/7/getMemberObjects"}
SOURCES: Final[Json] = {"src1": LINK}


def token(issuer: str, **changes: object) -> str:
    return sign(honest_claims(iss=f"https://{issuer}.example.com", **changes), key())


def mapped(**changes: object) -> str:
    """A token of the issuer that maps a claim to each thing that there is."""
    honest: Json = {"email": "a@b.c", "realm": {"roles": ["x"]}, "team": "blue", "office": {"city": "Bonn"}}
    return token("mapped", **honest | {"tenant": "acme"} | changes)


# Entra's page, and OpenID Connect Core 1.0, 5.6.2.
GROUPS: Final[dict[str, Json]] = {
    "distributed": {"_claim_names": {"groups": "src1"}, "_claim_sources": SOURCES},
    "distributed, as Entra's example has it": {"groups": "src1", "_claim_sources": SOURCES},
    "aggregated": {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"JWT": "e.y.J"}}},
    "named without a source": {"_claim_names": {"groups": "src1"}},
    "a source of nobody knows what": {"_claim_sources": SOURCES},
    "a name of its own": {"groups:src1": LINK},
    "hasgroups": {"hasgroups": True},
    "hasgroups as text": {"hasgroups": "true"},
    "a link of SAML": {"http://schemas.microsoft.com/claims/groups.link": "https://graph.windows.net/7"},
}


@pytest.mark.parametrize("said", each(GROUPS))
def test_groups_that_are_elsewhere_are_not_no_groups(gate: Gate, said: Json) -> None:
    record = gate.assert_turned_away(gate.present(token("grouped", **said), VEND), "")
    assert (record["cause"], record["issuer"]) == ("claims_elsewhere", "grouped")
    assert "says that its groups is somewhere else" in str(record["error"]) and "app roles" in str(record["error"])
    gate.assert_refused(token("grouped", **said))
    # Whichever claim the issuer puts them into.
    gate.assert_refused(token("roles", **said))


def test_a_member_is_forbidden_what_the_group_is_forbidden(gate: Gate) -> None:
    """What the tests above are about: without the group in the token, credentials would be given."""
    assert gate.present(token("grouped", groups=["contractors"]), VEND).status == 403
    assert gate.present(token("grouped", groups=[]), VEND).status == 200


@pytest.mark.parametrize("said", each({"names": {"_claim_names": ["groups"]}, "sources": {"_claim_sources": [LINK]}}))
def test_where_it_cannot_be_told_what_is_elsewhere_nothing_is_believed(gate: Gate, said: Json) -> None:
    gate.assert_refused(token("grouped", groups=["x"], **said))


@pytest.mark.parametrize("name", ["distributed", "aggregated", "a name of its own", "hasgroups", "a link of SAML"])
def test_a_part_of_the_groups_is_not_all_of_them(gate: Gate, name: str) -> None:
    gate.assert_refused(token("grouped", groups=["x"], **GROUPS[name]))
    # App roles that the token holds are all of them, wherever the groups are.
    assert gate.present(token("roles", roles=["x"], **GROUPS[name]), VEND).status == 200


@pytest.mark.parametrize("claim", ["email", "realm", "team", "office", "tenant", "aud", "exp"])
def test_each_mapped_claim_may_be_what_is_elsewhere(gate: Gate, claim: str) -> None:
    assert gate.present(mapped()).status == 200
    gate.credvend.records()
    names: Json = {"_claim_names": {claim: "src1"}, "_claim_sources": SOURCES}
    gate.assert_refused(mapped(**names))
    gate.assert_refused(mapped(**names | {claim: ABSENT}))


@pytest.mark.parametrize(
    "changes",
    each(
        {
            "in the object of groups": {"realm": {"_claim_names": {"roles": "src1"}}},
            "in the object of a tag": {"office": {"_claim_names": {"city": "src1"}}},
            "a tag that names a source": {"team": "src1", "_claim_sources": SOURCES},
            "a tag with a name of its own": {"team": ABSENT, "team:src1": LINK},
        }
    ),
)
def test_further_in_it_is_the_same(gate: Gate, changes: Json) -> None:
    gate.assert_refused(mapped(**changes))


@pytest.mark.parametrize(
    "changes",
    each(
        {
            "groups": {"realm": "x"},
            "groups in a list": {"realm": [{"roles": ["x"]}]},
            "a tag": {"office": "Bonn"},
            "a tag behind a number": {"office": 7},
        }
    ),
)
def test_what_should_lead_to_a_claim_and_does_not_is_no_missing_claim(gate: Gate, changes: Json) -> None:
    record = gate.assert_turned_away(gate.present(mapped(**changes), VEND), "")
    assert record["cause"] == "wrong_claim" and "must be an object" in str(record["error"])


@pytest.mark.parametrize(
    "changes",
    each(
        {
            "groups left out": {"realm": ABSENT},
            "groups null": {"realm": {"roles": None}},
            "nothing where they would be": {"realm": {}},
            "null where they would be": {"realm": None},
            "groups of which there are none": {"realm": ABSENT, "hasgroups": False},
            "a tag left out": {"team": ABSENT, "office": ABSENT},
            "another claim elsewhere": {"_claim_names": {"address": "src1"}, "_claim_sources": SOURCES},
            "nothing elsewhere": {"_claim_names": {}, "_claim_sources": {}, "team": ABSENT},
            "nothing said": {"_claim_names": None, "_claim_sources": None, "hasgroups": False, "team": ABSENT},
            "a claim of a name that begins alike": {"team:lead": "x", "groupsrc1": "x"},
        }
    ),
)
def test_what_is_only_missing_is_missing(gate: Gate, changes: Json) -> None:
    """Keycloak and Entra leave the claim out for people who are in no group. `required_claims` is for other issuers."""
    assert gate.present(mapped(**changes), VEND).status == 200
