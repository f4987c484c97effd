"""The tables of a stack: there, with the keys, the stream, the end of items and the backups that its template says."""

from collections.abc import Iterator
from typing import Final, cast

from ops.aws.reader import Aws, NotTold
from ops.documents.json_object import Json
from ops.examining.finding import Finding, not_asked
from ops.examining.stack import DeployedStack
from ops.stages.names import TABLES

_LOST: Final = "Make a table of that name as .chalice/template.json has it, or restore it from a backup."


def table_findings(aws: Aws, stack: DeployedStack) -> Iterator[Finding]:
    """What is wrong with each table."""
    for logical_id in TABLES:
        if logical_id not in stack.names:
            continue  # told of the stack already
        name = stack.names[logical_id]
        try:
            yield from _findings(aws, name, stack.properties(logical_id))
        except NotTold as error:
            if error.why == "gone":
                yield Finding("problem", f"table {name}", "it is not there", (_LOST,))
            else:
                yield not_asked(error, f"table {name}")


def _findings(aws: Aws, name: str, meant: Json) -> Iterator[Finding]:
    about = f"table {name}"
    told = cast(Json, aws.ask("dynamodb", "describe_table", TableName=name)["Table"])
    if told.get("TableStatus") not in ("ACTIVE", "UPDATING"):
        yield Finding("problem", about, f"it is {told.get('TableStatus')}")
    if _keys(told) != _keys(meant):
        yield Finding("problem", about, f"its keys are {_shown(told)}, and must be {_shown(meant)}", (_LOST,))
    indexes, needed = _indexes(told), _indexes(meant)
    missing = sorted(name for name in needed if indexes.get(name) != needed[name])
    if missing:
        yield Finding("problem", about, f"it lacks the index {', '.join(missing)}", ("Deploy again.",))
    stream = cast(Json, meant.get("StreamSpecification") or {}).get("StreamViewType")
    found = cast(Json, told.get("StreamSpecification") or {})
    if stream is not None and (found.get("StreamEnabled") is not True or found.get("StreamViewType") != stream):
        yield Finding("problem", about, f"its stream is off, or not {stream}: nothing is revoked", ("Deploy again.",))
    yield from _end_findings(aws, name, meant)


def _end_findings(aws: Aws, name: str, meant: Json) -> Iterator[Finding]:
    attribute = cast(Json, meant.get("TimeToLiveSpecification") or {}).get("AttributeName")
    if attribute is None:
        return
    try:
        told = cast(Json, aws.ask("dynamodb", "describe_time_to_live", TableName=name)["TimeToLiveDescription"])
    except NotTold as error:
        yield not_asked(error, f"time to live of table {name}")
        return
    if told.get("TimeToLiveStatus") not in ("ENABLED", "ENABLING") or told.get("AttributeName") != attribute:
        yield Finding(
            "warning",
            f"table {name}",
            f"its items do not end: time to live is {told.get('TimeToLiveStatus')}",
            (
                f"aws dynamodb update-time-to-live --table-name {name} "
                f"--time-to-live-specification Enabled=true,AttributeName={attribute}",
            ),
        )


def _keys(table: Json) -> list[tuple[object, object]]:
    keys = cast(list[Json], table.get("KeySchema") or [])
    return sorted((str(key["KeyType"]), str(key["AttributeName"])) for key in keys)


def _indexes(table: Json) -> dict[str, list[tuple[object, object]]]:
    indexes = cast(list[Json], table.get("GlobalSecondaryIndexes") or [])
    return {str(index["IndexName"]): _keys(index) for index in indexes}


def _shown(table: Json) -> str:
    return ", ".join(f"{name} ({kind})" for kind, name in _keys(table)) or "none"
