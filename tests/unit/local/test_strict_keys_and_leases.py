"""The rules of GetScopedCredentials, of KMS keys and of providers that make the local AWS strict, at their limits."""

import base64

import botocore.session
import pytest
from botocore.model import ServiceModel, Shape, StructureShape

from local.strict.kms_rules import (
    Key,
    alias_in,
    check_alias_name,
    check_new_key,
    check_target,
    check_use,
    context,
    names_of,
    not_there,
)
from local.strict.model_rules import check_model, service_model
from local.strict.provider_rules import check_client_ids, check_new_provider
from local.strict.query_answer import result
from local.strict.refusal import Refusal
from local.strict.scoped_rules import LAYERS, Subject, check_scoped, expiry

ARN = "arn:aws:kms:eu-west-1:111122223333:key/1234"
RSA = Key(ARN, "RSA_2048", "SIGN_VERIFY", "Enabled", ("alias/a", "alias/b"))


def code(refused: Refusal | None) -> str:
    return "" if refused is None else refused.code


@pytest.mark.parametrize(
    ("asked", "subject", "said"),
    [
        ({"DurationSeconds": "60"}, Subject(160.0), ""),
        ({"DurationSeconds": "61"}, Subject(160.0), "InsufficientSessionLifetime"),
        ({"Policy": "{}"}, Subject(160.0, LAYERS - 1), ""),
        ({"Policy": "{}"}, Subject(160.0, LAYERS), "AccessDenied"),
        ({"DurationSeconds": "60"}, Subject(160.0, LAYERS), ""),
        ({}, Subject(160.0), "ValidationError"),
        ({"ScopedSessionDescription": "why"}, Subject(160.0), "ValidationError"),
        ({"DurationSeconds": "60"}, Subject(None), "InvalidSubjectCredentials"),
    ],
)
def test_a_session_is_scoped_within_its_own_limits(asked: dict[str, object], subject: Subject, said: str) -> None:
    assert code(check_scoped(asked, subject, 100.0)) == said


def test_a_scoped_session_ends_when_asked_or_with_the_one_before() -> None:
    assert expiry({"DurationSeconds": "60"}, 160.0, 50.0) == 110.0
    assert expiry({"Policy": "{}"}, 160.0, 50.0) == 160.0


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"DurationSeconds": "1", "ScopedSessionDescription": "ab", "Policy": "x" * 2048}, ""),
        ({"DurationSeconds": "0"}, "'durationSeconds'"),
        ({"DurationSeconds": "129601"}, "'durationSeconds'"),
        ({"ScopedSessionDescription": "a"}, "'scopedSessionDescription'"),
        ({"ScopedSessionDescription": "a" * 257}, "'scopedSessionDescription'"),
        ({"ScopedSessionDescription": "a\u00a0"}, "'scopedSessionDescription'"),
        ({"Policy": "x" * 2049}, "'policy'"),
    ],
)
def test_requests_for_scoped_sessions_are_held_against_their_model(asked: dict[str, object], said: str) -> None:
    refused = check_model("sts", "GetScopedCredentials", asked)
    assert (refused is None) if not said else (refused is not None and said in refused.message)


def test_what_we_add_to_an_older_model_is_what_newer_ones_have() -> None:
    newer: ServiceModel = botocore.session.Session().get_service_model("sts")
    for model in (newer, service_model("sts")):
        assert "GetScopedCredentials" in model.operation_names
    ours, theirs = (model.operation_model("GetScopedCredentials") for model in (_alone(), newer))
    for one, other in ((ours.input_shape, theirs.input_shape), (ours.output_shape, theirs.output_shape)):
        assert one is not None and other is not None and _told(one) == _told(other)
    assert [shape.name for shape in ours.error_shapes] == [shape.name for shape in theirs.error_shapes]


def _alone() -> ServiceModel:
    """The model as an older botocore has it, with what we add: without what a newer one says of the same shapes."""
    from local.strict import model_rules

    model = botocore.session.Session().get_component("data_loader").load_service_model("sts", "service-2")
    for part, added in model_rules._ADDITIONS["sts"].items():
        model[part] = {**model[part], **added}
    return ServiceModel(model, "sts")


def _told(shape: Shape) -> object:
    if isinstance(shape, StructureShape):
        return shape.required_members, {name: _told(member) for name, member in shape.members.items()}
    return shape.type_name, shape.metadata


@pytest.mark.parametrize(("size", "taken"), [(0, False), (1, True), (4096, True), (4097, False)])
def test_a_message_to_be_signed_has_a_size(size: int, taken: bool) -> None:
    asked = {"KeyId": "alias/a", "SigningAlgorithm": "ECDSA_SHA_256", "Message": base64.b64encode(b"x" * size).decode()}
    assert (check_model("kms", "Sign", asked) is None) is taken
    assert check_model("kms", "Sign", asked | {"Message": "no base64"}) is None  # the local AWS says so itself


@pytest.mark.parametrize(
    ("spec", "usage", "taken"),
    [
        ("RSA_2048", "SIGN_VERIFY", True),
        ("RSA_2048", "ENCRYPT_DECRYPT", True),
        ("ECC_NIST_P256", "SIGN_VERIFY", True),
        ("ECC_NIST_P256", "ENCRYPT_DECRYPT", False),
        ("SYMMETRIC_DEFAULT", "SIGN_VERIFY", False),
        ("HMAC_256", "GENERATE_VERIFY_MAC", True),
        ("HMAC_256", "SIGN_VERIFY", False),
        ("SOMETHING_NEW", "SIGN_VERIFY", True),
    ],
)
def test_a_key_is_for_what_its_kind_is_for(spec: str, usage: str, taken: bool) -> None:
    assert code(check_new_key(spec, usage)) == ("" if taken else "ValidationException")


