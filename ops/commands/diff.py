"""The command that tells what a change of the configuration does: `credvend-admin diff OLD NEW`."""

import json
import os
import sys
import time as clock
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from ops.aws.logs import logs_client, messages
from ops.aws.region import find_region
from ops.commands.asked_options import moment_said
from ops.commands.options import default_config, json_option, stage_option
from ops.comparing.access import Comparison
from ops.comparing.changes import changes
from ops.comparing.replay import PATTERN, Replay, lines_of
from ops.comparing.report import Report
from ops.comparing.sides import Side, read_side
from ops.comparing.words import as_json as report_json
from ops.comparing.words import lines, markdown
from ops.deployed.log_group import log_group_of
from ops.errors import CommandFailed, OperationFailed
from ops.ledger.sessions import AHEAD_SECONDS
from ops.terminal.arguments import When, expect_one_at_most, positive, when
from ops.terminal.colour import Meaning, coloured
from ops.terminal.progress import Progress
from ops.terminal.say import escaped, say

_MOST: Final = 20_000
_MEANINGS: Final[dict[str, Meaning]] = {"+": "good", "-": "bad", "~": "doubtful"}


@click.command("diff")
@click.argument("old")
@click.argument("new", required=False)
@click.option("--records", metavar="FILE", help="Decide again what audit records tell, from a file, or - for input.")
@click.option("--replay", type=when, metavar="TIME", help="The same from the stage's log, as far back: 30d. Asks AWS.")
@click.option("--log-group", metavar="NAME", help="With --replay: that of the audit records [default: the stack's].")
@click.option("--most", type=positive, default=str(_MOST), show_default=True, metavar="N",
              help="Decide so many requests that are made for policies.")  # fmt: skip
@click.option("--time", "time", type=moment_said, metavar="TIME", help="When requests are made [default: now].")
@click.option("--markdown", "as_markdown", is_flag=True, help="As Markdown, for a pull request.")
@click.option("--exit-code", is_flag=True, help="Exit status 1 where anybody gains or loses access.")
@click.option("--config", type=Path, envvar="CREDVEND_CONFIG_DIR", metavar="DIR",
              help="The directory that revisions are of [env: CREDVEND_CONFIG_DIR; default: this one, if it has a "
              "roles.yaml, else the checkout's].")  # fmt: skip
@stage_option
@json_option
def diff_command(
    old: str,
    new: str | None,
    records: str | None,
    replay: When | None,
    log_group: str | None,
    most: int,
    time: datetime | None,
    as_markdown: bool,
    exit_code: bool,
    config: Path | None,
    stage: str,
    as_json: bool,
) -> None:
    """Tell what changes from OLD to NEW, and whose access is granted or taken.

    Each is a directory, a git revision of the --config directory (main, HEAD~1, REV:PATH), or `deployed`. NEW is the
    --config directory if it is left out.
    """
    here = default_config() if config is None else config
    expect_one_at_most({"--json": as_json, "--markdown": as_markdown})
    expect_one_at_most({"--records": records is not None, "--replay": replay is not None})
    before = read_side(old, here, stage)
    after = read_side(str(here) if new is None else new, here, stage)
    for side in (before, after):
        if side.note:
            say(side.note)
    report = _compared(before, after, time or datetime.now(UTC).replace(microsecond=0), most, records, replay,
                       log_group, stage)  # fmt: skip
    if as_json:
        print(json.dumps(report_json(report), indent=2))
    else:
        for line in markdown(report) if as_markdown else lines(report):
            print(_in_colour(escaped(line)))
    if exit_code and report.access.changes:
        raise click.exceptions.Exit(OperationFailed.status)


def _in_colour(line: str) -> str:
    """What comes and goes is told by a sign before it."""
    meaning = _MEANINGS.get(line[2:3]) if line.startswith("  ") and line[3:4] == " " else None
    return line if meaning is None else coloured(line, meaning)


def _compared(
    old: Side,
    new: Side,
    now: datetime,
    most: int,
    records: str | None,
    replay: When | None,
    log_group: str | None,
    stage: str,
) -> Report:
    comparison = Comparison(old, new, now)
    counts = None
    with Progress("Asking both") as progress:
        comparison.ask_examples(most, lambda number: progress.tell(number, most))
        comparison.ask_tests()
    if records is not None or replay is not None:
        with Progress("Deciding records again") as progress, _lines(records, replay, log_group, stage) as read:
            again = Replay(read)
            comparison.ask_recorded(again.requests(), lambda number: progress.tell(number, number))
            counts = again.counts
    return Report(old, new, tuple(changes(old, new)), comparison.access(), counts)


@contextmanager
def _lines(records: str | None, replay: When | None, log_group: str | None, stage: str) -> Iterator[Iterator[str]]:
    """The lines of records, from wherever they are."""
    if records == "-":
        yield lines_of(sys.stdin)
    elif records is not None:
        try:
            with Path(records).open(encoding="utf-8", errors="replace") as file:
                yield lines_of(file)
        except OSError as error:
            raise OperationFailed(f"{records} cannot be read: {error.strerror}") from None
    else:
        assert replay is not None  # noqa: S101 or nothing would be asked again
        try:
            client = logs_client(find_region(os.environ))
        except CommandFailed as error:
            raise OperationFailed(str(error)) from None
        now = int(clock.time())
        group = log_group or log_group_of(stage)
        yield messages(client, group, replay.before(now) * 1000, (now + AHEAD_SECONDS) * 1000, PATTERN)
