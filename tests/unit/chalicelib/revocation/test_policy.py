"""The policy denies what was revoked, nothing else unless it says so, and fits beside what is there."""

import json
from dataclasses import replace
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.revocation.policy import MAXIMUM_CHARACTERS, NoRoom, build_policy, is_denied, probe_id
from chalicelib.revocation.revocation import CHAINED_SECONDS, Revocation
from testing.iam_policy import Json
from tests.unit.chalicelib.revocation.revoked import HOUR, NOW, Session, request_id, revocation, session_of


def written(*revocations: Revocation, room: int = MAXIMUM_CHARACTERS, probed: bool = False) -> Json:
    document = build_policy(revocations, NOW, room, probed=probed).document
    assert document is not None
    return cast(Json, json.loads(document))


def test_a_revoked_session_is_denied_and_another_of_the_same_caller_is_not() -> None:
    policy = written(revocation(1))
    assert Session(request_id(1), "alice").is_denied(policy)
    assert not Session(request_id(2), "alice").is_denied(policy)


def test_a_caller_s_sessions_are_denied_and_neither_its_new_ones_nor_another_s() -> None:
    policy = written(revocation(1, "caller"))
    assert Session(caller="caller 1", issued=NOW - 1).is_denied(policy)
    assert not Session(caller="caller 1", issued=NOW).is_denied(policy)
    assert not Session(caller="caller 2", issued=NOW - 1).is_denied(policy)


def test_a_caller_without_tags_is_known_by_its_source_identity() -> None:
    policy = written(revocation(1, "caller", caller_tag=None))
    assert Session(source_identity="identity-1").is_denied(policy)
    assert not Session(source_identity="identity-2").is_denied(policy)


def test_a_role_s_old_sessions_are_denied_and_its_new_ones_are_not() -> None:
    policy = written(revocation(form="issued_before"))
    assert Session(issued=NOW - 1).is_denied(policy)
    assert not Session(issued=NOW).is_denied(policy)


def test_what_was_chained_from_a_revoked_session_until_it_was_denied_is_denied_too() -> None:
    policy = written(revocation(1, "caller", chained=True), revocation(2, chained=True))
    late = NOW + CHAINED_SECONDS - 1
    # From a session with tags, which are transitive; and from one with a source identity alone.
    assert Session(caller="caller 1", issued=late).is_denied(policy)
    assert Session(source_identity="identity-1", issued=late).is_denied(policy)
    assert not Session(source_identity="identity-1", issued=late + 1).is_denied(policy)
    assert Session(request_id(2), issued=NOW + HOUR).is_denied(policy)


def test_a_revocation_whose_sessions_have_ended_is_left_out() -> None:
    policy = build_policy([revocation(1, until=NOW), revocation(2, until=NOW + 1)], NOW, MAXIMUM_CHARACTERS)
    assert policy.document is not None and request_id(1) not in policy.document and request_id(2) in policy.document
    assert policy.covered == {revocation(2).id}


def test_where_nothing_is_revoked_there_is_to_be_no_policy() -> None:
    assert build_policy([revocation(1, until=NOW)], NOW, MAXIMUM_CHARACTERS, probed=True).document is None


@pytest.mark.no_cover
def test_about_258_sessions_have_room_and_the_oldest_of_more_are_widened() -> None:
    def several(count: int) -> list[Revocation]:
        return [revocation(number, requested=(NOW + number) * 1000) for number in range(count)]

    assert build_policy(several(258), NOW, MAXIMUM_CHARACTERS).widened == frozenset()
    policy = build_policy(several(300), NOW, MAXIMUM_CHARACTERS)
    assert policy.covered == {one.id for one in several(300)}
    oldest = {one.id for one in several(len(policy.widened))}
    assert policy.widened == oldest and 42 <= len(oldest) <= 45
    document = cast(Json, json.loads(policy.document or ""))
    assert all(session_of(one).is_denied(document) for one in several(300))
    # Others are hit only if they are older than what had no room.
    newest = several(len(oldest))[-1]
    assert Session("another", issued=NOW - 1).is_denied(document)
    assert not Session("another", issued=newest.issued_until).is_denied(document)


def several_of(caller: str, first: int, count: int) -> list[Revocation]:
    return [
        revocation(number, requested=(NOW + number) * 1000, caller_tag=caller) for number in range(first, first + count)
    ]


def test_a_full_policy_denies_the_caller_with_the_most_sessions_as_one_and_hits_nobody_else() -> None:
    most, some = several_of("greedy", 0, 200), several_of("modest", 200, 100)
    policy = build_policy([*most, *some], NOW, MAXIMUM_CHARACTERS)
    assert policy.widened == frozenset() and policy.folded == {one.id for one in most}
    document = cast(Json, json.loads(policy.document or ""))
    assert all(is_denied(document, one) and session_of(one).is_denied(document) for one in [*most, *some])
    assert Session("another", "greedy", issued=NOW).is_denied(document)  # its own, from before
    last = most[-1].issued_until
    assert not Session("another", "greedy", issued=last).is_denied(document)
    assert not Session("another", "modest", issued=NOW).is_denied(document)
    assert not Session("another", "nobody", issued=NOW - HOUR).is_denied(document)


def test_only_as_many_callers_are_folded_as_there_must_be_and_only_then_it_is_widened() -> None:
    callers = [one for number in range(20) for one in several_of(f"caller {number}", 20 * number, 20)]
    folded = build_policy(callers, NOW, MAXIMUM_CHARACTERS)
    assert folded.widened == frozenset() and 0 < len(folded.folded) < len(callers)
    single = [revocation(number, requested=(NOW + number) * 1000, caller_tag=f"c {number}") for number in range(300)]
    wide = build_policy(single, NOW, MAXIMUM_CHARACTERS)
    assert wide.folded == frozenset() and wide.widened
    both = build_policy([*single, *several_of("greedy", 300, 100)], NOW, MAXIMUM_CHARACTERS)
    assert both.folded == {one.id for one in several_of("greedy", 300, 100)} and len(both.widened) < 60
    assert not both.folded & both.widened