def test_names_begin_with_alias_and_not_with_aws_s_own() -> None:
    assert check_alias_name("alias/a") is None
    assert code(check_alias_name("a")) == code(check_alias_name("alias/")) == "InvalidAliasNameException"
    assert code(check_alias_name("alias/aws/a")) == "NotAuthorizedException"
    assert alias_in("alias/a") == alias_in("arn:aws:kms:eu-west-1:111122223333:alias/a") == "alias/a"
    assert alias_in(ARN) is alias_in("1234") is None
    assert names_of(["arn:aws:kms:eu-west-1:111122223333:alias/b", "arn:aws:kms:eu-west-1:111122223333:alias/a"]) == (
        "alias/a",
        "alias/b",
    )


def test_a_name_moves_between_keys_of_a_kind() -> None:
    curve = Key(ARN, "ECC_NIST_P256", "SIGN_VERIFY", "Enabled")
    secret = Key(ARN, "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", "Enabled")
    for_secrets = Key(ARN, "RSA_2048", "ENCRYPT_DECRYPT", "Enabled")
    mac = Key(ARN, "HMAC_256", "GENERATE_VERIFY_MAC", "Enabled")
    assert check_target("1234", curve, None) is check_target("1234", curve, RSA) is None
    for other in (secret, for_secrets, mac):
        assert code(check_target("1234", other, RSA)) == "ValidationException"
    assert code(check_target("alias/a", RSA, None)) == "ValidationException"
    assert code(check_target("1234", None, None)) == "NotFoundException"
    gone = Key(ARN, "RSA_2048", "SIGN_VERIFY", "PendingDeletion")
    assert code(check_target("1234", gone, RSA)) == "KMSInvalidStateException"


@pytest.mark.parametrize(
    ("operation", "key_id", "key", "said"),
    [
        ("Sign", "alias/a", RSA, ""),
        ("GetPublicKey", "alias/a", RSA, ""),
        ("ScheduleKeyDeletion", "1234", RSA, ""),
        ("ScheduleKeyDeletion", "alias/a", RSA, "NotFoundException"),
        ("Sign", "1234", Key(ARN, "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", "Enabled"), "InvalidKeyUsageException"),
        ("GetPublicKey", "1234", Key(ARN, "RSA_2048", "SIGN_VERIFY", "Disabled"), "DisabledException"),
        ("GetPublicKey", "1234", Key(ARN, "RSA_2048", "SIGN_VERIFY", "PendingDeletion"), "KMSInvalidStateException"),
    ],
)
def test_keys_are_used_for_what_they_are_while_they_are(operation: str, key_id: str, key: Key, said: str) -> None:
    assert code(check_use(operation, key_id, key)) == said


def test_what_is_not_there_is_called_as_it_was() -> None:
    alias = "arn:aws:kms:eu-west-1:111122223333:alias/a"
    assert not_there("alias/a", alias) == Refusal("NotFoundException", f"Alias {alias} is not found.")
    assert not_there("1234", ARN) == Refusal("NotFoundException", f"Key '{ARN}' does not exist")


def test_conditions_may_ask_by_which_alias_a_key_was_named() -> None:
    told = {"kms:keyspec": "RSA_2048", "kms:keyusage": "SIGN_VERIFY", "kms:resourcealiases": ["alias/a", "alias/b"]}
    assert context("GetPublicKey", {"KeyId": "alias/a"}, RSA) == told | {"kms:requestalias": "alias/a"}
    assert context("GetPublicKey", {"KeyId": ARN}, RSA) == told
    signing = {"KeyId": "1234", "SigningAlgorithm": "ECDSA_SHA_256"}
    assert context("Sign", signing, None) == {"kms:signingalgorithm": "ECDSA_SHA_256", "kms:messagetype": "RAW"}
    made = {"kms:keyspec": "SYMMETRIC_DEFAULT", "kms:keyusage": "ENCRYPT_DECRYPT"}
    assert context("CreateKey", {}, None) == made
    assert context("ScheduleKeyDeletion", {"KeyId": "alias/a"}, None) == {}


@pytest.mark.parametrize(
    ("url", "clients", "thumbprints", "there", "said"),
    [
        ("https://id.example.com/stage", 100, 5, 99, ""),
        ("https://id.example.com", 101, 0, 0, "LimitExceeded"),
        ("https://id.example.com", 1, 6, 0, "InvalidInput"),
        ("https://id.example.com", 1, 0, 100, "LimitExceeded"),
        ("http://id.example.com", 1, 0, 0, "InvalidInput"),
        ("id.example.com", 1, 0, 0, "InvalidInput"),
        ("https://id.example.com?a=b", 1, 0, 0, "InvalidInput"),
        ("https://id.example.com:443", 1, 0, 0, "InvalidInput"),
        ("https://a@id.example.com", 1, 0, 0, "InvalidInput"),
        ("https://", 1, 0, 0, "InvalidInput"),
    ],
)
def test_providers_have_a_url_and_limits(url: str, clients: int, thumbprints: int, there: int, said: str) -> None:
    assert code(check_new_provider(url, ["a"] * clients, ["0" * 40] * thumbprints, there)) == said
    assert code(check_client_ids(["a"] * 101)) == "LimitExceeded"


def test_answers_leave_out_what_there_is_not_and_escape_the_rest() -> None:
    status, _, body = result("sts", "GetScopedCredentials", {"A": {"B": "<&>"}, "C": None, "D": 1})
    assert status == 200
    assert b"<GetScopedCredentialsResult><A><B>&lt;&amp;&gt;</B></A><D>1</D></GetScopedCredentialsResult>" in body
    assert body.startswith(b'<GetScopedCredentialsResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">')
