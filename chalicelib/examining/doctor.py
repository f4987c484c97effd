"""The function that operators ask what the catalog's roles let credvend do. It has the role of the one that vends.

Who may ask, IAM says (`lambda:InvokeFunction`); API Gateway may not. Nothing that was vended leaves it: a session is
given up where STS answers, and what is answered and recorded are names, causes and ids. docs/decisions/0076 tells why.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Literal, Protocol, cast

from chalicelib.examining.questions import session_name
from chalicelib.examining.verdict import Ask, Verdict, examine
from chalicelib.roles.catalog import Catalog
from chalicelib.roles.role import Role

ExaminationEvent = Literal["examination.requested", "role.examined"]

# Of one answer, which Lambda bounds at 6 MB: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
LISTED_AT_ONCE: Final = 5_000
EXAMINED_AT_ONCE: Final = 50
# STS takes 600 calls a second of an account and region, of vends as well. One takes some 50 ms.
ASKED_AT_ONCE: Final = 8
# Whoever has less time left does not begin with another role: eight calls that are answered slowly, or one that is not.
_ENOUGH_MILLISECONDS: Final = 30_000


class Records(Protocol):
    """The audit log."""

    def write(self, event: ExaminationEvent, fields: dict[str, object]) -> None:
        """Write one event.

        Raises:
            AuditFailed: it could not be written.
        """


class Context(Protocol):
    """What Lambda tells of an invocation: https://docs.aws.amazon.com/lambda/latest/dg/python-context.html"""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int: ...


class Doctor:
    """Answers `{"List": FIRST}` and `{"Examine": [NAME, ...]}`, and nothing else. Kept between invocations."""

    def __init__(self, catalog: Catalog, configuration: str, ask: Ask, records: Records) -> None:
        """Nothing is asked yet.

        Args:
            configuration: its digest.
            ask: of several threads at once.
        """
        self._catalog, self._configuration, self._ask, self._records = catalog, configuration, ask, records

    def handle(self, event: object, context: Context) -> dict[str, object]:
        """Answer an operator.

        Raises:
            AuditFailed: a record could not be written.
        """
        match event:
            # bool is an int, and no place in a list.
            case {"List": int(first), **more} if not more and not isinstance(first, bool) and first >= 0:
                return self._list(first)
            case {"Examine": list(names), **more} if not more and _are_names(names):
                return self._examine(cast(list[str], names), context)
        return {"Error": f'Ask {{"List": 0}}, or {{"Examine": [NAME, ...]}} with at most {EXAMINED_AT_ONCE} names.'}

    def _list(self, first: int) -> dict[str, object]:
        roles = self._catalog.roles
        shown = roles[first : first + LISTED_AT_ONCE]
        after = first + len(shown)
        return self._answer([_named(role) for role in shown]) | {"Next": after if after < len(roles) else None}

    def _examine(self, names: Sequence[str], context: Context) -> dict[str, object]:
        found = {name: self._catalog.find_role(name) for name in dict.fromkeys(names)}
        roles = [role for name, role in found.items() if role is not None and role.name == name]
        known = {"request_id": context.aws_request_id, "configuration": self._configuration}
        self._records.write(
            "examination.requested",
            known
            | {
                "roles": [role.name for role in roles],
                "count": len(roles),
                "session_name": session_name(context.aws_request_id),
            },
        )

        def ask_about(role: Role) -> Verdict:
            if context.get_remaining_time_in_millis() < _ENOUGH_MILLISECONDS:
                return Verdict(role, None, unknown="out_of_time")
            return examine(role, context.aws_request_id, self._ask)

        answers: list[dict[str, object]] = []
        with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
            for verdict in pool.map(ask_about, roles):
                self._records.write("role.examined", known | _recorded(verdict))
                answers.append(_told(verdict))
        return self._answer(answers)

    def _answer(self, roles: list[dict[str, object]]) -> dict[str, object]:
        return {"Configuration": self._configuration, "Roles": roles}


def _are_names(names: Sequence[object]) -> bool:
    return len(names) <= EXAMINED_AT_ONCE and all(isinstance(name, str) for name in names)


def _named(role: Role) -> dict[str, object]:
    return {"Role": role.name, "Arn": role.arn}


def _told(verdict: Verdict) -> dict[str, object]:
    """A verdict as it is answered: nothing of a session is in it."""
    return _named(verdict.role) | {
        # No secret: https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
        "ExternalId": verdict.role.external_id,
        "MaxDuration": verdict.role.max_duration,
        "MinDuration": verdict.role.min_duration,
        "ByWebIdentity": verdict.role.by_web_identity,
        "Granted": verdict.granted,
        "Lacks": [{"What": one.lack, "Cause": one.cause} for one in verdict.lacks],
        "Unknown": verdict.unknown,
        "DemandsExternalId": verdict.demands_external_id,
    }


def _recorded(verdict: Verdict) -> dict[str, object]:
    return {
        "role": verdict.role.name,
        "role_arn": verdict.role.arn,
        "granted": verdict.granted,
        "lacks": {one.lack: one.cause for one in verdict.lacks} or None,
        "cause": verdict.unknown,
        "demands_external_id": verdict.demands_external_id,
        "sts_request_ids": list(verdict.sts_request_ids),
    }
