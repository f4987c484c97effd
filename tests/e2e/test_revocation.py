"""Sessions that are revoked can do nothing any more, and nobody else's session notices."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from chalicelib.aws.table import Table
from chalicelib.revocation import requests
from chalicelib.revocation.iam import characters
from chalicelib.revocation.policy import POLICY_NAME
from chalicelib.revocation.requests import Asked, Item
from local.aws import ACCOUNT
from ops.iam.statements import trust_statement
from testing.deployed import OTHER_ACCOUNT, Answer, Json, Key, Stack, allow

# What one test writes into a role's policies is there for those after it.
pytestmark = pytest.mark.together
PATIENCE_SECONDS = 30.0
REVOCABLE, TOO, CHAINED, FULL = (
    f"arn:aws:iam::{ACCOUNT}:role/e2e/{name}" for name in ("revocable", "revocable-too", "chained", "full")
)
MISSING = f"arn:aws:iam::{ACCOUNT}:role/missing"
ELSEWHERE = f"arn:aws:iam::{OTHER_ACCOUNT}:role/elsewhere"
ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"
ALICES_NAME = f"user=alice@{ACCOUNT}"


class Revocations:
    """What is asked for, and what becomes of it."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.name = f"{stack.deployed.stack}-revocations"
        self.table = Table(self.name, stack.dynamodb())
        described = stack.cloudformation().describe_stacks(StackName=stack.deployed.stack)["Stacks"][0]["Outputs"]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in described}
        self.role_arn, self.log_group = outputs["RevokerRoleArn"], outputs["RevokerLogGroupName"]

    def asked(self, role_arn: str, *, chained: bool = False, left: float = 3600) -> Asked:
        now = time.time()
        return Asked(role_arn, round(now * 1000), int(now + left), "test", None, chained)

    def ask(self, *items: Item) -> None:
        """Ask, and wait until each is written or cannot be."""
        for item in items:
            requests.ask(self.table, item)
        for item in items:
            until(lambda item=item: self.item(item)["state"] != {"S": requests.ASKED})  # type: ignore[misc]

    def item(self, item: Item) -> Mapping[str, object]:
        return self.table.get({"role_arn": item["role_arn"], "id": item["id"]}) or {"state": {"S": ""}}

    def revoke(self, answer: Answer, role_arn: str = REVOCABLE, **more: bool) -> Item:
        """Revoke the session of a vend."""
        item = requests.session_item(self.asked(role_arn, **more), str(answer.body["RequestId"]))
        self.ask(item)
        return item

    def records(self, role_arn: str) -> list[Json]:
        """The revoker's audit records about a role."""
        pages = self.stack.logs().get_paginator("filter_log_events").paginate(logGroupName=self.log_group)
        lines = [event["message"] for page in pages for event in page["events"]]
        found: list[Json] = [json.loads(line) for line in lines if line.startswith("{")]
        return [record for record in found if record.get("role_arn") == role_arn]


def until(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < ends, "it never came"
        time.sleep(0.1)


def is_let_in(stack: Stack, key: Key) -> bool:
    """Whether a session may still list instances."""
    try:
        stack.ec2(key).describe_instances()
    except ClientError as error:
        assert error.response["Error"]["Code"] == "UnauthorizedOperation"
        return False
    return True


def trusting(*statements: Json) -> Json:
    return {"Version": "2012-10-17", "Statement": list(statements)}


@pytest.fixture(scope="module")
def revocations(stack: Stack) -> Iterator[Revocations]:
    """Roles whose sessions are revoked, and that of the other account through which it is done there."""
    made = Revocations(stack)
    service, revoker = trust_statement(stack.deployed.function_role_arn), trust_statement(made.role_arn)
    rights = ("ec2:DescribeInstances", "sts:*")
    stack.add_role("revocable", trusting(service, revoker), *rights, path="/e2e/")
    stack.add_role("revocable-too", trusting(service), *rights, path="/e2e/")
    stack.add_role("full", trusting(service), *rights, path="/e2e/")
    chained = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}
    actions = ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"]
    stack.add_role("chained", trusting({**chained, "Action": actions}), *rights, path="/e2e/")
    changes = ("iam:DeleteRolePolicy", "iam:GetRolePolicy", "iam:ListRolePolicies", "iam:PutRolePolicy")
    operator = {**revoker, "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"]}
    stack.add_role("operator", trusting(operator), *changes, path="/credvend/", account=OTHER_ACCOUNT)
    yield made
    for name in ("revocable", "revocable-too", "full", "chained"):
        for policy in stack.iam().list_role_policies(RoleName=name)["PolicyNames"]:
            stack.iam().delete_role_policy(RoleName=name, PolicyName=policy)
        stack.iam().delete_role(RoleName=name)


