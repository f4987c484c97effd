"""API Gateway's events, whole, as the REST API sends them to the function."""

import json
from typing import Final

from bench.configurations import ACCOUNT
from tests.harness.tokens import Key, honest_claims, sign

_HEADERS: Final = {
    "Accept": "*/*",
    "Content-Type": "application/json",
    "Host": "abcdefghij.execute-api.ap-northeast-2.amazonaws.com",
    "User-Agent": "curl/8.5.0",
    "X-Amzn-Trace-Id": "Root=1-67000000-0123456789abcdef01234567",
    "X-Forwarded-For": "198.51.100.7",
    "X-Forwarded-Port": "443",
    "X-Forwarded-Proto": "https",
}


def sigv4_event(user: str, role: str) -> str:
    """A vend that API Gateway found signed by an IAM user."""
    signature = "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20260101/ap-northeast-2/execute-api/aws4_request, Signature=0"
    return _event("/v1/iam/credentials", role, signature, f"arn:aws:iam::{ACCOUNT}:user/{user}")


def oidc_event(subject: str, role: str, key: Key) -> str:
    """A vend with a bearer token."""
    return _event("/v1/credentials", role, f"Bearer {sign(honest_claims(sub=subject), key)}", None)


def _event(path: str, role: str, authorization: str, user_arn: str | None) -> str:
    headers = _HEADERS | {"Authorization": authorization}
    identity = {
        "accessKey": None if user_arn is None else "AKIAEXAMPLE",
        "accountId": None if user_arn is None else ACCOUNT,
        "apiKey": None,
        "caller": None if user_arn is None else "AIDAEXAMPLE",
        "cognitoIdentityId": None,
        "principalOrgId": None,
        "sourceIp": "198.51.100.7",
        "user": None if user_arn is None else "AIDAEXAMPLE",
        "userAgent": "curl/8.5.0",
        "userArn": user_arn,
    }
    event = {
        "resource": path,
        "path": path,
        "httpMethod": "POST",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "abcdefghij",
            "httpMethod": "POST",
            "identity": identity,
            "path": f"/api{path}",
            "protocol": "HTTP/1.1",
            "requestId": "7b1c9c8e-0000-4000-8000-000000000001",
            "requestTimeEpoch": 1767225600000,
            "resourceId": "abc123",
            "resourcePath": path,
            "stage": "api",
        },
        "body": json.dumps({"role": role, "duration": "15m", "reason": "measure"}),
        "isBase64Encoded": False,
    }
    return json.dumps(event)
