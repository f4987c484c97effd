"""What is known of ministack's inside, all in this file: where its rules are kinder than AWS's, ours take their place.

Nothing of ministack is copied or changed on disk: functions are wrapped at start, and its records read. It is pinned
in local/requirements-ministack.txt; whoever raises that version runs tests/e2e/test_strict_aws.py.
"""

import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from typing import cast
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import ministack.app
from ministack.core import iam_evaluator, lambda_runtime
from ministack.services import iam, lambda_svc, sts
from ministack.services.cloudformation import provisioners

from local.strict.iam_rules import check_attached, check_inline, check_managed, check_trust, named_principals
from local.strict.model_rules import Refusal, check_model
from local.strict.sts_rules import check_assume_role

Record = dict[str, object]
Handler = Callable[[str, str, Mapping[str, str], bytes, Mapping[str, list[str]]], Awaitable[tuple[int, object, object]]]
# Of a session's record in ministack: the function that was given its credentials, and the source identity.
_SOURCE_FUNCTION = "StrictSourceFunctionArn"
_SOURCE_IDENTITY = "StrictSourceIdentity"
# Of a role's record: the unique ids of those that its trust policy names, by ARN.
_PRINCIPALS = "StrictPrincipals"


@dataclasses.dataclass(frozen=True)
class _Asked:
    """The AssumeRole that is being answered."""

    role: Record | None
    source_identity: str | None


class _Denied(Exception):
    """The trust policy does not allow an action that AssumeRole needs besides; the message says which."""


_asked: ContextVar[_Asked | None] = ContextVar("asked", default=None)


def serve() -> None:
    """Run ministack until it is told to stop."""
    _tell_functions_apart()
    _judge_assume_role()
    _judge_iam()
    _judge_cloudformation()
    ministack.app.main()


def _tell_functions_apart() -> None:
    """Put `lambda:SourceFunctionArn` into the context of what a function calls, and of nobody else's calls.

    https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html
    """
    credentials_of_function = lambda_runtime.execution_credentials
    keys_of_principal = iam_evaluator._principal_keys

    def execution_credentials(config: Mapping[str, str]) -> dict[str, str]:
        given: dict[str, str] = credentials_of_function(config)
        session = sts._sessions[given["AWS_ACCESS_KEY_ID"]]
        session[_SOURCE_FUNCTION] = ":".join(config["FunctionArn"].split(":")[:7])  # without a version
        role = _role(config["Role"])
        if role is not None:  # as of every session of a role: its unique id, not its name
            session["UserId"] = f"{role['RoleId']}:{session['UserId'].partition(':')[2]}"
        return given

    def principal_keys(credential: iam_evaluator.ResolvedCredential) -> Record:
        keys: Record = keys_of_principal(credential)
        session = sts._sessions.get(credential.access_key_id, {})
        more = {
            "lambda:sourcefunctionarn": session.get(_SOURCE_FUNCTION),
            "aws:sourceidentity": session.get(_SOURCE_IDENTITY),
        }
        return keys | {key: value for key, value in more.items() if value}

    # Each module that took the function by its name has to be given ours.
    for holder in (lambda_runtime, lambda_svc):
        holder.execution_credentials = execution_credentials
    for holder in (iam_evaluator, sts):
        holder._principal_keys = principal_keys


