"""The full path: reading a command line, running its command, and saying in one line what went wrong."""

from __future__ import annotations

import contextlib
import errno
import io
import itertools
import os
import signal
import sys
from collections.abc import Mapping

from credvend import lean
from credvend.commands.names import COMMANDS, COMPLETE
from credvend.errors import CredvendError, SignInNeeded, UsageError
from credvend.text import messages
from credvend.text.streams import end_output
from credvend.version import __version__

_COLUMN = 12
_FULL = (errno.EBADF, errno.EFBIG, errno.EIO, errno.ENOSPC)
# What people run at a terminal, and what cannot be done signed out.
_OFFERING = ("get", "exec", "console", "roles", "whoami", "serve")
_HELP = """\
usage: credvend [--verbose] [--service NAME] COMMAND ...
Short-lived AWS credentials from a credvend service.
{commands}
  credvend exec reports -- aws s3 ls           one command
  eval "$(credvend get reports --format env)"  this shell
More: COMMAND --help. Exit codes: 2 usage, 3 authentication, 4 denied, 5 service"""


def help_text() -> str:
    """What `credvend --help` prints: it fits a terminal of 24 lines and 80 columns."""
    lines = [f"  {name:{_COLUMN}}{what}" for name, what in COMMANDS.items()]
    return _HELP.format(commands="\n".join(lines))


def run(words: list[str], environ: Mapping[str, str]) -> int:
    """Run a command line, the program's name left out.

    Returns:
        The exit code, or the negative number of the signal to end by.
    """
    _have_streams()
    try:
        code = _run(words, environ)
        _flush()
        return code
    except CredvendError as error:
        _fail_script(words)
        messages.say(error.message)
        _show_place(error)
        return error.exit_code
    except KeyboardInterrupt:
        _fail_script(words)
        return -signal.SIGINT
    except BrokenPipeError:
        # Whoever read the output has had enough.
        end_output()
        return 141
    except Exception as error:
        if isinstance(error, OSError) and error.filename is None and error.errno in _FULL:
            # Where much is printed, some is written before the end. (Files have a name, and are seen to by those who
            # write them.)
            end_output()
            messages.say(f"standard output cannot be written: {error.strerror}.")
            return UsageError.exit_code
        _fail_script(words)
        # The message of an unforeseen error may hold anything, so only its type and place are shown.
        hint = "" if messages.is_verbose() else "; `credvend --verbose ...` shows where"
        messages.say(f"this is a fault of credvend ({type(error).__name__}){hint}.")
        _show_place(error)
        return 1


def _fail_script(words: list[str]) -> None:
    """Have the shell that evaluates a script fail, instead of going on under the identity that it had.

    Args:
        words: as they were typed, for they may be what is wrong.
    """
    command = next((word for before, word in itertools.pairwise(["", *words]) if _is_command(before, word)), "")
    if command not in ("get", "narrow", "serve"):
        return
    from credvend.text.shell_quoting import SHELLS

    words = words[: words.index("--")] if "--" in words else words  # what follows is another command's
    said = [word.partition("=")[2] for word in words if word.startswith("--format=")]
    said += [value for word, value in itertools.pairwise(words) if word == "--format"]
    shell = SHELLS.get(said[-1] if said else "env" if command == "serve" else "")
    if shell is not None:
        with contextlib.suppress(OSError, ValueError):
            print(shell.failing, flush=True)


def _is_command(before: str, word: str) -> bool:
    """Whether a word is the command: the first that is no option, nor the value of one."""
    return not word.startswith("-") and before != "--service"


def _have_streams() -> None:
    """Make up for standard streams that the caller has closed.

    Without one, Python has None in its place: `print` would put warnings on standard output, into what an SDK reads.
    """
    if sys.stdout is None:
        # It can be opened, and not be written, as is the case. The descriptor is not handed on to a command.
        sys.stdout = open(os.open(os.devnull, os.O_RDONLY), "w", encoding="utf-8")  # noqa: SIM115 until the end
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    # What the locale has no letters for is shown by its number.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _flush() -> None:
    """Write what was printed.

    Raises:
        BrokenPipeError: nobody reads it any more.
        UsageError: it cannot be written.
    """
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        end_output()
        raise UsageError(f"standard output cannot be written: {error.strerror}.") from None


def _show_place(error: BaseException) -> None:
    if messages.is_verbose():
        import traceback  # slow to import

        for frame in traceback.extract_tb(error.__traceback__):
            messages.say(f"  at {frame.filename}:{frame.lineno}, in {frame.name}")


def _run(words: list[str], environ: Mapping[str, str]) -> int:
    asked = environ.get(COMPLETE)
    if asked is not None:
        from credvend.commands.completion import complete

        return complete(asked, environ)
    if words in (["-h"], ["--help"]):  # without what the commands import
        print(help_text())
        return 0
    if words == ["--version"]:
        print(f"credvend {__version__}")
        return 0
    if not words:
        print(help_text(), file=sys.stderr)
        return UsageError.exit_code
    return _run_command(words, environ)


def _run_command(words: list[str], environ: Mapping[str, str]) -> int:
    """Leave it to click, whose `main` would end the process by itself."""
    import click

    try:
        return _invoke(words, environ, offers=True)
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.UsageError as error:
        where = f" (see `{error.ctx.command_path} --help`)" if error.ctx else ""
        raise UsageError(error.format_message().rstrip(".") + where) from None


def _invoke(words: list[str], environ: Mapping[str, str], *, offers: bool) -> int:
    """Run a command line.

    Args:
        offers: to sign in, to a person at a terminal who has not, and to go on. Not so to what programs run.
    """
    from credvend.commands.registry import commands

    everything = commands()
    with everything.make_context("credvend", list(words), obj=environ, help_option_names=["-h", "--help"]) as context:
        try:
            return int(everything.invoke(context) or 0)
        except CredvendError as error:
            error.message = messages.for_service(error.message, context.obj.get(lean.SERVICE))
            can_be_offered = isinstance(error, SignInNeeded) and context.invoked_subcommand in _OFFERING
            if not (can_be_offered and offers and messages.may_ask()):
                raise
            if not messages.agrees("You are not signed in. Sign in now?", by_default=True):
                raise
            # Standard output is the command's, which a shell may evaluate.
            with contextlib.redirect_stdout(sys.stderr):
                _invoke(["login"], context.obj, offers=False)
    return _invoke(words, environ, offers=False)
