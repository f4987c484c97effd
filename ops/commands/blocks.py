"""The commands that stop vending: `credvend-admin block`, `unblock`, `blocks`, `stop` and `start`."""

import json
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from chalicelib.blocks.gates import FOR_GOOD, GATES
from chalicelib.blocks.keys import ALL
from chalicelib.text.timestamps import moment
from ops.aws.operator import Operator, find_operator
from ops.blocking.blocks import Block, Blocks
from ops.blocking.heeded import unheeded
from ops.blocking.named import EVERYTHING, Kind, Named, named
from ops.commands.options import json_option, stage_option
from ops.commands.revoke import also_option, chains_option, revoke, revoking_of
from ops.errors import NotFinished, OperationFailed
from ops.iam.principals import role_of_session
from ops.ledger.sessions import sessions_of
from ops.revoking.known import configured, in_ledger, meant
from ops.revoking.revoking import Revoking, Target
from ops.stages.names import BLOCKS_TABLE, table_name
from ops.terminal.arguments import When, expect_one_at_most, reason, when
from ops.terminal.columns import columns
from ops.terminal.commands import AwsCommand
from ops.terminal.say import escaped, say

_F = TypeVar("_F", bound=Callable[..., Any])
_COLUMNS: Final = ("Kind", "Name", "Until", "Blocked", "By", "Reason")
# The name stays whole, and breaks the line if it must: `unblock` takes it.
_NARROWED: Final = ("By", "Reason")
_NAMED: Final = "CALLER|ROLE|ISSUER"


def _open(stage: str) -> tuple[Operator, Blocks]:
    operator = find_operator(say)
    table = table_name(stage, BLOCKS_TABLE)
    operator.expect(table, {"id": "list"})
    return operator, Blocks(table, operator)


def _named_argument(command: _F) -> _F:
    """What is meant, and its kind where the name does not tell."""
    for kind, whose in (("issuer", "one of issuers.yaml"), ("role", "one of roles.yaml"), ("caller", "a caller's")):
        command = click.option(f"--{kind}", f"is_{kind}", is_flag=True, help=f"The name is {whose}.")(command)
    return click.argument("name", metavar=_NAMED)(command)


def _kind(is_caller: bool, is_role: bool, is_issuer: bool) -> Kind | None:
    expect_one_at_most({"--caller": is_caller, "--role": is_role, "--issuer": is_issuer})
    return "caller" if is_caller else "role" if is_role else "issuer" if is_issuer else None


def _until_option(command: _F) -> _F:
    return click.option("--until", type=when, metavar="TIME", help="For so long: 2h, or until 2026-01-31T12:00:00Z.")(
        command
    )


def _reason_option(command: _F) -> _F:
    return click.option("--reason", type=reason, metavar="TEXT", help="Why: `blocks` shows it.")(command)


@click.command(cls=AwsCommand)
@_named_argument
@_until_option
@_reason_option
@click.option("--revoke", "revokes", is_flag=True, help="End their live sessions as well, and do not ask.")
@click.option("--no-revoke", "no_revoke", is_flag=True, help="Let their live sessions go on, and do not ask.")
@click.option("--exact", is_flag=True, help="The name is meant as it is written, though one is known in other case.")
@also_option
@chains_option
@stage_option
def block(
    *,
    name: str,
    is_caller: bool,
    is_role: bool,
    is_issuer: bool,
    until: When | None,
    reason: str | None,
    revokes: bool,
    no_revoke: bool,
    exact: bool,
    also: Sequence[str],
    config: Path,
    stage: str,
) -> None:
    """Vend nothing more to a caller, of a role, or for an issuer's tokens.

    The name is a caller's as audit records have it, the ARN of an IAM role, which means all its sessions, or the name
    of a role or an issuer, with --role or --issuer.
    """
    expect_one_at_most({"--revoke": revokes, "--no-revoke": no_revoke})
    what = named(name, _kind(is_caller, is_role, is_issuer))
    if what.doubt is not None:
        raise OperationFailed(f"{escaped(name)} {what.doubt.removesuffix('.')}. Nothing was blocked.")
    unasked = None if exact else _expect_no_other_case(what, config, stage)
    ends = _add(stage, what, until, reason, "it is unblocked")
    say(f"Blocked {escaped(what.words)}, {ends}: from now on, no vend of it is let through.")
    if unasked is not None:
        say(unasked)
    if (role := role_of_session(what.key.partition(":")[2])) is not None:
        say(f"Whoever may assume {role} may be another caller by another session name: block that for all of them.")
    if what.kind is not None and not no_revoke:
        try:
            _offer_to_revoke(revoking_of(stage, config, also), what.kind, name, reason, revokes)
        except NotFinished:
            raise
        except OperationFailed as error:
            raise NotFinished(f"{error}\nIt is blocked. Its sessions that are live, if any, go on.") from None
    _expect_heeded(config)


def _expect_no_other_case(what: Named, config: Path, stage: str) -> str | None:
    """A block of a name in other case than it has would hit nobody, and say nothing of it.

    Returns:
        That the ledger could not be asked, and why: it is to be blocked all the same.

    Raises:
        OperationFailed: such a name is known.
    """
    kind, name = what.kind, what.key.partition(":")[2]
    if kind is None:
        return None
    found = meant(name, configured(config, kind, name))
    if found is None:
        try:
            found = meant(name, in_ledger(sessions_of(find_operator(say), stage), kind, name))
        except OperationFailed as error:
            return f"Not asked whether the ledger knows {escaped(name)} in other case: {error}"
    if found is not None:
        raise OperationFailed(
            f"{escaped(name)} is not known, and {escaped(found)} is: did you mean that? Nothing was blocked. --exact "
            "blocks it as it is written."
        )
    return None


