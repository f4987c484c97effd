"""Asks the function that has credvend's role (chalicelib/examining/doctor.py) which roles there are, and about each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, cast

from ops.aws.reader import Aws, NotTold
from ops.documents.json_object import Json

# One invocation: a few seconds, after which progress can be told.
_AT_ONCE: Final = 25
# What was not asked for want of time is asked again in another invocation.
_ROUNDS: Final = 3


@dataclass(frozen=True, slots=True)
class Deployed:
    """What is deployed, as the function itself says.

    Attributes:
        configuration: its digest.
        roles: ARNs by names, in the order of the catalog.
    """

    configuration: str
    roles: dict[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What STS says of a role, asked as credvend.

    Attributes:
        granted: a vend would get all that it asks for; None: not known.
        lacks: what it would not get, each with STS's cause.
        unknown: why it is not known.
        demands_external_id: it keeps out who does not bring the catalog's; None: there is none, or it is not known.
        by_web_identity: it was asked with a token of credvend's.
    """

    name: str
    arn: str
    external_id: str | None
    max_duration: int
    granted: bool | None
    lacks: dict[str, str]
    unknown: str | None
    demands_external_id: bool | None
    by_web_identity: bool = False

    @property
    def account(self) -> str:
        return self.arn.split(":")[4]


def deployed_roles(aws: Aws, function: str) -> Deployed:
    """Which roles the deployed function knows.

    Raises:
        NotTold, OperationFailed: it does not say.
    """
    roles: dict[str, str] = {}
    first: object = 0
    while True:
        told = _asked(aws, function, {"List": first})
        roles |= {str(one["Role"]): str(one["Arn"]) for one in cast(list[Json], told["Roles"])}
        first = told.get("Next")
        if not isinstance(first, int):
            return Deployed(str(told["Configuration"]), roles)


def ask_about(aws: Aws, function: str, names: Sequence[str], progress: Callable[[int], None]) -> list[Answer]:
    """What STS says of roles.

    Args:
        progress: told how many have been asked about.

    Raises:
        NotTold, OperationFailed: the function does not say.
    """
    answers: dict[str, Answer] = {}
    for _ in range(_ROUNDS):
        left = [name for name in names if name not in answers or answers[name].unknown == "out_of_time"]
        for start in range(0, len(left), _AT_ONCE):
            told = _asked(aws, function, {"Examine": left[start : start + _AT_ONCE]})
            found = [_answer(one) for one in cast(list[Json], told["Roles"])]
            answers |= {one.name: one for one in found}
            progress(len(answers))
    return list(answers.values())


def _asked(aws: Aws, function: str, event: Json) -> Json:
    told = aws.invoke(function, event)
    if "Roles" not in told:
        raise NotTold(f"function {function} answers: {str(told.get('Error', 'nothing'))[:200]}", "failed")
    return told


def _answer(told: Json) -> Answer:
    external_id, unknown = told["ExternalId"], told["Unknown"]
    return Answer(
        name=str(told["Role"]),
        arn=str(told["Arn"]),
        external_id=None if external_id is None else str(external_id),
        max_duration=cast(int, told["MaxDuration"]),
        granted=cast(bool | None, told["Granted"]),
        lacks={str(one["What"]): str(one["Cause"]) for one in cast(list[Json], told["Lacks"])},
        unknown=None if unknown is None else str(unknown),
        demands_external_id=cast(bool | None, told["DemandsExternalId"]),
        by_web_identity=told.get("ByWebIdentity") is True,
    )
