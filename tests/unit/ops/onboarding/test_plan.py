"""What target roles look like: their trust is what the function, the revoker and other roles ask for, and no more."""

import json
from pathlib import Path
from typing import cast

import pytest

from chalicelib.configuration.session_settings import SessionSettings
from ops.documents.json_object import Json
from ops.environments import ROOT
from ops.errors import OperationFailed
from ops.iam.statements import trust_statement, trust_statements
from ops.onboarding.cloudformation import cloudformation_template
from ops.onboarding.iam_role import IamRole
from ops.onboarding.plan import CHAINS_POLICY, OPERATOR_POLICY, Plan
from ops.onboarding.service import deployed_service, service_to_be
from ops.onboarding.terraform import terraform_module
from ops.onboarding.wanted import ManagedPolicy, Wanted, managed_policy
from testing.made_roles import made_by_cloudformation, made_by_terraform
from tests.unit.ops.onboarding.catalogs import AWAY, FAR, HOME, ROLES, SERVICE, SETTINGS, as_made, catalog, plan

OTHER = "888899990000"
FUNCTION, REVOKER = SERVICE.function_role_arn, SERVICE.revoker_role_arn
READONLY, DEPLOY = f"arn:aws:iam::{AWAY}:role/credvend/readonly", f"arn:aws:iam::{AWAY}:role/credvend/deploy"
OPERATOR = f"arn:aws:iam::{AWAY}:role/security/credvend-operator"


@pytest.fixture
def whole(tmp_path: Path) -> Plan:
    return plan(catalog(tmp_path))


def statements(document: object) -> list[Json]:
    """Those of a policy document."""
    return cast(list[Json], cast(Json, document)["Statement"])


def roles(found: Plan) -> dict[str, IamRole]:
    return {one.name: one for account in found.accounts for one in account.every}


def test_the_roles_of_credvend_are_called_as_the_template_calls_them() -> None:
    resources = json.loads((ROOT / ".chalice/template.json").read_text())["Resources"]
    values = {"${AWS::StackName}": "credvend-prod", "${AWS::Region}": "eu-west-1"}
    for resource, arn in (("ApiHandlerRole", FUNCTION), ("RevokerRole", REVOKER)):
        name = resources[resource]["Properties"]["RoleName"]["Fn::Sub"]
        for placeholder, value in values.items():
            name = name.replace(placeholder, value)
        assert arn == f"arn:aws:iam::{HOME}:role/{name}"
    assert deployed_service(FUNCTION, REVOKER) == SERVICE


def test_a_role_lets_credvend_in_as_it_is_told_to_ask_and_demands_its_external_id(whole: Plan) -> None:
    trust = statements(roles(whole)["readonly"].trust)
    probe = trust_statements(REVOKER, "shared:id", ("sts:AssumeRole", "sts:TagSession"))
    assert trust == [*trust_statements(FUNCTION, "shared:id"), *probe]


def test_a_role_whose_sessions_have_no_tags_or_source_identity_does_not_allow_them(whole: Plan) -> None:
    (assume,) = trust_statements(FUNCTION, "x1", ("sts:AssumeRole",))
    assert statements(roles(whole)["Plain_1"].trust) == [assume]
    assert assume["Action"] == "sts:AssumeRole"
    actions = statements(roles(whole)["deploy"].trust)[0]["Action"]
    assert actions == ["sts:AssumeRole", "sts:TagSession"]


def test_a_role_lets_in_the_roles_that_chain_to_it_with_what_their_sessions_carry(whole: Plan) -> None:
    _, chained = statements(roles(whole)["deploy"].trust)
    assert chained == trust_statement(READONLY)
    (may,) = statements(roles(whole)["readonly"].inline[CHAINS_POLICY])
    assert may["Action"] == ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"]
    assert may["Resource"] == [DEPLOY, f"arn:aws:iam::{FAR}:role/far"]


