"""What does a policy look at that a description leaves open? Then the outcome is right by chance."""

from collections.abc import Collection
from typing import Final, NamedTuple

from chalicelib.callers.iam_principal import IamCaller
from chalicelib.callers.service_token import ServiceToken
from ops.deciding.deciding import Outcome
from ops.deciding.described import CallerEntry
from ops.deciding.written_policies import PolicyBook, looked_at

# What policies look at, and the field of a description that says it.
_SAID_BY: Final = {
    "context.time": "time",
    "context.local": "time",
    "context.source_ip": "address",
    "principal.principal_id": "principal_id",
    "principal.owner": "owner",
}


class Assumed(NamedTuple):
    """Something that nobody has said, and on which the outcome may depend.

    Attributes:
        policy: the `@id` of one that looks at it.
        path: as policies call it: `context.source_ip`.
        field: of a description, that would say it.
    """

    policy: str
    path: str
    field: str


def assumed(book: PolicyBook, outcome: Outcome, caller: CallerEntry, unsaid: Collection[str]) -> Assumed | None:
    """The first thing that is assumed, and that a policy looks at whose scope fits; None: there is none.

    Args:
        caller: as it is described.
        unsaid: of `time` and `address`, those that are not said.
    """
    asking, decided = outcome.asking, outcome.decided
    if asking is None or decided is None or decided.role is None:
        return None
    fields = set(unsaid)
    if isinstance(asking.caller, IamCaller) and caller.principal_id is None:
        fields.add("principal_id")
    if isinstance(asking.caller, ServiceToken) and caller.owner is None:
        fields.add("owner")
    if not fields:
        return None
    for policy in book.fitting(asking.caller, decided.role):
        looked = looked_at(policy)
        for path, field in _SAID_BY.items():
            whole = path.startswith("context.") and "context" in looked
            if field in fields and (path in looked or whole):
                return Assumed(policy.name, path, field)
    return None
