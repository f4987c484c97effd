"""The local AWS refuses what AWS refuses, and says it in AWS's words."""

import json
from collections.abc import Iterator
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from local.aws import ACCOUNT, REGION
from ops.iam.statements import trust_statement
from ops.stages.runtimes import OWN_RUNTIME
from testing.deployed import Json, Key, Stack, allow
from tests.e2e.strict_requests import FULL, LAMBDA, OTHER_RUNTIME, client, policy_of, trust, zipped

TARGET = f"arn:aws:iam::{ACCOUNT}:role/strict-target"
ALL = ("sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession")


@pytest.fixture
def user(stack: Stack) -> Iterator[Key]:
    """Somebody who may assume the role `strict-caller`, which may assume `strict-target`."""
    iam = stack.iam()
    key = stack.add_user("strict-user", "sts:*")
    stack.add_role("strict-caller", json.loads(trust(*ALL, principal=f"arn:aws:iam::{ACCOUNT}:root")), "sts:*")
    stack.add_role("strict-target", json.loads(trust(*ALL)), "ec2:DescribeInstances")
    yield key
    for name in ("strict-caller", "strict-target"):
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            iam.delete_role_policy(RoleName=name, PolicyName=policy)
        iam.delete_role(RoleName=name)
    iam.delete_access_key(UserName="strict-user", AccessKeyId=key.access_key_id)
    iam.delete_user_policy(UserName="strict-user", PolicyName="rights")
    iam.delete_user(UserName="strict-user")


@pytest.fixture
def session(stack: Stack, user: Key) -> Key:
    """A session of `strict-caller`: what it assumes is chained, as all that a function assumes."""
    return stack.assume(user, "strict-caller", "somebody")


def refusal(stack: Stack, key: Key, **asked: object) -> str:
    """Code and message with which an AssumeRole is refused."""
    with pytest.raises(ClientError) as raised:
        assume(stack, key, **asked)
    error = raised.value.response["Error"]
    return f"{error['Code']}: {error['Message']}"


def assume(stack: Stack, key: Key, **asked: object) -> None:
    arguments = {"RoleArn": TARGET, "RoleSessionName": "somebody", **asked}
    stack.sts(key).assume_role(**arguments)  # type: ignore[arg-type]


def test_a_chained_session_lasts_an_hour_and_no_second_longer(stack: Stack, session: Key) -> None:
    assume(stack, session, DurationSeconds=3600)
    assert "exceeds the 1 hour session limit for roles assumed by role chaining" in refusal(
        stack, session, DurationSeconds=3601
    )


def test_no_session_is_longer_than_its_role_allows(stack: Stack, user: Key) -> None:
    caller = f"arn:aws:iam::{ACCOUNT}:role/strict-caller"
    assume(stack, user, RoleArn=caller, DurationSeconds=3600)
    assert "exceeds the MaxSessionDuration set for this role" in refusal(
        stack, user, RoleArn=caller, DurationSeconds=3601
    )


def test_a_trust_policy_may_say_how_long_a_session_lasts(stack: Stack, session: Key) -> None:
    short: Json = {"sts:DurationSeconds": "1800"}
    document = trust("sts:AssumeRole", NumericLessThanEquals=short)
    stack.iam().update_assume_role_policy(RoleName="strict-target", PolicyDocument=document)
    assume(stack, session, DurationSeconds=1800)
    for asked in ({"DurationSeconds": 1801}, {}):  # without one, it is an hour
        assert "not authorized to perform: sts:AssumeRole" in refusal(stack, session, **asked)


