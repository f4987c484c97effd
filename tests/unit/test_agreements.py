"""What the service and the client must agree on. They are installed apart, so neither can import the other's."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import click
import msgspec
import pytest
from credvend import lean
from credvend.commands.plain_role import PLAIN_ROLE
from credvend.errors import UsageError
from credvend.net.request import Response
from credvend.text import shell_quoting, tables
from credvend.vending.options import Options
from credvend.vending.refusals import refusal
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.strategies import from_regex, text

from chalicelib.aws.durations import MAXIMUM_SECONDS, SHORTEST_SECONDS, parse_duration
from chalicelib.configuration.issuers_file import check_issuers
from chalicelib.configuration.role_entry import RoleName
from chalicelib.errors import AccessDenied, ConfigError, InvalidRequest
from chalicelib.text import durations
from chalicelib.wire.formats.fish import fish_script
from chalicelib.wire.formats.ini_profile import ini_section
from chalicelib.wire.formats.posix_shell import posix_script
from chalicelib.wire.formats.powershell import powershell_script
from chalicelib.wire.vend_request import parse_vend_request
from ops.terminal.arguments import duration
from tests.unit.chalicelib.wire.formats.test_scripts import HARSH, VALUE

Write = Callable[[Mapping[str, str]], str]
WRITERS: dict[str, tuple[Write, Write]] = {
    "posix": (posix_script, shell_quoting.posix_lines),
    "fish": (fish_script, shell_quoting.fish_lines),
    "powershell": (powershell_script, shell_quoting.powershell_lines),
    "ini": (
        lambda variables: ini_section("a.profile", variables),
        lambda variables: shell_quoting.ini_section("a.profile", variables),
    ),
}
# What a profile can hold: the rest is refused there.
WORDS = [value for value in HARSH if value.isascii() and value.isprintable() and " " not in value]


def written(write: Write, value: str) -> str | None:
    """The lines for a value; None if it is refused."""
    try:
        return write({"AWS_SECRET_ACCESS_KEY": value, "AWS_SESSION_TOKEN": value + value})
    except ValueError:
        return None


@pytest.mark.parametrize("shell", WRITERS)
def test_service_and_client_write_every_value_alike(shell: str) -> None:
    service, client = WRITERS[shell]

    @given(VALUE)
    @example("".join(HARSH))
    @example("".join(WORDS))
    def alike(value: str) -> None:
        lines = written(client, value)
        # The client prints the last line break, and the service sends it.
        assert written(service, value) == (None if lines is None else lines + "\n")

    alike()
    assert all(written(client, value) is not None for value in WORDS)


def is_role_name(name: str) -> bool:
    """Whether a catalog may call a role so."""
    try:
        msgspec.convert(name, RoleName)
    except msgspec.ValidationError:
        return False
    return True


def is_asked_for(name: str) -> bool:
    """Whether the service takes a request for it."""
    try:
        return parse_vend_request(json.dumps({"role": name}).encode(), None).role == name
    except InvalidRequest:
        return False


@given(from_regex(r"[A-Za-z0-9_.-]{1,70}(@[A-Za-z0-9_.-]{1,70})?", fullmatch=True) | text(max_size=3))
@example("readonly@payments-prod")
@example("9" * 64 + "@" + "9" * 64)
@example("a@" + "9" * 65)
@example("a@b@c")
@example("a@")
@example("@a")
@example("a@-b")
@example("a")
@example("9" * 64)
@example("9" * 65)
@example("A.b_c-D")
@example("-a")
@example("a\n")
def test_every_role_that_a_catalog_may_hold_can_be_asked_for_and_completed(name: str) -> None:
    assert (PLAIN_ROLE.fullmatch(name) is not None) == is_role_name(name)
    assert is_asked_for(name) or not is_role_name(name)


# How a duration may be written, whoever reads it. None: nobody takes it.
DURATIONS = {
    "0": 0, "900": 900, "3600s": 3600, "90m": 5400, "1h": 3600, "1h30m": 5400, "1h30m15s": 5415, "0h90m": 5400,
    "1d": 86_400, "1d12h": 129_600, "007": 7, "2592000s": 2_592_000,
    "": None, "m": None, "1": 1, "15 m": None, "1h 30m": None, "1h30": None, "30m1h": None, "1h1h": None, "1.5h": None,
    "-900": None, "+900": None, "1H": None, "1w": None, "PT1H": None, "900\n": None, "\u096f00": None, "\u00b2m": None,
    "10000000": None, "10000000m": None, "1_000": None, "sm": None, "5ss": None,
}  # fmt: skip
PARTS = st.sampled_from([*"0159dhms", "12", "", " ", "\u0661"])


def in_a_file(written: str) -> int | None:
    return seconds_of(written) if re.match(durations.PATTERN, written) else None


def on_a_command_line(written: str) -> int | None:
    try:
        return duration(written)
    except click.BadParameter:
        # A number alone might be meant as days there.
        return int(written) if re.fullmatch("[0-9]{1,7}", written, re.ASCII) else None


def of_an_issuer(written: str) -> int | None:
    entry = {"name": "a", "issuer": "https://a.example", "audiences": ["a"], "max_age": written}
    try:
        return check_issuers(Path("issuers.yaml"), [entry], allow_loopback_http=False)[0].max_age
    except ConfigError as error:
        if "at most 30d" in str(error):
            return seconds_of(written)  # it was read, and is too long
        assert durations.MALFORMED in str(error)
        return None


def seconds_of(written: str) -> int | None:
    try:
        return durations.seconds_of(written)
    except ValueError:
        return None


READERS = (seconds_of, in_a_file, on_a_command_line, of_an_issuer, lean.seconds_of)


@pytest.mark.parametrize("written", DURATIONS)
def test_a_duration_means_the_same_to_whoever_reads_it(written: str) -> None:
    assert [read(written) for read in READERS] == [DURATIONS[written]] * len(READERS)


@given(st.lists(PARTS, max_size=6).map("".join))
def test_service_and_client_read_every_duration_alike(written: str) -> None:
    assert lean.seconds_of(written) == seconds_of(written) == in_a_file(written)


@given(st.integers(SHORTEST_SECONDS, MAXIMUM_SECONDS))
def test_a_duration_that_the_client_shows_can_be_asked_for(seconds: int) -> None:
    shown = tables.duration(seconds)
    assert lean.seconds_of(shown) == parse_duration(shown) == seconds
    asked = parse_vend_request(json.dumps({"role": "a", "duration": shown}).encode(), None)
    assert asked.duration == seconds


def test_the_client_believes_the_longest_session_that_the_service_makes() -> None:
    assert lean.LONGEST_LIFE == MAXIMUM_SECONDS


def test_the_client_refuses_a_duration_in_the_words_of_the_service() -> None:
    with pytest.raises(UsageError) as refused:
        Options(duration="1 hour")
    assert durations.MALFORMED.removeprefix("must be ").replace('"', "") in str(refused.value)


def test_the_client_says_its_own_command_where_the_service_says_its_routes() -> None:
    denied = AccessDenied()
    body = json.dumps({"Code": denied.code, "Message": denied.message}).encode()
    told = str(refusal(Response(denied.status, {}, body)))
    assert "`credvend roles` lists" in told
    assert "/v1/" in denied.message and "/v1/" not in told
