"""AssumeRole as STS answers it: who may, with which source identity and tags, and for how long."""

import dataclasses
import json
from collections.abc import Mapping
from contextvars import ContextVar
from typing import cast
from xml.sax.saxutils import escape

from ministack.core import iam_evaluator
from ministack.core.iam_evaluator import EvalContext
from ministack.services import sts

from local.strict.iam_hooks import is_another_principal
from local.strict.propagation_hooks import trust_in_force
from local.strict.protocols import Asked, Handler, Request, read_query
from local.strict.records import Record, arn_of_role, role_of
from local.strict.refusal import Answer, Refusal, answer
from local.strict.session_records import SOURCE_IDENTITY, TRANSITIVE_TAGS, session_of
from local.strict.sts_rules import (
    DEFAULT_SECONDS,
    SESSION_ACTIONS,
    check_assume_role,
    check_transitive_tags,
    own_grant_needed,
)


@dataclasses.dataclass(frozen=True)
class _Assumed:
    """The AssumeRole that is being answered.

    Attributes:
        caller: as ministack describes it.
        source_identity: asked for, or the caller's session's.
        inherited: tags that the caller's session passes on.
        transitive: keys of those that the new session passes on as well, in lower case.
        seconds: that the session is to last.
        actions: what it needs besides `sts:AssumeRole`, for what is inherited, too.
    """

    role: Record | None
    caller: Mapping[str, str]
    source_identity: str | None
    inherited: tuple[Mapping[str, str], ...]
    transitive: frozenset[str]
    seconds: str
    actions: tuple[str, ...]


class _Denied(Exception):
    """A policy does not allow an action that AssumeRole needs besides: which, and why, in AWS's words.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """


_assumed: ContextVar[_Assumed | None] = ContextVar("assumed", default=None)


def check_sts_request(asked: Asked, request: Request) -> Refusal | None:
    """What STS refuses of a request whatever the trust policy says, or None."""
    if asked.operation != "AssumeRole":
        return None
    caller = sts._caller_identity(request.headers, request.query)
    if not isinstance(caller, dict):
        return None  # the local AWS says so itself
    role = role_of(str(asked.members["RoleArn"]))
    maximum = None if role is None else int(str(role.get("MaxSessionDuration") or 3600))
    refusal = check_assume_role(asked.members, ":assumed-role/" in caller["userArn"], maximum)
    session = session_of(caller["accessKey"])
    refusal = refusal or check_transitive_tags(asked.members, _inherited(session))
    before = session.get(SOURCE_IDENTITY)
    if refusal is None and before is not None and asked.members.get("SourceIdentity", before) != before:
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html
        return Refusal("AccessDenied", "The source identity of a session cannot be changed.", 403)
    return refusal


def judge_trust() -> None:
    """Ask of AssumeRole also for the actions that its source identity and tags need, of everyone who has a say."""
    _note_what_is_assumed()
    _ask_the_trust_policy()
    _keep_what_stays()


def _note_what_is_assumed() -> None:
    """Have `_assumed` hold the AssumeRole that is at work, and answer what the two others deny."""
    handle: Handler = sts.handle_request

    async def handle_request(
        method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, list[str]]
    ) -> Answer:
        asked = read_query("sts", body, query)
        caller = sts._caller_identity(headers, query)
        if asked is None or asked.operation != "AssumeRole" or not isinstance(caller, dict):
            return await handle(method, path, headers, body, query)
        role_arn = str(asked.members["RoleArn"])
        assumed = _assumed_by(asked.members, role_of(role_arn), caller)
        token = _assumed.set(assumed)
        try:
            return _with_source_identity(await handle(method, path, headers, body, query), assumed)
        except _Denied as denied:
            who, (action, why) = caller["userArn"], denied.args
            message = f"User: {who} is not authorized to perform: {action} on resource: {role_arn}{why}"
            return answer(Refusal("AccessDenied", message, 403), "sts")
        finally:
            _assumed.reset(token)

    sts.handle_request = handle_request


def _assumed_by(members: Mapping[str, object], role: Record | None, caller: Mapping[str, str]) -> _Assumed:
    session = session_of(caller["accessKey"])
    inherited = tuple(_inherited(session))
    identity = members.get("SourceIdentity") or session.get(SOURCE_IDENTITY)
    keys = [tag["Key"] for tag in inherited] + cast(list[str], members.get("TransitiveTagKeys", []))
    have = {"SourceIdentity": identity, "Tags": members.get("Tags") or inherited}
    return _Assumed(
        role,
        caller,
        str(identity) if identity else None,
        inherited,
        frozenset(key.lower() for key in keys),
        str(members.get("DurationSeconds", DEFAULT_SECONDS)),
        tuple(action for member, action in SESSION_ACTIONS.items() if have[member]),
    )


