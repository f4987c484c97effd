"""Which roles are to be made in which accounts, and what they look like: from the catalog, for a service."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from chalicelib.aws.durations import MINIMUM_SECONDS
from chalicelib.aws.policy_document import VERSION
from chalicelib.configuration.catalog_file import WrittenCatalog
from chalicelib.configuration.role_entry import DEFAULT_MANAGED_POLICIES, MAXIMUM_MANAGED_POLICIES
from chalicelib.configuration.session_settings import SessionSettings
from chalicelib.roles.role import Role, account_of
from chalicelib.text.likeness import did_you_mean, nearest
from ops.documents.json_object import Json
from ops.errors import OperationFailed
from ops.iam.operator_policy import operator_policy, operator_trust, revocable_in
from ops.iam.policy_size import MAXIMUM_INLINE, characters
from ops.iam.statements import PROBE_ACTIONS, session_actions, trust_statements, web_identity_statement
from ops.onboarding.descriptions import description_for_iam
from ops.onboarding.iam_role import AccountRoles, IamRole
from ops.onboarding.service import Service
from ops.onboarding.wanted import Wanted, names_of

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: of a trust policy, by default and as far
# as the quota can be raised.
TRUST_CHARACTERS: Final = 2_048
RAISED_TRUST_CHARACTERS: Final = 4_096
# IAM's least for MaxSessionDuration, and the most that a session of a role has that another role asks for.
_SESSION_SECONDS: Final = 3_600
# In messages.
_SHOWN: Final = 10
CHAINS_POLICY: Final = "credvend-chains"
LEASES_POLICY: Final = "credvend-leases"
OPERATOR_POLICY: Final = "credvend-revocations-of-roles"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be made, and what cannot be.

    Attributes:
        accounts: each with what is to be made there.
        elsewhere: statements that trust policies of other roles need, by the ARN of the role.
        notes: what whoever onboards should know.
    """

    accounts: tuple[AccountRoles, ...]
    elsewhere: Mapping[str, tuple[Json, ...]]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Given:
    """What roles are made from.

    Attributes:
        sources: roles whose sessions go on to another one, by the ARN of that.
    """

    catalog: WrittenCatalog
    settings: SessionSettings
    service: Service
    wanted: Wanted
    sources: Mapping[str, Sequence[Role]]


def plan_roles(catalog: WrittenCatalog, settings: SessionSettings, service: Service, wanted: Wanted) -> Plan:
    """What is to be made.

    Args:
        settings: of sessions.yaml.

    Raises:
        OperationFailed: there is no such role, or none in an account; or IAM would not take it.
    """
    given = _Given(catalog, settings, service, wanted, _sources(catalog))
    chosen = _chosen(catalog, wanted)
    strange = [role for role in chosen if role.partition != service.partition]
    if strange:
        raise OperationFailed(
            f"Role {strange[0].name} is of partition {strange[0].partition}, and credvend of {service.partition}: a "
            "role is assumed from its own partition alone."
        )
    _check_attached(catalog, wanted)
    accounts: list[AccountRoles] = []
    for account in sorted({role.account for role in chosen}):
        roles = tuple(_role(role, given) for role in chosen if role.account == account)
        accounts.append(AccountRoles(roles, _operator(account, given), _makes_provider(roles, wanted)))
    for one in accounts:
        _check_names(one)
    made = {role.arn for one in accounts for role in one.every}
    return Plan(tuple(accounts), _elsewhere(chosen, made, given), tuple(_notes(accounts, given)))


def _chosen(catalog: WrittenCatalog, wanted: Wanted) -> list[Role]:
    """The roles that are asked for, in the order of the file."""
    if not catalog.roles:
        raise OperationFailed("roles.yaml has no roles.")
    _expect("role", wanted.roles, (name for role in catalog.roles for name in names_of(role.name)))
    _expect("role of account", wanted.accounts, (name for role in catalog.roles for name in _accounts_of(role)))
    _expect("role of account group", wanted.groups, (group for role in catalog.roles for group in role.account_groups))
    if wanted.roles:
        return [role for role in catalog.roles if not names_of(role.name).isdisjoint(wanted.roles)]
    if wanted.is_for_all:
        return list(catalog.roles)
    return [
        role
        for role in catalog.roles
        if not _accounts_of(role).isdisjoint(wanted.accounts) or not set(role.account_groups).isdisjoint(wanted.groups)
    ]


def _expect(what: str, wanted: Iterable[str], known: Iterable[str]) -> None:
    """See that there is whatever is named."""
    there = sorted(set(known))
    for name in wanted:
        if name not in there:
            hint = did_you_mean(nearest(name, there)) or (f": it has {_some(there)}" if there else "; it has none")
            raise OperationFailed(f"roles.yaml has no {what} {name!r}{hint}")


def _accounts_of(role: Role) -> set[str]:
    """What its account is called: by its number, and by the name that accounts.yaml gives it."""
    return {role.account, role.account_name} - {""}


