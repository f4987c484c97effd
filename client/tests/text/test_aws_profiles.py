"""Profiles are put into the text of ~/.aws/config, and nothing else of it changes."""

from __future__ import annotations

import configparser
import re

import pytest

from credvend.errors import UsageError
from credvend.text.aws_config import problem
from credvend.text.aws_profiles import (
    Profile,
    begin,
    difference,
    end,
    names_outside,
    regions_inside,
    with_profiles,
)

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


def parsed(content: bytes) -> dict[str, dict[str, str]]:
    """What the aws command reads."""
    assert problem(content) is None
    parser = configparser.RawConfigParser()
    parser.read_string(content.decode())
    return {name: dict(parser[name]) for name in parser.sections()}


def some(*names: str, region: str | None = None) -> list[Profile]:
    return [Profile(name, ["/opt/credvend", "process", name], region) for name in names]


def test_a_profile_has_its_region() -> None:
    found = parsed(with_profiles(OWN, [*some("a", region="eu-west-1"), *some("b")]))
    assert found["profile a"]["region"] == "eu-west-1" and "region" not in found["profile b"]


# What `aws configure set` leaves: it puts a setting two lines behind the last one of a section that ends the file, and
# behind whatever looks like a setting, comments included.
STRAYS = b"output = json\ns3 =\n    addressing_style = path\n"


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_what_others_set_behind_the_last_profile_stays_that_profiles(ending: bytes) -> None:
    written = with_profiles(OWN, some("a", "b", region="eu-west-1")).replace(b"\n", ending)
    strays = STRAYS.replace(b"\n", ending)
    for content in (
        written + strays,
        written + b"# mine" + ending + strays + b"[profile after]" + ending,
        written.replace(ending + end().encode(), strays + end().encode()),
        written.replace(ending + ending + end().encode(), ending + end().encode()) + strays,
    ):
        found = parsed(content)
        assert found["profile b"]["output"] == "json"
        # Another profile is the last one now, and is not given them.
        more = with_profiles(content, some("a", "b", "c", region="eu-west-1"))
        assert parsed(more) == {**found, "profile c": parsed(more)["profile c"]}
        assert set(parsed(more)["profile c"]) == {"credential_process", "region"}
        assert with_profiles(more, some("a", "b", "c", region="eu-west-1")) == more
        # And they go with the profile, wherever they stand.
        gone = with_profiles(content, ())
        assert parsed(gone) == {name: value for name, value in found.items() if name not in ("profile a", "profile b")}
        assert "profile b" not in parsed(with_profiles(content, some("a")))


def test_what_others_set_in_a_profile_stays_and_the_command_and_region_are_ours() -> None:
    written = with_profiles(OWN, some("a", "b", region="eu-west-1"))
    changed = written.replace(b"[profile a]\n", b"[profile a]\nretry_mode = standard\n# why\n" + STRAYS)
    changed = changed.replace(b"region = eu-west-1\n[profile b]", b"region = us-east-1 # moved\n[profile b]")
    assert regions_inside(changed) == {"a": "us-east-1", "b": "eu-west-1"}
    found = parsed(with_profiles(changed, some("a", "b", region="eu-north-1")))
    assert found["profile a"] == {
        "credential_process": "/opt/credvend process a",
        "region": "eu-north-1",
        "retry_mode": "standard",
        "output": "json",
        "s3": "\naddressing_style = path",
    }
    assert found["profile b"]["region"] == "eu-north-1" and b"# why" in with_profiles(changed, some("a"))


def test_a_setting_that_others_made_twice_is_written_once() -> None:
    written = with_profiles(OWN, some("a"))
    changed = written.replace(
        b"\n\n" + end().encode(),
        b"\noutput = json\n[profile 'a']\ncredential_process = credvend process a\noutput = text\ncolor = x\n"
        + end().encode(),
    )
    changed += b"output = table\n"
    found = parsed(with_profiles(changed, some("a")))["profile a"]
    assert (found["output"], found["color"]) == ("json", "x")


def test_what_was_set_above_our_first_profile_stays_in_the_section_before() -> None:
    written = with_profiles(OWN, some("a"))
    changed = written.replace(begin().encode() + b"\n", begin().encode() + b"\n" + STRAYS)
    found = parsed(changed)
    assert found["profile other"]["output"] == "json"
    assert parsed(with_profiles(changed, some("a"))) == found
    assert parsed(with_profiles(changed, ())) == {name: found[name] for name in ("default", "profile other")}


def test_a_section_that_others_wrote_within_the_comments_stays_theirs() -> None:
    theirs = b"[profile mine]\nrole_arn = x\n[sso-session s]\nsso_region = y\n"
    changed = with_profiles(OWN, some("a")).replace(b"[profile a]", theirs + b"[profile a]")
    assert "mine" in names_outside(changed) and "a" not in names_outside(changed)
    for profiles in (some("a"), some("b"), ()):
        found = parsed(with_profiles(changed, profiles))
        assert (found["profile mine"], found["sso-session s"]) == ({"role_arn": "x"}, {"sso_region": "y"})


def test_profiles_of_services_are_apart() -> None:
    both = with_profiles(with_profiles(OWN, some("a")), some("prod-a"), "prod")
    assert names_outside(both) == {"default", "other", "prod-a"}
    assert names_outside(both, "prod") == {"default", "other", "a"}
    changed = parsed(with_profiles(both + b"output = json\n", some("b")))
    assert set(changed) == {"default", "profile other", "profile b", "profile prod-a"}
    assert changed["profile prod-a"]["output"] == "json"
    gone = with_profiles(both, (), "prod")
    assert parsed(gone) == parsed(with_profiles(OWN, some("a"))) and with_profiles(gone, ()) == OWN
    for broken in (both.replace(end("prod").encode(), b""), both.replace(begin("prod").encode(), begin().encode())):
        with pytest.raises(UsageError, match="not one pair"):
            with_profiles(broken, some("a"))


def test_no_comment_of_ours_looks_like_a_setting_to_the_aws_command() -> None:
    assert not re.search("[:=]", begin() + end() + begin("prod") + end("prod"))


def test_the_preview_shows_no_value_of_others() -> None:
    old = with_profiles(OWN, some("a", "b")) + b"aws_secret_access_key = of-somebody\n"
    shown = difference("config", old, with_profiles(old, some("a", "b", "c", region="eu-west-1")))
    assert "of-somebody" not in shown and "+aws_secret_access_key = ..." in shown and "+region = eu-west-1" in shown
