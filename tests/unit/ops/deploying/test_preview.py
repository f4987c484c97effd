"""Whoever is asked whether to deploy is told what changes."""

from dataclasses import replace
from pathlib import Path

from ops.aws.account import Account
from ops.aws.aws_cli import AwsCli
from ops.building.summary import Summary, compare
from ops.cloudformation.change_set import ChangeSet, ResourceChange
from ops.deploying.preview import Planned, preview
from ops.stages.stage import Stage

ACCOUNT = Account(AwsCli({}), "123456789012", "eu-west-1", "arn:aws:iam::123456789012:user/deployer")
OLD = Summary("a" * 64, {"kept": "1", "changed": "1", "taken": "1"}, {"p": "1"}, {"ci": "1"})
NEW = Summary("b" * 64, {"kept": "1", "changed": "2", "added": "1"}, {"p": "1"}, {})
CHANGES = ChangeSet(
    "id",
    "credvend-prod",
    is_first=False,
    changes=(
        ResourceChange("Modify", "APIHandler", "AWS::Lambda::Function", "False", ("Code",)),
        ResourceChange("Modify", "TokensTable", "AWS::DynamoDB::Table", "True", ("TableName",)),
        ResourceChange("Remove", "Old", "AWS::IAM::Role", "", ()),
    ),
)


def shown(
    new: Summary = NEW, old: Summary | None = OLD, is_first: bool = False, changes: ChangeSet | None = CHANGES
) -> list[str]:
    stage = Stage("prod", "python3.12")
    return preview(ACCOUNT, Planned(stage, Path("../mine"), new, old, is_first, changes)).splitlines()


def test_it_says_who_deploys_what_where() -> None:
    assert shown()[:6] == [
        "This deploys",
        "  as             arn:aws:iam::123456789012:user/deployer",
        "  to             account 123456789012, eu-west-1, AWS",
        "  stack          credvend-prod",
        "  runtime        python3.12",
        "  configuration  ../mine, digest bbbbbbbbbbbb",
    ]
    elsewhere = Account(AwsCli({"AWS_ENDPOINT_URL": "http://localhost:4566"}), "1" * 12, "eu-west-1", "arn:aws:x")
    plan = Planned(Stage("dev", "python3.12"), Path("c"), NEW, OLD, is_first=False, changes=None)
    assert f"  to             account {'1' * 12}, eu-west-1, http://localhost:4566" in preview(elsewhere, plan)


def test_it_names_what_is_added_changed_and_taken() -> None:
    assert shown()[6:] == [
        "In the configuration, against the one that is deployed (digest aaaaaaaaaaaa)",
        "  + roles: added",
        "  ~ roles: changed",
        "  - roles: taken",
        "  - issuers: ci",
        "In the stack",
        "  ~ APIHandler, AWS::Lambda::Function (Code)",
        "  ~ TokensTable, AWS::DynamoDB::Table (TableName), made anew",
        "  - Old, AWS::IAM::Role",
    ]


def test_it_says_when_nothing_changes() -> None:
    assert shown(new=OLD, changes=None)[6:] == [
        "The configuration is the one that is deployed.",
        "No resource of the stack changes.",
    ]


def test_a_first_deployment_and_an_unknown_one_are_told_apart() -> None:
    first = shown(old=None, is_first=True)
    assert "  stack          credvend-prod (the first deployment)" in first
    assert first[6:10] == [
        "The configuration has",
        "  + roles: added, changed, kept",
        "  + policies: p",
        "In the stack",
    ]
    assert "Which configuration is deployed is not known. The configuration has" in shown(old=None)


def test_of_thousands_of_names_the_number_is_told() -> None:
    many = Summary("c" * 64, {f"role-{number:04}": "1" for number in range(1000)}, {}, {})
    (line,) = [line for line in shown(new=many, old=Summary("d" * 64, {}, {}, {})) if "roles" in line]
    assert line.startswith("  + roles: role-0000, ") and line.endswith("role-0019 and 980 more")


def test_a_kind_that_does_not_differ_is_left_out() -> None:
    assert [difference.kind for difference in compare(NEW, OLD)] == ["roles", "issuers"]
    assert compare(OLD, OLD) == []


def test_whoever_is_newly_let_in_is_named() -> None:
    let_in = replace(
        OLD, accounts={"111122223333": ""}, organization={"o-a1b2c3d4e5": ""}, template={"template.yaml": "1"}
    )
    assert shown(new=let_in, changes=None)[6:-1] == [
        "In the configuration, against the one that is deployed (digest aaaaaaaaaaaa)",
        "  + accounts let in: 111122223333",
        "  + organization let in: o-a1b2c3d4e5",
        "  + template: template.yaml",
    ]


def test_where_no_entry_differs_the_files_are_named() -> None:
    old = replace(OLD, files={"roles.yaml": "1", "issuers.yaml": "1"})
    new = replace(old, digest="b" * 64, files={"roles.yaml": "2", "issuers.yaml": "1"})
    assert "  ~ files: roles.yaml" in shown(new=new, old=old)
    assert "  the digests differ, and nothing that is named does" in shown(new=replace(OLD, digest="b" * 64))


def test_no_name_can_pass_for_lines_of_the_preview() -> None:
    forged = Summary("b" * 64, {"a\n  - policies: deny-all\x1b[2K\u2028\u202e": "1"}, {}, {})
    (line,) = [line for line in shown(new=forged, old=replace(OLD, roles={}), changes=None) if "deny-all" in line]
    assert line == "  + roles: a\\n  - policies: deny-all\\x1b[2K\\u2028\\u202e"


def test_what_the_routes_bring_with_them_is_one_line() -> None:
    routes = tuple(
        ResourceChange(
            "Modify", f"APIHandlerInvokePermission{n}", "AWS::Lambda::Permission", "Conditional", ("SourceArn",)
        )
        for n in range(9)
    )
    own = ResourceChange("Add", "Mine", "AWS::Lambda::Permission", "", ())
    stage = ResourceChange("Modify", "RestAPIapiStage", "AWS::ApiGateway::Stage", "Conditional", ("DeploymentId",))
    table = ResourceChange("Modify", "TokensTable", "AWS::DynamoDB::Table", "Conditional", ("TableName",))
    assert shown(changes=replace(CHANGES, changes=(*routes, own, stage, table)))[-4:] == [
        "  + Mine, AWS::Lambda::Permission",
        "  ~ 9 AWS::Lambda::Permission of the routes",
        "  ~ RestAPIapiStage, AWS::ApiGateway::Stage (DeploymentId)",
        "  ~ TokensTable, AWS::DynamoDB::Table (TableName), made anew if what it refers to turns out to be another",
    ]
