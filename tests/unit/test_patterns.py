"""What a regular expression names: the opt-in of operators to values that hold a separator."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.patterns import named_characters


@pytest.mark.parametrize(
    ("pattern", "named"),
    [
        (r"[^/]+/[^/]+", "/"),
        (r"[a-z/]+", "/"),
        (r"[a-z0-9-]+", "-"),
        (r"[]/]+", "]/"),
        (r"\.\/", "./"),
        (r"[.]", "."),
        (r"us-east-1", "us-eat1"),
        (r"(?:a|b)+", "ab"),
        (r"(?P<name>a)", "a"),
        (r"(?i:a)(?=b)(?!c)(?<=d)(?<!e)(?>f)", "abcdef"),
        (r"(?#/)a{1,3}", "a"),
    ],
)
def test_a_character_that_stands_for_itself_is_named(pattern: str, named: str) -> None:
    re.compile(pattern.replace("(?>f)", "f"))  # which Python 3.11 is the first to know
    assert named_characters(pattern) == set(named)


@pytest.mark.parametrize(
    "pattern", [r".+", r".*", r"[^,]+", r"\S+", r"\W+", r"[!-~]+", r"[\W\S]+", r"(?s:.)+", r"\D{2,}"]
)
def test_what_matches_a_separator_among_everything_else_does_not_name_it(pattern: str) -> None:
    assert any(re.fullmatch(pattern, separator * 2) for separator in "/:-.,")
    assert not named_characters(pattern) & set("/:-.,")


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=20))
def test_a_text_as_a_pattern_names_each_of_its_characters(text: str) -> None:
    named = named_characters(re.escape(text))
    assert set(text) == named