def _inherited(session: Record) -> list[Mapping[str, str]]:
    return cast(list[Mapping[str, str]], session.get(TRANSITIVE_TAGS, []))


def _ask_the_trust_policy() -> None:
    """Judge the role's trust policy, and the caller's own ones, for each action that the AssumeRole needs."""
    evaluate = iam_evaluator.evaluate_trust_policy

    def evaluate_trust_policy(document: object, arn: str, context: EvalContext | None = None) -> bool:
        assumed = _assumed.get()
        if assumed is None or context is None or context.action == "sts:AssumeRoleWithWebIdentity":
            return bool(evaluate(document, arn, context))
        if context.action != "sts:AssumeRole":
            return True  # judged together with it, below
        if assumed.source_identity is not None:
            context.service_context["sts:sourceidentity"] = assumed.source_identity
        context.service_context["sts:durationseconds"] = assumed.seconds
        document = trust_in_force(assumed.role, document)
        # aws:PrincipalArn of a session is its role's ARN:
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
        context = dataclasses.replace(context, principal_arn=arn_of_role(arn))
        if document is None or is_another_principal(assumed.role, context.principal_arn):
            return False
        if not evaluate(document, arn, context):
            return False
        for action in assumed.actions:
            asking = dataclasses.replace(context, action=action)
            named = bool(evaluate(_only_naming(document, arn), arn, asking))
            if not evaluate(document, arn, asking):
                raise _Denied(action, "")
            why = _own_denial(assumed, asking, named)
            if why is not None:
                raise _Denied(action, why)
        return True

    iam_evaluator.evaluate_trust_policy = evaluate_trust_policy


def _with_source_identity(answered: Answer, assumed: _Assumed) -> Answer:
    """An answer that also says which source identity the session has, as AWS's does, in the last place of its model.

    https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html#API_AssumeRole_ResponseElements
    """
    status, headers, body = answered
    identity = assumed.source_identity
    if status != 200 or not identity:
        return answered
    end = b"</AssumeRoleResult>"
    told = f"<SourceIdentity>{escape(str(identity))}</SourceIdentity>".encode() + end
    return status, headers, body.replace(end, told)


def _keep_what_stays() -> None:
    """A session has the source identity and the tags that it was assumed with, and those of the one it came from."""
    register = sts.register_session

    def register_session(access_key: str, session: Record) -> None:
        assumed = _assumed.get()
        if assumed is not None:
            tags = [*assumed.inherited, *cast(list[Mapping[str, str]], session.get("SessionTags") or [])]
            passed_on = [tag for tag in tags if tag["Key"].lower() in assumed.transitive]
            session = {**session, "SessionTags": tags, TRANSITIVE_TAGS: passed_on}
            if assumed.source_identity is not None:
                session[SOURCE_IDENTITY] = assumed.source_identity
        register(access_key, session)

    sts.register_session = register_session


def _own_denial(assumed: _Assumed, asking: EvalContext, named: bool) -> str | None:
    """Why the caller's own policies deny an action, or None: they allow it, or need not.

    Args:
        named: the trust policy allows it to the caller itself, not to its account.
    """
    principal = iam_evaluator.resolve_principal(assumed.caller["accessKey"], assumed.caller["accountId"])
    if isinstance(principal, iam_evaluator.AuthError):
        return ""
    if principal.policies is None:  # root
        return None
    decision = iam_evaluator.evaluate(asking, principal.policies, *principal.limits).decision
    if decision == "Deny":
        return " with an explicit deny in an identity-based policy"
    same_account = asking.resource_arn.split(":")[4] == assumed.caller["accountId"]
    chained = ":assumed-role/" in assumed.caller["userArn"]
    needed = own_grant_needed(asking.action, same_account=same_account, named=named, chained=chained)
    if decision == "Allow" or not needed:
        return None
    return f" because no identity-based policy allows the {asking.action} action"


def _only_naming(document: object, arn: str) -> dict[str, object]:
    """A trust policy's statements that name this caller itself, not its account."""
    parsed = json.loads(document) if isinstance(document, str) else document
    statements = cast(Mapping[str, object], parsed).get("Statement", [])
    every = [statements] if isinstance(statements, dict) else cast(list[Mapping[str, object]], statements)
    return {"Statement": [each for each in every if iam_evaluator._names_caller(each.get("Principal", {}), arn)]}
