"""What a role lacks is found part by part, and nothing that STS gives is kept."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.errors import StsRefused
from chalicelib.examining.questions import DENY_ALL, DENY_ALL_BUT_LEASES, whole
from chalicelib.examining.verdict import Refused, Verdict, examine
from chalicelib.roles.role import Role
from chalicelib.roles.session_rules import SessionRules
from chalicelib.roles.template import parse_template
from chalicelib.sessions.plan import SessionPlan
from chalicelib.sessions.sts_failures import Cause, StsFailure
from tests.unit.chalicelib.decisions.test_authorizer import role

READER = role("reader")
EXTERNAL = replace(READER, external_id="shared")
ARN = "arn:aws:iam::aws:policy/ReadOnlyAccess"


class Target:
    """A role's owner, by what its trust policy lets through; and what it was asked."""

    def __init__(self, lets: Callable[[SessionPlan], Cause | None]) -> None:
        self._lets = lets
        self.asked: list[SessionPlan] = []

    def __call__(self, plan: SessionPlan) -> str:
        self.asked.append(plan)
        cause = self._lets(plan)
        if cause is not None:
            raise StsFailure(StsRefused("no"), cause, f"id-{len(self.asked)}", 1)
        return f"id-{len(self.asked)}"

    def says(self, role: Role) -> Verdict:
        return examine(role, "request", self)


def trust(
    assume: bool = True, tags: bool = True, identity: bool = True, seconds: int = 3600, external_id: str | None = None
) -> Target:
    """STS judges sts:AssumeRole first, and names one action."""

    def lets(plan: SessionPlan) -> Cause | None:
        if not assume or plan.duration > seconds or (external_id is not None and plan.role.external_id != external_id):
            return "not_trusted"
        if plan.source_identity is not None and not identity:
            return "no_set_source_identity"
        return "no_tag_session" if plan.tags and not tags else None

    return Target(lets)


def test_a_role_that_is_in_order_is_one_question() -> None:
    target = trust()
    assert target.says(READER) == Verdict(READER, granted=True, sts_request_ids=("id-1",))
    (asked,) = target.asked
    assert asked.tags and asked.transitive_tags == ("credvend:caller", "credvend:request")
    assert (asked.duration, asked.source_identity, asked.session_name) == (3600, asked.session_name, asked.session_name)


def test_an_external_id_is_right_and_demanded_or_it_is_said() -> None:
    assert trust(external_id="shared").says(EXTERNAL).demands_external_id is True
    assert trust().says(EXTERNAL).demands_external_id is False
    for wrong in (trust(external_id="other").says(EXTERNAL), trust(external_id="other").says(READER)):
        assert (wrong.granted, wrong.lacks) == (False, (Refused("assume_role", "not_trusted"),))


@given(tags=st.booleans(), identity=st.booleans(), long=st.booleans())
def test_each_part_that_is_missing_is_found_and_no_other(tags: bool, identity: bool, long: bool) -> None:
    verdict = trust(tags=tags, identity=identity, seconds=3600 if long else 900).says(READER)
    wanted = {"tag_session": not tags, "set_source_identity": not identity, "duration": not long}
    assert {one.lack for one in verdict.lacks} == {part for part, is_missing in wanted.items() if is_missing}
    assert verdict.granted is (tags and identity and long)


def test_what_the_catalog_switches_off_is_not_asked_for() -> None:
    plain = replace(READER, tag_session=False, source_identity=False)
    assert trust(tags=False, identity=False).says(plain).granted is True


def test_who_is_not_let_in_at_all_is_asked_twice() -> None:
    target = trust(assume=False)
    assert target.says(READER).lacks == (Refused("assume_role", "not_trusted"),)
    assert len(target.asked) == 2


def test_a_trust_policy_that_wants_to_see_a_source_identity_is_not_taken_for_a_closed_one() -> None:
    def lets(plan: SessionPlan) -> Cause | None:
        if plan.source_identity is None:
            return "not_trusted"
        return "no_tag_session" if plan.tags else None

    assert Target(lets).says(READER).lacks == (Refused("tag_session", "no_tag_session"),)


def test_parts_that_are_granted_alone_and_not_together_are_said_so() -> None:
    target = Target(lambda plan: "packed_policy_too_large" if plan.tags and plan.source_identity else None)
    assert target.says(READER).lacks == (Refused("together", "packed_policy_too_large"),)


