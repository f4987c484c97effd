"""Each command against the faults of a real directory: which file is wrong, and why, without a traceback.

A row of FAULTS is what somebody does to a good directory; COMMANDS are what is typed then.
"""

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from ops import admin
from ops.environments import ROOT

ROLES: Final = 'roles:\n  - {name: reader, arn: "arn:aws:iam::111122223333:role/reader", groups: [open]}\n'
ISSUERS: Final = "issuers:\n  - {name: okta, issuer: https://okta.example.com, audiences: [credvend]}\n"
POLICY: Final = (
    '@id("alice")\npermit (principal == IamUser::"arn:aws:iam::111122223333:user/alice", action, resource);\n'
)
TESTS: Final = (
    'tests:\n  - {name: x, caller: {arn: "arn:aws:iam::111122223333:user/alice"}, role: reader, expect: allow}\n'
)
ALICE: Final = "arn:aws:iam::111122223333:user/alice"
_AT_HAND: Final = ("--config", "{broken}")
_FORGE: Final = ("acme/shop", "--role", "reader", "--branch", "main")
COMMANDS: Final[Mapping[str, tuple[str, ...]]] = {
    "validate": ("validate", *_AT_HAND),
    "test": ("test", *_AT_HAND),
    "explain": ("explain", "reader", "--caller", ALICE, *_AT_HAND),
    "who-can": ("who-can", "reader", *_AT_HAND),
    "what-can": ("what-can", ALICE, *_AT_HAND),
    "diff to": ("diff", "{good}", "{broken}"),
    "diff from": ("diff", "{broken}", "{good}"),
    "onboard": ("onboard", "reader", "--credvend-account", "111122223333", "--region", "eu-west-1", *_AT_HAND),
    "onboard-github": ("onboard-github", *_FORGE, "--repository-id", "1", "--owner-id", "2", *_AT_HAND),
    "onboard-gitlab": ("onboard-gitlab", *_FORGE, "--project-id", "1", "--namespace-id", "2", *_AT_HAND),
    "check-issuers": ("check-issuers", *_AT_HAND),
    "doctor": ("doctor", *_AT_HAND),
}
EVERY: Final = frozenset(COMMANDS)
DECIDING: Final = frozenset({"validate", "test", "explain", "who-can", "what-can", "diff to", "diff from"})
ON_ROLES: Final = EVERY - {"check-issuers"}
ON_FOLDERS: Final = DECIDING | {"doctor"}
ON_TESTS: Final = frozenset({"validate", "test", "diff to", "diff from"})


class Fault(NamedTuple):
    """What is wrong.

    Attributes:
        do: makes it so of a good directory; returns what is named instead of it, if anything.
        says: what is told of it: parts of one message.
        of: the commands that look at what is wrong; others do their work.
    """

    do: Callable[[Path], Path | None]
    says: tuple[str, ...]
    of: frozenset[str]


def write(file: str, content: str | bytes) -> Callable[[Path], None]:
    def do(config: Path) -> None:
        (config / file).write_bytes(content.encode() if isinstance(content, str) else content)

    return do


def replace(file: str, by: str | None) -> Callable[[Path], None]:
    """Put a folder in the place of a file or a folder, or a link to what `by` names."""

    def do(config: Path) -> None:
        place = config / file
        if place.is_dir():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)
        if by is None:
            place.mkdir()
        else:
            place.symlink_to(by)

    return do


def folder_as_file(config: Path) -> None:
    shutil.rmtree(config / "policies")
    (config / "policies").write_text(POLICY)


def emptied(config: Path) -> None:
    shutil.rmtree(config)
    config.mkdir()


def a_file(config: Path) -> Path:
    return config / "roles.yaml"


