"""What keeps and watches over records: log groups with their retention, and alarms."""

from collections.abc import Iterator, Mapping
from typing import Final, cast

from ops.aws.reader import Aws, NotTold
from ops.documents.json_object import Json
from ops.examining.finding import Finding, not_asked
from ops.examining.stack import DeployedStack
from ops.stages.names import API, DOCTOR, DOCTOR_LOG_GROUP, FUNCTION, LOG_GROUP, REVOKER, REVOKER_LOG_GROUP

_LOG_GROUPS: Final = (LOG_GROUP, REVOKER_LOG_GROUP, DOCTOR_LOG_GROUP)
_ALARM: Final = "AWS::CloudWatch::Alarm"


def log_findings(aws: Aws, stack: DeployedStack) -> Iterator[Finding]:
    """Whether each log group is there, and keeps records as long as the stack says."""
    for logical_id in _LOG_GROUPS:
        if logical_id not in stack.names:
            continue  # told of the stack already
        name = stack.names[logical_id]
        about = f"log group {name}"
        try:
            listed = aws.every("logs", "describe_log_groups", "logGroups", logGroupNamePrefix=name)
        except NotTold as error:
            yield not_asked(error, about)
            continue
        found = [one for one in listed if one.get("logGroupName") == name]
        if not found:
            yield Finding(
                "problem",
                about,
                "it is not there: records are lost",
                (f"aws logs create-log-group --log-group-name {name}",),
            )
            continue
        kept, meant = found[0].get("retentionInDays"), stack.properties(logical_id).get("RetentionInDays")
        # Without a number, it keeps them for good.
        if isinstance(meant, int) and isinstance(kept, int) and kept < meant:
            yield Finding(
                "problem",
                about,
                f"it keeps records for {kept} days, and the stack says {meant}",
                (f"aws logs put-retention-policy --log-group-name {name} --retention-in-days {meant}",),
            )


def alarm_findings(aws: Aws, stack: DeployedStack) -> Iterator[Finding]:
    """Which alarms that watch credvend are in ALARM or lost, and whether there are any."""
    about = "alarms"
    try:
        alarms = aws.every("cloudwatch", "describe_alarms", "MetricAlarms", AlarmTypes=["MetricAlarm"])
    except NotTold as error:
        yield not_asked(error, about, "note")
        return
    by_name = {str(alarm["AlarmName"]): alarm for alarm in alarms}
    made = {stack.names[name] for name in stack.of_type(_ALARM) if name in stack.names}
    watched = _watched(stack)
    for name in sorted(made - by_name.keys()):
        yield Finding("problem", f"alarm {name}", "the stack made it, and it is not there", ("Deploy again.",))
    ours = {name: alarm for name, alarm in by_name.items() if name in made or _watches(alarm, watched)}
    for name, alarm in sorted(ours.items()):
        if alarm.get("StateValue") == "ALARM":
            yield Finding("problem", f"alarm {name}", f"it is in ALARM: {alarm.get('StateReason', 'no reason given')}")
        elif alarm.get("ActionsEnabled") is False:
            yield Finding("warning", f"alarm {name}", "its actions are switched off: it tells nobody")
    if not ours:
        yield Finding(
            "warning",
            about,
            "none watches credvend: nobody is told when it fails",
            ("Put one into template.yaml: docs/stage.md has an example.",),
        )


def _watched(stack: DeployedStack) -> set[tuple[str, str]]:
    """The dimensions of metrics that are credvend's."""
    functions = {("FunctionName", stack.names[name]) for name in (FUNCTION, REVOKER, DOCTOR) if name in stack.names}
    tables = {("TableName", name) for id_, name in stack.names.items() if id_.endswith("Table")}
    # Metrics of an API go by its name, which the template makes the stack's.
    return functions | tables | ({("ApiName", stack.name)} if API in stack.names else set())


def _watches(alarm: Json, watched: set[tuple[str, str]]) -> bool:
    metrics = [alarm]
    for query in cast(list[Mapping[str, Json]], alarm.get("Metrics") or []):
        metrics.append(cast(Json, query.get("MetricStat", {}).get("Metric", {})))
    found = [one for metric in metrics for one in cast(list[Mapping[str, str]], metric.get("Dimensions") or [])]
    return any((one["Name"], one["Value"]) in watched for one in found)
