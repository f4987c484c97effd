"""Session durations: the bounds that STS sets."""

from typing import Final

from chalicelib.text.durations import seconds_of

# A session of fewer seconds than `MINIMUM_SECONDS` is a lease, which GetScopedCredentials makes of one:
# https://docs.aws.amazon.com/STS/latest/APIReference/API_GetScopedCredentials.html (DurationSeconds)
SHORTEST_SECONDS: Final = 1
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html (DurationSeconds)
MINIMUM_SECONDS: Final = 900
# The service itself runs as a role, and AWS limits what AssumeRole gives a role's session to one hour:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html (role chaining). Longer ones are made with a token.
CHAINED_SECONDS: Final = 3600
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html (DurationSeconds)
MAXIMUM_SECONDS: Final = 43_200
# The same words wherever a duration is wrong.
TOO_SHORT: Final = f"must be at least {SHORTEST_SECONDS} second"
TOO_LONG: Final = f"must be at most {MAXIMUM_SECONDS} seconds (12h), the maximum of STS"


def parse_duration(value: int | str) -> int:
    """Seconds meant by a number of seconds, or a text such as `"60s"`, `"15m"` or `"1h"`: text/durations.py.

    Raises:
        ValueError: the text is no duration, or the duration is outside 1 s to 12 h.
    """
    if isinstance(value, str):
        value = seconds_of(value)
    if value < SHORTEST_SECONDS:
        raise ValueError(TOO_SHORT)
    if value > MAXIMUM_SECONDS:
        raise ValueError(TOO_LONG)
    return value
