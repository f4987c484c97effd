import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.callers.federated_user import FederatedUser
from chalicelib.callers.iam_user import IamUser
from chalicelib.errors import InvalidRequest
from chalicelib.sessions.asked import VendRequest
from chalicelib.sessions.plan import SessionPlan, plan_session
from tests.unit.chalicelib.decisions.test_authorizer import ALICE, role

# https://docs.aws.amazon.com/STS/latest/APIReference/API_Tag.html
TAG_VALUE = re.compile(r"[\w\s.:/=+@-]{0,256}")


def plan(caller: IamUser | FederatedUser = ALICE, **asked: object) -> SessionPlan:
    request = VendRequest(role="reader", **asked)  # type: ignore[arg-type]
    return plan_session(caller, request, role("reader", max_duration=1800), "request-1")


def test_a_duration_that_is_not_named_is_the_roles_default() -> None:
    assert plan().duration == 900
    assert plan(duration=1800).duration == 1800


def test_a_duration_above_the_roles_maximum_names_the_maximum() -> None:
    with pytest.raises(InvalidRequest, match="at most 1800 seconds"):
        plan(duration=1801)


def test_name_and_source_identity_are_the_same_and_the_callers_alone() -> None:
    one, other = plan(reason="a"), plan(reason="b", duration=1000)
    assert one.session_name == one.source_identity == other.session_name


def test_tags_tell_caller_request_and_role() -> None:
    assert dict(plan().tags) == {
        "credvend:caller": ALICE.arn,
        "credvend:request": "request-1",
        "credvend:role": "reader",
    }


@given(st.text(max_size=600))
def test_the_caller_tag_is_one_that_sts_takes(name: str) -> None:
    tag = dict(plan(FederatedUser("aws", "111122223333", name, "x")).tags)["credvend:caller"]
    assert TAG_VALUE.fullmatch(tag)


@given(st.text(max_size=300), st.text(max_size=300))
def test_two_callers_never_share_a_caller_tag(one: str, other: str) -> None:
    tags = [dict(plan(FederatedUser("aws", "111122223333", n, "x")).tags)["credvend:caller"] for n in (one, other)]
    assert (tags[0] == tags[1]) == (one == other)
