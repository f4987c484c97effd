"""Sessions of more than an hour: a token that KMS signs is given to STS."""

import base64
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import jwt
import pytest

from chalicelib.aws.brief_connections import BriefConnections
from chalicelib.configuration.settings import Settings
from chalicelib.sessions.sts import sts_client
from chalicelib.signing import token
from chalicelib.signing.keys import PUBLISHED_KEPT_SECONDS, KeyRing, SigningKey
from testing.app import CredvendApp
from testing.events import unsigned
from testing.kms_server import REQUEST_ID as KMS_REQUEST_ID
from testing.kms_server import Key, KmsServer
from testing.signing_app import ALIAS, API, ISSUER, LONG, ROLES, kms, signing, use
from testing.sts_server import REQUEST_ID, Refusal, StsServer, claims_of, tags_of

__all__ = ["kms", "signing"]


def invalid(message: str) -> Refusal:
    return Refusal("InvalidIdentityToken", message, 400)


def document(signing: CredvendApp, name: str) -> dict[str, Any]:
    answer = signing.call("GET", f"/.well-known/{name}", identity=unsigned(), context=API)
    assert answer.status == 200, answer.text
    return answer.body


def decoded(token: str, keys: dict[str, Any]) -> dict[str, Any]:
    """What a token says, checked as STS does."""
    kid = jwt.get_unverified_header(token)["kid"]
    (key,) = [jwt.PyJWK(one) for one in keys["keys"] if one["kid"] == kid]
    claims: dict[str, Any] = jwt.decode(token, key, algorithms=["RS256", "ES256"], audience="sts.amazonaws.com")
    return claims


@pytest.mark.parametrize(("kept_seconds", "connections"), [(5, 1), (-1, 2)])
def test_leases_by_token_share_a_client_and_for_seconds_its_connection(
    signing: CredvendApp, sts: StsServer, monkeypatch: pytest.MonkeyPatch, kept_seconds: int, connections: int
) -> None:
    monkeypatch.setattr("chalicelib.aws.brief_connections.KEPT_SECONDS", kept_seconds)
    made: list[tuple[object, ...]] = []

    def counted(region: str, connections: int = 1, attempts: int = 3, seconds: float | None = None) -> object:
        made.append((attempts, seconds))
        return sts_client(region, connections, attempts, seconds)

    monkeypatch.setattr("chalicelib.assembly.sts_client", counted)
    for _ in range(2):
        assert signing.vend({"role": "long", "duration": 60}, context=API).status == 200
    assert made == [(1, 5)]
    assert sts.server.connections == 2 * connections


