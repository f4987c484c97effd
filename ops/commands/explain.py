"""The command that says why a caller may have a role, or why not: `credvend-admin explain`."""

import json
import os
import re
import sys
import time as clock
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import click

from chalicelib.configuration.source import WrittenConfiguration
from chalicelib.errors import ConfigError
from ops.aws.logs import logs_client, messages
from ops.aws.region import find_region
from ops.commands.asked_options import caller_options, request_options, where_and_when_options
from ops.commands.named_callers import named_callers
from ops.commands.options import config_option, json_option, stage_option
from ops.deciding.assumptions import assumed
from ops.deciding.caller_words import MoreOfCaller, caller_entry
from ops.deciding.deciding import Outcome, decide
from ops.deciding.described import ADDRESS, CallerEntry, Described, NotDescribed, outcome_of
from ops.deciding.logged import Record, pattern_of, records_in, request_in
from ops.deciding.read_configuration import read_configuration
from ops.deciding.recorded import NotRecorded, Recorded
from ops.deciding.written_policies import PolicyBook
from ops.deployed.log_group import log_group_of
from ops.errors import CommandFailed, OperationFailed
from ops.explaining.explaining import explain
from ops.explaining.words import answer, explanation_json, outcome_json, reasons, session_rows
from ops.ledger.sessions import AHEAD_SECONDS
from ops.policy_tests.read import read_tests
from ops.terminal.arguments import When, when
from ops.terminal.colour import coloured
from ops.terminal.columns import rows
from ops.terminal.say import escaped, escaped_lines, say

_SINCE: Final = When(seconds=7 * 86_400)
_REQUEST_ID: Final = re.compile("[0-9A-Za-z-]{1,64}", re.ASCII)


class _Asked(NamedTuple):
    """What is to be explained.

    Attributes:
        recorded: what became of it then.
        caller: as it is described; None of a record.
        unsaid: of `time` and `address`, those that matter and were not said.
    """

    outcome: Outcome
    recorded: Recorded | None = None
    caller: CallerEntry | None = None
    unsaid: frozenset[str] = frozenset()


@click.command("explain")
@click.argument("role", required=False)
@click.option(
    "--caller", metavar="CALLER", help="An ARN, oidc:ISSUER:SUBJECT, token:NAME, a name in tests/, or a file."
)
@caller_options
@request_options
@where_and_when_options
@click.option(
    "--test",
    "test",
    metavar="NAME",
    help="Instead of role and caller: what a test of tests/ asks; a part of its name will do.",
)
@click.option(
    "--record", metavar="FILE", help="Instead: what an audit record tells, from a file, or - for standard input."
)
@click.option("--request", metavar="ID", help="Instead: the request of that id, from the audit log.")
@click.option("--since", type=when, metavar="TIME", help="With --request: as far back [default: 7d].")
@click.option("--log-group", metavar="NAME", help="With --request: that of the audit records [default: the stack's].")
@config_option
@stage_option
@json_option
def explain_command(
    role: str | None,
    caller: str | None,
    groups: tuple[str, ...],
    claims: tuple[str, ...],
    owner: str | None,
    token_tags: Mapping[str, str],
    duration: str | None,
    reason: str | None,
    tags: Mapping[str, str],
    params: Mapping[str, str],
    policy: object,
    form: str | None,
    address: str | None,
    time: datetime | None,
    test: str | None,
    record: str | None,
    request: str | None,
    since: When | None,
    log_group: str | None,
    config: Path,
    stage: str,
    as_json: bool,
) -> None:
    """Say why a caller may have a role, or not.

    It tells which policies decide, and which of their conditions did not hold, with what they saw.

    The exit status is 0 where it may, and 1 where it may not.
    """
    _check_ways(role, caller, test, record, request)
    written = read_configuration(config)
    try:
        if record is not None or request is not None:
            found = _recorded(record, request, since or _SINCE, log_group, stage)
            asked = _Asked(decide(written.configuration, found.asking), found)
        elif test is not None:
            case = read_tests(config).named(test)
            asked = _Asked(outcome_of(written.configuration, case.described), None, case.described.caller, case.unsaid)
        else:
            entry = caller_entry(
                caller or "",
                MoreOfCaller(groups, claims, owner, token_tags),
                named_callers(config, caller or ""),
                written.configuration,
            )
            described = Described(
                caller=entry,
                role=role or "",
                time=time or datetime.now(UTC),
                duration=duration,
                reason=reason,
                tags=tags,
                params=params,
                policy=policy,
                format=form,
                address=address,
            )
            unsaid = frozenset() if address is not None else frozenset({"address"})
            asked = _Asked(outcome_of(written.configuration, described), None, entry, unsaid)
    except (NotDescribed, NotRecorded, ConfigError) as error:
        raise OperationFailed(escaped_lines(f"{_what(record, request, test)}{error}")) from None
    _tell(written, asked, as_json)
    if not asked.outcome.allowed:
        raise click.exceptions.Exit(OperationFailed.status)


