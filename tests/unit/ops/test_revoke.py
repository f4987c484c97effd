"""Ending sessions, as operators give the command: what is asked for, what they are told, and how it ends."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from ops import admin
from ops.revoking import revoking
from testing.dynamodb.credvend_tables import SESSIONS
from testing.dynamodb.faults import Before
from tests.unit.chalicelib.ledger.ledger_world import ACCOUNT, ALICE
from tests.unit.ops.admin_line import AdminLine
from tests.unit.ops.stage_tables import OPERATOR, StageTables

READER = f"arn:aws:iam::{ACCOUNT}:role/reader"
WRITER = f"arn:aws:iam::{ACCOUNT}:role/writer"
DEEP = f"arn:aws:iam::{ACCOUNT}:role/deep/down"
OLGA = f"arn:aws:sts::{ACCOUNT}:assumed-role/Dev/olga"
OTTO = f"arn:aws:sts::{ACCOUNT}:assumed-role/Dev/otto"
WRITES = {"role": "writer", "role_arn": WRITER}
BY_OLGA = {"caller": OLGA, "caller_tag": OLGA, "source_identity": "olga"}
UNTAGGED = {"tagged": False, "caller_tag": None}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A catalog in which reader's sessions may go on to another role, and writer is probed."""
    (tmp_path / "roles.yaml").write_text(f"""
roles:
  - {{name: reader, arn: "{READER}", description: "", chains_to: ["{DEEP}"]}}
  - {{name: writer, arn: "{WRITER}", description: "", probe: "ec2:DescribeInstances"}}
""")
    return tmp_path


def keys(tables: StageTables) -> set[tuple[str, str]]:
    """Role and form of what was asked for."""
    return {
        (role, f"{one['form']}{' chained' if one['chained'] else ''}") for (role, _), one in tables.asked_for().items()
    }


def test_one_session_is_ended_by_its_id_and_where_it_may_have_gone_on(
    line: AdminLine, tables: StageTables, config: Path
) -> None:
    tables.add_session("a", 60)
    tables.add_session("b", 30)
    tables.revoker_works()
    arguments = ("--session", "a", "--reason", "leaked", "--yes", "--config", str(config))
    result = cast("list[dict[str, Any]]", line.json("revoke", *arguments))
    now = int(tables.clock.now * 1000)
    asked = tables.asked_for()
    assert asked.keys() == {(READER, "session#a"), (DEEP, "session#a#chained")}
    one = asked[READER, "session#a"]
    assert (one["request_id"], one["by"], one["reason"], one["requested"]) == ("a", OPERATOR, "leaked", str(now))
    assert int(str(one["until"])) >= tables.entry("a").expires
    assert {(each["RoleArn"], each["Progress"]) for each in result} == {(READER, "written"), (DEEP, "written")}
    entry = tables.entry("a")
    assert (entry.revoke_requested, entry.revoked_by, entry.revoke_reason) == (now, OPERATOR, "leaked")
    assert entry.revoke_written is not None and not entry.is_live(tables.clock.now)
    assert tables.entry("b").revoke_requested is None


def test_a_session_is_named_by_its_access_key_id_as_well(line: AdminLine, tables: StageTables) -> None:
    tables.add_session("a", 60)
    tables.add_session("b", 60)
    tables.revoker_works()
    line.run("revoke", "--key", "ASIAB", "--yes")
    assert tables.asked_for().keys() == {(READER, "session#b")}


