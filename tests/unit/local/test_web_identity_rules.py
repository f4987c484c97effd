"""The rules by which the local STS reads web identity tokens, at their limits."""

import json

import pytest

from local.strict.jwt_rules import (
    AHEAD_SECONDS,
    NO_TOKEN,
    check_claims,
    check_signature,
    check_times,
    find_key,
    read_token,
)
from local.strict.refusal import Refusal
from local.strict.web_identity_rules import (
    Claimed,
    Provider,
    audience_of,
    check_provider,
    check_session,
    provider_arn,
    read_claims,
)
from testing.tokens import Json as Claims
from testing.tokens import Key as SigningKey
from testing.tokens import ec_key, ecdsa_der, ed_key, encode, honest_claims, honest_header, key_set, rsa_key, sign

NOW = 1_800_000_000
ROLE = "arn:aws:iam::111122223333:role/reader"
ISSUER = "https://abc.execute-api.eu-west-1.amazonaws.com/api"
CLAIMS: Claims = {"iss": ISSUER, "sub": ROLE, "aud": "sts.amazonaws.com", "iat": NOW, "exp": NOW + 60}
PROVIDER = Provider(provider_arn(ROLE, ISSUER), ISSUER, ["sts.amazonaws.com"])
ASKED = {"RoleArn": ROLE, "RoleSessionName": "alice", "WebIdentityToken": "..."}
TAGS = "https://aws.amazon.com/tags"


def verified(text: str, key: SigningKey, **of_key: object) -> Refusal | None:
    token = read_token(text)
    return NO_TOKEN if token is None else check_signature(token, key.public_jwk | of_key)


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512"])
def test_rsa_keys_sign_with_each_hash(algorithm: str) -> None:
    key = rsa_key("unit")
    text = sign(CLAIMS, key, honest_header(key, alg=algorithm), algorithm)
    assert verified(text, key) is None
    assert verified(text, key, alg=algorithm) is None
    assert verified(text, key, alg="RS1024") is not None
    assert verified(text, key, use="enc") is not None


@pytest.mark.parametrize("curve", ["P-256", "P-384", "P-521"])
def test_a_key_on_a_curve_signs_with_its_own_algorithm(curve: str) -> None:
    key = ec_key("unit", curve=curve)
    assert verified(sign(CLAIMS, key), key) is None
    assert verified(sign(CLAIMS, key), rsa_key("unit")) is not None
    for other in {"ES256", "ES384", "ES512"} - {key.algorithm}:
        assert verified(sign(CLAIMS, key, honest_header(key, alg=other)), key) is not None


def test_a_signature_in_another_form_or_by_a_short_key_is_none() -> None:
    key, short = ec_key("unit"), rsa_key("short", bits=1024)
    signed = sign(CLAIMS, key).rpartition(".")[0]
    assert verified(f"{signed}.{encode(ecdsa_der(signed.encode(), key))}", key) is not None
    assert verified(sign(CLAIMS, short), short) is not None


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "PS256", "EdDSA", "", None, ["RS256"], 1])
def test_no_other_algorithm_is_read(algorithm: object) -> None:
    key = rsa_key("unit")
    assert read_token(sign(CLAIMS, key, honest_header(key, alg=algorithm))) is None
    assert read_token(sign(CLAIMS, ed_key("unit"))) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.b",
        "a.b.c.d",
        "..",
        sign(CLAIMS, rsa_key("unit")) + "=",
        sign(CLAIMS, rsa_key("unit")) + ".",
        sign(CLAIMS, rsa_key("unit")).replace(".", "", 1),
        sign([], rsa_key("unit")),
        sign(b'{"iss": "a", "iss": "b"}', rsa_key("unit")),
        sign(b"\xff", rsa_key("unit")),
        sign(b"[" * 5_000, rsa_key("unit")),
        sign(CLAIMS, rsa_key("unit"), honest_header(rsa_key("unit"), crit=["exp"])),
    ],
)
def test_what_is_no_token_is_not_read(text: str) -> None:
    assert read_token(text) is None


@pytest.mark.parametrize("last", "AEIMQUYcgkosw048")
def test_base64_that_says_the_same_in_two_ways_is_read_in_one(last: str) -> None:
    # 32 bytes in 43 letters: the last one has two bits that say nothing.
    head, payload, _ = sign(CLAIMS, rsa_key("unit")).split(".")
    assert read_token(f"{head}.{payload}.{'A' * 42}{last}") is not None
    assert read_token(f"{head}.{payload}.{'A' * 42}{chr(ord(last) + 1)}") is None


def test_a_token_names_the_one_key_that_it_is_signed_with() -> None:
    keys = [rsa_key("a").public_jwk, rsa_key("b").public_jwk]
    for kid, found in (("b", keys[1]), ("c", None), (None, None), ("", None), (1, None)):
        token = read_token(sign(CLAIMS, rsa_key("b"), honest_header(rsa_key("b"), kid=kid)))
        assert token is not None
        assert find_key(token, keys) == found
    token = read_token(sign(CLAIMS, rsa_key("b")))
    assert token is not None and find_key(token, [*keys, keys[1]]) is None  # two of that name


@pytest.mark.parametrize("name", ["iss", "sub", "aud", "exp", "iat"])
def test_what_must_be_said_is_asked_for(name: str) -> None:
    nothing: tuple[object, ...] = (None, "", [])
    for value in nothing:
        refused = check_claims({**CLAIMS, name: value})
        assert refused == Refusal("InvalidIdentityToken", f"Missing a required claim: {name}")


