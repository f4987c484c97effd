"""What policies in audit mode would do is on record, and done to nobody."""

from pathlib import Path

import pytest

import app as app_module
from chalicelib.assembly import load_service
from chalicelib.configuration.settings import Settings
from testing.app import POLICIES, ROLES, CredvendApp, write_config
from testing.cedar import Asked
from testing.events import iam_user

TRIED = """
@id("no-brief") @mode("audit") forbid (principal, action, resource == Role::"brief");
@id("all-forbidden") @mode("audit") permit (principal, action, resource == Role::"forbidden");
@id("everything") @mode("audit") permit (principal is IamUser, action, resource) when { context.duration == 1000 };
"""


@pytest.fixture
def trying(credvend: CredvendApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CredvendApp:
    """The app with some policies in audit mode."""
    config = write_config(tmp_path, ROLES, POLICIES + TRIED)
    monkeypatch.setattr(app_module, "service", load_service(config, Settings("eu-west-1")))
    return credvend


def test_a_forbid_in_audit_mode_denies_nobody_and_is_on_record(trying: CredvendApp) -> None:
    assert trying.vend({"role": "brief"}).status == 200
    for record in trying.records():
        assert (record["decision"], record["would_be"]) == ("allow", "deny")
        assert (record["policies"], record["audit_policies"]) == (["alice-may-use-open-roles"], ["no-brief"])


def test_a_permit_in_audit_mode_lets_nobody_in_and_is_on_record(trying: CredvendApp) -> None:
    assert trying.vend({"role": "forbidden"}).status == 403
    (record,) = trying.records()
    assert (record["decision"], record["would_be"]) == ("deny", "allow")
    assert (record["policies"], record["audit_policies"]) == ([], ["all-forbidden"])
    assert record["near_permits"] == {"resource": ["alice-may-use-open-roles"]}
    assert not trying.sts.asked


def test_where_none_of_them_applies_the_record_says_nothing_of_them(trying: CredvendApp) -> None:
    assert trying.vend({"role": "reader"}).status == 200
    assert all(not {"would_be", "audit_policies", "audit_errors"} & record.keys() for record in trying.records())


def test_a_role_that_there_is_not_would_be_had_by_no_policy(trying: CredvendApp) -> None:
    assert trying.vend({"role": "nobody", "duration": 1000}).status == 403
    (record,) = trying.records()
    assert "would_be" not in record


def test_the_list_of_roles_and_dry_runs_know_of_enforced_policies_alone(trying: CredvendApp) -> None:
    listed = trying.call("GET", "/v1/iam/roles").body["Roles"]
    assert isinstance(listed, list)
    names = {role["Role"] for role in listed}
    assert "brief" in names and "forbidden" not in names
    assert trying.vend({"role": "brief", "dry_run": True}).body["Policies"] == ["alice-may-use-open-roles"]
    bob = trying.call("GET", "/v1/iam/roles", identity=iam_user("bob"))
    assert bob.body["Roles"] == []


@pytest.mark.parametrize(("tried", "decisions"), [("", 1), (TRIED, 2)])
def test_a_vend_takes_one_decision_more_where_there_are_some_and_none_where_there_are_none(
    credvend: CredvendApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: Asked, tried: str, decisions: int
) -> None:
    config = write_config(tmp_path, ROLES, POLICIES + tried)
    monkeypatch.setattr(app_module, "service", load_service(config, Settings("eu-west-1")))
    asked.requests.clear()
    assert credvend.vend({"role": "brief"}).status == 200
    assert asked.requests == [1] * decisions
