"""Subjects made to be taken for another caller: no two share a session name or a tag, and none is read as policy."""

import re
from typing import Final

import pytest

from testing.app import ACCOUNT
from testing.sts_server import tags_of
from testing.tokens import ISSUER, honest_claims, sign
from tests.security.jwt.gate import Gate, each
from tests.security.jwt.issuers import key


def issuer_url(name: str) -> str:
    return {"main": ISSUER, "every": "https://every.example.com"}.get(name, f"https://names.example.com/{name}")


def names_of(gate: Gate, issuer: str, subject: str) -> tuple[str, str]:
    """The session name and the tag that a subject gets; both of a form that STS takes."""
    asked = gate.vended(sign(honest_claims(iss=issuer_url(issuer), sub=subject), key()))
    name, tag = asked["RoleSessionName"], tags_of(asked)["credvend:caller"]
    assert asked["SourceIdentity"] == name and re.fullmatch(r"[A-Za-z0-9_+=,.@-]{2,64}", name, re.ASCII)
    assert re.fullmatch(r"[A-Za-z0-9 _.:/=+@-]{1,256}", tag, re.ASCII)
    return name, tag


PAIRS: Final[dict[str, tuple[tuple[str, str], tuple[str, str]]]] = {
    "the same subject of two issuers": (("main", "alice"), ("a", "alice")),
    "case": (("main", "alice"), ("main", "Alice")),
    "case at the end of a long one": (("main", "s" * 70 + "a"), ("main", "s" * 70 + "A")),
    "a space after it": (("main", "alice"), ("main", "alice ")),
    "a space before it": (("main", "alice"), ("main", " alice")),
    "a colon for an underscore": (("main", "a:b"), ("main", "a_b")),
    "a slash for an underscore": (("main", "a/b"), ("main", "a_b")),
    "a star for an underscore": (("main", "a*b"), ("main", "a_b")),
    "one foreign character for another": (("main", "a*b"), ("main", "a|b")),
    "one script for another": (("main", "иван"), ("main", "ивам")),
    "composed and decomposed": (("main", "\u00e9"), ("main", "e\u0301")),
    "a compatible letter": (("main", "K"), ("main", "\u212a")),
    "a ligature": (("main", "fi"), ("main", "\ufb01")),
    "a letter that upper-cases alike": (("main", "ss"), ("main", "\u00df")),
    "the end of a long one": (("main", "s" * 70 + "a"), ("main", "s" * 70 + "b")),
    "the end of one longer than a tag": (("main", "s" * 250 + "a"), ("main", "s" * 250 + "b")),
    "the end of one with foreign characters": (("main", "*" * 70 + "a"), ("main", "*" * 70 + "b")),
    "long and a bit longer": (("main", "s" * 64), ("main", "s" * 65)),
    "an equals sign between": (("a", "b=alice"), ("a-b", "alice")),
    "a subject that starts with an issuer": (("a", "a-b=alice"), ("a-b", "alice")),
    "a dash between": (("a", "b-alice"), ("a-b", "alice")),
    "a dash between, hashed": (("a", "b-*"), ("a-b", "*")),
    "a dash between, hashed, with a dash at the end": (("a-b", "-*"), ("a-b-", "*")),
    # The hash of a join would be one and the same, and so is the start of the subject, which is all that is shown.
    "a dash between, hashed, and alike": (("a", "b-" * 41), ("a-b", "b-" * 40)),
    "a dot between, hashed, and alike": (("a", "b." * 41), ("a.b", "b." * 40)),
    "an underscore between, hashed, and alike": (("a", "b_" * 41), ("a_b", "b_" * 40)),
    "a dot between": (("a", ".b=alice"), ("a.b", "alice")),
    "a colon between": (("a", "b:alice"), ("a-b", ":alice")),
    "underscore and dash in the issuer": (("a_b", "alice"), ("a-b", "alice")),
    "underscore and dot in the issuer, hashed": (("a_b", "*"), ("a.b", "*")),
    "long names of issuers": (("x" * 64, "alice"), ("x" * 63 + "y", "alice")),
    "a name that has the subject in it": (("main", "alice"), ("main-alice", "alice")),
    "a kind as issuer": (("user", f"alice@{ACCOUNT}"), ("main", f"user=alice@{ACCOUNT}")),
    "the prefix as issuer": (("oidc", "main=alice"), ("main", "alice")),
    "the prefix in the subject": (("main", "oidc:main:alice"), ("main", "alice")),
    "the readable name as subject": (("main", "oidc=main=alice"), ("main", "alice")),
}


@pytest.mark.parametrize("pair", each(PAIRS))
def test_two_subjects_never_share_a_session_name_or_a_tag(
    gate: Gate, pair: tuple[tuple[str, str], tuple[str, str]]
) -> None:
    one, other = (names_of(gate, *caller) for caller in pair)
    assert one[0] != other[0] and one[1] != other[1]


LIKE_IAM: Final = (
    f"alice@{ACCOUNT}",
    f"user=alice@{ACCOUNT}",
    f"=alice@{ACCOUNT}",
    f"=user=alice@{ACCOUNT}",
    f"arn:aws:iam::{ACCOUNT}:user/alice",
    "alice",
    "user",
)


@pytest.mark.parametrize("subject", LIKE_IAM)
@pytest.mark.parametrize("issuer", ["main", "user", "oidc"])
def test_no_subject_is_taken_for_an_iam_user(gate: Gate, issuer: str, subject: str) -> None:
    answer = gate.credvend.vend({"role": "reader"})
    assert answer.status == 200, answer.text
    asked = gate.credvend.sts.asked[-1]
    name, tag = names_of(gate, issuer, subject)
    assert name.startswith(("oidc=", "oidc-")) and name != asked["RoleSessionName"] == f"user=alice@{ACCOUNT}"
    assert tag.startswith(f"oidc:{issuer}:") and tag != tags_of(asked)["credvend:caller"]


FOREIGN: Final = {
    "a foreign character": "alice*x",
    "a long one": "s" * 300,
    "both": "*" * 300,
    "another script": "алиса",
}


@pytest.mark.parametrize("victim", each(FOREIGN))
def test_a_subject_cannot_be_the_tag_that_another_one_gets(gate: Gate, victim: str) -> None:
    """A tag that is cut or cleaned ends in a hash; a subject may hold the same text as it is."""
    name, tag = names_of(gate, "main", victim)
    forged = tag.removeprefix("oidc:main:")
    assert forged != tag and forged != victim
    assert names_of(gate, "main", forged)[1] != tag
    assert names_of(gate, "main", forged)[0] != name


@pytest.mark.parametrize("victim", each(FOREIGN))
def test_a_subject_cannot_be_the_session_name_that_another_one_gets(gate: Gate, victim: str) -> None:
    name, _ = names_of(gate, "main", victim)
    assert name.startswith("oidc-")
    for forged in (name, name.removeprefix("oidc-"), name.removeprefix("oidc-main-"), name.replace("-", "=")):
        assert names_of(gate, "main", forged)[0] != name


@pytest.mark.parametrize(
    "subject",
    ['alice" } permit(', 'x"::OidcSubject::"main:alice', "alice\\", "*", "${aws:username}", "{{7*7}}", "__proto__"],
)
def test_a_subject_is_never_read_as_policy(gate: Gate, subject: str) -> None:
    names_of(gate, "main", subject)
    records = gate.credvend.records()
    assert [record["caller"] for record in records] == [f"oidc:main:{subject}"] * 2
    assert all(record["policies"] == ["whoever-has-a-token"] for record in records)