def _role(role: Role, given: _Given) -> IamRole:
    trust: Json = {"Version": VERSION, "Statement": list(_trust(role, given))}
    if (length := characters(trust)) > RAISED_TRUST_CHARACTERS:
        raise OperationFailed(
            f"The trust policy of role {role.name} would have {length:,} characters, and IAM takes "
            f"{TRUST_CHARACTERS:,}, or {RAISED_TRUST_CHARACTERS:,} where the quota was raised: shorten external_id, "
            "or have fewer roles chain to it."
        )
    inline = {CHAINS_POLICY: _chains_policy(role)} if role.chains_to else {}
    inline |= {LEASES_POLICY: _leases_policy()} if role.min_duration < MINIMUM_SECONDS else {}
    if inline and (length := sum(map(characters, inline.values()))) > MAXIMUM_INLINE:
        raise OperationFailed(
            f"Role {role.name} chains to too many roles: its policy would have {length:,} characters."
        )
    return IamRole(
        arn=role.arn,
        description=description_for_iam(role.description) or "",
        trust=trust,
        inline=inline,
        managed=given.wanted.managed_of(role.name, role.arn),
        boundary=None if given.wanted.boundary is None else given.wanted.boundary.arn_for(role.arn),
        tags=given.wanted.tags,
        max_session_seconds=max(_SESSION_SECONDS, role.max_duration),
        by_web_identity=role.by_web_identity,
    )


def _makes_provider(roles: Iterable[IamRole], wanted: Wanted) -> bool:
    """An account has one provider of an issuer: some roles alone have stacks beside the one that makes it."""
    is_wanted = not wanted.roles if wanted.provider is None else wanted.provider
    return is_wanted and any(role.by_web_identity for role in roles)


def _trust(role: Role, given: _Given) -> Iterator[Json]:
    """Who may have sessions of it: credvend, its revoker if there is a probe to ask, and the roles that chain to it."""
    if role.by_web_identity:
        yield web_identity_statement(role.arn, given.service.provider, _actions(role))
    if not role.by_web_identity or given.wanted.keep_assume_role:
        yield from trust_statements(given.service.function_role_arn, role.external_id, _actions(role))
    if role.probe is not None and given.settings.ledger:
        yield from trust_statements(given.service.revoker_role_arn, role.external_id, PROBE_ACTIONS)
    yield from _chained(role.arn, given)


def _chained(arn: str, given: _Given) -> Iterator[Json]:
    """What sessions of other roles need, which go on to this one, with what they pass on."""
    for source in given.sources.get(arn, ()):
        yield from trust_statements(source.arn, None, _actions(source))


def _sources(catalog: WrittenCatalog) -> dict[str, list[Role]]:
    found: dict[str, list[Role]] = {}
    for role in catalog.roles:
        for arn in role.chains_to:
            found.setdefault(arn, []).append(role)
    return found


def _actions(role: Role) -> tuple[str, ...]:
    return session_actions(source_identity=role.source_identity, tag_session=role.tag_session)


def _chains_policy(role: Role) -> Json:
    """What a role's own sessions need to go on. A trust policy that names the account alone is not enough for it:

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
    """
    statement = {"Effect": "Allow", "Action": list(_actions(role)), "Resource": sorted(role.chains_to)}
    return {"Version": VERSION, "Statement": [statement]}


def _leases_policy() -> Json:
    """What a session needs to be cut short.

    https://docs.aws.amazon.com/STS/latest/APIReference/API_GetScopedCredentials.html does not say that it does, nor on
    which resource: were it not needed, this would allow nothing more.
    """
    return {
        "Version": VERSION,
        "Statement": [{"Effect": "Allow", "Action": "sts:GetScopedCredentials", "Resource": "*"}],
    }


def _operator(account: str, given: _Given) -> IamRole | None:
    """The role through which the revoker works in an account, if one is wanted there, and of use."""
    wanted, settings, service = given.wanted, given.settings, given.service
    is_wanted = not wanted.roles if wanted.operator is None else wanted.operator
    if not is_wanted or settings.operator_role is None or not settings.ledger or account == service.account:
        return None
    arn = f"arn:{service.partition}:iam::{account}:role/{settings.operator_role}"
    policy = operator_policy(arn, revocable_in(account, given.catalog))
    if (length := characters(policy)) > MAXIMUM_INLINE:
        raise OperationFailed(
            f"The operator role of account {account} would have a policy of {length:,} characters, and IAM takes "
            f"{MAXIMUM_INLINE:,}: put the account's roles below one path, and name it as `role_path` in roles.yaml."
        )
    return IamRole(
        arn=arn,
        description="credvend's revoker ends sessions of this account's roles through it.",
        trust=operator_trust(service.revoker_role_arn),
        inline={OPERATOR_POLICY: policy},
        managed=(),
        boundary=None if wanted.operator_boundary is None else wanted.operator_boundary.arn_for(arn),
        tags=wanted.tags,
        max_session_seconds=_SESSION_SECONDS,
    )


