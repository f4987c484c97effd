"""`credvend-admin onboard`: what is printed and written, and how it ends where something is wrong."""

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ops.aws.reader import NotTold
from ops.errors import OperationFailed
from ops.onboarding.steps import stack_name
from testing.made_roles import made_by_cloudformation, made_by_terraform
from tests.unit.ops.commands.command_line import CommandLine
from tests.unit.ops.onboarding.catalogs import AWAY, FAR, HOME, ROLES, SERVICE, catalog, plan

TO_BE = ("--credvend-account", HOME, "--region", "eu-west-1", "--stage", "prod")
FUNCTION, REVOKER = SERVICE.function_role_arn, SERVICE.revoker_role_arn


@pytest.fixture
def line(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    config = tmp_path / "config"
    config.mkdir()
    (config / "roles.yaml").write_text(ROLES)
    (config / "sessions.yaml").write_text("operator_role: security/credvend-operator")
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL", "CREDVEND_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    (tmp_path / "taken").touch()
    monkeypatch.setattr("ops.commands.onboard.Reader", Nobody)
    monkeypatch.chdir(tmp_path)
    return CommandLine(config, capsys)


class Nobody:
    """AWS, where nobody has credentials."""

    def __init__(self, region: str) -> None:
        self.region = region

    def ask(self, service: str, method: str, **arguments: object) -> object:
        raise OperationFailed("No AWS credentials: set AWS_PROFILE, or sign in.")


class Deployed(Nobody):
    """AWS, with a stack of credvend's."""

    more: Mapping[str, str] = {}

    def ask(self, service: str, method: str, **arguments: object) -> object:
        assert (service, method, self.region) == ("cloudformation", "describe_stacks", "eu-west-1")
        if arguments["StackName"] != "credvend-prod":
            raise NotTold("it does not exist", "gone")
        told = {"FunctionRoleArn": FUNCTION, "RevokerRoleArn": REVOKER, **self.more}
        return {"Stacks": [{"Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in told.items()]}]}


def test_a_template_stands_alone_on_standard_output_and_the_steps_beside_it(line: CommandLine) -> None:
    out, err = line.run("onboard", "--account", AWAY, *TO_BE)
    names = [one.name for one in made_by_cloudformation(json.loads(out), AWAY)]
    assert names == ["readonly", "deploy", "Plain_1", "credvend-operator"]
    assert "aws cloudformation deploy" in err and "create-stack-set" in err and "credvend-admin doctor" in err
    # Of a role that is not made here, what its trust policy needs.
    assert f"For the trust policy of arn:aws:iam::{FAR}:role/far:" in err


def test_nothing_is_written_into_the_configuration_which_would_no_longer_be_one(
    line: CommandLine, tmp_path: Path
) -> None:
    line.run("onboard", "readonly", "--output", str(tmp_path / "config/onboarding"), *TO_BE, status=1)
    assert not (tmp_path / "config/onboarding").exists()


def test_a_module_stands_alone_on_standard_output(line: CommandLine) -> None:
    out, err = line.run("onboard", "readonly", "--format", "terraform", *TO_BE)
    assert [one.name for one in made_by_terraform(json.loads(out), AWAY)] == ["readonly"]
    assert "terraform -chdir=" in err


def test_a_file_is_written_for_each_account_and_written_anew(line: CommandLine, tmp_path: Path) -> None:
    for form, files in (
        ("cloudformation", ["credvend-roles-{}.json"]),
        ("terraform", ["credvend-roles-{}/credvend-roles.tf.json"]),
    ):
        for _ in range(2):
            out, _err = line.run("onboard", "--all", "--format", form, "--output", "out/new", *TO_BE)
            there = [str(Path("out/new") / file.format(account)) for account in (HOME, AWAY) for file in files]
            assert out.splitlines() == there
            assert all(json.loads((tmp_path / file).read_text()) for file in there)


def test_as_json_all_is_told(line: CommandLine) -> None:
    told: Any = line.json("onboard", "--all", *TO_BE)
    assert (told["FunctionRoleArn"], told["RevokerRoleArn"]) == (FUNCTION, REVOKER)
    assert [(one["Account"], one["OperatorRole"], one["File"]) for one in told["Accounts"]] == [
        (HOME, None, None),
        (AWAY, f"arn:aws:iam::{AWAY}:role/security/credvend-operator", None),
    ]
    (elsewhere,) = told["TrustElsewhere"]
    assert elsewhere["Role"] == f"arn:aws:iam::{FAR}:role/far" and elsewhere["TrustStatements"]
    assert told["NextSteps"] and told["Notes"]
    for one in told["Accounts"]:
        assert made_by_cloudformation(one["Document"], one["Account"])


def commands(line: CommandLine, *arguments: str) -> list[list[str]]:
    told: Any = line.json("onboard", *arguments, *TO_BE)
    return [shlex.split(command) for step in told["NextSteps"] for command in step["Commands"]]


def option(command: list[str], name: str) -> str:
    return command[command.index(name) + 1]


def test_accounts_with_the_same_roles_get_one_stack_set(line: CommandLine) -> None:
    entry = '  - {{name: a{0}, arn: "arn:aws:iam::{0}:role/a"}}\n'
    line.config.joinpath("roles.yaml").write_text("roles:\n" + "".join(map(entry.format, (AWAY, FAR))))
    typed = commands(line, "--all", "--output", "out")
    assert [command[2] for command in typed[:-1]] == ["deploy", "create-stack-set", "create-stack-instances"]
    targets = json.loads(option(typed[2], "--deployment-targets"))
    assert targets["Accounts"] == [AWAY, FAR] and targets["AccountFilterType"] == "INTERSECTION"
    assert option(typed[2], "--regions") == "eu-west-1"
    other = '  - {{name: b, arn: "arn:aws:iam::{0}:role/b"}}\n'
    line.config.joinpath("roles.yaml").write_text("roles:\n" + entry.format(AWAY) + other.format(FAR))
    sets = [one for one in commands(line, "--all", "--output", "out") if one[2] == "create-stack-set"]
    assert len({option(one, "--stack-set-name") for one in sets}) == len(sets) == 2


def test_some_roles_have_a_stack_of_their_own_which_takes_none_from_others(line: CommandLine, tmp_path: Path) -> None:
    found = catalog(tmp_path)
    accounts = plan(found).accounts
    names = {stack_name(stage, one, whole) for whole in (True, False) for one in accounts for stage in ("dev", "prod")}
    assert len(names) == 6  # of each stage: the account's whole stack, and one for each set of roles
    first, second = (option(commands(line, role)[0], "--stack-name") for role in ("readonly", "deploy"))
    assert first != second and first.startswith("credvend-roles-prod-")
    assert commands(line, "readonly")[-1][-2:] == ["--role", "readonly"]


def test_a_template_that_is_too_large_to_send_goes_through_a_bucket(line: CommandLine) -> None:
    entry = '  - {{name: r{0}, arn: "arn:aws:iam::' + AWAY + ':role/r{0}"}}\n'
    line.config.joinpath("roles.yaml").write_text("roles:\n" + "".join(map(entry.format, range(120))))
    deploy, create, *_ = commands(line, "--all", "--output", "out", "--no-operator-role")
    assert option(deploy, "--s3-bucket") == "BUCKET"
    assert option(create, "--template-url").startswith("https://BUCKET.s3.")


def test_policies_boundary_and_tags_are_those_of_the_command_line(line: CommandLine) -> None:
    out, _ = line.run(
        *("onboard", "readonly", "deploy", "--tag", "team=data", "--boundary", "team/boundary"),
        *("--managed-policy", "arn:aws:iam::aws:policy/ReadOnlyAccess", "--managed-policy"),
        *(f"deploy=arn:aws:iam::{AWAY}:policy/deploys", *TO_BE),
    )
    readonly, deploy = made_by_cloudformation(json.loads(out), AWAY)
    assert deploy.managed - readonly.managed == {f"arn:aws:iam::{AWAY}:policy/deploys"}
    assert readonly.boundary == f"arn:aws:iam::{AWAY}:policy/team/boundary" and readonly.tags == {"team": "data"}


def test_where_credvend_is_deployed_its_stack_says_whom_to_trust(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.commands.onboard.Reader", Deployed)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    told = line.json("onboard", "home", "--stage", "prod")
    assert told["FunctionRoleArn"] == FUNCTION
    _, err = line.run("onboard", "home", "--stage", "dev", status=1)
    assert err == (
        "There is no stack credvend-dev in eu-west-1. Name the account that it is in, or will be, with "
        "--credvend-account.\n"
    )


API = "https://a1b2c3.execute-api.eu-west-1.amazonaws.com/api"
LONG = f'roles: [{{name: long, arn: "arn:aws:iam::{AWAY}:role/long", max_duration: 12h}}]'


@pytest.mark.parametrize(
    ("outputs", "stage_file", "option", "issuer"),
    [
        ({}, "", [], None),
        ({"EndpointURL": f"{API}/"}, "", [], API),
        ({"EndpointURL": f"{API}/", "IssuerUrl": "https://a.example.com"}, "", [], "https://a.example.com"),
        (
            {"IssuerUrl": "https://a.example.com"},
            "signing: {issuer: https://b.example.com}",
            [],
            "https://b.example.com",
        ),
        (
            {},
            "signing: {issuer: https://b.example.com}",
            ["--issuer", "https://c.example.com"],
            "https://c.example.com",
        ),
    ],
)
def test_the_issuer_is_the_one_that_is_named_configured_or_deployed(
    line: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    outputs: Mapping[str, str],
    stage_file: str,
    option: list[str],
    issuer: str | None,
) -> None:
    monkeypatch.setattr("ops.commands.onboard.Reader", type("Told", (Deployed,), {"more": outputs}))
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    (line.config / "roles.yaml").write_text(LONG)
    (line.config / "stage.yaml").write_text(stage_file)
    told: Any = line.json("onboard", "--all", "--stage", "prod", *option)
    assert told["Issuer"] == issuer and told["Accounts"][0]["Provider"] is True
    parameter = told["Accounts"][0]["Document"]["Parameters"]["CredvendIssuer"]
    assert parameter.get("Default") == (issuer and issuer.removeprefix("https://"))


def test_before_credvend_is_deployed_it_is_said_where_the_issuer_will_be_known(line: CommandLine) -> None:
    (line.config / "roles.yaml").write_text(LONG)
    _, err = line.run("onboard", "--all", *TO_BE)
    assert "its stack calls it IssuerUrl" in err and "--parameter-overrides CredvendIssuer=ISSUER" in err
    assert "--issuer" in line.run("onboard", "--all", "--issuer", "https://x.example.com/", *TO_BE, status=2)[1]


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["readonyl", *TO_BE], 1, "did you mean readonly"),
        (["--account", FAR, *TO_BE], 1, "has no role of account"),
        (["readonly", "--region", "eu-west-1"], 1, "No AWS credentials"),
        (["readonly", "--credvend-account", HOME], 1, "No region"),
        (["readonly", "--credvend-account", HOME, "--region", "eu-nowhere-1"], 0, ""),  # by its form, it may be new
        (["readonly", "--credvend-account", HOME, "--region", "cn-north-1"], 1, "credvend of aws-cn"),
        (["readonly", "--stage", "a b", *TO_BE[:4]], 1, "is no stage"),
        (["--all", *TO_BE], 2, "name --output DIR"),
        ([*TO_BE], 2, "Say ROLE, --account, --account-group or --all"),
        (["readonly", "--all", *TO_BE], 2, "Say ROLE, --account, --account-group or --all"),
        (["readonly", "--credvend-account", "1234", *TO_BE[2:]], 2, "write its 12 digits"),
        (["readonly", "--region", "eu", "--credvend-account", HOME], 2, "is no region"),
        (["readonly", "--boundary", "arn:aws:iam::1:policy/x", *TO_BE], 2, "is no managed policy"),
        (["readonly", "--managed-policy", "a b", *TO_BE], 2, "is no managed policy"),
        (["readonly", "--managed-policy", f"arn:aws:iam::{HOME}:policy/x", *TO_BE], 1, "cannot have"),
        (["readonly", "--tag", "team", *TO_BE], 2, "write KEY=VALUE"),
        (["readonly", "--tag", "credvend:role=x", *TO_BE], 2, "reserved"),
        (["readonly", "--tag", "a={{resolve:x}}", *TO_BE], 2, "does not take"),
        (["readonly", "--tag", "a=1", "--tag", "A=2", *TO_BE], 2, "is there twice"),
        (["readonly", "--output", "taken/x", *TO_BE], 1, "cannot be written"),
        (["readonly", "--output", "config", *TO_BE], 1, "no part of a configuration: name a directory beside it"),
        (["readonly", "--output", "config/../config/roles", *TO_BE], 1, "name a directory beside it"),
    ],
)
def test_what_is_wrong_is_said(line: CommandLine, arguments: list[str], status: int, said: str) -> None:
    out, err = line.run("onboard", *arguments, status=status)
    assert said in err and (out == "" or status == 0)


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("roles.yaml", None, "roles.yaml"),
        ("roles.yaml", "", "roles.yaml"),
        ("roles.yaml", "roles: [", "roles.yaml"),
        ("roles.yaml", "roles: [{name: a, arn: b}]", "`arn` must be"),
        ("roles.yaml", "roles: []", "roles.yaml has no roles"),
        ("sessions.yaml", "operator_role: /x/", "`operator_role` must be"),
        ("issuers.yaml", "issuers: {}", "issuers.yaml"),
    ],
)
def test_a_configuration_that_is_not_in_order_is_said(
    line: CommandLine, file: str, text: str | None, said: str
) -> None:
    path = line.config / file
    path.unlink(missing_ok=True) if text is None else path.write_text(text)
    out, err = line.run("onboard", "--all", *TO_BE, status=1)
    assert said in err and out == ""


def test_policies_need_not_be_in_order_for_it(line: CommandLine) -> None:
    (line.config / "policies").mkdir()
    (line.config / "policies/broken.cedar").write_text("permit (")
    line.run("onboard", "home", *TO_BE)
