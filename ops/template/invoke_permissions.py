"""Lets API Gateway invoke the function for the routes of the stage, and for nothing else.

Chalice's template lets it in for any stage, method and path of the API: whoever may change the API, or test its
methods in the console, then comes in by a route that is none of ours. The console's test call comes from a stage named
`test-invoke-stage`:
https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.aws_apigateway.LambdaIntegrationOptions.html (allowTestInvoke)
"""

import hashlib
import re
from collections.abc import Iterator
from typing import Final, cast

from ops.documents.json_object import Json
from ops.stages.names import API, FUNCTION

_FOR_EVERYTHING: Final = f"{FUNCTION}InvokePermission"
# Whatever else stands beside the methods of a path in OpenAPI is none.
_METHODS: Final = frozenset({"get", "put", "post", "delete", "options", "head", "patch"})
_ANY_METHOD: Final = "x-amazon-apigateway-any-method"
_PARAMETER: Final = re.compile(r"\{[^{}]*\}")


def narrow(template: Json) -> None:
    """Replace the permission for everything by one for each route. A new route gets its own by itself."""
    resources = cast(dict[str, Json], template["Resources"])
    api = cast(Json, resources[API]["Properties"])
    stage = cast(str, api["StageName"])
    paths = cast(dict[str, Json], cast(Json, api["DefinitionBody"])["paths"])
    del resources[_FOR_EVERYTHING]
    for method, path in _routes(paths):
        resources[_logical_id(method, path)] = _permission(stage, method, path)


def _routes(paths: dict[str, Json]) -> Iterator[tuple[str, str]]:
    """Method and path of each, as API Gateway writes them in ARNs."""
    for path, operations in paths.items():
        for key in operations:
            if key in _METHODS or key == _ANY_METHOD:
                yield "*" if key == _ANY_METHOD else key.upper(), _PARAMETER.sub("*", path)


def _logical_id(method: str, path: str) -> str:
    """Letters and digits; two paths that share theirs differ in the hash."""
    words = "".join(word.capitalize() for word in re.findall(r"[A-Za-z0-9]+", f"{method} {path}"))
    return f"{_FOR_EVERYTHING}{words}{hashlib.sha256(f'{method} {path}'.encode()).hexdigest()[:8]}"


def _permission(stage: str, method: str, path: str) -> Json:
    """No SourceAccount: the ARN holds the account, and API Gateway does not tell it apart, so that nothing would match.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-permission.html
    """
    resource = f"${{{API}}}/{stage}/{method}{path}"
    return {
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "FunctionName": {"Ref": FUNCTION},
            "Action": "lambda:InvokeFunction",
            "Principal": "apigateway.amazonaws.com",
            "SourceArn": {
                "Fn::Sub": f"arn:${{AWS::Partition}}:execute-api:${{AWS::Region}}:${{AWS::AccountId}}:{resource}"
            },
        },
    }
