import pytest

from chalicelib.aws.durations import parse_duration


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (1, 1),
        ("43200", 43_200),
        (900, 900),
        ("901", 901),
        ("900s", 900),
        ("15m", 900),
        ("1h", 3600),
        ("0h59m60s", 3600),
    ],
)
def test_a_duration_is_seconds_or_has_a_unit(written: int | str, seconds: int) -> None:
    assert parse_duration(written) == seconds


@pytest.mark.parametrize("written", ["", "m", "15 m", "1.5h", "-900", "+900", "0x384", "९००", "900\n", "1h 30m"])
def test_anything_else_is_told_how_to_write_it(written: str) -> None:
    with pytest.raises(ValueError, match="1h30m"):
        parse_duration(written)


@pytest.mark.parametrize(
    ("written", "limit"),
    [(0, "1 second"), ("0m", "1 second"), (-1, "1 second"), (43_201, "43200"), ("12h1s", "12h"), ("1d", "12h")],
)
def test_what_is_outside_the_bounds_names_the_bound(written: int | str, limit: str) -> None:
    with pytest.raises(ValueError, match=limit):
        parse_duration(written)
