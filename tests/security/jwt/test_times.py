"""The claims `exp`, `iat` and `nbf`: tokens out of their time, and times that are no times."""

from typing import Final

import pytest

from testing.app import Json
from testing.tokens import ABSENT, document, honest_claims, sign
from tests.security.jwt.gate import Gate, each
from tests.security.jwt.issuers import key
from tests.security.jwt.tokens import Make, plain, soon, strict_claims


def text_of(values: Json, name: str, literal: str) -> bytes:
    """JSON in which a value stands as it is written here."""
    return document(values | {name: "@"}).replace(b'"@"', literal.encode())


def at(name: str, seconds: float) -> Make:
    """A token with a moment from now in one claim."""
    return lambda: plain(**{name: int(soon(seconds))})()


def literally(name: str, literal: str) -> Make:
    """A token with a claim written just so."""
    return lambda: sign(text_of(honest_claims(), name, literal), key())


TIMES: Final[dict[str, Make]] = {
    **{
        f"{name} {what}": literally(name, literal)
        for name in ("exp", "iat", "nbf")
        for what, literal in {
            "true": "true",
            "false": "false",
            "null": "null",
            "empty": '""',
            "a date": '"2999-01-01T00:00:00Z"',
            "a list": "[9999999999]",
            "an object": "{}",
            "without end": "1e400",
            "without start": "-1e400",
            "not a number": "NaN",
            "Infinity": "Infinity",
            "of 5000 digits": "1" * 5000,
            "in hexadecimal": "0xffffffff",
            "with a zero before it": "09999999999",
            "with a plus": "+9999999999",
        }.items()
    },
    "exp as text": lambda: plain(exp=str(int(soon(600))))(),
    "iat as text": lambda: plain(iat=str(int(soon(-1))))(),
    "nbf as text": lambda: plain(nbf=str(int(soon(-1))))(),
    "exp missing": plain(exp=ABSENT),
    "exp zero": plain(exp=0),
    "exp negative": plain(exp=-1),
    "exp far below": literally("exp", "-1e300"),
    "exp beyond the leeway": at("exp", -32),
    "exp an hour ago": at("exp", -3600),
    "exp in a fraction beyond the leeway": lambda: plain(exp=soon(-32) + 0.5)(),
    "exp in milliseconds": lambda: plain(exp=int(soon(600) * 1000))(),
    "exp in the year 10000": literally("exp", "253402300800"),
    "iat missing": plain(iat=ABSENT),
    "iat zero": plain(iat=0),
    "iat negative": plain(iat=-1),
    "iat far below": literally("iat", "-1e300"),
    "iat far above": literally("iat", "1e300"),
    "iat in the future": at("iat", 120),
    "iat next year": at("iat", 365 * 86_400),
    "iat in milliseconds": lambda: plain(iat=int(soon(0) * 1000))(),
    "iat older than a day": at("iat", -86_400 - 60),
    "iat a year ago": at("iat", -365 * 86_400),
    "nbf in the future": at("nbf", 120),
    "nbf far above": literally("nbf", "1e300"),
    "nbf in milliseconds": lambda: plain(nbf=int(soon(0) * 1000))(),
    "iat older than its issuer's tokens get": lambda: sign(strict_claims(iat=int(soon(-3600 - 120))), key()),
    "exp beyond its issuer's leeway": lambda: sign(strict_claims(exp=int(soon(-62))), key()),
}


@pytest.mark.parametrize("make", each(TIMES))
def test_a_token_out_of_its_time_is_refused(gate: Gate, make: Make) -> None:
    gate.assert_refused(make())


@pytest.mark.parametrize("exp", ["1e300", "1e15", "9" * 400, "253402300799.5", "18446744073709551616"])
def test_an_end_beyond_all_calendars_is_refused_and_breaks_nothing(gate: Gate, exp: str) -> None:
    record = gate.assert_turned_away(gate.present(literally("exp", exp)()), "")
    assert record["cause"] == "malformed" and "seconds since 1970" in str(record["error"])


def test_the_last_second_of_the_calendar_is_one(gate: Gate) -> None:
    """The token ends by its age."""
    assert gate.present(literally("exp", "253402300799")()).status == 200
    (record,) = gate.credvend.records()
    assert record["caller_token_expires"] == "9999-12-31T23:59:59Z"
