"""An error where a script was asked for: no shell finds anything in it to run."""

import json
from collections.abc import Mapping


def no_script(answer: Mapping[str, object], for_eval: bool) -> str:
    """A JSON object in which a shell finds nothing to expand, whatever text of a stranger it repeats.

    Args:
        for_eval: a script was asked for, so it may be evaluated. Then it begins with a command substitution that
            nothing closes, since no `)` follows: to sh, bash, zsh, ksh, fish and PowerShell alike, the whole is a
            syntax error. Elsewhere nothing is opened that a `)` could close, and people read it as it is.
    """
    inert = json.dumps(answer).replace("$", "\\u0024").replace("`", "\\u0060")
    if not for_eval:
        return inert
    return '{"NotAScript": "$(", ' + inert.removeprefix("{").replace(")", "\\u0029")
