"""A rotation never signs with a key that is not published, whoever breaks it off, and whoever else rotates."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import cast

import pytest

from chalicelib.signing.keys import KeyRing, SigningKey
from chalicelib.signing.token import signed_token
from ops.aws.kms import Kms
from ops.errors import OperationFailed
from ops.signing.rotating import Done, StageSigning, rotate
from ops.signing.rotation import KEPT_AFTER_SECONDS, PUBLISHED_BEFORE_SECONDS, due
from ops.signing.stage_keys import names_of
from testing.clock import Clock
from testing.kms_in_memory import Broken, Key, KmsInMemory, NoAnswer
from testing.kms_server import KeySpec

ALIAS = "alias/credvend-prod-signing"
NEXT, PREVIOUS = f"{ALIAS}-next", f"{ALIAS}-previous"
STAGE = StageSigning(
    stack="credvend-prod",
    alias=ALIAS,
    algorithm="RS256",
    function_role_arn="arn:aws:iam::111122223333:role/credvend-prod-eu-west-1",
    issuer="https://tokens.example.com",
)
CHANGES = {"CreateAlias", "UpdateAlias", "DeleteAlias", "TagResource", "DisableKey", "ScheduleKeyDeletion", "CreateKey"}


@dataclass
class Rotated:
    """A stage's KMS, with the key that its template made; and operators."""

    clock: Clock = field(default_factory=Clock)
    kms: KmsInMemory = field(init=False)
    first: Key = field(init=False)
    operators: Kms = field(init=False)
    checked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.kms = KmsInMemory(self.clock)
        tags = {"credvend__signs_for": "credvend-prod", "credvend__made_by": "template"}
        self.operators = Kms(self.kms.client(), print, self.clock)
        self.first = self.kms.make("RSA_2048", ALIAS, **tags)
        self.kms.make("RSA_2048", "alias/somebody-else")
        self.kms.make("ECC_NIST_P256")
        self.kms.after = lambda _: self.look()

    def look(self) -> None:
        """What is true at each moment: the key that signs can sign, and STS can read all that it may meet."""
        signing = self.kms.named(ALIAS)
        assert signing is not None and signing.state == "Enabled"
        published = [self.kms.named(name) for name in (ALIAS, NEXT, PREVIOUS)]
        assert all(one is None or one.state == "Enabled" for one in published)

    @property
    def kms_beside(self) -> KmsInMemory:
        """The same keys, asked without a word of it."""
        return KmsInMemory(self.clock, self.kms.keys, self.kms.aliases)

    def rotate(
        self,
        stage: StageSigning = STAGE,
        now_too: bool = False,
        older_than: int = 0,
        check: Callable[[SigningKey], None] | None = None,
    ) -> Done:
        return rotate(self.operators, stage, now_too=now_too, older_than=older_than, check=check or self.check)

    def check(self, key: SigningKey) -> None:
        self.checked.append(key.id)

    def later(self, seconds: int) -> "Rotated":
        self.clock.now += seconds
        return self

    @property
    def signing(self) -> Key:
        return cast(Key, self.kms.named(ALIAS))

    def state(self) -> tuple[str | None, ...]:
        """Which keys have names, as letters in the order of their making."""
        letters = {one.id: chr(ord("a") + place) for place, one in enumerate(self.kms.keys.values())}
        named = (self.kms.named(name) for name in (ALIAS, NEXT, PREVIOUS))
        return tuple(None if one is None else letters[one.id] for one in named)


def test_a_key_is_published_for_a_day_signs_and_stays_for_an_hour_after_it() -> None:
    stage = Rotated()
    assert stage.state() == ("a", None, None)
    assert stage.rotate().action == "publish" and stage.state() == ("a", "d", "a")
    assert stage.later(PUBLISHED_BEFORE_SECONDS - 1).rotate().action is None and stage.checked == []
    assert stage.later(1).rotate().action == "switch" and stage.state() == ("d", "d", "a")
    assert stage.checked == [SigningKey("", "RS256", stage.signing.der).id]
    assert stage.later(KEPT_AFTER_SECONDS - 1).rotate().action is None
    assert stage.later(1).rotate().action == "finish" and stage.state() == ("d", None, None)
    # And once more: this one was made by a rotation, and may go.
    second = stage.signing
    for wait in (0, PUBLISHED_BEFORE_SECONDS, KEPT_AFTER_SECONDS):
        assert stage.later(wait).rotate().action is not None
    assert stage.state() == ("e", None, None)
    # CloudFormation can put no tag on a key that is to be deleted: the next deployment would fail.
    assert (stage.first.state, second.state) == ("Disabled", "PendingDeletion")
    assert [one.state for one in list(stage.kms.keys.values())[1:3]] == ["Enabled", "Enabled"]  # somebody else's


