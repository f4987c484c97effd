"""KMS keys and OpenID Connect providers on the local AWS, by requests and by CloudFormation, as AWS has them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws import ACCOUNT, REGION
from testing.deployed import OTHER_ACCOUNT, Json, Key, Stack
from tests.e2e.strict_requests import client
from tests.e2e.test_strict_stacks import made, template

ALIAS = "alias/strict-signing"
DIGEST: dict[str, Any] = {"Message": b"x" * 32, "MessageType": "DIGEST"}
RSA = "RSASSA_PKCS1_V1_5_SHA_256"


@pytest.fixture(scope="module")
def kms(stack: Stack) -> Iterator[Any]:
    """KMS, with an RSA key that has a name."""
    kms = client(stack, "kms")
    key = kms.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName=ALIAS, TargetKeyId=key)
    yield kms
    kms.delete_alias(AliasName=ALIAS)
    kms.schedule_key_deletion(KeyId=key)


@pytest.fixture
def signer(stack: Stack) -> Iterator[Key]:
    key = stack.add_user("strict-signer")
    yield key
    iam = stack.iam()
    iam.delete_access_key(UserName="strict-signer", AccessKeyId=key.access_key_id)
    for policy in iam.list_user_policies(UserName="strict-signer")["PolicyNames"]:
        iam.delete_user_policy(UserName="strict-signer", PolicyName=policy)
    iam.delete_user(UserName="strict-signer")


def let(stack: Stack, action: str, resource: str = "*", **condition: Json) -> None:
    statement: Json = {"Effect": "Allow", "Action": action, "Resource": resource}
    if condition:
        statement["Condition"] = condition
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    stack.iam().put_user_policy(UserName="strict-signer", PolicyName="rights", PolicyDocument=document)


@contextmanager
def refused(code: str) -> Iterator[None]:
    with pytest.raises(ClientError) as raised:
        yield
    assert raised.value.response["Error"]["Code"] == code


def test_a_key_signs_by_its_alias_and_names_itself(kms: Any) -> None:
    key = kms.describe_key(KeyId=ALIAS)["KeyMetadata"]["Arn"]
    signed = kms.sign(KeyId=ALIAS, SigningAlgorithm=RSA, **DIGEST)
    assert signed["KeyId"] == kms.get_public_key(KeyId=ALIAS)["KeyId"] == key
    arn = f"arn:aws:kms:{REGION}:{ACCOUNT}:{ALIAS}"
    assert kms.verify(KeyId=arn, SigningAlgorithm=RSA, Signature=signed["Signature"], **DIGEST)["SignatureValid"]


def test_what_kms_does_not_sign_is_refused(kms: Any) -> None:
    with refused("NotFoundException"):
        kms.sign(KeyId=f"{ALIAS}-next", SigningAlgorithm=RSA, **DIGEST)
    with refused("InvalidKeyUsageException"):
        kms.sign(KeyId=ALIAS, SigningAlgorithm="ECDSA_SHA_256", **DIGEST)
    with refused("ValidationException"):
        kms.sign(KeyId=ALIAS, SigningAlgorithm=RSA, Message=b"x" * 33, MessageType="DIGEST")
    kms.sign(KeyId=ALIAS, SigningAlgorithm=RSA, Message=b"x" * 4096, MessageType="RAW")
    with refused("ValidationException"):
        kms.sign(KeyId=ALIAS, SigningAlgorithm=RSA, Message=b"x" * 4097, MessageType="RAW")
    with refused("NotFoundException"):  # what changes keys takes no alias
        kms.disable_key(KeyId=ALIAS)


def test_a_key_that_is_disabled_deleted_or_for_secrets_signs_nothing(kms: Any) -> None:
    secret = kms.create_key()["KeyMetadata"]["KeyId"]
    with refused("InvalidKeyUsageException"):
        kms.sign(KeyId=secret, SigningAlgorithm=RSA, **DIGEST)
    key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    kms.sign(KeyId=key, SigningAlgorithm="ECDSA_SHA_256", **DIGEST)
    for change, code in (
        (kms.disable_key, "DisabledException"),
        (kms.schedule_key_deletion, "KMSInvalidStateException"),
    ):
        change(KeyId=key)
        with refused(code):
            kms.sign(KeyId=key, SigningAlgorithm="ECDSA_SHA_256", **DIGEST)
        with refused(code):
            kms.get_public_key(KeyId=key)
    kms.schedule_key_deletion(KeyId=secret)


def test_a_name_leads_to_another_key_of_its_kind_and_to_no_name(kms: Any) -> None:
    first, second = (kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY") for spec in ("RSA_2048", "ECC_NIST_P256"))
    secret = kms.create_key()
    ids = [each["KeyMetadata"]["KeyId"] for each in (first, second, secret)]
    name = "alias/strict-moving"
    kms.create_alias(AliasName=name, TargetKeyId=ids[0])
    kms.update_alias(AliasName=name, TargetKeyId=ids[1])
    assert kms.get_public_key(KeyId=name)["KeySpec"] == "ECC_NIST_P256"
    with refused("ValidationException"):
        kms.update_alias(AliasName=name, TargetKeyId=ids[2])
    with refused("ValidationException"):
        kms.create_alias(AliasName="alias/strict-other", TargetKeyId=name)
    with refused("AlreadyExistsException"):
        kms.create_alias(AliasName=name, TargetKeyId=ids[0])
    with refused("NotFoundException"):
        kms.update_alias(AliasName="alias/strict-other", TargetKeyId=ids[0])
    with refused("InvalidAliasNameException"):
        kms.create_alias(AliasName="strict-other", TargetKeyId=ids[0])
    kms.delete_alias(AliasName=name)
    with refused("NotFoundException"):
        kms.delete_alias(AliasName=name)
    for each in ids:
        kms.schedule_key_deletion(KeyId=each)


@pytest.mark.parametrize(
    ("action", "resource", "condition", "may"),
    [
        ("kms:Sign", "*", {"StringEquals": {"kms:RequestAlias": ALIAS}}, True),
        ("kms:Sign", "*", {"StringEquals": {"kms:RequestAlias": f"{ALIAS}-next"}}, False),
        ("kms:Sign", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/*", {}, True),
        ("kms:Sign", f"arn:aws:kms:{REGION}:{ACCOUNT}:{ALIAS}", {}, False),
        ("kms:Sign", "*", {"ForAnyValue:StringEquals": {"kms:ResourceAliases": [ALIAS]}}, True),
        ("kms:Sign", "*", {"StringEquals": {"kms:SigningAlgorithm": RSA, "kms:MessageType": "DIGEST"}}, True),
        ("kms:Sign", "*", {"StringEquals": {"kms:SigningAlgorithm": "ECDSA_SHA_256"}}, False),
        ("kms:GetPublicKey", "*", {}, False),
    ],
)
def test_rights_are_on_keys_and_may_ask_for_the_alias(
    stack: Stack, kms: Any, signer: Key, action: str, resource: str, condition: dict[str, Json], may: bool
) -> None:
    let(stack, action, resource, **condition)
    signing: Any = stack._client("kms", signer)
    if may:
        signing.sign(KeyId=ALIAS, SigningAlgorithm=RSA, **DIGEST)
    else:
        with refused("AccessDeniedException"):
            signing.sign(KeyId=ALIAS, SigningAlgorithm=RSA, **DIGEST)


def test_who_names_a_key_by_its_id_has_asked_by_no_alias(stack: Stack, kms: Any, signer: Key) -> None:
    let(stack, "kms:Sign", StringEquals={"kms:RequestAlias": ALIAS})
    key = kms.describe_key(KeyId=ALIAS)["KeyMetadata"]["KeyId"]
    signing: Any = stack._client("kms", signer)
    with refused("AccessDeniedException"):
        signing.sign(KeyId=key, SigningAlgorithm=RSA, **DIGEST)


def test_a_key_policy_knows_a_session_by_its_role(stack: Stack, kms: Any, signer: Key) -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/keys/strict-key-role"
    trusting: Json = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    stack.add_role("strict-key-role", {"Version": "2012-10-17", "Statement": [trusting]}, "kms:Sign", path="/keys/")
    let(stack, "sts:AssumeRole")
    sts = stack.sts(signer)
    given = sts.assume_role(RoleArn=role, RoleSessionName="somebody")["Credentials"]
    session: Any = stack._client("kms", Key(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]))
    every: Json = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Resource": "*"}
    key = kms.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    try:
        for who, may in ((role, True), (f"{role}-other", False)):
            only = {"ArnNotEquals": {"aws:PrincipalArn": who}}
            deny = {**every, "Effect": "Deny", "Action": "kms:Sign", "Condition": only, "Principal": {"AWS": "*"}}
            statements = [{**every, "Action": "kms:*"}, deny]
            policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
            kms.put_key_policy(KeyId=key, Policy=policy)
            if may:
                session.sign(KeyId=key, SigningAlgorithm=RSA, **DIGEST)
            else:
                with refused("AccessDeniedException"):
                    session.sign(KeyId=key, SigningAlgorithm=RSA, **DIGEST)
    finally:
        kms.schedule_key_deletion(KeyId=key)
        stack.iam().delete_role_policy(RoleName="strict-key-role", PolicyName="rights")
        stack.iam().delete_role(RoleName="strict-key-role")


def test_an_alias_that_leads_nowhere_is_not_found_by_anybody_who_signs(stack: Stack, kms: Any, signer: Key) -> None:
    let(stack, "kms:GetPublicKey", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/*")
    reading: Any = stack._client("kms", signer)
    with refused("NotFoundException"):
        reading.get_public_key(KeyId=f"{ALIAS}-next")
    nobody: Any = stack._client("kms", Key(signer.access_key_id, "x" * 40))
    with refused("InvalidSignatureException"):
        nobody.get_public_key(KeyId=f"{ALIAS}-next")


@pytest.mark.parametrize("resource", ["alias/*", "key/*"])
def test_to_name_a_key_takes_rights_on_both(stack: Stack, kms: Any, signer: Key, resource: str) -> None:
    key = kms.describe_key(KeyId=ALIAS)["KeyMetadata"]["KeyId"]
    let(stack, "kms:CreateAlias", f"arn:aws:kms:{REGION}:{ACCOUNT}:{resource}")
    naming: Any = stack._client("kms", signer)
    with refused("AccessDeniedException"):
        naming.create_alias(AliasName="alias/strict-other", TargetKeyId=key)
    let(stack, "kms:*Alias", f"arn:aws:kms:{REGION}:{ACCOUNT}:*")
    naming.create_alias(AliasName="alias/strict-other", TargetKeyId=key)
    naming.update_alias(AliasName="alias/strict-other", TargetKeyId=key)
    naming.delete_alias(AliasName="alias/strict-other")


def test_cloudformation_makes_a_key_and_its_name(stack: Stack, kms: Any) -> None:
    key: Json = {"Type": "AWS::KMS::Key", "Properties": {"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"}}
    name: Json = {"AliasName": "alias/strict-made", "TargetKeyId": {"Ref": "Key"}}
    body = json.dumps({"Resources": {"Key": key, "Name": {"Type": "AWS::KMS::Alias", "Properties": name}}})
    with made(stack, body) as failures:
        assert failures == []
        assert kms.get_public_key(KeyId="alias/strict-made")["KeySpec"] == "ECC_NIST_P256"
    with refused("NotFoundException"):
        kms.get_public_key(KeyId="alias/strict-made")


@pytest.mark.parametrize(
    ("kind", "properties", "reason"),
    [
        ("AWS::KMS::Key", {"KeySpec": "ECC_NIST_P256"}, "not compatible with KeySpec"),
        ("AWS::KMS::Alias", {"AliasName": ALIAS, "TargetKeyId": "x"}, "already exists"),
        ("AWS::KMS::Alias", {"AliasName": "alias/strict-made", "TargetKeyId": "x"}, "does not exist"),
        ("AWS::IAM::OIDCProvider", {"Url": "http://signs.example.org"}, "must begin with https://"),
        ("AWS::IAM::OIDCProvider", {"Url": "https://signs.example.org:8443"}, "no port"),
        ("AWS::IAM::OIDCProvider", {"ClientIdList": ["a"]}, "required key"),
    ],
)
def test_cloudformation_makes_nothing_that_aws_does_not(
    stack: Stack, kms: Any, kind: str, properties: Json, reason: str
) -> None:
    with made(stack, template(kind, properties)) as failures:
        assert any(reason in failure for failure in failures)


def test_cloudformation_makes_a_provider_of_its_account(stack: Stack) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:oidc-provider/signs.example.org/stage"
    properties: Json = {"Url": "https://signs.example.org/stage", "ClientIdList": ["sts.amazonaws.com"]}
    with made(stack, template("AWS::IAM::OIDCProvider", properties)) as failures:
        assert failures == []
        told = stack.iam().get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
        assert (told["Url"], told["ClientIDList"]) == ("signs.example.org/stage", ["sts.amazonaws.com"])
        with made_twice(stack, properties):
            pass
    with refused("NoSuchEntity"):
        stack.iam().get_open_id_connect_provider(OpenIDConnectProviderArn=arn)


@contextmanager
def made_twice(stack: Stack, properties: Json) -> Iterator[None]:
    with refused("EntityAlreadyExists"):
        stack.iam().create_open_id_connect_provider(Url=str(properties["Url"]))
    yield


def test_a_provider_is_its_accounts_and_its_audiences_change(stack: Stack) -> None:
    iam, other = stack.iam(), stack.iam(OTHER_ACCOUNT)
    made_here = other.create_open_id_connect_provider(Url="https://signs.example.net", ClientIDList=["a"])
    arn = made_here["OpenIDConnectProviderArn"]
    assert arn == f"arn:aws:iam::{OTHER_ACCOUNT}:oidc-provider/signs.example.net"
    assert arn not in [each["Arn"] for each in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]]
    other.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="b")
    other.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="a")
    other.update_open_id_connect_provider_thumbprint(OpenIDConnectProviderArn=arn, ThumbprintList=["0" * 40])
    told = other.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert (told["ClientIDList"], told["ThumbprintList"]) == (["b"], ["0" * 40])
    with refused("NoSuchEntity"):
        iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="b")
    with refused("InvalidInput"):
        iam.create_open_id_connect_provider(Url="https://signs.example.net?a=b")
    other.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
