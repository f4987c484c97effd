"""The function's IAM policy: it may assume the catalog's roles and no others."""

import json

from chalicelib.configuration.catalog_file import WrittenCatalog
from chalicelib.roles.role import Role
from ops.environments import ROOT
from ops.iam.function_policy import iam_policy
from tests.unit.chalicelib.decisions.test_authorizer import role


def catalog(*roles: Role) -> WrittenCatalog:
    return WrittenCatalog((), roles)


def test_the_function_may_assume_exactly_the_catalogs_roles() -> None:
    policy = iam_policy(catalog(role("b"), role("a")))
    statements = policy["Statement"]
    assert isinstance(statements, list)
    sts = [statement for statement in statements if any(a.startswith("sts:") for a in statement["Action"])]
    assert [s["Resource"] for s in sts] == [[f"arn:aws:iam::111122223333:role/{name}" for name in ("a", "b")]]
    assert [s["Action"] for s in sts] == [["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"]]


def test_no_action_is_a_wildcard_and_only_traces_go_anywhere() -> None:
    statements = iam_policy(catalog(role("a")))["Statement"]
    assert isinstance(statements, list)
    assert not [action for statement in statements for action in statement["Action"] if "*" in action]
    anywhere = [statement["Sid"] for statement in statements if statement["Resource"] == "*"]
    assert anywhere == ["WriteTraces"]


def test_what_the_functions_code_calls_is_bound_to_the_function_and_what_lambda_calls_is_not() -> None:
    statements = iam_policy(catalog(role("a")))["Statement"]
    assert isinstance(statements, list)
    bound = {
        statement["Sid"]
        for statement in statements
        if statement.get("Condition", {}).get("ArnEquals") == {"lambda:SourceFunctionArn": FUNCTION}
    }
    assert bound == {
        *("FindApiTokens", "NoteUseOfApiTokens"),
        *("AskBlocks", "ReadSessions", "WriteItems", "ChangeItems"),
    }
    # The doctor has the same role, and of all this may ask for the catalog's roles alone.
    (assume,) = (s for s in statements if s["Sid"] == "AssumeCatalogRoles")
    assert assume["Condition"] == {"ArnEquals": {"lambda:SourceFunctionArn": [FUNCTION, DOCTOR]}}
    assert {s["Sid"] for s in statements} - bound == {"AssumeCatalogRoles", "WriteOwnLog", "WriteTraces"}
    # The function's name, in the template, is the stack's; a reference to the function would be a circle.
    template = json.loads((ROOT / ".chalice/template.json").read_text())
    assert template["Resources"]["APIHandler"]["Properties"]["FunctionName"] == {"Ref": "AWS::StackName"}


FUNCTION = {"Fn::Sub": "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:${AWS::StackName}"}
DOCTOR = {"Fn::Sub": f"{FUNCTION['Fn::Sub']}-doctor"}


def actions_on(table: str) -> set[str]:
    """What the function may do with a table, or with an index of it."""
    statements = iam_policy(catalog(role("a")))["Statement"]
    assert isinstance(statements, list)
    return {
        action.removeprefix("dynamodb:")
        for one in statements
        if f'"{table}' in json.dumps(one["Resource"])
        for action in one["Action"]
    }


def test_the_function_neither_blocks_anybody_nor_takes_back_what_was_written() -> None:
    assert actions_on("BlocksTable") == {"ConditionCheckItem"}
    assert actions_on("QuotasTable") == {"UpdateItem"}
    assert actions_on("RevocationsTable") == {"PutItem"}
    assert "SessionsTable.Arn" in json.dumps(iam_policy(catalog(role("a"))))
    assert actions_on("SessionsTable") == {
        *("BatchGetItem", "ConditionCheckItem", "GetItem", "PutItem", "Query", "UpdateItem")
    }


def test_the_function_can_use_up_a_token_and_neither_see_nor_forget_what_was_used() -> None:
    statements = iam_policy(catalog(role("a")))["Statement"]
    assert isinstance(statements, list)
    assert actions_on("UsedTokensTable") == {"PutItem"}
    # And it makes no API token.
    assert actions_on("TokensTable") == {"GetItem", "UpdateItem"}


def test_an_empty_catalog_may_assume_nothing() -> None:
    statements = iam_policy(catalog())["Statement"]
    assert isinstance(statements, list) and "AssumeCatalogRoles" not in [s["Sid"] for s in statements]
