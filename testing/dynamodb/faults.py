"""What goes wrong with the next requests, as a test has it in its script."""

import threading
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Final

import botocore.session
from botocore.model import ServiceModel

from testing.dynamodb.transactions import REASONS

# Of all operations: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/CommonErrors.html
_COMMON: Final = (
    "AccessDeniedException",
    "ExpiredTokenException",
    "InternalServerError",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "ThrottlingException",
    "UnrecognizedClientException",
    "ValidationException",
)


@dataclass(frozen=True)
class Refuse:
    """An error of AWS, and nothing is done."""

    code: str
    message: str = "as the test has it in its script"


@dataclass(frozen=True)
class Cancel:
    """TransactionCanceledException, and nothing is done.

    Attributes:
        reasons: the codes for the actions, in order; `None` for those that have none, and for all behind the last.
    """

    reasons: tuple[str, ...]


@dataclass(frozen=True)
class LoseRequest:
    """The caller waits in vain, and nothing is done."""


@dataclass(frozen=True)
class LoseAnswer:
    """What is asked for is done, but the caller waits in vain."""


@dataclass(frozen=True)
class Before:
    """Something happens before the request takes effect, such as another request."""

    call: Callable[[], object]


@dataclass(frozen=True)
class After:
    """Something happens when the request has taken effect, before its answer."""

    call: Callable[[], object]


@dataclass(frozen=True)
class Unprocessed:
    """Of a batch, as many are left over, the last ones."""

    count: int


Fault = Refuse | Cancel | LoseRequest | LoseAnswer | Before | After | Unprocessed
Scripted = Fault | str | Exception | None
"""A fault; a code of AWS; an exception, instead of an answer; None: all as usual."""


def cancel(*reasons: str) -> Cancel:
    """A transaction is cancelled: `cancel("None", "TransactionConflict")`, as to its second action."""
    unknown = {*reasons} - {*REASONS}
    if unknown or {*reasons} <= {"None"}:
        raise ValueError(f"A transaction is cancelled for one of {', '.join(REASONS)}; not for {reasons}")
    return Cancel(reasons)


@dataclass
class Faults:
    """The script: for each operation, what its next requests meet with.

    Attributes:
        of_any: what the next requests meet with whatever they ask for, before all others.
    """

    of_any: list[Scripted] = field(default_factory=list)
    _next: dict[str, deque[Fault | Exception | None]] = field(default_factory=lambda: defaultdict(deque))
    _always: dict[str, Fault | Exception] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self, operation: str, *faults: Scripted) -> None:
        """The next requests of an operation meet with these, one after the other, behind those already in the script.

        Raises:
            ValueError: there is no such operation, or it has no error of such a code.
        """
        checked = [_checked(operation, fault) for fault in faults]
        with self._lock:
            self._next[operation] += checked

    def always(self, operation: str, fault: Scripted) -> None:
        """Each request of an operation meets with this, until it is None, or `clear` is called.

        Raises:
            ValueError: there is no such operation, or it has no error of such a code.
        """
        checked = _checked(operation, fault)
        with self._lock:
            if checked is None:
                self._always.pop(operation, None)
            else:
                self._always[operation] = checked

    def clear(self) -> None:
        """From now on, nothing goes wrong."""
        with self._lock:
            self.of_any.clear()
            self._next.clear()
            self._always.clear()

    @property
    def left(self) -> dict[str, int]:
        """How many of `next` no request has met with yet, by operation."""
        with self._lock:
            return {operation: len(faults) for operation, faults in self._next.items() if faults}

    def take(self, operation: str) -> Fault | Exception | None:
        """What a request meets with."""
        with self._lock:
            if self.of_any:
                return _checked(operation, self.of_any.pop(0))
            waiting = self._next[operation]
            return waiting.popleft() if waiting else self._always.get(operation)


@cache
def _model() -> ServiceModel:
    return botocore.session.get_session().get_service_model("dynamodb")


def _checked(operation: str, fault: Scripted) -> Fault | Exception | None:
    if operation not in _model().operation_names:
        raise ValueError(f"DynamoDB has no operation {operation}")
    checked = Refuse(fault) if isinstance(fault, str) else fault
    if isinstance(checked, Refuse):
        codes = {*_COMMON, *(shape.name for shape in _model().operation_model(operation).error_shapes)}
        if checked.code not in codes:
            raise ValueError(f"{operation} has no error {checked.code}; there are {', '.join(sorted(codes))}")
    if isinstance(checked, Cancel) and operation != "TransactWriteItems":
        raise ValueError(f"{operation} is no transaction")
    if isinstance(checked, Unprocessed) and not operation.startswith("Batch"):
        raise ValueError(f"{operation} is no batch")
    return checked
