"""Two patterns that share no text are told, and no others: all short texts are tried."""

import re
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.configuration.text_forms import disjoint, includes

TEXTS = ["".join(letters) for length in range(6) for letters in product("ab1", repeat=length)]
ATOMS = st.sampled_from(
    ["a", "b", ".", "[a-b]", "[^a]", "[ab1]", r"\w", r"\d", "[0-9a]", r"\x61", r"[\x61-\x62]", r"[^\d]", "-", r"\."]
)
REPEATED = st.tuples(ATOMS, st.sampled_from(["", "", "*", "+", "?", "{2}", "{1,2}", "{0,9}", "{2,}"])).map("".join)
PATTERNS = st.recursive(
    st.lists(REPEATED, min_size=1, max_size=4).map("".join),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda two: f"(?:{two[0]}|{two[1]})"),
        st.tuples(inner, inner).map(lambda two: f"{two[0]}|{two[1]}"),
        inner.map("(?:{})?".format),
        inner.map("(?P<name>{})".format),
        inner.map("({})*".format),
        st.tuples(inner, REPEATED).map(lambda two: f"(?:{two[0]}){two[1]}"),
    ),
    max_leaves=3,
).filter(lambda pattern: pattern.count("(?P<") < 2)
GLOBS = st.text("ab*", max_size=4).map(lambda text: text.replace("*", ".*"))


def fitting(pattern: str) -> set[str]:
    return {text for text in TEXTS if re.fullmatch(pattern, text, re.ASCII | re.DOTALL)}


@settings(max_examples=300, deadline=None)
@given(one=PATTERNS, other=PATTERNS, glob=GLOBS)
def test_what_is_said_of_two_patterns_is_so_of_all_texts(one: str, other: str, glob: str) -> None:
    for pair in ((one, other), (one, glob)):
        if disjoint(*pair):
            assert fitting(pair[0]).isdisjoint(fitting(pair[1]))
        if includes(*pair):
            assert fitting(pair[1]) <= fitting(pair[0])
        if includes(pair[1], pair[0]):
            assert fitting(pair[0]) <= fitting(pair[1])


@settings(deadline=None)
@given(one=GLOBS, other=GLOBS)
def test_globs_without_a_common_text_are_told(one: str, other: str) -> None:
    # Four signs each: their shortest common text is no longer than both together.
    texts = ("".join(letters) for length in range(9) for letters in product("ab", repeat=length))
    common = any(re.fullmatch(one, text) and re.fullmatch(other, text) for text in texts)
    assert disjoint(one, other) is not common


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("[A-Za-z0-9_+=,.@-]+", "team/.*"),
        (r"/(?:[!-\x7f]+/)?", "team/.*"),
        (r"/(?:[!-\x7f]+/)?", "/team"),
        ("[0-9]{12}", "1.*x"),
        ("[0-9]{12}", "1{13}.*"),
        ("AROA[A-Za-z0-9]*:[a-z]+", "AIDA.*"),
        ("a{1,40}", ".*b"),
        ("(?:ab|cd)e", ".*d"),
    ],
)
def test_what_fits_no_text_of_the_other_is_told(one: str, other: str) -> None:
    assert disjoint(one, other) and disjoint(other, one)
    assert not disjoint(one, one) and not disjoint(other, other)


def test_a_pattern_that_fits_all_of_another_is_told() -> None:
    assert includes(".*", "[a-z]+") and includes("a.*", "ab.*") and includes(".*-.*", "[0-9]{4}-[0-9]{2}")
    assert not includes("a{1,40}", "a+") and not includes("a.*", ".*") and not includes("a.*b", "a.*")


@pytest.mark.parametrize(
    "pattern", [r"(?i)a", r"(?=a)b", r"\bb", "^b", "b$", r"\s", "b*?", r"[\s]", "[[]", r"(.)\1", "b++"]
)
def test_nothing_is_said_of_what_is_not_understood(pattern: str) -> None:
    assert not disjoint(pattern, "a") and not includes(".*", pattern) and not includes(pattern, "a")
