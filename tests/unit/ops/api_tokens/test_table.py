"""What operators do with API tokens, and what credvend makes of it."""

import ipaddress
import json
from collections.abc import Callable

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError

from chalicelib.callers.api_tokens.stored_token import StoredToken
from chalicelib.callers.api_tokens.token import check_api_token, hash_api_token
from ops.api_tokens.table import Tokens, open_tokens
from ops.errors import OperationFailed
from tests.unit.ops.administered import DAY, HOUR, OPERATOR, Administered


def test_what_was_made_is_what_credvend_finds(administered: Administered, tokens: Tokens) -> None:
    cidrs = (ipaddress.ip_network("198.51.100.0/24"), ipaddress.ip_network("2001:db8::/32"))
    issued = tokens.create("ci", "Team A", 90 * DAY, [("team", "a"), ("env", "prod")], [*cidrs, cidrs[0]])
    check_api_token(issued.token)
    now = int(administered.clock.now)
    assert issued.stored == StoredToken(
        hash=hash_api_token(issued.token),
        name="ci",
        owner="Team A",
        tags=(("env", "prod"), ("team", "a")),
        created=now,
        expires=now + 90 * DAY,
        revoked_at=None,
        last_used=None,
        cidrs=cidrs,
        created_by=OPERATOR,
    )
    assert administered.find(issued.token) == issued.stored
    (listed,) = tokens.list_all()
    assert listed.last_used == now


def test_the_table_never_sees_a_token(administered: Administered, tokens: Tokens) -> None:
    made = [tokens.create("ci", "me", DAY).token, tokens.rotate("ci", HOUR, DAY).token]
    asked = json.dumps(administered.table.asked)
    for token in made:
        assert token not in asked and token[4:47] not in asked


def test_a_token_stays_out_of_logs_and_tracebacks(tokens: Tokens) -> None:
    issued = tokens.create("ci", "me", DAY)
    assert issued.token not in repr(issued) and issued.stored.hash not in repr(issued)


def test_dynamodb_may_delete_a_token_a_month_after_it_expired(administered: Administered, tokens: Tokens) -> None:
    issued = tokens.create("ci", "me", DAY)
    assert administered.table.items[issued.stored.hash]["ttl"] == {"N": str(issued.stored.expires + 30 * DAY)}


@pytest.mark.parametrize("lifetime", [-1, 0, 365 * DAY + 1])
def test_a_token_must_expire_within_a_year(administered: Administered, tokens: Tokens, lifetime: int) -> None:
    with pytest.raises(OperationFailed, match="365d"):
        tokens.create("ci", "me", lifetime)
    tokens.create("ci", "me", 365 * DAY)
    with pytest.raises(OperationFailed, match="365d"):
        tokens.rotate("ci", 0, lifetime)
    assert len(administered.table.items) == 1


@pytest.mark.parametrize(
    "name", ["", "-ci", "a b", "a/b", "a" * 65, "ci\n", "é", "cvt:1", "0123456789ab", "abcdefabcdef"]
)
def test_a_name_is_one_that_policies_can_hold_and_is_mistaken_for_no_id(tokens: Tokens, name: str) -> None:
    with pytest.raises(OperationFailed, match="is no name for a token"):
        tokens.create(name, "me", DAY)


@pytest.mark.parametrize("owner", ["", " ", " me", "a\nb", "\x1b[2J", "a" * 129])
def test_an_owner_is_told_in_printable_text(tokens: Tokens, owner: str) -> None:
    with pytest.raises(OperationFailed, match="owner"):
        tokens.create("ci", owner, DAY)


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ([("", "a")], "no key"),
        ([("a b", "a")], "no key"),
        ([("1", "a")], "no key"),
        ([("a", "")], "value of tag a"),
        ([("a", "b\n")], "value of tag a"),
        ([("a", "b" * 257)], "value of tag a"),
        ([("a", "1"), ("a", "2")], "twice"),
        ([(f"a{index}", "1") for index in range(33)], "at most 32 tags"),
    ],
)
def test_a_tag_that_cannot_be_is_an_error(tokens: Tokens, tags: list[tuple[str, str]], said: str) -> None:
    with pytest.raises(OperationFailed, match=said):
        tokens.create("ci", "me", DAY, tags)


def test_a_network_that_would_let_nobody_in_is_an_error(tokens: Tokens) -> None:
    with pytest.raises(OperationFailed, match="IPv4"):
        tokens.create("ci", "me", DAY, cidrs=[ipaddress.ip_network("::ffff:192.0.2.0/120")])
    with pytest.raises(OperationFailed, match="at most 32 networks"):
        tokens.create("ci", "me", DAY, cidrs=[ipaddress.ip_network(f"192.0.2.{n}/32") for n in range(33)])


