"""What the service and the client must agree on. They are installed apart, so neither can import the other's."""

import json
from collections.abc import Callable, Mapping

import msgspec
import pytest
from credvend.commands.vend_arguments import PLAIN_ROLE
from credvend.net.request import Response
from credvend.text import shell_quoting
from credvend.vending.refusals import refusal
from hypothesis import example, given
from hypothesis.strategies import from_regex, text

from chalicelib.configuration.role_entry import RoleName
from chalicelib.errors import AccessDenied, InvalidRequest
from chalicelib.wire.formats.fish import fish_script
from chalicelib.wire.formats.ini_profile import ini_section
from chalicelib.wire.formats.posix_shell import posix_script
from chalicelib.wire.formats.powershell import powershell_script
from chalicelib.wire.vend_request import parse_vend_request
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


@given(from_regex(r"[A-Za-z0-9_.-]{1,70}", fullmatch=True) | text(max_size=3))
@example("a")
@example("9" * 64)
@example("9" * 65)
@example("A.b_c-D")
@example("-a")
@example("a\n")
def test_every_role_that_a_catalog_may_hold_can_be_asked_for_and_completed(name: str) -> None:
    assert (PLAIN_ROLE.fullmatch(name) is not None) == is_role_name(name)
    assert is_asked_for(name) or not is_role_name(name)


def test_the_client_says_its_own_command_where_the_service_says_its_routes() -> None:
    denied = AccessDenied()
    body = json.dumps({"Code": denied.code, "Message": denied.message}).encode()
    told = str(refusal(Response(denied.status, {}, body)))
    assert "`credvend roles` lists" in told
    assert "/v1/" in denied.message and "/v1/" not in told
