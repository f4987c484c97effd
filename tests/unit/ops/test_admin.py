"""What operators do with API tokens, and how the command line hands them over."""

import io
import ipaddress
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError

from chalicelib.aws.table import Table
from chalicelib.callers.api_tokens.store import TokenStore
from chalicelib.callers.api_tokens.stored_token import StoredToken
from chalicelib.callers.api_tokens.token import check_api_token, hash_api_token
from chalicelib.errors import InvalidToken
from ops import admin
from ops.api_tokens.table import Tokens, TokensFailed, open_tokens
from ops.environments import ROOT
from testing.token_table import NAME, Clock, TokenTable

HERE = "198.51.100.7"
HOUR = 3600
DAY = 86_400


@dataclass
class Administered:
    """A table, what operators do with it, and what credvend makes of it."""

    clock: Clock = field(default_factory=Clock)
    table: TokenTable = field(default_factory=TokenTable)

    @property
    def tokens(self) -> Tokens:
        return Tokens(NAME, self.table.client, self.clock)

    def find(self, token: str, source_ip: str = HERE) -> StoredToken:
        """What a function that remembers nothing finds."""
        return TokenStore(Table(NAME, self.table.client), self.clock).token_of(token, source_ip)

    def refusal(self, token: str) -> str:
        with pytest.raises(InvalidToken) as refusal:
            self.find(token)
        return refusal.value.cause


@pytest.fixture
def administered() -> Administered:
    return Administered()


@pytest.fixture
def tokens(administered: Administered) -> Tokens:
    return administered.tokens


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
    with pytest.raises(TokensFailed, match="365d"):
        tokens.create("ci", "me", lifetime)
    tokens.create("ci", "me", 365 * DAY)
    with pytest.raises(TokensFailed, match="365d"):
        tokens.rotate("ci", 0, lifetime)
    assert len(administered.table.items) == 1


@pytest.mark.parametrize(
    "name", ["", "-ci", "a b", "a/b", "a" * 65, "ci\n", "é", "cvt:1", "0123456789ab", "abcdefabcdef"]
)
def test_a_name_is_one_that_policies_can_hold_and_is_mistaken_for_no_id(tokens: Tokens, name: str) -> None:
    with pytest.raises(TokensFailed, match="is no name for a token"):
        tokens.create(name, "me", DAY)


@pytest.mark.parametrize("owner", ["", " ", " me", "a\nb", "\x1b[2J", "a" * 129])
def test_an_owner_is_told_in_printable_text(tokens: Tokens, owner: str) -> None:
    with pytest.raises(TokensFailed, match="owner"):
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
    with pytest.raises(TokensFailed, match=said):
        tokens.create("ci", "me", DAY, tags)


def test_a_network_that_would_let_nobody_in_is_an_error(tokens: Tokens) -> None:
    with pytest.raises(TokensFailed, match="IPv4"):
        tokens.create("ci", "me", DAY, cidrs=[ipaddress.ip_network("::ffff:192.0.2.0/120")])
    with pytest.raises(TokensFailed, match="at most 32 networks"):
        tokens.create("ci", "me", DAY, cidrs=[ipaddress.ip_network(f"192.0.2.{n}/32") for n in range(33)])


@pytest.mark.parametrize("ending", ["revoked", "expired"])
def test_a_name_is_free_again_once_its_token_has_ended(administered: Administered, tokens: Tokens, ending: str) -> None:
    old = tokens.create("ci", "me", DAY)
    with pytest.raises(TokensFailed, match="a live token ci already"):
        tokens.create("ci", "me", DAY)
    if ending == "revoked":
        tokens.revoke("ci")
    else:
        administered.clock.now += DAY
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
    assert administered.refusal(old.token) == "expired"
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
        with pytest.raises(TokensFailed, match=f"No live token is named {name}"):
            tokens.rotate(name, 0, DAY)
    with pytest.raises(TokensFailed, match="negative"):
        tokens.rotate("ci", -1, DAY)


def test_a_rotation_is_carried_out_whole_or_not_at_all(administered: Administered, tokens: Tokens) -> None:
    old = tokens.create("ci", "me", DAY)
    administered.table.operations()
    administered.table.failures += [None, "TransactionCanceledException"]
    with pytest.raises(TokensFailed, match="Try again"):
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


def test_revoking_what_is_not_live_is_an_error(tokens: Tokens) -> None:
    issued = tokens.create("ci", "me", DAY)
    tokens.revoke("ci")
    for name in ("ci", issued.stored.id, "never-there", ""):
        with pytest.raises(TokensFailed, match="No live token has the name or id"):
            tokens.revoke(name)