def test_tokens_of_all_keys_that_were_used_can_be_checked_at_each_moment() -> None:
    stage = Rotated()
    tokens: list[tuple[float, str]] = []

    def use(_: str) -> None:
        fresh = KeyRing(stage.kms_beside.client(), ALIAS)  # another instance, which remembers nothing
        _, key = signed_token({}, kept)
        tokens.append((stage.clock.now, key.id))
        live = {kid for signed, kid in tokens if stage.clock.now - signed <= 65}
        assert live <= {one.id for one in fresh.published()}

    kept = KeyRing(stage.kms_beside.client(), ALIAS, stage.clock)
    stage.kms.after = use
    for wait in (0, PUBLISHED_BEFORE_SECONDS, KEPT_AFTER_SECONDS, 0, PUBLISHED_BEFORE_SECONDS, KEPT_AFTER_SECONDS):
        assert stage.later(wait).rotate().action is not None
    assert len({kid for _, kid in tokens}) == 3


def test_a_new_key_is_for_the_functions_role_alone_and_of_the_stages_algorithm() -> None:
    stage = Rotated()
    stage.rotate(replace(STAGE, algorithm="ES256"))
    made = cast(Key, stage.kms.named(NEXT))
    assert made.spec == "ECC_NIST_P256"
    assert made.tags == {"credvend:signs-for": "credvend-prod", "credvend:made-by": "rotation"}
    allow, deny = json.loads(made.policy)["Statement"]
    assert allow["Principal"] == {"AWS": "arn:aws:iam::111122223333:root"}
    assert deny["Condition"] == {"ArnNotEquals": {"aws:PrincipalArn": STAGE.function_role_arn}}
    assert stage.later(PUBLISHED_BEFORE_SECONDS).rotate().action == "switch" and stage.signing is made


@pytest.mark.parametrize("kind", [Broken, NoAnswer])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("place", range(7))
def test_broken_off_anywhere_it_is_gone_on_with(place: int, when: str, kind: type[BaseException]) -> None:
    stage = Rotated()
    changes = 0

    def stop(operation: str) -> None:
        nonlocal changes
        stage.look()
        if operation in CHANGES:
            changes += 1
            if changes == place + 1:
                raise kind

    setattr(stage.kms, when, stop)
    actions: list[object] = []
    broken = 0
    while stage.state() not in (("e", None, None), ("f", None, None)) and len(actions) < 20:
        try:
            actions.append(stage.later(PUBLISHED_BEFORE_SECONDS).rotate().action)
        except (Broken, OperationFailed):
            broken += 1
    # Two rotations of three steps each: one begins, at most, where the broken one ends.
    assert broken == 1 and len(actions) <= 8
    stage.rotate(older_than=10**9)  # which only tidies up
    in_use = [one for one in list(stage.kms.keys.values())[3:] if one.state == "Enabled"]
    assert len(in_use) <= 2 and stage.signing in in_use  # one may be left that was made and never named


@pytest.mark.parametrize("step", range(3))
@pytest.mark.parametrize("place", range(12))
def test_two_who_rotate_at_once_do_no_harm(step: int, place: int) -> None:
    stage = Rotated()
    for _ in range(step):
        stage.later(PUBLISHED_BEFORE_SECONDS).rotate()
    stage.later(PUBLISHED_BEFORE_SECONDS)
    before = stage.state()
    asked = 0

    def other(_: str) -> None:
        nonlocal asked
        asked += 1
        if asked == place + 1:
            stage.kms.before = lambda _: stage.look()
            stage.rotate()

    stage.kms.before = other
    try:
        stage.rotate()
    except OperationFailed as error:
        assert "Somebody else is rotating" in str(error)
    stage.look()
    assert stage.state() != before
    names = names_of(stage.operators, ALIAS)
    assert due(names).action != ("publish", "switch", "finish")[step] or step == 2
    spare = [one for one in list(stage.kms.keys.values())[3:] if one.state == "Enabled"]
    assert len({one.id for one in spare} - {alias.key for alias in stage.kms.aliases.values()}) == 0


def test_whoever_must_not_wait_does_not() -> None:
    stage = Rotated()
    assert [stage.rotate(now_too=True).action for _ in range(3)] == ["publish", "switch", "finish"]