def test_rights_on_log_groups_alarms_and_concurrency_are_called_as_on_aws(stack: Stack) -> None:
    group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/credvend-local"
    function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:credvend-local"
    alarms = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:*"
    key = stack.add_user("strict-reader")

    def may(action: str, resource: str, service: str, method: str, **arguments: object) -> bool:
        statement = {"Effect": "Allow", "Action": action, "Resource": resource}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        stack.iam().put_user_policy(UserName="strict-reader", PolicyName="rights", PolicyDocument=document)
        try:
            getattr(cast(Any, stack._client(service, key)), method)(**arguments)
        except ClientError as error:
            assert "AccessDenied" in str(error)
            return False
        return True

    events = ("logs", "filter_log_events")
    assert may("logs:FilterLogEvents", f"{group}:*", *events, logGroupName="/aws/lambda/credvend-local")
    assert not may("logs:FilterLogEvents", group, *events, logGroupName="/aws/lambda/credvend-local")
    concurrency = ("lambda", "get_function_concurrency")
    assert may("lambda:GetFunctionConcurrency", function, *concurrency, FunctionName="credvend-local")
    assert not may("lambda:PutFunctionConcurrency", function, *concurrency, FunctionName="credvend-local")
    assert may("cloudwatch:DescribeAlarms", alarms, "cloudwatch", "describe_alarms")
    assert not may("cloudwatch:DescribeAlarms", group, "cloudwatch", "describe_alarms")


def test_a_source_identity_needs_the_trust_policys_leave(stack: Stack, session: Key) -> None:
    assume(stack, session, SourceIdentity="somebody")
    stack.iam().update_assume_role_policy(RoleName="strict-target", PolicyDocument=trust("sts:AssumeRole"))
    assert "not authorized to perform: sts:SetSourceIdentity on resource" in refusal(
        stack, session, SourceIdentity="somebody"
    )
    only_alice = trust(*ALL, StringEquals={"sts:SourceIdentity": "alice"})
    stack.iam().update_assume_role_policy(RoleName="strict-target", PolicyDocument=only_alice)
    assert refusal(stack, session, SourceIdentity="somebody").startswith("AccessDenied")
    assume(stack, session, SourceIdentity="alice")


def test_a_source_identity_that_is_set_stays(stack: Stack, user: Key) -> None:
    answer = stack.sts(user).assume_role(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/strict-caller", RoleSessionName="somebody", SourceIdentity="alice"
    )
    assert answer["SourceIdentity"] == "alice"
    given = answer["Credentials"]
    key = Key(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    assert refusal(stack, key, SourceIdentity="mallory").startswith("AccessDenied")
    assume(stack, key, SourceIdentity="alice")


def tagged_session(stack: Stack, user: Key) -> Key:
    """A session of `strict-caller` with a source identity, and tags of which one goes on."""
    given = stack.sts(user).assume_role(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/strict-caller",
        RoleSessionName="somebody",
        SourceIdentity="alice",
        Tags=[{"Key": "Stays", "Value": "a"}, {"Key": "Ends", "Value": "a"}],
        TransitiveTagKeys=["Stays"],
    )["Credentials"]
    return Key(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


@pytest.mark.parametrize(
    ("condition", "denied"),
    [
        ({"aws:PrincipalTag/Stays": "a"}, True),
        ({"aws:PrincipalTag/Stays": "b"}, False),
        ({"aws:PrincipalTag/Ends": "a"}, False),
        ({"aws:SourceIdentity": "alice"}, True),
        ({"aws:SourceIdentity": "bob"}, False),
    ],
)
def test_source_identity_and_transitive_tags_go_on_with_a_chain(
    stack: Stack, user: Key, condition: dict[str, str], denied: bool
) -> None:
    chained = stack.sts(tagged_session(stack, user)).assume_role(RoleArn=TARGET, RoleSessionName="more")["Credentials"]
    key = Key(chained["AccessKeyId"], chained["SecretAccessKey"], chained["SessionToken"])
    statement = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"StringEquals": condition}}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    stack.ec2(key).describe_instances()
    stack.iam().put_role_policy(RoleName="strict-target", PolicyName="deny", PolicyDocument=document)
    if denied:
        with pytest.raises(ClientError, match="UnauthorizedOperation"):
            stack.ec2(key).describe_instances()
    else:
        stack.ec2(key).describe_instances()


