"""AssumeRoleWithWebIdentity as STS answers it, with a provider that the role's account has registered."""

import asyncio
import dataclasses
import os
import time
from collections.abc import Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Final, cast

from ministack.core import iam_evaluator
from ministack.core.iam_evaluator import EvalContext
from ministack.core.responses import get_region
from ministack.services import iam, sts

from local.strict.addresses import local_address, read_hosts
from local.strict.jwt_rules import (
    NO_KEY,
    NO_TOKEN,
    Token,
    check_claims,
    check_signature,
    check_times,
    find_key,
    read_token,
)
from local.strict.key_sets import KeySets, Unreachable
from local.strict.propagation_hooks import trust_in_force
from local.strict.protocols import Handler, read_query
from local.strict.query_answer import result
from local.strict.records import Record, role_of
from local.strict.refusal import Answer, Refusal, answer
from local.strict.session_records import FEDERATED_PROVIDER, SOURCE_IDENTITY, TRANSITIVE_TAGS, issue
from local.strict.sts_rules import DEFAULT_SECONDS, SESSION_ACTIONS
from local.strict.web_identity_rules import (
    Claimed,
    Provider,
    check_provider,
    check_session,
    provider_arn,
    read_claims,
)

_OPERATION: Final = "AssumeRoleWithWebIdentity"
_ASSUME: Final = f"sts:{_OPERATION}"

Members = Mapping[str, object]

# Whether a trust policy is judged for a web identity, whatever the action: ministack looks for providers among its
# principals for one of the actions alone.
_federated: ContextVar[bool] = ContextVar("federated", default=False)


def judge_web_identities() -> None:
    """Put STS's own rules in the place of ministack's, which believes every token."""
    key_sets = KeySets(_resolve)
    handle: Handler = sts.handle_request
    matches = iam_evaluator._trust_principal_matches

    async def handle_request(
        method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, list[str]]
    ) -> Answer:
        asked = read_query("sts", body, query)
        if asked is None or asked.operation != _OPERATION:
            return await handle(method, path, headers, body, query)
        answered = await _assume(asked.members, key_sets)
        return answer(answered, "sts") if isinstance(answered, Refusal) else answered

    def trust_principal_matches(principal: object, arn: str, federated: bool) -> bool:
        return bool(matches(principal, arn, federated or _federated.get()))

    sts.handle_request = handle_request
    iam_evaluator._trust_principal_matches = trust_principal_matches


def _resolve(url: str) -> str | None:
    directory = Path(os.environ["STATE_DIR"]).parent  # as local/aws.py sets it
    return local_address(url, int(os.environ["GATEWAY_PORT"]), read_hosts(directory))


async def _assume(asked: Members, key_sets: KeySets) -> Answer | Refusal:
    token = read_token(str(asked["WebIdentityToken"]))
    if token is None:
        return NO_TOKEN
    role_arn = str(asked["RoleArn"])
    if ":role/" not in role_arn:
        return Refusal("ValidationError", f"{role_arn} is invalid")
    refusal = check_claims(token.claims)
    provider = None if refusal is not None else _provider(provider_arn(role_arn, str(token.claims["iss"])))
    refusal = (
        refusal
        or check_provider(token.claims, provider)
        or await _check_signature(token, key_sets)
        or check_times(token.claims, time.time())
    )
    if refusal is not None or provider is None:
        return refusal or NO_TOKEN
    claimed = read_claims(token.claims)
    return claimed if isinstance(claimed, Refusal) else _session(asked, provider, claimed)


async def _check_signature(token: Token, key_sets: KeySets) -> Refusal | None:
    """What STS says of the signature, or None. The keys may come from a function that runs in this very process."""
    issuer, kid = str(token.claims["iss"]), token.header.get("kid")
    try:
        key = find_key(token, await asyncio.to_thread(key_sets.find, issuer, kid))
    except Unreachable:
        return NO_KEY
    return NO_KEY if key is None else check_signature(token, key)


def _provider(arn: str) -> Provider | None:
    record = iam._oidc_providers.get_scoped(arn.split(":")[4], None, arn)
    return None if record is None else Provider(arn, record["Url"], record["ClientIDList"])


