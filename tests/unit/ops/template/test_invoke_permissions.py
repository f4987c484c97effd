"""API Gateway may invoke the function for the routes of the stage, and for nothing else."""

import re
from fnmatch import fnmatchcase
from typing import cast

import pytest

from app import app
from ops.documents.json_object import Json
from ops.template.invoke_permissions import narrow

API = "arn:aws:execute-api:eu-west-1:111122223333:a1b2c3"
OPERATION: Json = {"x-amazon-apigateway-integration": {}}


def template(paths: dict[str, Json]) -> Json:
    """A template as Chalice makes it, as far as API and permission are concerned."""
    return {
        "Resources": {
            "RestAPI": {
                "Type": "AWS::Serverless::Api",
                "Properties": {"StageName": "api", "DefinitionBody": {"paths": paths}},
            },
            "APIHandlerInvokePermission": {"Type": "AWS::Lambda::Permission", "Properties": {}},
        }
    }


def permissions(paths: dict[str, Json]) -> dict[str, Json]:
    made = template(paths)
    narrow(made)
    resources = cast(dict[str, Json], made["Resources"])
    return {
        name: cast(Json, one["Properties"])
        for name, one in resources.items()
        if one["Type"] == "AWS::Lambda::Permission"
    }


def sources(paths: dict[str, Json]) -> list[str]:
    """The source ARNs, as CloudFormation resolves them."""
    values = {
        "AWS::Partition": "aws",
        "AWS::Region": "eu-west-1",
        "AWS::AccountId": "111122223333",
        "RestAPI": "a1b2c3",
    }
    written = [cast(dict[str, str], one["SourceArn"])["Fn::Sub"] for one in permissions(paths).values()]
    return sorted(re.sub(r"\$\{([^}]*)\}", lambda match: values[match[1]], one) for one in written)


def own_paths() -> dict[str, Json]:
    return {path: {method.lower(): OPERATION for method in methods} for path, methods in app.routes.items()}


def test_each_route_has_a_permission_of_its_own() -> None:
    assert sources(own_paths()) == [
        f"{API}/api/GET/.well-known/jwks.json",
        f"{API}/api/GET/.well-known/openid-configuration",
        f"{API}/api/GET/v1/credentials/*",
        f"{API}/api/GET/v1/health",
        f"{API}/api/GET/v1/iam/health",
        f"{API}/api/GET/v1/iam/roles",
        f"{API}/api/GET/v1/iam/sessions",
        f"{API}/api/GET/v1/iam/sessions/*",
        f"{API}/api/GET/v1/iam/whoami",
        f"{API}/api/GET/v1/roles",
        f"{API}/api/GET/v1/sessions",
        f"{API}/api/GET/v1/sessions/*",
        f"{API}/api/GET/v1/whoami",
        f"{API}/api/POST/v1/credentials",
        f"{API}/api/POST/v1/iam/credentials",
        f"{API}/api/POST/v1/iam/sessions/*/revoke",
        f"{API}/api/POST/v1/sessions/*/revoke",
    ]


@pytest.mark.parametrize(
    "source",
    [
        f"{API}/test-invoke-stage/GET/v1/health",
        f"{API}/other/POST/v1/credentials",
        f"{API}/api/POST/v1/health",
        f"{API}/api/GET/v2/health",
        f"{API}/api/GET/",
        "arn:aws:execute-api:eu-west-1:111122223333:another/api/GET/v1/health",
        "arn:aws:execute-api:eu-west-1:999988887777:a1b2c3/api/GET/v1/health",
    ],
)
def test_no_other_stage_method_path_api_or_account_comes_in(source: str) -> None:
    assert not [allowed for allowed in sources(own_paths()) if fnmatchcase(source, allowed)]


def test_whoever_invokes_is_api_gateway_with_a_source() -> None:
    for permission in permissions(own_paths()).values():
        assert permission["Principal"] == "apigateway.amazonaws.com"
        assert permission["Action"] == "lambda:InvokeFunction"
        assert permission["FunctionName"] == {"Ref": "APIHandler"}
        # API Gateway does not tell the source account: with it in the statement, nobody would come in.
        assert permission.keys() == {"Principal", "Action", "FunctionName", "SourceArn"}


def test_a_new_route_gets_its_permission_by_itself() -> None:
    more = own_paths() | {"/v2/{proxy+}": {"x-amazon-apigateway-any-method": OPERATION, "parameters": {}}}
    assert f"{API}/api/*/v2/*" in sources(more) and len(sources(more)) == len(sources(own_paths())) + 1


def test_paths_that_differ_in_signs_alone_have_permissions_of_their_own() -> None:
    names = permissions({"/a-b": {"get": OPERATION}, "/a/b": {"get": OPERATION, "post": OPERATION}})
    assert len(names) == 3 and all(re.fullmatch(r"[A-Za-z0-9]{1,255}", name) for name in names)


def test_the_functions_policy_stays_within_its_limit() -> None:
    """Resource-based policy, 20 KB: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
    around = 400  # Sid, Effect, Principal, Action, Resource and the words around the source
    assert sum(around + len(source) for source in sources(own_paths())) < 20_480


def test_the_permission_for_everything_is_gone() -> None:
    assert "APIHandlerInvokePermission" not in permissions(own_paths())
    assert sources({"/v1/health": {"get": OPERATION}}) == [f"{API}/api/GET/v1/health"]