def _check_attached(catalog: WrittenCatalog, wanted: Wanted) -> None:
    """Whether each policy is for a role that there is, and IAM lets a role have them all."""
    names = [role.name for role in catalog.roles]
    _expect("role", filter(None, (one.role for one in wanted.managed)), (n for name in names for n in names_of(name)))
    for name in names:
        count = len(wanted.managed_for(name))
        if count > MAXIMUM_MANAGED_POLICIES:
            raise OperationFailed(
                f"Role {name} would have {count} managed policies; IAM takes {MAXIMUM_MANAGED_POLICIES}."
            )


def _check_names(account: AccountRoles) -> None:
    """IAM has one role of a name in an account, whatever its path and case.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html (RoleName)
    """
    seen: dict[str, str] = {}
    for one in account.every:
        other = seen.setdefault(one.name.lower(), one.arn)
        if other != one.arn:
            raise OperationFailed(
                f"{one.arn} and {other} cannot both be there: IAM tells the roles of an account apart by name alone, "
                "without path and case."
            )
    if account.operator is not None and any(one.arn == account.operator.arn for one in account.roles):
        raise OperationFailed(
            f"{account.operator.arn} is a role of the catalog, and cannot be `operator_role` as well."
        )


def _elsewhere(chosen: Sequence[Role], made: Iterable[str], given: _Given) -> dict[str, tuple[Json, ...]]:
    """What roles that are not made here need, because sessions go on to them."""
    accounts = set() if given.wanted.roles else {role.account for role in chosen}
    targets = {arn for role in chosen for arn in role.chains_to}
    targets |= {arn for arn in given.sources if account_of(arn) in accounts}
    return {arn: tuple(_chained(arn, given)) for arn in sorted(targets - set(made))}


def _notes(accounts: Sequence[AccountRoles], given: _Given) -> Iterator[str]:
    """What whoever onboards should know."""
    names = {role.arn: role.name for role in given.catalog.roles}
    described = {role.arn for role in given.catalog.roles if role.description}
    every = [role for one in accounts for role in one.roles]
    raise_it = "have IAM's quota of {:,} raised first in account {}."
    for role in every:
        if (length := characters(role.trust)) > TRUST_CHARACTERS:
            more = raise_it.format(TRUST_CHARACTERS, account_of(role.arn))
            yield f"The trust policy of role {names[role.arn]} has {length:,} characters: {more}"
        if len(role.managed) > DEFAULT_MANAGED_POLICIES:
            more = raise_it.format(DEFAULT_MANAGED_POLICIES, account_of(role.arn))
            yield f"Role {names[role.arn]} has {len(role.managed)} managed policies: {more}"
    if mute := [names[role.arn] for role in every if role.arn in described and not role.description]:
        yield f"Descriptions are left out in letters that IAM does not take (it has Latin ones): {_some(mute)}."
    if bare := [names[role.arn] for role in every if not role.managed]:
        yield f"Policies must give these roles their rights, or they may do nothing (--managed-policy): {_some(bare)}."
    yield from _notes_on_provider(accounts, given)
    yield from _notes_on_operators(accounts, given)


def _notes_on_provider(accounts: Sequence[AccountRoles], given: _Given) -> Iterator[str]:
    """What roles of more than an hour need, and how one moves there."""
    names = {role.arn: role.name for role in given.catalog.roles}
    long = [names[role.arn] for one in accounts for role in one.roles if role.by_web_identity]
    if not long:
        return
    issuer = given.service.issuer
    yield (
        f"These roles have more than an hour, and trust credvend's tokens ({issuer or 'of an issuer yet unknown'}), "
        f"not its role: {_some(long)}."
    )
    if issuer is None:
        yield (
            "The issuer is known once credvend is deployed with such a role: its stack calls it IssuerUrl. Give "
            "that, without https://, where the commands below have ISSUER; or name it here, with --issuer or "
            "`signing.issuer` in stage.yaml."
        )
    without = [one.account for one in accounts if not one.makes_provider and any(r.by_web_identity for r in one.roles)]
    if without:
        yield (
            f"Account {_some(without)} must have an OpenID Connect provider of that issuer, which is not made here: "
            f"`credvend-admin onboard --account {without[0]}` makes it with all of the account's roles, --provider "
            "with these."
        )
    if len(without) < len(accounts):
        yield "IAM asks the issuer for its certificate when a provider is made: it must answer by then."
    if not given.wanted.keep_assume_role:
        yield (
            "A role that was vended for an hour until now moves without a gap so: `max_duration: 12h` in roles.yaml; "
            "this command with --keep-assume-role, and what it says; deploy credvend; this command again without."
        )


def _notes_on_operators(accounts: Sequence[AccountRoles], given: _Given) -> Iterator[str]:
    without = [one.account for one in accounts if one.operator is None and one.account != given.service.account]
    if not without or not given.settings.ledger:
        return
    if given.settings.operator_role is None:
        yield (
            f"Sessions cannot be revoked in other accounts than credvend's own ({_some(without)}): set `operator_role` "
            "in sessions.yaml, deploy, and onboard the accounts again."
        )
    elif given.wanted.operator is None:
        yield (
            f"Sessions are revoked through the role {given.settings.operator_role} of each account, which is not made "
            f"here: `credvend-admin onboard --account {without[0]}` makes it."
        )


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
