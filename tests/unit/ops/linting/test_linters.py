"""What linters find in templates and in IAM policies."""

import json
from pathlib import Path

import pytest

from ops.environments import ensure
from ops.linting.linters import LinterFailed, policy_findings, template_findings
from ops.linting.policy_sources import Policy

# Notes where each linter goes: the real ones go nowhere. What cannot be started at all would note nothing.
NOTE_NETWORK = """
import os, sys
def note(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        with open(os.environ["NOTES"], "a") as notes:
            notes.write(f"{event} {arguments}\\n")
with open(os.environ["NOTES"], "a") as notes:
    notes.write("started\\n")
sys.addaudithook(note)
"""


@pytest.fixture(autouse=True, scope="module")
def linters() -> None:
    ensure("lint")


def policy(name: str, **statement: object) -> Policy:
    return Policy(name, {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


ROLE = "arn:aws:iam::111122223333:role/some"
TABLE = "arn:aws:dynamodb:eu-west-1:111122223333:table/some"
TRUST = {"Principal": {"AWS": ROLE}, "Action": ["sts:AssumeRole", "sts:TagSession"]}


def test_what_is_wrong_with_a_policy_is_found_and_named(tmp_path: Path) -> None:
    found = policy_findings(
        [
            policy("right", Action="dynamodb:GetItem", Resource=TABLE),
            policy("right trust", **TRUST),
            policy("action", Action="dynamodb:GetItems", Resource=TABLE),
            policy("operator", Action="dynamodb:GetItem", Resource=TABLE, Condition={"StringEqual": {"a:b": "c"}}),
            policy("resource", Action="dynamodb:GetItem", Resource=ROLE),
            policy("trust", **TRUST | {"Action": "sts:AssumeRoles"}),
            policy("principal", **TRUST | {"Principal": {"ARN": ROLE}}),
            policy("bucket", Principal="*", Action="s3:GetObjects", Resource="arn:aws:s3:::some/*"),
        ],
        tmp_path,
    )
    assert {(one.subject, one.rule) for one in found} >= {
        ("action", "W3037"),
        ("operator", "E3510"),
        ("resource", "RESOURCE_MISMATCH"),
        ("trust", "W3037"),
        ("principal", "UNKNOWN_PRINCIPAL"),
        ("bucket", "W3037"),
    }
    assert not {one.subject for one in found} & {"right", "right trust"}


def table(**properties: object) -> dict[str, object]:
    return {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "hash", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "hash", "KeyType": "HASH"}],
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
            "SSESpecification": {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": "alias/some"},
            **properties,
        },
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
    }


def test_what_is_wrong_with_a_template_is_found_and_the_network_is_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(NOTE_NETWORK)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("NOTES", str(tmp_path / "notes"))
    path = tmp_path / "template.json"
    resources = {"Right": table(), "Wrong": table(BillingMode="FREE", PointInTimeRecoverySpecification={})}
    path.write_text(json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}))
    found = list(template_findings(path))
    # What CloudFormation refuses is cfn-lint's, and what is not safe is checkov's.
    assert {(one.rule, one.subject) for one in found} >= {("E3030", "Wrong"), ("CKV_AWS_28", "Wrong")}
    assert {one.subject for one in found} == {"Wrong"}
    assert set((tmp_path / "notes").read_text().splitlines()) == {"started"}


def test_a_template_that_cannot_be_read_is_no_clean_one(tmp_path: Path) -> None:
    (tmp_path / "template.json").write_text("{")
    with pytest.raises(LinterFailed, match="checkov"):
        list(template_findings(tmp_path / "template.json"))
