"""The sessions of docs/client-tour.md, typed into shells, show on the screen what the document shows."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from tour import aws, screens
from tour.company import TOKEN, Place, company, console_setting
from tour.screens import HAS_TMUX, Screen, await_screen, pseudo_terminal, tmux
from tour.transcript import Step, session, startup_files

Opened = Callable[[str, dict[str, str]], AbstractContextManager[Screen]]
DOCUMENT = Path(__file__).parents[3] / "docs" / "client-tour.md"
NEWCOMER = "A newcomer's first ten minutes"
USER = "A day of somebody who knows aws-vault"
SHELLS = [shell for shell in ("bash", "zsh", "fish") if shutil.which(shell)]
# Those of this machine. A plain terminal does without tmux, but only bash does with a plain terminal.
PLAIN: dict[str, tuple[str, Opened]] = {"bash in a plain terminal": ("bash", pseudo_terminal)}
IN_TMUX: dict[str, tuple[str, Opened]] = {f"{shell} in tmux": (shell, tmux) for shell in SHELLS if HAS_TMUX}
# What people have in their files already, and a user of aws-vault besides; the document may add to them.
STARTUP = {
    ".bashrc": "PS1='$ '\n",
    ".zshenv": "skip_global_compinit=1\n",
    ".zshrc": "PS1='$ '\nunsetopt prompt_sp\nautoload -Uz compinit\ncompinit -u -D\n",
    ".config/fish/config.fish": (
        "set -g fish_greeting\nset -g fish_autosuggestion_enabled 0\nfunction fish_prompt; printf '$ '; end\n"
    ),
}
OWN_PROFILES = "[default]\nregion = eu-central-1\n\n[profile home]\nregion = eu-central-1\n"


@pytest.fixture
def place() -> Iterator[Place]:
    with company() as started:
        yield started


@pytest.fixture
def environ(environ: dict[str, str], place: Place, tmp_path: Path) -> dict[str, str]:
    """Of a person who has the programs of the tour, and has set up nothing."""
    programs = tmp_path / "programs"
    programs.mkdir()
    commands = {"credvend": "-m credvend"} | {name: f"{aws.__file__} {name}" for name in ("aws", "terraform")}
    for name, arguments in commands.items():
        path = programs / name
        path.write_text(f'#!/bin/sh\nexec {sys.executable} {arguments} "$@"\n')
        path.chmod(0o755)
    for name, text in STARTUP.items():
        path = Path(environ["HOME"], name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return {
        "PATH": f"{programs}:{environ['PATH']}",
        "HOME": environ["HOME"],
        "PYTHONPATH": environ["PYTHONPATH"],
        "LC_ALL": "C.UTF-8",
        "CREDVEND_KEYRING": "off",
        "BASH_SILENCE_DEPRECATION_WARNING": "1",  # which macOS's would say at its start
        "AWS_ENDPOINT_URL_STS": place.sts,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def tidied(text: str, place: Place, environ: dict[str, str]) -> str:
    """Without what differs from run to run; the document has the same taken out."""
    program = shutil.which("credvend", path=environ["PATH"])
    names = place.names | {f"{program}": "/usr/local/bin/credvend", environ["HOME"]: "/home/ada"}
    for real, told in names.items():
        text = text.replace(real, told)
    text = re.sub(r"\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", "MOMENT", text)
    text = re.sub(r"\b20\d{6}T\d{6}Z-[0-9a-f]{4}\.bak", "MOMENT.bak", text)
    text = re.sub(r"\b[0-9a-f]{16,}\.secret", "NAME.secret", text)
    text = re.sub(r"^(\w+) 5\dm", r"\1 59m", text, flags=re.M)
    return re.sub(r"^exit\n", "", text, flags=re.M)  # which bash says when it ends


def type_and_compare(heading: str, shell: str, screen: Screen, place: Place, environ: dict[str, str]) -> None:
    """Type a session, and see what the document shows."""
    for step in session(DOCUMENT.read_text(encoding="utf-8"), heading, shell, TOKEN):
        typed = step.typed
        for real, told in place.names.items():
            typed = typed.replace(told, real)
        if typed:
            screen.type(typed)
        await_screen(screen, step.screen, lambda text: tidied(text, place, environ))


@pytest.mark.parametrize(("shell", "opened"), (IN_TMUX | PLAIN).values(), ids=IN_TMUX | PLAIN)
def test_a_newcomer_sees_what_the_document_shows(
    shell: str, opened: Opened, place: Place, environ: dict[str, str]
) -> None:
    environ["SHELL"] = f"{shutil.which(shell)}"
    with opened(shell, environ) as screen:
        type_and_compare(NEWCOMER, shell, screen, place, environ)


@pytest.mark.parametrize(("shell", "opened"), (IN_TMUX or PLAIN).values(), ids=IN_TMUX or PLAIN)
def test_a_user_of_aws_vault_sees_what_the_document_shows(
    shell: str, opened: Opened, place: Place, environ: dict[str, str]
) -> None:
    environ["SHELL"] = f"{shutil.which(shell)}"
    home = Path(environ["HOME"])
    for name, text in startup_files(DOCUMENT.read_text(encoding="utf-8")).items():
        path = home / name
        path.write_text(path.read_text() + text)
    for name, text in {".config/credvend/config": console_setting(place), ".aws/config": OWN_PROFILES}.items():
        path = home / name
        path.parent.mkdir(mode=0o700, parents=True)
        path.write_text(text)
        path.chmod(0o600)
    with opened(shell, environ) as screen:
        type_and_compare(USER, shell, screen, place, environ)


def test_a_screen_that_shows_anything_else_is_told(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screens, "PATIENCE", 0.5)
    with pseudo_terminal("bash", environ) as screen, pytest.raises(AssertionError, match="the document\\n%\\n"):
        await_screen(screen, ["%", ""], str)


SAMPLE = """
## A session

```console bash
$ credvend exec rep⇥orts -- true
reports 59m$ exit
```

```console fish zsh
$ credvend configure
Way [auto]: token
API token (empty: keep the one there is):
```

## Another

```console
$ true
```
"""


def test_a_session_is_what_stands_under_its_heading_for_its_shell() -> None:
    assert session(SAMPLE, "A session", "bash") == [
        Step("", ("$",)),
        Step("credvend exec rep\t", ("$ credvend exec reports",)),
        Step("-- true\r", ("$ credvend exec reports -- true", "reports 59m$")),
        Step("exit\r", ("$ credvend exec reports -- true", "reports 59m$ exit", "$")),
    ]
    assert [step.typed for step in session(SAMPLE, "A session", "fish", "secret")][1:] == [
        "credvend configure\r",
        "token\r",
        "secret\r",
    ]
    with pytest.raises(ValueError, match="no session under A"):
        session(SAMPLE, "A", "bash")