def _expect_heeded(config: Path) -> None:
    """What is written down is no use where nobody asks for it.

    Raises:
        NotFinished: so it is.
    """
    if (why := unheeded(config)) is not None:
        raise NotFinished(escaped(why))


def _offer_to_revoke(revoking: Revoking, kind: Kind, name: str, reason: str | None, revokes: bool) -> None:
    """Whoever is blocked may have sessions that go on."""
    target = _target(kind, name)
    live = revoking.plan(target, revoking.look_well(target))
    if not live:
        say(revoking.nothing(target))
    elif revokes or sys.stdin.isatty():
        try:
            revoke(revoking, target, reason, yes=revokes)
        except OperationFailed as error:
            if revokes or isinstance(error, NotFinished):
                raise
            say(str(error))  # whoever says no has what they wanted: it is blocked
    else:
        count = len({entry.id for one in live for entry in one.entries})
        ends = f"credvend-admin revoke --{kind} {shlex.quote(name)} ends them"
        say(f"Sessions of it that are live, and go on: {count}. {ends}.")


def _target(kind: Kind, name: str) -> Target:
    match kind:
        case "caller":
            return Target(caller=name, blocked=True)
        case "issuer":
            return Target(issuer=name, blocked=True)
        case "role":
            # It is ended by time, which hits others: what they get after the moment is left to them.
            return Target(role=name)


@click.command(cls=AwsCommand)
@_until_option
@_reason_option
@chains_option
@stage_option
def stop(until: When | None, reason: str | None, config: Path, stage: str) -> None:
    """Vend nothing more to anybody."""
    ends = _add(stage, EVERYTHING, until, reason, "credvend-admin start")
    say(f"Stopped: from now on, nothing is vended to anybody, {ends}.")
    say("Live sessions go on: credvend-admin revoke --all ends them.")
    _expect_heeded(config)


def _add(stage: str, what: Named, until: When | None, reason: str | None, otherwise: str) -> str:
    """Block it. Says until when, or what ends a block that has no end."""
    operator, blocks = _open(stage)
    now = operator.now()
    ends = FOR_GOOD if until is None else until.after(now)
    if ends <= now:
        raise OperationFailed("--until is over already. Nothing was blocked.")
    blocks.add(Block(what.key, min(ends, FOR_GOOD), now, operator.who_if_told(), reason))
    return f"until {otherwise if ends >= FOR_GOOD else moment(ends)}"


@click.command(cls=AwsCommand)
@_named_argument
@stage_option
def unblock(name: str, is_caller: bool, is_role: bool, is_issuer: bool, stage: str) -> None:
    """Vend again what was blocked."""
    kind = _kind(is_caller, is_role, is_issuer)
    _, blocks = _open(stage)
    listed = blocks.listed()
    key = _key_of(name, kind, listed)
    if key not in listed:
        raise OperationFailed(f"{escaped(name)} is not blocked. `credvend-admin blocks` shows what is.")
    blocks.remove(key)
    say(f"Not blocked any more: {escaped(name)}.")


def _key_of(name: str, kind: Kind | None, listed: Mapping[str, Block]) -> str:
    """Of what is blocked, a name alone says which, unless several have it."""
    found = [key for key in listed if key.partition(":")[2] == name]
    return found[0] if kind is None and len(found) == 1 else named(name, kind).key


@click.command(cls=AwsCommand)
@stage_option
def start(stage: str) -> None:
    """Vend again, after `stop`; what is blocked besides stays blocked."""
    _, blocks = _open(stage)
    if ALL not in (listed := blocks.listed()):
        raise OperationFailed("Vending is not stopped. `credvend-admin blocks` shows what is blocked.")
    blocks.remove(ALL)
    say("Vending goes on." + (" What else is blocked stays so: `credvend-admin blocks`." if len(listed) > 1 else ""))


@click.command(cls=AwsCommand)
@click.option("--repair", is_flag=True, help=f"Have each of the {GATES} copies say what the list says.")
@stage_option
@json_option
def blocks(repair: bool, stage: str, as_json: bool) -> None:
    """Show what is blocked, by whom and why, and see that it is everywhere."""
    operator, blocks = _open(stage)
    state = blocks.settled_state()
    now = operator.now()
    described = [
        _described(one, now) for one in sorted(state.blocks.values(), key=lambda one: (one.until <= now, one.key))
    ]
    if as_json:
        print(json.dumps(described, indent=2))
    elif described:
        print(columns(_COLUMNS, [one | {"Until": one["Until"] or "for good"} for one in described], _NARROWED))
    else:
        say("Nothing is blocked.")
    if repair:
        say(f"{blocks.repair(state)} of {GATES} copies repaired.")
    elif odd := state.odd_gates(now):
        raise NotFinished(
            f"{len(odd)} of {GATES} copies of the blocks say other things than this list, and vends that ask those go "
            "by them. `credvend-admin blocks --repair` has them say the same."
        )


def _described(one: Block, now: int) -> dict[str, object]:
    kind, _, name = one.key.partition(":")
    return {
        "Kind": {"principal": "IAM role"}.get(kind, kind),
        "Name": name or "all vending",
        "Until": None if one.until >= FOR_GOOD else moment(one.until),
        "Over": one.until <= now,
        "Blocked": moment(one.at),
        "By": one.by,
        "Reason": one.reason,
    }
