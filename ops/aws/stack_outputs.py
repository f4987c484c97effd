"""What a stack says of itself."""

from collections.abc import Mapping
from typing import cast

from ops.aws.reader import Aws, NotTold
from ops.documents.json_object import Json
from ops.errors import OperationFailed


def stack_outputs(aws: Aws, stack: str) -> dict[str, str]:
    """Its outputs, by name.

    Raises:
        OperationFailed: there is no such stack, or it is not told.
    """
    try:
        (described,) = cast(list[Json], aws.ask("cloudformation", "describe_stacks", StackName=stack)["Stacks"])
    except NotTold as error:
        if error.why == "gone":
            raise OperationFailed(
                f"There is no stack {stack} here: choose another stage (--stage), region (AWS_REGION) or profile "
                "(AWS_PROFILE), or deploy it first."
            ) from None
        raise OperationFailed(f"Stack {stack} is not told of: {error}.") from None
    return outputs_of(described)


def outputs_of(described: Mapping[str, object]) -> dict[str, str]:
    """The outputs of a stack as DescribeStacks tells it, by name: none, if it has none."""
    outputs = cast(list[dict[str, str]], described.get("Outputs") or [])
    return {one["OutputKey"]: one["OutputValue"] for one in outputs}