def test_a_caller_is_ended_on_all_of_its_roles_and_nobody_else(
    line: AdminLine, tables: StageTables, config: Path
) -> None:
    tables.add_session("a", 60, **BY_OLGA)
    tables.add_session("b", 50, **BY_OLGA, **WRITES)
    tables.add_session("c", 40)
    tables.add_session("ended", 4000, **BY_OLGA, role="other", role_arn=f"{READER}-2")
    tables.revoker_works(in_force=True)
    _, err = line.run("revoke", "--caller", OLGA, "--yes", "--config", str(config))
    asked = tables.asked_for()
    assert keys(tables) == {(READER, "caller"), (WRITER, "caller"), (DEEP, "caller chained")}
    for (role, _), one in asked.items():
        assert one["caller_tag"] == OLGA and int(str(one["issued_before"])) == int(tables.clock.now) + 1
        assert ("source_identity" in one) == (role == DEEP)
    assert "2 live sessions of 1 caller on 2 roles (reader, writer):" in err and OLGA in err and "Done." in err
    assert tables.entry("b").revoke_in_force is not None and tables.entry("c").revoke_requested is None


def test_an_iam_role_stands_for_all_its_sessions(line: AdminLine, tables: StageTables) -> None:
    tables.add_session("a", 60, **BY_OLGA)
    tables.add_session("b", 50, caller=OTTO, caller_tag=OTTO)
    tables.add_session("c", 40)
    tables.revoker_works()
    line.run("revoke", "--caller", f"arn:aws:iam::{ACCOUNT}:role/path/Dev", "--yes")
    assert {one["caller_tag"] for one in tables.asked_for().values()} == {OLGA, OTTO}


def test_an_issuers_callers_are_ended_and_no_other_issuers(line: AdminLine, tables: StageTables) -> None:
    for id_, caller in (("a", "oidc:github:one"), ("b", "oidc:github:two"), ("c", "oidc:github-too:one"), ("d", ALICE)):
        tables.add_session(id_, 60, caller=caller, caller_tag=caller)
    tables.revoker_works()
    assert {one["Id"] for one in cast("list[dict[str, str]]", line.json("sessions", "--issuer", "github"))} == {
        "a",
        "b",
    }
    line.run("revoke", "--issuer", "github", "--yes")
    assert {one["caller_tag"] for one in tables.asked_for().values()} == {"oidc:github:one", "oidc:github:two"}
    line.run("block", "github-too", "--issuer", "--revoke")
    assert "oidc:github-too:one" in {one["caller_tag"] for one in tables.asked_for().values()}
    assert tables.entry("d").revoke_requested is None


@pytest.mark.parametrize("which", [("--session", "a"), ("--caller", ALICE)])
def test_without_tags_the_source_identity_tells_and_without_both_all_of_the_role_end(
    line: AdminLine, tables: StageTables, which: tuple[str, str]
) -> None:
    tables.add_session("a", 60, **UNTAGGED)
    tables.revoker_works()
    _, err = line.run("revoke", *which, "--yes")
    ((_, one),) = tables.asked_for().items()
    assert (one["form"], one["source_identity"]) == ("caller", "alice") and "caller_tag" not in one
    assert "It also ends" in err and "source identity alice" in err
    tables.add_session("a", 60, **UNTAGGED, source_identity=None)
    _, err = line.run("revoke", *which, "--yes")
    assert (READER, "issued_before") in keys(tables)
    assert "It also ends" in err and "all sessions of it that were issued until now, whoever has them" in err


def test_a_role_and_an_account_and_all_are_ended_by_time(line: AdminLine, tables: StageTables, config: Path) -> None:
    for number, (which, expected) in enumerate(
        (
            (("--role", "reader"), {(READER, "issued_before"), (DEEP, "session chained")}),
            (("--account", "999988887777"), {(WRITER, "issued_before")}),
            (("--all",), {(READER, "issued_before"), (DEEP, "session chained"), (WRITER, "issued_before")}),
        )
    ):
        for key in tables.asked_for():
            tables.client.delete_item(
                TableName="credvend-test-revocations", Key={"role_arn": {"S": key[0]}, "id": {"S": key[1]}}
            )
        tables.add_session(f"a{number}", 60)
        tables.add_session(f"b{number}", 50, **WRITES, account="999988887777")
        tables.revoker_works(in_force=True)
        _, err = line.run("revoke", *which, "--yes", "--config", str(config))
        assert keys(tables) == expected
        assert "whoever has them" in err
        one = next(one for one in tables.asked_for().values() if one["form"] == "issued_before")
        assert int(str(one["until"])) >= int(tables.clock.now) + 3600
        tables.database.faults.clear()


