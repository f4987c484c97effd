"""The functions of a stack: whether they run, and whether what they are to be told of reaches them."""

from collections.abc import Iterator
from typing import Final, cast

from ops.aws.reader import Aws, NotTold
from ops.documents.json_object import Json
from ops.examining.finding import Finding, not_asked
from ops.examining.stack import DeployedStack
from ops.stages.names import DOCTOR, FUNCTION, REVOKER

_ROLES: Final = {FUNCTION: "FunctionRoleArn", DOCTOR: "FunctionRoleArn", REVOKER: "RevokerRoleArn"}
_MAPPING: Final = "AWS::Lambda::EventSourceMapping"


def function_findings(aws: Aws, stack: DeployedStack) -> Iterator[Finding]:
    """State, last update, role and concurrency of each function; the revoker's event source mappings."""
    for logical_id, role_output in _ROLES.items():
        if logical_id not in stack.names:
            continue  # told of the stack already
        name = stack.names[logical_id]
        try:
            told = aws.ask("lambda", "get_function_configuration", FunctionName=name)
            yield from _state_findings(name, told, stack.outputs.get(role_output))
        except NotTold as error:
            yield _not_there(error, name)
            continue
        try:
            yield from _concurrency_findings(aws, name, stack.properties(logical_id))
        except NotTold as error:
            yield not_asked(error, f"concurrency of function {name}")
    yield from _mapping_findings(aws, stack)


def _not_there(error: NotTold, name: str) -> Finding:
    if error.why == "gone":
        return Finding("problem", f"function {name}", "it is not there", ("Deploy again.",))
    return not_asked(error, f"function {name}")


def _state_findings(name: str, told: Json, role: str | None) -> Iterator[Finding]:
    about = f"function {name}"
    # https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html; an idle function becomes active when invoked.
    if told.get("State", "Active") not in ("Active", "Inactive"):
        yield Finding("problem", about, f"its state is {told['State']}: {told.get('StateReason', 'no reason given')}")
    if told.get("LastUpdateStatus", "Successful") != "Successful":
        reason = told.get("LastUpdateStatusReason", "no reason given")
        yield Finding("problem", about, f"its last update is {told['LastUpdateStatus']}: {reason}", ("Deploy again.",))
    if role is not None and told.get("Role") != role:
        yield Finding(
            "problem",
            about,
            f"it has another role ({told.get('Role')}) than the stack gave it ({role})",
            ("Somebody has changed it past the stack: find out who, and deploy again.",),
        )


def _concurrency_findings(aws: Aws, name: str, properties: Json) -> Iterator[Finding]:
    told = aws.ask("lambda", "get_function_concurrency", FunctionName=name).get("ReservedConcurrentExecutions")
    meant = properties.get("ReservedConcurrentExecutions")
    if told == 0:
        yield Finding(
            "problem",
            f"function {name}",
            "its reserved concurrency is 0: it is switched off",
            (
                f"If that is over: aws lambda put-function-concurrency --function-name {name} "
                f"--reserved-concurrent-executions {meant if meant is not None else 'N'}",
            ),
        )
    elif told != meant:
        yield Finding(
            "warning",
            f"function {name}",
            f"its reserved concurrency is {_said(told)}, and the stack's {_said(meant)}",
            ("Set `concurrency` in stage.yaml, and deploy: what is set past the stack, the next deployment may undo.",),
        )


def _said(concurrency: object) -> str:
    return "not set" if concurrency is None else str(concurrency)


def _mapping_findings(aws: Aws, stack: DeployedStack) -> Iterator[Finding]:
    if REVOKER not in stack.names:
        return
    about = f"event source mappings of function {stack.names[REVOKER]}"
    try:
        found = aws.every(
            "lambda", "list_event_source_mappings", "EventSourceMappings", FunctionName=stack.names[REVOKER]
        )
    except NotTold as error:
        yield not_asked(error, about)
        return
    states = {str(one["UUID"]): one for one in found}
    for logical_id in stack.of_type(_MAPPING):
        mapping = states.get(stack.names.get(logical_id, ""))
        if mapping is None:
            yield Finding("problem", about, f"{logical_id} is not there: nothing is revoked", ("Deploy again.",))
        elif mapping.get("State") not in ("Enabled", "Enabling", "Updating", "Creating"):
            yield Finding(
                "problem",
                about,
                f"{logical_id} is {mapping.get('State')}: nothing is revoked while it is",
                (f"aws lambda update-event-source-mapping --enabled --uuid {mapping['UUID']}",),
            )
        elif str(mapping.get("LastProcessingResult", "")).startswith("PROBLEM"):
            yield Finding(
                "problem",
                about,
                f"{logical_id} fails: {cast(str, mapping['LastProcessingResult'])}",
                (f"Look into the log of function {stack.names[REVOKER]}.",),
            )
