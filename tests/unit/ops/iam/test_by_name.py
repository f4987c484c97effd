"""Roles of many accounts that do not fit one by one are granted by name: all of them, and little more."""

import json
from pathlib import Path
from typing import cast

import pytest

from chalicelib.configuration.catalog_file import WrittenCatalog, read_catalog
from chalicelib.errors import ConfigError
from ops.documents.json_object import Json
from ops.iam.by_name import by_name, names_in_accounts
from ops.iam.function_policy import iam_policy
from ops.iam.policy_size import MAXIMUM_INLINE, MAXIMUM_MANAGED, characters
from ops.iam.revoker_policy import revoker_policy
from ops.stages.names import FUNCTION_ROLE, REVOKER_ROLE
from ops.template.role_policies import check_fit, spread
from testing.iam_policy import Request, grants

PROBED = ", probe: dynamodb:ListTables"
FUNCTION = "arn:aws:lambda:eu-west-1:111122223333:function:credvend-prod"


def catalog(directory: Path, accounts: int, roles: int, more: str = "", settings: str = "") -> WrittenCatalog:
    names = [f'  - {{id: "1111222200{n:02}", name: team-{n}, groups: [g{n % 2}]}}' for n in range(accounts)]
    (directory / "accounts.yaml").write_text("\n".join(["accounts:", *names]))
    entries = [
        f"  - {{name: r{n}, role: credvend/r{n}, accounts: all{PROBED if n < 50 else ''}}}" for n in range(roles)
    ]
    (directory / "roles.yaml").write_text("\n".join([settings, "roles:", *entries, more]))
    return read_catalog(directory / "roles.yaml")


def spread_over(of: WrittenCatalog) -> tuple[list[Json], dict[str, Json], list[str]]:
    """The documents of the function's role and the revoker's: inline; managed, by their names; and what is told."""
    documents = {FUNCTION_ROLE: iam_policy(of), REVOKER_ROLE: revoker_policy(of, "operator")}
    resources: dict[str, Json] = {
        role: {"Type": "AWS::IAM::Role", "Properties": {"Policies": [{"PolicyDocument": one}]}}
        for role, one in documents.items()
    }
    told = spread({"Resources": resources}, of)
    inline = [cast(Json, resources[role]["Properties"]["Policies"][0]["PolicyDocument"]) for role in documents]  # type: ignore[index]
    managed = {
        name: cast(Json, cast(Json, one["Properties"])["PolicyDocument"])
        for name, one in resources.items()
        if name not in documents
    }
    return inline, managed, told


def plain(document: Json) -> Json:
    """With the function's ARN where CloudFormation puts it."""
    text = json.dumps(document["Statement"][0])  # type: ignore[index]
    statement = json.loads(text)
    statement["Condition"]["ArnEquals"] = {"lambda:SourceFunctionArn": FUNCTION}
    return {"Version": "2012-10-17", "Statement": [statement]}


def may_assume(documents: list[Json], arn: str) -> bool:
    context = {"lambda:sourcefunctionarn": FUNCTION, "aws:resourceaccount": arn.split(":")[4]}
    asked = Request("sts:AssumeRole", arn, context)
    return any(grants(plain(one), asked) for one in documents)


def test_roles_that_fit_are_granted_one_by_one(tmp_path: Path) -> None:
    few = catalog(tmp_path, 10, 10)
    inline, managed, told = spread_over(few)
    granted = [arn for one in (inline[0], *managed.values()) for arn in one["Statement"][0]["Resource"]]  # type: ignore[index]
    assert told == [] and set(granted) >= {role.arn for role in few.roles}
    assert not any("*" in arn for arn in granted)


@pytest.mark.parametrize(("accounts", "roles"), [(40, 50), (40, 500)])
def test_roles_that_do_not_fit_are_granted_by_name_in_the_accounts_of_the_catalog(
    tmp_path: Path, accounts: int, roles: int
) -> None:
    many = catalog(tmp_path, accounts, roles, "  - {name: own, arn: 'arn:aws:iam::111122220001:role/own'}")
    inline, managed, told = spread_over(many)
    assert [line.partition(", in any")[0] for line in told] == [
        "roles.yaml: the roles of many accounts are assumable by their names",
        "roles.yaml: the roles of many accounts are revocable by their names",
    ]
    assert check_fit(many, "operator") == told
    assert max(map(characters, inline)) <= MAXIMUM_INLINE
    assert all(characters(one) <= MAXIMUM_MANAGED for one in managed.values())
    documents = [inline[0], *(one for name, one in managed.items() if name.startswith("CatalogRoles"))]
    assert all(may_assume(documents, role.arn) for role in (*many.roles[::97], many.roles[-1]))
    for stranger in (
        "arn:aws:iam::999988887777:role/credvend/r0",
        "arn:aws:iam::111122220000:role/credvend/r0x",
        "arn:aws:iam::111122220000:role/r0",
        "arn:aws:iam::111122220000:role/own",
        "arn:aws:iam::111122220000:role/x/credvend/r0",
    ):
        assert not may_assume(documents, stranger), stranger


def test_what_is_granted_besides_is_the_same_name_in_another_account_of_the_catalog(tmp_path: Path) -> None:
    more = "  - {name: half, role: half, accounts: {groups: [g0]}}"
    inline, managed, _ = spread_over(catalog(tmp_path, 40, 50, more))
    documents = [inline[0], *(one for name, one in managed.items() if name.startswith("CatalogRoles"))]
    assert may_assume(documents, "arn:aws:iam::111122220000:role/half")
    assert may_assume(documents, "arn:aws:iam::111122220001:role/half")  # of g1: wider than the catalog


def test_below_a_role_path_each_account_is_one(tmp_path: Path) -> None:
    inline, _, told = spread_over(catalog(tmp_path, 40, 50, settings="role_path: /credvend/"))
    assert told == []
    (assume,) = [one for one in inline[0]["Statement"] if one["Sid"] == "AssumeCatalogRoles"]  # type: ignore[attr-defined]
    assert assume["Resource"] == [f"arn:aws:iam::1111222200{n:02}:role/credvend/*" for n in range(40)]


def test_more_accounts_than_a_condition_holds_are_refused_with_a_way_out(tmp_path: Path) -> None:
    names = [f'  - {{id: "{n:012}", name: team-{n}}}' for n in range(700)]
    entries = [f"  - {{name: r{n}, role: r{n}, accounts: all}}" for n in range(10)]
    (tmp_path / "accounts.yaml").write_text("\n".join(["accounts:", *names]))
    (tmp_path / "roles.yaml").write_text("\n".join(["roles:", *entries]))
    with pytest.raises(ConfigError, match="role_path: /credvend/"):
        check_fit(read_catalog(tmp_path / "roles.yaml"), None)


def test_a_statement_about_other_things_stays_as_it_is(tmp_path: Path) -> None:
    names = names_in_accounts(catalog(tmp_path, 2, 2))
    for resource in ("*", ["arn:aws:s3:::x"], {"Fn::Sub": "x"}, [{"Fn::Sub": "x"}]):
        statement: Json = {"Sid": "x", "Resource": resource}
        assert by_name(statement, names) is statement
