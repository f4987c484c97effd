"""The rules that make the local AWS strict, at their limits."""

import base64
import json
import re
from collections.abc import Mapping

import pytest

from local.strict.function_rules import RUNTIME, check_code, check_environment, check_runtime
from local.strict.iam_rules import check_attached, check_inline, check_managed, check_trust, named_principals
from local.strict.model_rules import check_model
from local.strict.patterns import matcher
from local.strict.protocols import Asked, Request, read_query, read_request
from local.strict.refusal import Refusal, answer
from local.strict.sts_rules import check_assume_role, own_grant_needed

ASKED = {"RoleArn": "arn:aws:iam::111122223333:role/reader", "RoleSessionName": "alice"}


def refusal(asked: dict[str, object], chained: bool = False, maximum: int | None = None) -> str:
    refused = check_assume_role(ASKED | asked, chained, maximum)
    return "" if refused is None else refused.message


@pytest.mark.parametrize(
    ("chained", "seconds", "taken"), [(True, 3600, True), (True, 3601, False), (False, 3601, True)]
)
def test_only_chained_sessions_end_after_an_hour(chained: bool, seconds: int, taken: bool) -> None:
    assert (refusal({"DurationSeconds": str(seconds)}, chained) == "") is taken


def test_no_session_is_longer_than_its_role_allows() -> None:
    assert refusal({"DurationSeconds": "7200"}, maximum=7200) == ""
    assert "MaxSessionDuration" in refusal({"DurationSeconds": "7201"}, maximum=7200)


def test_tags_are_fifty_and_differ_in_more_than_case() -> None:
    fifty = _tags({f"k{n}": "v" for n in range(50)})
    assert refusal(fifty) == ""
    assert "'tags'" in refusal(_tags({f"k{n}": "v" for n in range(51)}))
    assert "Duplicate tag keys" in refusal(_tags({"Team": "a", "team": ""}))


def _tags(tags: dict[str, str]) -> dict[str, object]:
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def test_what_is_required_must_be_there() -> None:
    assert "'roleSessionName'" in str(check_model("sts", "AssumeRole", {"RoleArn": ASKED["RoleArn"]}))


@pytest.mark.parametrize(("length", "taken"), [(10_240, True), (10_241, False)])
def test_the_size_of_inline_policies_is_counted_without_white_space(length: int, taken: bool) -> None:
    text = "x" * (length - 5) + " \n\t" * 100
    assert (check_inline("role", "reader", {"a": text, "b": "12345"}) is None) is taken


def test_managed_policies_trust_policies_and_attachments_have_limits() -> None:
    assert check_managed("x" * 6_144) is None and check_managed("x" * 6_145) is not None
    assert check_trust("x" * 2_048) is None and check_trust("x" * 2_049) is not None
    assert check_attached(10) is None and check_attached(11) is not None


def test_roles_and_users_are_principals_that_must_be_there() -> None:
    arns = ["arn:aws:iam::111122223333:role/a", "arn:aws:iam::111122223333:root", "arn:aws:iam::111122223333:user/b"]
    document = {"Statement": [{"Principal": {"AWS": arns}}, {"Principal": {"Service": "lambda.amazonaws.com"}}]}
    assert list(named_principals(json.dumps(document))) == [arns[0], arns[2]]
    assert list(named_principals({"Statement": {"Principal": "*"}})) == []


@pytest.mark.parametrize(
    ("service", "operation", "members", "problem"),
    [
        ("dynamodb", "CreateTable", {"TableName": "x" * 1_025}, "'tableName'.*length less than or equal to 1024"),
        ("dynamodb", "CreateTable", {"BillingMode": "FREE"}, r"'billingMode'.*enum value set: \[PROVISIONED"),
        ("lambda", "CreateFunction", {"Timeout": 0}, "'timeout'.*value greater than or equal to 1"),
        ("lambda", "CreateFunction", {"MemorySize": "many"}, "'memorySize'.*must be a number"),
        ("lambda", "CreateFunction", {"Environment": {"Variables": {"1": ""}}}, "'environment.variables'.*pattern"),
        ("lambda", "CreateFunction", {"Layers": ["x"]}, "'layers.1.member'.*pattern"),
        ("logs", "CreateLogGroup", {}, "'logGroupName'.*must not be null"),
    ],
)
def test_constraints_hold_in_every_depth(
    service: str, operation: str, members: Mapping[str, object], problem: str
) -> None:
    refused = check_model(service, operation, members)
    assert refused is not None
    assert re.search(problem, refused.message)


