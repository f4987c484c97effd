"""IAM's rules for the policies that ministack keeps, and principals kept by their unique ids."""

from collections.abc import Callable, Mapping
from typing import cast

from ministack.core import iam_actions, iam_evaluator
from ministack.services import iam

from local.strict.iam_rules import check_attached, check_inline, check_managed, check_trust, named_principals
from local.strict.propagation_hooks import has_arrived, note_changes
from local.strict.protocols import Asked, Handler, Request, read_query
from local.strict.records import Record, arn_of_role, role_of, unique_id
from local.strict.refusal import Answer, Refusal

# In a role's record in ministack: the unique ids of those that its trust policy names, by ARN.
_PRINCIPALS = "StrictPrincipals"


def watch_requests() -> None:
    """Keep the principals that the trust policy names, of roles that requests make or change; note every change."""
    handle: Handler = iam.handle_request

    async def handle_request(
        method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, list[str]]
    ) -> Answer:
        answered = await handle(method, path, headers, body, query)
        asked = read_query("iam", body, query)
        if asked is not None and asked.operation in ("CreateRole", "UpdateAssumeRolePolicy") and answered[0] == 200:
            keep_principals(iam._roles.get(asked.members["RoleName"]))
        note_changes()
        return answered

    iam.handle_request = handle_request


def name_roles_with_their_paths() -> None:
    """Judge what is asked of IAM about a role by its ARN, path included, although requests name it without.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
    """
    extract: Callable[..., str] = iam_actions.extract_resource_arn

    def extract_resource_arn(service: str, *arguments: object, **options: object) -> str:
        arn = extract(service, *arguments, **options)
        role = role_of(arn) if service == "iam" and ":role/" in arn else None
        return arn if role is None else str(role["Arn"])

    iam_actions.extract_resource_arn = extract_resource_arn


def name_sessions_by_their_role() -> None:
    """Let `aws:PrincipalArn` of a session be its role's ARN, path included, in policies of every kind.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn
    """
    resolve = iam_evaluator._resolve_condition_key

    def resolve_condition_key(key: str, context: iam_evaluator.EvalContext) -> object:
        resolved = resolve(key, context)
        return arn_of_role(str(resolved)) if key.lower() == "aws:principalarn" else resolved

    iam_evaluator._resolve_condition_key = resolve_condition_key


def keep_principals(role: Record | None) -> None:
    """Note the unique ids of those that the role's trust policy names, as they are now."""
    if role is not None:
        named = named_principals(role["AssumeRolePolicyDocument"])
        role[_PRINCIPALS] = {arn: unique for arn in named if (unique := unique_id(arn)) is not None}


def is_another_principal(role: Record | None, arn: str) -> bool:
    """The user or role with this ARN was made anew since the trust policy named it: it is no longer trusted."""
    kept = cast(dict[str, str], (role or {}).get(_PRINCIPALS, {})).get(arn)
    return kept is not None and kept != unique_id(arn)


def check_iam_request(asked: Asked, request: Request) -> Refusal | None:
    """What IAM refuses of a request, or None."""
    members = cast(Mapping[str, str], asked.members)
    match asked.operation:
        case "PutRolePolicy" | "PutUserPolicy" | "PutGroupPolicy":
            kind = asked.operation.removeprefix("Put").removesuffix("Policy").lower()
            name = members[f"{kind.capitalize()}Name"]
            return _check_inline_with(kind, name, {members["PolicyName"]: members["PolicyDocument"]})
        case "CreatePolicy" | "CreatePolicyVersion":
            return check_managed(members["PolicyDocument"])
        case "CreateRole":
            return check_trust_policy(members["AssumeRolePolicyDocument"], has_arrived)
        case "UpdateAssumeRolePolicy":
            return check_trust_policy(members["PolicyDocument"], has_arrived)
        case "AttachRolePolicy":
            return check_attached(len({*_attached(members["RoleName"]), members["PolicyArn"]}))
    return None


def check_trust_policy(document: object, known: Callable[[str], bool] = lambda arn: True) -> Refusal | None:
    """What IAM says of a trust policy, or None: too large, or one of its principals is not there, or not known yet.

    Args:
        known: of an ARN. CloudFormation tries again until it is.
    """
    refusal = check_trust(document)
    try:
        missing = [arn for arn in named_principals(document) if unique_id(arn) is None or not known(arn)]
    except (ValueError, AttributeError):
        return None  # no JSON: the local AWS says so itself
    if refusal is None and missing:
        return Refusal("MalformedPolicyDocument", f'Invalid principal in policy: "AWS":"{missing[0]}"')
    return refusal


def check_role_properties(properties: Mapping[str, object], _made: str | None) -> Refusal | None:
    """What IAM says of a role that CloudFormation makes, or None."""
    inline = cast(list[Record], properties.get("Policies") or [])
    documents = {str(policy["PolicyName"]): policy["PolicyDocument"] for policy in inline}
    return (
        check_inline("role", str(properties.get("RoleName", "")), documents)
        or check_attached(len(cast(list[str], properties.get("ManagedPolicyArns") or [])))
        or check_trust_policy(properties["AssumeRolePolicyDocument"])
    )


def check_managed_properties(properties: Mapping[str, object], made: str | None) -> Refusal | None:
    """What IAM says of a managed policy that CloudFormation makes and attaches, or None.

    Args:
        made: the policy's ARN, if it is there and is changed.
    """
    roles = cast(list[str], properties.get("Roles") or [])
    attached = [len({*_attached(role), made or "new"}) for role in roles]
    return check_managed(properties["PolicyDocument"]) or check_attached(max(attached, default=0))


def check_policy_properties(properties: Mapping[str, object], _made: str | None) -> Refusal | None:
    """What IAM says of an inline policy that CloudFormation adds to roles, users or groups, or None."""
    new = {str(properties["PolicyName"]): properties["PolicyDocument"]}
    for kind in ("role", "user", "group"):
        for name in cast(list[str], properties.get(f"{kind.capitalize()}s") or []):
            refusal = _check_inline_with(kind, name, new)
            if refusal is not None:
                return refusal
    return None


def _check_inline_with(kind: str, name: str, new: Mapping[str, object]) -> Refusal | None:
    if kind == "role":
        there = (iam._roles.get(name) or {}).get("InlinePolicies")
    else:
        there = {"user": iam._user_inline_policies, "group": iam._group_inline_policies}[kind].get(name)
    return check_inline(kind, name, {**(there or {}), **new})


def _attached(role: str) -> list[str]:
    return cast(list[str], (iam._roles.get(role) or {}).get("AttachedPolicies", []))
