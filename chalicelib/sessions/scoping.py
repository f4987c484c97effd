"""What narrows the session? The role's own scoping policy, and what the caller may add to it.

STS takes the union of the session policies of one call before it intersects them with the role's rights:
https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session. So beside a policy of the role's
own, an `Allow` of the caller's would widen the session, and only `Deny` is taken.
"""

from collections.abc import Mapping
from typing import Final

from chalicelib.aws.policy_document import VERSION, Statement, document_of, minify, texts_in
from chalicelib.errors import InvalidRequest
from chalicelib.roles.role import Role
from chalicelib.roles.session_rules import MAXIMUM_POLICY_CHARACTERS
from chalicelib.roles.template import holds_placeholder
from chalicelib.roles.template_values import Values
from chalicelib.sessions.asked import CallerPolicy

# What a session needs to be cut short, so that whoever narrows one need not think of it. All that it lets the lease do
# is narrow itself further.
_CUT_SHORT: Final[Statement] = {"Effect": "Allow", "Action": "sts:GetScopedCredentials", "Resource": "*"}


def session_policy(role: Role, values: Values, asked: CallerPolicy | None, is_lease: bool) -> str | None:
    """The inline policy of the session as minified JSON, or None.

    Args:
        is_lease: it is to be cut short, which every session policy must allow.

    Raises:
        InvalidRequest: a value is missing, the caller's policy could widen the session, or it is too long.
    """
    own = role.session_rules.policy
    more = (_CUT_SHORT,) if is_lease else ()
    if not role.session_rules.scoped:
        # It is intersected with the role, and so can only narrow.
        return None if asked is None else _bounded(minify(_with(asked, more)), role)
    statements = more if own is None else own.fill(values) + more
    if asked is not None:
        statements += _denials(asked, role)
    return _bounded(minify(document_of(statements)), role) if statements else None


def _with(asked: CallerPolicy, more: tuple[Statement, ...]) -> Mapping[str, object]:
    return {**asked.document, "Statement": [*asked.statements, *more]} if more else asked.document


def _denials(asked: CallerPolicy, role: Role) -> tuple[Statement, ...]:
    why = f"because role {role.name} has a scoping policy of its own, beside which an Allow would widen the session"
    if asked.document.get("Version") != VERSION:
        raise InvalidRequest(f'Field "policy": Version must be "{VERSION}" for role {role.name}.')
    # The catalog would fill it. Sent as it is, a Deny that holds one would deny nothing.
    if any(map(holds_placeholder, texts_in(asked.document))):
        raise InvalidRequest('Field "policy": placeholders are for the catalog; write the value out.')
    for index, statement in enumerate(asked.statements):
        if statement["Effect"] != "Deny":
            raise InvalidRequest(f'Field "policy": Statement[{index}].Effect must be "Deny", {why}.')
    # Without their names, of which two must not be the same in one document.
    return tuple({key: value for key, value in one.items() if key != "Sid"} for one in asked.statements)


def _bounded(policy: str, role: Role) -> str:
    over = len(policy) - MAXIMUM_POLICY_CHARACTERS
    if over > 0:
        raise InvalidRequest(
            f"The session policy for role {role.name} has {len(policy)} characters without white space, {over} more "
            f"than the {MAXIMUM_POLICY_CHARACTERS} that STS takes. Shorten the policy or the params of the request."
        )
    return policy
