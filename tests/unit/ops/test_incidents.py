"""Every command that docs/incidents.md and docs/ledger.md tell operators to give does what they say."""

import re
import shlex
from collections.abc import Iterator

import pytest

from chalicelib.blocks.gates import gate_id
from ops import admin
from ops.environments import ROOT
from testing.documents import blocks
from testing.dynamodb.credvend_tables import BLOCKS
from tests.unit.chalicelib.ledger.ledger_world import ACCOUNT, ALICE
from tests.unit.ops.admin_line import AdminLine
from tests.unit.ops.stage_tables import STAGE, StageTables

KEY = "ASIA1234567890EXAMPLE"
OLGA = f"arn:aws:sts::{ACCOUNT}:assumed-role/Deployers/olga"
OIDC = "oidc:github:repo:acme/app:ref:refs/heads/main"
# What is hit where nobody is asked yet, by what a command says.
LEAKED = {
    KEY: {"access_key_id": KEY},
    "$SESSION": {},
    ALICE: {"caller": ALICE},
    f"arn:aws:iam::{ACCOUNT}:role/Deployers": {"caller": OLGA, "caller_tag": OLGA},
    "github": {"caller": OIDC, "caller_tag": OIDC},
    "$ROLE": {"role": "writer", "role_arn": f"arn:aws:iam::{ACCOUNT}:role/writer"},
    ACCOUNT: {},
    "--all": {},
}


def commands(document: str) -> list[list[str]]:
    """The commands of a document, as a shell takes them apart."""
    lines = "\n".join(blocks(ROOT / "docs" / document, "bash")).splitlines()
    return [shlex.split(line)[1:] for line in lines if line.startswith("./credvend-admin ")]


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*_: object) -> Iterator[str]:
        return iter(())

    monkeypatch.setattr("ops.commands.sessions.messages", nothing)
    monkeypatch.setattr("ops.commands.sessions.logs_client", lambda _region: None)
    monkeypatch.setattr("ops.commands.sessions.log_group_of", lambda _stage: "/aws/lambda/credvend-test")


def run(line: AdminLine, command: list[str], status: int = 0) -> str:
    """Run it on the stage in memory, where somebody says yes."""
    line.answer("y\n")
    there = {"prod": STAGE, "$SESSION": "leaked", "$ROLE": "writer"}
    got = admin.main([there.get(word, word) for word in command])
    printed = line.capture.readouterr()
    assert got == status, f"{command}: {printed.err}"
    return printed.out + printed.err


@pytest.mark.parametrize("command", commands("incidents.md"), ids=" ".join)
def test_each_command_for_an_incident_does_what_it_says(
    line: AdminLine, tables: StageTables, command: list[str]
) -> None:
    meant = next((changes for words, changes in LEAKED.items() if words in command), {})
    tables.add_session("leaked", 60, **meant)
    other = {
        "caller": f"{ALICE}-2",
        "caller_tag": "other",
        "role": "other",
        "role_arn": f"arn:aws:iam::{ACCOUNT}:role/o",
    }
    tables.add_session("other", 60, **{**other, "account": "999988887777"})
    tables.revoker_works()
    match command[0]:
        case "revoke":
            assert "Done." in run(line, command)
            assert tables.entry("leaked").revoke_written is not None
            assert (tables.entry("other").revoke_written is not None) == ("--all" in command)
        case "block" | "stop":
            said = run(line, command)
            assert {"block": "Blocked", "stop": "Stopped"}[command[0]] in said
            assert len(tables.database.item(BLOCKS.name, gate_id(3)) or {}) == 2
            assert ("Done." in said) == ("--revoke" in command) == (tables.entry("leaked").revoke_written is not None)
        case "unblock" | "start":
            run(line, ["stop", "--stage", STAGE] if command[0] == "start" else ["block", *command[1:], "--no-revoke"])
            run(line, command)
            assert len(tables.database.item(BLOCKS.name, gate_id(3)) or {}) == 1
        case "sessions":
            said = run(line, command)
            assert "leaked" in said
            assert ("other" in said) == (command[1:] == ["--stage", "prod", "--live"])
        case _:
            run(line, command)


@pytest.mark.usefixtures("log")
def test_each_command_that_reads_the_ledger_runs(line: AdminLine, tables: StageTables) -> None:
    tables.add_session("leaked", 60, role="assume-role-role", caller=OIDC, access_key_id=KEY)
    told = commands("ledger.md")
    assert {" ".join(command[:2]) for command in told} >= {"sessions --stage", "sessions show", "sessions rebuild"}
    for command in told:
        said = run(line, command)
        assert ("leaked" in said) == ("rebuild" not in command), command


def test_each_incident_has_its_command() -> None:
    text = (ROOT / "docs/incidents.md").read_text()
    told = [" ".join(command) for command in commands("incidents.md")]
    for wanted in ("revoke --session", "revoke --key", "block github --issuer", "revoke --account", "revoke --all"):
        assert any(command.startswith(wanted) for command in told), wanted
    sections = re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    for title, body in sections[:5]:
        assert "./credvend-admin" in body and "**It worked** when" in body, title
