"""Serve a role's credentials to AWS SDKs on this computer, for as long as it runs.

Prints the two variables that an SDK needs. Whoever has them has the role: they go into one program's environment.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping
from types import FrameType

import click

from credvend.commands.told import Told, is_told
from credvend.commands.vend_arguments import vends
from credvend.disk.config_file import Config
from credvend.errors import UsageError
from credvend.own_session import COMPETING, KEYS, SESSION
from credvend.signals import handling
from credvend.text.messages import say
from credvend.text.shell_quoting import SHELLS, Shell
from credvend.text.streams import end_output
from credvend.vending.cache_or_service import get_entry
from credvend.vending.endpoint import TOKEN, URI, serving
from credvend.vending.options import Options
from credvend.vending.renewer import Renewer
from credvend.vending.service import service_of

# What SDKs take before the two, of what people have set most often.
_PREFERRED = ("AWS_ACCESS_KEY_ID", "AWS_PROFILE")
# Ctrl-C, and an ordinary end of the process: they end it in order.
_ENDING = ("SIGINT", "SIGTERM", "SIGHUP")
# Seconds after which a signal is seen at the latest.
_LOOK = 0.5
# By which a script ends it.
_PID = "CREDVEND_SERVE_PID"
# What a script unsets: SDKs would take it before the two.
_BEFORE = tuple(name for name in (*KEYS, *COMPETING, SESSION) if name not in (URI, TOKEN))


def _script(shell: Shell) -> Callable[[Mapping[str, str]], str]:
    return lambda variables: shell.script(_BEFORE, variables)


_FORMATS: dict[str, Callable[[Mapping[str, str]], str]] = {
    **{name: _script(shell) for name, shell in SHELLS.items()},
    "json": lambda variables: json.dumps(dict(variables)),
}
EXAMPLES = """\b
Without ROLE, the one role that you may have, if it is one.

\b
example, for a script; `credvend exec --serve` is simpler for one command:
  eval "$(credvend serve reports &)" || exit
  trap 'kill "$CREDVEND_SERVE_PID"' EXIT
  aws s3 ls"""


@click.command(help=__doc__, epilog=EXAMPLES)
@vends("optional")
@click.option("--port", type=int, default=0, help="default: a free one")
@click.option("--format", "form", type=click.Choice(list(_FORMATS)), default="env", help="of the two; default: env")
@is_told
def command(told: Told, role: str | None, options: Options, port: int, form: str) -> int:
    config, environ = told
    role = role or _only_role(config, environ)
    renewer = Renewer(lambda: get_entry(role, options, config, environ))
    before = [name for name in _PREFERRED if environ.get(name)]
    if before and form == "json":
        say(f"warning: AWS SDKs prefer {' and '.join(before)} to these two variables: unset it where those are used.")
    renewer.renew()  # what cannot be had at all is said now, and not to the first SDK that asks
    stopped = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.set()

    with handling(dict.fromkeys(_ENDING, stop)), serving(renewer, role, port) as variables:
        print(_FORMATS[form]({**variables, _PID: str(os.getpid())}), flush=True)
        end_output()  # who reads it, such as `eval "$(credvend serve reports &)"`, need not wait for the end
        say(f"serving {role}; Ctrl-C ends it")
        while not stopped.wait(_LOOK):  # a signal just before the wait would not end it
            pass
    return 0


def _only_role(config: Config, environ: Mapping[str, str]) -> str:
    """The role that a caller means who names none."""
    roles = [str(role["Role"]) for role in service_of(config, environ).roles()]
    if len(roles) == 1:
        return roles[0]
    raise UsageError(f"Which role? You may have {', '.join(roles) if roles else 'none'}.")
