"""The IAM policies that linters look at: all that there are, wherever they are."""

import pytest

from ops.environments import ROOT
from ops.linting.policy_sources import UnreadablePolicy, policies_of_template, policies_of_text, printed_policies

DOCUMENT = """
One statement, in words: `{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}`.

```sh
aws iam put-role-policy --policy-document '{
  "Version": "2012-10-17",
  "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "arn:aws:iam::ACCOUNT:role/STAGE"}]
}'
```

```yaml
roles:
  - name: some
    policy:
      Version: "2012-10-17"
      Statement:
        - Effect: Allow
          Action: s3:GetObject
          Resource: arn:aws:s3:::bucket/${claims.tenant}/*
```
"""


def test_policies_are_found_in_prose_in_scripts_and_in_catalogs_with_samples_for_names() -> None:
    found = policies_of_text("some.md", DOCUMENT)
    assert [policy.name for policy in found] == ["some.md 1", "some.md 2", "some.md 3"]
    assert [policy.statements[0]["Resource"] for policy in found] == [
        "*",
        "arn:aws:iam::111122223333:role/prod",
        "arn:aws:s3:::bucket/sample/*",
    ]


@pytest.mark.parametrize(
    "text", ['{"Effect": "Allow", "Action": ...}', "```\nStatement:\n  - Effect: Allow\n```", '"Effect" : "Deny"']
)
def test_a_statement_that_no_linter_would_see_is_an_error(text: str) -> None:
    with pytest.raises(UnreadablePolicy, match=r"some\.md"):
        policies_of_text("some.md", DOCUMENT + text)


def test_a_policy_that_names_principals_is_a_trust_policy_unless_it_names_resources() -> None:
    principal = '"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"'
    found = policies_of_text("some.md", f'{{{principal}}} {{{principal}, "Resource": "*"}} {DOCUMENT}')
    assert [policy.kind for policy in found] == ["trust", "resource", "identity", "identity", "identity"]


def template(resource: object) -> dict[str, object]:
    statement = {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": resource}
    return {
        "Resources": {
            "Table": {"Type": "AWS::DynamoDB::Table"},
            "Api": {"Type": "AWS::Serverless::Api"},
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {"Policies": [{"PolicyDocument": {"Statement": statement}}]},
            },
        }
    }


@pytest.mark.parametrize(
    "resource",
    [
        {"Fn::GetAtt": ["Table", "Arn"]},
        {"Fn::Sub": "${Table.Arn}"},
        {"Fn::Sub": "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${Table}"},
        {"Fn::Join": ["/", ["arn:aws:dynamodb:eu-west-1:111122223333:table", {"Ref": "Table"}]]},
    ],
)
def test_what_cloudformation_puts_into_a_policy_is_known(resource: object) -> None:
    (policy,) = policies_of_template(template(resource))
    assert policy.name == "Role 1"
    assert policy.statements[0]["Resource"] == "arn:aws:dynamodb:eu-west-1:111122223333:table/Table"


@pytest.mark.parametrize("resource", [{"Fn::ImportValue": "x"}, {"Fn::GetAtt": ["Api", "Arn"]}])
def test_what_is_not_known_is_an_error(resource: object) -> None:
    with pytest.raises(UnreadablePolicy, match="no sample"):
        policies_of_template(template(resource))


def test_the_documents_and_the_walk_through_have_policies() -> None:
    names = {policy.name.split()[0] for policy in printed_policies(ROOT)}
    assert {"docs/deploy.md", "docs/catalog.md", "docs/callers.md", "docs/scoping.md", "local/demo.sh"} <= names
