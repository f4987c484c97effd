"""What STS takes as a session tag."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.aws.session_tags import OWN_KEYS, check_key, check_value, is_tag_text, twice


@pytest.mark.parametrize(
    "key", ["a", "Cost Center", "team/sub:a_b.c=d+e-f@g", "é", "名前", "x" * 128, "awsome", "credvendor"]
)
def test_a_key_that_sts_takes_is_taken(key: str) -> None:
    check_key(key)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("", "must have 1 to 128 characters"),
        ("x" * 129, "must have 1 to 128 characters"),
        ("a*", "must be letters, digits, spaces and `_.:/=+-@`"),
        ("a\n", "must be letters, digits, spaces and"),
        ("a\u2028", "must be letters, digits, spaces and"),
        ("aws:x", "must not begin with `aws:` or `credvend:`, which are reserved"),
        ("AWS:x", "must not begin with"),
        ("credvend:caller", "must not begin with"),
        ("Credvend:x", "must not begin with"),
    ],
)
def test_a_key_that_sts_or_credvend_keeps_for_itself_is_refused_with_the_reason(key: str, words: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(words)}"):
        check_key(key)


def test_own_keys_are_reserved_and_no_tag_of_a_role_can_take_their_place() -> None:
    for key in OWN_KEYS:
        with pytest.raises(ValueError, match="reserved"):
            check_key(key.upper())


@pytest.mark.parametrize("value", ["", "a b", "x" * 256, "é/名前", "_.:/=+-@", "\u00a0"])
def test_a_value_that_sts_takes_is_taken(value: str) -> None:
    check_value(value)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("x" * 257, "has 257 characters, and STS takes 256"),
        (
            "*",
            "holds a character that STS does not take, U+002A ASTERISK (character 1): letters, digits, spaces and "
            "`_.:/=+-@` are taken",
        ),
        ("a,b", "holds a character"),
        ("a\tb", "holds a character"),
        ("\ud800", "holds a character"),
        ("e\u0301", "holds a character"),
        ("a\u200d", "holds a character that STS does not take, U+200D ZERO WIDTH JOINER (character 2)"),
        ("😀", "holds a character"),
    ],
)
def test_a_value_that_sts_does_not_take_is_refused_with_the_reason(value: str, words: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(words)}"):
        check_value(value)


@given(st.text(alphabet=st.sampled_from("*?${}\"\\,;'`<>()[]|&!#%^~") | st.characters(), min_size=1, max_size=20))
def test_no_tag_holds_what_means_more_than_itself(text: str) -> None:
    """Tags stand in policies as `${aws:PrincipalTag/...}`, and in logs."""
    if is_tag_text(text):
        assert not set(text) & set("*?${}\"\\,;'`<>")
        assert len(text.splitlines()) == 1


@pytest.mark.parametrize(
    ("keys", "again"),
    [((), None), (("a", "b"), None), (("a", "a"), "a"), (("Team", "x", "tEAM"), "tEAM"), (("É", "é"), "é")],
)
def test_keys_that_differ_in_case_alone_are_the_same(keys: tuple[str, ...], again: str | None) -> None:
    assert twice(keys) == again