def test_managed_policies_are_a_part() -> None:
    with_policies = replace(READER, session_rules=SessionRules(policy_arns=(ARN,)))
    target = Target(lambda plan: "refused" if plan.policy_arns else None)
    assert target.says(with_policies).lacks == (Refused("policy_arns", "refused"),)


@pytest.mark.parametrize("cause", ["throttled", "unreachable", "own_credentials", "sts_error", "bad_answer"])
def test_where_sts_has_trouble_nothing_is_known_and_nothing_more_is_asked(cause: Cause) -> None:
    target = Target(lambda plan: cause)
    verdict = target.says(READER)
    assert (verdict.granted, verdict.unknown, verdict.lacks) == (None, cause, ())
    assert len(target.asked) == 1
    # And in the middle of it.
    later = Target(lambda plan: "no_tag_session" if plan.duration == 3600 else cause)
    assert later.says(READER).unknown == cause


def test_every_session_may_do_nothing_and_is_nobodys() -> None:
    tags = (("Team", parse_template("${claims.team}", variables_of_iam=False)),)
    full = replace(EXTERNAL, session_rules=SessionRules(tags=tags, policy_arns=(ARN,)))
    for target in (trust(), trust(assume=False), trust(tags=False, identity=False, seconds=900)):
        verdict = target.says(full)
        assert len(verdict.sts_request_ids) == len(target.asked) <= 6
        for plan in target.asked:
            assert plan.policy == DENY_ALL
            # No caller's session is called so: they begin with a kind of caller, and `=` or `-` (session_name.py).
            assert plan.session_name == "credvend-doctor-request"
            assert plan.source_identity in (None, plan.session_name)
    assert dict(whole(full, "request").tags)["Team"] == "credvend-doctor"


def test_the_policy_denies_everything() -> None:
    assert DENY_ALL == '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}'


LONG = role("long", max_duration=43_200)
SHORT = replace(READER, min_duration=60)


@given(tags=st.booleans(), identity=st.booleans(), long=st.booleans())
def test_of_a_token_whose_refusal_names_nothing_the_part_that_is_missing_is_found(
    tags: bool, identity: bool, long: bool
) -> None:
    def lets(plan: SessionPlan) -> Cause | None:
        if plan.duration > (43_200 if long else 3_600):
            return "max_session_duration"
        missing = (plan.tags and not tags) or (plan.source_identity is not None and not identity)
        return "not_trusted" if missing else None

    verdict = Target(lets).says(LONG)
    wanted = {
        Refused("tag_session", "no_tag_session"): not tags,
        Refused("set_source_identity", "no_set_source_identity"): not identity,
        Refused("duration", "max_session_duration"): not long,
    }
    assert set(verdict.lacks) == {part for part, is_missing in wanted.items() if is_missing}


@pytest.mark.parametrize("cause", ["no_provider", "keys_not_reached", "token_refused", "not_trusted"])
def test_a_role_that_takes_no_token_at_all_is_asked_twice(cause: Cause) -> None:
    target = Target(lambda _: cause)
    assert target.says(LONG).lacks == (Refused("assume_role", cause),)
    assert len(target.asked) == 2


@pytest.mark.parametrize("cause", ["not_signed", "out_of_time"])
def test_where_credvend_could_not_sign_nothing_is_known_of_the_role(cause: Cause) -> None:
    assert Target(lambda _: cause).says(LONG).unknown == cause


@pytest.mark.parametrize("tags", [True, False])
def test_leases_are_asked_for_where_the_role_has_them(tags: bool) -> None:
    def lets(plan: SessionPlan) -> Cause | None:
        if plan.is_lease:
            return "no_scoped_credentials"
        return "no_tag_session" if plan.tags and not tags else None

    target = Target(lets)
    verdict = target.says(SHORT)
    assert verdict.granted is False and Refused("lease", "no_scoped_credentials") in verdict.lacks
    (lease,) = (plan for plan in target.asked if plan.is_lease)
    assert lease.duration == 60 and lease.policy == DENY_ALL_BUT_LEASES
    assert Target(lambda plan: None).says(SHORT) == Verdict(SHORT, granted=True, sts_request_ids=("id-1", "id-2"))


def test_what_may_be_cut_short_may_do_nothing_else() -> None:
    assert DENY_ALL_BUT_LEASES == (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:GetScopedCredentials","Resource":"*"},'
        '{"Effect":"Deny","NotAction":"sts:GetScopedCredentials","Resource":"*"}]}'
    )
