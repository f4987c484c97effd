"""The commands that stop vending: `credvend-admin block`, `unblock`, `blocks`, `stop` and `start`."""

import argparse
import json
import shlex
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from chalicelib.blocks.gates import FOR_GOOD, GATES
from chalicelib.blocks.keys import ALL
from chalicelib.text.timestamps import moment
from ops.aws.operator import Operator, find_operator
from ops.blocking.blocks import Block, Blocks
from ops.blocking.named import EVERYTHING, Kind, Named, named
from ops.errors import NotFinished, OperationFailed
from ops.revoke import add_revocation_options, revoke, revoking_of
from ops.revoking.revoking import Target
from ops.stages.names import BLOCKS_TABLE, table_name
from ops.stages.stage import DEFAULT_STAGE
from ops.terminal.arguments import reason, when
from ops.terminal.columns import columns
from ops.terminal.say import escaped, say

if TYPE_CHECKING:
    # argparse has no public name for what add_subparsers returns.
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_COLUMNS: Final = ("Kind", "Name", "Until", "Blocked", "By", "Reason")
# The name stays whole, and breaks the line if it must: `unblock` takes it.
_NARROWED: Final = ("By", "Reason")
_NAMED: Final = "CALLER|ROLE|ISSUER"


def add_block_commands(groups: "Commands") -> None:
    """Add them to a command line. Each sets `run`, which raises `OperationFailed`."""
    block = _command(groups, "block", _block, "vend nothing more to a caller, of a role, or for an issuer's tokens")
    _add_named(block)
    block.add_argument("--until", type=when, metavar="TIME", help="for so long: 2h, or until 2026-01-31T12:00:00Z")
    block.add_argument("--reason", type=reason, help="why: `blocks` shows it")
    live = block.add_mutually_exclusive_group()
    live.add_argument(
        "--revoke",
        action="store_true",
        help="end their live sessions as well, and do not ask",
    )
    live.add_argument("--no-revoke", action="store_true", help="let their live sessions go on, and do not ask")
    add_revocation_options(block)
    block.set_defaults(json=False)

    _add_named(_command(groups, "unblock", _unblock, "vend again what was blocked"))

    blocks = _command(groups, "blocks", _blocks, "show what is blocked, by whom and why, and see that it is everywhere")
    blocks.add_argument("--json", action="store_true", help="as JSON")
    blocks.add_argument("--repair", action="store_true", help="have each of the 96 copies say what the list says")

    stop = _command(groups, "stop", _stop, "vend nothing more to anybody")
    stop.add_argument("--until", type=when, metavar="TIME", help="for so long: 2h, or until 2026-01-31T12:00:00Z")
    stop.add_argument("--reason", type=reason, help="why: `blocks` shows it")

    _command(groups, "start", _start, "vend again, after `stop`; what is blocked besides stays blocked")


def _command(
    groups: "Commands", name: str, run: Callable[[argparse.Namespace], None], about: str
) -> argparse.ArgumentParser:
    parser = groups.add_parser(name, help=about, description=about)
    parser.add_argument("--stage", default=DEFAULT_STAGE, help=f"a stage of .chalice/config.json ({DEFAULT_STAGE})")
    parser.set_defaults(run=run)
    return parser


def _add_named(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name",
        metavar=_NAMED,
        help="a caller as audit records name it, or the ARN of an IAM role: all its sessions; or a name, with its kind",
    )
    kinds = parser.add_mutually_exclusive_group()
    for kind, about in (("caller", "it is a caller"), ("role", "of roles.yaml"), ("issuer", "of issuers.yaml")):
        kinds.add_argument(f"--{kind}", dest="kind", action="store_const", const=kind, help=about)


def _open(stage: str) -> tuple[Operator, Blocks]:
    operator = find_operator(say)
    table = table_name(stage, BLOCKS_TABLE)
    operator.expect(table, {"id": "list"})
    return operator, Blocks(table, operator)