@pytest.mark.parametrize("ending", ["revoked", "expired"])
def test_a_name_is_free_again_once_its_token_has_ended(administered: Administered, tokens: Tokens, ending: str) -> None:
    old = tokens.create("ci", "me", DAY)
    with pytest.raises(OperationFailed, match="a live token ci already"):
        tokens.create("ci", "me", DAY)
    if ending == "revoked":
        tokens.revoke("ci")
    else:
        administered.clock.now += DAY + 300
    new = tokens.create("ci", "me", DAY)
    assert administered.refusal(old.token) == ending
    administered.find(new.token)


def test_after_a_rotation_both_tokens_work_until_the_old_one_ends(administered: Administered, tokens: Tokens) -> None:
    cidrs = [ipaddress.ip_network("198.51.100.0/24")]
    old = tokens.create("ci", "Team A", 90 * DAY, [("team", "a")], cidrs)
    administered.clock.now += DAY
    new = tokens.rotate("ci", DAY, 30 * DAY)
    assert new.token != old.token and new.stored.id != old.stored.id
    kept = ("name", "owner", "tags", "cidrs")
    assert [getattr(new.stored, name) for name in kept] == [getattr(old.stored, name) for name in kept]
    assert new.stored.expires == administered.clock.now + 30 * DAY
    administered.clock.now += DAY - 1
    for token in (old.token, new.token):
        administered.find(token)
    administered.clock.now += 1
    assert administered.refusal(old.token) == "expired"
    administered.find(new.token)


def test_without_an_overlap_the_old_token_ends_at_once(administered: Administered, tokens: Tokens) -> None:
    old = tokens.create("ci", "me", DAY)
    new = tokens.rotate("ci", 0, DAY)
    assert administered.refusal(old.token) == "revoked"
    administered.find(new.token)


def test_a_rotation_never_prolongs_a_token(administered: Administered, tokens: Tokens) -> None:
    first = tokens.create("ci", "me", HOUR)
    tokens.rotate("ci", DAY, 10 * DAY)
    third = tokens.rotate("ci", 2 * DAY, 10 * DAY)
    tokens.rotate("ci", HOUR, 10 * DAY)
    ends = {stored.hash: stored.expires - int(administered.clock.now) for stored in tokens.list_all()}
    assert sorted(ends.values()) == [HOUR, HOUR, HOUR, 10 * DAY]
    administered.clock.now += HOUR
    assert administered.refusal(first.token) == administered.refusal(third.token) == "expired"


def test_what_is_not_live_is_not_rotated(administered: Administered, tokens: Tokens) -> None:
    tokens.create("ci", "me", DAY)
    tokens.create("cd", "me", DAY)
    tokens.revoke("cd")
    administered.clock.now += DAY
    for name in ("ci", "cd", "never-there"):
        with pytest.raises(OperationFailed, match=f"No live token is named {name}"):
            tokens.rotate(name, 0, DAY)
    with pytest.raises(OperationFailed, match="negative"):
        tokens.rotate("ci", -1, DAY)


def test_a_rotation_is_carried_out_whole_or_not_at_all(administered: Administered, tokens: Tokens) -> None:
    old = tokens.create("ci", "me", DAY)
    administered.table.operations()
    administered.table.failures += [None, "TransactionCanceledException"]
    with pytest.raises(OperationFailed, match="Try again"):
        tokens.rotate("ci", 0, DAY)
    assert administered.table.operations() == ["Scan", "TransactWriteItems"]
    administered.find(old.token)
    assert len(administered.table.items) == 1


def test_a_name_that_is_revoked_ends_all_its_tokens_and_no_others(administered: Administered, tokens: Tokens) -> None:
    old, other = tokens.create("ci", "me", DAY), tokens.create("cd", "me", DAY)
    new = tokens.rotate("ci", HOUR, DAY)
    assert {stored.id for stored in tokens.revoke("ci")} == {old.stored.id, new.stored.id}
    assert administered.refusal(old.token) == administered.refusal(new.token) == "revoked"
    administered.find(other.token)


def test_an_id_that_is_revoked_ends_that_one_token(administered: Administered, tokens: Tokens) -> None:
    old = tokens.create("ci", "me", DAY)
    new = tokens.rotate("ci", HOUR, DAY)
    (revoked,) = tokens.revoke(old.stored.id)
    assert (revoked.id, revoked.revoked_at) == (old.stored.id, int(administered.clock.now))
    assert administered.refusal(old.token) == "revoked"
    administered.find(new.token)


