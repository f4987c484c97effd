"""The service and the client write the same scripts. They are installed apart, so neither can import the other's."""

from collections.abc import Callable, Mapping

import pytest
from credvend.text import shell_quoting
from hypothesis import example, given

from chalicelib.wire.formats.fish import fish_script
from chalicelib.wire.formats.ini_profile import ini_section
from chalicelib.wire.formats.posix_shell import posix_script
from chalicelib.wire.formats.powershell import powershell_script
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
