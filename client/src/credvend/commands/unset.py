"""Take a role's credentials out of a shell again: print what the shell must evaluate.

\b
bash, zsh:   eval "$(credvend unset)"
fish:        credvend unset --format fish | source
PowerShell:  credvend unset --format powershell | Invoke-Expression
"""

from __future__ import annotations

import sys

import click

from credvend.own_session import KEYS, SESSION
from credvend.text import messages
from credvend.text.shell_quoting import SHELLS
from credvend.vending.endpoint import TOKEN, URI

_EVALUATED = {
    "env": 'eval "$(credvend unset)"',
    "fish": "credvend unset --format fish | source",
    "powershell": "credvend unset --format powershell | Invoke-Expression",
}


@click.command(help=__doc__)
@click.option("--format", "form", type=click.Choice(list(SHELLS)), default="env", help="default: env, for bash and zsh")
def command(form: str) -> int:
    if sys.stdout.isatty():
        messages.say(f"nothing is unset yet, the shell must evaluate it: {_EVALUATED[form]}")
    print(SHELLS[form].script((*KEYS, SESSION, URI, TOKEN), {}))
    return 0
