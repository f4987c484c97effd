import pytest

from chalicelib.callers.federated_user import FederatedUser
from chalicelib.callers.iam_role_session import IamRoleSession
from chalicelib.callers.iam_user import IamUser
from chalicelib.callers.sigv4 import identify_caller
from chalicelib.errors import CallerRefused, CredvendError, Unauthenticated

ACCOUNT = "111122223333"


def identity(arn: str, **more: object) -> dict[str, object]:
    return {"userArn": arn, "accountId": ACCOUNT, "caller": "AIDAEXAMPLE"} | more


def test_an_iam_user_is_known_by_path_and_name() -> None:
    caller = identify_caller(identity(f"arn:aws:iam::{ACCOUNT}:user/team/blue/alice"))
    assert caller == IamUser("aws", ACCOUNT, "/team/blue/", "alice", "AIDAEXAMPLE")
    assert caller.arn == f"arn:aws:iam::{ACCOUNT}:user/team/blue/alice"


def test_a_user_without_a_path_keeps_its_arn() -> None:
    assert identify_caller(identity(f"arn:aws:iam::{ACCOUNT}:user/alice")).arn == f"arn:aws:iam::{ACCOUNT}:user/alice"


def test_a_role_session_is_known_by_role_and_session() -> None:
    caller = identify_caller(identity(f"arn:aws-cn:sts::{ACCOUNT}:assumed-role/Dev/alice@example.com"))
    assert isinstance(caller, IamRoleSession)
    assert caller.role_arn == f"arn:aws-cn:iam::{ACCOUNT}:role/Dev"
    assert (caller.role_name, caller.session_name) == ("Dev", "alice@example.com")


def test_a_federated_user_is_known_by_name() -> None:
    caller = identify_caller(identity(f"arn:aws-us-gov:sts::{ACCOUNT}:federated-user/bob"))
    assert isinstance(caller, FederatedUser) and caller.name == "bob"


def test_the_account_root_is_refused() -> None:
    with pytest.raises(CallerRefused, match="root is never served"):
        identify_caller(identity(f"arn:aws:iam::{ACCOUNT}:root"))


def test_a_cognito_identity_pool_is_refused() -> None:
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/Pool/CognitoIdentityCredentials"
    with pytest.raises(CallerRefused, match="Cognito"):
        identify_caller(identity(arn, cognitoIdentityId="ap-northeast-2:1"))


ARNS = {
    "user": f"arn:aws:iam::{ACCOUNT}:user/alice",
    "session": f"arn:aws:sts::{ACCOUNT}:assumed-role/Dev/alice",
    "federated": f"arn:aws:sts::{ACCOUNT}:federated-user/bob",
}


@pytest.mark.parametrize("kind", ARNS)
def test_each_kind_tells_which_key_it_signed_with(kind: str) -> None:
    for key in ("AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE"):
        caller = identify_caller(identity(ARNS[kind], accessKey=key))
        assert caller.audit_fields["caller_access_key_id"] == key
        # It is the same caller, whichever of its keys it signs with.
        other = identify_caller(identity(ARNS[kind]))
        assert (caller.identifier, caller.entity, caller.name_parts) == (
            other.identifier,
            other.entity,
            other.name_parts,
        )


@pytest.mark.parametrize("odd", [None, 7, "", "AKIA\n", "a" * 129, "Störung"])
def test_a_key_that_is_none_refuses_nobody_and_is_in_no_record(odd: object) -> None:
    assert identify_caller(identity(ARNS["user"], accessKey=odd)).audit_fields["caller_access_key_id"] is None


@pytest.mark.parametrize(
    "never_served",
    [identity(f"arn:aws:iam::{ACCOUNT}:root"), identity(ARNS["session"], cognitoIdentityId="ap-northeast-2:1")],
)
def test_who_is_never_served_leaves_the_key_on_record(never_served: dict[str, object]) -> None:
    with pytest.raises(CallerRefused) as refused:
        identify_caller(never_served | {"accessKey": "ASIAIOSFODNN7EXAMPLE"})
    assert refused.value.access_key_id == "ASIAIOSFODNN7EXAMPLE"


@pytest.mark.parametrize(
    "claimed",
    [
        {},
        {"userArn": None, "accountId": None, "caller": None},
        identity("arn:aws:iam::999999999999:user/alice"),
        identity(f"arn:aws:iam::{ACCOUNT}:user/"),
        identity(f"arn:aws:iam::{ACCOUNT}:user"),
        identity(f"arn:aws:sts::{ACCOUNT}:assumed-role/Dev"),
        identity(f"arn:aws:s3::{ACCOUNT}:user/alice"),
        identity(f"arn:aws:iam::{ACCOUNT}:role/Dev"),
        identity(f"arn:evil:iam::{ACCOUNT}:user/alice"),
        identity(f"arn:aws:sts::{ACCOUNT}:user/alice"),
        identity(""),
        identity(f"arn:aws:iam::{ACCOUNT}:user/alice", caller=7),
        identity(f"arn:aws:iam::{ACCOUNT}:user/alice\ud800"),
        identity(f"arn:aws:sts::{ACCOUNT}:assumed-role/\udfff/alice"),
        identity(f"arn:aws:iam::{ACCOUNT}:user/alice", caller="AIDA\ud800"),
    ],
)
def test_whatever_is_not_a_verified_principal_is_unauthenticated(claimed: dict[str, object]) -> None:
    with pytest.raises(Unauthenticated):
        identify_caller(claimed)


def test_refusals_are_4xx() -> None:
    assert all(400 <= error.status < 500 for error in (CallerRefused, Unauthenticated))
    assert issubclass(CallerRefused, CredvendError)
