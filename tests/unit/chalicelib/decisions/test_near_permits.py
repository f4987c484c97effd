"""Which permits came close, where a decision was a denial by default."""

from datetime import UTC, datetime

import pytest

from chalicelib.callers.caller import Caller
from chalicelib.callers.iam_role_session import IamRoleSession
from chalicelib.callers.iam_user import IamUser
from chalicelib.decisions.authorizer import Authorizer
from chalicelib.decisions.decision import Circumstances, NearPermits
from chalicelib.decisions.indexed_policy import IndexedPolicies
from chalicelib.roles.catalog import Catalog
from chalicelib.roles.role import Role
from testing.cedar import SCHEMA, Asked

ACCOUNT = "111122223333"
ALICE = IamUser("aws", ACCOUNT, "/", "alice", "AIDA")
BOB = IamUser("aws", ACCOUNT, "/", "bob", "AIDB")
DEV = IamRoleSession("aws", ACCOUNT, "Dev", "alice", "AROA:alice")
USER = f'IamUser::"arn:aws:iam::{ACCOUNT}:user/{{}}"'
NEVER = "when { context.duration > 9999 }"


def role(name: str, *groups: str) -> Role:
    return Role(name, f"arn:aws:iam::{ACCOUNT}:role/{name}", "", groups, 900, 3600, None, False, True, True)


READER, WRITER = role("reader", "open"), role("writer")


def policies(*written: str) -> Authorizer:
    text = "\n".join(f'@id("p{number}") {one};' for number, one in enumerate(written))
    return Authorizer(IndexedPolicies.of(SCHEMA, text), Catalog((READER, WRITER)))


def permit(principal: str = "principal", resource: str = "resource", condition: str = NEVER) -> str:
    return f"permit ({principal}, action, {resource}) {condition}"


OF_ALICE, OF_BOB = f"principal == {USER.format('alice')}", f"principal == {USER.format('bob')}"
ON_READER, ON_WRITER = 'resource == Role::"reader"', 'resource == Role::"writer"'


@pytest.mark.parametrize(
    ("written", "caller", "expected"),
    [
        (permit(), ALICE, NearPermits(condition=("p0",))),
        (permit(OF_ALICE, ON_READER), ALICE, NearPermits(condition=("p0",))),
        (permit("principal is IamUser", 'resource in RoleGroup::"open"'), ALICE, NearPermits(condition=("p0",))),
        (permit(OF_ALICE, ON_WRITER, ""), ALICE, NearPermits(resource=("p0",))),
        (permit(f'principal in Account::"{ACCOUNT}"', ON_WRITER), ALICE, NearPermits(resource=("p0",))),
        (permit(OF_BOB, ON_READER, ""), ALICE, NearPermits(principal=("p0",))),
        (permit(OF_BOB, 'resource in RoleGroup::"open"'), ALICE, NearPermits(principal=("p0",))),
        # Of another type, though of the account: the scope does not fit.
        (permit(f'principal is IamRole in Account::"{ACCOUNT}"', ON_READER), ALICE, NearPermits(principal=("p0",))),
        (permit(f'principal is IamRole in Account::"{ACCOUNT}"', ON_READER), DEV, NearPermits(condition=("p0",))),
        (permit(f'principal is IamRole in Account::"{ACCOUNT}"', ON_WRITER), ALICE, NearPermits()),
        # What is about neither of them, or about everybody or everything, is not near.
        (permit(OF_BOB, ON_WRITER), ALICE, NearPermits()),
        (permit("principal", ON_WRITER), ALICE, NearPermits()),
        (permit(OF_BOB), ALICE, NearPermits()),
        (f"forbid ({OF_ALICE}, action, {ON_READER}) {NEVER}", ALICE, NearPermits()),
    ],
)
def test_a_permit_is_near_by_the_part_that_failed(written: str, caller: Caller, expected: NearPermits) -> None:
    here = Circumstances(900, "198.51.100.7", False, datetime(2026, 3, 4, 12, tzinfo=UTC))
    asks = policies(written)
    decision = asks.decide(caller, READER, here)
    assert not decision.allowed and decision.policies == ()
    assert asks.near_permits(caller, READER) == expected


def test_five_of_each_part_are_named_and_the_others_counted() -> None:
    asks = policies(
        *[permit(OF_ALICE, ON_READER)] * 7,
        *[permit()] * 2,
        *[permit(OF_ALICE, ON_WRITER)] * 8,
        *[permit(OF_BOB, ON_READER)] * 9,
        *[f"forbid ({OF_ALICE}, action, {ON_READER}) {NEVER}"] * 3,
    )
    near = asks.near_permits(ALICE, READER)
    assert list(map(len, near[:3])) == [5, 5, 5]
    assert near.more == 7 + 2 + 8 + 9 - 15
    assert set(near.condition) <= {f"p{number}" for number in range(9)}
    assert set(near.resource) <= {f"p{number}" for number in range(9, 17)}
    assert set(near.principal) <= {f"p{number}" for number in range(17, 26)}


def test_near_permits_are_found_without_asking_cedar(asked: Asked) -> None:
    policies(permit()).near_permits(ALICE, READER)
    assert asked.requests == []