def test_a_session_that_has_ended_is_followed_where_it_may_have_gone_on(
    line: AdminLine, tables: StageTables, config: Path
) -> None:
    tables.add_session("a", 4000)
    tables.revoker_works()
    line.run("revoke", "--session", "a", "--yes", "--config", str(config))
    assert tables.asked_for().keys() == {(DEEP, "session#a#chained")}
    _, err = line.run("revoke", "--session", "a", "--yes")
    assert "nothing to revoke" in err


@pytest.mark.parametrize(
    ("which", "words"),
    [
        (("--caller", "user/alice"), "user/alice can be nobody"),  # as the table showed it once
        (("--caller", "token:a b"), "token:a b "),
        (("--key", "AKIA1234567890EXAMPLE"), "has the access key id AKIA1234567890EXAMPLE: credvend did not vend it"),
        (("--session", "nobody"), "There is no session nobody"),
    ],
)
def test_what_can_hit_nobody_is_no_success(
    line: AdminLine, tables: StageTables, which: tuple[str, str], words: str
) -> None:
    tables.add_session("a", 60)
    assert words in line.run("revoke", *which, "--yes", status=1)[1]
    if which[0] == "--caller":
        assert words in line.run("sessions", *which, status=1)[1]


@pytest.mark.parametrize(
    ("which", "words"),
    [
        (("--key", "ASIAENDED"), "Session ended is ended: there is nothing to revoke."),
        (("--session", "failed"), "Session failed is failed: there is nothing to revoke."),
        (("--role", "redaer"), "No session of role redaer is live: there is nothing to revoke. The roles.yaml"),
        (("--role", "writer"), "No session of role writer is live: there is nothing to revoke.\n"),
        (("--caller", OLGA), f"No session of caller {OLGA} is live"),
        (("--issuer", "githb"), "No session of issuer githb is live"),
        (("--account", "999988887777"), "No session of account 999988887777 is live"),
    ],
)
def test_where_nothing_is_live_it_is_said_of_what(
    line: AdminLine, tables: StageTables, tmp_path: Path, which: tuple[str, str], words: str
) -> None:
    tables.add_session("ended", 7200)
    tables.add_session("failed", 60, state="failed", access_key_id=None)
    (tmp_path / "roles.yaml").write_text(f"roles: [{{name: writer, arn: '{WRITER}', description: ''}}]")
    assert words in line.run("revoke", *which, "--yes", "--config", str(tmp_path))[1]


def test_many_roles_are_not_all_named(line: AdminLine, tables: StageTables) -> None:
    for number in range(7):
        tables.add_session(f"s{number}", 60, role=f"r{number}", role_arn=f"{READER}{number}")
    assert "on 7 roles (r0, r1, r2, r3, r4, and 2 more):" in line.run("revoke", "--all", status=1)[1]


def test_a_session_is_ended_wherever_it_can_have_come_to_in_any_number_of_steps(
    line: AdminLine, tables: StageTables, config: Path
) -> None:
    far = f"arn:aws:iam::{ACCOUNT}:role/far"
    with (config / "roles.yaml").open("a") as file:
        file.write(f'  - {{name: deep, arn: "{DEEP}", description: "", chains_to: ["{far}", "{READER}"]}}\n')
    tables.add_session("a", 60)
    tables.add_session("ended", 2 * 3600 + 1800)
    tables.revoker_works()
    line.run("revoke", "--session", "a", "--yes", "--config", str(config))
    chained = "session#a#chained"
    assert tables.asked_for().keys() == {(READER, "session#a"), (DEEP, chained), (far, chained), (READER, chained)}
    # Two steps may take two hours; sessions that are named may have gone round in circles.
    line.run("revoke", "--role", "reader", "--yes", "--config", str(config))
    assert (far, "session#ended#chained") in tables.asked_for()
    tables.add_session("old", 40 * 3600)
    line.run("revoke", "--session", "old", "--yes", "--config", str(config))
    assert (READER, "session#old#chained") in tables.asked_for()


