"""What bash, zsh and fish evaluate to complete credvend's commands: written from the parsers of the commands."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import NamedTuple

from credvend.commands.registry import COMMANDS, load_command
from credvend.text.shell_quoting import fish, posix

# What the scripts ask for instead of a shell; people are not shown it.
ROLES = "roles"


class Option(NamedTuple):
    """An option of a command.

    Attributes:
        name: the long one.
        valued: whether a value follows it.
        what: what it is for.
        values: those that are known.
        is_file: whether the value is the name of a file.
        repeats: whether it may be given again.
    """

    name: str
    valued: bool
    what: str
    values: tuple[str, ...]
    is_file: bool
    repeats: bool


class _Described(NamedTuple):
    """A command: its options, whether its first argument is a role, and the words that it may be else."""

    options: list[Option]
    takes_role: bool
    words: tuple[str, ...]


def _described() -> dict[str, _Described]:
    return {name: _describe(name) for name in COMMANDS}


def _describe(name: str) -> _Described:
    """A command, by its parser: so that what is completed is what there is."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--verbose", action="store_true", help="say on standard error what is done")
    load_command(name).add_arguments(parser)
    actions = parser._actions  # argparse has no public way to ask
    arguments = [action for action in actions if not action.option_strings]
    return _Described(
        options=[
            Option(
                name=option,
                valued=action.nargs != 0,
                what=(action.help or "").partition(";")[0],
                values=tuple(action.choices or ()),
                is_file=action.metavar == "FILE",
                repeats=isinstance(action.default, list),
            )
            for action in actions
            for option in action.option_strings
            if option.startswith("--")
        ],
        takes_role=any(action.dest == "role" for action in arguments),
        words=tuple(word for action in arguments for word in action.choices or () if word != ROLES),
    )


def options() -> dict[str, list[Option]]:
    """The options of each command."""
    return {name: each.options for name, each in _described().items()}


def _bash() -> str:
    described = _described()
    cases = "\n".join(
        f"        {name}) options={posix(' '.join(option.name for option in each.options))} "
        f"valued={posix(' '.join(option.name for option in each.options if option.valued))} ;;"
        for name, each in described.items()
    )
    values = "\n".join(
        f"        {posix(f'{name} {option.name}')}) words={posix(' '.join(option.values))} ;;"
        for name, each in described.items()
        for option in each.options
        if option.values
    )
    fixed = "\n".join(
        f"        {name}) words={posix(' '.join(each.words))} ;;" for name, each in described.items() if each.words
    )
    files = dict.fromkeys(option.name for each in described.values() for option in each.options if option.is_file)
    return _BASH.format(
        commands=" ".join(COMMANDS),
        cases=cases,
        values=values,
        fixed=fixed,
        files=" | ".join(f"*\\ {option}" for option in files),
        takers="|".join(name for name, each in described.items() if each.takes_role),
    )


def _zsh() -> str:
    commands = "\n".join(f"        {posix(f'{name}:{what}')}" for name, what in COMMANDS.items())
    cases = []
    for name, each in _described().items():
        specs = [_zsh_option(option) for option in each.options]
        if each.takes_role:
            specs.append("'1:role:_credvend_roles'")
        if each.words:
            specs.append(posix(f"1:{name}:({' '.join(each.words)})"))
        cases.append(f"        {name}) _arguments -S : {' '.join(specs)} ;;")
    return _ZSH.format(commands=commands, cases="\n".join(cases))


def _zsh_option(option: Option) -> str:
    # In a specification, brackets, colons and backslashes have a meaning.
    what = option.what
    for special in "\\[]:":
        what = what.replace(special, "\\" + special)
    if not option.valued:
        return posix(f"{option.name}[{what}]")
    action = "_files" if option.is_file else f"({' '.join(option.values)})" if option.values else " "
    return posix(f"{'*' if option.repeats else ''}{option.name}[{what}]:{option.name[2:]}:{action}")


def _fish() -> str:
    described = _described()
    valued = sorted({option.name for each in described.values() for option in each.options if option.valued})
    lines = [_FISH.replace("VALUED", " ".join(valued)).strip(), ""]
    for name, what in COMMANDS.items():
        lines.append(f"complete -c credvend -n __credvend_needs_command -f -a {name} -d {fish(what)}")
    lines.append("complete -c credvend -n __credvend_needs_command -f -l version -d 'the version'")
    lines.append("complete -c credvend -n __credvend_needs_command -f -l verbose -d 'say what is done'")
    for name, each in described.items():
        # Without -f: after `exec ROLE --`, files and commands are what is wanted.
        lines.append(f"complete -c credvend -n '__credvend_in {name}' -f")
        lines += [_fish_option(name, option) for option in each.options]
        wanted = f"complete -c credvend -n '__credvend_wants_role {name}' -f -a"
        if each.takes_role:
            lines.append(f"{wanted} '(credvend completion roles 2>/dev/null)'")
        if each.words:
            lines.append(f"{wanted} {fish(' '.join(each.words))}")
    rest = "'(complete -C (__credvend_rest))'"
    lines.append(f"complete -c credvend -n __credvend_after_dashes -a {rest}")
    return "\n".join(lines)


def _fish_option(command: str, option: Option) -> str:
    words = [f"complete -c credvend -n '__credvend_in {command}' -l {option.name[2:]} -d {fish(option.what)}"]
    if option.valued:
        words.append("-r")
    if option.is_file:
        words.append("-F")
    elif option.values:
        words.append(f"-f -a {fish(' '.join(option.values))}")
    return " ".join(words)


# By the name of the shell.
SCRIPTS: dict[str, Callable[[], str]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}

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
