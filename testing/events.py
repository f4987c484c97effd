"""Events as API Gateway sends them to the function: REST API, Lambda proxy integration, payload format 1.0.

Which fields there are, and which of them are null, is what AWS was recorded to send, not what its documentation leaves
out. The sources, by the names that stand beside what is taken from them:

- FORMAT: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html ("Input
  format of a Lambda function for proxy integration")
- CONTEXT: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
  (what each field of `requestContext` means)
- NOTES: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html (which headers are
  dropped)
- PRINCIPALS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable
  (ids)
- ARNS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns
- RECORDED: localstack/localstack, tests/aws/services/apigateway/test_apigateway_lambda.snapshot.json
  (test_lambda_aws_proxy_integration): answers of AWS itself, kept with their dates
- GO: aws/aws-lambda-go, events/testdata/apigw-restapi-openapi-request.json
- POWERTOOLS: aws-powertools/powertools-lambda-python, tests/events/apiGatewayProxyEvent.json
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

Json = dict[str, object]
Texts = Mapping[str, str | Sequence[str]]
"""Headers or query parameters: for each the value, or a list of values."""

ACCOUNT: Final = "111122223333"
REGION: Final = "ap-northeast-2"
# Lambda's of an invocation, and API Gateway's of the request that led to it.
REQUEST_ID: Final = "7b1c9c8e-0000-4000-8000-000000000001"
GATEWAY_REQUEST_ID: Final = "c0ffee00-0000-4000-8000-000000000002"
SOURCE_IP: Final = "198.51.100.7"
USER_AGENT: Final = "curl/8.5.0"
_API: Final = "abcdefghij"
# FORMAT, with the time zone that API Gateway writes; and the same moment in milliseconds.
_TIME: Final = "01/Jan/2026:00:00:00 +0000"
_EPOCH: Final = 1767225600000


# Who calls: `requestContext.identity`


def unsigned(source_ip: str | None = SOURCE_IP, user_agent: str | None = USER_AGENT) -> Json:
    """Nobody: on a route without an authorizer all that says who calls is null (RECORDED), signed or not."""
    return {
        "accessKey": None,
        "accountId": None,
        "caller": None,
        "cognitoAuthenticationProvider": None,
        "cognitoAuthenticationType": None,
        "cognitoIdentityId": None,
        "cognitoIdentityPoolId": None,
        "principalOrgId": None,
        "sourceIp": source_ip,
        "user": None,
        "userAgent": user_agent,
        "userArn": None,
    }


def signed(
    arn: str, principal_id: str = "AIDAEXAMPLE", access_key: str = "AKIAEXAMPLE", organization: str | None = None
) -> Json:
    """A principal whose SigV4 signature API Gateway has checked.

    Args:
        principal_id: what IAM calls `aws:userid` (PRINCIPALS); `user` and `caller` both hold it.
        organization: the principal's organization, `o-...`, where it is in one (CONTEXT).
    """
    return unsigned() | {
        "accessKey": access_key,
        "accountId": arn.split(":")[4],
        "caller": principal_id,
        "principalOrgId": organization,
        "user": principal_id,
        "userArn": arn,
    }


def iam_user(name: str = "alice", path: str = "/", account: str = ACCOUNT, partition: str = "aws") -> Json:
    """An IAM user. The path is a part of its ARN (ARNS)."""
    return signed(f"arn:{partition}:iam::{account}:user{path}{name}", "AIDAEXAMPLE")


def role_session(role: str, session: str, account: str = ACCOUNT, partition: str = "aws") -> Json:
    """A session of a role, whose path the ARN does not show (ARNS)."""
    arn = f"arn:{partition}:sts::{account}:assumed-role/{role}/{session}"
    return signed(arn, f"AROAEXAMPLE:{session}", "ASIAEXAMPLE", "o-exampleorgid")


def identity_center_session(permission_set: str, user: str, account: str = ACCOUNT) -> Json:
    """A person who signed in with IAM Identity Center: a session of the permission set's role, named for the user.

    The role's path, /aws-reserved/sso.amazonaws.com/REGION/, does not show:
    https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html
    """
    return role_session(f"AWSReservedSSO_{permission_set}_0123456789abcdef", user, account)


def federated_user(name: str, account: str = ACCOUNT, partition: str = "aws") -> Json:
    """A session made with sts:GetFederationToken (ARNS, PRINCIPALS)."""
    return signed(f"arn:{partition}:sts::{account}:federated-user/{name}", f"{account}:{name}", "ASIAEXAMPLE")


def root(account: str = ACCOUNT, partition: str = "aws") -> Json:
    """The account's root user, whose id is the account's number (PRINCIPALS)."""
    return signed(f"arn:{partition}:iam::{account}:root", account)


def cognito(authenticated: bool = True) -> Json:
    """A user of a Cognito identity pool. All of them have one session name.

    https://docs.aws.amazon.com/cognito/latest/developerguide/role-based-access-control.html; the provider's form is
    that of CONTEXT (cognitoAuthenticationProvider).
    """
    pool = f"cognito-idp.{REGION}.amazonaws.com/{REGION}_AbCdEfGhI"
    return role_session("PoolRole", "CognitoIdentityCredentials") | {
        "cognitoAuthenticationProvider": f"{pool},{pool}:CognitoSignIn:{REQUEST_ID}" if authenticated else None,
        "cognitoAuthenticationType": "authenticated" if authenticated else "unauthenticated",
        "cognitoIdentityId": f"{REGION}:11111111-2222-3333-4444-555555555555",
        "cognitoIdentityPoolId": f"{REGION}:66666666-7777-8888-9999-000000000000",
    }


# The way in


@dataclass(frozen=True)
class Entrance:
    """By which of the API's addresses a request comes in.

    Attributes:
        base_path: the base path of a custom domain's mapping. It stands in `path`, and instead of the stage in
            `requestContext.path`: aws-powertools/powertools-lambda-python#576, localstack/localstack#12296.
        vpc_endpoint: id of the VPC endpoint, and then of its VPC, of a private API; both are only there for one.
    """

    domain: str
    stage: str = "api"
    base_path: str = ""
    vpc_endpoint: tuple[str, str] | None = None


REGIONAL: Final = Entrance(f"{_API}.execute-api.{REGION}.amazonaws.com")
CUSTOM_DOMAIN: Final = Entrance("credentials.example.com", base_path="/vend")
# https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-private-api-test-invoke-url.html
PRIVATE: Final = Entrance(
    f"{_API}-vpce-0123456789abcdef0.execute-api.{REGION}.amazonaws.com",
    vpc_endpoint=("vpce-0123456789abcdef0", "vpc-0123456789abcdef0"),
)


# The event


def rest_event(
    method: str,
    resource: str,
    *,
    identity: Mapping[str, object] | None = None,
    headers: Texts | None = None,
    query: Texts | None = None,
    path_parameters: Mapping[str, str] | None = None,
    body: str | bytes | None = None,
    entrance: Entrance = REGIONAL,
    context: Mapping[str, object] | None = None,
    request_id: str = GATEWAY_REQUEST_ID,
) -> Json:
    """An event of payload format 1.0 (FORMAT), with all the fields and the nulls that AWS sends (RECORDED).

    Args:
        resource: the route as the API has it: `/v1/credentials/{role}`.
        identity: one of those above; None is nobody.
        headers: what the client sends beside what every request has. A value is a text, or a list of them for a header
            that comes several times. `Authorization` is passed on as it is, though API Gateway drops one that holds a
            SigV4 signature, and any on a route with an IAM authorizer (NOTES).
        path_parameters: as the client wrote them; API Gateway does not decode them (RECORDED).
        body: text, or the bytes of one that API Gateway has taken for binary, and encodes.
        context: what else stands in `requestContext`, such as `authorizer`.
    """
    who = unsigned() if identity is None else dict(identity)
    if entrance.vpc_endpoint is not None:
        who |= {"vpceId": entrance.vpc_endpoint[0], "vpcId": entrance.vpc_endpoint[1]}
    path = resource
    for name, value in (path_parameters or {}).items():
        path = path.replace(f"{{{name}}}", value)
    several = _several(_sent_headers(who, entrance) | dict(headers or {}))
    queried = _several(query or {})
    return {
        "resource": resource,
        "path": entrance.base_path + path,
        "httpMethod": method,
        "headers": {name: values[-1] for name, values in several.items()},
        "multiValueHeaders": several,
        "queryStringParameters": {name: values[-1] for name, values in queried.items()} or None,
        "multiValueQueryStringParameters": queried or None,
        "pathParameters": dict(path_parameters) if path_parameters else None,
        "stageVariables": None,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": _API,
            "deploymentId": "abc123",
            "domainName": entrance.domain,
            "domainPrefix": entrance.domain.partition(".")[0],
            "extendedRequestId": "AbCdEfGhIjKlMnO=",
            "httpMethod": method,
            "identity": who,
            "path": (entrance.base_path or f"/{entrance.stage}") + path,
            "protocol": "HTTP/1.1",
            "requestId": request_id,
            "requestTime": _TIME,
            "requestTimeEpoch": _EPOCH,
            "resourceId": "def456",
            "resourcePath": resource,
            "stage": entrance.stage,
        }
        | dict(context or {}),
        "body": base64.b64encode(body).decode() if isinstance(body, bytes) else body,
        "isBase64Encoded": isinstance(body, bytes),
    }


def console_test(event: Mapping[str, object], console_user: Mapping[str, object]) -> Json:
    """The event of a request sent with the console's "Test" button, or with `apigateway:TestInvokeMethod`.

    It does not come in through the API's URL: the identity is that of whoever may call API Gateway's own API, signed or
    not. Headers are null unless the tester has typed some.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-test-method.html; the values as people have
    reported them: aws-powertools/powertools-lambda-python#1562, bellroy/wai-handler-hal#3.
    """
    context = dict(cast(Json, event["requestContext"]))
    del context["deploymentId"]  # there is none: what is tested need not be deployed
    context |= {
        "domainName": "testPrefix.testDomainName",
        "domainPrefix": "testPrefix",
        "path": event["path"],
        "stage": "test-invoke-stage",
        "identity": dict(console_user)
        | {
            "apiKey": "test-invoke-api-key",
            "apiKeyId": "test-invoke-api-key-id",
            "principalOrgId": None,
            "sourceIp": "test-invoke-source-ip",
            "userAgent": "aws-internal/3 aws-sdk-java/1.12.154 Linux/5.4.156-94.273.amzn2int.x86_64 "
            "OpenJDK_64-Bit_Server_VM/25.322-b06 java/1.8.0_322 vendor/Oracle_Corporation cfg/retry-mode/standard",
        },
    }
    return {**event, "requestContext": context, "headers": None, "multiValueHeaders": None}


def _sent_headers(identity: Mapping[str, object], entrance: Entrance) -> dict[str, str | Sequence[str]]:
    """The headers that every request has: the client's own, and those that API Gateway adds (RECORDED)."""
    sent: dict[str, str | Sequence[str]] = {"Accept": "*/*", "Host": entrance.domain}
    if identity.get("userArn") is not None:
        sent["X-Amz-Date"] = "20260101T000000Z"
    if identity.get("userAgent") is not None:
        sent["User-Agent"] = str(identity["userAgent"])
    return sent | {
        "X-Amzn-Trace-Id": "Root=1-67000000-0123456789abcdef01234567",
        "X-Forwarded-For": str(identity.get("sourceIp")),
        "X-Forwarded-Port": "443",
        "X-Forwarded-Proto": "https",
    }


def _several(values: Texts) -> dict[str, list[str]]:
    return {name: [value] if isinstance(value, str) else list(value) for name, value in values.items()}
