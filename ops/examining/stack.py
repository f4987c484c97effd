"""The stack of a stage: what it should be, as its own template says, and what its resources are called."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, cast

from ops.aws.reader import Aws
from ops.aws.stack_outputs import outputs_of
from ops.documents.json_object import Json
from ops.documents.yaml_document import template_value
from ops.examining.finding import Finding
from ops.stages.names import (
    API,
    CONFIGURATION_OUTPUT,
    DOCTOR,
    DOCTOR_LOG_GROUP,
    FUNCTION,
    FUNCTION_ROLE,
    LOG_GROUP,
    REVOKER,
    REVOKER_LOG_GROUP,
    REVOKER_ROLE,
    TABLES,
)

_EXPECTED: Final = (
    *(API, FUNCTION, FUNCTION_ROLE, LOG_GROUP, REVOKER, REVOKER_ROLE, REVOKER_LOG_GROUP, DOCTOR, DOCTOR_LOG_GROUP),
    *TABLES,
)
_SETTLED: Final = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE")


@dataclass(frozen=True, slots=True)
class DeployedStack:
    """A stack.

    Attributes:
        outputs: by name.
        names: what AWS calls its resources, by logical id.
        template: its resources as they were deployed, by logical id.
    """

    name: str
    status: str
    account: str
    outputs: Mapping[str, str]
    names: Mapping[str, str]
    template: Mapping[str, Json]

    def of_type(self, kind: str) -> dict[str, Json]:
        """The properties of its resources of a type, by logical id."""
        return {
            name: cast(Json, one.get("Properties") or {}) for name, one in self.template.items() if one["Type"] == kind
        }

    def properties(self, logical_id: str) -> Json:
        """What the template says of a resource."""
        return cast(Json, self.template.get(logical_id, {}).get("Properties") or {})


def read_stack(aws: Aws, name: str) -> DeployedStack:
    """The stack of that name.

    Raises:
        NotTold, OperationFailed: CloudFormation does not tell of it; `gone`: there is none.
    """
    (described,) = cast(list[Json], aws.ask("cloudformation", "describe_stacks", StackName=name)["Stacks"])
    listed = aws.every("cloudformation", "list_stack_resources", "StackResourceSummaries", StackName=name)
    sent = aws.ask("cloudformation", "get_template", StackName=name, TemplateStage="Original")["TemplateBody"]
    # botocore has read it where it is JSON, which is YAML, too.
    template = cast(Json, template_value(sent) if isinstance(sent, str) else sent)
    return DeployedStack(
        name=name,
        status=str(described["StackStatus"]),
        account=str(described["StackId"]).split(":")[4],
        outputs=outputs_of(described),
        names={
            str(one["LogicalResourceId"]): str(one["PhysicalResourceId"])
            for one in listed
            if one.get("PhysicalResourceId")
        },
        template=cast(Mapping[str, Json], template.get("Resources") or {}),
    )


def stack_findings(stack: DeployedStack) -> Iterator[Finding]:
    """Whether it was deployed whole, and has all that this version of credvend makes."""
    about = f"stack {stack.name}"
    if stack.status.endswith("_IN_PROGRESS"):
        yield Finding(
            "problem", about, f"it is {stack.status}: a deployment is at work", ("Wait for its end, and ask again.",)
        )
    elif stack.status not in _SETTLED:
        yield Finding(
            "problem",
            about,
            f"it is {stack.status}: its last deployment failed",
            (f"aws cloudformation describe-stack-events --stack-name {stack.name}", "Mend that, and deploy again."),
        )
    missing = [name for name in _EXPECTED if name not in stack.template or name not in stack.names]
    if missing:
        yield Finding(
            "problem",
            about,
            f"it lacks {', '.join(missing)}: an earlier version of credvend made it",
            ("Deploy again.",),
        )


def configuration_findings(stack: DeployedStack, answers: str | None, wanted: str | None) -> Iterator[Finding]:
    """Whether what answers has the configuration that was deployed, and that is the one at hand.

    Args:
        answers: digest of the configuration that the function says it has; None: it does not say.
        wanted: of the directory at hand; None: there is none.
    """
    deployed = stack.outputs.get(CONFIGURATION_OUTPUT)
    if answers is not None and deployed is not None and answers != deployed:
        yield Finding(
            "problem",
            f"stack {stack.name}",
            f"its function has another configuration ({answers[:12]}) than was deployed ({deployed[:12]})",
            ("Somebody has changed the function's code past the stack: find out who, and deploy again.",),
        )
    if wanted is not None and deployed is not None and wanted != deployed:
        yield Finding(
            "warning",
            f"stack {stack.name}",
            f"what is deployed ({deployed[:12]}) is not what the configuration directory holds ({wanted[:12]})",
            ("Deploy it, or name the directory that is deployed by --config.",),
        )
