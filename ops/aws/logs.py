"""CloudWatch Logs for operators: the events of a log group, all of them.

By FilterLogEvents, which gives as many as there are, page by page; a query of Logs Insights ends at 10,000.
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from ops.errors import OperationFailed

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import FilterLogEventsRequestTypeDef

# A few requests a second are let through for an account and region; the client slows down to what is.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
_ATTEMPTS: Final = 10


def logs_client(region: str) -> "CloudWatchLogsClient":
    """A client with the AWS credentials of the environment.

    Raises:
        OperationFailed: a profile that is not there.
    """
    config = Config(retries={"mode": "adaptive", "total_max_attempts": _ATTEMPTS})
    try:
        return boto3.client("logs", region_name=region, config=config)
    except BotoCoreError as error:
        raise OperationFailed(f"Your AWS configuration does not work: {error}") from None


def messages(client: "CloudWatchLogsClient", group: str, since: int, until: int, pattern: str) -> Iterator[str]:
    """The messages of a log group, from `since` up to just before `until`.

    Args:
        since, until: milliseconds since 1970, UTC.
        pattern: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html

    Raises:
        OperationFailed: they cannot be read.
    """
    asked: FilterLogEventsRequestTypeDef = {
        "logGroupName": group,
        "startTime": since,
        "endTime": until - 1,
        "filterPattern": pattern,
    }
    while True:
        try:
            answer = client.filter_log_events(**asked)
        except NoCredentialsError:
            raise OperationFailed("No AWS credentials: set AWS_PROFILE, or sign in.") from None
        except ClientError as error:
            raise OperationFailed(_refusal(error, group)) from None
        except BotoCoreError as error:
            raise OperationFailed(f"CloudWatch Logs cannot be reached: {error}") from None
        yield from (event["message"] for event in answer["events"] if "message" in event)
        # A page may be empty, and not the last.
        token = answer.get("nextToken")
        if not token:
            return
        asked = asked | {"nextToken": token}


def _refusal(error: ClientError, group: str) -> str:
    said = error.response.get("Error", {})
    match said.get("Code"):
        case "ResourceNotFoundException":
            return f"There is no log group {group} here: choose another stage, region (AWS_REGION) or --log-group."
        case "AccessDeniedException":
            return f"Your AWS credentials do not give you logs:FilterLogEvents on {group}: {said.get('Message')}"
    return f"{said.get('Code')} on log group {group}: {said.get('Message')}"
