"""Session durations: how they are written, and the bounds that STS sets."""

import re
from typing import Final

# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html (DurationSeconds)
MINIMUM_SECONDS: Final = 900
# The service itself runs as a role, and AWS limits sessions of a chained role to one hour:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html (role chaining)
MAXIMUM_SECONDS: Final = 3600
# The same words wherever a duration is wrong.
TOO_SHORT: Final = f"must be at least {MINIMUM_SECONDS} seconds (15m), the minimum of STS"
TOO_LONG: Final = (
    f"must be at most {MAXIMUM_SECONDS} seconds (1h): the service itself runs as a role, "
    "and AWS limits a session made from another role's session to one hour (role chaining)"
)
MALFORMED: Final = 'must be seconds, or a number with a unit such as "15m" or "1h"'

_WRITTEN = re.compile(r"([0-9]{1,6})(s|m|h)?", re.ASCII)
_UNIT_SECONDS: Final = {None: 1, "s": 1, "m": 60, "h": 3600}


def parse_duration(value: int | str) -> int:
    """Seconds meant by `900`, `"900"`, `"900s"`, `"15m"` or `"1h"`.

    Raises:
        ValueError: the text is none of these, or the duration is outside 900 s to 1 h.
    """
    if isinstance(value, str):
        match = _WRITTEN.fullmatch(value)
        if match is None:
            raise ValueError(MALFORMED)
        value = int(match[1]) * _UNIT_SECONDS[match[2]]
    if value < MINIMUM_SECONDS:
        raise ValueError(TOO_SHORT)
    if value > MAXIMUM_SECONDS:
        raise ValueError(TOO_LONG)
    return value
