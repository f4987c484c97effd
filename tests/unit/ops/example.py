"""A deployment to test with: whose it is, what its stack is, and what changes in it."""

from collections.abc import Callable
from datetime import UTC, datetime

from ops.aws.account import Account
from ops.aws.aws_cli import AwsCli
from ops.cloudformation.change_set import ChangeSet
from ops.cloudformation.stack import Stack
from ops.deployed.deployment import Deployment
from ops.stages.names import DIGEST_OUTPUT

ACCOUNT = Account(AwsCli({}), "1" * 12, "eu-west-1", "arn:aws:iam::111111111111:user/deployer")
OUTPUTS = {
    "RestAPIId": "a1",
    "EndpointURL": "https://a1.execute-api.eu-west-1.amazonaws.com/api/",
    "FunctionRoleArn": "arn:aws:iam::111111111111:role/credvend-dev-eu-west-1",
    "LogGroupName": "/aws/lambda/credvend-dev",
    DIGEST_OUTPUT: "new",
}
NEW = Stack("credvend-dev", "id", "UPDATE_COMPLETE", datetime.now(UTC), datetime(2026, 1, 2, tzinfo=UTC), OUTPUTS, {})
CHANGES = ChangeSet("change", "credvend-dev", False, ())
DEPLOYED = Deployment("credvend-dev", "1" * 12, "eu-west-1", "a1", "https://a1", OUTPUTS["FunctionRoleArn"], "log", "")


def raises(error: BaseException) -> Callable[..., None]:
    """What raises an error, whatever it is called with."""

    def call(*_: object, **__: object) -> None:
        raise error

    return call
