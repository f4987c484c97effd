"""When one key takes another one's place: what is to be done next, told by the names that the keys have.

1. `publish`: the key that signs is called `-previous` as well, and a new one `-next`. Both are published.
2. `switch`: the new key signs. That is one call, and by then all know both keys.
3. `finish`: `-next` and `-previous` are taken away; the old key signs nothing any more.

Nothing else is kept of it: a step that was broken off is what is next. A name may take minutes to be seen everywhere
(https://docs.aws.amazon.com/kms/latest/developerguide/programming-eventual-consistency.html), so that no step relies
on what the step itself has done.
"""

from dataclasses import dataclass
from typing import Final, Literal

from ops.aws.kms import Named
from ops.errors import OperationFailed

# How long STS keeps the keys of an issuer, AWS does not say. Between are the service (PUBLISHED_KEPT_SECONDS, 1 min),
# what caches its answers (CACHED_SECONDS, 5 min), and a copy elsewhere, whose export somebody has to publish: a day.
PUBLISHED_BEFORE_SECONDS: Final = 86_400
# A token lives for a minute (TOKEN_SECONDS), and KMS may take some to see everywhere that a name was moved.
KEPT_AFTER_SECONDS: Final = 3_600

Action = Literal["publish", "switch", "finish"]


@dataclass(frozen=True, slots=True)
class Names:
    """Which keys have the stage's names.

    Attributes:
        signing: the one that signs.
        next: published, and not used yet; previous: published, and not used any more.
    """

    signing: Named
    next: Named | None = None
    previous: Named | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be done next.

    Attributes:
        at: not before then; seconds since 1970, UTC.
        is_begun: it belongs to a rotation that was begun.
    """

    action: Action
    at: int
    is_begun: bool = True


def due(names: Names) -> Due:
    """What is next.

    Raises:
        OperationFailed: the names are not as any rotation leaves them.
    """
    signing, following, previous = names.signing, names.next, names.previous
    if following is None:
        if previous is None or previous.key == signing.key:
            return Due("publish", signing.since, is_begun=previous is not None)
        return Due("finish", signing.since + KEPT_AFTER_SECONDS)
    if following.key == signing.key:
        return Due("finish", signing.since + KEPT_AFTER_SECONDS)
    if previous is not None and previous.key != signing.key:
        raise OperationFailed(
            f"Key {previous.key} is called -previous, and {following.key} -next, and neither signs: that is no step of "
            "a rotation. Take away the name that is wrong: aws kms delete-alias --alias-name ..."
        )
    return Due("switch", following.since + PUBLISHED_BEFORE_SECONDS)
