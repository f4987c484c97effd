"""IAM's changes arrive late, if `STRICT_PROPAGATION_SECONDS` says so: until then, roles are as they were before.

"Changes that you make in IAM [...] take time to become visible from all possible endpoints":
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, cast

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id
from ministack.services import iam

from local.strict.records import Record, role_of

SECONDS: Final = float(os.environ.get("STRICT_PROPAGATION_SECONDS") or 0)
# In a role's record in ministack: what it was, from when on.
_VERSIONS: Final = "StrictVersions"
_gather: Callable[[str, str], list[object]] = iam_evaluator._gather_role_policies


@dataclass(frozen=True, slots=True)
class _Version:
    since: float
    policies: list[object]
    trust: object


def delay_policies() -> None:
    """Let a role's session do what the role's policies allowed before the delay."""
    if SECONDS:
        iam_evaluator._gather_role_policies = _policies_in_force


def note_changes() -> None:
    """To be called after each change of a role or policy of the account that the request is for."""
    if not SECONDS:
        return
    for name, role in iam._roles.items():
        now = _Version(time.monotonic(), _gather(name, get_account_id()), role["AssumeRolePolicyDocument"])
        versions = role.setdefault(_VERSIONS, [])
        if not versions or (versions[-1].policies, versions[-1].trust) != (now.policies, now.trust):
            versions.append(now)


def has_arrived(arn: str) -> bool:
    """Whether a role with this ARN is known everywhere; of others, that is taken for granted."""
    role = role_of(arn) if ":role/" in arn else None
    return role is None or not SECONDS or _in_force(role) is not None


def trust_in_force(role: Record | None, now: object) -> object | None:
    """The trust policy that counts, given the one that the role has now; None: the role is not known yet."""
    if not SECONDS or role is None:
        return now
    version = _in_force(role)
    return None if version is None else version.trust


def _policies_in_force(name: str, account: str) -> list[object]:
    version = _in_force(iam._roles.get_scoped(account, None, name) or {})
    return [] if version is None else version.policies


def _in_force(role: Record) -> _Version | None:
    arrived = [
        version
        for version in cast(list[_Version], role.get(_VERSIONS, []))
        if version.since + SECONDS <= time.monotonic()
    ]
    return arrived[-1] if arrived else None
