"""The command that ends live sessions: `credvend-admin revoke`."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ops.aws.operator import find_operator
from ops.blocking.named import known_caller
from ops.building.source_tree import SHIPPED_CONFIG
from ops.environments import ROOT
from ops.errors import CommandFailed, NotFinished, OperationFailed
from ops.iam.principals import iam_role
from ops.ledger.sessions import sessions_of
from ops.revoking.chains import read_chains
from ops.revoking.revoking import Pending, Revoking, Target
from ops.revoking.watching import PATIENCE_SECONDS
from ops.stages.stage import DEFAULT_STAGE
from ops.terminal.arguments import reason
from ops.terminal.question import ask, check_can_ask
from ops.terminal.say import escaped, say

if TYPE_CHECKING:
    # argparse has no public name for what add_subparsers returns.
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add_revoke_command(groups: "Commands") -> None:
    """Add `revoke` to a command line. It sets `run`, which raises `OperationFailed`."""
    about = "end live sessions: what they may do is taken from them within seconds"
    parser = groups.add_parser("revoke", help=about, description=about)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--session", metavar="ID", help="one session, by its id")
    which.add_argument("--key", metavar="ASIA...", help="one session, by its access key id")
    which.add_argument("--caller", help="all of a caller, as audit records name it, or of an IAM role by its ARN")
    which.add_argument("--issuer", help="all of callers who came with an issuer's tokens, by its name in issuers.yaml")
    which.add_argument("--role", help="all of a role of the catalog, whoever has them")
    which.add_argument("--account", help="all of the roles of an account that has live ones, whoever has them")
    which.add_argument("--all", action="store_true", help="all of all roles that have live ones, whoever has them")
    parser.add_argument("--reason", type=reason, help="why: kept with the sessions, and with the revocation")
    add_revocation_options(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--no-wait", action="store_true", help="do not wait until it is carried out")
    parser.add_argument("--stage", default=DEFAULT_STAGE, help=f"a stage of .chalice/config.json ({DEFAULT_STAGE})")
    parser.add_argument("--json", action="store_true", help="what became of it, as JSON")
    parser.set_defaults(run=_revoke)


def add_revocation_options(parser: argparse.ArgumentParser) -> None:
    """Options of whatever revokes."""
    parser.add_argument(
        "--also",
        action="append",
        default=[],
        type=_role_arn,
        metavar="ROLE_ARN",
        help="a role to which the sessions may have gone on, besides those that roles.yaml names; may be repeated",
    )
    parser.add_argument(
        "--config",
        type=Path,
        default=ROOT / SHIPPED_CONFIG,
        help="the directory that is deployed, whose roles.yaml says to which roles sessions go on (chains_to)",
    )


def revoking_of(stage: str, options: argparse.Namespace) -> Revoking:
    """What revokes sessions of a stage.

    Raises:
        OperationFailed: the tables are not there, or cannot be read.
    """
    chains = read_chains(options.config, options.also)
    if chains.unread is not None:
        say(f"{escaped(chains.unread)}\nSo roles that sessions go on to are not known: --config names the directory.")
    return Revoking(sessions_of(find_operator(say), stage), chains, say)


def revoke(revoking: Revoking, target: Target, options: argparse.Namespace, yes: bool, wait: bool) -> None:
    """Say what it hits, ask, and have it done.

    Raises:
        NotFinished: it is asked for, and was not seen to be carried out.
        OperationFailed: nobody wants it, or it cannot be asked for.
    """
    requests = revoking.plan(target, revoking.look(target))
    if not requests:
        say(revoking.nothing(target))
        _print([], options)
        return
    for line in revoking.told(requests):
        say(line)
    if not yes:
        try:
            check_can_ask("Nobody is here to be asked: --yes revokes without. Nothing was revoked.")
            ask("Revoke?", "Nothing was revoked.")
        except CommandFailed as error:
            raise OperationFailed(str(error)) from None
    pending = revoking.ask(target, requests, options.reason)
    say("Asked for.")
    if not wait:
        say("`credvend-admin sessions show ID` tells how far it is.")
        _print([{"RoleArn": key.role_arn, "Id": key.id, "Progress": "requested"} for key in pending.keys], options)
        return
    _finish(pending, options)


def _finish(pending: Pending, options: argparse.Namespace) -> None:
    try:
        found = pending.finish(PATIENCE_SECONDS)
    except KeyboardInterrupt:
        raise NotFinished(
            "\nNot watched any longer. What was asked for stays, and is carried out: `credvend-admin sessions show ID` "
            "tells how far it is."
        ) from None
    except OperationFailed as error:
        raise NotFinished(f"{error}\nWhat was asked for stays, and is carried out.") from None
    _print(pending.described(found), options)
    if (problem := pending.problems(found)) is not None:
        raise NotFinished(problem)
    say("Done.")


def _print(result: list[dict[str, object]], options: argparse.Namespace) -> None:
    if options.json:
        print(json.dumps(result, indent=2))
        sys.stdout.flush()


def _revoke(options: argparse.Namespace) -> None:
    if options.account is not None and not (options.account.isdigit() and len(options.account) == 12):
        raise OperationFailed(f"{options.account!r} is no account: write its 12 digits.")
    if options.role is not None and options.role.startswith("arn:"):
        raise OperationFailed("Write the role's name in roles.yaml, not its ARN: `sessions` shows it.")
    target = Target(
        session=options.session,
        keys=(options.key,) if options.key else (),
        caller=options.caller and known_caller(options.caller),
        role=options.role,
        account=options.account,
        issuer=options.issuer,
    )
    revoke(revoking_of(options.stage, options), target, options, options.yes, not options.no_wait)


def _role_arn(text: str) -> str:
    if iam_role(text) is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no role: write its ARN with its path, arn:aws:iam::ACCOUNT:role/NAME"
        )
    return text