@pytest.fixture(scope="module")
def bob(stack: Stack) -> Key:
    """Another caller."""
    return stack.add_user("bob", "execute-api:Invoke")


def vend(stack: Stack, role: str = "revocable", key: Key | None = None) -> Answer:
    answer = stack.vend({"role": role}, key)
    assert answer.status == 200, answer.text
    return answer


def wait_for_the_next_second() -> None:
    """AWS tells when a session was issued in whole seconds: what is issued in this one counts as issued before now."""
    began = int(time.time())
    until(lambda: int(time.time()) > began + 1)


def chain(stack: Stack, key: Key) -> Key:
    """A session that another one has become."""
    given = stack.sts(key).assume_role(RoleArn=CHAINED, RoleSessionName="chained")["Credentials"]
    return Key(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


@pytest.mark.parametrize("form", ["session", "caller", "issued_before"])
def test_what_has_ended_is_noted_and_counted_as_live_no_more_by_the_function_s_own_rights(
    stack: Stack, revocations: Revocations, form: str
) -> None:
    """The role of the function may find the sessions, note their end, and take them out of a quota's set."""
    session, tables = str(vend(stack, "revocable-too").body["RequestId"]), stack.deployed.stack
    key = {"id": {"S": session}}
    entry = stack.dynamodb().get_item(TableName=f"{tables}-sessions", Key=key, ConsistentRead=True)["Item"]
    live, member = f"few#live#{form}", f"{entry['expires']['N']}#{session}"
    stack.dynamodb().put_item(
        TableName=f"{tables}-quotas", Item={"id": {"S": live}, "live": {"SS": [member, "9#else"]}}
    )
    stack.dynamodb().put_item(TableName=f"{tables}-sessions", Item={**entry, "live_in": {"SS": [live]}})
    wait_for_the_next_second()
    asked = revocations.asked(TOO)
    item = {
        "session": lambda: requests.session_item(asked, session),
        "caller": lambda: requests.caller_item(asked, ALICE, ALICE, None),
        "issued_before": lambda: requests.role_item(asked, {"revocable-too"}),
    }[form]()
    revocations.ask(item)
    until(lambda: "told" in revocations.item(item))
    noted = stack.dynamodb().get_item(TableName=f"{tables}-sessions", Key=key, ConsistentRead=True)["Item"]
    assert noted["revoke_written"] == revocations.item(item)["written"]
    left = stack.dynamodb().get_item(TableName=f"{tables}-quotas", Key={"id": {"S": live}}, ConsistentRead=True)["Item"]
    assert left["live"] == {"SS": ["9#else"]}
    wait_for_the_next_second()  # what others are vended is not to be issued in this one


def test_of_two_sessions_of_a_role_the_revoked_one_ends_and_the_other_goes_on(
    stack: Stack, revocations: Revocations
) -> None:
    one, other = vend(stack), vend(stack)
    assert is_let_in(stack, one.key) and is_let_in(stack, other.key)
    item = revocations.revoke(one)
    assert not is_let_in(stack, one.key) and is_let_in(stack, other.key)
    until(lambda: revocations.item(item)["state"] == {"S": requests.IN_FORCE})
    ledger = Table(f"{stack.deployed.stack}-sessions", stack.dynamodb())
    entry = ledger.get({"id": {"S": str(one.body["RequestId"])}})
    assert entry is not None and {"revoke_written", "revoke_in_force"} <= entry.keys()

    def events() -> list[object]:
        return [r["event"] for r in revocations.records(REVOCABLE) if item["id"]["S"] in str(r["revocations"])]

    until(lambda: "revocation.in_force" in events())  # the log comes after the table
    assert events()[0] == "revocation.written"


def test_a_caller_s_sessions_end_on_all_roles_and_nobody_else_s(
    stack: Stack, revocations: Revocations, bob: Key
) -> None:
    roles = {"revocable": REVOCABLE, "revocable-too": TOO}
    alices, bobs = [[vend(stack, role, key) for role in roles] for key in (None, bob)]
    revocations.ask(
        *(requests.caller_item(revocations.asked(arn), ALICE, ALICE, ALICES_NAME) for arn in roles.values())
    )
    assert [is_let_in(stack, answer.key) for answer in alices] == [False, False]
    assert all(is_let_in(stack, answer.key) for answer in bobs)
    wait_for_the_next_second()
    assert is_let_in(stack, vend(stack).key)


def test_a_role_s_old_sessions_end_and_new_ones_are_let_in(stack: Stack, revocations: Revocations, bob: Key) -> None:
    old = [vend(stack), vend(stack, key=bob)]
    item = requests.role_item(revocations.asked(REVOCABLE))
    revocations.ask(item)
    assert not any(is_let_in(stack, answer.key) for answer in old)
    wait_for_the_next_second()
    assert is_let_in(stack, vend(stack).key)
    until(lambda: revocations.item(item)["state"] == {"S": requests.IN_FORCE})


def test_a_session_that_a_revoked_one_became_ends_too(stack: Stack, revocations: Revocations) -> None:
    wait_for_the_next_second()  # what other tests have revoked by time
    one, other = vend(stack), vend(stack)
    chained, others = chain(stack, one.key), chain(stack, other.key)
    revocations.revoke(one)
    revocations.revoke(one, CHAINED, chained=True)
    assert not is_let_in(stack, chained) and is_let_in(stack, others)
    with pytest.raises(ClientError, match="AccessDenied"):
        chain(stack, one.key)
    # By the caller's name as well, which goes on even from roles whose sessions have no tags.
    revocations.ask(requests.caller_item(revocations.asked(CHAINED, chained=True), ALICE, None, ALICES_NAME))
    assert not is_let_in(stack, others)


def test_twenty_at_once_lose_none_and_what_others_wrote_stays(stack: Stack, revocations: Revocations) -> None:
    wait_for_the_next_second()
    stack.iam().put_role_policy(RoleName="revocable-too", PolicyName="by-hand", PolicyDocument=allow("s3:ListBucket"))
    before = stack.iam().get_role_policy(RoleName="revocable-too", PolicyName="by-hand")["PolicyDocument"]
    answers = [vend(stack, "revocable-too") for _ in range(3)]
    ids = [str(answer.body["RequestId"]) for answer in answers] + [str(uuid4()) for _ in range(17)]
    items = [requests.session_item(revocations.asked(TOO), id) for id in ids]
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda item: requests.ask(revocations.table, item), items))
    for item in items:
        until(lambda item=item: revocations.item(item)["state"] == {"S": requests.WRITTEN})  # type: ignore[misc]
    written = json.dumps(
        stack.iam().get_role_policy(RoleName="revocable-too", PolicyName=POLICY_NAME)["PolicyDocument"]
    )
    assert all(id in written for id in ids)
    assert not any(is_let_in(stack, answer.key) for answer in answers)
    assert stack.iam().get_role_policy(RoleName="revocable-too", PolicyName="by-hand")["PolicyDocument"] == before


