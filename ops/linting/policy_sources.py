"""Finds every IAM policy that the project emits or prints: in the template, in its code, in its documents.

Names that stand for something, such as `ACCOUNT` or `${claims.tenant}`, become samples, as linters look into ARNs.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, cast

from ops.documents.yaml_document import template_value
from ops.iam.operator_policy import operator_policy, operator_trust
from ops.iam.statements import invoke_statement, trust_statements

_API: Final = "arn:aws:execute-api:eu-west-1:111122223333:abcdef1234"
_ROLE: Final = "arn:aws:iam::111122223333:role/credvend-prod-eu-west-1"
_TARGET: Final = "arn:aws:iam::444455556666:role/"
_VERSION: Final = "2012-10-17"
_WORDS: Final = {
    "$CREDVEND_API_ARN": _API,
    "$CREDVEND_ROLE_ARN": _ROLE,
    "ACCOUNT": "111122223333",
    "API_ID": "abcdef1234",
    "REGION": "eu-west-1",
    "STAGE": "prod",
}
_WORD: Final = re.compile("|".join(rf"(?<!\w){re.escape(word)}\b" for word in _WORDS))
_PSEUDO_PARAMETERS: Final = {
    "AWS::AccountId": "111122223333",
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::StackName": "credvend-prod",
    "AWS::URLSuffix": "amazonaws.com",
}
# What an API's resource policy may say for its own ARN, and API Gateway writes out:
# https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies-create-attach.html
_SHORT: Final = re.compile("^execute-api:/")
# ARNs of the resources of a template, by type.
_ARNS: Final = {
    "AWS::DynamoDB::Table": "arn:aws:dynamodb:eu-west-1:111122223333:table/{}",
    "AWS::IAM::Role": "arn:aws:iam::111122223333:role/{}",
    "AWS::Lambda::Function": "arn:aws:lambda:eu-west-1:111122223333:function:{}",
    "AWS::Logs::LogGroup": "arn:aws:logs:eu-west-1:111122223333:log-group:{}:*",
    "AWS::Serverless::Function": "arn:aws:lambda:eu-west-1:111122223333:function:{}",
}
_EFFECT: Final = re.compile(r'"Effect"\s*:|^[ -]*Effect:', re.MULTILINE)


Kind = Literal["identity", "trust", "resource"]


class UnreadablePolicy(Exception):
    """A policy that cannot be read, so that no linter would see it; the message says where it is."""


@dataclass(frozen=True, slots=True)
class Policy:
    """An IAM policy.

    Attributes:
        name: where it is from, for people.
        document: with samples instead of all that stands for something.
    """

    name: str
    document: Mapping[str, object]

    @property
    def statements(self) -> list[Mapping[str, object]]:
        found = self.document["Statement"]
        return cast(list[Mapping[str, object]], found if isinstance(found, list) else [found])

    @property
    def kind(self) -> Kind:
        """`identity`; or `trust`, which names principals and no resources; or `resource`, which names both."""
        if not any("Principal" in statement for statement in self.statements):
            return "identity"
        return "resource" if any("Resource" in statement for statement in self.statements) else "trust"


def policies_of_code() -> list[Policy]:
    """Those that `make deploy` and `credvend-admin` print for others."""
    return [
        Policy("trust_statement", _document(*trust_statements(_ROLE))),
        Policy("trust_statement with an external id", _document(*trust_statements(_ROLE, "sample"))),
        Policy("invoke_statement", _document(invoke_statement(_API))),
        Policy("operator_trust", operator_trust(_ROLE)),
        Policy("operator_policy", operator_policy(f"{_TARGET}operator", [f"{_TARGET}credvend/*", f"{_TARGET}other"])),
    ]


def policies_of_template(template: Mapping[str, object]) -> list[Policy]:
    """Those of all resources of a CloudFormation template.

    Raises:
        UnreadablePolicy: one refers to something that no sample is known for.
    """
    resources = cast(Mapping[str, Mapping[str, object]], template["Resources"])
    found: list[Policy] = []
    for name, resource in resources.items():
        for index, document in enumerate(_documents(resource), start=1):
            resolved = cast(Mapping[str, object], _resolve(document, resources))
            found.append(Policy(f"{name} {index}", resolved))
    return found


def policies_of_text(name: str, text: str) -> list[Policy]:
    """Those of a document or a script: all JSON in it, and the blocks of YAML of a document.

    Raises:
        UnreadablePolicy: there is a statement in it that neither is.
    """
    text = re.sub(r"\$\{[^}]*\}", "sample", _WORD.sub(lambda match: _WORDS[match[0]], text))
    values = [*_json_values(text), *map(template_value, re.findall(r"^```yaml\n(.*?)^```", text, re.S | re.M))]
    documents = [document for value in values for document in _documents(value)]
    found = [Policy(f"{name} {index}", document) for index, document in enumerate(documents, start=1)]
    if sum(len(policy.statements) for policy in found) != len(_EFFECT.findall(text)):
        raise UnreadablePolicy(f"{name} has an IAM statement that is neither whole JSON nor a block of YAML.")
    return found


def printed_policies(root: Path) -> list[Policy]:
    """Those of all documents, and of the walk-through.

    Raises:
        UnreadablePolicy: there is a statement that cannot be read.
    """
    files = [root / "README.md", *sorted(root.glob("docs/*.md")), root / "client/README.md", root / "local/demo.sh"]
    texts = {file.relative_to(root).as_posix(): file.read_text(encoding="utf-8") for file in files if file.exists()}
    return [policy for name, text in texts.items() for policy in policies_of_text(name, text)]


def _document(*statements: Mapping[str, object]) -> dict[str, object]:
    return {"Version": _VERSION, "Statement": list(statements)}


def _documents(value: object) -> Iterator[Mapping[str, object]]:
    """The policies within a value; a statement that stands alone is taken for one."""
    if isinstance(value, list):
        for one in value:
            yield from _documents(one)
    elif isinstance(value, dict):
        if "Statement" in value:
            yield value
        elif "Effect" in value:
            yield _document(value)
        else:
            yield from _documents(list(value.values()))


def _json_values(text: str) -> Iterator[object]:
    decoder = json.JSONDecoder()
    place = text.find("{")
    while place != -1:
        try:
            value, end = decoder.raw_decode(text, place)
        except ValueError:
            end = place + 1
        else:
            yield value
        place = text.find("{", end)


def _resolve(value: object, resources: Mapping[str, Mapping[str, object]]) -> object:
    """A value of a template, with samples for what CloudFormation's functions give."""
    if isinstance(value, list):
        return [_resolve(one, resources) for one in value]
    if isinstance(value, str):
        return _SHORT.sub(f"{_API}/", value)
    if not isinstance(value, dict):
        return value
    match value:
        case {"Ref": str(name)}:
            return _PSEUDO_PARAMETERS.get(name, name)
        case {"Fn::GetAtt": [str(name), "Arn"]}:
            return _arn(name, resources)
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{([^}]+)\}", lambda match: _substitute(match[1], resources), text)
        case {"Fn::Join": [str(between), list(parts)]}:
            return between.join(str(_resolve(part, resources)) for part in parts)
    if any(name.startswith("Fn::") for name in value):
        raise UnreadablePolicy(f"The linters of policies know no sample for {json.dumps(value)}.")
    return {name: _resolve(one, resources) for name, one in value.items()}


def _substitute(name: str, resources: Mapping[str, Mapping[str, object]]) -> str:
    resource, dot, attribute = name.partition(".")
    if dot and attribute == "Arn":
        return _arn(resource, resources)
    return _PSEUDO_PARAMETERS.get(name, name)


def _arn(name: str, resources: Mapping[str, Mapping[str, object]]) -> str:
    kind = str(resources[name]["Type"])
    if kind not in _ARNS:
        raise UnreadablePolicy(f"The linters of policies know no sample for the ARN of {name}, of type {kind}.")
    return _ARNS[kind].format(name)
