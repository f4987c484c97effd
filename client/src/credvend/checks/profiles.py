"""What AWS's tools take instead of what is meant: variables, profiles, and what was vended and has ended."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterable, Mapping

from credvend import lean
from credvend.checks.finding import Found
from credvend.checks.subject import Subject
from credvend.disk import aws_config_file
from credvend.own_session import own_role
from credvend.session_status import session_status
from credvend.text.aws_config import problem, sections
from credvend.text.aws_profiles import names_with_keys

_UNSET = 'eval "$(credvend unset)"'
# Names that are told of one fault.
_MOST = 5


def check_profiles(subject: Subject) -> Iterable[Found]:
    """Each conflict, or that there is none."""
    conflicts = [*_of_variables(subject.environ), *_of_files(subject.environ)]
    return conflicts or [Found("ok", "no conflicts")]


def _of_variables(environ: Mapping[str, str]) -> Iterable[Found]:
    own = own_role(environ)
    status = session_status(environ)
    if own is not None and status is not None and status.left is not None and status.left <= 0:
        yield Found("error", f"this shell has credentials of {own} that have ended", f"{_UNSET}.")
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        if environ.get(name) and environ.get("AWS_ACCESS_KEY_ID"):
            result = f"AWS's tools take AWS_ACCESS_KEY_ID, and not {name}={environ[name]}"
            yield Found("warning", result, f"{_UNSET if own else 'Unset the one that you do not mean'}.")


def _of_files(environ: Mapping[str, str]) -> Iterable[Found]:
    path, keys = lean.aws_config_path(environ), lean.aws_credentials_path(environ)
    content, with_keys = aws_config_file.read(path) or b"", aws_config_file.read(keys) or b""
    for file, bytes_of in ((path, content), (keys, with_keys)):
        wrong = problem(bytes_of)
        if wrong is not None:
            yield Found("error", f"no aws command can read {file}", f"Repair it: {wrong}.")
    commands = _commands(content)
    missing: dict[str, list[str]] = {}
    for name, command in commands.items():
        program = _program(command)
        if shutil.which(program, path=environ.get("PATH", "")) is None:
            missing.setdefault(program, []).append(name)
    for program, names in missing.items():
        result = f"{_some(names)}: {program} is not there, or cannot be run"
        yield Found("error", result, "`credvend configure --profiles` writes them anew.")
    shadowed = sorted(names_with_keys(with_keys) & set(commands))
    if shadowed:
        advice = "AWS's tools take those keys: remove the section there, or rename it."
        yield Found("error", f"{_some(shadowed)}: also in {keys}", advice)


def _commands(content: bytes) -> dict[str, str]:
    """The profiles whose credentials come from credvend, each with its command."""
    found = {}
    for section in sections(content.decode("utf-8", "surrogateescape")):
        command = section.value("credential_process")
        if command and "credvend" in command:
            found.update(dict.fromkeys(section.profile_names(), command))
    return found


def _program(command: str) -> str:
    """The first word. Of a variable that is set there, for a shell, not the value, which may be secret."""
    try:
        word = shlex.split(command)[0]
    except (ValueError, IndexError):
        word = command.split()[0]
    name, equals, _ = word.partition("=")
    return f"{name}=..." if equals else word


def _some(names: Iterable[str]) -> str:
    told = sorted(names)
    more = len(told) - _MOST
    return ", ".join(told[:_MOST]) + (f" and {more} more" if more > 0 else "")
