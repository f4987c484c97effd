"""What STS is asked about a role, to see what its owner lets credvend do. Nothing is ever done with what it answers.

A vend is asked for first, whole, as any caller's would be; and where that is refused, its parts one by one, for STS
names one thing that is missing, and there may be more. Of a token, it does not even name that one.
"""

import json
from dataclasses import replace
from typing import Final, Literal, NamedTuple

from chalicelib.aws.durations import MINIMUM_SECONDS
from chalicelib.aws.policy_document import VERSION
from chalicelib.aws.session_tags import OWN_KEYS
from chalicelib.roles.role import Role
from chalicelib.sessions.plan import SessionPlan, transitive_tags

# Whoever got hold of such a session all the same could do nothing: an explicit denial is above whatever allows.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
DENY_ALL: Final = json.dumps(
    {"Version": VERSION, "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}, separators=(",", ":")
)
# A session that is to be cut short may do that, and nothing else: nor may what is cut of it.
DENY_ALL_BUT_LEASES: Final = json.dumps(
    {
        "Version": VERSION,
        "Statement": [
            {"Effect": "Allow", "Action": "sts:GetScopedCredentials", "Resource": "*"},
            {"Effect": "Deny", "NotAction": "sts:GetScopedCredentials", "Resource": "*"},
        ],
    },
    separators=(",", ":"),
)
# No caller's session has such a name: theirs begin with a kind of caller (callers/session_name.py).
NAME: Final = "credvend-doctor"

# One of a second may have ended before its answer is read, which then looks wrong.
_LEASE_SECONDS: Final = 60

Part = Literal["tag_session", "set_source_identity", "duration", "policy_arns", "lease"]


class Question(NamedTuple):
    """A part of a vend, asked for alone."""

    part: Part
    plan: SessionPlan


def session_name(request_id: str) -> str:
    """Name, and source identity, of the sessions of an invocation: 64 characters of `[A-Za-z0-9_+=,.@-]` at most."""
    return f"{NAME}-{request_id}"[:64]


def whole(role: Role, request_id: str) -> SessionPlan:
    """All that a vend of the role may ask for: the longest session, with tags, source identity and managed policies."""
    tags = _tags(role, request_id)
    return bare(role, request_id)._replace(
        duration=role.max_duration,
        source_identity=session_name(request_id) if role.source_identity else None,
        tags=tags,
        transitive_tags=transitive_tags(role, {key for key, _ in tags}),
        policy_arns=role.session_rules.policy_arns,
    )


def bare(role: Role, request_id: str) -> SessionPlan:
    """As little as can be asked for."""
    return SessionPlan(
        role=role,
        session_name=session_name(request_id),
        duration=MINIMUM_SECONDS,
        source_identity=None,
        tags=(),
        policy=DENY_ALL,
    )


def without_external_id(role: Role, request_id: str) -> SessionPlan:
    """The same without the external id, which a role that demands one must refuse."""
    return bare(replace(role, external_id=None), request_id)


def lease(role: Role, request_id: str) -> Question | None:
    """A session of less than 15 minutes; None: the role has none."""
    if role.min_duration >= MINIMUM_SECONDS:
        return None
    seconds = max(role.min_duration, _LEASE_SECONDS)
    short = bare(role, request_id)._replace(duration=seconds, policy=DENY_ALL_BUT_LEASES)
    return Question("lease", short)


def parts(role: Role, request_id: str) -> list[Question]:
    """What a vend of the role asks for beside the bare session, each part alone."""
    everything, least = whole(role, request_id), bare(role, request_id)
    found: list[Question] = []
    if everything.tags:
        tagged = least._replace(tags=everything.tags, transitive_tags=everything.transitive_tags)
        found.append(Question("tag_session", tagged))
    if everything.source_identity is not None:
        found.append(Question("set_source_identity", least._replace(source_identity=everything.source_identity)))
    if everything.duration != least.duration:
        found.append(Question("duration", least._replace(duration=everything.duration)))
    if everything.policy_arns:
        found.append(Question("policy_arns", least._replace(policy_arns=everything.policy_arns)))
    if (short := lease(role, request_id)) is not None:
        found.append(short)
    return found


def _tags(role: Role, request_id: str) -> tuple[tuple[str, str], ...]:
    """The keys that each vend of the role sets. What a caller would fill in is made up."""
    if not role.tag_session:
        return ()
    own = zip(OWN_KEYS, (NAME, request_id, role.name), strict=True)
    return (*own, *((key, template.fill(lambda _: NAME)) for key, template in role.session_rules.tags))