def _judge_assume_role() -> None:
    handle: Handler = sts.handle_request
    evaluate = iam_evaluator.evaluate_trust_policy
    register = sts.register_session

    async def handle_request(
        method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, list[str]]
    ) -> tuple[int, object, object]:
        parameters = _parameters(body, query)
        if parameters.get("Action") != "AssumeRole":
            return await handle(method, path, headers, body, query)
        caller = sts._caller_identity(headers, query)
        chained = isinstance(caller, dict) and ":assumed-role/" in caller["userArn"]
        role = _role(parameters.get("RoleArn", ""))
        maximum = None if role is None else int(str(role.get("MaxSessionDuration") or 3600))
        refusal = check_assume_role(parameters, chained, maximum)
        if refusal is None and isinstance(caller, dict):
            refusal = _changed_source_identity(caller, parameters)
        if refusal is not None:
            return _error(refusal, "sts")
        token = _asked.set(_Asked(role, parameters.get("SourceIdentity")))
        try:
            return await handle(method, path, headers, body, query)
        except _Denied as denied:
            message = f"User: {caller['userArn']} is not authorized to perform: {denied} on resource: "
            return _error(Refusal("AccessDenied", message + parameters["RoleArn"], 403), "sts")
        finally:
            _asked.reset(token)

    def evaluate_trust_policy(document: object, arn: str, context: iam_evaluator.EvalContext | None = None) -> bool:
        asked = _asked.get()
        if asked is None or context is None or context.action == "sts:AssumeRoleWithWebIdentity":
            return bool(evaluate(document, arn, context))
        if asked.source_identity is not None:
            context.service_context["sts:sourceidentity"] = asked.source_identity
        # aws:PrincipalArn of a session is its role's ARN:
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
        context = dataclasses.replace(context, principal_arn=_arn_of_role(arn))
        if _is_another_principal(asked.role, arn) or not evaluate(document, arn, context):
            return False
        if context.action == "sts:AssumeRole" and asked.source_identity is not None:
            setting = dataclasses.replace(context, action="sts:SetSourceIdentity")
            if not evaluate(document, arn, setting):
                raise _Denied("sts:SetSourceIdentity")
        return True

    def register_session(access_key: str, session: Record) -> None:
        asked = _asked.get()
        if asked is not None and asked.source_identity is not None:
            session = {**session, _SOURCE_IDENTITY: asked.source_identity}
        register(access_key, session)

    sts.handle_request = handle_request
    sts.register_session = register_session
    iam_evaluator.evaluate_trust_policy = evaluate_trust_policy


def _changed_source_identity(caller: Mapping[str, str], parameters: Mapping[str, str]) -> Refusal | None:
    """Once set, it stays: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html"""
    before = sts._sessions.get(caller["accessKey"], {}).get(_SOURCE_IDENTITY)
    if before is None or parameters.get("SourceIdentity", before) == before:
        return None
    return Refusal("AccessDenied", "The source identity of a session cannot be changed.", 403)


def _is_another_principal(role: Record | None, caller_arn: str) -> bool:
    """The caller's role was made anew since the trust policy named it: it is no longer trusted."""
    arn = _arn_of_role(caller_arn)
    kept = cast(dict[str, str], (role or {}).get(_PRINCIPALS, {})).get(arn)
    return kept is not None and kept != _unique_id(arn)


def _judge_iam() -> None:
    handle: Handler = iam.handle_request

    async def handle_request(
        method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, list[str]]
    ) -> tuple[int, object, object]:
        parameters = _parameters(body, query)
        action = parameters.get("Action", "")
        refusal = check_model("iam", action, parameters) or _iam_refusal(action, parameters)
        if refusal is not None:
            return _error(refusal, "iam")
        answer = await handle(method, path, headers, body, query)
        if action in ("CreateRole", "UpdateAssumeRolePolicy") and answer[0] == 200:
            _keep_principals(iam._roles.get(parameters["RoleName"]))
        return answer

    iam.handle_request = handle_request


def _iam_refusal(action: str, parameters: Mapping[str, str]) -> Refusal | None:
    match action:
        case "PutRolePolicy" | "PutUserPolicy" | "PutGroupPolicy":
            kind = action.removeprefix("Put").removesuffix("Policy").lower()
            name = parameters[f"{kind.capitalize()}Name"]
            record = {"role": iam._roles, "user": iam._users, "group": iam._groups}[kind].get(name) or {}
            inline = dict(record.get("InlinePolicies") or {})
            return check_inline(kind, name, inline | {parameters["PolicyName"]: parameters["PolicyDocument"]})
        case "CreatePolicy" | "CreatePolicyVersion":
            return check_managed(parameters["PolicyDocument"])
        case "CreateRole":
            return _trust_refusal(parameters["AssumeRolePolicyDocument"])
        case "UpdateAssumeRolePolicy":
            return _trust_refusal(parameters["PolicyDocument"])
        case "AttachRolePolicy":
            record = iam._roles.get(parameters["RoleName"]) or {}
            return check_attached(len({*record.get("AttachedPolicies", []), parameters["PolicyArn"]}))
    return None