def test_what_is_denied_already_can_be_asked_for_again(line: AdminLine, tables: StageTables) -> None:
    """Its policy may be gone, as whoever has rights on IAM can have taken it off."""
    tables.add_session("a", 60)
    tables.revoker_works()
    for which in (("--session", "a"), ("--caller", ALICE), ("--role", "reader")):
        line.run("revoke", *which, "--yes")
        tables.clock.now += 5
        before = {key: one["requested"] for key, one in tables.asked_for().items()}
        assert "Done." in line.run("revoke", *which, "--yes")[1]
        assert {key for key, one in tables.asked_for().items() if one["requested"] != before[key]}


def test_a_role_that_begins_to_tag_sessions_lets_in_none_that_were_denied_by_source_identity(
    line: AdminLine, tables: StageTables
) -> None:
    tables.add_session("untagged", 60, **UNTAGGED)
    tables.revoker_works()
    line.run("revoke", "--caller", ALICE, "--yes")
    tables.add_session("tagged", 5)
    line.run("revoke", "--caller", ALICE, "--yes")
    asked = [(one.get("caller_tag"), one.get("source_identity")) for one in tables.asked_for().values()]
    assert sorted(asked, key=str) == [(ALICE, None), (None, "alice")]


def test_whoever_shares_a_session_that_is_revoked_is_shown_as_revoked(line: AdminLine, tables: StageTables) -> None:
    tables.add_session("made", 60)
    tables.add_session("shares", 59, shared_with="made")
    tables.revoker_works()
    line.run("revoke", "--session", "made", "--yes")
    assert tables.asked_for().keys() == {(READER, "session#made")}
    assert line.json("sessions", "--live") == []


def test_roles_that_the_catalog_does_not_name_may_be_named(line: AdminLine, tables: StageTables) -> None:
    tables.add_session("a", 60)
    tables.revoker_works()
    _, err = line.run("revoke", "--session", "a", "--also", DEEP, "--yes")
    assert tables.asked_for().keys() == {(READER, "session#a"), (DEEP, "session#a#chained")}
    assert "roles.yaml does not hold role reader" in err and "--also" in err
    assert "is no role" in line.run("revoke", "--session", "a", "--also", "deep", status=2)[1]


def test_a_catalog_that_cannot_be_read_keeps_nobody_from_it(
    line: AdminLine, tables: StageTables, tmp_path: Path
) -> None:
    tables.add_session("a", 60)
    tables.revoker_works()
    (tmp_path / "roles.yaml").write_text("roles: 5")
    _, err = line.run("revoke", "--session", "a", "--yes", "--config", str(tmp_path))
    assert "--config names the directory" in err and (READER, "session#a") in tables.asked_for()


def test_nothing_is_done_without_a_yes(line: AdminLine, tables: StageTables) -> None:
    tables.add_session("a", 60)
    for answer in ("n\n", "", "yess\n"):
        line.answer(answer)
        assert "Nothing was revoked." in line.run("revoke", "--session", "a", status=1)[1]
    assert "PutItem" not in tables.database.operations() and tables.entry("a").revoke_requested is None
    tables.revoker_works()
    line.answer("y\n")
    assert "1 live session of 1 caller on 1 role (reader):" in line.run("revoke", "--session", "a")[1]
    assert tables.asked_for()


def test_where_nobody_can_be_asked_nothing_is_done(line: AdminLine, tables: StageTables) -> None:
    tables.add_session("a", 60)
    assert "--yes" in line.run("revoke", "--session", "a", status=1)[1]
    assert tables.asked_for() == {}


def test_who_does_not_wait_is_told_where_to_look(line: AdminLine, tables: StageTables) -> None:
    tables.add_session("a", 60)
    _, err = line.run("revoke", "--session", "a", "--yes", "--no-wait")
    assert "sessions show" in err and (READER, "session#a") in tables.asked_for()


