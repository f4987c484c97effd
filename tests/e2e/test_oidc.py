"""Callers with a token of a real OpenID provider, at the deployed service."""

import re
import time
from collections.abc import Iterator

import pytest

from local.aws import ACCOUNT
from testing.deployed import MAIN, Answer, Json, Stack


def vend(stack: Stack, token: str, role: str) -> Answer:
    return stack.present(token, "POST", "/v1/credentials", f'{{"role": "{role}"}}'.encode())


def expect_refusal(stack: Stack, token: str, cause: str) -> None:
    """The token gets a 401 that says why, from every route, and STS is not asked."""
    answer = vend(stack, token, "instances")
    assert answer.status == 401 and answer.body["Code"] == "InvalidToken", answer.text
    challenge = answer.headers["WWW-Authenticate"]
    assert re.fullmatch(r'Bearer error="invalid_token", error_description="[^"\\]+"', challenge)
    assert token not in answer.text + challenge
    (record,) = stack.records(answer)
    assert (record["event"], record["cause"]) == ("authentication.failed", cause)
    assert stack.present(token).status == stack.present(token, path="/v1/roles").status == 401


@pytest.fixture
def up(stack: Stack) -> Iterator[Stack]:
    """The stack; afterwards the provider is up again, whatever the test did to it."""
    yield stack
    stack.oidc.start_again()


def test_a_token_vends_credentials_that_work_in_its_subjects_name(stack: Stack) -> None:
    answer = vend(stack, stack.oidc.client_token("deployer", MAIN), "instances")
    assert answer.status == 200, answer.text
    arn = stack.sts(answer.key).get_caller_identity()["Arn"]
    assert arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/instances/oidc=local=deployer"
    assert stack.ec2(answer.key).describe_instances()["ResponseMetadata"]["HTTPStatusCode"] == 200
    requested, vended = stack.records(answer)
    assert (requested["event"], vended["event"]) == ("credentials.requested", "credentials.vended")
    who = {key: vended[key] for key in ("caller", "caller_type", "caller_issuer", "caller_subject", "policies")}
    assert who == {
        "caller": "oidc:local:deployer",
        "caller_type": "OidcSubject",
        "caller_issuer": "local",
        "caller_subject": "deployer",
        "policies": ["the-main-branch-may-use-instances"],
    }


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_each_algorithm_of_the_issuer_is_taken(stack: Stack, algorithm: str) -> None:
    token = stack.oidc.client_token("deployer", MAIN, algorithm=algorithm)
    seen = stack.present(token).body
    assert (seen["Type"], seen["Subject"], seen["Claims"]) == ("OidcSubject", "deployer", {"ref": "refs/heads/main"})


def test_a_person_who_signs_in_by_the_device_flow_is_let_in_by_group(stack: Stack) -> None:
    access_token, id_token = stack.oidc.person_tokens("alice@example.com", {"groups": ["Readers", "Writers"]})
    answer = vend(stack, access_token, "brief")
    assert answer.status == 200 and answer.body["SourceIdentity"] == "oidc=local=alice@example.com"
    listed = stack.present(access_token, path="/v1/roles").body["Roles"]
    assert isinstance(listed, list) and [role["Role"] for role in listed] == ["brief"]
    # An ID token is for the client that asked for it; as an access token it is worth nothing.
    expect_refusal(stack, id_token, "wrong_type")


def test_a_token_that_no_policy_speaks_of_gets_nothing(stack: Stack) -> None:
    token = stack.oidc.client_token("deployer", {"ref": "refs/heads/feature"})
    forbidden, unknown = vend(stack, token, "instances"), vend(stack, token, "nowhere")
    assert forbidden.status == unknown.status == 403
    assert forbidden.text.replace(str(forbidden.body["RequestId"]), "") == unknown.text.replace(
        str(unknown.body["RequestId"]), ""
    )
    assert stack.present(token, path="/v1/roles").body["Roles"] == []


def test_a_claim_of_several_values_is_known_by_each(stack: Stack) -> None:
    body = b'{"role": "reasoned", "reason": "ticket 7"}'
    with_factor = stack.oidc.client_token("eve", {"amr": ["pwd", "mfa"]})
    without = stack.oidc.client_token("eve", {"amr": ["pwd", "mfa2"]})
    assert stack.present(with_factor, "POST", "/v1/credentials", body).status == 200
    assert stack.present(without, "POST", "/v1/credentials", body).status == 403


