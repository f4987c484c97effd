"""Which time zone is meant? Found by its IANA name in the package `tzdata`, whatever the machine has.

Lambda's runtimes are made from the minimal image of Amazon Linux 2023, which came without a time zone database:
https://github.com/aws/aws-lambda-dotnet/issues/1620. So the rules of the zone are taken along with the configuration,
and the same configuration means the same everywhere.
"""

import re
from difflib import get_close_matches
from pathlib import Path

import tzdata  # type: ignore[import-untyped]

from chalicelib.text.local_time import TimeZone

_DATABASE = Path(tzdata.__file__).parent


def find_time_zone(name: str) -> TimeZone:
    """The time zone of a name.

    Raises:
        ValueError: there is none. The message completes a sentence that begins with the key.
    """
    known = (_DATABASE / "zones").read_text(encoding="ascii").split()
    if name not in known:
        raise ValueError(f"must be the IANA name of a time zone{_hint(name, known) or ', such as Europe/Berlin'}")
    return TimeZone(name, (_DATABASE / "zoneinfo" / name).read_bytes())


def _hint(name: str, known: list[str]) -> str:
    """What may have been meant: the same but for the case, a city without its continent, or something close."""
    wanted = re.sub(r"\s+", "_", name.strip()).lower()
    same = [zone for zone in known if wanted in (zone.lower(), zone.lower().rpartition("/")[2])]
    alike = get_close_matches(wanted, map(str.lower, known), 1, 0.8) if not same else []
    close = same or [zone for zone in known if zone.lower() in alike]
    return f": did you mean {close[0]}?" if close else ""
