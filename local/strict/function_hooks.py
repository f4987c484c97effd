"""Which function a call comes from, and what a function may be, in ministack."""

from collections.abc import Callable, Mapping

from ministack.core import iam_actions, iam_evaluator, lambda_runtime
from ministack.services import lambda_svc, sts

from local.strict.function_rules import check_code, check_environment, check_runtime
from local.strict.protocols import Asked, Request
from local.strict.records import Record, role_of
from local.strict.refusal import Refusal
from local.strict.session_records import FEDERATED_PROVIDER, SOURCE_IDENTITY, session_of

# In a session's record in ministack: the function that was given its credentials.
_SOURCE_FUNCTION = "StrictSourceFunctionArn"


def tell_functions_apart() -> None:
    """Put `lambda:SourceFunctionArn` into the context of what a function calls, and of nobody else's calls.

    https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html
    """
    credentials_of_function = lambda_runtime.execution_credentials
    keys_of_principal = iam_evaluator._principal_keys

    def execution_credentials(config: Mapping[str, str]) -> dict[str, str]:
        given: dict[str, str] = credentials_of_function(config)
        session = sts._sessions[given["AWS_ACCESS_KEY_ID"]]
        session[_SOURCE_FUNCTION] = ":".join(config["FunctionArn"].split(":")[:7])  # without a version
        role = role_of(config["Role"])
        if role is not None:  # as of every session of a role: its unique id, not its name
            session["UserId"] = f"{role['RoleId']}:{session['UserId'].partition(':')[2]}"
        return given

    def principal_keys(credential: iam_evaluator.ResolvedCredential) -> Record:
        keys: Record = keys_of_principal(credential)
        session = session_of(credential.access_key_id)
        more = {
            "lambda:sourcefunctionarn": session.get(_SOURCE_FUNCTION),
            "aws:sourceidentity": session.get(SOURCE_IDENTITY),
            "aws:federatedprovider": session.get(FEDERATED_PROVIDER),
        }
        return keys | {key: value for key, value in more.items() if value}

    # Each module that took the function by its name has to be given ours.
    for holder in (lambda_runtime, lambda_svc):
        holder.execution_credentials = execution_credentials
    for holder in (iam_evaluator, sts):
        holder._principal_keys = principal_keys


def name_actions_on_concurrency() -> None:
    """Ask for the right to read or take off reserved concurrency where that is done, not for the one to set it.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
    """
    action_of: Callable[[str, str], str | None] = iam_actions._lambda_action

    def lambda_action(method: str, path: str) -> str | None:
        action = action_of(method, path)
        verb = {"GET": "Get", "DELETE": "Delete"}.get(method)
        return f"{verb}FunctionConcurrency" if action == "PutFunctionConcurrency" and verb else action

    iam_actions._lambda_action = lambda_action


def check_function_request(asked: Asked, request: Request) -> Refusal | None:
    """What Lambda refuses of a function that a request makes or changes, or None."""
    if asked.operation not in ("CreateFunction", "UpdateFunctionCode", "UpdateFunctionConfiguration"):
        return None
    code = asked.members.get("Code", asked.members)
    return (
        check_code(code.get("ZipFile") if isinstance(code, Mapping) else None)
        or check_environment(asked.members.get("Environment"))
        or check_runtime(asked.members.get("Runtime"))
    )
