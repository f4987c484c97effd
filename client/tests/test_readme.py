"""The README is true: its commands are there and take what it gives them, its tables are complete."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from credvend.auth.registry import method_names
from credvend.command_line import help_text
from credvend.commands.names import COMMANDS
from credvend.commands.registry import commands
from credvend.lean import SETTINGS
from credvend.vending.formats import FORMATS

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
_SHOWN = re.findall(rf"credvend (?:{'|'.join(COMMANDS)})\b[^`\n\")&]*", README + help_text())
EXAMPLES = sorted({shown.partition("#")[0].strip() for shown in _SHOWN})


@pytest.mark.parametrize("example", EXAMPLES)
def test_each_command_shown_is_one(example: str) -> None:
    words = shlex.split(re.sub(r"\s{2,}.*", "", example).partition(" -- ")[0])[1:]
    # In the help, what follows is a description.
    command = commands().get_command(click.Context(commands()), words[0])
    assert command is not None
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known


@pytest.mark.parametrize("name", [*COMMANDS, *SETTINGS, *method_names()])
def test_every_command_setting_and_way_is_described(name: str) -> None:
    assert re.search(rf"^\|.*`(credvend )?{name}\b", README, re.M), (
        f"no table of client/README.md has a row for `{name}`"
    )


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_named_where_the_formats_are(name: str) -> None:
    (row,) = re.findall(r"^\| `credvend get ROLE` .*", README, re.M)
    assert re.search(rf"`(--format )?{name}`", row)