LINK: Final = "is a link that leads nowhere"
FAULTS: Final[Mapping[str, Fault]] = {
    "no directory": Fault(lambda config: config / "gone", ("gone", "is "), EVERY),
    "a file instead of a directory": Fault(a_file, ("roles.yaml", "is"), EVERY),
    "an empty directory": Fault(emptied, ("is empty: it needs roles.yaml",), ON_FOLDERS),
    "an empty directory, of which roles are wanted": Fault(emptied, ("roles.yaml",), ON_ROLES),
    "no roles": Fault(lambda config: (config / "roles.yaml").unlink(), ("roles.yaml",), ON_ROLES),
    "empty roles": Fault(write("roles.yaml", ""), ("roles.yaml", 'must hold a list "roles"'), ON_ROLES),
    "roles that are no YAML": Fault(
        write("roles.yaml", "roles:\n  - {name: [a\n"), ("roles.yaml", "not valid YAML", "line 3"), ON_ROLES
    ),
    "a key that stands twice": Fault(
        write("roles.yaml", ROLES + "roles: []\n"), ("roles.yaml", "stands twice", "line 3"), ON_ROLES
    ),
    "tabs": Fault(
        write("roles.yaml", "roles:\n\t- name: a\n"), ("roles.yaml", "line 2", "not with tabs"), ON_ROLES
    ),
    "Latin-1": Fault(
        write("roles.yaml", ROLES.encode() + b"# \xe9\n"), ("roles.yaml", "not in UTF-8 (line 3)"), ON_ROLES
    ),
    "no text": Fault(write("roles.yaml", b"\0\1\2"), ("roles.yaml", "not valid YAML"), ON_ROLES),
    "a folder instead of roles.yaml": Fault(replace("roles.yaml", None), ("roles.yaml",), ON_ROLES),
    "roles in a link to itself": Fault(replace("roles.yaml", "roles.yaml"), ("roles.yaml",), ON_ROLES),
    "roles in a link to nothing": Fault(replace("roles.yaml", "gone"), ("roles.yaml",), ON_ROLES),
    "issuers that are no YAML": Fault(
        write("issuers.yaml", "issuers: [{"), ("issuers.yaml", "not valid YAML"), EVERY
    ),
    "a wrong quota": Fault(
        write("sessions.yaml", "quotas: [x]\n"), ("sessions.yaml", "quota number 1"), ON_ROLES
    ),
    "accounts that are no YAML": Fault(
        write("accounts.yaml", "accounts: ["), ("accounts.yaml", "not valid YAML"), ON_ROLES
    ),
    "no policies": Fault(lambda config: shutil.rmtree(config / "policies"), ("policies",), ON_FOLDERS),
    "an empty folder of policies": Fault(replace("policies", None), ("policies", "no *.cedar file there"), DECIDING),
    "a file instead of policies": Fault(folder_as_file, ("policies", "is a file, and must be a folder"), ON_FOLDERS),
    "policies in a link to itself": Fault(replace("policies", "policies"), ("policies", LINK), ON_FOLDERS),
    "a link that goes round in circles": Fault(
        replace("policies/all", ".."), ("policies/all", "is a link to a folder, which is not followed"), ON_FOLDERS
    ),
    "a policy in a link to itself": Fault(
        replace("policies/b.cedar", "b.cedar"), ("policies/b.cedar", LINK), ON_FOLDERS
    ),
    "Cedar that is none": Fault(
        write("policies/a.cedar", POLICY + "permit (principal, action"), ("policies/a.cedar", "line 3"), DECIDING
    ),
    "Cedar with a byte order mark": Fault(
        write("policies/a.cedar", "\ufeff" + POLICY), ("policies/a.cedar", "byte order mark"), DECIDING
    ),
    "Cedar that is no text": Fault(
        write("policies/a.cedar", b"\xff\xfe"), ("policies/a.cedar", "not in UTF-8 (line 1)"), DECIDING
    ),
    "an empty schema": Fault(
        write("schema.cedarschema", "\n"), ("schema.cedarschema", "is empty: remove it"), DECIDING
    ),
    "a schema that is none": Fault(
        write("schema.cedarschema", "entity"), ("schema.cedarschema", "error parsing schema"), DECIDING
    ),
    "tests that are no YAML": Fault(write("tests/a.yaml", "tests: ["), ("tests/a.yaml", "not valid YAML"), ON_TESTS),
    "stage.yaml that is no YAML": Fault(
        write("stage.yaml", "runtime: ["), ("stage.yaml", "not valid YAML"), frozenset({"validate", "onboard"})
    ),
    "a template that is none": Fault(
        write("template.yaml", "Resources:\n  A: !Nope x\n"), ("template.yaml:2", "!Nope"), frozenset({"validate"})
    ),
}  # fmt: skip


def good(directory: Path) -> Path:
    (directory / "policies").mkdir(parents=True)
    (directory / "tests").mkdir()
    for name, text in (("roles.yaml", ROLES), ("issuers.yaml", ISSUERS), ("tests/a.yaml", TESTS)):
        (directory / name).write_text(text)
    (directory / "policies/a.cedar").write_text(POLICY)
    return directory


def typed(command: str, broken: Path, good: Path) -> list[str]:
    return [word.format(broken=broken, good=good) for word in COMMANDS[command]]


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands are typed where there is no configuration, and no repository."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.setenv("AWS_REGION", "eu-west-1")


CASES: Final = [(command, fault) for fault, row in FAULTS.items() for command in COMMANDS if command in row.of]


