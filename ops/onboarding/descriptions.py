"""What stands in the description of an IAM role."""

import re
from typing import Final

# https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html (Description): shorter than the 1,000
# characters that it takes, as roles.yaml has 256 at most.
_TAKEN: Final = re.compile(r"[\t\n\r\x20-\x7e\xa1-\xff]*")
# What text processors put in, for what can be typed.
_PLAIN: Final = {0x2013: "-", 0x2014: "-", 0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"', 0x2026: "...", 0xA0: " "}


def description_for_iam(text: str) -> str | None:
    """A description of the catalog as IAM takes it, or None: it is in letters that IAM does not take."""
    plain = text.translate(_PLAIN)
    return plain if _TAKEN.fullmatch(plain) else None
