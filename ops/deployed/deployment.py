"""A deployed service, as its stack's outputs tell it."""

from collections.abc import Mapping
from dataclasses import dataclass

from ops.aws.account import Account
from ops.cloudformation.stack import Stack
from ops.errors import CommandFailed
from ops.stages.names import CONFIGURATION_OUTPUT, ISSUER_OUTPUT


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployed service.

    Attributes:
        api_id: id of the REST API.
        url: where the routes are, without a slash at the end.
        function_role_arn: the principal that target roles must trust.
        log_group: name of the log group that holds the audit records.
        configuration: its digest, as in audit records; empty where the stack was deployed before stacks named it.
        issuer: URL that its tokens name; empty where no role has more than an hour.
    """

    stack: str
    account: str
    region: str
    api_id: str
    url: str
    function_role_arn: str
    log_group: str
    configuration: str
    issuer: str = ""

    @property
    def api_arn(self) -> str:
        """What `execute-api:Invoke` is granted on, with `/STAGE/METHOD/PATH` appended."""
        partition = self.function_role_arn.split(":")[1]
        return f"arn:{partition}:execute-api:{self.region}:{self.account}:{self.api_id}"


def deployment_of(account: Account, stack: Stack) -> Deployment:
    """The service of a stack.

    Raises:
        CommandFailed: the stack is none of credvend's.
    """
    told = stack.outputs
    try:
        return Deployment(
            stack=stack.name,
            account=account.number,
            region=account.region,
            api_id=told["RestAPIId"],
            url=service_url(told, account.endpoint),
            function_role_arn=told["FunctionRoleArn"],
            log_group=told["LogGroupName"],
            configuration=told.get(CONFIGURATION_OUTPUT, ""),
            issuer=told.get(ISSUER_OUTPUT, ""),
        )
    except KeyError as missing:
        raise CommandFailed(f"Stack {stack.name} has no output {missing}: it is none of credvend's.") from None


def keys_url(outputs: Mapping[str, str], endpoint: str | None) -> tuple[str, bool]:
    """Where the public keys of a stage's tokens are read, and whether that is the stage's own API.

    Elsewhere is a copy. Of the API's own URL, nothing needs to be exported; and a local AWS has it elsewhere.

    Args:
        outputs: of the stack.
        endpoint: where all services are instead of at AWS, or None.
    """
    issuer, api = outputs.get(ISSUER_OUTPUT, ""), outputs.get("RestAPIId")
    is_own = bool(api) and issuer.startswith(f"https://{api}.execute-api.")
    return service_url(outputs, endpoint) if is_own else issuer, is_own


def service_url(outputs: Mapping[str, str], endpoint: str | None) -> str:
    """Where the routes are. On a local AWS that is not where the template says, for AWS's names lead to AWS.

    Args:
        outputs: of the stack.
        endpoint: where all services are instead of at AWS, or None.

    Raises:
        KeyError: the stack is none of credvend's.
    """
    url = outputs["EndpointURL"].rstrip("/")
    if not endpoint:
        return url
    return f"{endpoint.rstrip('/')}/_aws/execute-api/{outputs['RestAPIId']}/{url.rpartition('/')[2]}"