@pytest.mark.parametrize(
    "changes", [{"exp": 1.5e9}, {"exp": "1"}, {"iat": True}, {"nbf": "1"}, {"sub": 1}, {"iss": {}}]
)
def test_times_are_integers_and_names_are_texts(changes: Claims) -> None:
    assert check_claims(CLAIMS) is None
    assert check_claims({**CLAIMS, **changes}) == NO_TOKEN


def test_a_token_is_over_at_its_very_second_and_begins_soon_enough() -> None:
    assert check_times(CLAIMS, NOW + 59.9) is None
    ended = check_times(CLAIMS, NOW + 60)
    assert ended is not None and ended.code == "ExpiredTokenException"
    assert f"current date/time {NOW + 60} must be before the expiration date/time {NOW + 60}" in ended.message
    assert check_times(CLAIMS, NOW - AHEAD_SECONDS) is None
    assert check_times(CLAIMS, NOW - AHEAD_SECONDS - 1) is not None
    assert check_times({**CLAIMS, "nbf": NOW + 50}, NOW + 50 - AHEAD_SECONDS - 1) is not None


def test_a_provider_is_one_url_with_its_audiences() -> None:
    assert PROVIDER.arn == "arn:aws:iam::111122223333:oidc-provider/abc.execute-api.eu-west-1.amazonaws.com/api"
    assert check_provider(CLAIMS, PROVIDER) is None
    for wrong in (None, Provider(PROVIDER.arn, f"{ISSUER}/", PROVIDER.client_ids)):
        refused = check_provider(CLAIMS, wrong)
        assert (
            refused is not None and refused.message == f"No OpenIDConnect provider found in your account for {ISSUER}"
        )
    refused = check_provider({**CLAIMS, "aud": "other"}, PROVIDER)
    assert refused is not None and refused.message == "Incorrect token audience"


@pytest.mark.parametrize(
    ("claims", "audience"),
    [
        ({"aud": "a"}, "a"),
        ({"aud": ["a"]}, "a"),
        ({"aud": ["a", "b"]}, None),
        ({"aud": ["a", "b"], "azp": "b"}, "b"),
        ({"aud": "a", "azp": "b"}, "b"),
        ({"aud": {"a": 1}}, None),
    ],
)
def test_the_audience_is_whom_the_token_was_issued_to(claims: Claims, audience: str | None) -> None:
    assert audience_of(claims) == audience


def read(**changes: object) -> Claimed:
    claimed = read_claims({**CLAIMS, **changes})
    assert isinstance(claimed, Claimed), claimed
    return claimed


def test_tags_and_source_identity_are_read_as_assume_role_takes_them() -> None:
    claimed = read(
        **{
            TAGS: {"principal_tags": {"team": ["a"], "ref": [""]}, "transitive_tag_keys": ["team"]},
            "https://aws.amazon.com/source_identity": "alice",
        }
    )
    assert claimed.members(ASKED) == {
        "RoleArn": ROLE,
        "RoleSessionName": "alice",
        "Tags": [{"Key": "team", "Value": "a"}, {"Key": "ref", "Value": ""}],
        "TransitiveTagKeys": ["team"],
        "SourceIdentity": "alice",
    }
    assert read().members(ASKED) == {"RoleArn": ROLE, "RoleSessionName": "alice"}
    host = "abc.execute-api.eu-west-1.amazonaws.com/api"
    assert read().context() == {f"{host}:aud": "sts.amazonaws.com", f"{host}:sub": ROLE}


@pytest.mark.parametrize(
    "changes",
    [
        {TAGS: "team"},
        {TAGS: {"principal_tags": ["team"]}},
        {TAGS: {"principal_tags": {"team": "a"}}},
        {TAGS: {"principal_tags": {"team": []}}},
        {TAGS: {"principal_tags": {"team": ["a", "b"]}}},
        {TAGS: {"principal_tags": {"team": [1]}}},
        {TAGS: {"transitive_tag_keys": "team"}},
        {TAGS: {"transitive_tag_keys": [1]}},
        {"https://aws.amazon.com/source_identity": ["alice"]},
        {"sub": "x" * 256},
    ],
)
def test_claims_of_another_form_are_refused(changes: Claims) -> None:
    assert isinstance(read_claims({**CLAIMS, **changes}), Refusal)
    assert read(sub="x" * 255)


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ({f"k{number}": [""] for number in range(50)}, ""),
        ({f"k{number}": [""] for number in range(51)}, "'tags'"),
        ({"k" * 128: ["v" * 256]}, ""),
        ({"k" * 129: [""]}, "'tags.1.member.key'"),
        ({"k": ["v" * 257]}, "'tags.1.member.value'"),
        ({"Team": ["a"], "team": ["a"]}, "Duplicate tag keys"),
    ],
)
def test_tags_of_a_token_have_the_limits_of_tags(tags: Claims, said: str) -> None:
    refused = check_session(ASKED, read(**{TAGS: {"principal_tags": tags}}), None)
    assert (refused is None) if not said else (refused is not None and said in refused.message)


def test_a_web_identity_is_no_chained_role() -> None:
    long = {**ASKED, "DurationSeconds": "43200"}
    assert check_session(long, read(), 43_200) is None
    refused = check_session(long, read(), 43_199)
    assert refused is not None and "MaxSessionDuration" in refused.message


def test_what_honest_issuers_of_tests_say_can_be_read() -> None:
    token = read_token(sign(honest_claims(), rsa_key("unit")))
    assert token is not None and check_claims(token.claims) is None
    assert json.dumps(key_set(rsa_key("unit")))