def test_a_session_that_was_chained_is_folded_with_the_time_that_it_had_to_go_on() -> None:
    chained = [revocation(number, chained=True, caller_tag="greedy") for number in range(300)]
    policy = written(*chained)
    assert Session("another", "greedy", issued=NOW + CHAINED_SECONDS - 1).is_denied(policy)


def test_a_session_that_was_revoked_while_sts_was_asked_for_it_is_denied_by_time_as_well() -> None:
    """STS gave it 28 s after it was asked for; then it lost its own place in the policy."""
    widened = written(*map(revocation, range(300)))
    assert all(Session(request_id(number), issued=NOW + 28).is_denied(widened) for number in range(300))
    by_role = written(revocation(1), revocation(form="issued_before", issued_before=NOW + 11))
    assert Session(request_id(1), issued=NOW + 28).is_denied(by_role)


def test_what_is_older_than_the_role_form_needs_no_room_and_is_not_widened() -> None:
    everybody = revocation(form="issued_before", issued_before=NOW + HOUR)
    policy = build_policy([everybody, *map(revocation, range(1000))], NOW, 200)
    assert policy.widened == frozenset() and len(policy.covered) == 1001


def test_no_room_at_all_says_what_is_needed() -> None:
    with pytest.raises(NoRoom) as raised:
        build_policy([revocation(1)], NOW, 100)
    assert 100 < raised.value.needed < 200


def test_a_probe_s_id_changes_with_what_the_policy_says_and_is_denied_by_it() -> None:
    one, both = written(revocation(1), probed=True), written(revocation(1), revocation(2), probed=True)
    assert probe_id(one) != probe_id(both)
    assert Session(probe_id(one), issued=NOW + HOUR).is_denied(one)
    assert not Session(probe_id(one), issued=NOW + HOUR).is_denied(both)
    assert probe_id(written(revocation(1))) is None


def test_the_same_revocations_make_the_same_policy_in_any_order() -> None:
    some = [revocation(2), revocation(1, "caller"), revocation(1), revocation(form="issued_before")]
    assert written(*some, probed=True) == written(*reversed(some), probed=True)


moments = st.integers(NOW - 2 * HOUR, NOW)
chained = st.booleans()
maybe = st.sampled_from([None, "named"])
sessions = st.builds(
    lambda number, moment, on, tag: revocation(number, requested=moment * 1000, chained=on, caller_tag=tag),
    st.integers(0, 400),
    moments,
    chained,
    st.sampled_from([None, "caller 1", "caller 99"]),
)
callers = st.builds(
    lambda number, moment, on, tag, identity: revocation(
        number,
        "caller",
        requested=moment * 1000,
        issued_before=moment,
        chained=on,
        caller_tag=f"caller {number}" if tag or identity is None else None,
        source_identity=f"identity-{number}" if identity else None,
    ),
    st.integers(0, 30),
    moments,
    chained,
    maybe,
    maybe,
)
everybody = st.builds(
    lambda moment, on: revocation(form="issued_before", issued_before=moment, chained=on), moments, chained
)
mixed = st.lists(st.one_of(sessions, sessions, callers, everybody), max_size=60, unique_by=lambda one: one.id)
many = st.integers(200, 600).map(lambda count: [revocation(n, requested=(NOW - n) * 1000) for n in range(count)])


@settings(deadline=None, max_examples=100)
@given(st.one_of(mixed, many), st.integers(400, MAXIMUM_CHARACTERS), st.booleans(), st.lists(moments, max_size=5))
def test_any_policy_fits_and_denies_what_was_asked_for_and_no_more(
    revocations: list[Revocation], room: int, probed: bool, others: list[int]
) -> None:
    policy = build_policy(revocations, NOW, room, probed=probed)
    assert policy.covered == {one.id for one in revocations}
    if policy.document is None:
        assert revocations == []
        return
    assert len(policy.document) <= room
    document = cast(Json, json.loads(policy.document))
    assert all(is_denied(document, one) for one in revocations)
    assert all(session_of(one).is_denied(document) for one in revocations[::7])
    cut = max((one.issued_until for one in revocations if one.form == "issued_before"), default=0)
    widened = [one.issued_until for one in revocations if one.id in policy.widened]
    for issued in others:
        assert Session("another", "another", "another", issued).is_denied(document) == (issued < max([cut, *widened]))
    if not policy.widened:
        for one in revocations:
            if one.form == "caller" and one.issued_until > cut:
                latest = max(
                    each.issued_until
                    for each in revocations
                    if each.id.removesuffix("#chained") == one.id.removesuffix("#chained")
                    or (each.id in policy.folded and each.caller_tag == one.caller_tag)
                )
                assert not session_of(one, issued=max(cut, latest)).is_denied(document)


@given(sessions, callers, everybody)
def test_what_a_policy_does_not_deny_is_not_taken_for_denied(
    session: Revocation, caller: Revocation, role: Revocation
) -> None:
    nobodys = replace(session, caller_tag=None)
    for one, other in ((session, caller), (caller, nobodys), (session, role), (caller, role)):
        assert not is_denied(written(one), other)
    # A session is denied with its caller's, if these are denied for as long.
    with_caller = written(caller)
    assert not is_denied(with_caller, session) or session_of(session, session.issued_until - 1).is_denied(with_caller)
    later = revocation(form="issued_before", issued_before=role.issued_until + 1, chained=False)
    assert not is_denied(written(role), later)
