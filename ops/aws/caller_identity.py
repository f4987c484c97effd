"""As whom a command works: the principal of the AWS credentials of the environment."""

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from ops.errors import OperationFailed


def caller_arn(region: str) -> str:
    """The ARN of whoever has the credentials of the environment. It needs no rights.

    https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html

    Raises:
        OperationFailed: there are no credentials, or STS does not tell.
    """
    config = Config(retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=5, read_timeout=10)
    try:
        return boto3.client("sts", region_name=region, config=config).get_caller_identity()["Arn"]
    except NoCredentialsError:
        raise OperationFailed("No AWS credentials: set AWS_PROFILE, or sign in.") from None
    except (BotoCoreError, ClientError) as error:
        raise OperationFailed(f"STS does not tell whose AWS credentials these are: {error}") from None