def test_a_key_that_has_not_signed_for_long_is_left_where_that_is_asked_for() -> None:
    stage = Rotated()
    assert stage.rotate(older_than=100).action is None
    assert stage.later(100).rotate(older_than=100).action == "publish"
    # What was begun goes on.
    assert stage.later(PUBLISHED_BEFORE_SECONDS).rotate(older_than=10**9).action == "switch"


def test_a_key_that_sts_cannot_read_yet_does_not_sign() -> None:
    stage = Rotated()
    stage.rotate()
    stage.later(PUBLISHED_BEFORE_SECONDS)

    def refuse(_: SigningKey) -> None:
        raise OperationFailed("not there yet")

    with pytest.raises(OperationFailed, match="not there yet"):
        stage.rotate(check=refuse)
    assert stage.state() == ("a", "d", "a")


@pytest.mark.parametrize("state", ["Disabled", "PendingDeletion"])
def test_a_next_key_that_cannot_sign_is_refused(state: str) -> None:
    stage = Rotated()
    stage.rotate()
    cast(Key, stage.kms.named(NEXT)).state = state
    stage.kms.after = lambda _: None
    with pytest.raises(OperationFailed, match=f"is {state} .*could not sign"):
        stage.later(PUBLISHED_BEFORE_SECONDS).rotate()
    assert stage.signing is stage.first


def test_a_key_that_signs_no_more_is_replaced_without_being_published() -> None:
    stage = Rotated()
    stage.kms.after = lambda _: None
    stage.first.state = "Disabled"
    stage.rotate(now_too=True)
    assert stage.state() == ("a", "d", None)
    stage.rotate(now_too=True)
    stage.rotate(now_too=True)
    assert stage.state() == ("d", None, None)


def test_names_that_no_rotation_leaves_are_told_and_left() -> None:
    stage = Rotated()
    stage.rotate()
    stage.kms.aliases[PREVIOUS].key = list(stage.kms.keys)[1]
    with pytest.raises(OperationFailed, match="no step of a rotation"):
        stage.rotate()


def test_a_key_of_somebody_else_is_never_deleted() -> None:
    stage = Rotated()
    stage.kms.aliases[PREVIOUS] = stage.kms.aliases["alias/somebody-else"]
    done = stage.later(PUBLISHED_BEFORE_SECONDS).rotate()
    assert done.action == "finish" and "stays as it is" in done.what[0]
    assert all(one.state == "Enabled" for one in stage.kms.keys.values())


def test_without_a_key_it_is_said_what_makes_one() -> None:
    stage = Rotated()
    stage.kms.after = lambda _: None
    del stage.kms.aliases[ALIAS]
    with pytest.raises(
        OperationFailed, match=r"signs no tokens\. It does where its catalog has a role with max_duration"
    ):
        stage.rotate()


def test_a_key_that_has_signed_never_signs_again_though_its_names_were_taken_away_by_hand() -> None:
    stage = Rotated()
    for _ in range(3):
        stage.later(PUBLISHED_BEFORE_SECONDS).rotate()
    second = stage.signing
    for _ in range(2):
        stage.later(PUBLISHED_BEFORE_SECONDS).rotate()
    third = stage.signing
    del stage.kms.aliases[PREVIOUS]
    for _ in range(3):
        stage.later(PUBLISHED_BEFORE_SECONDS).rotate()
    assert second.state == "Enabled" and stage.signing not in (second, third)
    assert second not in (stage.kms.named(name) for name in (ALIAS, NEXT, PREVIOUS))


@pytest.mark.parametrize("made_by", ["rotation", "template"])
def test_a_key_that_others_made_never_signs_whatever_its_tags_say(made_by: str) -> None:
    """Its policy is theirs, and its private half may be."""
    stage = Rotated()
    theirs = stage.kms.make("RSA_2048", credvend__signs_for="credvend-prod", credvend__made_by=made_by)
    for _ in range(6):
        stage.later(PUBLISHED_BEFORE_SECONDS).rotate()
        assert theirs not in (stage.kms.named(name) for name in (ALIAS, NEXT, PREVIOUS))


def test_a_key_of_another_kind_is_never_deleted_whatever_its_tags_say() -> None:
    stage = Rotated()
    theirs = stage.kms.make(credvend__signs_for="credvend-prod", credvend__retired="2026-01-01T00:00:00Z")
    theirs.spec = cast(KeySpec, "SYMMETRIC_DEFAULT")
    for _ in range(3):
        stage.later(PUBLISHED_BEFORE_SECONDS).rotate()
    assert theirs.state == "Enabled"