def test_roles_that_are_not_made_here_are_named_with_the_statement_that_they_need(tmp_path: Path) -> None:
    found = catalog(tmp_path)
    assert plan(found).elsewhere == {f"arn:aws:iam::{FAR}:role/far": (trust_statement(READONLY),)}
    # One that another run makes needs it as well, if it is there already.
    assert set(plan(found, Wanted(roles=("readonly",))).elsewhere) == {DEPLOY, f"arn:aws:iam::{FAR}:role/far"}
    assert plan(found, Wanted(roles=("home",))).elsewhere == {}


def test_the_operator_role_may_change_the_accounts_roles_and_never_itself(whole: Plan) -> None:
    operator = roles(whole)["credvend-operator"]
    assert operator.arn == OPERATOR and operator.path == "/security/"
    assert statements(operator.trust) == trust_statements(REVOKER, None, ("sts:AssumeRole", "sts:SetSourceIdentity"))
    write, never = statements(operator.inline[OPERATOR_POLICY])
    assert write["Resource"] == sorted([DEPLOY, READONLY, f"arn:aws:iam::{AWAY}:role/Plain_1"])
    # As docs/sessions.md tells those who make it by hand.
    told = (ROOT / "docs/sessions.md").read_text()
    actions = cast(list[str], write["Action"])
    assert all(f"`{action}`" in told for action in actions) and len(actions) == 4
    assert (never["Effect"], never["Resource"]) == ("Deny", [OPERATOR])


def test_a_path_stands_for_the_roles_below_it_and_not_for_the_operator_role(tmp_path: Path) -> None:
    found = plan(catalog(tmp_path, "role_path: /credvend/\n" + ROLES))
    write, never = statements(roles(found)["credvend-operator"].inline[OPERATOR_POLICY])
    assert write["Resource"] == [f"arn:aws:iam::{AWAY}:role/Plain_1", f"arn:aws:iam::{AWAY}:role/credvend/*"]
    assert never["Action"] == ["iam:DeleteRolePolicy", "iam:PutRolePolicy"]


def test_the_operator_role_is_made_for_whole_accounts_other_than_credvends_own(tmp_path: Path) -> None:
    found = catalog(tmp_path)

    def made(wanted: Wanted, settings: SessionSettings = SETTINGS) -> set[str]:
        return {one.operator.arn for one in plan(found, wanted, settings).accounts if one.operator is not None}

    assert made(Wanted()) == made(Wanted(accounts=(AWAY, HOME))) == {OPERATOR}
    assert made(Wanted(accounts=(HOME,))) == made(Wanted(roles=("deploy",))) == set()
    assert made(Wanted(roles=("deploy",), operator=True)) == {OPERATOR}
    assert made(Wanted(operator=False)) == made(Wanted(), SessionSettings()) == set()
    assert made(Wanted(), SETTINGS._replace(ledger=False)) == set()


MANY = f"""
roles:
  - name: readonly
    role: credvend/readonly
    accounts: {{groups: [payments]}}
    external_id: credvend-${{account.id}}
    description: Reads all of ${{account.id}}.
    chains_to: ["arn:aws:iam::${{account.id}}:role/credvend/deploy"]
  - {{name: deploy, role: credvend/deploy, accounts: {{names: [payments-dev, payments-prod, tools]}}}}
  - {{name: alone, arn: "arn:aws:iam::{FAR}:role/alone"}}
"""
ACCOUNTS = f"""
accounts:
  - {{id: "{AWAY}", name: payments-dev, groups: [payments]}}
  - {{id: "{OTHER}", name: payments-prod, groups: [payments, prod]}}
  - {{id: "{FAR}", name: tools}}
"""


def test_roles_of_many_accounts_are_chosen_by_name_account_or_group(tmp_path: Path) -> None:
    (tmp_path / "accounts.yaml").write_text(ACCOUNTS)
    found = catalog(tmp_path, MANY)

    def made(roles: tuple[str, ...] = (), accounts: tuple[str, ...] = (), groups: tuple[str, ...] = ()) -> list[str]:
        planned = plan(found, Wanted(roles, accounts, groups)).accounts
        return [role.arn.partition("iam::")[2] for one in planned for role in one.roles]

    everywhere = [f"{account}:role/credvend/readonly" for account in sorted([AWAY, OTHER])]
    assert made(roles=("readonly",)) == everywhere
    one_and_alone = [f"{FAR}:role/alone", f"{OTHER}:role/credvend/readonly"]
    assert made(roles=("readonly@payments-prod", "alone")) == one_and_alone
    assert made(accounts=("tools",)) == made(accounts=(FAR,)) == [f"{FAR}:role/credvend/deploy", f"{FAR}:role/alone"]
    assert made(groups=("prod",)) == [f"{OTHER}:role/credvend/{name}" for name in ("readonly", "deploy")]
    assert len(made()) == 6
    with pytest.raises(OperationFailed, match="no role of account 'payments-prd'; did you mean payments-prod"):
        plan(found, Wanted(accounts=("payments-prd",)))
    with pytest.raises(OperationFailed, match="no role of account group 'test': it has payments, prod"):
        plan(found, Wanted(groups=("test",)))