def test_a_connection_is_looked_at_once_the_token_is_signed(
    signing: CredvendApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """KMS may take longer than a connection is kept."""
    happened: list[str] = []
    sign, client = token.signed_token, BriefConnections.client

    def signed(claims: dict[str, object], keys: KeyRing) -> tuple[str, SigningKey]:
        happened.append("signed")
        return sign(claims, keys)

    def asked_for(brief: BriefConnections[Any]) -> object:
        happened.append("client")
        return client(brief)

    monkeypatch.setattr("chalicelib.sessions.web_identity.signed_token", signed)
    monkeypatch.setattr(BriefConnections, "client", asked_for)
    assert signing.vend({"role": "long", "duration": 60}, context=API).status == 200
    assert happened == ["signed", "client", "client"]  # the second one makes the lease


def test_a_session_of_twelve_hours_is_had_with_a_token_for_its_role(signing: CredvendApp, sts: StsServer) -> None:
    body = {"role": "long", "duration": "12h", "tags": {"Project": "apollo"}}
    answer = signing.vend(body, context=API)
    assert answer.status == 200, answer.text
    ends = datetime.fromisoformat(cast(dict[str, str], answer.body["Credentials"])["Expiration"])
    assert abs(ends - datetime.now(UTC) - timedelta(hours=12)) < timedelta(minutes=1)
    (asked,) = sts.asked
    assert (asked["Action"], asked["RoleArn"], asked["DurationSeconds"]) == ("AssumeRoleWithWebIdentity", LONG, "43200")
    assert sts.signed_by == [None]  # the token is all that is proved
    claims = decoded(asked["WebIdentityToken"], document(signing, "jwks.json"))
    assert (claims["iss"], claims["aud"], claims["sub"]) == (ISSUER, "sts.amazonaws.com", LONG)
    assert claims["https://aws.amazon.com/source_identity"] == asked["RoleSessionName"] == answer.body["SourceIdentity"]
    tags = claims["https://aws.amazon.com/tags"]
    assert tags["principal_tags"]["Project"] == ["apollo"] and tags["principal_tags"]["credvend:role"] == ["long"]
    assert {"Project", "credvend:request", "credvend:caller"} == set(tags["transitive_tag_keys"])
    assert claims["exp"] - time.time() <= 60 and claims["iat"] <= time.time()
    assert tags_of(asked) == {} and "SourceIdentity" not in asked and "ExternalId" not in asked


def test_a_session_looks_the_same_whichever_way_it_was_made(signing: CredvendApp, sts: StsServer) -> None:
    signing.vend({"role": "reader"}, context=API)
    signing.vend({"role": "long"}, context=API)
    short, long = sts.asked
    principal_tags = claims_of(long)["https://aws.amazon.com/tags"]["principal_tags"]
    tags = tags_of(short)
    assert {key: principal_tags[key] for key in tags} == {key: [tags[key]] for key in tags} | {
        "credvend:role": ["long"]
    }
    assert short["RoleSessionName"] == long["RoleSessionName"]
    assert json.loads(long["Policy"])["Statement"][0]["Action"] == "s3:*"
    assert long["PolicyArns.member.1.arn"] == "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"


def test_a_role_without_tags_and_source_identity_has_none_in_its_token(signing: CredvendApp, sts: StsServer) -> None:
    answer = signing.vend({"role": "plain"}, context=API)
    assert answer.status == 200
    assert claims_of(sts.asked[0]).keys() == {"iss", "aud", "sub", "iat", "exp", "jti"}


def test_a_role_of_an_hour_asks_no_kms(signing: CredvendApp, sts: StsServer, kms: KmsServer) -> None:
    assert signing.vend({"role": "reader", "duration": "1h"}, context=API).status == 200
    assert kms.asked == [] and sts.asked[0]["Action"] == "AssumeRole"


def test_each_token_is_signed_anew_and_the_key_is_asked_for_once(
    signing: CredvendApp, sts: StsServer, kms: KmsServer
) -> None:
    for _ in range(2):
        signing.vend({"role": "long"}, context=API)
    assert [operation for operation, _ in kms.asked] == ["GetPublicKey", "Sign", "Sign"]
    first, second = (claims_of(asked)["jti"] for asked in sts.asked)
    assert first != second


def test_the_record_says_how_it_was_issued_and_holds_no_token(signing: CredvendApp, sts: StsServer) -> None:
    signing.vend({"role": "long"}, context=API)
    (key,) = document(signing, "jwks.json")["keys"]
    output = signing.capture.readouterr().out
    vended = json.loads(output.splitlines()[1])
    assert (vended["event"], vended["issued_by"], vended["signing_key"]) == (
        "credentials.vended",
        "web_identity",
        key["kid"],
    )
    assert vended["sts_request_id"] == REQUEST_ID
    token = sts.asked[0]["WebIdentityToken"]
    assert token not in output and not any(part in output for part in token.split("."))


def test_no_answer_holds_a_token(signing: CredvendApp, sts: StsServer) -> None:
    answer = signing.vend({"role": "long"}, context=API)
    header, claims, signature = sts.asked[0]["WebIdentityToken"].split(".")
    assert not any(part in answer.text or part in str(answer.headers) for part in (header, claims, signature))


def test_an_elliptic_key_signs_as_well(signing: CredvendApp, sts: StsServer, kms: KmsServer) -> None:
    kms.aliases[ALIAS] = Key(1, "ECC_NIST_P256")
    assert signing.vend({"role": "long"}, context=API).status == 200
    assert decoded(sts.asked[0]["WebIdentityToken"], document(signing, "jwks.json"))["sub"] == LONG
    assert document(signing, "openid-configuration")["id_token_signing_alg_values_supported"] == ["ES256"]


@pytest.mark.parametrize("spec", ["RSA_2048", "ECC_NIST_P256"])
def test_a_key_that_was_exchanged_a_moment_ago_is_seen(
    signing: CredvendApp, sts: StsServer, kms: KmsServer, spec: Any
) -> None:
    signing.vend({"role": "long"}, context=API)
    kms.aliases = {ALIAS: Key(2, spec), f"{ALIAS}-previous": Key(1)}
    assert signing.vend({"role": "long"}, context=API).status == 200
    before, after = (jwt.get_unverified_header(asked["WebIdentityToken"])["kid"] for asked in sts.asked)
    assert before != after
    keys = document(signing, "jwks.json")
    assert [key["kid"] for key in keys["keys"]] == [after, before]
    for asked in sts.asked:
        decoded(asked["WebIdentityToken"], keys)


def test_a_key_is_published_before_it_signs(signing: CredvendApp, kms: KmsServer) -> None:
    kms.aliases[f"{ALIAS}-next"] = Key(2)
    assert len(document(signing, "jwks.json")["keys"]) == 2


@pytest.mark.parametrize("code", ["AccessDeniedException", "DisabledException", "KMSInvalidStateException"])
def test_a_key_that_signs_nothing_does_not_take_the_others_along(
    signing: CredvendApp, kms: KmsServer, code: str
) -> None:
    kms.aliases |= {f"{ALIAS}-next": Key(2), f"{ALIAS}-previous": Key(3)}
    kms.refused = {f"{ALIAS}-previous": code}
    assert len(document(signing, "jwks.json")["keys"]) == 2


def test_no_key_is_left_out_because_kms_is_in_trouble(signing: CredvendApp, kms: KmsServer) -> None:
    """STS would believe that it is there no more, for as long as it keeps the keys."""
    kms.aliases[f"{ALIAS}-next"] = Key(2)
    kms.refused = {f"{ALIAS}-next": "ThrottlingException"}
    told = signing.call("GET", "/.well-known/jwks.json", identity=unsigned(), context=API)
    assert (told.status, told.headers["Cache-Control"]) == (503, "no-store")


def test_the_public_documents_are_what_sts_reads(signing: CredvendApp, kms: KmsServer) -> None:
    told = document(signing, "openid-configuration")
    assert told == {
        "issuer": ISSUER,
        "jwks_uri": f"{ISSUER}/.well-known/jwks.json",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": ["aud", "exp", "iat", "iss", "jti", "sub"],
    }
    answer = signing.call("GET", "/.well-known/jwks.json", identity=unsigned(), context=API)
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    (key,) = cast(list[dict[str, str]], answer.body["keys"])
    assert key.keys() == {"kid", "use", "alg", "kty", "n", "e"}
    assert kms.aliases[ALIAS].arn.rpartition("/")[2] not in answer.text


def test_whoever_asks_for_the_keys_again_and_again_costs_no_calls(signing: CredvendApp, kms: KmsServer) -> None:
    for _ in range(5):
        document(signing, "jwks.json")
        document(signing, "openid-configuration")
    assert len(kms.asked) == 3 and PUBLISHED_KEPT_SECONDS == 60


def test_nothing_else_is_cached(signing: CredvendApp) -> None:
    assert signing.vend({"role": "long"}, context=API).headers["Cache-Control"] == "no-store"
    wrong = signing.call("GET", "/.well-known/jwks.json", identity=unsigned(), context=API, query={"a": "b"})
    assert (wrong.status, wrong.headers["Cache-Control"]) == (400, "no-store")


def test_where_nothing_is_signed_there_are_no_documents(
    signing: CredvendApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, tmp_path, Settings("ap-northeast-2"))
    for name in ("jwks.json", "openid-configuration"):
        answer = signing.call("GET", f"/.well-known/{name}", identity=unsigned(), context=API)
        assert (answer.status, answer.body["Code"]) == (404, "SignsNothing")
    answer = signing.vend({"role": "long"}, context=API)
    assert (answer.status, answer.body["Code"]) == (503, "StsUnavailable")


def test_an_issuer_that_is_set_is_told_whatever_api_was_called(
    signing: CredvendApp, sts: StsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings("ap-northeast-2", signing_alias=ALIAS, issuer="https://id.example.com/credvend")
    use(monkeypatch, tmp_path, settings)
    signing.vend({"role": "long"}, context=API)
    assert claims_of(sts.asked[0])["iss"] == "https://id.example.com/credvend"
    assert document(signing, "openid-configuration")["jwks_uri"].startswith(
        "https://id.example.com/credvend/.well-known"
    )


@pytest.mark.parametrize("code", ["AccessDeniedException", "DisabledException", "KMSInvalidStateException"])
def test_without_a_signature_nothing_is_asked_of_sts(
    signing: CredvendApp, sts: StsServer, kms: KmsServer, code: str
) -> None:
    kms.refusals.append((code, 400))
    answer = signing.vend({"role": "long"}, context=API)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "2") and sts.asked == []
    failed = signing.records()[-1]
    assert (failed["event"], failed["cause"], failed["sts_problem"]) == ("credentials.failed", "not_signed", code)
    assert failed["sts_request_id"] == KMS_REQUEST_ID
    kms.refusals.append((code, 400))
    told = signing.call("GET", "/.well-known/jwks.json", identity=unsigned(), context=API)
    assert (told.status, told.body["Code"], told.headers["Cache-Control"]) == (503, "KeysUnavailable", "no-store")


@pytest.mark.parametrize(
    ("refusal", "status", "cause"),
    [
        (Refusal("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"), 502, "not_trusted"),
        (
            Refusal("InvalidIdentityToken", "No OpenIDConnect provider found in your account for x", 400),
            502,
            "no_provider",
        ),
        (
            Refusal("InvalidIdentityToken", "Couldn't retrieve verification key from your identity provider", 400),
            503,
            "keys_not_reached",
        ),
        (Refusal("IDPCommunicationError", "x", 400), 503, "keys_not_reached"),
        (invalid("Incorrect token audience"), 502, "token_refused"),
        (Refusal("ExpiredTokenException", "Token expired", 400), 502, "token_refused"),
        (Refusal("IDPRejectedClaim", "x", 403), 502, "token_refused"),
        (
            Refusal("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration", 400),
            502,
            "max_session_duration",
        ),
    ],
)
def test_what_sts_refuses_says_what_to_do(
    signing: CredvendApp, sts: StsServer, refusal: Refusal, status: int, cause: str
) -> None:
    sts.refusals = [refusal, refusal]
    answer = signing.vend({"role": "long", "duration": "12h"}, context=API)
    assert (answer.status, signing.records()[-1]["cause"]) == (status, cause), answer.text
    assert "WebIdentityToken" not in answer.text and len(str(answer.body["Message"])) > 40


@pytest.mark.parametrize(
    ("action", "cause"), [("TagSession", "no_tag_session"), ("SetSourceIdentity", "no_set_source_identity")]
)
def test_what_a_token_may_not_is_for_its_provider_to_be_allowed_and_not_for_credvends_role(
    signing: CredvendApp, sts: StsServer, action: str, cause: str
) -> None:
    sts.refusals = [Refusal("AccessDenied", f"Not authorized to perform sts:{action}")]
    answer = signing.vend({"role": "long"}, context=API)
    assert signing.records()[-1]["cause"] == cause
    assert "OpenID Connect provider" in answer.text and "credvend's role" not in answer.text


def test_more_tags_than_a_token_holds_are_refused_before_sts_is_asked(
    signing: CredvendApp, sts: StsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [f"{'k' * 120}{number:02}" for number in range(45)]
    roles = ROLES.replace("caller_tags: [Project]", f"caller_tags: {json.dumps(keys)}").replace(
        "transitive_tags: [Project]", "transitive_tags: []"
    )
    use(monkeypatch, tmp_path, Settings("ap-northeast-2", signing_alias=ALIAS), roles)
    answer = signing.vend({"role": "long", "tags": dict.fromkeys(keys, "v" * 200)}, context=API)
    assert (answer.status, sts.asked) == (400, []) and "Tags for role long" in answer.text


def test_the_token_is_base64_of_its_three_parts(signing: CredvendApp, sts: StsServer) -> None:
    signing.vend({"role": "long"}, context=API)
    header = json.loads(base64.urlsafe_b64decode(sts.asked[0]["WebIdentityToken"].split(".")[0] + "=="))
    assert header.keys() == {"alg", "kid", "typ"} and header["typ"] == "JWT"
