"""Carries out what is due of a rotation. Each step reads what is there first, and may be broken off and begun again."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from chalicelib.signing.keys import NEXT, PREVIOUS, Algorithm, SigningKey, algorithm_of
from ops.aws.kms import Kms, KmsKey, KmsRefused
from ops.errors import OperationFailed
from ops.iam.signing_key_policy import signing_key_policy
from ops.signing.rotation import Action, Due, Names, due
from ops.signing.stage_keys import RETIRED_TAG, StageKey, names_of, stays_with_the_stack, tags_of, unnamed_keys
from ops.template.signing import DELETED_AFTER_DAYS, KEY_DESCRIPTION, KEY_SPECS, MADE_BY_TAG, STACK_TAG

_BY_ROTATION: Final = "rotation"


class _SomebodyElse(OperationFailed):
    """The names are others than they were a moment ago."""

    def __init__(self) -> None:
        super().__init__("Somebody else is rotating at this moment. See what is there now: credvend-admin keys list")


@dataclass(frozen=True, slots=True)
class StageSigning:
    """What a deployed stage says of its tokens.

    Attributes:
        stack: its name.
        alias: of the key that signs.
        algorithm: of new keys.
        function_role_arn: whoever alone may sign.
        issuer: URL that tokens name.
    """

    stack: str
    alias: str
    algorithm: Algorithm
    function_role_arn: str
    issuer: str


@dataclass(frozen=True, slots=True)
class Done:
    """What was carried out.

    Attributes:
        action: None: nothing was due.
        what: in words, a line for each thing.
    """

    action: Action | None
    what: tuple[str, ...]


def rotate(
    kms: Kms, stage: StageSigning, *, now_too: bool, older_than: int, check: Callable[[SigningKey], None]
) -> Done:
    """Carry out the step that is due.

    Args:
        now_too: also one that should wait.
        older_than: seconds that a key must have signed for before it is rotated.
        check: raises `OperationFailed` where a key is not published yet.

    Raises:
        OperationFailed: it was not carried out; what is there is as good as before.
    """
    names = names_of(kms, stage.alias)
    cleaned = tuple(_dispose(kms, one.key.id) for one in unnamed_keys(kms, stage.stack) if _is_left_over(one))
    step = due(names)
    now = kms.now()
    if step.action == "publish" and not step.is_begun and now < names.signing.since + older_than:
        return Done(None, (*cleaned, f"The key has signed since {moment_of(names.signing.since)}, which is not long."))
    if now < step.at and not now_too:
        return Done(None, (*cleaned, f"Nothing is due before {moment_of(step.at)}."))
    match step.action:
        case "publish":
            told = _publish(kms, stage, names)
        case "switch":
            told = _switch(kms, stage, names, check)
        case "finish":
            told = _finish(kms, stage, names)
    return Done(step.action, (*cleaned, *told))


def moment_of(seconds: int) -> str:
    """A moment for people, and for programs."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def what_comes(step: Due) -> str:
    """What a step does, in words."""
    return {
        "publish": "publish a new key, beside the one that signs",
        "switch": "let the new key sign",
        "finish": "take the old key out of use",
    }[step.action]


def _publish(kms: Kms, stage: StageSigning, names: Names) -> tuple[str, ...]:
    """The key that signs gets its second name first: whoever is broken off in between has published what signs.

    The new key is always made here. One that is there already may be anybody's, whatever its tags say, and whoever made
    it may sign with it.
    """
    if names.previous is None and kms.describe(names.signing.key).is_enabled:
        _give(kms, stage.alias + PREVIOUS, names.signing.key)
    key = _new_key(kms, stage)
    try:
        _give(kms, stage.alias + NEXT, key.id)
    except _SomebodyElse:  # of another failure, it is not known whether the key has the name
        _dispose(kms, key.id)
        raise
    return (f"Key {key.id} ({stage.algorithm}) is published as the next one.",)


def _switch(kms: Kms, stage: StageSigning, names: Names, check: Callable[[SigningKey], None]) -> tuple[str, ...]:
    assert names.next is not None  # noqa: S101 `due` has seen it
    key = kms.describe(names.next.key)
    algorithm = algorithm_of(key.spec)
    if not key.is_enabled or algorithm is None:
        raise OperationFailed(
            f"Key {key.id}, the next one, is {key.state} and of kind {key.spec}: it could not sign. Take its name "
            f"away, and rotate again: aws kms delete-alias --alias-name {stage.alias + NEXT}"
        )
    check(SigningKey(key.arn, algorithm, kms.public_half(key.id)))
    _expect(kms, stage, names)
    if names.previous is None and kms.describe(names.signing.key).is_enabled:
        _give(kms, stage.alias + PREVIOUS, names.signing.key)
    kms.move(stage.alias, key.id)
    return (
        f"Key {key.id} signs from now on.",
        f"Key {names.signing.key} stays published, for tokens that it has signed.",
    )


def _finish(kms: Kms, stage: StageSigning, names: Names) -> tuple[str, ...]:
    """The mark comes first: without its name, the old key could be taken for a new one."""
    old = None if names.previous is None or names.previous.key == names.signing.key else names.previous.key
    is_own = old is not None and tags_of(kms, old).get(STACK_TAG) == stage.stack
    if old is not None and is_own:
        _mark(kms, old)
    _expect(kms, stage, names)
    kms.take(stage.alias + NEXT)
    kms.take(stage.alias + PREVIOUS)
    if old is None:
        return ("Nothing of the last rotation is left.",)
    if not is_own:
        return (f"Key {old} is published no more. It was not made for this stage, and stays as it is.",)
    return (_dispose(kms, old),)


def _new_key(kms: Kms, stage: StageSigning) -> KmsKey:
    role = stage.function_role_arn
    root = f"{role.rpartition(':')[0]}:root"
    tags = {STACK_TAG: stage.stack, MADE_BY_TAG: _BY_ROTATION}
    return kms.make(KEY_SPECS[stage.algorithm], signing_key_policy(root, role), KEY_DESCRIPTION, tags)


def _is_left_over(one: StageKey) -> bool:
    """A rotation was broken off after its name was taken away. No key of another kind is one, whatever its tags say."""
    return one.is_retired and one.public is not None


def _dispose(kms: Kms, key: str) -> str:
    """Have a key that has no name do nothing more. Returns what is told of it."""
    if stays_with_the_stack(tags_of(kms, key)):
        kms.disable(key)
        return f"Key {key} is disabled: the stack that made it could not be changed any more if it were deleted."
    try:
        kms.delete(key, DELETED_AFTER_DAYS)
    except KmsRefused as refused:
        if refused.code != "KMSInvalidStateException":  # somebody else was faster
            raise
    return f"Key {key} is deleted in {DELETED_AFTER_DAYS} days; until then: aws kms cancel-key-deletion --key-id {key}"


def _mark(kms: Kms, key: str) -> None:
    kms.tag(key, RETIRED_TAG, moment_of(kms.now()))


def _give(kms: Kms, alias: str, key: str) -> None:
    """Give a key a name. That it has it already is good.

    Raises:
        _SomebodyElse: another key has.
    """
    try:
        kms.give(alias, key)
    except KmsRefused as refused:
        if refused.code != "AlreadyExistsException":
            raise
        there = kms.names().get(alias)
        if there is None or there.key != key:
            raise _SomebodyElse from None


def _expect(kms: Kms, stage: StageSigning, names: Names) -> None:
    """See that the names are what they were: KMS has no way to change one only if it is.

    Raises:
        _SomebodyElse: they are not.
    """
    if names_of(kms, stage.alias) != names:
        raise _SomebodyElse