@pytest.mark.parametrize(("command", "fault"), CASES)
def test_what_is_wrong_is_told_with_its_file(
    command: str, fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = good(tmp_path / "config")
    broken = FAULTS[fault].do(config) or config
    status = admin.main(typed(command, broken, good(tmp_path / "good")))
    printed = capsys.readouterr()
    told = (printed.out if command == "validate" else "") + printed.err
    assert status in (1, 2), told
    assert any(all(part in line for part in FAULTS[fault].says) for line in told.splitlines()), told
    assert "Traceback" not in told and "Errno" not in told


@pytest.mark.parametrize("command", ["validate", "test", "explain", "who-can", "what-can", "diff to", "onboard"])
def test_what_is_in_order_is_no_fault(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert admin.main(typed(command, good(tmp_path / "config"), good(tmp_path / "good"))) == 0, capsys.readouterr()


def test_yaml_with_a_byte_order_mark_is_yaml(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write("roles.yaml", "\ufeff" + ROLES)(good(tmp_path / "config"))
    assert admin.main(["validate", "--config", str(tmp_path / "config")]) == 0, capsys.readouterr()


def test_an_empty_policy_file_alone_lets_nobody_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write("policies/a.cedar", "")(good(tmp_path / "config"))
    admin.main(["validate", "--config", str(tmp_path / "config")])
    assert "warning: the files there hold no policy, so nobody is let in" in capsys.readouterr().out


def test_policies_and_quotas_are_told_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = good(tmp_path / "config")
    write("policies/a.cedar", POLICY + "permit;")(config)
    write("sessions.yaml", "quotas: [x]\n")(config)
    write("stage.yaml", "runtime: [\n")(config)
    write("template.yaml", "Resources: [\n")(config)
    assert admin.main(["validate", "--config", str(config)]) == 1
    told = capsys.readouterr().out
    files = ("policies/a.cedar:3: error", "sessions.yaml:1: error", "stage.yaml:2: error", "template.yaml:2: error")
    assert all(file in told for file in files), told


def test_a_template_is_held_against_credvends_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = good(tmp_path / "config")
    resources = "  New: {Type: AWS::SNS::Topic}\n  ApiHandlerLogGroup:\n    Properties:\n      RetentionInDays: 400\n"
    write("template.yaml", f"Resources:\n{resources}")(config)
    assert admin.main(["validate", "--config", str(config)]) == 0, capsys.readouterr()
    write("template.yaml", f"Resources:\n{resources}  APIHandler:\n    Properties:\n      Handler: mine\n")(config)
    assert admin.main(["validate", "--config", str(config)]) == 1
    assert (
        "template.yaml:8: error: Resources.APIHandler.Properties.Handler is credvend's own" in capsys.readouterr().out
    )


# What nobody may read. Root may read everything, so a process gives that up first; and its folder is everybody's.
UNREADABLE: Final[Mapping[str, tuple[str, frozenset[str]]]] = {
    ".": ("cannot be read", EVERY),
    "roles.yaml": ("roles.yaml", ON_ROLES),
    "issuers.yaml": ("issuers.yaml", EVERY),
    "policies": ("policies", ON_FOLDERS),
    "policies/a.cedar": ("policies/a.cedar", ON_FOLDERS),
    "tests": ("tests", ON_TESTS),
    "tests/a.yaml": ("tests/a.yaml", ON_TESTS),
}
# CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH: https://man7.org/linux/man-pages/man7/capabilities.7.html
_GIVE_UP: Final = """
import ctypes, os, sys
if os.geteuid() == 0:
    for capability in (1, 2):
        assert ctypes.CDLL(None).prctl(24, capability, 0, 0, 0) == 0  # PR_CAPBSET_DROP
os.execv(sys.executable, [sys.executable, "-m", "tests.unit.ops.test_faults", *sys.argv[1:]])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="gives up capabilities of Linux")
def test_what_nobody_may_read_is_told_with_its_file(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _GIVE_UP, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "AWS_REGION": "eu-west-1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for command, file, status, told in json.loads(done.stdout):
        assert status == 1 and UNREADABLE[file][0] in told, (command, file, told)
        assert "Permission denied" in told or "Mend its rights" in told, (command, file, told)
        assert "Traceback" not in told and "Errno" not in told, (command, file, told)


def _unreadable(directory: Path) -> Iterator[tuple[str, str, object, str]]:
    """What each command says of each file that cannot be read."""
    other = good(directory / "good")
    for number, (file, (_, commands)) in enumerate(UNREADABLE.items()):
        config = good(directory / str(number))
        rights = (config / file).stat().st_mode
        (config / file).chmod(0)
        for command in sorted(commands):
            told = io.StringIO()
            with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
                try:
                    status: object = admin.main(typed(command, config, other))
                except Exception as error:
                    status = f"Traceback: {error!r}"
            yield command, file, status, told.getvalue()
        (config / file).chmod(rights)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as here:
        os.chdir(here)
        json.dump(list(_unreadable(Path(sys.argv[1]))), sys.stdout)
