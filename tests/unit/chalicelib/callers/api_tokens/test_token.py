"""The form of API tokens: what is made is taken, and what was mistyped is told apart from what was made up."""

import re
import string

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from chalicelib.callers.api_tokens.token import (
    SCANNER_PATTERN,
    api_token_id,
    api_token_of,
    check_api_token,
    hash_api_token,
    looks_like_api_token,
    new_api_token,
)
from chalicelib.errors import InvalidToken

LARGEST = (1 << 256) - 1
DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
LENGTH = 53
secrets = st.integers(0, LARGEST)


def refused_as(text: str) -> str | None:
    try:
        check_api_token(text)
    except InvalidToken as error:
        return error.cause
    return None


@given(secrets)
@example(0)
@example(LARGEST)
def test_every_secret_makes_a_token_of_the_same_form(secret: int) -> None:
    token = api_token_of(secret)
    assert re.fullmatch(r"cvt_[0-9A-Za-z]{49}", token)
    assert refused_as(token) is None and looks_like_api_token(token)


def test_the_form_stays_what_it_was() -> None:
    # Tokens are out there: what was once made must be taken as long as it lives. The checksums were made with gzip.
    assert api_token_of(0) == "cvt_" + "0" * 43 + "3slZhs"
    assert api_token_of(LARGEST) == "cvt_yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp12Km8hw"
    assert hash_api_token("cvt_") == "70108ef5be1ab07cf0d93bcfb01aacc4e83b39d03a4ac220d9847a8bb0f8795c"


@given(secrets, secrets)
def test_two_secrets_never_make_the_same_token(one: int, other: int) -> None:
    assert (api_token_of(one) == api_token_of(other)) is (one == other)


def test_new_tokens_are_random_in_every_place() -> None:
    tokens = [new_api_token() for _ in range(2000)]
    assert len(set(tokens)) == len(tokens) and {len(token) for token in tokens} == {LENGTH}
    assert not any(map(refused_as, tokens))
    # 2 ** 256 ends within the last digits of the first place; in all others each digit is as likely as the next.
    assert all(len({token[place] for token in tokens}) == 62 for place in range(5, 47))
    assert len({token[4] for token in tokens}) > 55


@given(secrets, st.integers(0, LENGTH - 1), st.sampled_from(DIGITS) | st.characters())
def test_any_wrong_character_is_a_typo(secret: int, place: int, character: str) -> None:
    token = api_token_of(secret)
    assume(token[place] != character)
    assert refused_as(token[:place] + character + token[place + 1 :]) == "malformed"


@given(secrets, st.integers(0, LENGTH - 2))
def test_any_two_neighbours_that_changed_places_are_a_typo(secret: int, place: int) -> None:
    token = api_token_of(secret)
    assume(token[place] != token[place + 1])
    changed = token[:place] + token[place + 1] + token[place] + token[place + 2 :]
    assert refused_as(changed) == "malformed"


def test_in_one_token_every_typo_of_both_kinds_is_found() -> None:
    token = new_api_token()
    for place, right in enumerate(token):
        for wrong in DIGITS:
            assert wrong == right or refused_as(token[:place] + wrong + token[place + 1 :]) == "malformed"
    for place in range(LENGTH - 1):
        changed = token[:place] + token[place + 1] + token[place] + token[place + 2 :]
        assert changed == token or refused_as(changed) == "malformed"


@pytest.mark.no_cover
def test_neighbours_across_the_edge_of_the_checksum_never_pass_for_each_other() -> None:
    # The one place where a transposition changes what is checked and the checksum at once. The checksum's first digit
    # is 0 to 4 (2 ** 32 has no more), so the last digit of the secret must be, too: try enough of those.
    tried = 0
    for secret in range(40_000):
        token = api_token_of(secret)
        last, first = token[46], token[47]
        if last in "01234" and last != first:
            tried += 1
            assert refused_as(token[:46] + first + last + token[48:]) == "malformed"
    assert tried > 1000


@given(st.integers(LARGEST + 1, 62**43 - 1))
@example(LARGEST + 1)
@example(62**43 - 1)
def test_a_secret_of_more_than_256_bits_is_refused_whatever_its_checksum(secret: int) -> None:
    assert refused_as(api_token_of(secret)) == "malformed"


@pytest.mark.parametrize(
    "changed",
    [
        "{0}\n",
        " {0}",
        "{0}{0}",
        "{0}0",
        "CVT_{1}",
        "cvt-{1}",
        "{1}",
        "cvt_",
        "",
        "cvt_" + "0" * 49,
        "cvt_" + "\u0660" * 49,  # digits, to Unicode
        "cvt_" + "0" * 1_000_000,
        "\ud800",
    ],
)
def test_what_has_another_form_is_no_token(changed: str) -> None:
    token = new_api_token()
    assert refused_as(changed.format(token, token[4:])) == "malformed"


@given(st.text())
def test_any_text_is_judged_without_a_failure(text: str) -> None:
    assert refused_as(text) == refused_as(f"cvt_{text}") == "malformed"


def test_a_refusal_does_not_repeat_the_token() -> None:
    token = new_api_token()
    for wrong in (token[:-1], token[:10] + "!" + token[11:], token[:-1] + ("0" if token[-1] != "0" else "1")):
        with pytest.raises(InvalidToken) as refusal:
            check_api_token(wrong)
        assert wrong[4:12] not in refusal.value.message


@given(secrets)
def test_secret_scanners_find_a_token_in_any_text(secret: int) -> None:
    token = api_token_of(secret)
    for text in (token, f'TOKEN="{token}"', f"https://x/?t={token}&u=1", f"a {token}. b", f"x-{token}-y"):
        assert re.findall(SCANNER_PATTERN, text) == [token]
    for text in (f"{token}0", f"_{token}", token[:-1], token.upper()):
        assert re.findall(SCANNER_PATTERN, text) == []


def test_no_json_web_token_looks_like_an_api_token() -> None:
    assert not looks_like_api_token("eyJhbGciOiJSUzI1NiJ9.e30.c2ln")


def test_a_hash_is_of_the_whole_token_and_its_id_is_the_beginning() -> None:
    token = new_api_token()
    hashed = hash_api_token(token)
    assert re.fullmatch(r"[0-9a-f]{64}", hashed) and hashed == hash_api_token(token)
    assert hashed != hash_api_token(token[:-1])
    assert api_token_id(hashed) == hashed[:12]
