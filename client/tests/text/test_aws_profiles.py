"""Profiles are put into the text of ~/.aws/config, and nothing else of it changes."""

from __future__ import annotations

import configparser

import pytest

from credvend.errors import UsageError
from credvend.text.aws_profiles import Profile, begin, end, names_outside, with_profiles

OWN = b"[default]\nregion = eu-west-1\n\n# mine\n[profile other]\nregion=us-east-1\n"
PROFILES = (Profile("reports", ["/opt/credvend", "process", "reports"]),)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        OWN,
        OWN.rstrip(b"\n"),
        OWN + b"\n",
        OWN + b"\n\n\n",
        OWN.replace(b"\n", b"\r\n"),
        b"[default]\nname = caf\xe9 \xff\n",
        b"[default]\nx = a\x0cb\x1cc\xe2\x80\xa8d\n",
    ],
)
def test_the_rest_of_the_file_stays_byte_for_byte(content: bytes) -> None:
    new = with_profiles(content, PROFILES)
    assert new.startswith(content)
    assert with_profiles(new, PROFILES) == new
    removed = with_profiles(new, ())
    assert removed == content or (removed in (content + b"\n", content + b"\r\n") and not content.endswith(b"\n"))
    # However often it goes and comes, nothing piles up.
    again = with_profiles(removed, PROFILES)
    assert again == new and with_profiles(again, ()) == removed


def test_the_block_is_replaced_where_it_stands() -> None:
    new = with_profiles(OWN, PROFILES) + b"\n[profile after]\nregion = x\n"
    changed = with_profiles(new, (Profile("billing", ["credvend", "process", "billing"]),))
    assert changed == new.replace(b"reports", b"billing").replace(b"/opt/credvend", b"credvend")
    gone = with_profiles(changed, ())
    assert gone == OWN + b"\n[profile after]\nregion = x\n"


@pytest.mark.parametrize(
    "content",
    [
        f"{begin()}\n",
        f"{end()}\n",
        f"{end()}\n{begin()}\n",
        f"{begin()}\n{begin()}\n{end()}\n",
        f"{begin()}\n{end()}\n{begin()}\n{end()}\n",
    ],
)
def test_comments_that_are_not_one_pair_are_not_guessed_about(content: str) -> None:
    with pytest.raises(UsageError, match="not one pair"):
        with_profiles(content.encode(), PROFILES)


def test_a_file_without_profiles_to_write_is_not_changed() -> None:
    assert with_profiles(OWN, ()) == OWN


def test_profiles_of_others_are_known_however_they_are_written() -> None:
    content = b"[default]\n[profile a]\n[ profile  b ] # x\n[profile 'c d']\n[sso-session e]\n# [profile f]\n"
    assert names_outside(with_profiles(content, PROFILES)) == {"default", "a", "b", "c d"}


def test_a_command_with_blanks_is_quoted_as_sdks_split_it() -> None:
    content = with_profiles(
        b"", (Profile("a", ["/Program Files/credvend", "process", "a", "--reason", "on call; no#1"]),)
    )
    parsed = configparser.RawConfigParser()
    parsed.read_string(content.decode())
    line = parsed["profile a"]["credential_process"]
    assert line == '"/Program Files/credvend" process a --reason "on call; no#1"'


@pytest.mark.parametrize("word", ['a"b', "a'b", "a$b", "a`b", "a\\b", "a\nb", "fix #42", "x ; y"])
def test_what_sdks_read_differently_is_not_written(word: str) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        with_profiles(b"", (Profile("a", ["credvend", "process", "a", "--reason", word]),))