def _check_ways(
    role: str | None, caller: str | None, test: str | None, record: str | None, request: str | None
) -> None:
    """Whether it is said what is to be explained, once."""
    by_record = record is not None or request is not None
    if [caller is not None, test is not None, by_record].count(True) != 1:
        raise click.UsageError("Say ROLE and --caller, or --test, or --record or --request.")
    if caller is not None and role is None:
        raise click.UsageError("Which ROLE? Name it, as roles.yaml does.")
    if caller is None and role is not None:
        raise click.UsageError("With --test, --record or --request, the role is told there: leave ROLE out.")


def _what(record: str | None, request: str | None, test: str | None) -> str:
    if record is not None or request is not None:
        return f"Request {request}: " if request is not None else "The record: "
    return "" if test is None else f"Test {test!r}: "


def _recorded(record: str | None, request: str | None, since: When, log_group: str | None, stage: str) -> Recorded:
    """The request that is told of in a file, or in the log."""
    if request is not None and _REQUEST_ID.fullmatch(request) is None:
        raise OperationFailed(f"{request!r} is no request id: it is RequestId of the answer.")
    if record is None:
        return request_in(_logged(request or "", since, log_group, stage), request)
    try:
        text = sys.stdin.read() if record == "-" else Path(record).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OperationFailed(f"{record} cannot be read: {error}") from None
    return request_in(records_in(text), request)


def _logged(request: str, since: When, log_group: str | None, stage: str) -> list[Record]:
    try:
        client = logs_client(find_region(os.environ))
    except CommandFailed as error:
        raise OperationFailed(str(error)) from None
    group = log_group or log_group_of(stage)
    now = int(clock.time())
    found = messages(client, group, since.before(now) * 1000, (now + AHEAD_SECONDS) * 1000, pattern_of(request))
    return [record for message in found for record in records_in(message)]


def _tell(written: WrittenConfiguration, asked: _Asked, as_json: bool) -> None:
    book = PolicyBook(written)
    outcome = asked.outcome
    explanation = explain(written, book, outcome)
    guessed = None if asked.caller is None else assumed(book, outcome, asked.caller, asked.unsaid)
    if guessed is not None:
        guess = f" ({ADDRESS} is taken for it)" if guessed.field == "address" else ""
        say(escaped(f"Policy {guessed.policy} looks at {guessed.path}, which is not said{guess}."))
    for line in () if asked.recorded is None else asked.recorded.unknown:
        say(escaped(f"The record does not tell {line}."))
    if as_json:
        then = None if asked.recorded is None else _recorded_json(written, asked.recorded)
        print(
            json.dumps(
                outcome_json(outcome) | {"Explanation": explanation_json(explanation), "Recorded": then}, indent=2
            )
        )
        return
    print(coloured(escaped(answer(outcome)), "good" if outcome.allowed else "bad", bold=True))
    for line in reasons(explanation):
        print(escaped(f"  {line}"))
    if asked.recorded is not None:
        print(escaped(_then(written, asked.recorded)))
    if outcome.plan is not None:
        print(rows({name: escaped(str(value)) for name, value in session_rows(outcome.plan).items()}))


def _then(written: WrittenConfiguration, found: Recorded) -> str:
    """What became of it when it was recorded."""
    made_by = (
        f" by {', '.join(found.policies)}" if found.policies else " by default" if found.decision == "deny" else ""
    )
    decision = {"allow": "allowed", "deny": "denied"}.get(found.decision or "", "not decided")
    cause = f" ({found.cause})" if found.cause not in (None, "AccessDenied") else ""
    same = "this" if found.configuration == written.configuration.digest else "another"
    return f"Recorded as {found.event}{cause}: {decision}{made_by}, by {same} configuration."


def _recorded_json(written: WrittenConfiguration, found: Recorded) -> dict[str, object]:
    return {
        "RequestId": found.request_id,
        "Event": found.event,
        "Decision": found.decision,
        "Policies": list(found.policies),
        "Cause": found.cause,
        "Configuration": found.configuration,
        "SameConfiguration": found.configuration == written.configuration.digest,
        "Unknown": list(found.unknown),
    }
