"""A function's log lines are written with its role's rights: without them, nothing arrives.

https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html
"""

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import cast
from uuid import uuid4

from ministack.core import iam_actions, iam_evaluator, lambda_runtime
from ministack.services import cloudwatch_logs, lambda_svc

_LOG = logging.getLogger(__name__)


def hold_logs_to_the_role() -> None:
    """Write the lines of an invocation only if the function's role may, as Lambda does. The invocation goes well."""
    emit: Callable[..., None] = lambda_svc._emit_lambda_logs

    def emit_lambda_logs(function: Mapping[str, object], *arguments: object, **options: object) -> None:
        config = cast(Mapping[str, object], function.get("config") or function)
        missing = _missing_right(config)
        if missing is None:
            emit(function, *arguments, **options)
        else:
            _LOG.warning("Nothing of %s is logged: its role may not %s.", config["FunctionName"], missing)

    lambda_svc._emit_lambda_logs = emit_lambda_logs


def name_what_is_watched_as_aws_does() -> None:
    """Judge what is asked of a log group by an ARN that goes on behind its name: a policy must end in `:*` for it.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html
    And a question for all alarms as one about alarms, not about anything:
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
    """
    extract: Callable[..., str] = iam_actions.extract_resource_arn

    def extract_resource_arn(service: str, *arguments: object, **options: object) -> str:
        arn = extract(service, *arguments, **options)
        if service == "monitoring" and arn == "*" and "DescribeAlarms" in str(arguments):
            region, account = arguments[-2:]
            return f"arn:aws:cloudwatch:{region}:{account}:alarm:*"
        return f"{arn}:log-stream:" if service == "logs" and ":log-group:" in arn and ":log-stream:" not in arn else arn

    iam_actions.extract_resource_arn = extract_resource_arn


def _missing_right(config: Mapping[str, object]) -> str | None:
    """The action that keeps the function from writing its log, and on what; None: it may write."""
    settings = cast(Mapping[str, str], config.get("LoggingConfig") or {})
    group = settings.get("LogGroup") or f"/aws/lambda/{config['FunctionName']}"
    _, _, _, region, account, *_ = str(config["FunctionArn"]).split(":")
    # https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-view.html: DATE/[VERSION]ID
    stream = f"{datetime.now(UTC):%Y/%m/%d}/[{config.get('Version', '$LATEST')}]{uuid4().hex}"
    # What AWS calls the resource in its refusals: of CreateLogGroup, a stream without a name.
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html
    wanted = [("logs:CreateLogStream", stream), ("logs:PutLogEvents", stream)]
    if group not in cloudwatch_logs._log_groups:
        wanted.insert(0, ("logs:CreateLogGroup", ""))
    key = lambda_runtime.execution_credentials(config)["AWS_ACCESS_KEY_ID"]
    for action, name in wanted:
        resource = f"arn:aws:logs:{region}:{account}:log-group:{group}:log-stream:{name}"
        if not _may(key, account, region, action, resource):
            return f"{action} on {resource}"
    return None


def _may(key: str, account: str, region: str, action: str, resource: str) -> bool:
    principal = iam_evaluator.resolve_principal(key, account)
    if isinstance(principal, iam_evaluator.AuthError) or principal.policies is None:
        return False
    context = iam_evaluator.EvalContext(
        principal_arn=principal.arn,
        principal_type=principal.type,
        principal_account=principal.account,
        action=action,
        resource_arn=resource,
        region=region,
        principal_keys=principal.keys,
    )
    return bool(iam_evaluator.evaluate(context, principal.policies, *principal.limits).decision == "Allow")
