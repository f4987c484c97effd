"""Picking a role, and what it demands, at a terminal: what is typed narrows the list, and a few letters are enough.

Everything is shown on standard error: standard output may go to `eval`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from credvend.commands.plain_role import account_shown
from credvend.disk.config_file import Config
from credvend.disk.recent_roles import recent_roles
from credvend.errors import UsageError, one_line
from credvend.vending.service import Json, is_role, service_of

_HINT = [("fg:ansibrightblack", "some of its letters, or arrow keys; Enter takes it, Esc leaves")]


class Picked(NamedTuple):
    """A role, and what it was asked for with."""

    role: str
    reason: str | None
    params: tuple[tuple[str, str], ...]


def pick(config: Config, environ: Mapping[str, str], reason: str | None, params: Sequence[tuple[str, str]]) -> Picked:
    """Let a person pick one of the roles that they may have, and ask for what it demands and was not given.

    Raises:
        UsageError: they may have none, or pick none.
        CredvendError: the roles cannot be had.
    """
    # What could not be vended is not shown: such a name may be written to look like another.
    roles = {str(role["Role"]): role for role in service_of(config, environ).roles() if is_role(str(role["Role"]))}
    if not roles:
        raise UsageError("There is no role that you may have; `credvend whoami` shows who you are.")
    name = choose("Role", ordered(roles, config.favourites, recent_roles(config.url, environ)))
    role = roles[name]
    given = dict(params)
    wanted = [str(each["Name"]) for each in role.get("Params", []) if each.get("Required", True)]
    missing = tuple((each, _asked(each)) for each in wanted if each not in given)
    if reason is None and role.get("ReasonRequired"):
        reason = _asked("Reason, for the audit log")
    return Picked(name, reason, (*params, *missing))


def ordered(roles: Mapping[str, Json], favourites: Sequence[str], recents: Sequence[str]) -> dict[str, str]:
    """Names to what is shown beside them: favourites first, then those used last, then all others by name."""
    first = [name for name in dict.fromkeys((*favourites, *recents)) if name in roles]
    names = dict.fromkeys((*first, *sorted(roles)))
    return {name: one_line(_beside(roles[name], "*" if name in favourites else "")) for name in names}


def _beside(role: Json, mark: str) -> str:
    asks = "(asks for a reason)" if role.get("ReasonRequired") else ""
    return f"{mark} {account_shown(role)} {role.get('Description') or ''} {asks}"


def choose(what: str, shown: Mapping[str, str]) -> str:
    """Let a person pick one of several.

    Args:
        what: they are.
        shown: names to what is shown beside them.

    Raises:
        UsageError: they pick none.
    """
    from prompt_toolkit.buffer import Buffer
    from prompt_toolkit.completion import Completion, FuzzyWordCompleter
    from prompt_toolkit.document import Document
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
    from prompt_toolkit.validation import Validator

    completer = FuzzyWordCompleter(list(shown), meta_dict=dict(shown))
    keys = KeyBindings()

    def fitting(text: str) -> Completion | None:
        return next(iter(completer.get_completions(Document(text), None)), None)  # type: ignore[arg-type]

    @keys.add("enter")
    def accept(event: KeyPressEvent) -> None:
        """Take what is marked, or else the first that fits."""
        buffer: Buffer = event.current_buffer
        if buffer.text not in shown:
            marked = buffer.complete_state.current_completion if buffer.complete_state else None
            taken = marked or fitting(buffer.text)
            if taken is None:
                return  # the validator says it
            buffer.document = Document(taken.text)
        buffer.validate_and_handle()

    @keys.add("escape", eager=True)  # nobody is to wait whether another key follows
    def leave(event: KeyPressEvent) -> None:
        """As in other pickers."""
        event.app.exit(exception=EOFError())

    validator = Validator.from_callable(
        lambda text: text in shown or fitting(text) is not None,
        error_message=f"No {what.lower()} matches: take letters back with Backspace.",
    )
    more = {"completer": completer, "complete_while_typing": True, "key_bindings": keys, "placeholder": _HINT}
    return _prompt(what, shows=True, validator=validator, validate_while_typing=True, **more)


def _asked(what: str) -> str:
    """One line that is not empty."""
    while True:
        answer = _prompt(what).strip()
        if answer:
            return answer


def _prompt(what: str, shows: bool = False, **more: Any) -> str:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.output import create_output

    session: PromptSession[str] = PromptSession(output=create_output(stdout=sys.stderr), **more)

    def show() -> None:
        session.default_buffer.start_completion(select_first=False)

    try:
        return session.prompt(f"{one_line(what)}: ", pre_run=show if shows else None)
    except EOFError:
        raise UsageError("There is no answer, so nothing is done.") from None
