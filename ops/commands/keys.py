"""The commands about the keys of credvend's own tokens: `credvend-admin keys list`, `rotate` and `export`."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final, cast

import click

from chalicelib.signing.keys import Algorithm, SigningKey
from ops.aws.kms import find_kms
from ops.aws.reader import Reader
from ops.aws.stack_outputs import stack_outputs
from ops.commands.options import json_option, stage_option
from ops.deployed.deployment import keys_url
from ops.errors import OperationFailed
from ops.signing.documents import documents, published_at, write_documents
from ops.signing.rotating import Done, StageSigning, moment_of, rotate, what_comes
from ops.signing.rotation import Names, due
from ops.signing.stage_keys import StageKey, named_keys, names_of, unnamed_keys
from ops.stages.names import ALGORITHM_OUTPUT, ALIAS_OUTPUT, ISSUER_OUTPUT, signing_alias
from ops.terminal.arguments import duration
from ops.terminal.columns import columns
from ops.terminal.commands import AwsCommand, Group
from ops.terminal.say import escaped, say

_COLUMNS: Final = ("Called", "State", "Algorithm", "Since", "Kid", "Key")
_NARROWED: Final = ("Kid",)


@click.group(cls=Group)
def keys() -> None:
    """Keys that sign credvend's tokens, by which roles of more than an hour are had."""


class _Open:
    """A deployed stage, and its KMS."""

    def __init__(self, stage: str) -> None:
        signing_alias(stage)  # is it a stage at all?
        self.stage = stage
        self.kms, region = find_kms(say)
        outputs = stack_outputs(Reader(region), f"credvend-{stage}")
        self.signing = _signing(f"credvend-{stage}", outputs)
        self.url, self.is_own = keys_url(outputs, os.environ.get("AWS_ENDPOINT_URL"))

    def names(self) -> Names:
        """Which keys have the stage's names at this moment."""
        return names_of(self.kms, self.signing.alias)


def _signing(stack: str, outputs: dict[str, str]) -> StageSigning:
    try:
        return StageSigning(
            stack,
            outputs[ALIAS_OUTPUT],
            cast(Algorithm, outputs[ALGORITHM_OUTPUT]),
            outputs["FunctionRoleArn"],
            outputs[ISSUER_OUTPUT],
        )
    except KeyError:
        raise OperationFailed(
            f"Stack {stack} signs no tokens: its catalog has no role with max_duration above 1h, or it was deployed by "
            "an earlier version of credvend."
        ) from None


@keys.command("list", cls=AwsCommand)
@stage_option
@json_option
def list_keys(stage: str, as_json: bool) -> None:
    """Show which keys there are, what each is for, and what comes next."""
    opened = _Open(stage)
    names = opened.names()
    there = _there(opened, names)
    if as_json:
        print(json.dumps(_described(opened, names, there), indent=2))
        return
    print(columns(_COLUMNS, [_row(one) for one in there], _NARROWED))
    say(_what_is_next(opened, names))


@keys.command("rotate", cls=AwsCommand)
@click.option("--now", "now_too", is_flag=True, help="Do not wait: some tokens may be refused for a while.")
@click.option(
    "--older-than",
    type=duration,
    default="0",
    metavar="DURATION",
    help="Begin only if the key has signed for so long, such as 90d: for a schedule.",
)
@stage_option
@json_option
def rotate_command(now_too: bool, older_than: int, stage: str, as_json: bool) -> None:
    """Put another key in place of the one that signs: the step that is due, of three.

    A new key is published; after a day it signs; after another hour the old one is taken out of use. Each is done by
    one call of this command, which may be broken off and given again.
    """
    opened = _Open(stage)

    def check(key: SigningKey) -> None:
        _check_published(opened.url, key, now_too)

    done = rotate(opened.kms, opened.signing, now_too=now_too, older_than=older_than, check=check)
    # What was done is told before KMS is asked again, which may refuse to answer.
    if not as_json:
        for line in done.what:
            print(line)
    _advise(opened, done)
    names = opened.names()
    if as_json:
        described = _described(opened, names, _there(opened, names))
        print(json.dumps(described | {"Did": done.action, "What": list(done.what)}, indent=2))
    say(_what_is_next(opened, names))


@keys.command("export", cls=AwsCommand)
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path), metavar="DIR")
@stage_option
@json_option
def export(directory: Path, stage: str, as_json: bool) -> None:
    """Write the two public documents below DIR, for a copy in S3 or CloudFront at the issuer's URL.

    They are what the service answers, to the byte.
    """
    opened = _Open(stage)
    written = write_documents(documents(opened.kms, opened.signing), directory)
    if as_json:
        print(json.dumps({"Issuer": opened.signing.issuer, "Files": list(map(str, written))}, indent=2))
    else:
        for file in written:
            print(escaped(str(file)))
    say(f"They belong below {opened.signing.issuer}, as application/json, to be cached for 5 minutes at most.")


def _there(opened: _Open, names: Names) -> list[StageKey]:
    return [*named_keys(opened.kms, names), *unnamed_keys(opened.kms, opened.signing.stack)]


def _check_published(url: str, key: SigningKey, now_too: bool) -> None:
    """See that STS can read a key before it signs.

    Raises:
        OperationFailed: it cannot.
    """
    try:
        there = published_at(url)
        if key.id not in there:
            raise OperationFailed(f"{url} does not publish key {key.id} yet, which is to sign")
    except OperationFailed as error:
        if now_too:
            say(f"Warning: {error}.")
            return
        raise OperationFailed(
            f"{error}. The old key goes on signing. If that is a copy, export it again (credvend-admin keys export "
            "DIR) and publish it there; --now does not ask."
        ) from None


def _advise(opened: _Open, done: Done) -> None:
    if done.action in ("publish", "finish") and not opened.is_own:
        say(
            f"The public keys are others now. If {opened.signing.issuer} is a copy, export it again and publish it "
            f"there: credvend-admin keys export DIR --stage {opened.stage}"
        )


def _what_is_next(opened: _Open, names: Names) -> str:
    step = due(names)
    if not step.is_begun:
        return f"No rotation is under way. `credvend-admin keys rotate --stage {opened.stage}` begins one."
    when = "now" if step.at <= opened.kms.now() else f"from {moment_of(step.at)} on"
    return f"Next, {when}: {what_comes(step)}, by `credvend-admin keys rotate --stage {opened.stage}`."


def _row(one: StageKey) -> dict[str, object]:
    unnamed = "retired" if one.is_retired else "unused"
    return {
        "Called": list[str](one.called or (unnamed,)),
        "State": one.key.state,
        "Algorithm": None if one.public is None else one.public.algorithm,
        "Since": moment_of(one.since),
        "Kid": None if one.public is None else one.public.id,
        "Key": one.key.id,
    }


def _described(opened: _Open, names: Names, there: Sequence[StageKey]) -> dict[str, object]:
    step = due(names)
    return {
        "Stage": opened.stage,
        "Alias": opened.signing.alias,
        "Issuer": opened.signing.issuer,
        "Algorithm": opened.signing.algorithm,
        "Keys": [_row(one) | {"KeyArn": one.key.arn, "Spec": one.key.spec} for one in there],
        "Next": {"Step": step.action, "At": moment_of(step.at), "IsBegun": step.is_begun},
    }