def _trust_refusal(document: object) -> Refusal | None:
    refusal = check_trust(document)
    try:
        missing = [arn for arn in named_principals(document) if _unique_id(arn) is None]
    except (ValueError, AttributeError):
        return None  # no JSON: the local AWS says so itself
    if refusal is None and missing:
        return Refusal("MalformedPolicyDocument", f'Invalid principal in policy: "AWS":"{missing[0]}"')
    return refusal


def _judge_cloudformation() -> None:
    """CloudFormation makes roles and policies without IAM's own requests: the same rules, at the same moment."""
    for kind, judge in (("AWS::IAM::Role", _judge_role), ("AWS::IAM::ManagedPolicy", _judge_managed_policy)):
        handlers = provisioners._RESOURCE_HANDLERS[kind]
        for step in ("create", "update"):
            if step in handlers:
                handlers[step] = _judged(handlers[step], judge, step)


def _judged(make: Callable[..., object], judge: Callable[[Record], Refusal | None], step: str) -> Callable[..., object]:
    def judged(*arguments: object) -> object:
        # create: logical id, properties, stack; update: physical id, old and new properties, stack.
        properties = cast(Record, arguments[1 if step == "create" else 2])
        refusal = judge(properties)
        if refusal is not None:
            raise ValueError(f"{refusal.message} (Service: Iam, Error Code: {refusal.code})")
        made = make(*arguments)
        name = made[0] if isinstance(made, tuple) else made
        _keep_principals(iam._roles.get(name))
        return made

    return judged


def _judge_role(properties: Record) -> Refusal | None:
    inline = cast(list[Record], properties.get("Policies") or [])
    documents = {str(policy["PolicyName"]): policy["PolicyDocument"] for policy in inline}
    return (
        check_inline("role", str(properties.get("RoleName", "")), documents)
        or check_attached(len(cast(list[str], properties.get("ManagedPolicyArns") or [])))
        or _trust_refusal(properties["AssumeRolePolicyDocument"])
    )


def _judge_managed_policy(properties: Record) -> Refusal | None:
    return check_managed(properties["PolicyDocument"])


def _keep_principals(role: Record | None) -> None:
    if role is not None:
        named = named_principals(role["AssumeRolePolicyDocument"])
        role[_PRINCIPALS] = {arn: unique for arn in named if (unique := _unique_id(arn)) is not None}


def _role(arn: str) -> Record | None:
    parts = arn.split(":")
    return (
        cast(Record | None, iam._roles.get_scoped(parts[4], None, arn.rpartition("/")[2])) if len(parts) > 5 else None
    )


def _arn_of_role(arn: str) -> str:
    """The ARN, path included, of the role that a session's ARN is of; other ARNs as they are."""
    if ":assumed-role/" not in arn:
        return arn
    role = _role(f"arn:aws:iam::{arn.split(':')[4]}:role/{arn.split('/')[1]}")
    return arn if role is None else str(role["Arn"])


def _unique_id(arn: str) -> str | None:
    """The unique id of a user or role that is there with this very ARN, or None."""
    parts = arn.split(":", 5)
    records, key = (iam._roles, "RoleId") if parts[5].startswith("role/") else (iam._users, "UserId")
    record = records.get_scoped(parts[4], None, arn.rpartition("/")[2])
    return str(record[key]) if record is not None and record["Arn"] == arn else None


def _parameters(body: bytes, query: Mapping[str, list[str]]) -> dict[str, str]:
    sent = parse_qs(body.decode(errors="replace"), keep_blank_values=True)
    return {name: values[0] for name, values in (dict(query) | sent).items()}


def _error(refusal: Refusal, service: str) -> tuple[int, object, object]:
    make = sts._error if service == "sts" else iam._error
    return cast("tuple[int, object, object]", make(refusal.status, refusal.code, escape(refusal.message), ns=service))
