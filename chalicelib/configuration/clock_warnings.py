"""Which policies look at UTC, although the catalog names a time zone?"""

from collections.abc import Iterator
from typing import Final

from chalicelib.configuration.policy_parts import comparisons_in
from chalicelib.decisions.indexed_policy import PolicyJson
from chalicelib.text.local_time import TimeZone

# https://data.iana.org/time-zones/tzdb/etcetera, and its links
_UTC: Final = frozenset({"UTC", "Etc/UTC", "UCT", "Etc/UCT", "Zulu", "Etc/Zulu", "Universal", "Etc/Universal"})
_TIME: object = {".": {"left": {"Var": "context"}, "attr": "time"}}


def clock_warnings(policy: PolicyJson, time_zone: TimeZone | None) -> Iterator[str]:
    """A line for a policy that asks for a time of day or a date in UTC.

    Args:
        time_zone: that of the catalog; None: it names none, so that local time is UTC.
    """
    if time_zone is None or time_zone.name in _UTC:
        return
    for part in comparisons_in(policy["conditions"]):
        for method, local in (("toTime", "context.local.time"), ("toDate", "context.local.date")):
            if part == {method: [_TIME]}:
                yield f"`context.time.{method}()` is in UTC; in {time_zone.name}, it is {local}"
