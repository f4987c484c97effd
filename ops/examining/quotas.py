"""Quotas of AWS that come near: of IAM's policies, of Lambda's concurrency, of calls of STS."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final, cast

from ops.aws.reader import Aws, NotTold
from ops.documents.json_object import Json, json_object
from ops.examining.finding import Finding, not_asked
from ops.examining.stack import DeployedStack
from ops.examining.trust import KnownRole
from ops.iam.policy_size import MAXIMUM_INLINE
from ops.stages.names import FUNCTION, LOG_GROUP

# Who is told at this share has time to have a quota raised, which takes days.
NEAR: Final = 0.8
_TRUST_CHARACTERS: Final = 2_048
_ATTACHED: Final = 10
_LOOK_BACK_HOURS: Final = 24
_SHOWN: Final = 5
# The records of vends that STS has throttled: docs/audit.md.
_THROTTLED: Final = '{ $.event = "credentials.failed" && $.cause = "throttled" }'


def iam_findings(
    aws: Aws, known: Mapping[str, KnownRole], function_role_arn: str, targets: Iterable[str]
) -> Iterator[Finding]:
    """Policies of credvend's own role, and of the catalog's roles in its account, that have little room left."""
    trust, attached = _TRUST_CHARACTERS, _ATTACHED
    try:
        summary = cast(Mapping[str, int], aws.ask("iam", "get_account_summary")["SummaryMap"])
        # https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountSummary.html
        trust = summary.get("AssumeRolePolicySizeQuota", trust)
        attached = summary.get("AttachedPoliciesPerRoleQuota", attached)
    except NotTold as error:
        yield not_asked(error, "quotas of IAM", "note")
    own = known.get(function_role_arn)
    if own is not None and own.attached >= NEAR * attached:
        yield Finding(
            "warning",
            "credvend's role",
            f"{own.attached} of {attached} managed policies are attached to it: a larger catalog may not fit",
            ("docs/catalog.md (Many roles) has the ways out: a role_path, or a raised quota.",),
        )
    ours = [known[arn] for arn in targets if arn in known]
    yield from _nearly_full(
        [(one.arn, one.inline_characters) for one in ours],
        MAXIMUM_INLINE,
        "inline policies",
        "a revocation has no room then: move one of them into a managed policy",
    )
    yield from _nearly_full(
        [(one.arn, one.trust_characters) for one in ours],
        trust,
        "its trust policy",
        "no further statement fits then: shorten it, or have the quota raised",
    )


def _nearly_full(sizes: list[tuple[str, int]], most: int, what: str, why: str) -> Iterator[Finding]:
    full = sorted((arn, size) for arn, size in sizes if size >= NEAR * most)
    for arn, size in full[:_SHOWN]:
        yield Finding("warning", f"role {arn}", f"{size:,} of {most:,} characters of {what} are taken", (f"{why}.",))
    if len(full) > _SHOWN:
        yield Finding("warning", "roles", f"{len(full) - _SHOWN} more have as little room left for {what}")


def lambda_findings(aws: Aws, stack: DeployedStack, now: datetime) -> Iterator[Finding]:
    """Whether the function was throttled in the last day, or came near to it."""
    if FUNCTION not in stack.names:
        return
    name = stack.names[FUNCTION]
    about = f"concurrency of function {name}"
    try:
        throttles = _metric(aws, name, "Throttles", "Sum", now)
        most = _metric(aws, name, "ConcurrentExecutions", "Maximum", now)
        limit = _limit(aws, stack)
    except NotTold as error:
        yield not_asked(error, about, "note")
        return
    raise_it = ("Raise `concurrency` in stage.yaml, and deploy; Service Quotas raises the account's.",)
    if throttles:
        yield Finding(
            "warning", about, f"{throttles:,.0f} requests were turned away in the last day for want of it", raise_it
        )
    elif limit is not None and most >= NEAR * limit:
        yield Finding("warning", about, f"{most:,.0f} of {limit:,} were in use at once in the last day", raise_it)


def _limit(aws: Aws, stack: DeployedStack) -> int | None:
    reserved = stack.properties(FUNCTION).get("ReservedConcurrentExecutions")
    if isinstance(reserved, int):
        return reserved
    limits = cast(Json, aws.ask("lambda", "get_account_settings").get("AccountLimit") or {})
    return cast(int | None, limits.get("UnreservedConcurrentExecutions"))


def _metric(aws: Aws, function: str, metric: str, statistic: str, now: datetime) -> float:
    told = aws.ask(
        "cloudwatch",
        "get_metric_statistics",
        Namespace="AWS/Lambda",
        MetricName=metric,
        Dimensions=[{"Name": "FunctionName", "Value": function}],
        StartTime=now - timedelta(hours=_LOOK_BACK_HOURS),
        EndTime=now,
        Period=_LOOK_BACK_HOURS * 3600,
        Statistics=[statistic],
    )
    values = [float(cast(float, point[statistic])) for point in cast(list[Json], told.get("Datapoints") or [])]
    return (sum if statistic == "Sum" else max)(values) if values else 0.0


def sts_findings(aws: Aws, stack: DeployedStack, now: datetime) -> Iterator[Finding]:
    """Whether STS has throttled vends. It tells no number of calls, so that the audit log is asked."""
    if LOG_GROUP not in stack.names:
        return
    try:
        found = aws.every(
            "logs",
            "filter_log_events",
            "events",
            logGroupName=stack.names[LOG_GROUP],
            startTime=int((now - timedelta(hours=1)).timestamp() * 1000),
            filterPattern=_THROTTLED,
        )
    except NotTold as error:
        if error.why != "gone":  # told of the log group already
            yield not_asked(error, "rate of STS", "note")
        return
    records = [json_object(str(one.get("message"))) for one in found]
    found = [one for one in records if one.get("event") == "credentials.failed" and one.get("cause") == "throttled"]
    if found:
        yield Finding(
            "warning",
            "rate of STS",
            f"it throttled {len(found):,} vends in the last hour",
            ("Have callers keep credentials until they end; `share_identical` in sessions.yaml helps fleets.",),
        )
