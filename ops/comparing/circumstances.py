"""What of a request is out of the ordinary, and who asks, in words."""

import json
from datetime import datetime

from chalicelib.callers.caller import Caller
from chalicelib.callers.oidc_subject import OidcSubject
from chalicelib.callers.service_token import ServiceToken
from ops.comparing.building import OWNER, REASON
from ops.deciding.deciding import Asking
from ops.deciding.described import ADDRESS


def in_words(asking: Asking, now: datetime) -> str:
    """The circumstances, but for those that are ordinary.

    Args:
        now: when it is asked, where that is not said.
    """
    request = asking.request
    words = [
        *([] if request.duration is None else [f"for {request.duration} s"]),
        *([] if request.reason == REASON else ["without a reason"] if request.reason is None else []),
        *([] if request.reason in (None, REASON) else [f"reason {json.dumps(request.reason, ensure_ascii=False)}"]),
        *(f"tag {key}={value}" for key, value in sorted(request.tags.items())),
        *(f"param {name}={value}" for name, value in sorted(request.params.items())),
        *([] if request.policy is None else ["with a policy of its own"]),
        *([] if asking.format == "json" else [f"format {asking.format}"]),
        *([] if asking.address == ADDRESS else [f"from {asking.address}"]),
        *([] if asking.time == now else [f"at {asking.time.isoformat(timespec='seconds')}"]),
    ]
    return ", ".join(words)


def caller_in_words(caller: Caller) -> str:
    """What a caller is called, with what else policies may know of it."""
    match caller:
        case OidcSubject():
            groups = [f"group {group}" for group in caller.groups]
            more = [*groups, *(f"{name}={_claim(value)}" for name, value in sorted(caller.claims))]
        case ServiceToken():
            owner = [] if caller.owner == OWNER else [f"owner {caller.owner}"]
            more = [*owner, *(f"{name}={value}" for name, value in caller.tags)]
        case _:
            more = []
    return f"{caller.identifier} ({', '.join(more)})" if more else caller.identifier


def _claim(value: str | tuple[str, ...]) -> str:
    return value if isinstance(value, str) else "|".join(value)