def test_three_hundred_of_one_role_stay_within_the_limit_and_the_first_ends_too(
    stack: Stack, revocations: Revocations
) -> None:
    """The local AWS refuses more than 10,240 characters, as IAM does."""
    first = vend(stack, "revocable-too")
    now = revocations.asked(TOO)
    ids = [str(first.body["RequestId"])] + [str(uuid4()) for _ in range(299)]
    items = [requests.session_item(now._replace(at=now.at + place), id) for place, id in enumerate(ids)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda item: requests.ask(revocations.table, item), items))
    for item in items:
        until(lambda item=item: revocations.item(item)["state"] == {"S": requests.WRITTEN})  # type: ignore[misc]
    names = stack.iam().list_role_policies(RoleName="revocable-too")["PolicyNames"]
    documents = [stack.iam().get_role_policy(RoleName="revocable-too", PolicyName=n)["PolicyDocument"] for n in names]
    assert sum(map(characters, documents)) <= 10_240
    until(lambda: revocations.item(items[0])["widened"] == {"BOOL": True})
    assert revocations.item(items[-1])["widened"] == {"BOOL": False}
    assert not is_let_in(stack, first.key)


def test_what_has_ended_is_pruned_and_the_policy_goes_with_the_last(stack: Stack, revocations: Revocations) -> None:
    lasting = requests.session_item(revocations.asked(FULL), str(uuid4()))
    short = requests.session_item(revocations.asked(FULL, left=8), str(uuid4()))
    revocations.ask(lasting, short)
    until(lambda: time.time() > int(short["until"]["N"]))
    # As DynamoDB does at some time after `ttl`.
    stack.dynamodb().delete_item(TableName=revocations.name, Key={"role_arn": short["role_arn"], "id": short["id"]})

    def policy() -> str:
        if POLICY_NAME not in stack.iam().list_role_policies(RoleName="full")["PolicyNames"]:
            return ""
        return json.dumps(stack.iam().get_role_policy(RoleName="full", PolicyName=POLICY_NAME)["PolicyDocument"])

    until(lambda: short["request_id"]["S"] not in policy())
    assert lasting["request_id"]["S"] in policy()
    stack.dynamodb().delete_item(TableName=revocations.name, Key={"role_arn": lasting["role_arn"], "id": lasting["id"]})
    until(lambda: POLICY_NAME not in stack.iam().list_role_policies(RoleName="full")["PolicyNames"])


