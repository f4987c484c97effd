"""The mapping from callers to session names, over arbitrary callers."""

import re
from dataclasses import astuple
from typing import TYPE_CHECKING, cast

from hypothesis import assume, example, given
from hypothesis import strategies as st

from chalicelib.callers.caller import Caller
from chalicelib.callers.federated_user import FederatedUser
from chalicelib.callers.iam_role_session import IamRoleSession
from chalicelib.callers.iam_user import IamUser
from chalicelib.callers.oidc_subject import OidcSubject
from chalicelib.callers.service_token import ServiceToken
from chalicelib.callers.session_name import session_name
from ops.environments import ROOT

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

# What STS takes: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
STS = re.compile(r"[A-Za-z0-9_+=,.@-]{2,64}")

# Few characters, the separators among them, so that near-collisions are tried often; and any text at all.
names = (
    st.text("ab=@-,", min_size=0, max_size=6)
    | st.text(max_size=80)
    | st.from_regex(r"[\w+=,.@-]{1,64}", fullmatch=True)
)
accounts = st.sampled_from(["111122223333", "444455556666"]) | st.text("1=@-cn", max_size=14)
partitions = st.sampled_from(["aws", "aws-cn", "aws-us-gov", "", "cn"])
paths = st.sampled_from(["/", "/team/", "/a=b@/"])
ids = st.just("AIDA")

callers: st.SearchStrategy[Caller] = st.one_of(
    st.builds(IamUser, partitions, accounts, paths, names, ids),
    st.builds(IamRoleSession, partitions, accounts, names, names, ids),
    st.builds(FederatedUser, partitions, accounts, names, ids),
    st.builds(ServiceToken, names, ids),
    st.builds(OidcSubject, st.sampled_from(["okta", "git.hub", "a-b_c"]), names),
)


def fields_of(caller: Caller) -> tuple[object, ...]:
    return astuple(cast("DataclassInstance", caller))  # each kind is one


@given(callers)
def test_every_session_name_is_one_that_sts_takes(caller: Caller) -> None:
    assert STS.fullmatch(session_name(caller))


@given(callers)
def test_a_caller_always_gets_the_same_name(caller: Caller) -> None:
    again = type(caller)(*fields_of(caller))
    assert session_name(again) == session_name(caller)


@given(callers, callers)
@example(
    IamRoleSession("aws", "111122223333", "a", "b=c", "x"),
    IamRoleSession("aws", "111122223333", "a=b", "c", "x"),
)
@example(IamUser("aws", "111122223333", "/", "a", "x"), IamUser("aws", "111122223333", "/team/", "a", "x"))
@example(IamUser("aws", "111122223333", "/", "a", "x"), IamUser("aws-cn", "111122223333", "/", "a", "x"))
@example(IamUser("aws", "111122223333", "/", "é", "x"), IamUser("aws", "111122223333", "/", "_", "x"))
@example(FederatedUser("aws", "111122223333", "a", "x"), IamUser("aws", "111122223333", "/", "a", "x"))
@example(OidcSubject("okta", "a=b"), OidcSubject("okta", "a=b@"))
@example(OidcSubject("okta", "é"), OidcSubject("okta", "_"))
def test_two_callers_never_share_a_name(one: Caller, other: Caller) -> None:
    assume((type(one), fields_of(one)) != (type(other), fields_of(other)))
    assert session_name(one) != session_name(other)


@given(st.lists(callers, min_size=2, max_size=60))
def test_names_are_as_many_as_callers(many: list[Caller]) -> None:
    identities = {(type(c).__name__, *fields_of(c)) for c in many}
    assert len({session_name(c) for c in many}) == len(identities)


def test_names_are_readable_where_they_fit() -> None:
    assert session_name(IamUser("aws", "111122223333", "/", "alice", "AIDA")) == "user=alice@111122223333"
    role = IamRoleSession("aws-us-gov", "111122223333", "Dev", "alice@example.com", "AROA")
    assert session_name(role) == "role=Dev=alice@example.com@111122223333-us-gov"


def test_a_name_that_was_cut_still_begins_with_what_people_recognise() -> None:
    sso = IamRoleSession(
        "aws", "111122223333", "AWSReservedSSO_AdministratorAccess_0123456789abcdef", "alice@example.com", "A"
    )
    assert re.fullmatch(r"role-alice@example\.com@AWSReservedS[\w]*-[a-z2-7]{26}", session_name(sso))
    assert len(session_name(sso)) == 64
    document = ROOT / "docs/sessions.md"
    assert f"`{session_name(sso)}`" in document.read_text()