def test_what_goes_on_cannot_be_set_anew_and_needs_the_trust_policys_leave(stack: Stack, user: Key) -> None:
    session = tagged_session(stack, user)
    words = "conflicts with a transitive tag key from the calling session"
    assert words in refusal(stack, session, Tags=[{"Key": "stays", "Value": "b"}])
    assume(stack, session, Tags=[{"Key": "Ends", "Value": "b"}])
    words = "must be included in the requested tags"
    assert words in refusal(stack, session, TransitiveTagKeys=["Stays"])
    for missing in ("sts:SetSourceIdentity", "sts:TagSession"):
        left = [action for action in ALL if action != missing]
        stack.iam().update_assume_role_policy(RoleName="strict-target", PolicyDocument=trust(*left))
        assert f"not authorized to perform: {missing} on resource" in refusal(stack, session)


def test_a_role_that_was_made_anew_is_no_longer_trusted(stack: Stack, user: Key) -> None:
    iam = stack.iam()
    iam.delete_role_policy(RoleName="strict-caller", PolicyName="rights")
    iam.delete_role(RoleName="strict-caller")
    stack.add_role("strict-caller", json.loads(trust(*ALL, principal=f"arn:aws:iam::{ACCOUNT}:root")), "sts:*")
    again = stack.assume(user, "strict-caller", "somebody")
    assert refusal(stack, again).startswith("AccessDenied")
    # As `make deploy` prints it, with a condition on the account: it is found by its name.
    statement = trust_statement(f"arn:aws:iam::{ACCOUNT}:role/strict-caller")
    by_name = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.update_assume_role_policy(RoleName="strict-target", PolicyDocument=by_name)
    assume(stack, again)
    assert refusal(stack, user).startswith("AccessDenied")


TAGS = [{"Key": "team", "Value": "a"}]


def test_tags_need_the_callers_own_leave_unless_the_trust_policy_names_it(stack: Stack, user: Key) -> None:
    iam = stack.iam()
    iam.put_user_policy(UserName="strict-user", PolicyName="rights", PolicyDocument=allow("sts:AssumeRole"))
    iam.update_assume_role_policy(
        RoleName="strict-target", PolicyDocument=trust(*ALL, principal=f"arn:aws:iam::{ACCOUNT}:root")
    )
    assume(stack, user)
    assert "no identity-based policy allows the sts:TagSession action" in refusal(stack, user, Tags=TAGS)
    by_name = trust(*ALL, principal=f"arn:aws:iam::{ACCOUNT}:user/strict-user")
    iam.update_assume_role_policy(RoleName="strict-target", PolicyDocument=by_name)
    assume(stack, user, Tags=TAGS, SourceIdentity="somebody")
    iam.update_assume_role_policy(RoleName="strict-target", PolicyDocument=by_name.replace("sts:TagSession", "sts:X"))
    assert "not authorized to perform: sts:TagSession" in refusal(stack, user, Tags=TAGS)


def test_a_role_that_assumes_a_role_needs_its_own_leave_for_a_source_identity(stack: Stack, session: Key) -> None:
    right = {"RoleName": "strict-caller", "PolicyName": "rights"}
    stack.iam().put_role_policy(**right, PolicyDocument=allow("sts:AssumeRole"))
    assume(stack, session, Tags=TAGS)
    why = "no identity-based policy allows the sts:SetSourceIdentity action"
    assert why in refusal(stack, session, SourceIdentity="somebody")
    stack.iam().put_role_policy(**right, PolicyDocument=allow("sts:AssumeRole", "sts:SetSourceIdentity"))
    assume(stack, session, SourceIdentity="somebody")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"RoleSessionName": "x" * 65}, "'roleSessionName' failed to satisfy constraint"),
        ({"RoleSessionName": "a b"}, "'roleSessionName' failed to satisfy constraint"),
        ({"SourceIdentity": "a/b"}, "'sourceIdentity' failed to satisfy constraint"),
        ({"DurationSeconds": 43_201}, "'durationSeconds' failed to satisfy constraint"),
        ({"Tags": [{"Key": "k" * 129, "Value": ""}]}, "'tags.1.member.key' failed to satisfy constraint"),
        ({"Tags": [{"Key": "k", "Value": "#"}]}, "'tags.1.member.value' failed to satisfy constraint"),
        ({"Tags": [{"Key": f"k{n}", "Value": ""} for n in range(51)]}, "'tags' failed to satisfy constraint"),
        ({"Policy": " " * 2049}, "'policy' failed to satisfy constraint"),
    ],
)
def test_what_sts_models_do_not_allow_is_refused(
    stack: Stack, user: Key, asked: dict[str, object], message: str
) -> None:
    said = refusal(stack, user, **asked)
    assert said.startswith("ValidationError") and message in said


