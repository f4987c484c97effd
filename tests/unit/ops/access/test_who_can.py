"""Who can have a role, from the policies alone."""

from pathlib import Path

from chalicelib.configuration.source import read_source
from ops.access.had import Had, had_by
from ops.access.who_can import Way, who_can
from testing.policies import HOME, configuration_directory
from tests.unit.chalicelib.ledger.ledger_world import session

POLICIES = f"""
@id("account") permit (principal in Account::"{HOME}", action, resource);
@id("users") permit (principal is IamUser in Account::"{HOME}", action, resource) when {{ context.duration <= 900 }};
@id("dev") permit (principal in OidcGroup::"okta:dev", action, resource in RoleGroup::"all");
@id("github") permit (principal, action, resource == Role::"reader")
when {{ principal is OidcSubject && principal.issuer == "github" }} unless {{ context.narrowed }};
@id("away") permit (principal is ServiceToken, action, resource) when {{ resource.account == "444455556666" }};
@id("no-users") forbid (principal is IamUser, action, resource == Role::"deep");
@id("short") forbid (principal is IamUser, action, resource) when {{ context.duration > 900 }};
@id("no-tokens") forbid (principal is ServiceToken, action, resource) unless {{ context.narrowed }};
"""


def ways(directory: Path, role: str, policies: str = POLICIES) -> dict[str, Way]:
    written = read_source(configuration_directory(directory, policies), False)
    found = written.configuration.catalog.find_role(role)
    assert found is not None
    return {way.name: way for way in who_can(written, found)}


def test_each_permit_that_may_apply_is_told_with_kinds_and_issuers(tmp_path: Path) -> None:
    found = ways(tmp_path, "reader")
    iam = ("IamUser", "IamRole", "FederatedUser")
    assert {name: (way.callers, way.kinds, way.issuers) for name, way in found.items()} == {
        "account": (f"IAM principals of account {HOME}", iam, ()),
        "users": (f"each IamUser among IAM principals of account {HOME}", ("IamUser",), ()),
        "github": ("everybody", ("OidcSubject",), ("github",)),
    }
    assert found["github"].conditions == (
        'when principal is OidcSubject && principal.issuer == "github"',
        "unless context.narrowed",
    )
    assert (found["users"].file, found["users"].line) == ("policies/a.cedar", 3)


def test_policies_in_audit_mode_give_nothing_and_take_nothing(tmp_path: Path) -> None:
    tried = POLICIES.replace('@id("users")', '@id("users") @mode("audit")')
    tried = tried.replace('@id("short")', '@id("short") @mode("audit")')
    found = ways(tmp_path, "writer", tried)
    assert set(found) == {"account", "dev"} and found["account"].cuts == ()


def test_a_permit_whose_conditions_leave_the_role_out_is_not_told(tmp_path: Path) -> None:
    assert set(ways(tmp_path, "deep")) == {"account", "users", "dev", "away"}
    assert set(ways(tmp_path, "writer")) == {"account", "users", "dev"}


def test_forbids_that_cut_a_permit_are_told_and_no_others(tmp_path: Path) -> None:
    found = ways(tmp_path, "deep")
    assert {name: [(cut.name, cut.always) for cut in way.cuts] for name, way in found.items()} == {
        "account": [("no-users", False), ("short", False)],
        "users": [("no-users", True)],
        "dev": [],
        "away": [("no-tokens", False)],
    }
    assert [name for name, way in found.items() if way.is_closed] == ["users"]
    assert found["away"].cuts[0].conditions == ("unless context.narrowed",)
    assert found["away"].cuts[0].callers == "each ServiceToken"


def test_what_was_had_is_counted_and_what_failed_is_not() -> None:
    entries = [
        session("1", 1000, caller="a"),
        session("2", 3000, caller="b"),
        session("3", 2000, caller="a"),
        session("4", 4000, caller="c", state="failed"),
    ]
    found = had_by(entries, lambda entry: entry.caller)
    assert found == [Had("b", 1, 3_000_000), Had("a", 2, 2_000_000)]
    assert found[1].last_asked == "1970-01-01T00:33:20.000Z"