def _block(options: argparse.Namespace) -> None:
    kind: Kind | None = options.kind
    what = named(options.name, kind)
    if what.doubt is not None:
        raise OperationFailed(f"{escaped(options.name)} {what.doubt.removesuffix('.')}. Nothing was blocked.")
    until = _add(options, what, "it is unblocked")
    say(f"Blocked {escaped(what.words)}, {until}: from now on, no vend of it is let through.")
    if what.kind is None or options.no_revoke:
        return
    try:
        _offer_to_revoke(options, what.kind)
    except NotFinished:
        raise
    except OperationFailed as error:
        raise NotFinished(f"{error}\nIt is blocked. Its sessions that are live, if any, go on.") from None


def _offer_to_revoke(options: argparse.Namespace, kind: Kind) -> None:
    """Whoever is blocked may have sessions that go on."""
    target = Target(**{kind: options.name})
    revoking = revoking_of(options.stage, options)
    live = revoking.plan(target, revoking.look(target))
    if not live:
        say(revoking.nothing(target))
    elif options.revoke or sys.stdin.isatty():
        try:
            revoke(revoking, target, options, yes=options.revoke, wait=True)
        except OperationFailed as error:
            if options.revoke or isinstance(error, NotFinished):
                raise
            say(str(error))  # whoever says no has what they wanted: it is blocked
    else:
        name = shlex.quote(options.name)
        count = len({entry.id for one in live for entry in one.entries})
        say(f"Sessions of it that are live, and go on: {count}. credvend-admin revoke --{kind} {name} ends them.")


def _stop(options: argparse.Namespace) -> None:
    until = _add(options, EVERYTHING, "credvend-admin start")
    say(f"Stopped: from now on, nothing is vended to anybody, {until}.")
    say("Live sessions go on: credvend-admin revoke --all ends them.")


def _add(options: argparse.Namespace, what: Named, otherwise: str) -> str:
    """Block it. Says until when, or what ends a block that has no end."""
    operator, blocks = _open(options.stage)
    now = operator.now()
    until = FOR_GOOD if options.until is None else options.until.after(now)
    if until <= now:
        raise OperationFailed("--until is over already. Nothing was blocked.")
    blocks.add(Block(what.key, min(until, FOR_GOOD), now, operator.who_if_told(), options.reason))
    return f"until {otherwise if until >= FOR_GOOD else moment(until)}"


def _unblock(options: argparse.Namespace) -> None:
    _, blocks = _open(options.stage)
    listed = blocks.listed()
    key = _key_of(options, listed)
    if key not in listed:
        raise OperationFailed(f"{options.name} is not blocked. `credvend-admin blocks` shows what is.")
    blocks.remove(key)
    say(f"Not blocked any more: {escaped(options.name)}.")


def _key_of(options: argparse.Namespace, listed: Mapping[str, Block]) -> str:
    """Of what is blocked, a name alone says which, unless several have it."""
    found = [key for key in listed if key.partition(":")[2] == options.name]
    return found[0] if options.kind is None and len(found) == 1 else named(options.name, options.kind).key


def _start(options: argparse.Namespace) -> None:
    _, blocks = _open(options.stage)
    if ALL not in (listed := blocks.listed()):
        raise OperationFailed("Vending is not stopped. `credvend-admin blocks` shows what is blocked.")
    blocks.remove(ALL)
    say("Vending goes on." + (" What else is blocked stays so: `credvend-admin blocks`." if len(listed) > 1 else ""))


def _blocks(options: argparse.Namespace) -> None:
    operator, blocks = _open(options.stage)
    state = blocks.settled_state()
    now = operator.now()
    described = [
        _described(one, now) for one in sorted(state.blocks.values(), key=lambda one: (one.until <= now, one.key))
    ]
    if options.json:
        print(json.dumps(described, indent=2))
    elif described:
        print(columns(_COLUMNS, [one | {"Until": one["Until"] or "for good"} for one in described], _NARROWED))
    else:
        say("Nothing is blocked.")
    if options.repair:
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
