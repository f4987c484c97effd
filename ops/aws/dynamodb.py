"""DynamoDB for operators: its client, and what it says, in words that help."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final, cast

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from chalicelib.aws.table import TableUnavailable
from ops.aws.refusals import NOT_TAKEN
from ops.errors import OperationFailed

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Requests at once: as many as there are partitions of an index to be read for two days.
CONNECTIONS: Final = 16
# How AWS says what is missing: `... is not authorized to perform: dynamodb:Query on resource: ...`
_NOT_ALLOWED: Final = re.compile(r"not authorized to perform: (\S+)")


def dynamodb_client(region: str) -> "DynamoDBClient":
    """A client with the AWS credentials of the environment.

    Raises:
        OperationFailed: a profile that is not there.
    """
    config = Config(retries={"mode": "standard", "total_max_attempts": 3}, max_pool_connections=CONNECTIONS)
    try:
        return boto3.client("dynamodb", region_name=region, config=config)
    except BotoCoreError as error:
        raise OperationFailed(f"Your AWS configuration does not work: {error}") from None


def time_of(answer: Mapping[str, object]) -> float | None:
    """When DynamoDB answered, by its own clock, in seconds since 1970; None where the answer does not say it.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html
    """
    metadata = cast(Mapping[str, Mapping[str, str]], answer.get("ResponseMetadata", {}))
    try:
        return parsedate_to_datetime(metadata.get("HTTPHeaders", {})["date"]).timestamp()
    except (KeyError, ValueError):
        return None


@contextmanager
def explained(client: "DynamoDBClient", table: str, changed: str) -> Iterator[None]:
    """What DynamoDB and the AWS client say within it, in words that help.

    Args:
        table: the one that is asked.
        changed: what is said where somebody else was faster.

    Raises:
        OperationFailed: DynamoDB did not do it.
    """
    try:
        yield
    except NoCredentialsError:
        raise OperationFailed("No AWS credentials: set AWS_PROFILE, or sign in.") from None
    except ClientError as error:
        said = error.response.get("Error", {})
        match said.get("Code"):
            case "AccessDeniedException":
                missing = _NOT_ALLOWED.search(str(said.get("Message")))
                action = missing[1] if missing else f"dynamodb:{error.operation_name}"
                raise OperationFailed(
                    f"AccessDeniedException on table {table}: your AWS credentials do not give you {action}. Have it "
                    "granted, on the table and its indexes (/index/*), or take others (AWS_PROFILE). AWS says: "
                    f"{said.get('Message')}"
                ) from None
            case "ResourceNotFoundException":
                raise OperationFailed(
                    f"There is no table {table} in {client.meta.region_name}, in the account of your credentials. "
                    "Choose another stage (--stage), region (AWS_REGION) or profile (AWS_PROFILE), or deploy the "
                    "stage first."
                ) from None
            case code if code in NOT_TAKEN:
                raise OperationFailed(
                    f"AWS does not take your credentials: sign in again, or take others (AWS_PROFILE). {code}: "
                    f"{said.get('Message')}"
                ) from None
            case "TransactionCanceledException" | "ConditionalCheckFailedException":
                raise OperationFailed(changed) from None
        raise OperationFailed(f"{said.get('Code', 'Unknown')} on table {table}: {said.get('Message')}") from None
    except TableUnavailable:
        raise OperationFailed(f"Table {table} is too busy just now. Try again.") from None
    except BotoCoreError as error:
        raise OperationFailed(f"DynamoDB cannot be reached: {error}") from None
