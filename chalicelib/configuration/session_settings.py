"""What sessions.yaml means, and how that is compiled."""

from collections.abc import Mapping
from typing import Final, NamedTuple, cast

from chalicelib.quotas.quota import Quota

KEEP_SECONDS: Final = 90 * 86_400


class SessionSettings(NamedTuple):
    """How account is kept of sessions.

    Attributes:
        ledger: whether it is at all; without, there are no quotas, blocks, lists and revocations.
        keep_seconds: how long an entry stays after its session has ended.
        share_seconds: for how long identical requests of one caller share one session; 0: they do not.
        operator_role: in each other account, path and name of the role through which revocations are written there;
            None: none are.
    """

    ledger: bool = True
    keep_seconds: int = KEEP_SECONDS
    share_seconds: int = 0
    operator_role: str | None = None
    quotas: tuple[Quota, ...] = ()


def compiled_settings(settings: SessionSettings) -> dict[str, object]:
    """The settings as JSON."""
    return settings._asdict() | {"quotas": [quota._asdict() for quota in settings.quotas]}


def settings_of(compiled: Mapping[str, object]) -> SessionSettings:
    """The settings that `compiled_settings` has made JSON of."""
    quotas = cast(list[dict[str, str]], compiled["quotas"])
    rest = cast(dict[str, int], {key: value for key, value in compiled.items() if key != "quotas"})
    return SessionSettings(**rest, quotas=tuple(Quota(**quota) for quota in quotas))  # type: ignore[arg-type]
