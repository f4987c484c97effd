"""The help of `credvend-admin`: whole sentences on a terminal of 80 columns, and no names of Python functions."""

import re
from collections.abc import Iterator

import click
import pytest

from ops.admin import cli
from ops.environments import ROOT


def commands(command: click.Command, above: click.Context | None = None) -> Iterator[click.Context]:
    """A command, and all below it."""
    here = click.Context(command, above, command.name, terminal_width=80, max_content_width=80)
    yield here
    if isinstance(command, click.Group):
        for one in command.commands.values():
            yield from commands(one, here)


@pytest.mark.parametrize("ctx", list(commands(cli)), ids=lambda ctx: ctx.command_path)
def test_help_is_whole_and_speaks_of_what_people_type(ctx: click.Context) -> None:
    lines = ctx.get_help().splitlines()
    assert all(len(line) <= 80 for line in lines)
    for line in lines[1:]:  # the first ends in [ARGS]...
        assert not line.endswith("..."), "a sentence is cut"
        assert not re.match(r"  --[a-z-]+ _", line), "the name of a function stands for a value"


def test_no_variable_of_an_option_means_something_else_to_the_client() -> None:
    named = [one.envvar for ctx in commands(cli) for one in ctx.command.params if one.envvar is not None]
    ours = {name for names in named for name in ([names] if isinstance(names, str) else names) if "CREDVEND" in name}
    client = "\n".join(file.read_text() for file in (ROOT / "client" / "src").rglob("*.py"))
    assert "CREDVEND_CONFIG" in client and ours == {"CREDVEND_CONFIG_DIR"}
    assert not any(re.search(rf"\b{name}\b", client) for name in ours)
