"""The CloudFormation stack: how it is deployed, and what it tells of itself."""

from collections.abc import Mapping
from pathlib import Path
from typing import cast

from ops.aws_cli import AwsCli, CommandFailed


def deploy_stack(aws: AwsCli, stack: str, template: Path, bucket: str, tags: Mapping[str, str]) -> None:
    """Upload the package, and make or update the stack.

    Args:
        tags: of the stack; CloudFormation puts them on its resources.

    Raises:
        CommandFailed: with the events that tell why.
    """
    packaged = template.with_name("packaged.json")
    package = ["--template-file", str(template), "--s3-bucket", bucket, "--s3-prefix", stack]
    package += ["--force-upload"]  # whatever lies there under the package's name is not believed to be it
    aws.text("cloudformation", "package", *package, "--use-json", "--output-template-file", str(packaged))
    options = ["--stack-name", stack, "--template-file", str(packaged), "--no-fail-on-empty-changeset"]
    # In a request, CloudFormation takes a template of 51,200 bytes, in a bucket one of 1 MB:
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
    options += ["--s3-bucket", bucket, "--s3-prefix", stack, "--force-upload"]
    if tags:
        options += ["--tags", *(f"{key}={value}" for key, value in tags.items())]
    try:
        aws.text("cloudformation", "deploy", *options, "--capabilities", "CAPABILITY_NAMED_IAM")
    except CommandFailed as failure:
        query = "StackEvents[?contains(ResourceStatus, 'FAILED')].[LogicalResourceId, ResourceStatusReason]"
        events = aws.run("cloudformation", "describe-stack-events", "--stack-name", stack, "--query", query)
        raise CommandFailed(f"{failure}\n{events.stdout.strip()}") from None


def outputs(aws: AwsCli, stack: str) -> dict[str, str]:
    """The outputs of a stack.

    Raises:
        CommandFailed: there is no such stack.
    """
    described = aws.json("cloudformation", "describe-stacks", "--stack-name", stack)
    (only,) = cast(list[dict[str, list[dict[str, str]]]], described["Stacks"])
    return {output["OutputKey"]: output["OutputValue"] for output in only["Outputs"]}


def service_url(outputs: Mapping[str, str], endpoint: str | None) -> str:
    """Where the routes are. On a local AWS that is not where the template says, for AWS's names lead to AWS."""
    url = outputs["EndpointURL"].rstrip("/")
    if not endpoint:
        return url
    return f"{endpoint.rstrip('/')}/_aws/execute-api/{outputs['RestAPIId']}/{url.rpartition('/')[2]}"
