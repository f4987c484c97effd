"""Scripts, evaluated by real shells: whatever a value holds comes back as it was, and nothing else happens.

Values are bytes, as environments hold them: what is not UTF-8 goes in and comes out by Python's surrogateescape. A
shell is started once for many values. PowerShell's grammar is checked, by a reader written from its specification.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.wire.formats.fish import fish_script
from chalicelib.wire.formats.ini_profile import ini_section
from chalicelib.wire.formats.posix_shell import posix_script
from chalicelib.wire.formats.powershell import powershell_script
from chalicelib.wire.no_script import no_script
from chalicelib.wire.text_answer import Text

# How each shell evaluates a file. Those that this machine has are asked; `sh` is there always.
POSIX = {
    "sh": ["sh", "-c", 'eval "$(cat "$1")"; env -0', "sh"],
    "dash": ["dash", "-c", 'eval "$(cat "$1")"; env -0', "dash"],
    "bash": ["bash", "-c", 'eval "$(cat "$1")"; env -0', "bash"],
    "bash --posix": ["bash", "--posix", "-c", 'eval "$(cat "$1")"; env -0', "bash"],
    "zsh": ["zsh", "-f", "-c", 'eval "$(cat "$1")"; env -0', "zsh"],
    "zsh with options": ["zsh", "-f", "-o", "rc_quotes", "-o", "ksh_glob", "-c", 'eval "$(cat "$1")"; env -0', "zsh"],
    "ksh": ["ksh", "-c", 'eval "$(cat "$1")"; env -0', "ksh"],
    "mksh": ["mksh", "-c", 'eval "$(cat "$1")"; env -0', "mksh"],
    "busybox": ["busybox", "sh", "-c", 'eval "$(cat "$1")"; env -0', "sh"],
}
FISH = {"fish": ["fish", "--no-config", "-c", "cat $argv[1] | source; env -0"]}
FOUND = [name for name, command in (POSIX | FISH).items() if shutil.which(command[0])]
HARSH = (
    "'", "''", "\\", "\\'", "\\\\", '"', "`id`", "$(id)", "${HOME}", "$HOME", "!", "!!", "#", "~", "=ls", "*", "[a]",
    "\n", "\n\n", "\r\n", "\t", " ", ";", "&", "|", ">", "<", "(", ")", "{a,b}", "%", "^", "\u2018", "\u2019", "\u201a",
    "\u201b", "\udc80", "\udcff", "\x01", "\x7f", "\x1b[31m", "é", "😀", "\uf600", "-", "-e", "\\n", "\\x27",
)  # fmt: skip
VALUE = st.binary(max_size=40).map(lambda raw: os.fsdecode(raw.replace(b"\0", b""))) | st.lists(
    st.sampled_from(HARSH), max_size=6
).map("".join)


def evaluated(shell: str, script: str, directory: Path) -> dict[str, str]:
    """The environment of a shell that has evaluated a script. Nothing may be said, and no file be made."""
    done = evaluate(shell, script, directory)
    assert (done.returncode, done.stderr) == (0, b""), done.stderr
    pairs = (variable.partition(b"=") for variable in done.stdout.split(b"\0") if variable)
    return {os.fsdecode(name): os.fsdecode(value) for name, _, value in pairs}


def evaluate(shell: str | list[str], script: str, directory: Path) -> subprocess.CompletedProcess[bytes]:
    """What a shell says that evaluates a script, in a directory that is empty, and stays so."""
    home, here, place = directory / "home", directory / "here", directory / "script"  # fish writes into its home
    for path in (home, here):
        path.mkdir(exist_ok=True)
    place.write_bytes(os.fsencode(script))
    done = subprocess.run(
        [*((POSIX | FISH)[shell] if isinstance(shell, str) else shell), str(place)],
        env={"PATH": os.environ["PATH"], "HOME": str(home), "KEPT": "as it was", "LC_ALL": "C.UTF-8"},
        cwd=here,
        capture_output=True,
        check=False,
    )
    assert not list(here.iterdir()), script
    return done


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shell")


@pytest.mark.parametrize("shell", FOUND)
def test_every_value_comes_back_as_it_was(shell: str, directory: Path) -> None:
    write = fish_script if shell in FISH else posix_script

    @given(st.lists(VALUE, min_size=40, max_size=80))
    @settings(max_examples=5, deadline=None)
    def comes_back(values: list[str]) -> None:
        variables = {f"AWS_V{index}": value for index, value in enumerate(values)}
        found = evaluated(shell, write(variables), directory)
        assert {name: found.get(name) for name in variables} == variables

    comes_back()


@pytest.mark.parametrize("shell", FOUND)
def test_each_harsh_value_alone_comes_back_as_it_was(shell: str, directory: Path) -> None:
    write = fish_script if shell in FISH else posix_script
    variables = {f"AWS_V{index}": value for index, value in enumerate([*HARSH, "".join(HARSH)])}
    found = evaluated(shell, write(variables), directory)
    assert {name: found.get(name) for name in variables} == variables


@pytest.mark.parametrize("shell", FOUND)
def test_a_script_does_to_a_shell_what_it_says_and_no_more(shell: str, directory: Path) -> None:
    write = fish_script if shell in FISH else posix_script
    without, given_one = evaluated(shell, "", directory), evaluated(shell, write({"AWS_V": "x"}), directory)
    assert given_one.pop("AWS_V") == "x"
    assert given_one == without and given_one["KEPT"] == "as it was"


@pytest.mark.parametrize("shell", [shell for shell in FOUND if shell not in FISH])
def test_what_is_for_fish_fails_in_other_shells_and_does_nothing(shell: str, directory: Path) -> None:
    """Not even tell the values, as zsh would with `set -gx`; an interactive shell goes on."""
    name, *options, script, zero = (POSIX | FISH)[shell]
    alone = [name, *options, script.replace("; env -0", ""), zero]
    done = evaluate(alone, fish_script({"AWS_V": "first", "AWS_W": "second"}), directory)
    assert done.returncode != 0 and b"first" not in done.stdout + done.stderr and b"second" not in done.stderr
    on = [name, *options, script.replace('"$(cat "$1")"', '"$(cat "$1")" 2> /dev/null || false'), zero]
    assert b"AWS_" not in evaluate(on, fish_script({"AWS_V": "first", "AWS_W": "second"}), directory).stdout


def test_no_script_unsets_anything() -> None:
    for write in (posix_script, fish_script, powershell_script):
        assert not re.search("unset|set -e|Remove", write({"AWS_V": "x"})) and write({}) == ""


@given(st.dictionaries(st.from_regex(r"AWS_[A-Z]{1,9}", fullmatch=True), VALUE, max_size=5))
def test_the_grammar_of_powershell_reads_the_same_values(variables: Mapping[str, str]) -> None:
    assert _read_powershell(powershell_script(variables)) == variables


def _read_powershell(script: str) -> dict[str, str]:
    """Assignments of verbatim strings: in one, two quotes of any kind are one, the second of them."""
    quote = "['\u2018\u2019\u201a\u201b]"
    found: dict[str, str] = {}
    position = 0
    while position < len(script):
        match = re.compile(rf"\$Env:(\w+) = {quote}((?:[^'\u2018\u2019\u201a\u201b]|{quote}{quote})*){quote}\n").match(
            script, position
        )
        assert match is not None, script[position:]
        found[match[1]] = re.sub(f"{quote}({quote})", r"\1", match[2])
        position = match.end()
    return found


TEXT = st.lists(st.sampled_from(HARSH) | st.text(max_size=5), max_size=8).map("".join)


@given(TEXT, TEXT)
def test_an_error_in_the_place_of_a_script_is_the_same_json(code: str, message: str) -> None:
    text = no_script({"Code": code, "Message": message}, for_eval=True)
    assert json.loads(text) == {"NotAScript": "$(", "Code": code, "Message": message}
    assert not set(text.removeprefix('{"NotAScript": "$(')) & set("$`)\n")


@given(TEXT)
def test_in_any_error_a_shell_finds_nothing_to_expand(message: str) -> None:
    text = no_script({"Code": "InvalidRequest", "Message": message}, for_eval=False)
    assert json.loads(text) == {"Code": "InvalidRequest", "Message": message}
    assert not set(text) & set("$`\n")


def test_an_error_that_nobody_asked_to_evaluate_shows_its_brackets() -> None:
    text = no_script({"Message": "GET /v1/roles (/v1/iam/roles) lists them."}, for_eval=False)
    assert text == '{"Message": "GET /v1/roles (/v1/iam/roles) lists them."}'


EVIL = (
    '"; touch made #', "'; touch made #", "\n touch made \n", ")touch made(", "$(touch made)", "`touch made`", '")"',
    "; touch made ;", "| touch made", "& touch made &", "<<E\n", "*) touch made;;", "}; touch made; {", "esac", '")',
    "<(touch made)", "=(touch made)", "(touch made)", '"(touch made)"', ") ; touch made ; (", '\\"; touch made; "',
    "${x:-$(touch made)}", "\\$(touch made)", "made() { touch made; }; made",
)  # fmt: skip


@pytest.mark.parametrize("shell", FOUND)
def test_an_error_of_a_form_that_is_no_script_runs_nothing_either(shell: str, directory: Path) -> None:
    """Somebody may evaluate it all the same. `evaluate` asserts that nothing was made."""
    for message in (*EVIL, "".join(EVIL)):
        answer = {"Code": "InvalidRequest", "Message": message, "RequestId": "1"}
        assert evaluate(shell, no_script(answer, for_eval=False), directory).stderr


@pytest.mark.parametrize("shell", FOUND)
def test_a_shell_that_is_given_an_error_runs_no_part_of_it(shell: str, directory: Path) -> None:
    """Not even a message that the caller put commands into."""
    for message in [*EVIL, "".join(EVIL), "No such role."]:
        done = evaluate(
            shell, no_script({"Code": "InvalidRequest", "Message": message, "RequestId": "1"}, True), directory
        )
        assert done.stderr and not re.search(b"not found|[Uu]nknown command", done.stderr), done


def test_a_profile_holds_each_value_in_a_line() -> None:
    written = ini_section("data.reader-1", {"AWS_ACCESS_KEY_ID": "A", "AWS_SESSION_TOKEN": "b+/=%;#"})
    assert written == "[data.reader-1]\naws_access_key_id = A\naws_session_token = b+/=%;#\n"


@given(VALUE)
def test_a_value_that_is_no_word_is_refused_in_a_profile(value: str) -> None:
    if re.fullmatch(r"[!-~]+", value, re.ASCII):
        assert ini_section("a", {"B": value}) == f"[a]\nb = {value}\n"
    else:
        with pytest.raises(ValueError, match="a value cannot stand in a profile"):
            ini_section("a", {"B": value})


def test_a_script_keeps_out_of_the_repr_of_an_answer() -> None:
    assert "secret" not in repr(Text("text/x-shellscript", posix_script({"AWS_SECRET_ACCESS_KEY": "secret"})))
