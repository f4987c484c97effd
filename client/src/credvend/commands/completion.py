"""Print what your shell needs to complete credvend's commands, options and roles.

\b
bash:        eval "$(credvend completion bash)"          in ~/.bashrc
zsh:         eval "$(credvend completion zsh)"           in ~/.zshrc, after compinit
fish:        credvend completion fish | source           in ~/.config/fish/config.fish
PowerShell:  credvend completion powershell | Out-String | Invoke-Expression   in $PROFILE
"""

from __future__ import annotations

from collections.abc import Mapping

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    PowerShellComplete,
    ShellComplete,
    ZshComplete,
)

from credvend.commands.known_roles import REFRESH, refresh
from credvend.commands.names import COMPLETE
from credvend.commands.registry import commands

# What each shell does before it asks credvend: behind the dashes of `exec`, another command is completed as if alone.
_BASH = r"""
    local at
    for (( at = 2; at < COMP_CWORD; at++ )); do
        if [[ ${COMP_WORDS[1]} == exec && ${COMP_WORDS[at]} == -- ]]; then
            if declare -F _comp_command_offset > /dev/null; then
                _comp_command_offset $(( at + 1 ))
            elif declare -F _command_offset > /dev/null; then
                _command_offset $(( at + 1 ))
            elif (( COMP_CWORD == at + 1 )) && [[ ${COMP_WORDS[COMP_CWORD]} != */* ]]; then
                COMPREPLY=( $(compgen -c -- "${COMP_WORDS[COMP_CWORD]}") )
            else
                # By readline itself, which quotes what is in a name: a file may be called $(rm x).
                COMPREPLY=()
                compopt -o default
            fi
            return
        fi
    done
"""
_ZSH = r"""
    local -i dashes=$(( ${words[(i)--]} ))
    if [[ $words[2] == exec ]] && (( dashes < CURRENT )); then
        shift $dashes words
        (( CURRENT -= dashes ))
        _normal
        return
    fi
"""
_FISH = r"""
    set -l words (commandline -opc) (commandline -ct)
    if test "$words[2]" = exec; and set -l at (contains -i -- -- $words[1..-2])
        set -e words[1..$at]
        complete -C (string join ' ' -- (string escape -- $words[1..-2]) $words[-1])
        return
    end
"""


def _before(template: str, opening: str, what: str) -> str:
    return _instead(template, opening, opening + what.replace("%", "%%"))


def _instead(template: str, old: str, new: str) -> str:
    assert old in template  # noqa: S101 click's template is another one
    return template.replace(old, new, 1)


class _Bash(BashComplete):
    source_template = _before(BashComplete.source_template, "local IFS=$'\\n'", _BASH)

    before = ""
    """What stands before the last `@` of the word that is completed, and is there already."""

    def get_completion_args(self) -> tuple[list[str], str]:
        """As click has it, but for the signs in --option=value and role@account, which bash takes for words."""
        words, incomplete = super().get_completion_args()
        whole: list[str] = []
        for word in (*words, incomplete):
            if whole and (word == "@" or whole[-1].endswith("@")):
                whole[-1] += word
            else:
                whole.append(word)
        *words, incomplete = whole
        self.before = incomplete[: incomplete.rfind("@") + 1]
        return [word for word in words if word != "="], "" if incomplete == "=" else incomplete

    def format_completion(self, item: CompletionItem) -> str:
        """As click has it, without what is there already: bash puts it behind that."""
        if self.before and str(item.value).startswith(self.before):
            item = CompletionItem(str(item.value)[len(self.before) :], item.type, item.help)
        return super().format_completion(item)


class _Zsh(ZshComplete):
    source_template = _before(ZshComplete.source_template, "local -a response", _ZSH)


class _Fish(FishComplete):
    # A description may have commas, at which click's template would cut it.
    source_template = _instead(
        _before(FishComplete.source_template, "function %(complete_func)s;", _FISH),
        'string split ","',
        'string split --max 1 ","',
    )


_SHELLS: dict[str, type[ShellComplete]] = {each.name: each for each in (_Bash, _Zsh, _Fish, PowerShellComplete)}


@click.command(help=__doc__)
@click.argument("shell", metavar="SHELL", type=click.Choice(list(_SHELLS)))
def command(shell: str) -> int:
    print(_SHELLS[shell](commands(), {}, "credvend", COMPLETE).source())
    return 0


def complete(instruction: str, environ: Mapping[str, str]) -> int:
    """Answer a shell that completes a line.

    Args:
        instruction: the value of the variable, such as `bash_complete`.
    """
    if instruction == REFRESH:
        refresh(environ)
        return 0
    shell = _SHELLS.get(instruction.partition("_")[0])
    if shell is None:
        return 1
    print(shell(commands(), {"obj": environ}, "credvend", COMPLETE).complete())
    return 0