def test_inline_policies_of_a_role_have_a_size(stack: Stack, user: Key) -> None:
    iam = stack.iam()
    iam.delete_role_policy(RoleName="strict-target", PolicyName="rights")
    iam.put_role_policy(RoleName="strict-target", PolicyName="large", PolicyDocument=policy_of(10_240))
    with pytest.raises(ClientError, match=r"LimitExceeded.*10240"):
        iam.put_role_policy(RoleName="strict-target", PolicyName="large", PolicyDocument=policy_of(10_241))
    with pytest.raises(ClientError, match=r"LimitExceeded.*10240"):  # it is the sum that counts
        iam.put_role_policy(RoleName="strict-target", PolicyName="second", PolicyDocument=policy_of(200))


def test_managed_and_trust_policies_have_a_size(stack: Stack, user: Key) -> None:
    iam = stack.iam()
    with pytest.raises(ClientError, match=r"LimitExceeded.*PolicySize"):
        iam.create_policy(PolicyName="large", PolicyDocument=policy_of(6_145))
    long = trust(*ALL, StringEquals={"sts:ExternalId": ["x" * 2_000]})
    with pytest.raises(ClientError, match=r"LimitExceeded.*ACLSizePerRole"):
        iam.update_assume_role_policy(RoleName="strict-target", PolicyDocument=long)


def test_nobody_who_is_not_there_can_be_trusted(stack: Stack) -> None:
    with pytest.raises(ClientError, match="Invalid principal in policy"):
        stack.add_role("trusts-nobody", json.loads(trust("sts:AssumeRole")))


FUNCTION = "strict-function"
LOG_GROUP = f"/aws/lambda/{FUNCTION}"


@pytest.fixture
def function(stack: Stack) -> Iterator[str]:
    """A function that prints a line, and whose role may do nothing yet."""
    iam = stack.iam()
    stack.add_role("strict-function", {"Version": "2012-10-17", "Statement": [LAMBDA]})
    client(stack, "lambda").create_function(
        FunctionName=FUNCTION,
        Runtime=OWN_RUNTIME,
        Role=f"arn:aws:iam::{ACCOUNT}:role/strict-function",
        Handler="f.handle",
        Code={"ZipFile": zipped({"f.py": b"def handle(event, context): print('a line')"})},
    )
    yield FUNCTION
    client(stack, "lambda").delete_function(FunctionName=FUNCTION)
    for group in stack.logs().describe_log_groups(logGroupNamePrefix=LOG_GROUP)["logGroups"]:
        stack.logs().delete_log_group(logGroupName=group["logGroupName"])
    for policy in iam.list_role_policies(RoleName="strict-function")["PolicyNames"]:
        iam.delete_role_policy(RoleName="strict-function", PolicyName=policy)
    iam.delete_role(RoleName="strict-function")


def logged(stack: Stack) -> list[str] | None:
    """What an invocation of the function leaves in its log group; None: there is no log group."""
    assert "FunctionError" not in client(stack, "lambda").invoke(FunctionName=FUNCTION)
    if not stack.logs().describe_log_groups(logGroupNamePrefix=LOG_GROUP)["logGroups"]:
        return None
    return [event["message"] for event in stack.logs().filter_log_events(logGroupName=LOG_GROUP)["events"]]


