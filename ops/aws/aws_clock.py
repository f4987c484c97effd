"""What time it is at AWS, whose clock credvend goes by: this computer's may be another."""

from collections.abc import Callable, Mapping
from typing import Final

from ops.aws.dynamodb import time_of

# AWS tells whole seconds, and an answer is on its way for a while.
_SAME_TIME_SECONDS: Final = 10


class AwsClock:
    """This computer's clock, put right by what AWS's answers say."""

    def __init__(self, clock: Callable[[], float], warn: Callable[[str], None]) -> None:
        """Nothing was heard yet.

        Args:
            clock: this computer's, in seconds since 1970, UTC.
            warn: told once that it is wrong.
        """
        self._clock = clock
        self._warn = warn
        self._behind = 0.0
        self._told: float | None = None

    def last_told(self) -> int:
        """What AWS told last, in whole seconds since 1970, UTC: for what must not be behind AWS by a second."""
        return self.now() if self._told is None else int(self._told)

    def now(self) -> int:
        """Whole seconds since 1970, UTC."""
        return int(self._clock() + self._behind)

    def hear(self, answer: Mapping[str, object]) -> None:
        """Go by what an answer says, where that differs."""
        told = time_of(answer)
        self._told = told if told is not None else self._told
        behind = 0.0 if told is None else told - self._clock()
        if abs(behind) < _SAME_TIME_SECONDS:
            return
        if self._behind == 0.0:
            which = "behind" if behind > 0 else "ahead of"
            self._warn(f"This computer's clock is {abs(behind):.0f} s {which} AWS's, which is gone by. Set it right.")
        self._behind = behind