def test_what_a_model_allows_is_taken() -> None:
    tags = [{"Key": "Straße 1", "Value": "+-=._:/@"}]
    assert check_model("sts", "AssumeRole", {**ASKED, "Tags": tags}) is None
    assert check_model("logs", "CreateLogGroup", {"logGroupName": "/aws/lambda/a", "unknown": 1}) is None
    assert check_model("logs", "NoSuchOperation", {}) is None


def test_javas_patterns_mean_the_same_here() -> None:
    assert matcher(r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+").fullmatch("Ärger 一 1")
    assert not matcher(r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+").fullmatch("a#")
    assert not matcher(r"[\w]+").fullmatch("ä")  # Java's \w is ASCII's


def test_each_protocol_says_which_operation_is_asked_for() -> None:
    query = b"Action=CreateRole&RoleName=a&Tags.member.1.Key=k&Tags.member.1.Value="
    assert read_query("iam", query, {}) == Asked("CreateRole", {"RoleName": "a", "Tags": [{"Key": "k", "Value": ""}]})
    target = {"x-amz-target": "Logs_20140328.CreateLogGroup"}
    body = b'{"logGroupName": "a"}'
    assert read_request("logs", Request("POST", "/", target, body, {})) == Asked(
        "CreateLogGroup", {"logGroupName": "a"}
    )
    path = "/2015-03-31/functions/a b/configuration"
    changed = Request("PUT", path, {}, b'{"Timeout": 3}', {"Qualifier": ["1"]})
    assert read_request("lambda", changed) == Asked(
        "UpdateFunctionConfiguration", {"FunctionName": "a b", "Timeout": 3}
    )
    invoked = Request("POST", "/2015-03-31/functions/a/invocations", {"x-amz-invocation-type": "Event"}, b"no JSON", {})
    asked = read_request("lambda", invoked)
    assert asked is not None and asked.members == {
        "FunctionName": "a",
        "InvocationType": "Event",
        "Payload": b"no JSON",
    }
    assert read_request("lambda", Request("GET", "/no-such-path", {}, b"", {})) is None


def test_a_refusal_has_the_form_of_its_services_protocol() -> None:
    status, headers, body = answer(Refusal("LimitExceeded", "a < b", 409), "iam")
    assert (status, headers["Content-Type"]) == (409, "text/xml")
    assert b"<Code>LimitExceeded</Code><Message>a &lt; b</Message>" in body
    status, headers, body = answer(Refusal("ValidationException", "a < b"), "dynamodb")
    assert (status, headers["x-amzn-errortype"]) == (400, "ValidationException")
    assert json.loads(body) == {"__type": "ValidationException", "message": "a < b"}


@pytest.mark.parametrize(("size", "taken"), [(50 * 1024 * 1024, True), (50 * 1024 * 1024 + 1, False)])
def test_a_package_in_a_request_is_50_mb_or_less(size: int, taken: bool) -> None:
    assert (check_code(base64.b64encode(bytes(size)).decode()) is None) is taken


@pytest.mark.parametrize(("characters", "taken"), [(4_096, True), (4_097, False)])
def test_a_functions_variables_are_4_kb_or_less(characters: int, taken: bool) -> None:
    variables = {"NAME": "x" * (characters - len('{"NAME":""}'))}
    assert (check_environment({"Variables": variables}) is None) is taken


def test_functions_run_with_the_python_that_they_name() -> None:
    assert check_runtime(RUNTIME) is None and check_runtime("nodejs24.x") is None
    assert check_runtime("python3.9") is not None


@pytest.mark.parametrize(
    ("action", "same_account", "named", "chained", "needed"),
    [
        ("sts:TagSession", True, True, True, False),
        ("sts:TagSession", True, False, False, True),
        ("sts:TagSession", False, True, False, True),
        ("sts:SetSourceIdentity", True, True, False, False),
        ("sts:SetSourceIdentity", True, True, True, True),
        ("sts:SetSourceIdentity", False, True, False, True),
    ],
)
def test_who_needs_leave_of_its_own(action: str, same_account: bool, named: bool, chained: bool, needed: bool) -> None:
    assert own_grant_needed(action, same_account=same_account, named=named, chained=chained) is needed
