"""Print what your shell needs to complete credvend's commands, options and roles.

bash:  eval "$(credvend completion bash)"                       in ~/.bashrc
zsh:   eval "$(credvend completion zsh)"                        in ~/.zshrc, after compinit
fish:  credvend completion fish | source                        in ~/.config/fish/config.fish
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import time
from collections.abc import Mapping

from credvend import lean
from credvend.auth import registry
from credvend.command_line import COMMANDS
from credvend.commands.vend_arguments import PLAIN_ROLE
from credvend.disk.config_file import Config
from credvend.disk.credentials_cache import FAILURE_LASTS_WITH_ENTRY
from credvend.disk.private_files import CannotWrite, private_directory, write_private
from credvend.errors import CredvendError
from credvend.text.json_object import json_object
from credvend.vending.formats import FORMATS
from credvend.vending.service import Service

SHELLS = ("bash", "zsh", "fish")
# Seconds for which the list of roles is used again: a role that is new is found soon, and TAB does not wait.
ROLES_LAST = 300
# Commands whose first argument is a role.
TAKE_ROLE = ("get", "exec", "process", "console", "serve")
# Options whose value is the name of a file, and those whose values are known.
_FILES = ("--policy", "--ca-bundle", "--token-file")
_VALUES = {
    "get --format": tuple(FORMATS),
    "serve --format": ("env", "fish", "powershell", "json"),
    "configure --auth": ("auto", *lean.WAYS),
}
_ARGUMENTS = {"cache": ("clear",), "completion": SHELLS}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", metavar="SHELL", choices=(*SHELLS, "roles"), help="bash, zsh or fish")


def run(arguments: argparse.Namespace, config: Config, environ: Mapping[str, str]) -> int:
    if arguments.shell == "roles":  # what the scripts run
        print("".join(f"{role}\n" for role in role_names(config, environ)), end="")
        return 0
    print({"bash": _bash, "zsh": _zsh, "fish": _fish}[arguments.shell]())
    return 0


def role_names(config: Config, environ: Mapping[str, str]) -> list[str]:
    """The roles that the caller may have, by a list of the last minutes.

    None if they cannot be had: whoever presses TAB is not told why.
    """
    try:
        caller = registry.authenticator(config, environ)
        key = lean.cache_key(config.url, registry.way(config, environ), caller.cache_identity(), "")
        path = os.path.join(lean.cache_directory(environ), f"{key}.roles")
        known = _read(path)
        if known is not None:
            return known
        names = _ask(Service(config, caller, environ))
        private_directory(os.path.dirname(path))
        # A failure is remembered, too, for as long as it takes to press TAB a few times.
        lasts = ROLES_LAST if names is not None else FAILURE_LASTS_WITH_ENTRY
        content = {"until": time.time() + lasts, "obtained": time.time(), "roles": names or []}
        write_private(path, json.dumps(content).encode("ascii"))
        return names or []
    except (CredvendError, CannotWrite):
        return []


def _ask(service: Service) -> list[str] | None:
    try:
        names = [str(role["Role"]) for role in service.roles()]
    except CredvendError:
        return None
    # Shells expand the words that they are given: nothing but a name gets to them.
    return sorted(name for name in names if PLAIN_ROLE.fullmatch(name))


def _read(path: str) -> list[str] | None:
    try:
        lean.check_private_directory(os.path.dirname(path))
        content = json_object(lean.read_private(path)) or {}
        if content["obtained"] <= time.time() < content["until"]:
            return [str(name) for name in content["roles"]]
    except (OSError, lean.Unreadable, ValueError, KeyError, TypeError):
        pass
    return None


def options() -> dict[str, list[tuple[str, bool, str]]]:
    """The options of each command: the long name, whether a value follows it, and what it is for."""
    found = {}
    for name in COMMANDS:
        parser = argparse.ArgumentParser(allow_abbrev=False)
        parser.add_argument("--verbose", action="store_true", help="say on standard error what is done")
        importlib.import_module(f"credvend.commands.{name}").add_arguments(parser)
        found[name] = [
            (option, action.nargs != 0, (action.help or "").partition(";")[0])
            for action in parser._actions  # argparse has no public way to ask
            for option in action.option_strings
            if option.startswith("--")
        ]
    return found


def _bash() -> str:
    all_options = options()
    cases = "\n".join(
        f"        {name}) options={_sh(' '.join(option for option, _, _ in each))} "
        f"valued={_sh(' '.join(option for option, valued, _ in each if valued))} ;;"
        for name, each in all_options.items()
    )
    values = "\n".join(f"        {_sh(where)}) words={_sh(' '.join(known))} ;;" for where, known in _VALUES.items())
    fixed = "\n".join(f"        {name}) words={_sh(' '.join(known))} ;;" for name, known in _ARGUMENTS.items())
    return _BASH.format(
        commands=" ".join(COMMANDS),
        cases=cases,
        values=values,
        fixed=fixed,
        files=" | ".join(f"*\\ {option}" for option in _FILES),
        takers="|".join(TAKE_ROLE),
    )


def _zsh() -> str:
    commands = "\n".join(f"        {_sh(f'{name}:{what}')}" for name, what in COMMANDS.items())
    cases = []
    for name, each in options().items():
        specs = [_zsh_option(name, *option) for option in each]
        if name in TAKE_ROLE:
            specs.append("'1:role:_credvend_roles'")
        if name in _ARGUMENTS:
            specs.append(_sh(f"1:{name}:({' '.join(_ARGUMENTS[name])})"))
        cases.append(f"        {name}) _arguments -S : {' '.join(specs)} ;;")
    return _ZSH.format(commands=commands, cases="\n".join(cases))


def _zsh_option(command: str, option: str, valued: bool, what: str) -> str:
    # In a specification, brackets, colons and backslashes have a meaning.
    for special in "\\[]:":
        what = what.replace(special, "\\" + special)
    if not valued:
        return _sh(f"{option}[{what}]")
    known = _VALUES.get(f"{command} {option}")
    action = "_files" if option in _FILES else f"({' '.join(known)})" if known else " "
    repeated = "*" if option in ("--param", "--tag") else ""
    return _sh(f"{repeated}{option}[{what}]:{option[2:]}:{action}")


def _fish() -> str:
    all_options = options()
    valued_options = sorted({option for each in all_options.values() for option, valued, _ in each if valued})
    lines = [_FISH.replace("VALUED", " ".join(valued_options)).strip(), ""]
    for name, what in COMMANDS.items():
        lines.append(f"complete -c credvend -n __credvend_needs_command -f -a {name} -d {_fish_text(what)}")
    lines.append("complete -c credvend -n __credvend_needs_command -f -l version -d 'the version'")
    lines.append("complete -c credvend -n __credvend_needs_command -f -l verbose -d 'say what is done'")
    for name, each in all_options.items():
        # Without -f: after `exec ROLE --`, files and commands are what is wanted.
        lines.append(f"complete -c credvend -n '__credvend_in {name}' -f")
        for option, valued, what in each:
            words = [f"complete -c credvend -n '__credvend_in {name}' -l {option[2:]} -d {_fish_text(what)}"]
            known = _VALUES.get(f"{name} {option}")
            if valued:
                words.append("-r")
            if option in _FILES:
                words.append("-F")
            elif known:
                words.append(f"-f -a {_fish_text(' '.join(known))}")
            lines.append(" ".join(words))
        if name in TAKE_ROLE:
            wanted = f"-n '__credvend_wants_role {name}'"
            lines.append(f"complete -c credvend {wanted} -f -a '(credvend completion roles 2>/dev/null)'")
        if name in _ARGUMENTS:
            known_words = _fish_text(" ".join(_ARGUMENTS[name]))
            lines.append(f"complete -c credvend -n '__credvend_wants_role {name}' -f -a {known_words}")
    rest = "'(complete -C (__credvend_rest))'"
    lines.append(f"complete -c credvend -n __credvend_after_dashes -a {rest}")
    return "\n".join(lines)


def _sh(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _fish_text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


_BASH = r"""# credvend completion for bash
_credvend() {{
    local command="" role="" options="" valued="" words="" index word
    local current="${{COMP_WORDS[COMP_CWORD]}}" previous="${{COMP_WORDS[COMP_CWORD-1]}}"
    # bash takes the sign in --option=value for a word of its own.
    if [[ $current == "=" ]]; then
        current=""
    elif [[ $previous == "=" ]] && (( COMP_CWORD > 2 )); then
        previous="${{COMP_WORDS[COMP_CWORD-2]}}"
    fi
    COMPREPLY=()
    for (( index = 1; index < COMP_CWORD; index++ )); do
        word="${{COMP_WORDS[index]}}"
        if [[ $word == -- && $command == exec ]]; then
            if declare -F _comp_command_offset > /dev/null; then
                _comp_command_offset $(( index + 1 ))
            elif declare -F _command_offset > /dev/null; then
                _command_offset $(( index + 1 ))
            elif (( COMP_CWORD == index + 1 )); then
                COMPREPLY=( $(compgen -c -- "$current") )
            else
                COMPREPLY=( $(compgen -f -- "$current") )
            fi
            return
        elif [[ -z $command ]]; then
            [[ $word == -* ]] || command=$word
        elif [[ $word == "=" ]]; then
            (( ++index )) # and its value
        elif [[ $word != -* && " $valued " != *" ${{COMP_WORDS[index-1]}} "* ]]; then
            role=$word
        fi
        case $command in
{cases}
        esac
    done
    if [[ -z $command ]]; then
        words="{commands} --help --version --verbose"
    elif [[ " $valued " == *" $previous "* ]]; then
        case "$command $previous" in
{values}
        {files}) compopt -o filenames; COMPREPLY=( $(compgen -f -- "$current") ); return ;;
        esac
    elif [[ $current == -* ]]; then
        words=$options
    elif [[ -z $role ]]; then
        case $command in
{fixed}
        {takers}) words=$(credvend completion roles 2> /dev/null) ;;
        esac
    fi
    COMPREPLY=( $(compgen -W "$words" -- "$current") )
}}
complete -F _credvend credvend"""

_ZSH = r"""#compdef credvend
# credvend completion for zsh
_credvend_roles() {{
    local -a roles
    roles=( ${{(f)"$(credvend completion roles 2> /dev/null)"}} )
    compadd -a roles
}}
_credvend() {{
    local curcontext="$curcontext" context state state_descr line
    typeset -A opt_args
    local -a subcommands  # `commands` is a parameter of zsh itself
    _arguments -C '--version[the version]' '--verbose[say what is done]' '--help[how to use it]' \
        '1:command:->command' '*::argument:->argument' && return
    case $state in
    command)
        subcommands=(
{commands}
        )
        _describe command subcommands ;;
    argument)
        # After the dashes of `exec`, another command is completed, as if it stood alone.
        local -i dashes=$(( ${{words[(i)--]}} ))
        if [[ $line[1] == exec ]] && (( dashes < CURRENT )); then
            shift $dashes words
            (( CURRENT -= dashes ))
            _normal
            return
        fi
        case $line[1] in
{cases}
        esac ;;
    esac
}}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _credvend "$@"
else
    compdef _credvend credvend
fi"""

_FISH = r"""
# credvend completion for fish
function __credvend_words
    # What stands before the cursor, without the name, options and their values.
    set -l words (commandline -opc)
    set -e words[1]
    set -l skip no
    for word in $words
        if test $skip = yes
            set skip no
        else if test "$word" = --
            return
        else if contains -- $word VALUED
            set skip yes
        else
            string match -q -- '-*' $word; or echo -- $word
        end
    end
end
function __credvend_after_dashes
    contains -- -- (commandline -opc); and contains exec (commandline -opc)
end
function __credvend_rest
    set -l words (commandline -opc) (commandline -ct)
    set -l at (contains -i -- -- $words)
    set -e words[1..$at]
    string join ' ' -- (string escape -- $words[1..-2]) $words[-1]
end
function __credvend_needs_command
    test (count (__credvend_words)) -eq 0
end
function __credvend_in
    set -l words (__credvend_words)
    test "$words[1]" = $argv[1]; and not __credvend_after_dashes
end
function __credvend_wants_role
    __credvend_in $argv[1]; and test (count (__credvend_words)) -eq 1
end
"""
