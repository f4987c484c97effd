"""What was asked for is carried out by the revoker's function, which notes how far it is: that is watched here."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from chalicelib.revocation.revocation import Revocation
from ops.ledger.revocations import Progress, Revocations, progress
from ops.revoking.asking import Key
from ops.terminal.say import escaped

# Written within seconds as a rule; what is tried again may take longer.
PATIENCE_SECONDS: Final = 120
_PAUSE_SECONDS: Final = 0.5
# One that failed may be tried again by itself, as where IAM asks to slow down.
_FAILED_SECONDS: Final = 20


@dataclass(frozen=True, slots=True)
class Watching:
    """Looks until all is done, or patience is over.

    Attributes:
        proved: whether a role's revocations are seen in force, by its ARN.
        say: told of each step.
        clock: seconds, of a clock that only goes on.
    """

    revocations: Revocations
    proved: Callable[[str], bool]
    say: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    wait: Callable[[float], None] = time.sleep

    def watch(self, keys: Sequence[Key], patience: float = PATIENCE_SECONDS) -> dict[Key, Revocation]:
        """How far each is in the end. One that is not there any more is left out.

        Raises:
            OperationFailed: the table cannot be read.
        """
        begun = self.clock()
        told: dict[Key, Progress] = {}
        while True:
            found = self._read(keys)
            over = self.clock() - begun
            self._tell(told, found, over)
            if all(self._is_done(one, over) for one in found.values()) or over >= patience:
                return found
            self.wait(_PAUSE_SECONDS)

    def _read(self, keys: Sequence[Key]) -> dict[Key, Revocation]:
        of_roles = self.revocations.of_roles(key.role_arn for key in keys)
        by_key = {Key(arn, one.id): one for arn, found in of_roles.items() for one in found}
        return {key: by_key[key] for key in keys if key in by_key}

    def _is_done(self, one: Revocation, over: float) -> bool:
        match progress(one):
            case "in force":
                return True
            case "written":
                return one.chained or not self.proved(one.role_arn)
            case "failed":
                return over >= _FAILED_SECONDS
            case "requested":
                return False

    def _tell(self, told: dict[Key, Progress], found: Mapping[Key, Revocation], over: float) -> None:
        for line in _lines(told, found):
            self.say(f"{over:5.1f} s  {escaped(line)}")
        told.update({key: progress(one) for key, one in found.items()})


def _lines(told: Mapping[Key, Progress], found: Mapping[Key, Revocation]) -> Iterator[str]:
    """What is new, role by role."""
    news: dict[tuple[str, Progress], list[Revocation]] = {}
    for key, one in found.items():
        if told.get(key) != progress(one):
            news.setdefault((one.role_arn, progress(one)), []).append(one)
    for (role_arn, step), ones in news.items():
        count = f" ({len(ones)} sessions or callers)" if len(ones) > 1 else ""
        wide = "; no room for each by itself: all sessions that were issued before are denied"
        narrow = "; no room for each by itself: all sessions of their callers that were issued before are denied"
        room = wide if any(one.widened for one in ones) else narrow if any(one.folded for one in ones) else ""
        yield f"{step:9} {role_arn}{count}{room}"
        for problem in sorted({one.problem for one in ones if one.problem is not None}):
            yield f"          {problem}"
