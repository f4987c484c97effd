"""What the doctor finds of a stage, and that nothing which it may not ask stops it."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from ops.aws.reader import NotTold
from ops.documents.json_object import Json
from ops.errors import OperationFailed
from ops.examining.at_hand import AtHand
from ops.examining.examination import PARTS, Examination, Part, Wanted, examine
from ops.examining.finding import LEVELS, Finding, is_in_order
from tests.unit.chalicelib.decisions.test_authorizer import role
from tests.unit.ops.examining.fake_aws import ACCOUNT, ROLE, STACK, FakeAws, denied, verdict

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
WANTED = Wanted(STACK, ("roles", "stack"), (), None, allow_loopback_http=False)
# Each call that is made where all is in order, with the right that it needs.
CALLS = {
    "cloudformation.describe_stacks": "cloudformation:DescribeStacks",
    "cloudformation.list_stack_resources": "cloudformation:ListStackResources",
    "cloudformation.get_template": "cloudformation:GetTemplate",
    "iam.get_account_authorization_details": "iam:GetAccountAuthorizationDetails",
    "iam.get_account_summary": "iam:GetAccountSummary",
    "lambda.invoke": "lambda:InvokeFunction",
    "lambda.get_function_configuration": "lambda:GetFunctionConfiguration",
    "lambda.get_function_concurrency": "lambda:GetFunctionConcurrency",
    "lambda.list_event_source_mappings": "lambda:ListEventSourceMappings",
    "dynamodb.describe_table": "dynamodb:DescribeTable",
    "dynamodb.describe_time_to_live": "dynamodb:DescribeTimeToLive",
    "logs.describe_log_groups": "logs:DescribeLogGroups",
    "logs.filter_log_events": "logs:FilterLogEvents",
    "cloudwatch.describe_alarms": "cloudwatch:DescribeAlarms",
    "cloudwatch.get_metric_statistics": "cloudwatch:GetMetricStatistics",
}


def nothing(done: int, of: int) -> None:
    """No progress is shown."""


def look(aws: FakeAws, wanted: Wanted = WANTED) -> Examination:
    return examine(aws, wanted, NOW, nothing)


def only(aws: FakeAws, wanted: Wanted = WANTED) -> Finding:
    (finding,) = look(aws, wanted).findings
    return finding


def always(answer: object) -> Callable[[Json], object]:
    return lambda _: answer


def test_where_all_is_in_order_nothing_is_found() -> None:
    aws = FakeAws()
    came = look(aws)
    assert came.findings == [] and (came.asked, came.granted) == (1, 1)
    assert set(aws.asked) == set(CALLS)


@pytest.mark.parametrize("call", CALLS)
def test_what_may_not_be_asked_is_a_finding_and_the_rest_is_asked(call: str) -> None:
    aws = FakeAws(answers={call: denied(CALLS[call])})
    came = look(aws)
    assert {finding.right for finding in came.findings} == {CALLS[call]}
    assert all(CALLS[call] in str(finding.do) for finding in came.findings)
    if not call.startswith("cloudformation"):
        # Without the list of IAM's roles, their quotas are not asked for; nor concurrency of a function not told of.
        after = {
            "iam.get_account_authorization_details": {"iam.get_account_summary"},
            "lambda.get_function_configuration": {"lambda.get_function_concurrency"},
            "dynamodb.describe_table": {"dynamodb.describe_time_to_live"},
        }
        assert set(aws.asked) == set(CALLS) - after.get(call, set())


@pytest.mark.parametrize("call", [call for call in CALLS if not call.startswith("cloudformation.describe")])
def test_what_fails_is_a_finding_and_no_traceback(call: str) -> None:
    aws = FakeAws(answers={call: NotTold(f"{call} answers Throttling: slow down", "failed")})
    assert any("slow down" in finding.what for finding in look(aws).findings)


def test_what_may_not_be_asked_is_not_in_order_where_it_matters() -> None:
    for call, right in CALLS.items():
        came = look(FakeAws(answers={call: denied(right)}))
        tells_of_quotas = call.split(".")[0] in ("iam", "cloudwatch") or call == "logs.filter_log_events"
        assert is_in_order(came.findings) is tells_of_quotas, call


def test_no_stack_says_what_to_choose() -> None:
    aws = FakeAws(answers={"cloudformation.describe_stacks": NotTold("no", "gone")})
    with pytest.raises(OperationFailed, match="There is no stack credvend-prod here: choose another stage"):
        look(aws)


def test_a_stack_of_an_earlier_version_is_to_be_deployed_again() -> None:
    aws = FakeAws()
    for name in ("Doctor", "DoctorLogGroup"):
        del aws.resources[name]
    findings = look(aws).findings
    assert [finding.what for finding in findings if "lacks Doctor" in finding.what]
    assert [finding.what for finding in findings if "has no function for it" in finding.what]


@pytest.mark.parametrize("status", ["UPDATE_ROLLBACK_COMPLETE", "UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED"])
def test_a_stack_that_is_not_settled_is_a_problem(status: str) -> None:
    aws = FakeAws()
    told = cast(Json, aws.usual("cloudformation.describe_stacks", {}))
    cast(list[Json], told["Stacks"])[0]["StackStatus"] = status
    aws.answers["cloudformation.describe_stacks"] = always(told)
    assert only(aws).level == "problem" and status in only(aws).what


@pytest.mark.parametrize(
    ("call", "answer", "said"),
    [
        ("lambda.get_function_configuration", {"State": "Failed", "StateReason": "KMS"}, "its state is Failed: KMS"),
        ("lambda.get_function_configuration", {"LastUpdateStatus": "Failed"}, "its last update is Failed"),
        ("lambda.get_function_configuration", {"Role": f"{ROLE}x"}, "it has another role"),
        ("lambda.get_function_concurrency", {"ReservedConcurrentExecutions": 0}, "it is switched off"),
        ("lambda.get_function_concurrency", {}, "is not set, and the stack's"),
        ("dynamodb.describe_table", {"Table": {"TableStatus": "ACTIVE"}}, "its keys are none, and must be"),
        ("dynamodb.describe_time_to_live", {"TimeToLiveDescription": {}}, "time to live is None"),
    ],
)
def test_what_is_not_as_it_was_deployed_is_found(call: str, answer: Json, said: str) -> None:
    aws = FakeAws()
    usual = {"Role": ROLE} if call.endswith("configuration") else {}
    aws.answers[call] = always({**usual, **answer})
    assert [finding for finding in look(aws).findings if said in finding.what]


@pytest.mark.parametrize(
    ("call", "answer", "said"),
    [
        ("lambda.list_event_source_mappings", [], "RevokerWrites is not there: nothing is revoked"),
        (
            "lambda.list_event_source_mappings",
            [{"UUID": f"id-of-{n}", "State": "Disabled"} for n in ("RevokerWrites", "RevokerProves")],
            "RevokerProves is Disabled",
        ),
        (
            "lambda.list_event_source_mappings",
            [
                {"UUID": f"id-of-{n}", "State": "Enabled", "LastProcessingResult": "PROBLEM: Function call failed"}
                for n in ("RevokerWrites", "RevokerProves")
            ],
            "RevokerWrites fails: PROBLEM: Function call failed",
        ),
        ("logs.describe_log_groups", [], "it is not there: records are lost"),
        ("cloudwatch.describe_alarms", [], "none watches credvend"),
        (
            "cloudwatch.describe_alarms",
            [
                {
                    "AlarmName": "slow",
                    "StateValue": "ALARM",
                    "StateReason": "threshold",
                    "Metrics": [{"MetricStat": {"Metric": {"Dimensions": [{"Name": "ApiName", "Value": STACK}]}}}],
                }
            ],
            "it is in ALARM: threshold",
        ),
    ],
)
def test_what_a_list_lacks_is_found(call: str, answer: list[Json], said: str) -> None:
    assert [one for one in look(FakeAws(answers={call: always(answer)})).findings if said in one.what]


def test_alarms_of_others_are_nobodys_business() -> None:
    theirs = [{"AlarmName": "x", "StateValue": "ALARM", "Dimensions": [{"Name": "FunctionName", "Value": "other"}]}]
    aws = FakeAws()
    own = cast(list[Json], aws.usual("cloudwatch.describe_alarms", {}))
    aws.answers["cloudwatch.describe_alarms"] = always(own + theirs)
    assert look(aws).findings == []


def test_records_that_end_before_their_time_are_a_problem_and_those_that_stay_are_none() -> None:
    for days, count in ((364, 3), (365, 0), (3653, 0), (None, 0)):
        kept = {} if days is None else {"retentionInDays": days}
        aws = FakeAws()
        aws.answers["logs.describe_log_groups"] = lambda asked, kept=kept: [  # type: ignore[misc]
            {"logGroupName": asked["logGroupNamePrefix"], **kept},
            {"logGroupName": f"{asked['logGroupNamePrefix']}-of-another", "retentionInDays": 1},
        ]
        assert len(look(aws).findings) == count


def test_another_configuration_than_the_deployed_one_answers() -> None:
    aws = FakeAws()
    aws.answers["lambda.invoke"] = lambda event: {**aws._doctor(event), "Configuration": "e" * 64}
    assert "has another configuration (eeeeeeeeeeee) than was deployed (dddddddddddd)" in only(aws).what


def test_quotas_that_come_near_are_warnings() -> None:
    def detail(arn: str, **more: object) -> Json:
        return {"Arn": arn, **more}

    large = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "a" * 8_200, "Resource": "*"}]}
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "a" * 1_640}]}
    reader = f"arn:aws:iam::{ACCOUNT}:role/reader"
    aws = FakeAws()
    aws.answers["iam.get_account_authorization_details"] = always(
        [
            detail(ROLE, AttachedManagedPolicies=[{}] * 8),
            detail(reader, RolePolicyList=[{"PolicyDocument": large}], AssumeRolePolicyDocument=trust),
        ]
    )
    aws.answers["cloudwatch.get_metric_statistics"] = always({"Datapoints": [{"Sum": 3.0, "Maximum": 1.0}]})
    throttled = '{"event": "credentials.failed", "cause": "throttled"}'
    aws.answers["logs.filter_log_events"] = always([{"message": throttled}, {"message": "{}"}, {"message": "x"}])
    found = [finding.what for finding in look(aws).findings]
    for said in (
        "8 of 10 managed policies are attached",
        "of 10,240 characters of inline policies are taken",
        "of 2,048 characters of its trust policy are taken",
        "3 requests were turned away",
        "it throttled 1 vends in the last hour",
    ):
        assert [what for what in found if said in what], said
    assert {finding.level for finding in look(aws).findings} == {"warning"}


def test_roles_in_other_accounts_are_judged_by_sts_alone() -> None:
    other = "999988887777"
    lacks = [{"What": "assume_role", "Cause": "not_trusted"}]
    for account, said in ((other, "there is no such role, or"), (ACCOUNT, "there is no such role")):
        aws = FakeAws({"gone": verdict("gone", account, Lacks=lacks)})
        aws.answers["iam.get_account_authorization_details"] = always([])
        assert only(aws, replace(WANTED, parts=("roles",))).what.endswith(said) or said in only(aws).what
    blind = FakeAws({"gone": verdict("gone", Lacks=lacks)})
    blind.answers["iam.get_account_authorization_details"] = denied("iam:GetAccountAuthorizationDetails")
    assert [one for one in look(blind).findings if "or demands another external id" in one.what]


def test_roles_that_were_out_of_time_are_asked_again_and_then_told() -> None:
    aws = FakeAws({"slow": verdict("slow", Granted=None, Unknown="out_of_time")})
    assert only(aws).level == "unknown" and aws.invocations == 1 + 3
    aws = FakeAws({"slow": verdict("slow", Granted=None, Unknown="out_of_time")})

    def later(event: Json) -> Json:
        told = aws._doctor(event)
        aws.verdicts["slow"] = verdict("slow")
        return told

    aws.answers["lambda.invoke"] = later
    assert look(aws).findings == []


def test_a_thousand_roles_are_asked_about_in_forty_invocations_and_progress_is_told() -> None:
    bad = [{"What": "tag_session", "Cause": "no_tag_session"}]
    roles = {f"r{n:04}": verdict(f"r{n:04}", Lacks=bad if n % 2 else []) for n in range(1_000)}
    aws = FakeAws(roles)
    told: list[tuple[int, int]] = []
    started = time.monotonic()
    came = examine(aws, replace(WANTED, parts=("roles",)), NOW, lambda done, of: told.append((done, of)))
    assert time.monotonic() - started < 5
    assert (came.asked, came.granted, len(came.findings)) == (1_000, 500, 500)
    assert aws.invocations == 1 + 40
    assert told[-1] == (1_000, 1_000) and [done for done, _ in told] == sorted(done for done, _ in told)


def test_20_000_roles_are_listed_page_by_page() -> None:
    aws = FakeAws({f"r{n}": verdict(f"r{n}") for n in range(20_000)})
    came = look(aws, replace(WANTED, parts=("roles",), names=("r19999",)))
    assert came.asked == 1 and came.findings == []


def test_the_worst_comes_first() -> None:
    aws = FakeAws({"a": verdict("a", Lacks=[{"What": "duration", "Cause": "max_session_duration"}])})
    aws.answers |= {
        "cloudwatch.describe_alarms": always([]),
        "dynamodb.describe_table": denied("dynamodb:DescribeTable"),
        "cloudwatch.get_metric_statistics": denied("cloudwatch:GetMetricStatistics"),
    }
    levels = [finding.level for finding in look(aws).findings]
    assert levels == sorted(levels, key=LEVELS.index) and set(levels) == set(LEVELS)


@pytest.mark.parametrize("part", PARTS)
def test_a_part_alone_asks_for_nothing_else(part: Part) -> None:
    aws = FakeAws()
    look(aws, replace(WANTED, parts=(part,)))
    services = {call.split(".")[0] for call in aws.asked}
    assert ("dynamodb" in services) is (part == "stack")
    assert bool(services) is (part != "issuers")


def test_what_only_the_revoker_could_ask_is_said() -> None:
    other = "999988887777"
    aws = FakeAws({"reader": verdict("reader"), "far": verdict("far", other)})
    probed = replace(role("reader"), probe="ec2:DescribeInstances")
    at_hand = AtHand(Path(), "d" * 64, (probed,), (), "credvend/operator")
    came = look(aws, replace(WANTED, at_hand=at_hand))
    assert is_in_order(came.findings)
    first, second = (finding.what for finding in came.findings)
    assert "roles with a probe (reader) let the revoker in" in first
    assert f"whether role credvend/operator of account {other} lets the revoker in" in second
    (warning,) = look(aws, replace(WANTED, at_hand=replace(at_hand, roles=(), operator_role=None))).findings
    assert warning.level == "warning" and f"no sessions can be revoked in account {other}" in warning.what
