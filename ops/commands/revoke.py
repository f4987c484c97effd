"""The command that ends live sessions: `credvend-admin revoke`."""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from ops.aws.operator import find_operator
from ops.blocking.named import check_caller
from ops.commands.options import default_config, json_option, stage_option
from ops.errors import CommandFailed, NotFinished, OperationFailed
from ops.iam.principals import iam_role
from ops.ledger.sessions import sessions_of
from ops.revoking.chains import read_chains
from ops.revoking.revoking import Pending, Revoking, Target
from ops.revoking.watching import PATIENCE_SECONDS
from ops.terminal.arguments import account, expect_one, reason
from ops.terminal.commands import AwsCommand
from ops.terminal.question import ask, check_can_ask
from ops.terminal.say import escaped, say

_F = TypeVar("_F", bound=Callable[..., Any])


def _role_arn(text: str) -> str:
    if iam_role(text) is None:
        raise click.BadParameter(f"{text!r} is no role: write its ARN with its path, arn:aws:iam::ACCOUNT:role/NAME")
    return text


def also_option(command: _F) -> _F:
    """`--also`: roles to which sessions may have gone on, besides those that are known."""
    return click.option(
        "--also",
        multiple=True,
        type=_role_arn,
        metavar="ROLE_ARN",
        help="A role to which the sessions may have gone on, besides those that roles.yaml names; may be repeated.",
    )(command)


def chains_option(command: _F) -> _F:
    """`--config`, of which there may be none: whoever has an incident has other worries."""
    return click.option(
        "--config",
        type=Path,
        default=default_config,
        envvar="CREDVEND_CONFIG_DIR",
        metavar="DIR",
        help="The directory that is deployed, whose roles.yaml says to which roles sessions go on (chains_to).",
    )(command)


@click.command("revoke", cls=AwsCommand)
@click.option("--session", metavar="ID", help="One session, by its id.")
@click.option("--key", metavar="ASIA...", help="One session, by its access key id.")
@click.option("--caller", help="All of a caller, as audit records name it, or of an IAM role by its ARN.")
@click.option("--issuer", help="All of callers who came with an issuer's tokens, by its name in issuers.yaml.")
@click.option("--role", help="All of a role of the catalog, whoever has them.")
@click.option("--account", type=account, help="All of the roles of an account that has live ones, whoever has them.")
@click.option("--all", "everything", is_flag=True, help="All of all roles that have live ones, whoever has them.")
@click.option("--reason", type=reason, metavar="TEXT", help="Why: kept with the sessions, and with the revocation.")
@also_option
@chains_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--no-wait", is_flag=True, help="Do not wait until it is carried out.")
@stage_option
@json_option
def revoke_command(
    *,
    session: str | None,
    key: str | None,
    caller: str | None,
    issuer: str | None,
    role: str | None,
    account: str | None,
    everything: bool,
    reason: str | None,
    also: Sequence[str],
    config: Path,
    yes: bool,
    no_wait: bool,
    stage: str,
    as_json: bool,
) -> None:
    """End live sessions: what they may do is taken from them within seconds.

    One of --session, --key, --caller, --issuer, --role, --account and --all says which.
    """
    named = {"session": session, "key": key, "caller": caller, "issuer": issuer, "role": role, "account": account}
    expect_one({f"--{name}": value is not None for name, value in named.items()} | {"--all": everything})
    if role is not None and role.startswith("arn:"):
        raise OperationFailed("Write the role's name in roles.yaml, not its ARN: `sessions` shows it.")
    if caller is not None:
        check_caller(caller)
    target = Target(
        session=session, keys=(key,) if key else (), caller=caller, role=role, account=account, issuer=issuer
    )
    revoke(revoking_of(stage, config, also), target, reason, yes=yes, wait=not no_wait, as_json=as_json)


def revoking_of(stage: str, config: Path, also: Sequence[str]) -> Revoking:
    """What revokes sessions of a stage.

    Args:
        config: the directory whose roles.yaml says to which roles sessions go on.
        also: ARNs of more such roles.

    Raises:
        OperationFailed: the tables are not there, or cannot be read.
    """
    chains = read_chains(config, also)
    if chains.unread is not None:
        say(f"{escaped(chains.unread)}\nSo roles that sessions go on to are not known: --config names the directory.")
    return Revoking(sessions_of(find_operator(say), stage), chains, say)


def revoke(
    revoking: Revoking, target: Target, reason: str | None, *, yes: bool, wait: bool = True, as_json: bool = False
) -> None:
    """Say what it hits, ask, and have it done.

    Raises:
        NotFinished: it is asked for, and was not seen to be carried out.
        OperationFailed: nobody wants it, or it cannot be asked for.
    """
    requests = revoking.plan(target, revoking.look_well(target))
    if not requests:
        say(revoking.nothing(target))
        _print([], as_json)
        return
    for line in revoking.told(requests):
        say(escaped(line))
    if not yes:
        try:
            check_can_ask("Nobody is here to be asked: --yes revokes without. Nothing was revoked.")
            ask("Revoke?", "Nothing was revoked.")
        except CommandFailed as error:
            raise OperationFailed(str(error)) from None
    pending = revoking.ask(target, requests, reason)
    say("Asked for.")
    if not wait:
        say("`credvend-admin sessions show ID` tells how far it is.")
        _print([{"RoleArn": key.role_arn, "Id": key.id, "Progress": "requested"} for key in pending.keys], as_json)
        return
    _finish(pending, as_json)


def _finish(pending: Pending, as_json: bool) -> None:
    try:
        found = pending.finish(PATIENCE_SECONDS)
    except KeyboardInterrupt:
        raise NotFinished(
            "\nNot watched any longer. What was asked for stays, and is carried out: `credvend-admin sessions show ID` "
            "tells how far it is."
        ) from None
    except OperationFailed as error:
        raise NotFinished(f"{error}\nWhat was asked for stays, and is carried out.") from None
    _print(pending.described(found), as_json)
    if (problem := pending.problems(found)) is not None:
        raise NotFinished(problem)
    say("Done.")


def _print(result: list[dict[str, object]], as_json: bool) -> None:
    if as_json:
        print(json.dumps(result, indent=2))
        sys.stdout.flush()
