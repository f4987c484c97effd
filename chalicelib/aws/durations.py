"""Session durations: the bounds that STS sets."""

from typing import Final

from chalicelib.text.durations import seconds_of

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


def parse_duration(value: int | str) -> int:
    """Seconds meant by a number of seconds, or a text such as `"900s"`, `"15m"` or `"1h"`: text/durations.py.

    Raises:
        ValueError: the text is no duration, or the duration is outside 900 s to 1 h.
    """
    if isinstance(value, str):
        value = seconds_of(value)
    if value < MINIMUM_SECONDS:
        raise ValueError(TOO_SHORT)
    if value > MAXIMUM_SECONDS:
        raise ValueError(TOO_LONG)
    return value