def _session(asked: Members, provider: Provider, claimed: Claimed) -> Answer | Refusal:
    role_arn = str(asked["RoleArn"])
    role = role_of(role_arn)
    if role is None or role["Arn"] != role_arn:
        return _denied(_ASSUME)  # STS does not tell whether there is such a role
    maximum = int(str(role.get("MaxSessionDuration") or DEFAULT_SECONDS))
    refusal = check_session(asked, claimed, maximum)
    account = role_arn.split(":")[4]
    parameters = {"Policy": [asked.get("Policy", "")], "PolicyArns": asked.get("PolicyArns", [])}
    policies, malformed = sts._session_policies(parameters, account)
    refusal = refusal or _judged_by_trust(asked, role, provider, claimed)
    if refusal is not None or malformed is not None:
        return refusal or cast(Answer, malformed)
    seconds = int(str(asked.get("DurationSeconds", DEFAULT_SECONDS)))
    transitive = {key.lower() for key in claimed.transitive}
    name = asked["RoleSessionName"]
    partition, path = role_arn.split(":")[1], role_arn.rpartition("/")[2]
    user = {
        "AssumedRoleId": f"{role['RoleId']}:{name}",
        "Arn": f"arn:{partition}:sts::{account}:assumed-role/{path}/{name}",
    }
    record: Record = {
        "Arn": user["Arn"],
        "UserId": user["AssumedRoleId"],
        "AccountId": account,
        "PrincipalType": "AssumedRole",
        "SessionTags": list(claimed.tags),
        "SessionPolicies": policies if any(policies.values()) else None,
        TRANSITIVE_TAGS: [tag for tag in claimed.tags if tag["Key"].lower() in transitive],
        FEDERATED_PROVIDER: provider.arn,
    }
    if claimed.source_identity is not None:
        record[SOURCE_IDENTITY] = claimed.source_identity
    issued = issue(record, time.time() + seconds)
    return result(
        "sts",
        _OPERATION,
        {
            "Credentials": issued.credentials(),
            "SubjectFromWebIdentityToken": claimed.subject,
            "AssumedRoleUser": user,
            "PackedPolicySize": 0,
            "Provider": claimed.issuer,
            "Audience": claimed.audience,
            "SourceIdentity": claimed.source_identity,
        },
    )


def _judged_by_trust(asked: Members, role: Record, provider: Provider, claimed: Claimed) -> Refusal | None:
    """What STS says where the role's trust policy does not allow each action that the session needs, or None."""
    document = trust_in_force(role, role["AssumeRolePolicyDocument"])
    have = {"SourceIdentity": claimed.source_identity, "Tags": claimed.tags}
    more = [action for member, action in SESSION_ACTIONS.items() if have[member]]
    context = _context(asked, provider, claimed)
    reset = _federated.set(True)
    try:
        for action in (_ASSUME, *more):
            asking = dataclasses.replace(context, action=action)
            if document is None or not iam_evaluator.evaluate_trust_policy(document, provider.arn, asking):
                return _denied(action)
    finally:
        _federated.reset(reset)
    return None


def _context(asked: Members, provider: Provider, claimed: Claimed) -> EvalContext:
    """What conditions of the trust policy are compared with.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html
    """
    role_arn = str(asked["RoleArn"])
    said: dict[str, object] = {
        **claimed.context(),
        "sts:rolesessionname": asked["RoleSessionName"],
        "sts:durationseconds": str(asked.get("DurationSeconds", DEFAULT_SECONDS)),
        "sts:sourceidentity": claimed.source_identity,
        "sts:transitivetagkeys": list(claimed.transitive) or None,
        "aws:federatedprovider": provider.arn,
        "aws:tagkeys": [tag["Key"] for tag in claimed.tags] or None,
    }
    return EvalContext(
        principal_arn=provider.arn,
        principal_type="WebIdentityUser",
        principal_account=role_arn.split(":")[4],
        action=_ASSUME,
        resource_arn=role_arn,
        region=get_region(),
        request_tags={tag["Key"]: tag["Value"] for tag in claimed.tags},
        service_context=said,
    )


def _denied(action: str) -> Refusal:
    # AWS's words, as people report them: https://github.com/aws-actions/configure-aws-credentials/issues/1446
    return Refusal("AccessDenied", f"Not authorized to perform {action}", 403)
