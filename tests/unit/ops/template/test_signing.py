"""A key that signs tokens is there where roles of more than an hour are, and signs for the function alone."""

import json
from typing import Any

import pytest

from chalicelib.configuration.catalog_file import WrittenCatalog
from chalicelib.errors import ConfigError
from chalicelib.signing.issuer_url import Api, url_of
from ops.iam.function_policy import iam_policy
from ops.stages.names import signing_alias
from ops.stages.stage_file import Signing
from ops.template.overlay import Overlay, merge_overlay
from ops.template.signing import add_signing
from tests.unit.chalicelib.decisions.test_authorizer import role
from tests.unit.ops.template.test_stage_template import template

LONG = WrittenCatalog((), (role("reader"), role("long", max_duration=43_200)))
ROLE = "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/${AWS::StackName}-${AWS::Region}"


def signing(of: Signing | None = None, catalog: WrittenCatalog = LONG) -> dict[str, Any]:
    made = template()
    add_signing(made, catalog, of or Signing())
    return made


def variables(made: dict[str, Any], function: str) -> dict[str, Any]:
    named: dict[str, Any] = made["Resources"][function]["Properties"]["Environment"]["Variables"]
    return {key: value for key, value in named.items() if key in ("CREDVEND_SIGNING_ALIAS", "CREDVEND_ISSUER")}


def test_a_function_that_is_alone_would_wait_for_itself() -> None:
    alone = template()
    alone["Resources"]["APIHandler"]["Properties"]["ReservedConcurrentExecutions"] = 1
    with pytest.raises(ConfigError) as raised:
        add_signing(alone, LONG, Signing())
    assert "`concurrency` must be at least 2" in raised.value.problems[0]
    add_signing(alone, LONG, Signing(issuer="https://x.example.com"))
    add_signing(alone, WrittenCatalog((), (role("reader"),)), Signing())


def test_without_a_role_of_more_than_an_hour_the_template_is_as_it_was() -> None:
    catalog = WrittenCatalog((), (role("reader", max_duration=3600),))
    assert signing(Signing(algorithm="ES256", issuer="https://x.example.com"), catalog) == template()
    assert "kms:" not in json.dumps(iam_policy(catalog))


@pytest.mark.parametrize(("algorithm", "spec"), [("RS256", "RSA_2048"), ("ES256", "ECC_NIST_P256")])
def test_the_key_is_of_the_algorithm_stays_when_the_stack_goes_and_signs_nothing_but_tokens(
    algorithm: Any, spec: str
) -> None:
    made = signing(Signing(algorithm=algorithm))
    key = made["Resources"]["SigningKey"]
    assert (key["Properties"]["KeySpec"], key["Properties"]["KeyUsage"]) == (spec, "SIGN_VERIFY")
    assert key["DeletionPolicy"] == "RetainExceptOnCreate" and key["Properties"]["PendingWindowInDays"] == 30
    assert made["Resources"]["SigningAlias"]["Properties"] == {
        "AliasName": {"Fn::Sub": "alias/${AWS::StackName}-signing"},
        "TargetKeyId": {"Ref": "SigningKey"},
    }
    assert signing_alias("prod") == "alias/credvend-prod-signing"
    assert made["Outputs"]["SigningAlgorithm"]["Value"] == algorithm


def test_nobody_but_the_functions_role_signs_whatever_iam_policies_allow() -> None:
    _, deny = signing()["Resources"]["SigningKey"]["Properties"]["KeyPolicy"]["Statement"]
    assert (deny["Effect"], deny["Principal"], deny["Action"]) == ("Deny", {"AWS": "*"}, "kms:Sign")
    assert deny["Condition"] == {"ArnNotEquals": {"aws:PrincipalArn": {"Fn::Sub": ROLE}}}
    # The role has no path, and that name.
    assert template()["Resources"]["ApiHandlerRole"]["Properties"]["RoleName"]["Fn::Sub"] == ROLE.rpartition("/")[2]


def test_the_functions_may_use_keys_by_their_names_alone() -> None:
    statements: Any = iam_policy(LONG)["Statement"]
    granted = {one["Sid"]: one for one in statements if any(action.startswith("kms:") for action in one["Action"])}
    assert {sid: one["Action"] for sid, one in granted.items()} == {
        "SignTokens": ["kms:Sign"],
        "ReadPublicKeys": ["kms:GetPublicKey"],
    }
    names = {sid: one["Condition"]["StringEquals"]["kms:RequestAlias"] for sid, one in granted.items()}
    name = "alias/${AWS::StackName}-signing"
    assert names["SignTokens"] == {"Fn::Sub": name}
    assert names["ReadPublicKeys"] == [{"Fn::Sub": name + behind} for behind in ("", "-next", "-previous")]
    for one in granted.values():
        assert len(one["Condition"]["ArnEquals"]["lambda:SourceFunctionArn"]) == 2  # it, and the doctor