def test_a_role_of_another_account_is_revoked_through_the_operator_role(stack: Stack, revocations: Revocations) -> None:
    answer, other = vend(stack, "elsewhere"), vend(stack, "elsewhere")
    revocations.revoke(answer, ELSEWHERE)
    assert not is_let_in(stack, answer.key) and is_let_in(stack, other.key)


def test_what_cannot_be_written_says_why(stack: Stack, revocations: Revocations) -> None:
    gone = requests.session_item(revocations.asked(MISSING), str(uuid4()))
    revocations.ask(gone)
    assert "is not there any more" in str(revocations.item(gone)["problem"])
    assert revocations.records(MISSING)[-1]["cause"] == "role_gone"
    filling = allow(f"s3:{'x' * 10_000}")
    stack.iam().put_role_policy(RoleName="full", PolicyName="by-hand", PolicyDocument=filling)
    full = requests.session_item(revocations.asked(FULL), str(uuid4()))
    revocations.ask(full)
    assert "make room" in str(revocations.item(full)["problem"])
    assert revocations.item(full)["state"] == {"S": requests.FAILED}


def test_the_function_that_vends_may_not_change_a_role(stack: Stack, revocations: Revocations) -> None:
    documents = stack.iam().list_role_policies(RoleName=stack.deployed.function_role_arn.rpartition("/")[2])
    for name in documents["PolicyNames"]:
        role = stack.deployed.function_role_arn.rpartition("/")[2]
        text = json.dumps(stack.iam().get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"])
        assert '"iam:' not in text
