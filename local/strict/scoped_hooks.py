"""GetScopedCredentials, which ministack does not know: a session over a session, shorter or with less rights.

That the session's policies allow `sts:GetScopedCredentials` is asked before, as for every action; whether AWS asks for
it is not known.
"""

import time
from collections.abc import Callable, Mapping
from typing import Final, cast

from ministack.core import iam_evaluator
from ministack.core.iam_evaluator import CredentialResolutionError, parse_policy_document, validate_policy_document
from ministack.core.responses import get_region
from ministack.services import cloudtrail, sts

from local.strict.protocols import Handler, read_query
from local.strict.query_answer import result
from local.strict.records import Record
from local.strict.refusal import Answer, Refusal, answer
from local.strict.scoped_rules import Subject, check_scoped, expiry
from local.strict.session_records import SCOPE_DOWN_POLICIES, SOURCE_IDENTITY, issue, session_of

_OPERATION: Final = "GetScopedCredentials"
# Of a session token, as much as a request for a larger one may ask for: the API's page, MinimumSessionTokenSize.
_TOKEN_BYTES: Final = 4096

Layers = list[list[list[object]]]


def scope_sessions() -> None:
    """Answer GetScopedCredentials, and let the policies of its layers bind the session."""
    handle: Handler = sts.handle_request
    limits: Callable[[Record, str], Layers] = iam_evaluator._session_policy_limits

    async def handle_request(
        method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, list[str]]
    ) -> Answer:
        asked = read_query("sts", body, query)
        if asked is None or asked.operation != _OPERATION:
            return await handle(method, path, headers, body, query)
        caller = sts._caller_identity(headers, query)
        if isinstance(caller, CredentialResolutionError):
            return cast(Answer, sts._credential_error_response(caller))
        answered = _scope(asked.members, caller)
        return answer(answered, "sts") if isinstance(answered, Refusal) else answered

    def session_policy_limits(session: Record, account: str) -> Layers:
        over = cast(list[str], session.get(SCOPE_DOWN_POLICIES) or [])
        return [*limits(session, account), *([parse_policy_document(document)] for document in over)]

    sts.handle_request = handle_request
    iam_evaluator._session_policy_limits = session_policy_limits


def _scope(asked: Mapping[str, object], caller: Mapping[str, str]) -> Answer | Refusal:
    session, now = session_of(caller["accessKey"]), time.time()
    if caller["principalType"] == "Root":
        session = {}  # ministack would let such a session do all that root may, whatever its policies
    over = cast(list[str], session.get(SCOPE_DOWN_POLICIES) or [])
    subject = Subject(cast(float | None, session.get("Expiration")), len(over))
    refusal = check_scoped(asked, subject, now)
    policy = cast(str | None, asked.get("Policy"))
    malformed = None if policy is None else validate_policy_document(policy)
    if refusal is not None or subject.expires is None or malformed:
        return refusal or Refusal("MalformedPolicyDocument", str(malformed))
    layers = [*over, *([] if policy is None else [policy])]
    issued = issue({**session, SCOPE_DOWN_POLICIES: layers}, expiry(asked, subject.expires, now))
    _record(asked, caller)
    size = len(issued.session_token)
    return result(
        "sts",
        _OPERATION,
        {
            "Credentials": issued.credentials(),
            "SessionInfo": {"ScopedSessionId": caller["userId"], "Arn": caller["userArn"]},
            "SessionTokenUtilization": size * 100 // _TOKEN_BYTES,
            "SessionTokenSize": size,
            "ScopedPoliciesCount": len(layers),
            "SourceIdentity": session.get(SOURCE_IDENTITY),
        },
    )


def _record(asked: Mapping[str, object], caller: Mapping[str, str]) -> None:
    """An event of CloudTrail's, with the description in it: "logged to CloudTrail for the request", the API's page."""
    names = {name: name[0].lower() + name[1:] for name in asked}
    cloudtrail.record_event(
        service="sts",
        event_name=_OPERATION,
        username=caller["userArn"],
        access_key_id=caller["accessKey"],
        resources=[],
        region=get_region(),
        request_id="",
        user_agent="",
        request_params={names[name]: value for name, value in asked.items()},
        method="POST",
    )