def test_what_is_in_its_way_is_told_and_ends_the_command_with_3(
    line: AdminLine, tables: StageTables, impatient: None
) -> None:
    tables.add_session("a", 60)
    tables.revoker_works(problem="The role is in account 5: set `operator_role`.")
    out, err = line.run("revoke", "--session", "a", "--yes", "--json", status=3)
    assert err.count("set `operator_role`") == 1 and "give the command again" in err
    assert '"Progress": "failed"' in out and "set `operator_role`" in out
    assert tables.entry("a").revoke_written is None


def test_what_nobody_carries_out_is_not_called_done(line: AdminLine, tables: StageTables, impatient: None) -> None:
    tables.add_session("a", 60)
    _, err = line.run("revoke", "--session", "a", "--yes", status=3)
    assert "Not written for" in err and "Done" not in err


def test_what_is_not_seen_in_force_is_not_called_done(
    line: AdminLine, tables: StageTables, impatient: None, config: Path
) -> None:
    tables.add_session("a", 60, **WRITES)
    tables.revoker_works()
    _, err = line.run("revoke", "--session", "a", "--yes", "--config", str(config), status=3)
    assert "not seen in force" in err
    assert tables.entry("a").revoke_written is not None and tables.entry("a").revoke_in_force is None


def test_a_ctrl_c_leaves_what_was_asked_for_and_says_so(
    line: AdminLine, tables: StageTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables.add_session("a", 60)

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ops.commands.revoke.revoking_of", _with_wait(interrupt))
    _, err = line.run("revoke", "--session", "a", "--yes", status=3)
    assert "What was asked for stays" in err and (READER, "session#a") in tables.asked_for()


def test_a_connection_that_is_lost_while_waiting_leaves_it_too(line: AdminLine, tables: StageTables) -> None:
    tables.add_session("a", 60)
    tables.database.faults.always("Query", "InternalServerError")
    _, err = line.run("revoke", "--session", "a", "--yes", status=3)
    assert "What was asked for stays, and is carried out." in err and (READER, "session#a") in tables.asked_for()


@pytest.mark.parametrize(("which", "form"), [(("--caller", ALICE), "caller"), (("--role", "reader"), "issued_before")])
def test_a_session_that_was_under_way_does_not_get_away(
    line: AdminLine, tables: StageTables, monkeypatch: pytest.MonkeyPatch, which: tuple[str, str], form: str
) -> None:
    tables.add_session("a", 60)
    tables.add_session("late", 1, state="requested", access_key_id=None)
    tables.revoker_works()

    def wait(_: float) -> None:
        """STS answers meanwhile."""
        tables.clock.now += 3
        tables.add_session("late", 4, expires=int(tables.clock.now) + 3600)

    monkeypatch.setattr("ops.commands.revoke.revoking_of", _with_wait(wait))
    _, err = line.run("revoke", *which, "--yes")
    (one,) = tables.asked_for().values()
    late = tables.entry("late")
    assert "1 session had been under way" in err and "Done." in err
    assert one["form"] == form and int(str(one["issued_before"])) > late.expires - late.duration
    assert one["written"] and not late.is_live(tables.clock.now)


def test_a_session_that_no_index_knows_yet_does_not_get_away(
    line: AdminLine, tables: StageTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was vended a moment ago, on another role, or is the only one that there is."""
    seen: list[float] = []

    def wait(seconds: float) -> None:
        seen.append(seconds)
        tables.add_session("just-now", 1, **WRITES)

    tables.revoker_works()
    monkeypatch.setattr("ops.commands.revoke.revoking_of", _with_wait(wait))
    line.run("revoke", "--caller", ALICE, "--yes")
    assert keys(tables) == {(WRITER, "caller")} and len(seen) == 1


def test_a_session_of_another_role_that_the_index_comes_to_know_is_asked_for_as_well(
    line: AdminLine, tables: StageTables
) -> None:
    tables.add_session("a", 60)
    tables.revoker_works()
    known = Before(lambda: tables.add_session("just-now", 1, **WRITES))
    tables.database.faults.next("PutItem", known)  # once the command has looked
    _, err = line.run("revoke", "--caller", ALICE, "--yes")
    assert keys(tables) == {(READER, "caller"), (WRITER, "caller")} and "1 session had been under way" in err


@pytest.mark.parametrize("who", [(ALICE,), ("--issuer", "github")])
def test_of_who_is_blocked_what_was_under_way_does_not_get_away_though_nobody_waits(
    line: AdminLine, tables: StageTables, monkeypatch: pytest.MonkeyPatch, who: tuple[str, ...]
) -> None:
    caller = ALICE if who == (ALICE,) else "oidc:github:one"
    tables.add_session("a", 60, caller=caller, caller_tag=caller)
    tables.add_session("late", 1, state="requested", access_key_id=None, caller=caller, caller_tag=caller)

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ops.commands.blocks.revoking_of", _with_wait(interrupt))
    line.run("block", *who, "--revoke", status=3)
    (one,) = tables.asked_for().values()
    # STS gives it when the function's time is almost over.
    assert int(str(one["issued_before"])) > tables.clock.now + 28


@pytest.mark.parametrize("ahead", [-8, 8, -3600])
def test_a_clock_that_is_wrong_leaves_out_no_session_and_hits_no_later_one(
    line: AdminLine, tables: StageTables, monkeypatch: pytest.MonkeyPatch, ahead: int
) -> None:
    tables.add_session("a", 2)
    tables.revoker_works()
    monkeypatch.setattr("ops.commands.revoke.find_operator", lambda _say: tables.operator(ahead=ahead))
    line.run("revoke", "--role", "reader", "--yes")
    (one,) = tables.asked_for().values()
    assert one["issued_before"] == str(int(tables.clock.now) + 1)


def test_a_later_request_of_somebody_else_is_left_as_it_is(line: AdminLine, tables: StageTables) -> None:
    tables.add_session("a", 60)
    tables.revoker_works()
    line.run("revoke", "--session", "a", "--yes")
    before = tables.asked_for()[READER, "session#a"]
    tables.clock.now -= 30
    line.run("revoke", "--session", "a", "--yes")
    assert tables.asked_for()[READER, "session#a"] == before


@pytest.mark.parametrize(
    "arguments", [(), ("--session", "a", "--all"), ("--all", "--reason", "a\nb"), ("--all", "--reason", "x" * 257)]
)
def test_a_command_that_is_not_clear_is_refused(line: AdminLine, arguments: tuple[str, ...]) -> None:
    assert admin.main(["revoke", *arguments]) == 2


def test_many_sessions_are_asked_for_at_once(line: AdminLine, tables: StageTables) -> None:
    for number in range(120):
        tables.add_session(f"s{number:03}", 60, caller=f"oidc:github:{number}", caller_tag=f"oidc:github:{number}")
    tables.revoker_works()
    _, err = line.run("revoke", "--role", "reader", "--yes")
    assert "120 live sessions of 120 callers on 1 role (reader):" in err and "and 115 more callers" in err
    assert len(tables.asked_for()) == 1
    assert all("revoke_written" in item for item in tables.database.items(SESSIONS.name))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two minutes are over after two looks."""
    moments = iter(range(0, 100_000, 70))
    monkeypatch.setattr("ops.commands.revoke.revoking_of", _with_wait(lambda _: None, lambda: float(next(moments))))


def _with_wait(wait: Any, monotonic: Any = None) -> Any:
    from ops.commands.revoke import revoking_of

    def revoking_with(stage: str, config: Path, also: Sequence[str]) -> revoking.Revoking:
        made = revoking_of(stage, config, also)
        return revoking.Revoking(made.sessions, made.chains, made.say, monotonic=monotonic or made.monotonic, wait=wait)

    return revoking_with
