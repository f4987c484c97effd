"""`credvend-admin keys` on a command line: what is printed where, and with which status."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chalicelib.signing.keys import SigningKey
from ops import admin
from ops.aws.reader import NotTold
from ops.errors import OperationFailed
from ops.signing.rotation import PUBLISHED_BEFORE_SECONDS
from tests.unit.ops.example import raises
from tests.unit.ops.signing.test_rotating import ALIAS, Rotated

Run = Callable[..., tuple[str, str]]
OUTPUTS = {
    "RestAPIId": "a1b2c3",
    "EndpointURL": "https://a1b2c3.execute-api.eu-west-1.amazonaws.com/api/",
    "FunctionRoleArn": "arn:aws:iam::111122223333:role/credvend-prod-eu-west-1",
    "IssuerUrl": "https://tokens.example.com",
    "SigningAlias": ALIAS,
    "SigningAlgorithm": "ES256",
}


class Stack:
    """What CloudFormation says."""

    def __init__(self, outputs: dict[str, str] | None) -> None:
        self.outputs = outputs

    def ask(self, service: str, method: str, **arguments: object) -> dict[str, object]:
        assert (service, method, arguments) == ("cloudformation", "describe_stacks", {"StackName": "credvend-prod"})
        if self.outputs is None:
            raise NotTold("no", "gone")
        return {"Stacks": [{"Outputs": [{"OutputKey": k, "OutputValue": v} for k, v in self.outputs.items()]}]}


@pytest.fixture
def stage() -> Rotated:
    return Rotated()


@pytest.fixture
def deployed() -> Stack:
    return Stack(dict(OUTPUTS))


@pytest.fixture
def run(stage: Rotated, deployed: Stack, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr("ops.commands.keys.find_kms", lambda _say: (stage.operators, "eu-west-1"))
    monkeypatch.setattr("ops.commands.keys.Reader", lambda region: deployed)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)

    def run(*arguments: str, status: int = 0) -> tuple[str, str]:
        got = admin.main(["keys", *arguments, "--stage", "prod"])
        out, err = capsys.readouterr()
        assert got == status, out + err
        return out, err

    return run


def test_the_list_shows_what_each_key_is_for_and_what_comes_next(run: Run, stage: Rotated) -> None:
    out, err = run("list")
    head, row = out.splitlines()
    assert head.split() == ["CALLED", "STATE", "ALGORITHM", "SINCE", "KID", "KEY"]
    assert row.split()[:4] == ["signing", "Enabled", "RS256", "2027-01-15T08:00:00Z"]
    assert row.split()[5] == stage.first.id
    assert err == "No rotation is under way. `credvend-admin keys rotate --stage prod` begins one.\n"
    stage.rotate()
    out, err = run("list")
    assert [line.split()[0] for line in out.splitlines()[1:]] == ["signing,previous", "next"]
    assert err.startswith("Next, from 2027-01-16T08:00:00Z on: let the new key sign, by")


def test_each_step_says_what_it_did_and_when_the_next_is_due(run: Run, stage: Rotated) -> None:
    out, err = run("rotate")
    assert "(ES256) is published as the next one." in out
    assert "If https://tokens.example.com is a copy, export it again and publish it there" in err
    assert "Next, from 2027-01-16T08:00:00Z on: let the new key sign" in err
    assert run("rotate")[0] == "Nothing is due before 2027-01-16T08:00:00Z.\n"


def test_what_was_done_is_told_though_nothing_can_be_listed_then(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops.commands.keys._Open.names", raises(OperationFailed("KMS answered: throttled")))
    out, err = run("rotate", status=1)
    assert "(ES256) is published as the next one." in out
    assert "export it again and publish it there" in err and "throttled" in err


def test_as_json_it_is_alone_on_standard_output(run: Run, stage: Rotated) -> None:
    told: Any = json.loads(run("rotate", "--json")[0])
    assert told["Did"] == "publish" and told["Next"] == {
        "Step": "switch",
        "At": "2027-01-16T08:00:00Z",
        "IsBegun": True,
    }
    listed: Any = json.loads(run("list", "--json")[0])
    assert listed["Keys"] == told["Keys"] and listed["Issuer"] == "https://tokens.example.com"
    assert [one["Algorithm"] for one in listed["Keys"]] == ["RS256", "ES256"]


def test_the_new_key_does_not_sign_before_sts_can_read_it(
    run: Run, stage: Rotated, monkeypatch: pytest.MonkeyPatch
) -> None:
    published: set[str] = set()
    asked: list[str] = []

    def at(url: str) -> frozenset[str]:
        asked.append(url)
        return frozenset(published)

    monkeypatch.setattr("ops.commands.keys.published_at", at)
    run("rotate")
    stage.later(PUBLISHED_BEFORE_SECONDS)
    _, err = run("rotate", status=1)
    assert "does not publish key" in err and "export it again (credvend-admin keys export DIR)" in err
    assert stage.signing is stage.first and asked == ["https://tokens.example.com"]
    made = stage.kms.named(f"{ALIAS}-next")
    assert made is not None
    published.add(SigningKey(made.arn, "ES256", made.der).id)
    run("rotate")
    assert stage.signing is made


def test_now_says_what_it_does_not_wait_for(run: Run, stage: Rotated, monkeypatch: pytest.MonkeyPatch) -> None:
    def at(url: str) -> frozenset[str]:
        raise OperationFailed(f"{url} gives no keys")

    monkeypatch.setattr("ops.commands.keys.published_at", at)
    run("rotate")
    out, err = run("rotate", "--now")
    assert "signs from now on" in out and "Warning: https://tokens.example.com gives no keys" in err


def test_the_issuer_that_is_the_api_itself_needs_no_export(run: Run, deployed: Stack) -> None:
    assert deployed.outputs is not None
    deployed.outputs["IssuerUrl"] = deployed.outputs["EndpointURL"].rstrip("/")
    assert "export" not in run("rotate")[1]


def test_a_young_key_is_left_by_a_schedule(run: Run) -> None:
    assert "which is not long" in run("rotate", "--older-than", "90d")[0]


def test_the_files_are_named_and_where_they_belong(run: Run, tmp_path: Path) -> None:
    out, err = run("export", str(tmp_path))
    assert out == f"{tmp_path}/.well-known/openid-configuration\n{tmp_path}/.well-known/jwks.json\n"
    assert err.startswith("They belong below https://tokens.example.com, as application/json")
    assert json.loads(run("export", str(tmp_path), "--json")[0])["Issuer"] == "https://tokens.example.com"


@pytest.mark.parametrize("command", [["list"], ["rotate"], ["export", "x"]])
def test_a_stage_that_signs_nothing_is_told_so(
    command: list[str], run: Run, deployed: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert deployed.outputs is not None
    del deployed.outputs["SigningAlias"]
    assert "signs no tokens: its catalog has no role with max_duration above 1h" in run(*command, status=1)[1]
    deployed.outputs = None
    assert "There is no stack credvend-prod here: choose another stage" in run(*command, status=1)[1]
