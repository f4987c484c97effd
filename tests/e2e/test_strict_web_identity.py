"""AssumeRoleWithWebIdentity on the local AWS believes no token that AWS would not, and says so in AWS's words."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from local.aws import ACCOUNT, REGION
from testing.deployed import Json, Key, Stack
from testing.loopback import Request, Response, json_response, serve
from testing.tokens import ABSENT, ec_key, hmac_signed, honest_claims, honest_header, key_set, rsa_key, sign
from testing.tokens import Key as SigningKey

HOST = "signs.example.com"
ISSUER = f"https://{HOST}/stage"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{HOST}/stage"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/strict/strict-web"
AUDIENCE = "sts.amazonaws.com"
TAGS = "https://aws.amazon.com/tags"
IDENTITY = "https://aws.amazon.com/source_identity"
ALL = ("sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity")
ALICE: Json = {IDENTITY: "alice"}
NO_KEY = "InvalidIdentityToken: Couldn't retrieve verification key from your identity provider"
DENIED = "AccessDenied: Not authorized to perform "


@dataclass
class Issuer:
    """Attributes: keys: that are published; issuer: as its document says it; documents: answered so far."""

    keys: list[SigningKey]
    issuer: str = ISSUER
    documents: list[str] = field(default_factory=list)

    def answer(self, request: Request) -> Response:
        self.documents.append(request.path)
        if request.path == "/stage/.well-known/openid-configuration":
            return json_response({"issuer": self.issuer, "jwks_uri": f"{ISSUER}/.well-known/jwks.json"})
        return json_response(key_set(*self.keys))


@pytest.fixture(scope="module")
def running(stack: Stack) -> Iterator[Issuer]:
    """The issuer, and a role that trusts it for its own name alone."""
    iam = stack.iam()
    running = Issuer([rsa_key("strict")])
    iam.create_open_id_connect_provider(Url=ISSUER, ClientIDList=[AUDIENCE])
    stack.add_role("strict-web", trusting(), "ec2:DescribeInstances", "sts:GetScopedCredentials", path="/strict/")
    with serve(running.answer) as server:
        stack.aws.name_host(HOST, server.url)
        yield running
    for policy in iam.list_role_policies(RoleName="strict-web")["PolicyNames"]:
        iam.delete_role_policy(RoleName="strict-web", PolicyName=policy)
    iam.delete_role(RoleName="strict-web")
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=PROVIDER)


@pytest.fixture
def issuer(stack: Stack, running: Issuer) -> Iterator[Issuer]:
    """The issuer; the role is afterwards as it was."""
    yield running
    running.issuer = ISSUER
    stack.iam().update_assume_role_policy(RoleName="strict-web", PolicyDocument=json.dumps(trusting()))
    stack.iam().update_role(RoleName="strict-web", MaxSessionDuration=3600)


def trusting(*actions: str, **conditions: Json) -> Json:
    statement: Json = {
        "Effect": "Allow",
        "Principal": {"Federated": PROVIDER},
        "Action": list(actions or ALL),
        "Condition": {"StringEquals": {f"{HOST}/stage:aud": AUDIENCE, f"{HOST}/stage:sub": ROLE}, **conditions},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def trust(stack: Stack, *actions: str, **conditions: Json) -> None:
    document = json.dumps(trusting(*actions, **conditions))
    stack.iam().update_assume_role_policy(RoleName="strict-web", PolicyDocument=document)


def claims(*changes: Json) -> Json:
    changed = {name: value for each in changes for name, value in each.items()}
    return honest_claims(**{"iss": ISSUER, "aud": AUDIENCE, "sub": ROLE, **changed})


def token(*changes: Json, key: SigningKey | None = None) -> str:
    """A token that says what a good one does, but for the changes."""
    return sign(claims(*changes), key or rsa_key("strict"))


def tagged(tags: Json, **more: object) -> Json:
    return {TAGS: {"principal_tags": tags, **more}}


def assume(stack: Stack, presented: str, **asked: object) -> Json:
    """What STS answers to a request that is not signed."""
    unsigned = Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1})
    sts: Any = boto3.client("sts", endpoint_url=stack.aws.endpoint, region_name=REGION, config=unsigned)
    arguments = {"RoleArn": ROLE, "RoleSessionName": "somebody", "WebIdentityToken": presented, **asked}
    return cast(Json, sts.assume_role_with_web_identity(**arguments))


def refusal(stack: Stack, presented: str, **asked: object) -> str:
    with pytest.raises(ClientError) as raised:
        assume(stack, presented, **asked)
    error = raised.value.response["Error"]
    return f"{error['Code']}: {error['Message']}"


def key_of(answer: Json) -> Key:
    given = cast(dict[str, str], answer["Credentials"])
    return Key(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


def test_a_good_token_gets_a_session_that_says_whose_it_is(stack: Stack, issuer: Issuer) -> None:
    answer = assume(stack, token(ALICE))
    told = {name: answer[name] for name in ("SubjectFromWebIdentityToken", "Audience", "Provider", "SourceIdentity")}
    assert told == {
        "SubjectFromWebIdentityToken": ROLE,
        "Audience": AUDIENCE,
        "Provider": ISSUER,
        "SourceIdentity": "alice",
    }
    user = cast(dict[str, str], answer["AssumedRoleUser"])
    assert user["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/strict-web/somebody"
    identity = stack.sts(key_of(answer)).get_caller_identity()
    assert (identity["Arn"], identity["UserId"]) == (user["Arn"], user["AssumedRoleId"])
    stack.ec2(key_of(answer)).describe_instances()


def test_a_token_is_good_for_as_many_sessions_of_its_role_as_it_lives(stack: Stack, issuer: Issuer) -> None:
    """STS keeps no list of those that it has seen: what bounds a stolen one is its subject, and its end."""
    presented = token({"jti": "once"})
    first, second = (key_of(assume(stack, presented)) for _ in range(2))
    assert first.access_key_id != second.access_key_id
    stack.add_role("strict-other", trusting(), path="/strict/")
    try:
        other = f"arn:aws:iam::{ACCOUNT}:role/strict/strict-other"
        # That this role's trust policy lets in tokens of another role is its owner's fault, and credvend's no more.
        assert key_of(assume(stack, presented, RoleArn=other))
        own = json.dumps(trusting()).replace(ROLE, other)
        stack.iam().update_assume_role_policy(RoleName="strict-other", PolicyDocument=own)
        assert refusal(stack, presented, RoleArn=other) == f"{DENIED}sts:AssumeRoleWithWebIdentity"
    finally:
        stack.iam().delete_role(RoleName="strict-other")


def test_a_key_on_a_curve_signs_as_well(stack: Stack, issuer: Issuer) -> None:
    issuer.keys.append(ec_key("strict-curve"))
    assert assume(stack, token(key=ec_key("strict-curve")))["Provider"] == ISSUER


def test_a_key_is_fetched_once_and_again_for_a_token_that_names_another(stack: Stack, issuer: Issuer) -> None:
    assume(stack, token())
    before = len(issuer.documents)
    assume(stack, token())
    assert len(issuer.documents) == before
    issuer.keys.append(rsa_key("strict-rotated"))
    assume(stack, token(key=rsa_key("strict-rotated")))
    assert len(issuer.documents) == before + 2


def forged(attack: str) -> str:
    """A token that says what a good one does, and is signed otherwise."""
    good, stolen = rsa_key("strict"), rsa_key("strict", "mallory")
    if attack == "another key":
        return sign(claims(), stolen)
    if attack == "a key that is not published":
        return sign(claims(), rsa_key("strict-unpublished"))
    if attack == "no kid":
        return sign(claims(), good, honest_header(good, kid=ABSENT))
    if attack == "alg none":
        head, payload, _ = sign(claims(), good, honest_header(good, alg="none")).split(".")
        return f"{head}.{payload}."
    if attack == "alg none, and a signature":
        return sign(claims(), good, honest_header(good, alg="none"))
    if attack == "other claims under a good signature":
        head, payload, _ = sign(claims({"sub": "x"}), good).split(".")
        return f"{head}.{payload}.{sign(claims(), good).split('.')[2]}"
    assert attack == "the public key as a secret"
    pem = good.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return hmac_signed(claims(), pem, honest_header(good, alg="HS256"))


@pytest.mark.parametrize(
    ("attack", "said"),
    [
        ("another key", "InvalidIdentityToken: The token's signature"),
        ("a key that is not published", NO_KEY),
        ("no kid", NO_KEY),
        ("alg none", "InvalidIdentityToken: The ID Token provided is not a valid JWT"),
        ("alg none, and a signature", "InvalidIdentityToken: The ID Token provided is not a valid JWT"),
        ("the public key as a secret", "InvalidIdentityToken: The ID Token provided is not a valid JWT"),
        ("other claims under a good signature", "InvalidIdentityToken: The token's signature"),
    ],
)
def test_a_forged_token_is_refused(stack: Stack, issuer: Issuer, attack: str, said: str) -> None:
    assert refusal(stack, forged(attack)).startswith(said)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"exp": int(time.time()) - 1}, "ExpiredTokenException: Token expired: current date/time "),
        ({"exp": ABSENT}, "InvalidIdentityToken: Missing a required claim: exp"),
        ({"iat": int(time.time()) + 3600}, "InvalidIdentityToken: The token was issued in the future"),
        ({"aud": "credvend"}, "InvalidIdentityToken: Incorrect token audience"),
        ({"aud": ABSENT}, "InvalidIdentityToken: Missing a required claim: aud"),
        ({"sub": f"arn:aws:iam::{ACCOUNT}:role/another"}, f"{DENIED}sts:AssumeRoleWithWebIdentity"),
        ({"iss": f"{ISSUER}/"}, f"InvalidIdentityToken: No OpenIDConnect provider found in your account for {ISSUER}/"),
        ({"iss": "https://other.example.com"}, "InvalidIdentityToken: No OpenIDConnect provider found in your account"),
        ({"jti": "x" * 20_000}, "ValidationError: 1 validation error detected: Value at 'webIdentityToken'"),
        (tagged({"Team": ["a"], "team": ["b"]}), "InvalidParameterValue: Duplicate tag keys found"),
        (tagged({"team": "a"}), "InvalidIdentityToken: Invalid claim"),
        (tagged({"team": ["a", "b"]}), "InvalidIdentityToken: Invalid claim"),
        (tagged({"team": ["a"]}, transitive_tag_keys=["other"]), "InvalidParameterValue: The specified transitive"),
        (
            tagged({f"k{number}": [""] for number in range(51)}),
            "ValidationError: 1 validation error detected: Value at",
        ),
        ({IDENTITY: "a/b"}, "ValidationError: 1 validation error detected: Value at 'sourceIdentity'"),
    ],
)
def test_what_a_token_says_is_checked(stack: Stack, issuer: Issuer, changes: Json, said: str) -> None:
    assert refusal(stack, token(changes)).startswith(said)


def test_a_provider_counts_in_its_own_account_alone(stack: Stack, issuer: Issuer) -> None:
    elsewhere = "arn:aws:iam::999988887777:role/elsewhere"
    said = refusal(stack, token({"sub": elsewhere}), RoleArn=elsewhere)
    assert said == f"InvalidIdentityToken: No OpenIDConnect provider found in your account for {ISSUER}"


def test_a_discovery_document_of_another_issuer_is_none(stack: Stack, issuer: Issuer) -> None:
    issuer.issuer = f"{ISSUER}/other"
    assert refusal(stack, token(key=rsa_key("strict-elsewhere"))).startswith(NO_KEY)


def test_an_issuer_that_is_down_or_nowhere_verifies_nothing(stack: Stack, issuer: Issuer) -> None:
    iam = stack.iam()
    with serve(issuer.answer) as gone:
        pass
    stack.aws.name_host("down.example.com", gone.url)
    for host in ("down.example.com", "nowhere.example.com"):
        made = iam.create_open_id_connect_provider(Url=f"https://{host}", ClientIDList=[AUDIENCE])
        try:
            assert refusal(stack, token({"iss": f"https://{host}"})).startswith(NO_KEY)
        finally:
            iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=made["OpenIDConnectProviderArn"])


def test_the_trust_policy_names_each_action_that_the_token_needs(stack: Stack, issuer: Issuer) -> None:
    full = token(tagged({"team": ["a"]}), ALICE)
    assume(stack, full)
    for missing in ALL:
        trust(stack, *(action for action in ALL if action != missing))
        assert refusal(stack, full) == f"{DENIED}{missing}"
    trust(stack, ALL[0])
    assume(stack, token())


@pytest.mark.parametrize(
    "condition",
    [
        {"StringLike": {"sts:RoleSessionName": "some*"}},
        {"StringLike": {"sts:SourceIdentity": "ali*"}},
        {"StringLike": {"aws:RequestTag/team": "a*"}},
        {"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}},
        {"ForAllValues:StringEquals": {"sts:TransitiveTagKeys": ["team"]}},
    ],
)
def test_conditions_of_the_trust_policy_are_judged(stack: Stack, issuer: Issuer, condition: dict[str, Json]) -> None:
    trust(stack, **condition)
    good = tagged({"team": ["a"]}, transitive_tag_keys=["team"])
    assume(stack, token(good, ALICE))
    bad = tagged({"team": ["b"], "Other": ["b"]}, transitive_tag_keys=["team", "Other"])
    assert refusal(stack, token(bad, {IDENTITY: "bob"}), RoleSessionName="other").startswith(DENIED)


def test_a_session_lasts_as_long_as_its_role_allows_up_to_twelve_hours(stack: Stack, issuer: Issuer) -> None:
    assert "exceeds the MaxSessionDuration set for this role" in refusal(stack, token(), DurationSeconds=3601)
    stack.iam().update_role(RoleName="strict-web", MaxSessionDuration=43_200)
    answer = assume(stack, token(), DurationSeconds=43_200)
    left = cast(Any, answer["Credentials"])["Expiration"].timestamp() - time.time()
    assert 43_190 < left <= 43_200
    assert refusal(stack, token(), DurationSeconds=43_201).startswith("ValidationError")


@pytest.mark.parametrize(
    ("condition", "denied"),
    [
        ({"StringEquals": {"aws:PrincipalTag/team": "a"}}, True),
        ({"StringEquals": {"aws:PrincipalTag/team": "b"}}, False),
        ({"StringEquals": {"aws:SourceIdentity": "alice"}}, True),
        ({"StringEquals": {"aws:FederatedProvider": PROVIDER}}, True),
        ({"DateLessThan": {"aws:TokenIssueTime": "2999-01-01T00:00:00Z"}}, True),
        ({"DateLessThan": {"aws:TokenIssueTime": "2020-01-01T00:00:00Z"}}, False),
    ],
)
def test_a_session_is_denied_by_what_its_token_said(
    stack: Stack, issuer: Issuer, condition: dict[str, Json], denied: bool
) -> None:
    key = key_of(assume(stack, token(tagged({"team": ["a"]}), ALICE)))
    stack.ec2(key).describe_instances()
    statement = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    stack.iam().put_role_policy(RoleName="strict-web", PolicyName="deny", PolicyDocument=document)
    try:
        if denied:
            with pytest.raises(ClientError, match="UnauthorizedOperation"):
                stack.ec2(key).describe_instances()
        else:
            stack.ec2(key).describe_instances()
    finally:
        stack.iam().delete_role_policy(RoleName="strict-web", PolicyName="deny")


def test_a_session_policy_narrows_the_session(stack: Stack, issuer: Issuer) -> None:
    only = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [only]})
    with pytest.raises(ClientError, match="UnauthorizedOperation"):
        stack.ec2(key_of(assume(stack, token(), Policy=policy))).describe_instances()
    assert refusal(stack, token(), Policy="{}").startswith("MalformedPolicyDocument")
    assert refusal(stack, token(), Policy=" " * 2049).startswith("ValidationError")


def test_a_session_is_one_that_chains_for_an_hour_with_its_transitive_tags(stack: Stack, issuer: Issuer) -> None:
    iam, arn = stack.iam(), f"arn:aws:iam::{ACCOUNT}:role/strict-chained"
    allowed: Json = {
        "Effect": "Allow",
        "Principal": {"AWS": ROLE},
        "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
        "Condition": {"StringEquals": {"aws:RequestTag/team": "a"}},
    }
    rights = {"Effect": "Allow", "Action": "sts:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [rights]})
    iam.put_role_policy(RoleName="strict-web", PolicyName="chain", PolicyDocument=document)
    stack.add_role("strict-chained", {"Version": "2012-10-17", "Statement": [{**allowed, "Condition": {}}]})
    iam.update_role(RoleName="strict-chained", MaxSessionDuration=43_200)
    try:
        tags = tagged({"team": ["a"]}, transitive_tag_keys=["team"])
        sts = stack.sts(key_of(assume(stack, token(tags, ALICE))))
        answer = sts.assume_role(RoleArn=arn, RoleSessionName="more", DurationSeconds=3600)
        assert answer["SourceIdentity"] == "alice"
        with pytest.raises(ClientError, match="1 hour session limit"):
            sts.assume_role(RoleArn=arn, RoleSessionName="more", DurationSeconds=3601)
        with pytest.raises(ClientError, match="conflicts with a transitive tag key"):
            sts.assume_role(RoleArn=arn, RoleSessionName="more", Tags=[{"Key": "team", "Value": "b"}])
    finally:
        iam.delete_role_policy(RoleName="strict-web", PolicyName="chain")
        iam.delete_role(RoleName="strict-chained")


def test_no_other_protocol_leads_past_the_rules(stack: Stack, issuer: Issuer) -> None:
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": "AWSSecurityTokenServiceV20110615.AssumeRoleWithWebIdentity",
        "Host": f"sts.{REGION}.amazonaws.com",
    }
    asked = {"RoleArn": ROLE, "RoleSessionName": "x", "WebIdentityToken": forged("alg none")}
    answer = stack.http.request("POST", stack.aws.endpoint, body=json.dumps(asked), headers=headers)
    assert answer.status >= 400 and b"SecretAccessKey" not in answer.data