def test_the_function_may_not_assume_roles_that_tokens_are_for() -> None:
    statements: Any = iam_policy(LONG)["Statement"]
    (assume,) = (one for one in statements if one["Sid"] == "AssumeCatalogRoles")
    assert assume["Resource"] == ["arn:aws:iam::111122223333:role/reader"]
    alone: Any = iam_policy(WrittenCatalog((), (role("long", max_duration=7200),)))["Statement"]
    assert "AssumeCatalogRoles" not in [one["Sid"] for one in alone]


def test_the_functions_are_told_the_name_of_the_key_and_the_doctor_the_issuer() -> None:
    made = signing()
    alias = {"CREDVEND_SIGNING_ALIAS": {"Ref": "SigningAlias"}}
    url = {"Fn::Sub": "https://${RestAPI}.execute-api.${AWS::Region}.${AWS::URLSuffix}/api"}
    # A reference to the API in the function that it calls would be a circle.
    assert variables(made, "APIHandler") == alias and variables(made, "Revoker") == {}
    assert (
        variables(made, "Doctor") == alias | {"CREDVEND_ISSUER": url} and made["Outputs"]["IssuerUrl"]["Value"] == url
    )
    filled = url["Fn::Sub"].replace("${RestAPI}", "a1").replace("${AWS::Region}", "eu-west-1")
    assert filled.replace("${AWS::URLSuffix}", "amazonaws.com") == url_of(Api("a1", "api"), "eu-west-1")


def test_an_issuer_of_the_companys_own_is_told_to_both() -> None:
    made = signing(Signing(issuer="https://tokens.example.com/credvend"))
    for function in ("APIHandler", "Doctor"):
        assert variables(made, function)["CREDVEND_ISSUER"] == "https://tokens.example.com/credvend"
    assert made["Outputs"]["IssuerUrl"]["Value"] == "https://tokens.example.com/credvend"


def test_a_private_api_needs_an_issuer_elsewhere() -> None:
    private = template()
    private["Resources"]["RestAPI"]["Properties"]["EndpointConfiguration"] = "PRIVATE"
    with pytest.raises(ConfigError, match=r"STS cannot read the keys .*: set `signing\.issuer`"):
        add_signing(private, LONG, Signing())
    add_signing(private, LONG, Signing(issuer="https://tokens.example.com"))


def test_an_issuer_that_is_the_apis_own_domain_is_not_elsewhere() -> None:
    made = template()
    made["Outputs"] = dict(made["Outputs"]) | {"CustomDomainURL": {"Value": "https://creds.example.com/v"}}
    made["Resources"]["APIHandler"]["Properties"]["ReservedConcurrentExecutions"] = 1
    with pytest.raises(ConfigError, match="`concurrency` must be at least 2"):
        add_signing(made, LONG, Signing(issuer="https://creds.example.com/v"))
    add_signing(made, LONG, Signing(issuer="https://creds.example.com/copy"))


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/.well-known/jwks.json"])
def test_public_documents_have_a_throttle_and_no_cache_in_the_gateway(path: str) -> None:
    settings = template()["Resources"]["RestAPI"]["Properties"]["MethodSettings"]
    (own,) = (one for one in settings if one["ResourcePath"] == "/" + path.replace("/", "~1"))
    assert own["HttpMethod"] == "GET" and own["CachingEnabled"] is False and own["ThrottlingRateLimit"] == 20


@pytest.mark.parametrize(
    ("resource", "said"),
    [
        ({"Type": "AWS::KMS::Alias", "Properties": {"AliasName": "alias/x", "TargetKeyId": {"Ref": "SigningKey"}}}, ""),
        (
            {
                "Type": "AWS::KMS::Alias",
                "Properties": {
                    "AliasName": {"Fn::Sub": "alias/${AWS::StackName}-signing-next"},
                    "TargetKeyId": {"Ref": "Mine"},
                },
            },
            "AliasName is a name by which credvend knows its keys",
        ),
    ],
)
def test_an_overlay_neither_uses_the_key_nor_names_another_one_so(resource: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said or "refers to SigningKey"):
        merge_overlay(signing(), Overlay("template.yaml", {"Resources": {"New": resource}}))


def test_nothing_of_the_key_is_changed_by_an_overlay() -> None:
    change = {"SigningKey": {"Properties": {"Enabled": False}}}
    with pytest.raises(ConfigError, match=r"SigningKey\.Properties\.Enabled is credvend's own"):
        merge_overlay(signing(), Overlay("template.yaml", {"Resources": change}))