def test_policies_may_be_for_the_roles_of_many_accounts(tmp_path: Path) -> None:
    (tmp_path / "accounts.yaml").write_text(ACCOUNTS)
    managed = (managed_policy("readonly=team/reads"), managed_policy("deploy@tools=deploys"), managed_policy("all"))
    accounts = plan(catalog(tmp_path, MANY), Wanted(managed=managed)).accounts
    policies = {
        role.arn: [arn.partition(":policy/")[2] for arn in role.managed] for one in accounts for role in one.roles
    }
    assert policies[f"arn:aws:iam::{AWAY}:role/credvend/readonly"] == ["team/reads", "all"]
    assert policies[f"arn:aws:iam::{AWAY}:role/credvend/deploy"] == ["all"]
    assert policies[f"arn:aws:iam::{FAR}:role/credvend/deploy"] == ["deploys", "all"]
    assert managed_policy("arn:aws:iam::aws:policy/a=b") == ManagedPolicy("arn:aws:iam::aws:policy/a=b")


def test_accounts_with_the_same_roles_have_the_same_files(tmp_path: Path) -> None:
    (tmp_path / "accounts.yaml").write_text(ACCOUNTS)
    one, other = plan(catalog(tmp_path, MANY), Wanted(groups=("payments",))).accounts
    assert cloudformation_template(one, SERVICE) == cloudformation_template(other, SERVICE)
    assert terraform_module(one, SERVICE) == terraform_module(other, SERVICE)
    for roles_ in (one, other):
        planned = [as_made(role) for role in roles_.every]
        assert made_by_cloudformation(cloudformation_template(roles_, SERVICE), roles_.account) == planned
        assert made_by_terraform(terraform_module(roles_, SERVICE), roles_.account) == planned


def test_without_a_ledger_nothing_lets_the_revoker_in(tmp_path: Path) -> None:
    assert REVOKER not in str(plan(catalog(tmp_path), settings=SETTINGS._replace(ledger=False)))


def test_who_onboards_is_told_what_is_missing(tmp_path: Path) -> None:
    found = catalog(tmp_path)
    every = Wanted(managed=(ManagedPolicy("team/rights"),))
    assert plan(found, every).notes == ()
    (rights,) = plan(found).notes
    assert "readonly, deploy, plain" in rights and "--managed-policy" in rights
    (operator,) = plan(found, every, SessionSettings()).notes
    assert "set `operator_role` in sessions.yaml" in operator and HOME not in operator
    (left_out,) = plan(found, Wanted(roles=("plain",), managed=every.managed)).notes
    assert f"credvend-admin onboard --account {AWAY}" in left_out
    assert plan(found, Wanted(managed=every.managed, operator=False)).notes == ()