def let_function(stack: Stack, *actions: str) -> None:
    stack.iam().put_role_policy(RoleName="strict-function", PolicyName="rights", PolicyDocument=allow(*actions))


def test_a_functions_lines_arrive_only_if_its_role_may_write_them(stack: Stack, function: str) -> None:
    stack.logs().create_log_group(logGroupName=LOG_GROUP)
    assert logged(stack) == []
    let_function(stack, "logs:CreateLogStream")
    assert logged(stack) == []
    let_function(stack, "logs:PutLogEvents")
    assert logged(stack) == []
    let_function(stack, "logs:CreateLogStream", "logs:PutLogEvents")
    assert "a line" in (logged(stack) or [])


def test_a_function_makes_its_log_group_only_if_its_role_may(stack: Stack, function: str) -> None:
    let_function(stack, "logs:CreateLogStream", "logs:PutLogEvents")
    assert logged(stack) is None
    let_function(stack, "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
    assert "a line" in (logged(stack) or [])


def function_of(**properties: object) -> dict[str, Any]:
    """A request for a function, but for the role, which nobody needs to be refused."""
    code = {"ZipFile": zipped({"f.py": b""})}
    role = f"arn:aws:iam::{ACCOUNT}:role/strict-nobody"
    function = {"FunctionName": "strict-refused", "Role": role, "Handler": "f.handle", "Code": code}
    return {**function, "Runtime": OWN_RUNTIME, **properties}


@pytest.mark.parametrize(
    ("service", "operation", "arguments", "message"),
    [
        ("cloudformation", "describe_stacks", {"NextToken": "x" * 1_025}, "ValidationError.*'nextToken'"),
        ("dynamodb", "describe_table", {"TableName": "x" * 1_025}, "ValidationException.*'tableName'"),
        ("logs", "describe_log_groups", {"limit": 51}, "InvalidParameterException.*'limit'"),
        ("lambda", "list_functions", {"MaxItems": 10_001}, "ValidationException.*'maxItems'"),
        ("lambda", "create_function", function_of(MemorySize=50_000), "ValidationException.*'memorySize'"),
        ("lambda", "create_function", function_of(Handler="f handle"), "ValidationException.*'handler'"),
        ("apigateway", "put_rest_api", {"restApiId": "x", "mode": "mix", "body": b""}, "BadRequestException.*'mode'"),
        ("lambda", "create_function", function_of(Environment=FULL), "InvalidParameterValueException.*4KB"),
        ("lambda", "create_function", function_of(Runtime=OTHER_RUNTIME), "InvalidParameterValueException.*python3"),
    ],
)
def test_what_a_service_does_not_take_is_refused(
    stack: Stack, service: str, operation: str, arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(ClientError, match=message):
        getattr(client(stack, service), operation)(**arguments)


def test_the_longest_session_that_credvend_offers_is_one_that_sts_gives(stack: Stack) -> None:
    roles = cast(list[Json], stack.call("GET", "/v1/iam/roles").body["Roles"])
    offered = {role["Role"]: role["MaxDurationSeconds"] for role in roles}
    assert stack.vend({"role": "instances", "duration": offered["instances"]}).status == 200


def test_credvend_sets_the_source_identity_that_a_trust_policy_demands(stack: Stack) -> None:
    service = stack.deployed.function_role_arn
    before = stack.iam().get_role(RoleName="instances")["Role"]["AssumeRolePolicyDocument"]
    try:
        for identity, status in ((f"user=alice@{ACCOUNT}", 200), (f"user=mallory@{ACCOUNT}", 502)):
            demanding = trust(*ALL, principal=service, StringEquals={"sts:SourceIdentity": identity})
            stack.iam().update_assume_role_policy(RoleName="instances", PolicyDocument=demanding)
            assert stack.vend({"role": "instances"}).status == status
    finally:
        stack.iam().update_assume_role_policy(RoleName="instances", PolicyDocument=json.dumps(before))
