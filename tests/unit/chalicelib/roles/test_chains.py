"""Where sessions may go on to, by what the catalog says of each role on the way."""

from dataclasses import replace

from chalicelib.roles.catalog import NOWHERE
from chalicelib.roles.chains import chained_roles
from chalicelib.roles.role import Role


def role(arn: str, *onward: str) -> Role:
    return replace(NOWHERE, name=arn, arn=arn, chains_to=onward)


def test_a_role_that_goes_nowhere_has_none() -> None:
    assert chained_roles("a", [role("a"), role("b", "c")]) == chained_roles("gone", [role("a", "b")]) == ()


def test_each_role_on_the_way_goes_on_and_none_is_there_twice() -> None:
    assert chained_roles("a", [role("a", "b", "c"), role("b", "c", "d"), role("d", "e")]) == ("b", "c", "d", "e")


def test_a_circle_ends_and_holds_the_role_itself() -> None:
    assert chained_roles("a", [role("a", "b"), role("b", "a")]) == ("b", "a")


def test_of_a_role_that_is_there_twice_both_entries_count() -> None:
    assert chained_roles("a", [role("a", "b"), role("a", "c")]) == ("b", "c")