def test_policies_are_of_aws_or_of_the_roles_own_account_and_may_be_for_one_role(tmp_path: Path) -> None:
    found = catalog(tmp_path)
    aws, own = "arn:aws:iam::aws:policy/ReadOnlyAccess", f"arn:aws:iam::{AWAY}:policy/deploys"
    wanted = Wanted(
        managed=(ManagedPolicy(aws), ManagedPolicy(own, "deploy"), ManagedPolicy(aws)),
        boundary=ManagedPolicy("team/boundary"),
        operator_boundary=ManagedPolicy("operators"),
    )
    made = roles(plan(found, wanted))
    assert made["deploy"].managed == (aws, own) and made["readonly"].managed == (aws,)
    assert made["home"].boundary == f"arn:aws:iam::{HOME}:policy/team/boundary"
    operator = made["credvend-operator"]
    assert operator.boundary == f"arn:aws:iam::{AWAY}:policy/operators" and operator.managed == ()
    for policy in (own, "arn:aws-cn:iam::aws:policy/ReadOnlyAccess"):
        with pytest.raises(OperationFailed, match="cannot have"):
            plan(found, Wanted(roles=("home",), managed=(ManagedPolicy(policy),)))
    with pytest.raises(OperationFailed, match="no role 'deplo'; did you mean deploy"):
        plan(found, Wanted(managed=(ManagedPolicy(own, "deplo"),)))
    with pytest.raises(OperationFailed, match="21 managed policies"):
        plan(found, Wanted(managed=tuple(ManagedPolicy(f"p{n}") for n in range(21))))
    many = Wanted(roles=("home",), managed=tuple(ManagedPolicy(f"p{n}") for n in range(11)))
    assert "quota of 10 raised" in plan(found, many).notes[0]


def test_what_there_is_not_is_said_with_what_there_is(tmp_path: Path) -> None:
    found = catalog(tmp_path)
    with pytest.raises(OperationFailed, match="no role 'readonyl'; did you mean readonly"):
        plan(found, Wanted(roles=("readonyl",)))
    with pytest.raises(OperationFailed, match=f"no role of account '{FAR}': it has {HOME}, {AWAY}"):
        plan(found, Wanted(accounts=(FAR,)))
    with pytest.raises(OperationFailed, match=r"roles\.yaml has no roles"):
        plan(catalog(tmp_path, "roles: []"))
    with pytest.raises(OperationFailed, match="of partition aws, and credvend of aws-cn"):
        plan(found, service=service_to_be("aws-cn", HOME, "prod", "cn-north-1"))


def test_what_iam_would_not_take_is_refused_before_it_is_written(tmp_path: Path) -> None:
    long = "x" * 1_000
    twice = f"""
roles:
  - {{name: a, arn: "arn:aws:iam::{AWAY}:role/one/Reader"}}
  - {{name: b, arn: "arn:aws:iam::{AWAY}:role/two/reader"}}
"""
    with pytest.raises(OperationFailed, match="apart by name alone"):
        plan(catalog(tmp_path, twice))
    role = f'{{name: a, arn: "arn:aws:iam::{AWAY}:role/a", external_id: {long}, probe: "ec2:DescribeInstances"}}'
    found = plan(catalog(tmp_path, f"roles: [{role}]"), Wanted(managed=(ManagedPolicy("p"),)))
    assert "The trust policy of role a has 2,9" in found.notes[0] and "2,048 raised" in found.notes[0]
    chains = "".join(
        f'  - {{name: r{n}, arn: "arn:aws:iam::{AWAY}:role/r{n}", chains_to: ["arn:aws:iam::{AWAY}:role/a"]}}\n'
        for n in range(20)
    )
    with pytest.raises(OperationFailed, match=r"trust policy of role a would have .* where the quota was raised"):
        plan(catalog(tmp_path, f"roles:\n  - {role}\n{chains}"))
    many = "".join(f'  - {{name: r{n}, arn: "arn:aws:iam::{AWAY}:role/target-role-{n:04}"}}\n' for n in range(250))
    with pytest.raises(OperationFailed, match="name it as `role_path`"):
        plan(catalog(tmp_path, f"roles:\n{many}"))
    operator = SessionSettings(operator_role="credvend/deploy")
    with pytest.raises(OperationFailed, match="cannot be `operator_role` as well"):
        plan(catalog(tmp_path), settings=operator)


def test_a_stage_of_which_no_role_can_be_named_is_refused() -> None:
    with pytest.raises(OperationFailed, match="too long a name"):
        service_to_be("aws", HOME, "s" * 40, "eu-west-1")
    with pytest.raises(OperationFailed, match="is no stage"):
        service_to_be("aws", HOME, "a b", "eu-west-1")
    with pytest.raises(OperationFailed, match="deploy it again"):
        deployed_service(FUNCTION, "")
