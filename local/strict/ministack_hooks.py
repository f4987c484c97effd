"""Puts AWS's rules around ministack: where its own are kinder, ours take their place.

What is known of ministack's inside is in the modules named `*_hooks` and in `records.py`. Nothing of it is copied or
changed on disk: functions are wrapped at start, and its records read. It is pinned in
local/requirements-ministack.txt; whoever raises that version runs tests/e2e/test_strict_*.py.
"""

from collections.abc import Callable, Mapping

import ministack.app

from local.strict.function_hooks import check_function_request, name_actions_on_concurrency, tell_functions_apart
from local.strict.iam_hooks import (
    check_iam_request,
    name_roles_with_their_paths,
    name_sessions_by_their_role,
    watch_requests,
)
from local.strict.kms_hooks import check_kms_request, judge_keys_themselves
from local.strict.log_hooks import hold_logs_to_the_role, name_what_is_watched_as_aws_does
from local.strict.model_rules import CODES, check_model
from local.strict.propagation_hooks import delay_policies
from local.strict.protocols import Asked, Handler, Request, read_request
from local.strict.provider_hooks import check_provider_request, make_providers
from local.strict.refusal import Answer, Refusal, answer
from local.strict.scoped_hooks import scope_sessions
from local.strict.session_records import remember_ended_sessions
from local.strict.stack_hooks import judge_stacks
from local.strict.sts_hooks import check_sts_request, judge_trust
from local.strict.web_identity_hooks import judge_web_identities

Rule = Callable[[Asked, Request], Refusal | None]

# What a service refuses besides what its model does not allow.
_RULES: Mapping[str, tuple[Rule, ...]] = {
    "sts": (check_sts_request,),
    "iam": (check_iam_request, check_provider_request),
    "lambda": (check_function_request,),
    "kms": (check_kms_request,),
}


def serve() -> None:
    """Run ministack until it is told to stop."""
    tell_functions_apart()
    hold_logs_to_the_role()  # after it: also these lines are the function's own calls
    delay_policies()
    remember_ended_sessions()
    judge_trust()
    judge_web_identities()
    scope_sessions()
    make_providers()
    judge_keys_themselves()
    watch_requests()
    name_roles_with_their_paths()
    name_sessions_by_their_role()
    name_what_is_watched_as_aws_does()
    name_actions_on_concurrency()
    judge_stacks()
    for service in CODES:
        handlers = ministack.app.SERVICE_HANDLERS
        handlers[service] = _judged(service, handlers[service])
    ministack.app.main()


def _judged(service: str, handle: Handler) -> Handler:
    """The handler of a service's requests, behind its rules. It is called once the caller may do what is asked."""

    async def handle_request(
        method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, list[str]]
    ) -> Answer:
        request = Request(method, path, headers, body, query)
        asked = read_request(service, request)
        if asked is None and service == "sts":
            # ministack answers in a protocol that STS does not speak, past the rules of those that it does.
            return answer(Refusal("InvalidAction", "Could not find the operation that is asked for"), service)
        if asked is not None:
            refusal = check_model(service, asked.operation, asked.members)
            for rule in _RULES.get(service, ()):
                refusal = refusal or rule(asked, request)
            if refusal is not None:
                return answer(refusal, service)
        return await handle(method, path, headers, body, query)

    return handle_request
