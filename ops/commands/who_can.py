"""The commands that tell who can have what: `credvend-admin who-can` and `what-can`."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from chalicelib.callers.caller import Caller
from chalicelib.configuration.source import WrittenConfiguration
from chalicelib.decisions.decision import Permitted
from chalicelib.errors import ConfigError, CredvendError
from chalicelib.ledger.entry import Entry
from chalicelib.ledger.reading import Wanted
from chalicelib.roles.role import Role
from ops.access.had import Had, had_by
from ops.access.who_can import Cut, Way, who_can
from ops.aws.operator import find_operator
from ops.commands.asked_options import caller_options, where_and_when_options
from ops.commands.named_callers import named_callers
from ops.commands.options import config_option, json_option, stage_option
from ops.deciding.caller_words import MoreOfCaller, caller_entry
from ops.deciding.described import NotDescribed, caller_of, check_role, described_address
from ops.deciding.read_configuration import read_configuration
from ops.errors import OperationFailed
from ops.ledger.sessions import AHEAD_SECONDS, sessions_of
from ops.terminal.arguments import When, when
from ops.terminal.columns import columns
from ops.terminal.progress import Progress
from ops.terminal.say import escaped, escaped_lines, say

_SINCE: Final = When(seconds=30 * 86_400)
_LEFT_OUT: Final = (
    "Roles that are had only with certain tags, params, a format or a policy of the caller's are not among them: "
    "`explain` tells."
)

Json = dict[str, object]


def _ledger_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        stage_option,
        click.option("--since", type=when, metavar="TIME", help="With --sessions: as far back [default: 30d]."),
        click.option("--sessions", is_flag=True, help="Tell who had it, too, from the ledger; asks AWS."),
    ):
        command = option(command)
    return command


@click.command("who-can")
@click.argument("role")
@_ledger_options
@config_option
@json_option
def who_can_command(role: str, sessions: bool, since: When | None, stage: str, config: Path, as_json: bool) -> None:
    """Tell who can have a role.

    That is: the permits that may apply to ROLE, their conditions, and the forbids that cut them. The exit status is 1
    where nobody can.
    """
    written = read_configuration(config)
    found = _role(written, role)
    ways = who_can(written, found)
    had = (
        _had(stage, since, Wanted(since=0, until=0, role=found.name), lambda entry: entry.caller) if sessions else None
    )
    if as_json:
        told: Json = {"Role": found.name, "RoleArn": found.arn, "Permits": [_way_json(way) for way in ways]}
        print(json.dumps(told | {"Had": _had_json(had, "Caller")}, indent=2))
    else:
        for way in ways:
            for line in _way_lines(way):
                print(escaped(line))
        _print_had(had, "Caller", "Nobody has had it since then.")
    if not any(not way.is_closed for way in ways):
        say(f"Nobody can have role {found.name}: no permit applies to it that no forbid takes back.")
        raise click.exceptions.Exit(OperationFailed.status)


@click.command("what-can")
@click.argument("caller")
@caller_options
@where_and_when_options
@_ledger_options
@config_option
@json_option
def what_can_command(
    caller: str,
    groups: tuple[str, ...],
    claims: tuple[str, ...],
    owner: str | None,
    token_tags: Mapping[str, str],
    address: str | None,
    time: datetime | None,
    sessions: bool,
    since: When | None,
    stage: str,
    config: Path,
    as_json: bool,
) -> None:
    """Tell which roles a caller can have.

    CALLER is an ARN, oidc:ISSUER:SUBJECT, token:NAME, a name in tests/, or a file that describes it. The exit status
    is 1 where it can have none.
    """
    written = read_configuration(config)
    now = time or datetime.now(UTC)
    try:
        more = MoreOfCaller(groups, claims, owner, token_tags)
        entry = caller_entry(caller, more, named_callers(config, caller), written.configuration)
        who = caller_of(written.configuration, entry, now)
        where = described_address(address)
    except (NotDescribed, ConfigError) as error:
        raise OperationFailed(escaped_lines(str(error))) from None
    except CredvendError as refusal:
        raise OperationFailed(f"The service would turn it away ({refusal.code}): {refusal.message}") from None
    configuration = written.configuration
    with Progress("Asking policies about each role") as progress:
        progress.begin()
        permitted = configuration.authorizer.permitted(who, configuration.catalog.roles, where, now)
    of_caller = Wanted(since=0, until=0, caller=who.identifier)
    had = _had(stage, since, of_caller, lambda entry: entry.role) if sessions else None
    if as_json:
        print(json.dumps(_what_json(who, permitted, had), indent=2))
    else:
        if permitted:
            print(columns(("Role", "Longest", "Reason", "Arn"), [_permitted_row(one) for one in permitted]))
        _print_had(had, "Role", "It has had none since then.")
        say(_LEFT_OUT)
    if not permitted:
        say(escaped(f"{who.identifier} can have no role."))
        raise click.exceptions.Exit(OperationFailed.status)


def _role(written: WrittenConfiguration, name: str) -> Role:
    try:
        check_role(written.configuration, name)
    except NotDescribed as error:
        raise OperationFailed(str(error)) from None
    found = written.configuration.catalog.find_role(name)
    assert found is not None  # noqa: S101 it was looked for
    return found


def _had(stage: str, since: When | None, of: Wanted, what: Callable[[Entry], str]) -> list[Had]:
    """Sessions of the ledger, counted.

    Args:
        of: whose; its times are not looked at.
    """
    operator = find_operator(say)
    sessions = sessions_of(operator, stage)
    now = operator.now()
    wanted = replace(of, since=(since or _SINCE).before(now) * 1000, until=(now + AHEAD_SECONDS) * 1000)
    return had_by(sessions.find(wanted), what)


def _way_lines(way: Way) -> Iterator[str]:
    yield f"permit {way.name} ({way.file}, line {way.line})"
    issuers = f" of {', '.join(way.issuers)}" if way.issuers else ""
    yield f"  callers: {way.callers} ({', '.join(way.kinds)}{issuers})"
    for condition in way.conditions:
        yield f"  {condition}"
    for cut in way.cuts:
        yield from _cut_lines(cut)


def _cut_lines(cut: Cut) -> Iterator[str]:
    takes = "all of it" if cut.always else "some of it"
    yield f"  forbid {cut.name} ({cut.file}, line {cut.line}) takes back {takes}, from {cut.callers}"
    for condition in cut.conditions:
        yield f"    {condition}"


def _way_json(way: Way) -> Json:
    return {
        "Id": way.name,
        "File": way.file,
        "Line": way.line,
        "Callers": way.callers,
        "Kinds": list(way.kinds),
        "Issuers": list(way.issuers),
        "Conditions": list(way.conditions),
        "Closed": way.is_closed,
        "Forbids": [
            {
                "Id": cut.name,
                "File": cut.file,
                "Line": cut.line,
                "Callers": cut.callers,
                "Always": cut.always,
                "Conditions": list(cut.conditions),
            }
            for cut in way.cuts
        ],
    }


def _what_json(who: Caller, permitted: list[Permitted], had: list[Had] | None) -> Json:
    return {
        "Caller": who.identifier,
        "CallerType": who.kind,
        "Roles": [
            {
                "Role": one.role.name,
                "RoleArn": one.role.arn,
                "MaxDurationSeconds": one.longest_duration,
                "ReasonRequired": one.reason_required,
            }
            for one in permitted
        ],
        "Had": _had_json(had, "Role"),
    }


def _permitted_row(one: Permitted) -> Json:
    return {
        "Role": one.role.name,
        "Longest": f"{one.longest_duration} s",
        "Reason": "required" if one.reason_required else "-",
        "Arn": one.role.arn,
    }


def _had_json(had: list[Had] | None, what: str) -> list[Json] | None:
    if had is None:
        return None
    return [{what: one.what, "Sessions": one.sessions, "LastAsked": one.last_asked} for one in had]


def _print_had(had: list[Had] | None, what: str, nothing: str) -> None:
    if had:
        print()
        print(
            columns(
                (what, "Sessions", "Last"),
                [{what: escaped(one.what), "Sessions": one.sessions, "Last": one.last_asked} for one in had],
                (what,),
            )
        )
    elif had is not None:
        say(nothing)
