"""The resource policy lets callers of other accounts in, and nobody else in or out."""

import fnmatch
from typing import Any

import pytest

from ops.iam.resource_policy import PolicyTooLong, resource_policy

SIGNED: dict[str, Any] = {"security": [{"sigv4": []}]}
PATHS: dict[str, Any] = {
    "/v1/credentials": {"post": {}},
    "/v1/credentials/{role}": {"get": {}},
    "/v1/health": {"get": {}},
    "/v1/iam/credentials": {"post": SIGNED},
    "/v1/iam/roles": {"get": SIGNED},
}
OWN, OTHER, STRANGER = "111122223333", "444455556666", "999988887777"


def allows(policy: dict[str, Any], route: str, account: str | None, organization: str | None = None) -> bool:
    """Whether a statement allows it, by AWS's rules for principals and these two conditions.

    Args:
        account: of the caller; None: nobody has signed.
    """
    for statement in policy["Statement"]:
        if not any(fnmatch.fnmatchcase(f"execute-api:/api/{route}", pattern) for pattern in statement["Resource"]):
            continue
        principal = statement["Principal"]
        roots = [] if principal == "*" else [root["Fn::Sub"].split(":")[-2] for root in principal["AWS"]]
        if principal != "*" and account not in roots:
            continue
        condition = statement.get("Condition")
        if condition is not None:
            assert condition["StringNotEquals"] == {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}}
            (wanted,) = condition["StringEquals"].values()
            if account in (None, OWN) or organization != wanted:
                continue
        return True
    return False


@pytest.mark.parametrize(
    ("accounts", "organization"), [([], None), ([OTHER], None), ([], "o-a1b2c3d4e5"), ([OTHER], "o-a1b2c3d4e5")]
)
def test_routes_for_tokens_stay_open_and_signed_ones_to_those_who_are_named(
    accounts: list[str], organization: str | None
) -> None:
    policy = resource_policy(PATHS, "api", accounts, organization)
    for route in ("POST/v1/credentials", "GET/v1/credentials/deployer", "GET/v1/health"):
        assert allows(policy, route, None)
    for route in ("POST/v1/iam/credentials", "GET/v1/iam/roles"):
        assert not allows(policy, route, None)
        assert allows(policy, route, OTHER) is bool(accounts)
        assert allows(policy, route, STRANGER, "o-a1b2c3d4e5") is (organization is not None)
        assert not allows(policy, route, STRANGER, "o-z9y8x7w6v5")
        # It is for their own IAM policies to let callers of the API's account in.
        assert not allows(policy, route, OWN, "o-a1b2c3d4e5")
    assert not allows(policy, "DELETE/v1/credentials", None) and not allows(policy, "GET/v2/roles", OTHER)


def test_a_route_with_another_authorizer_stops_the_packaging() -> None:
    with pytest.raises(AssertionError, match="unknown authorization: get /v1/new"):
        resource_policy({"/v1/new": {"get": {"security": [{"custom": []}]}}}, "api", [], None)


def test_more_accounts_than_api_gateway_takes_are_refused_with_the_way_out() -> None:
    accounts = [f"{number:012}" for number in range(200)]
    resource_policy(PATHS, "api", accounts[:50], None)
    with pytest.raises(PolicyTooLong, match=r"takes 8,192: name the `organization`"):
        resource_policy(PATHS, "api", accounts, None)
