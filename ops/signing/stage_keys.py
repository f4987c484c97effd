"""The keys of a stage, as KMS has them: by their names, and those that have none any more, or none yet."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from chalicelib.signing.keys import NEXT, PREVIOUS, SigningKey, algorithm_of
from ops.aws.kms import Kms, KmsKey, KmsRefused, Named
from ops.errors import OperationFailed
from ops.signing.rotation import Names
from ops.template.signing import BY_TEMPLATE, MADE_BY_TAG, STACK_TAG

# A tag of keys whose names were taken away.
RETIRED_TAG: Final = "credvend:retired"

Called = Literal["signing", "next", "previous"]
_BEHIND: Final[dict[Called, str]] = {"signing": "", "next": NEXT, "previous": PREVIOUS}


@dataclass(frozen=True, slots=True)
class StageKey:
    """A key of a stage.

    Attributes:
        called: by which names; empty: by none.
        since: when it got the last of them, or was made; seconds since 1970, UTC.
        public: None: KMS does not tell it.
        tags: of a key without a name; empty for others.
    """

    key: KmsKey
    called: tuple[Called, ...]
    since: int
    public: SigningKey | None
    tags: Mapping[str, str]

    @property
    def is_retired(self) -> bool:
        return RETIRED_TAG in self.tags


def names_of(kms: Kms, alias: str) -> Names:
    """Which keys have the stage's names.

    Args:
        alias: of the key that signs.

    Raises:
        OperationFailed: there is none.
    """
    found = kms.names()
    if alias not in found:
        raise OperationFailed(
            f"No key is called {alias} here: the stage signs no tokens. It does where its catalog has a role with "
            "max_duration above 1h, once that is deployed. If the name was taken away by hand: aws kms create-alias "
            f"--alias-name {alias} --target-key-id ..."
        )
    return Names(found[alias], found.get(alias + NEXT), found.get(alias + PREVIOUS))


def named_keys(kms: Kms, names: Names) -> list[StageKey]:
    """The keys that have names, the one that signs first."""
    called: dict[str, list[Called]] = {}
    since: dict[str, int] = {}
    for name in _BEHIND:
        named = _named(names, name)
        if named is not None:
            called.setdefault(named.key, []).append(name)
            since[named.key] = max(since.get(named.key, 0), named.since)
    return [_described(kms, key, tuple(by), since[key], {}) for key, by in called.items()]


def unnamed_keys(kms: Kms, stack: str) -> list[StageKey]:
    """Keys that were made for a stack, and that have no name; the newest first."""
    named = {one.key for one in kms.names().values()}
    found: list[StageKey] = []
    for key in kms.key_ids():
        if key in named:
            continue
        tags = tags_of(kms, key)
        if tags.get(STACK_TAG) == stack:
            found.append(_described(kms, key, (), None, tags))
    return sorted(found, key=lambda one: -one.since)


def tags_of(kms: Kms, key: str) -> Mapping[str, str]:
    """Its tags; none of a key that is somebody else's.

    Raises:
        OperationFailed: KMS does not tell for another reason.
    """
    try:
        return kms.tags(key)
    except KmsRefused as refused:
        if refused.code in ("AccessDenied", "AccessDeniedException", "NotFoundException"):
            return {}
        raise


def stays_with_the_stack(tags: Mapping[str, str]) -> bool:
    """Whether CloudFormation knows the key: it could change nothing of one that is about to be deleted."""
    return tags.get(MADE_BY_TAG) == BY_TEMPLATE


def _named(names: Names, called: Called) -> Named | None:
    return {"signing": names.signing, "next": names.next, "previous": names.previous}[called]


def _described(kms: Kms, key: str, called: tuple[Called, ...], since: int | None, tags: Mapping[str, str]) -> StageKey:
    told = kms.describe(key)
    return StageKey(told, called, told.created if since is None else since, _public(kms, told), tags)


def _public(kms: Kms, key: KmsKey) -> SigningKey | None:
    """The public half; KMS gives that of no key that is switched off."""
    algorithm = algorithm_of(key.spec)
    if algorithm is None or not key.is_enabled:
        return None
    return SigningKey(key.arn, algorithm, kms.public_half(key.id))
