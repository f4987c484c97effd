"""Roles of many accounts, as callers meet them: vended by name and ARN, listed with the names of their accounts."""

import random
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

import app as app_module
from chalicelib.assembly import load_service
from chalicelib.callers.iam_user import IamUser
from chalicelib.configuration.catalog_file import read_catalog
from chalicelib.configuration.compile import compile_configuration
from chalicelib.configuration.configuration import Configuration
from chalicelib.configuration.load import load_configuration
from chalicelib.configuration.settings import Settings
from chalicelib.decisions.decision import Circumstances
from chalicelib.errors import ConfigError
from testing.app import ACCOUNT, CredvendApp, Json, write_config

ACCOUNTS = f"""accounts:
  - {{id: "{ACCOUNT}", name: payments-prod, groups: [payments, prod]}}
  - {{id: "444455556666", name: payments-dev, groups: [payments]}}
  - {{id: "777788889999", name: data, groups: [prod]}}
"""
ROLES = f"""roles:
  - {{name: readonly, role: credvend/readonly, accounts: all, groups: [readers], description: "In ${{account.name}}."}}
  - {{name: admin, role: admin, accounts: {{groups: [payments]}}, groups: [admins], require_reason: true}}
  - {{name: admin, role: admin, accounts: {{names: [data]}}, groups: [admins], max_duration: 15m}}
  - {{name: plain, arn: "arn:aws:iam::{ACCOUNT}:role/plain", groups: [readers]}}
  - name: tenant
    role: tenant
    accounts: {{groups: [payments]}}
    params: {{area: {{pattern: "[a-z]+", default: a, description: Where.}}}}
    policy:
      Version: "2012-10-17"
      Statement:
        - {{Effect: Allow, Action: "s3:GetObject", Resource: "arn:aws:s3:::x-${{account.id}}/${{params.area}}/*"}}
    tags: {{Account: "${{account.name}}"}}
"""
ALICE = f'principal == IamUser::"arn:aws:iam::{ACCOUNT}:user/alice"'
POLICIES = f"""
@id("payments") permit ({ALICE}, action, resource in AccountGroup::"payments");
@id("data") permit ({ALICE}, action, resource in Account::"777788889999") when {{ resource in RoleGroup::"readers" }};
"""
DEPLOYED = Settings("ap-northeast-2", deployed=True)


def config(directory: Path, roles: str = ROLES, policies: str = POLICIES) -> Path:
    written = write_config(directory / "config", roles, policies)
    (written / "accounts.yaml").write_text(ACCOUNTS)
    (written / "sessions.yaml").write_text("ledger: false\n")
    compile_configuration(written, allow_loopback_http=False)
    return written


