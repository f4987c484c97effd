"""What linters find, and what of it is to be said."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

# As a place in an exception: all places.
EVERYWHERE: Final = "*"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a linter does not like.

    Attributes:
        rule: what the linter calls it.
        subject: a resource of the template, or a policy's name.
    """

    rule: str
    subject: str
    message: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.message[:300]} ({self.rule})"


def judge(findings: list[Finding], exceptions: Mapping[tuple[str, str], str]) -> list[str]:
    """What is to be said: findings that are no exceptions, and exceptions of which there are none any more."""
    found = {(finding.rule, finding.subject) for finding in findings} | {(f.rule, EVERYWHERE) for f in findings}
    unexplained = [
        str(finding)
        for finding in findings
        if (finding.rule, finding.subject) not in exceptions and (finding.rule, EVERYWHERE) not in exceptions
    ]
    idle = [
        f"{rule} is not found in {place} any more: take the exception out." for rule, place in exceptions.keys() - found
    ]
    return sorted(unexplained) + sorted(idle)