def test_a_subject_cannot_take_the_session_name_of_an_iam_user(stack: Stack) -> None:
    names = set()
    for subject in (f"alice@{ACCOUNT}", f"user=alice@{ACCOUNT}", f"local=alice@{ACCOUNT}", "alice"):
        names.add(stack.present(stack.oidc.client_token(subject)).body["RoleSessionName"])
    assert len(names) == 4 and f"user=alice@{ACCOUNT}" not in names


@pytest.mark.parametrize(
    ("claims", "cause"),
    [
        ({"exp": 1}, "expired"),
        ({"exp": int(time.time()) - 60}, "expired"),
        ({"nbf": int(time.time()) + 3600}, "not_yet_valid"),
        ({"iat": int(time.time()) + 3600}, "not_yet_valid"),
        ({"iat": int(time.time()) - 100_000}, "too_old"),
        ({"aud": "urn:somebody-else"}, "wrong_audience"),
        ({"aud": ["urn:a", "urn:b"]}, "wrong_audience"),
        ({"iss": "http://127.0.0.1:1"}, "unknown_issuer"),
        ({"iss": "https://127.0.0.1"}, "unknown_issuer"),
        ({"sub": ""}, "wrong_claim"),
        ({"exp": "4102444800"}, "malformed"),
    ],
)
def test_a_token_with_a_wrong_claim_is_refused(stack: Stack, claims: Json, cause: str) -> None:
    honest = stack.oidc.claims("deployer") | MAIN
    assert vend(stack, stack.oidc.sign(honest), "instances").status == 200
    expect_refusal(stack, stack.oidc.sign(honest | claims), cause)


def test_a_token_with_a_wrong_signature_is_refused(stack: Stack) -> None:
    one, other = (stack.oidc.client_token(subject, MAIN) for subject in ("deployer", "somebody"))
    expect_refusal(stack, one.rpartition(".")[0] + "." + other.rpartition(".")[2], "bad_signature")


def test_a_token_of_another_type_is_refused(stack: Stack) -> None:
    honest = stack.oidc.claims("deployer") | MAIN
    expect_refusal(stack, stack.oidc.sign(honest, {"typ": "JWT"}), "wrong_type")
    expect_refusal(stack, stack.oidc.sign(honest, {"typ": None}), "wrong_type")


def test_no_token_is_told_how_to_send_one(stack: Stack) -> None:
    for path in ("/v1/whoami", "/v1/roles"):
        answer = stack.send("GET", path)
        assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert "Authorization: Bearer TOKEN" in str(answer.body["Message"])


def test_sigv4_is_not_taken_where_a_token_is_wanted(stack: Stack) -> None:
    answer = stack.call("GET", "/v1/whoami")
    assert answer.status == 401 and answer.body["Code"] == "InvalidToken"


def test_a_token_is_not_taken_where_sigv4_is_wanted(stack: Stack) -> None:
    token = stack.oidc.client_token("deployer", MAIN)
    assert stack.present(token, path="/v1/iam/whoami").status in (401, 403)


def test_keys_that_the_issuer_rotates_are_found_without_a_restart(up: Stack) -> None:
    before = up.oidc.client_token("deployer", MAIN)
    assert up.present(before).status == 200
    up.oidc.rotate(keep_old=True)
    after = up.oidc.client_token("deployer", MAIN)
    assert up.present(after).status == 200
    assert up.present(before).status == 200


def test_while_the_issuer_is_down_known_keys_work_and_unknown_ones_fail_closed(up: Stack) -> None:
    known = up.oidc.client_token("deployer", MAIN)
    unknown = up.oidc.sign(up.oidc.claims("deployer") | MAIN, {"kid": "no-such-key"})
    assert up.present(known).status == 200
    up.oidc.stop()
    assert vend(up, known, "instances").status == 200
    refused = vend(up, unknown, "instances")
    assert refused.status in (401, 503) and "Credentials" not in refused.body
    assert up.records(refused)[-1]["event"] == "authentication.failed"