def test_revoking_what_is_not_there_or_was_revoked_before_is_an_error(tokens: Tokens) -> None:
    issued = tokens.create("ci", "me", DAY)
    tokens.revoke("ci")
    for name in ("ci", issued.stored.id):
        with pytest.raises(OperationFailed, match="were revoked before"):
            tokens.revoke(name)
    for name in ("never-there", ""):
        with pytest.raises(OperationFailed, match="No token has the name or id"):
            tokens.revoke(name)


def test_a_token_that_dynamodb_deleted_does_not_come_back_by_being_revoked(
    administered: Administered, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens.create("ci", "me", DAY)
    listed = tokens.list_all()
    monkeypatch.setattr(tokens, "list_all", lambda: listed)
    administered.table.items.clear()
    with pytest.raises(OperationFailed, match="Try again"):
        tokens.revoke("ci")
    assert administered.table.items == {}


def test_an_item_that_cannot_be_read_is_named_and_keeps_nobody_from_revoking_another(
    administered: Administered,
) -> None:
    tokens, said = administered.tokens, administered.said
    stolen, broken = tokens.create("stolen", "me", DAY), tokens.create("ci", "me", DAY)
    del administered.table.items[broken.stored.hash]["owner"]
    assert [revoked.id for revoked in tokens.revoke("stolen")] == [stolen.stored.id]
    assert administered.refusal(stolen.token) == "revoked"
    assert f"{broken.stored.id} cannot be read" in said[0] and "delete the item" in said[0]


def test_what_the_function_may_write_does_not_decide_whether_a_token_can_be_revoked(administered: Administered) -> None:
    issued = administered.tokens.create("ci", "me", DAY)
    administered.table.items[issued.stored.hash]["last_used"] = {"S": "never"}
    assert [stored.last_used for stored in administered.tokens.list_all()] == [None]
    assert administered.tokens.revoke("ci")


def test_a_name_that_is_revoked_while_it_is_rotated_gets_no_new_token(
    administered: Administered, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = administered.tokens
    old = tokens.create("ci", "me", DAY)
    monkeypatch.setattr(tokens, "_live", lambda _name: [old.stored])  # what the rotation saw before
    administered.tokens.revoke("ci")
    with pytest.raises(OperationFailed, match="at the same moment"):
        tokens.rotate("ci", DAY, DAY)
    assert [stored for stored in administered.tokens.list_all() if stored.is_live(administered.clock())] == []


def test_of_two_who_make_a_token_of_one_name_at_once_none_shares_it(
    administered: Administered, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = administered.tokens
    first = tokens.create("ci", "me", DAY)
    seen: list[list[StoredToken]] = [[], [first.stored, first.stored]]  # before, and after
    monkeypatch.setattr(tokens, "_taken", lambda _name: seen.pop(0))
    with pytest.raises(OperationFailed, match="at the same moment"):
        tokens.create("ci", "mallory", DAY)
    live = [stored for stored in administered.tokens.list_all() if stored.is_live(administered.clock())]
    assert [stored.owner for stored in live] == ["me"]


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        ("ResourceNotFoundException", "no table credvend-test-tokens in ap-northeast-2.*--stage.*deploy"),
        ("AccessDeniedException", "AccessDeniedException on table credvend-test-tokens"),
        (NoCredentialsError(), "AWS_PROFILE"),
        (EndpointConnectionError(endpoint_url="https://nowhere"), "cannot be reached.*https://nowhere"),
    ],
)
def test_a_failure_says_what_to_do(
    administered: Administered, tokens: Tokens, failure: str | Exception, said: str
) -> None:
    calls: list[Callable[[], object]] = [
        tokens.list_all,
        lambda: tokens.create("ci", "me", DAY),
        lambda: tokens.rotate("ci", 0, DAY),
        lambda: tokens.revoke("ci"),
    ]
    for call in calls:
        administered.table.failures.append(failure)
        with pytest.raises(OperationFailed, match=said):
            call()


@pytest.mark.parametrize("variable", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_the_region_is_found_as_a_deployment_finds_it(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, "eu-north-1")
    regions: list[str] = []
    monkeypatch.setattr("ops.api_tokens.table.dynamodb_client", regions.append)
    open_tokens("prod", lambda _message: None)
    assert regions == ["eu-north-1"]


def test_without_a_region_one_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")  # or it would be looked for on the network
    with pytest.raises(OperationFailed, match="AWS_REGION"):
        open_tokens("prod", lambda _message: None)