@pytest.fixture(params=["written", "compiled"])
def app(
    request: pytest.FixtureRequest, credvend: CredvendApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> CredvendApp:
    """The app with that configuration, read as it is written, and as a deployed function reads it."""
    settings = DEPLOYED if request.param == "compiled" else Settings("ap-northeast-2")
    monkeypatch.setattr(app_module, "service", load_service(config(tmp_path / "own"), settings))
    return credvend


def listed(app: CredvendApp, **query: str) -> dict[str, Json]:
    answer = app.call("GET", "/v1/iam/roles", query=query or None)
    assert answer.status == 200, answer.text
    return {str(role["Role"]): role for role in cast(list[Json], answer.body["Roles"])}


PAYMENTS = ["readonly@payments-prod", "readonly@payments-dev", "admin@payments-prod", "admin@payments-dev", "plain"]
PAYMENTS += ["tenant@payments-prod", "tenant@payments-dev"]


def test_roles_are_listed_with_the_names_of_their_accounts(app: CredvendApp) -> None:
    roles = listed(app)
    assert sorted(roles) == sorted([*PAYMENTS, "readonly@data"])
    one = roles["readonly@data"]
    assert (one["AccountName"], one["RoleArn"]) == ("data", "arn:aws:iam::777788889999:role/credvend/readonly")
    assert one["Description"] == "In data." and roles["plain"]["AccountName"] == "payments-prod"


@pytest.mark.parametrize("account", ["444455556666", "payments-dev"])
def test_those_of_one_account_are_listed_by_its_id_and_its_name(app: CredvendApp, account: str) -> None:
    assert sorted(listed(app, account=account)) == sorted(name for name in PAYMENTS if name.endswith("@payments-dev"))
    (record,) = [one for one in app.records() if one["event"] == "roles.listed"]
    assert record["listed_account"] == account


@pytest.mark.parametrize("account", ["payments", "999988887777", "nobody"])
def test_of_an_account_that_there_is_not_there_are_no_roles(app: CredvendApp, account: str) -> None:
    assert listed(app, account=account) == {}


@pytest.mark.parametrize("query", [{"account": ""}, {"account": "a b"}, {"account": "x" * 65}, {"accounts": "data"}])
def test_a_query_that_means_nothing_is_refused(app: CredvendApp, query: dict[str, str]) -> None:
    answer = app.call("GET", "/v1/iam/roles", query=query)
    assert answer.status == 400 and ("account" in str(answer.body["Message"]) or "accounts" in answer.text)


@pytest.mark.parametrize("asked", ["readonly@data", "arn:aws:iam::777788889999:role/credvend/readonly"])
def test_a_role_is_vended_by_its_name_and_by_its_arn(app: CredvendApp, asked: str) -> None:
    answer = app.vend({"role": asked})
    assert answer.status == 200, answer.text
    assert answer.body["Role"] == "readonly@data"
    (request,) = app.sts.asked
    assert request["RoleArn"] == "arn:aws:iam::777788889999:role/credvend/readonly"
    assert app.records()[-1]["role"] == "readonly@data"


def test_what_an_entry_says_of_each_account_is_that_of_the_account(app: CredvendApp) -> None:
    plan = app.vend({"role": "tenant@payments-dev", "dry_run": True, "params": {"area": "b"}}).body
    assert "arn:aws:s3:::x-444455556666/b/*" in str(plan["Policy"])
    assert cast(Json, plan["Tags"])["Account"] == "payments-dev"


@pytest.mark.parametrize("asked", ["admin@data", "readonly", "readonly@", "readonly@777788889999", "x@data", "a@b@c"])
def test_what_is_not_permitted_and_what_is_not_there_are_denied_alike(app: CredvendApp, asked: str) -> None:
    answer = app.vend({"role": asked})
    assert answer.status in (400, 403) and (answer.status == 403 or "name of a role" in answer.text)


def by_hand(directory: Path) -> str:
    """The same roles, one by one."""
    tenant = ROLES.partition("  - name: tenant")[2]
    lines = []
    for role in read_catalog(config(directory) / "roles.yaml").roles:
        if not role.name.startswith("tenant"):
            lines.append(
                f"  - {{name: '{role.name}', arn: '{role.arn}', groups: [{', '.join(role.groups)}], "
                f"description: '{role.description}', max_duration: {role.max_duration}, "
                f"require_reason: {str(role.require_reason).lower()}}}\n"
            )
            continue
        rest = tenant.partition("params:")[2].replace("${account.id}", role.account)
        rest = rest.replace("${account.name}", role.account_name)
        lines.append(f"  - name: '{role.name}'\n    arn: {role.arn}\n    params:{rest}")
    return "roles:\n" + "".join(lines)


def decided_by(directory: Path, roles: str, policies: str) -> Configuration | list[str]:
    """The configuration that a function would have; or what is wrong with it."""
    try:
        return load_configuration(config(directory, roles, policies), DEPLOYED)
    except ConfigError as error:
        return error.problems


SCOPES = [
    "resource",
    'resource in AccountGroup::"prod"',
    'resource in AccountGroup::"payments"',
    'resource in Account::"444455556666"',
    'resource in RoleGroup::"admins"',
    'resource == Role::"readonly@data"',
]
CONDITIONS = [
    "true",
    'resource.account_name like "payments-*"',
    'resource in Account::"777788889999"',
    'resource in AccountGroup::"prod" && context.duration <= 900',
    'resource.account == "444455556666"',
    'Role::"admin@payments-dev" in AccountGroup::"payments"',
]


@pytest.mark.parametrize("seed", range(12))
def test_an_expanded_catalog_decides_as_one_that_is_written_by_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    rng = random.Random(f"credvend {seed}")  # noqa: S311 no secret
    policies = "\n".join(
        f'@id("p{n}") {rng.choice(("permit", "permit", "forbid"))} ({ALICE}, action, {rng.choice(SCOPES)}) '
        f"{rng.choice(('when', 'unless'))} {{ {rng.choice(CONDITIONS)} }};"
        for n in range(rng.randrange(1, 5))
    ).replace("unless { true }", "")
    short = decided_by(tmp_path / "short", ROLES, policies)
    long = decided_by(tmp_path / "long", by_hand(tmp_path / "hand"), policies)
    if isinstance(short, list) or isinstance(long, list):
        assert short == long
        return
    alice = IamUser("aws", ACCOUNT, "/", "alice", "AIDAALICE")
    noon = datetime(2026, 3, 4, 12, tzinfo=UTC)
    assert short.catalog.roles == long.catalog.roles
    for role in short.catalog.roles:
        for catalog in (short.catalog, long.catalog):
            assert catalog.find_role(role.name) == catalog.find_role(role.arn) == role
        for duration in (900, 3600):
            asked = Circumstances(duration, "198.51.100.7", False, noon)
            assert short.authorizer.decide(alice, role, asked) == long.authorizer.decide(alice, role, asked), policies
    for account in ("777788889999", "payments-prod", "nobody"):
        assert short.catalog.roles_in(account) == long.catalog.roles_in(account)
    some, same = (one.authorizer.permitted(alice, one.catalog.roles, "::1", noon) for one in (short, long))
    assert some == same, policies
    # A list is what decisions one by one are, and however many are decided at once.
    monkeypatch.setattr("chalicelib.decisions.authorizer._AT_ONCE", 2)
    assert some == short.authorizer.permitted(alice, short.catalog.roles, "::1", noon)
    listed = {one.role.name: one.longest_duration for one in some}
    for role in short.catalog.roles:
        reason = "a reason" if role.require_reason else None
        asked = Circumstances(
            listed.get(role.name, 900), "::1", reason is not None, noon, reason, role.session_rules.defaults
        )
        assert short.authorizer.decide(alice, role, asked).allowed is (role.name in listed), (role.name, policies)
