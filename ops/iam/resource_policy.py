"""The API's resource policy, which lets callers of other accounts in and leaves everybody else as they were.

How API Gateway decides, with such a policy on the API:
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html

- A route without authorization (those for tokens) is open only to whom the policy allows it: without an `Allow` of
  their own, all of them would be closed. The function asks for the token.
- On a route with IAM authorization, a caller of the API's own account needs an `Allow` in the caller's IAM policy or in
  this one; a caller of another account needs both.

The second rule is why an organization's statement leaves out the API's own account: with `"Principal": "*"`, it would
let in every principal of it, whatever their IAM policies say. An account as principal does not: it says that the
account's own policies decide.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-accounts
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, cast

from ops.documents.json_object import Json

_PARAMETER: Final = re.compile(r"\{[^{}]*\}")
_SIGNED: Final[list[dict[str, list[str]]]] = [{"sigv4": []}]
# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
_MAXIMUM_CHARACTERS: Final = 8192
# API Gateway writes the resources out.
_LONGEST_ARN: Final = len("arn:aws-us-gov:execute-api:us-gov-west-1:111122223333:a1b2c3d4e5/") - len("execute-api:/")


class PolicyTooLong(ValueError):
    """More accounts than API Gateway takes; the message says what to do."""


def resource_policy(paths: Mapping[str, object], stage: str, accounts: Sequence[str], organization: str | None) -> Json:
    """The policy document.

    Args:
        paths: of the API's OpenAPI definition; a route with `security` is one with IAM authorization.
        stage: of the API, in its URL.
        accounts: numbers of other accounts.
        organization: id of an organization, such as `o-a1b2c3d4e5`.

    Raises:
        PolicyTooLong: API Gateway would not take it.
    """
    routes = list(_routes(paths))
    # On import, API Gateway writes `execute-api:/` out as the ARN of the API, which nobody knows before:
    # https://docs.aws.amazon.com/apigateway/latest/developerguide/openapi-extensions-policy.html
    signed = [f"execute-api:/{stage}/{route}" for route, is_signed in routes if is_signed]
    open_to_tokens = [f"execute-api:/{stage}/{route}" for route, is_signed in routes if not is_signed]
    statements = [_allow("TokensAndHealth", "*", open_to_tokens)]
    if accounts:
        roots = [{"Fn::Sub": f"arn:${{AWS::Partition}}:iam::{account}:root"} for account in accounts]
        statements.append(_allow("OtherAccounts", {"AWS": roots}, signed))
    if organization is not None:
        # Both keys are there for routes with IAM authorization:
        # https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies-aws-condition-keys.html
        condition = {
            "StringEquals": {"aws:PrincipalOrgID": organization},
            "StringNotEquals": {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}},
        }
        statements.append(_allow("Organization", "*", signed) | {"Condition": condition})
    policy: Json = {"Version": "2012-10-17", "Statement": statements}
    _check_length(policy)
    return policy


def _routes(paths: Mapping[str, object]) -> Iterator[tuple[str, bool]]:
    """Method and path of each as in ARNs, such as `GET/v1/credentials/*`, and whether IAM authorizes it."""
    for path, operations in sorted(paths.items()):
        for method, operation in sorted(cast(Mapping[str, Json], operations).items()):
            if method == "parameters" or method.startswith("x-amazon-"):
                raise AssertionError(f"a route of unknown form: {method} {path}")
            security = operation.get("security")
            if security not in (None, _SIGNED):
                raise AssertionError(f"a route with unknown authorization: {method} {path}")
            yield f"{method.upper()}{_PARAMETER.sub('*', path)}", security is not None


def _allow(sid: str, principal: object, resources: list[str]) -> Json:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": principal,
        "Action": "execute-api:Invoke",
        "Resource": resources,
    }


def _check_length(policy: Json) -> None:
    text = json.dumps(policy, separators=(",", ":"))
    length = len(text) + text.count('"execute-api:/') * _LONGEST_ARN
    if length > _MAXIMUM_CHARACTERS:
        raise PolicyTooLong(
            f"the API's resource policy would have about {length:,} characters, and API Gateway takes "
            f"{_MAXIMUM_CHARACTERS:,}: name the `organization` instead of `accounts`"
        )