def test_a_token_that_dynamodb_deleted_does_not_come_back_by_being_revoked(
    administered: Administered, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens.create("ci", "me", DAY)
    listed = tokens.list_all()
    monkeypatch.setattr(tokens, "list_all", lambda: listed)
    administered.table.items.clear()
    with pytest.raises(TokensFailed, match="Try again"):
        tokens.revoke("ci")
    assert administered.table.items == {}


def test_an_item_that_cannot_be_read_is_named_and_keeps_nobody_from_revoking_another(
    administered: Administered,
) -> None:
    said: list[str] = []
    tokens = Tokens(NAME, administered.table.client, administered.clock, said.append)
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
    with pytest.raises(TokensFailed, match="at the same moment"):
        tokens.rotate("ci", DAY, DAY)
    assert [stored for stored in administered.tokens.list_all() if stored.is_live(administered.clock())] == []


def test_of_two_who_make_a_token_of_one_name_at_once_none_shares_it(
    administered: Administered, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = administered.tokens
    first = tokens.create("ci", "me", DAY)
    seen: list[list[StoredToken]] = [[], [first.stored, first.stored]]  # before, and after
    monkeypatch.setattr(tokens, "_live", lambda _name: seen.pop(0))
    with pytest.raises(TokensFailed, match="at the same moment"):
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
        with pytest.raises(TokensFailed, match=said):
            call()


def test_without_a_region_one_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    with pytest.raises(TokensFailed, match="AWS_REGION"):
        open_tokens("prod", lambda _message: None)


# The command line.


@dataclass
class CommandLine:
    """`python -m ops.admin` on the table above."""

    administered: Administered
    capture: pytest.CaptureFixture[str]
    stages: list[str] = field(default_factory=list)

    def run(self, *arguments: str, status: int = 0) -> tuple[str, str]:
        """What a command prints to standard output and to standard error."""
        assert admin.main(["token", *arguments]) == status
        printed = self.capture.readouterr()
        return printed.out, printed.err

    def open(self, stage: str, warn: Callable[[str], None]) -> Tokens:
        self.stages.append(stage)
        return self.administered.tokens


@pytest.fixture
def command_line(
    administered: Administered, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> CommandLine:
    line = CommandLine(administered, capsys)
    monkeypatch.setattr(admin, "open_tokens", line.open)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    return line


def test_a_new_token_alone_goes_to_standard_output(administered: Administered, command_line: CommandLine) -> None:
    options = ("--owner", "Team A", "--expires", "90d", "--cidr", "198.51.100.0/24", "--cidr", "2001:db8::/32")
    out, err = command_line.run("create", "ci", *options, "--tag", "team=a", "--tag", "note=a=b")
    token = out.removesuffix("\n")
    found = administered.find(token)
    assert (found.name, found.owner, found.tags) == ("ci", "Team A", (("note", "a=b"), ("team", "a")))
    assert [str(cidr) for cidr in found.cidrs] == ["198.51.100.0/24", "2001:db8::/32"]
    assert found.id in err and "credvend-dev-tokens" in err and "not shown again" in err
    assert token[4:20] not in err
    again, err = command_line.run("rotate", "ci")
    assert administered.find(again.strip()).name == "ci" and again.strip()[4:20] not in err
    assert "ends within 86400 s" in err
    assert command_line.stages == ["dev", "dev"]


def test_a_failed_command_prints_nothing_that_could_pass_for_a_token(command_line: CommandLine) -> None:
    command_line.run("create", "ci", "--owner", "me", "--expires", "1d")
    for arguments in (
        ("create", "ci", "--owner", "me", "--expires", "1d"),
        ("create", "cd", "--owner", "me", "--expires", "366d"),
        ("rotate", "cd"),
        ("revoke", "cd"),
    ):
        out, err = command_line.run(*arguments, status=1)
        assert out == "" and err.count("\n") == 1 and "Traceback" not in err


def test_a_token_that_could_not_be_printed_can_be_revoked(
    administered: Administered, command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError("No space left on device")

    monkeypatch.setattr(sys, "stdout", Full())
    assert admin.main(["token", "create", "ci", "--owner", "me", "--expires", "1d"]) == 1
    (stored,) = administered.tokens.list_all()
    said = command_line.capture.readouterr().err
    assert f"Revoke it: token revoke {stored.id}" in said and "cvt_" not in said


def test_the_list_shows_all_tokens_and_no_secret(administered: Administered, command_line: CommandLine) -> None:
    out, err = command_line.run("list", "--stage", "dev")
    assert out == "" and "no tokens in table credvend-dev-tokens" in err
    options = ("--owner", "Team A", "--expires", "1d", "--tag", "team=a", "--cidr", "198.51.100.0/24")
    used = command_line.run("create", "used", *options)[0].strip()
    administered.find(used)
    command_line.run("create", "revoked", "--owner", "me", "--expires", "1d")
    command_line.run("revoke", "revoked")
    command_line.run("create", "expired", "--owner", "me", "--expires", "30s")
    administered.clock.now += 30
    out, err = command_line.run("list")
    head, *rows = [line.split() for line in out.splitlines()]
    assert head == ["NAME", "ID", "STATE", "OWNER", "EXPIRES", "LASTUSED", "CIDRS", "TAGS"] and err == ""
    assert [(row[0], row[2]) for row in rows] == [("expired", "expired"), ("revoked", "revoked"), ("used", "live")]
    out, _ = command_line.run("list", "--json")
    listed = json.loads(out)
    assert [token["State"] for token in listed] == ["expired", "revoked", "live"]
    assert listed[2] == {
        "Name": "used",
        "Id": hash_api_token(used)[:12],
        "State": "live",
        "Owner": "Team A",
        "Created": "2027-01-15T08:00:00Z",
        "Expires": "2027-01-16T08:00:00Z",
        "Revoked": None,
        "LastUsed": "2027-01-15T08:00:00Z",
        "Cidrs": ["198.51.100.0/24"],
        "Tags": {"team": "a"},
    }
    assert listed[1]["Revoked"] == "2027-01-15T08:00:00Z"
    assert hash_api_token(used) not in out and "cvt_" not in out


def test_without_tokens_the_json_is_an_empty_list(command_line: CommandLine) -> None:
    assert json.loads(command_line.run("list", "--json")[0]) == []


def test_revoking_says_what_was_revoked_and_how_soon(administered: Administered, command_line: CommandLine) -> None:
    token = command_line.run("create", "ci", "--owner", "me", "--expires", "1d")[0].strip()
    out, err = command_line.run("revoke", hash_api_token(token)[:12])
    assert out == "" and f"Revoked token ci ({hash_api_token(token)[:12]})" in err and "60 s" in err
    assert administered.refusal(token) == "revoked"


@pytest.mark.parametrize(("overlap", "seconds"), [("0", "60"), ("30s", "60"), ("2h", "7200")])
def test_a_rotation_tells_when_the_old_token_has_ended_everywhere(
    command_line: CommandLine, overlap: str, seconds: str
) -> None:
    command_line.run("create", "ci", "--owner", "me", "--expires", "1d")
    assert f"within {seconds} s" in command_line.run("rotate", "ci", "--overlap", overlap)[1]


def test_where_it_goes_if_not_to_aws_is_said(command_line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert "http://127.0.0.1:1, not to AWS" in command_line.run("list")[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("create", "ci", "--owner", "me"), "--expires"),
        (("create", "ci", "--expires", "1d"), "--owner"),
        (("create", "ci", "--owner", "me", "--expires", "90"), "such as 90d"),
        (("create", "ci", "--owner", "me", "--expires", "-1d"), "--expires"),
        (("create", "ci", "--owner", "me", "--expires", "1d", "--cidr", "192.0.2.1/24"), "such as 192.0.2.0/24"),
        (("create", "ci", "--owner", "me", "--expires", "1d", "--tag", "team"), "KEY=VALUE"),
        (("rotate", "ci", "--overlap", "a day"), "such as 90d"),
        (("revoke",), "NAME_OR_ID"),
        ((), "COMMAND"),
    ],
)
def test_a_wrong_command_is_told_what_is_wrong(
    command_line: CommandLine, arguments: tuple[str, ...], said: str
) -> None:
    with pytest.raises(SystemExit) as exit_:
        admin.main(["token", *arguments])
    printed = command_line.capture.readouterr()
    assert exit_.value.code == 2 and said in printed.err and printed.out == ""
    assert command_line.stages == []


@pytest.mark.parametrize(
    ("text", "seconds"), [("0", 0), ("45s", 45), ("30m", 1800), ("12h", 43_200), ("365d", 365 * DAY)]
)
def test_durations_have_a_unit(text: str, seconds: int) -> None:
    assert admin.duration(text) == seconds


def test_it_runs_as_a_program_and_explains_itself() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ops.admin", "token", "create", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and "--expires" in done.stdout and done.stderr == ""
