"""Terminal sessions in a document: what is typed, and what the screen shows then.

A session is the blocks ```` ```console ```` of one heading (`## ...`), one after the other. `$ ` begins what is typed;
before it may stand what a prompt of the person's shows. `⇥` is the TAB key, and what stands behind it up to the next
blank is what the shell fills in. An answer stands behind its question. A block that is for some shells names them:
```` ```console bash zsh ````.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

TAB = "⇥"
_BLOCK = re.compile(r"^```console(?P<shells>[ a-z]*)\n(?P<text>.*?)^```$", re.M | re.S)
_COMMAND = re.compile(r"(?P<prompt>(?:[a-z]+(?: \d+m)?)?)\$ (?P<typed>.*)")
_STARTUP = re.compile(r"^```[a-z]+ ~/(?P<file>\S+)\n(?P<text>.*?)^```$", re.M | re.S)
# The questions of the client that the sessions answer.
_QUESTION = re.compile(
    r"(?P<question>URL of the service:|Way \[auto\]:|API token \([^)]*\):|Write \S+\? \[y/N\]) ?(?P<answer>.*)"
)


@dataclass(frozen=True)
class Step:
    """Something typed, and all of the screen when that is done with.

    Attributes:
        typed: with the keys TAB and Enter; empty at the beginning.
    """

    typed: str
    screen: tuple[str, ...]


def session(document: str, heading: str, shell: str, secret: str = "") -> list[Step]:
    """The steps of a session in one shell.

    Args:
        secret: what is typed where the document shows nothing behind a question.

    Raises:
        ValueError: there is no such session.
    """
    _, found, rest = document.partition(f"\n## {heading}\n")
    blocks = list(_BLOCK.finditer(rest.partition("\n## ")[0])) if found else []
    lines = [
        line
        for block in blocks
        if not block["shells"].split() or shell in block["shells"].split()
        for line in block["text"].splitlines()
    ]
    if not lines or not _COMMAND.fullmatch(lines[0]):
        raise ValueError(f"no session under {heading}")
    return list(_steps(lines, secret))


def startup_files(document: str) -> dict[str, str]:
    """What the document puts into files of the home directory: blocks that name one, ```` ```bash ~/.bashrc ````."""
    return {block["file"]: block["text"] for block in _STARTUP.finditer(document)}


def _steps(lines: list[str], secret: str) -> list[Step]:
    steps: list[Step] = []
    typed = ""
    shown: list[str] = []
    for line in lines:
        command = _COMMAND.fullmatch(line)
        question = _QUESTION.fullmatch(line)
        if command:
            steps.append(Step(typed, (*shown, f"{command['prompt']}$")))
            before, tab, after = command["typed"].partition(TAB)
            if tab:
                word = re.match(r"\S*", after)
                filled = before + (word[0] if word else "")
                steps.append(Step(f"{before}\t", (*shown, f"{command['prompt']}$ {filled}")))
                before = after[word.end() :].lstrip() if word else after
            typed = f"{before}\r"
            shown = [*shown, line.replace(TAB, "").rstrip()]
        elif question:
            steps.append(Step(typed, (*shown, question["question"])))
            typed = f"{question['answer'] or secret}\r"
            shown = [*shown, f"{question['question']} {question['answer']}".rstrip()]
        else:
            shown = [*shown, line.rstrip()]
    # At the end of a session the shell is nobody's.
    return [*steps, Step(typed, (*shown, "$"))]
