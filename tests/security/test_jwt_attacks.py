"""Tokens that lie, one lie a test: each differs from an honest token in one thing, and opens no door.

An honest token passes first, so that no lie is refused for another reason than the one that the test names. The key
sets are files: no test asks the network, and none of these tokens may make the service ask it.
"""

import base64
import json
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Unpack

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import app as app_module
from chalicelib.assembly import load_service
from chalicelib.callers.oidc.jwt_format import read_token
from chalicelib.configuration.settings import Settings
from chalicelib.errors import InvalidToken
from chalicelib.http import HttpEdge
from chalicelib.service import Service
from testing.app import ACCOUNT, POLICIES, REQUEST_ID, Answer, CredvendApp, Json, Parts, write_config
from testing.events import SOURCE_IP, iam_user, rest_event, unsigned
from testing.sts_server import SECRET, StsServer, sts_server
from testing.tokens import (
    ABSENT,
    AUDIENCE,
    ISSUER,
    SUBJECT,
    Key,
    decode,
    document,
    ec_key,
    ecdsa_der,
    ed_key,
    encode,
    hmac_signed,
    honest_claims,
    honest_header,
    key_set,
    rsa_key,
    sign,
    sign_input,
    signature,
)

Make = Callable[[], str]

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
OTHER: Final = "https://other.example.com"
# Names that read like a part of another one.
NAMES: Final = ("a", "a-b", "a-b-", "a.b", "a_b", "x" * 64, "x" * 63 + "y", "oidc", "user", "main-alice")
ISSUERS: Final = rf"""
issuers:
  - {{name: main, issuer: "{ISSUER}", audiences: [{AUDIENCE}], jwks_file: keys/main.json}}
  - {{name: other, issuer: "{OTHER}", audiences: [others], jwks_file: keys/other.json}}
  - name: every
    issuer: https://every.example.com
    audiences: [{AUDIENCE}, second]
    algorithms: [{", ".join(ALGORITHMS)}]
    jwks_file: keys/every.json
  - name: typed
    issuer: https://typed.example.com
    audiences: [{AUDIENCE}]
    types: [at+jwt]
    jwks_file: keys/main.json
  - name: cognito
    issuer: https://cognito.example.com
    audiences: [{AUDIENCE}]
    audience_claim: client_id
    jwks_file: keys/main.json
  - name: nested
    issuer: https://nested.example.com
    audiences: [{AUDIENCE}]
    subject_claim: [user, id]
    jwks_file: keys/main.json
  - name: strict
    issuer: https://strict.example.com
    audiences: [{AUDIENCE}]
    required_claims: {{repository_owner: acme, token_use: [access, id], jti: "*"}}
    max_age: 1h
    leeway: 1m
    jwks_file: keys/main.json
  - name: flags
    issuer: https://flags.example.com
    audiences: [{AUDIENCE}]
    required_claims: {{verified: true, level: 1, text: "true"}}
    jwks_file: keys/main.json
  - name: quoted
    issuer: https://quoted.example.com
    audiences: [{AUDIENCE}]
    required_claims: {{'a"b\c é': "*"}}
    jwks_file: keys/main.json
  - name: odd
    issuer: https://odd.example.com
    audiences: [{AUDIENCE}]
    algorithms: [RS256, PS256, ES256]
    jwks_file: keys/odd.json
  - name: grouped
    issuer: https://grouped.example.com
    audiences: [{AUDIENCE}]
    groups_claim: groups
    jwks_file: keys/main.json
  - name: crowd
    issuer: https://crowd.example.com
    audiences: [{AUDIENCE}]
    groups_claim: groups
    jwks_file: keys/main.json
""" + "".join(
    f'  - {{name: {name}, issuer: "https://names.example.com/{name}", audiences: [{AUDIENCE}], '
    "jwks_file: keys/main.json}\n"
    for name in NAMES
)
OPEN: Final = (
    POLICIES
    + """
@id("whoever-has-a-token") permit (principal is OidcSubject, action, resource in RoleGroup::"open");
@id("admins") permit (principal in OidcGroup::"grouped:admins", action, resource == Role::"forbidden");
"""
)
DOORS: Final = (
    ("GET", "/v1/whoami", None),
    ("GET", "/v1/roles", None),
    ("POST", "/v1/credentials", '{"role": "reader"}'),
)
# https://www.rfc-editor.org/rfc/rfc6750#section-3: no quote, no backslash, no control, nothing but ASCII.
CHALLENGE: Final = re.compile(r'Bearer error="invalid_token", error_description="[\x20\x21\x23-\x5b\x5d-\x7e]+"')
UNVERIFIED: Final = {"caller", "caller_type", "caller_issuer", "caller_subject", "caller_account"}


def key() -> Key:
    """The key that honest tokens of `main` are signed with."""
    return rsa_key("rsa-1")


def curve_key() -> Key:
    return ec_key("ec-1")


def write_issuers(directory: Path) -> Path:
    write_config(directory, policies=OPEN)
    (directory / "issuers.yaml").write_text(ISSUERS, encoding="utf-8")
    (directory / "keys").mkdir(exist_ok=True)
    every = [key(), curve_key(), ec_key("ec-384", curve="P-384"), ec_key("ec-521", curve="P-521"), ed_key("ed-1")]
    for name, keys in {
        # Two of each kind: a token of this issuer has to say which.
        "main": [key(), rsa_key("rsa-2"), curve_key(), ec_key("ec-2")],
        # One only, under the name of one of main's.
        "other": [rsa_key("rsa-1", OTHER)],
        "every": every,
    }.items():
        (directory / f"keys/{name}.json").write_bytes(document(key_set(*keys)))
    (directory / "keys/odd.json").write_bytes(document({"keys": [jwk for _, jwk in odd_keys().values()]}))
    return directory


def odd_keys() -> dict[str, tuple[Key, Json]]:
    """Keys that stand in a key set, and are not all there to check tokens with."""
    usual = ec_key("ec-usual", "odd")
    shared = rsa_key("rsa", "odd")  # one for all of RSA, for making one takes long
    keys: dict[str, tuple[Key, Json]] = {
        "one that is as it should be": (usual, {}),
        "one for encryption": (replace(shared, kid="rsa-enc"), {"use": "enc"}),
        "one for other operations": (ec_key("ec-ops", "odd"), {"key_ops": ["deriveKey"]}),
        "one of 1024 bits": (rsa_key("rsa-1024", "odd", 1024), {}),
        "one for another algorithm": (ec_key("ec-ecdh", "odd"), {"alg": "ECDH-ES"}),
        "one for PS256 alone": (replace(shared, kid="rsa-ps"), {"alg": "PS256"}),
        "one of another type": (ec_key("ec-okp", "odd"), {"kty": "OKP"}),
        "one on another curve by name": (ec_key("ec-p384", "odd"), {"crv": "P-384"}),
        "one that is not on its curve": (ec_key("ec-off", "odd"), {"y": usual.public_jwk["x"]}),
        "one without its modulus": (replace(shared, kid="rsa-n"), {"n": ""}),
        "one whose exponent is a number": (replace(shared, kid="rsa-e"), {"e": 65537}),
        "one with a list for a modulus": (replace(shared, kid="rsa-list"), {"n": []}),
        "a shared secret": (ec_key("oct", "odd"), {"kty": "oct", "k": encode(b"s" * 32)}),
        "one whose name is a number": (ec_key("7", "odd"), {"kid": 7}),
    }
    return {name: (signer, signer.public_jwk | changes) for name, (signer, changes) in keys.items()}


@dataclass
class Gate:
    """The service as a caller with a token sees it.

    Attributes:
        looked_up: hosts that anything in the process wanted to reach.
    """

    credvend: CredvendApp
    caplog: pytest.LogCaptureFixture
    looked_up: list[object]

    def send(
        self, sent: Mapping[str, str], door: tuple[str, str, str | None] = DOORS[0], **more: Unpack[Parts]
    ) -> Answer:
        method, path, body = door
        parts: Parts = {"identity": unsigned(), "headers": sent, **more}
        return self.credvend.call(method, path, body, **parts)

    def present(self, token: str, door: tuple[str, str, str | None] = DOORS[0]) -> Answer:
        return self.send({"Authorization": f"Bearer {token}"}, door)

    def vended(self, token: str) -> dict[str, str]:
        """What STS was asked for the holder of a token."""
        self.credvend.sts.asked.clear()
        answer = self.present(token, DOORS[-1])
        assert (answer.status, SECRET in answer.text) == (200, True), answer.text
        (asked,) = self.credvend.sts.asked
        return asked

    def assert_refused(self, token: str) -> None:
        """No door opens."""
        for door in DOORS:
            self.assert_turned_away(self.present(token, door), token)

    def assert_turned_away(self, answer: Answer, token: str, code: str = "InvalidToken") -> Json:
        """Refused the way that is promised, with nothing vended, fetched or told. Returns the record."""
        assert (answer.status, answer.body.get("Code")) == (401, code), answer.text
        assert answer.body.keys() == {"Code", "Message", "RequestId"} and answer.body["RequestId"] == REQUEST_ID
        challenge = answer.headers["WWW-Authenticate"]
        assert CHALLENGE.fullmatch(challenge) if code == "InvalidToken" else challenge == "Bearer", challenge
        assert self.credvend.sts.asked == [] and self.looked_up == []
        written, complained = self.credvend.capture.readouterr()
        (record,) = [json.loads(line) for line in written.splitlines()]
        assert record["event"] == "authentication.failed"
        assert (record["request_id"], record["source_ip"]) == (REQUEST_ID, SOURCE_IP)
        assert record["error"] == answer.body["Message"] and isinstance(record["cause"], str)
        assert not record.keys() & UNVERIFIED
        assert len(str(record.get("key_id", ""))) <= 256 and len(written) < 2048 and len(answer.text) < 1024
        told = f"{answer.text} {answer.headers} {written} {complained} {self.caplog.text}"
        for part in re.split(r"[^A-Za-z0-9_+/-]+", token):
            if len(part) >= 24:  # shorter ones stand elsewhere by chance
                assert part[:24] not in told and part[-24:] not in told
        assert isinstance(record, dict)
        return record


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, StsServer]]:
    """The service with its issuers, loaded once, and the STS that it asks."""
    with pytest.MonkeyPatch.context() as patch, sts_server() as sts:
        patch.setenv("AWS_ENDPOINT_URL", sts.url)
        patch.setenv("AWS_ACCESS_KEY_ID", "AKIASERVICE")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "service-secret")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield load_service(write_issuers(tmp_path_factory.mktemp("config")), Settings("ap-northeast-2")), sts


@pytest.fixture
def gate(
    loaded: tuple[Service, StsServer],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> Gate:
    service, sts = loaded
    sts.asked.clear()
    looked_up: list[object] = []
    look_up = socket.getaddrinfo

    def remember(host: str, port: int, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0) -> object:
        looked_up.append(host)
        return look_up(host, port, family, type, proto, flags)

    monkeypatch.setattr(socket, "getaddrinfo", remember)
    monkeypatch.setattr(app_module, "service", service)
    monkeypatch.setattr(app_module, "edge", HttpEdge())
    caplog.set_level("DEBUG")
    return Gate(CredvendApp(sts, capsys), caplog, looked_up)


def each(cases: Mapping[str, object]) -> list[object]:
    """Parameters of a test, one for each case, under the case's name."""
    return [pytest.param(value, id=name.replace(" ", "-")) for name, value in cases.items()]


# Honest tokens: what the lies below are measured against.


def every_claims(**changes: object) -> Json:
    return honest_claims(iss="https://every.example.com", **changes)


def signed_with(algorithm: str) -> str:
    """An honest token of the issuer that signs with every algorithm."""
    keys = {
        "ES256": curve_key(),
        "ES384": ec_key("ec-384", curve="P-384"),
        "ES512": ec_key("ec-521", curve="P-521"),
        "EdDSA": ed_key("ed-1"),
    }
    signer = keys.get(algorithm, key())
    return sign(every_claims(), signer, honest_header(signer, alg=algorithm), algorithm)


def strict_claims(**changes: object) -> Json:
    wanted = {"iss": "https://strict.example.com", "repository_owner": "acme", "token_use": "access", "jti": "7"}
    return honest_claims(**wanted | changes)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_an_honest_token_of_each_algorithm_is_let_in(gate: Gate, algorithm: str) -> None:
    for door in DOORS:
        answer = gate.present(signed_with(algorithm), door)
        assert answer.status == 200, answer.text


@pytest.mark.parametrize("signer", [key, curve_key], ids=["RS256", "ES256"])
def test_an_honest_token_vends_for_its_subject(gate: Gate, signer: Callable[[], Key]) -> None:
    asked = gate.vended(sign(honest_claims(), signer()))
    assert asked["RoleSessionName"] == asked["SourceIdentity"] == f"oidc=main={SUBJECT}"
    assert tags(asked)["credvend:caller"] == f"oidc:main:{SUBJECT}"
    requested, vended = gate.credvend.records()
    assert (requested["event"], vended["event"]) == ("credentials.requested", "credentials.vended")
    for record in (requested, vended):
        assert record["caller"] == f"oidc:main:{SUBJECT}" and record["caller_type"] == "OidcSubject"
        assert (record["caller_issuer"], record["caller_subject"]) == ("main", SUBJECT)


def plain(**changes: object) -> Make:
    """A token of main, with changed claims and a valid signature."""
    return lambda: sign(honest_claims(**changes), key())


def soon(seconds: float) -> float:
    return datetime.now(UTC).timestamp() + seconds


HONEST: Final[dict[str, Make]] = {
    "no typ": lambda: sign(honest_claims(), key(), honest_header(key(), typ=ABSENT)),
    "typ in lower case": lambda: sign(honest_claims(), key(), honest_header(key(), typ="jwt")),
    "typ as a media type": lambda: sign(honest_claims(), key(), honest_header(key(), typ="application/JWT")),
    "typ at+jwt where it is listed": lambda: sign(
        honest_claims(iss="https://typed.example.com"), key(), honest_header(key(), typ="at+jwt")
    ),
    "a thumbprint of a certificate": lambda: sign(honest_claims(), key(), honest_header(key(), x5t="dGh1bWI")),
    "the second key": lambda: sign(honest_claims(), rsa_key("rsa-2")),
    "no kid where there is one key": lambda: sign(
        honest_claims(iss=OTHER, aud="others"), rsa_key("rsa-1", OTHER), {"alg": "RS256"}
    ),
    "aud as a list": plain(aud=[AUDIENCE]),
    "aud among others": plain(aud=["else", AUDIENCE]),
    "the second audience": lambda: sign(every_claims(aud="second"), key()),
    "another audience claim": lambda: sign(
        honest_claims(iss="https://cognito.example.com", aud=ABSENT, client_id=AUDIENCE), key()
    ),
    "a nested subject": lambda: sign(
        honest_claims(iss="https://nested.example.com", sub=ABSENT, user={"id": "alice"}), key()
    ),
    "exp with a fraction": lambda: plain(exp=soon(600) + 0.5)(),
    "exp a moment ago": lambda: plain(exp=int(soon(-5)))(),
    "nbf in a moment": lambda: plain(nbf=int(soon(15)))(),
    "iat in a moment": lambda: plain(iat=int(soon(15)))(),
    "no nbf": plain(nbf=ABSENT),
    "iat almost too long ago": lambda: plain(iat=int(soon(-86_400 + 60)), nbf=ABSENT)(),
    "required claims": lambda: sign(strict_claims(), key()),
    "another value of a required claim": lambda: sign(strict_claims(token_use="id"), key()),
    "almost as long as may be": plain(pad="x" * 5000),
    "claims of all types": plain(a=[1, "b", None, {"c": True}], d=None, e=1.5, f={}),
    "a name in another script": plain(name="Алиса 愛"),
    "a name with a line end in it": plain(name="a\nb\u2028c"),
}


@pytest.mark.parametrize("make", each(HONEST))
def test_what_an_honest_issuer_may_say_is_let_in(gate: Gate, make: Make) -> None:
    answer = gate.present(make())
    assert answer.status == 200, answer.text


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
def test_the_case_of_the_scheme_does_not_matter(gate: Gate, scheme: str) -> None:
    assert gate.send({"Authorization": f"{scheme} {plain()()}"}).status == 200


@pytest.mark.parametrize("name", ["Authorization", "authorization", "AUTHORIZATION"])
def test_the_case_of_the_header_does_not_matter(gate: Gate, name: str) -> None:
    assert gate.send({name: f"Bearer {plain()()}"}).status == 200


def test_an_honest_token_is_in_no_log(gate: Gate) -> None:
    token = plain()()
    for door in DOORS:
        assert gate.present(token, door).status == 200
    written, complained = gate.credvend.capture.readouterr()
    told = written + complained + gate.caplog.text
    assert "alice" in told and not [part for part in token.split(".") if part in told]


# The algorithm


NONE: Final[dict[str, object]] = {
    "none": "none",
    "None": "None",
    "NONE": "NONE",
    "nOnE": "nOnE",
    "none and a space": "none ",
    "empty": "",
    "missing": ABSENT,
    "null": None,
    "a list with none": ["none"],
    "a list with the honest one": ["RS256"],
    "a number": 0,
    "false": False,
    "an object": {"RS256": True},
}


@pytest.mark.parametrize("ending", each({"empty signature": 0, "no signature": 1, "honest signature": 2}))
@pytest.mark.parametrize("alg", each(NONE))
def test_a_token_that_says_it_is_unsigned_is_refused(gate: Gate, alg: object, ending: int) -> None:
    token = sign(honest_claims(), key(), honest_header(key(), alg=alg))
    unsigned = token.rpartition(".")[0]
    gate.assert_refused((f"{unsigned}.", unsigned, token)[ending])


def public_forms() -> dict[str, tuple[Key, bytes]]:
    """What is known of a public key, in each form that a library might take for a secret."""
    forms: dict[str, tuple[Key, bytes]] = {}
    for kind, public in (("RSA", key()), ("EC", curve_key())):
        read = public.private.public_key()
        jwk = public.public_jwk
        pem = read.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        forms |= {
            f"{kind} PEM": (public, pem),
            f"{kind} PEM without its last line end": (public, pem.strip()),
            f"{kind} DER": (public, read.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)),
            f"{kind} JWK": (public, document(jwk)),
            f"{kind} JWK with spaces": (public, json.dumps(jwk).encode()),
        }
    numbers = key().public_jwk
    point = curve_key().public_jwk
    public_rsa = key().private.public_key()
    forms |= {
        "RSA PKCS1 PEM": (key(), public_rsa.public_bytes(Encoding.PEM, PublicFormat.PKCS1)),
        "RSA modulus": (key(), decode(str(numbers["n"]))),
        "RSA modulus in base64url": (key(), str(numbers["n"]).encode()),
        "EC point": (curve_key(), b"\x04" + decode(str(point["x"])) + decode(str(point["y"]))),
        "EC coordinate": (curve_key(), decode(str(point["x"]))),
        "key set": (key(), document(key_set(key(), rsa_key("rsa-2"), curve_key(), ec_key("ec-2")))),
        "name of the key": (key(), key().kid.encode()),
        "nothing": (key(), b""),
    }
    return forms


FORMS: Final = [
    *(f"{kind} {form}" for kind in ("RSA", "EC") for form in ("PEM", "PEM without its last line end", "DER", "JWK")),
    *("RSA JWK with spaces", "EC JWK with spaces", "RSA PKCS1 PEM", "RSA modulus", "RSA modulus in base64url"),
    *("EC point", "EC coordinate", "key set", "name of the key", "nothing"),
]


def test_every_form_of_a_public_key_is_tried_as_a_secret() -> None:
    assert set(FORMS) == public_forms().keys()


@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize("form", each({form: form for form in FORMS}))
def test_a_public_key_is_not_a_secret_to_sign_with(gate: Gate, form: str, alg: str) -> None:
    public, secret = public_forms()[form]
    gate.assert_refused(hmac_signed(honest_claims(), secret, honest_header(public, alg=alg)))


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_a_keyed_hash_is_no_signature_whatever_the_header_calls_it(gate: Gate, alg: str) -> None:
    public = key() if alg == "RS256" else curve_key()
    pem = public.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    hashed = hmac_signed(honest_claims(), pem, {"alg": "HS256"}).rpartition(".")[2]
    honest = sign(honest_claims(), public).rpartition(".")[0]
    gate.assert_refused(f"{honest}.{hashed}")


# Each is one that some key of the issuer can sign with, and that the issuer is not trusted with.
UNLISTED: Final = ("RS384", "RS512", "PS256", "PS384", "PS512")


@pytest.mark.parametrize("alg", UNLISTED)
def test_an_algorithm_that_is_not_the_issuers_is_refused_though_its_key_fits(gate: Gate, alg: str) -> None:
    gate.assert_refused(sign(honest_claims(), key(), honest_header(key(), alg=alg), alg))


def sign_as(alg: object, signer: Callable[[], Key], kid: str | None = None, algorithm: str | None = None) -> Make:
    """A token whose header names an algorithm and a key, and which is signed with what is given."""
    return lambda: sign(honest_claims(), signer(), honest_header(signer(), alg=alg, kid=kid or signer().kid), algorithm)


ALGORITHM: Final[dict[str, Make]] = {
    "RS256 with the kid of an EC key": sign_as("RS256", key, "ec-1"),
    "ES256 with the kid of an RSA key": sign_as("ES256", curve_key, "rsa-1"),
    "RS256 signed with an EC key": sign_as("RS256", curve_key),
    "ES256 signed with an RSA key": sign_as("ES256", key),
    "ES384 with a key on P-256": sign_as("ES384", curve_key, algorithm="ES384"),
    "EdDSA signed with an RSA key": sign_as("EdDSA", key),
    "EdDSA of a key that is not the issuer's": sign_as("EdDSA", lambda: ed_key("ed-1")),
    "RS256 signed as PS256": sign_as("RS256", key, algorithm="PS256"),
    "RS256 signed as RS512": sign_as("RS256", key, algorithm="RS512"),
    "ES256 signed with SHA-384": sign_as("ES256", curve_key, algorithm="ES384"),
    "lower case": sign_as("rs256", key),
    "mixed case": sign_as("Rs256", key),
    "a space after it": sign_as("RS256 ", key),
    "a space before it": sign_as(" RS256", key),
    "a NUL after it": sign_as("RS256\x00", key),
    "a look-alike": sign_as("\u0280S256", key),
    "wide digits": sign_as("RS\uff12\uff15\uff16", key),
    "half of a surrogate pair": sign_as("\ud800", key),
    "RS1": sign_as("RS1", key),
    "RSA-OAEP": sign_as("RSA-OAEP", key),
    "dir": sign_as("dir", key),
    "ES256K": sign_as("ES256K", curve_key),
    "Ed25519": sign_as("Ed25519", key),
    "a long one": sign_as("RS256" * 500, key),
}


@pytest.mark.parametrize("make", each(ALGORITHM))
def test_a_token_with_another_algorithm_than_its_key_and_issuer_is_refused(gate: Gate, make: Make) -> None:
    gate.assert_refused(make())


@pytest.mark.parametrize("claimed", ALGORITHMS)
@pytest.mark.parametrize("signed", ["RS256", "PS256", "ES256", "EdDSA"])
def test_no_signature_passes_for_one_of_another_algorithm(gate: Gate, signed: str, claimed: str) -> None:
    """Not even at an issuer that is trusted with all of them."""
    if signed == claimed:
        assert gate.present(signed_with(signed)).status == 200
        return
    signer = {"E": curve_key() if signed == "ES256" else ed_key("ed-1")}.get(signed[0], key())
    gate.assert_refused(sign(every_claims(), signer, honest_header(signer, alg=claimed), signed))


@pytest.mark.parametrize(
    ("signer", "alg"),
    [("P-256", "ES384"), ("P-256", "ES512"), ("P-384", "ES256"), ("P-384", "ES512"), ("P-521", "ES256")],
)
def test_a_curve_goes_with_one_hash_alone(gate: Gate, signer: str, alg: str) -> None:
    """At an issuer that is trusted with all, and with a signature that is right for the curve and the hash."""
    curve = {"P-256": curve_key(), "P-384": ec_key("ec-384", curve="P-384"), "P-521": ec_key("ec-521", curve="P-521")}
    gate.assert_refused(sign(every_claims(), curve[signer], honest_header(curve[signer], alg=alg), alg))


# Signatures


ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def with_curve_signature(change: Callable[[bytes], bytes]) -> Make:
    """An ES256 token whose signature is replaced by what is made of it."""

    def make() -> str:
        honest, _, good = sign(honest_claims(), curve_key()).rpartition(".")
        return f"{honest}.{encode(change(decode(good)))}"

    return make


def der_signed() -> str:
    honest = sign(honest_claims(), curve_key()).rpartition(".")[0]
    return f"{honest}.{encode(ecdsa_der(honest.encode(), curve_key()))}"


def point_at_r() -> str:
    """Where r is the public key's own x: nothing but a number that the verifier knows."""
    x = decode(str(curve_key().public_jwk["x"]))
    return with_curve_signature(lambda _: x + x)()


CURVE: Final[dict[str, Make]] = {
    "r and s zero": with_curve_signature(lambda _: bytes(64)),
    "r zero": with_curve_signature(lambda good: bytes(32) + good[32:]),
    "s zero": with_curve_signature(lambda good: good[:32] + bytes(32)),
    "r and s the order": with_curve_signature(lambda _: ORDER.to_bytes(32) * 2),
    "r the order": with_curve_signature(lambda good: ORDER.to_bytes(32) + good[32:]),
    "s the order": with_curve_signature(lambda good: good[:32] + ORDER.to_bytes(32)),
    "r and s one": with_curve_signature(lambda _: (1).to_bytes(32) * 2),
    "all ones": with_curve_signature(lambda _: b"\xff" * 64),
    "r and s swapped": with_curve_signature(lambda good: good[32:] + good[:32]),
    "r and s of the public key": point_at_r,
    "DER": der_signed,
    "a byte short": with_curve_signature(lambda good: good[:-1]),
    "without the first byte": with_curve_signature(lambda good: good[1:]),
    "a byte long": with_curve_signature(lambda good: good + b"\0"),
    "a zero before it": with_curve_signature(lambda good: b"\0" + good),
    "a zero before each half": with_curve_signature(lambda good: b"\0" + good[:32] + b"\0" + good[32:]),
    "half of it": with_curve_signature(lambda good: good[:32]),
    "twice": with_curve_signature(lambda good: good * 2),
    "one byte": with_curve_signature(lambda _: b"\0"),
    "as long as that of RSA": with_curve_signature(lambda good: good * 4),
}


@pytest.mark.parametrize("make", each(CURVE))
def test_a_forged_signature_of_a_curve_is_refused(gate: Gate, make: Make) -> None:
    gate.assert_refused(make())


def flipped(data: bytes, position: int, bit: int = 1) -> bytes:
    changed = bytearray(data)
    changed[position] ^= bit
    return bytes(changed)


def with_parts(change: Callable[[bytes, bytes, bytes], tuple[bytes, bytes, bytes]], signer: Callable[[], Key]) -> Make:
    """An honest token, whose decoded parts are changed afterwards."""

    def make() -> str:
        head, payload, good = (decode(part) for part in sign(honest_claims(), signer()).split("."))
        return ".".join(encode(part) for part in change(head, payload, good))

    return make


def _flip_in_typ(head: bytes, payload: bytes, good: bytes) -> tuple[bytes, bytes, bytes]:
    # JWT becomes jWT, which is the same type.
    return flipped(head, head.index(b"JWT"), 0x20), payload, good


def _flip_in_sub(head: bytes, payload: bytes, good: bytes) -> tuple[bytes, bytes, bytes]:
    return head, flipped(payload, payload.index(b"alice"), 0x20), good


def changed_after_signing(**changes: object) -> Make:
    def make() -> str:
        head, _, good = sign(honest_claims(), key()).split(".")
        return f"{head}.{encode(document(honest_claims(**changes)))}.{good}"

    return make


TAMPERED: Final[dict[str, Make]] = {
    **{
        f"{what}, {kind}": with_parts(change, signer)
        for kind, signer in (("RSA", key), ("EC", curve_key))
        for what, change in {
            "a bit of the header": _flip_in_typ,
            "a bit of the payload": _flip_in_sub,
            "the first bit of the signature": lambda h, p, s: (h, p, flipped(s, 0, 0x80)),
            "a bit in the middle of the signature": lambda h, p, s: (h, p, flipped(s, len(s) // 2)),
            "the last bit of the signature": lambda h, p, s: (h, p, flipped(s, -1)),
            "a signature without its end": lambda h, p, s: (h, p, s[:-1]),
            "a signature without its start": lambda h, p, s: (h, p, s[1:]),
            "a signature with a byte more": lambda h, p, s: (h, p, s + b"\0"),
            "a signature with a zero before it": lambda h, p, s: (h, p, b"\0" + s),
            "a signature of zeros": lambda h, p, s: (h, p, bytes(len(s))),
            "a signature of one": lambda h, p, s: (h, p, (1).to_bytes(len(s))),
            "an empty signature": lambda h, p, s: (h, p, b""),
            "a member more in the header": lambda h, p, s: (h.replace(b"{", b'{"x":1,', 1), p, s),
            "a space in the payload": lambda h, p, s: (h, p + b" ", s),
        }.items()
    },
    "another subject": changed_after_signing(sub="bob@example.com"),
    "a later end": lambda: changed_after_signing(exp=int(soon(1200)))(),
    "a group more": changed_after_signing(groups=["admins"]),
    "the modulus as signature": with_parts(lambda h, p, _: (h, p, decode(str(key().public_jwk["n"]))), key),
    "the signature of another token": lambda: (
        plain()().rpartition(".")[0] + "." + plain(sub="bob")().rpartition(".")[2]
    ),
    "a signature over the payload alone": with_parts(lambda h, p, _: (h, p, signature(p, key())), key),
    "a signature over the decoded parts": with_parts(lambda h, p, _: (h, p, signature(h + b"." + p, key())), key),
    "an unknown key": lambda: sign(honest_claims(), rsa_key("rsa-1", "attacker")),
    "an unknown key, EC": lambda: sign(honest_claims(), ec_key("ec-1", "attacker")),
    "the key of another name": lambda: sign(honest_claims(), rsa_key("rsa-2"), honest_header(key())),
}


@pytest.mark.parametrize("make", each(TAMPERED))
def test_a_token_that_was_changed_after_signing_is_refused(gate: Gate, make: Make) -> None:
    gate.assert_refused(make())


ODD: Final = (
    *(
        "one for encryption",
        "one for other operations",
        "one of 1024 bits",
        "one for another algorithm",
        "one for PS256 alone",
    ),
    *("one of another type", "one on another curve by name", "one that is not on its curve"),
    *("one without its modulus", "one whose exponent is a number", "one with a list for a modulus"),
    *("a shared secret", "one whose name is a number"),
)


def odd_claims() -> Json:
    return honest_claims(iss="https://odd.example.com")


def test_every_odd_key_but_the_usual_one_is_tried() -> None:
    assert odd_keys().keys() - set(ODD) == {"one that is as it should be"}


@pytest.mark.parametrize("algorithm", [None, "PS256"])
def test_keys_beside_odd_ones_are_used(gate: Gate, algorithm: str | None) -> None:
    signer, _ = odd_keys()["one for PS256 alone" if algorithm else "one that is as it should be"]
    token = sign(odd_claims(), signer, honest_header(signer, alg=algorithm or signer.algorithm), algorithm)
    assert gate.present(token).status == 200


@pytest.mark.parametrize("name", each({name: name for name in ODD}))
def test_a_key_that_is_not_for_this_is_not_used(gate: Gate, name: str) -> None:
    """Though the signature is right, and the issuer itself lists the key."""
    signer, _ = odd_keys()[name]
    gate.assert_refused(sign(odd_claims(), signer))


def test_a_shared_secret_in_a_key_set_signs_nothing(gate: Gate) -> None:
    gate.assert_refused(hmac_signed(odd_claims(), b"s" * 32, {"alg": "HS256", "kid": "oct", "typ": "JWT"}))


CROSSED: Final[dict[str, Make]] = {
    "main's name, the other's key": lambda: sign(honest_claims(), rsa_key("rsa-1", OTHER)),
    "the other's name, main's key": lambda: sign(honest_claims(iss=OTHER, aud="others"), key()),
    "the other's name and main's second key": lambda: sign(honest_claims(iss=OTHER, aud="others"), rsa_key("rsa-2")),
    "the other's name and no kid": lambda: sign(honest_claims(iss=OTHER, aud="others"), key(), {"alg": "RS256"}),
    "the kid of a key that only another issuer has": lambda: sign(honest_claims(), ec_key("ec-384", curve="P-384")),
    "a key that only another issuer has": lambda: sign(honest_claims(), ed_key("ed-1")),
}


@pytest.mark.parametrize("make", each(CROSSED))
def test_a_key_of_one_issuer_does_not_speak_for_another(gate: Gate, make: Make) -> None:
    gate.assert_refused(make())


# The header


def with_header(claims: Callable[[], Json] = honest_claims, **changes: object) -> Make:
    """A token of main with a changed header and a valid signature."""
    return lambda: sign(claims(), key(), honest_header(key(), **changes))


KIDS: Final[dict[str, object]] = {
    "a path": "../../dev/null",
    "an absolute path": "/dev/null",
    "a path to the right key": "./rsa-1",
    "the file of the right key": "keys/main.json",
    "a path of Windows": "..\\..\\nul",
    "SQL": "x' UNION SELECT 'secret' --",
    "a shell command": "rsa-1; cat /etc/passwd",
    "a template": "${jndi:ldap://127.0.0.1/x}",
    "a URL": "https://attacker.example.com/jwks.json",
    "a URL of this machine": "http://169.254.169.254/latest/meta-data/",
    "a NUL": "rsa-1\x00",
    "a NUL alone": "\x00",
    "a line end": "rsa-1\n",
    "a header in it": 'x"\r\nSet-Cookie: a=b',
    "quotes and a backslash": 'x", error="\\',
    "half of a surrogate pair": "\ud800",
    "another script": "ключ",
    "a line of the log": '"}\n{"event": "credentials.vended"}',
    "257 characters": "k" * 257,
    "almost 8 kB": "k" * 5000,
    "10 kB": "k" * 10_000,
    "upper case": "RSA-1",
    "a space before it": " rsa-1",
    "a space after it": "rsa-1 ",
    "the start of it": "rsa",
    "wide digits": "rsa-\uff11",
    "empty": "",
    "a star": "*",
    "a number": 1,
    "zero": 0,
    "a fraction": 1.5,
    "true": True,
    "false": False,
    "null": None,
    "a list": ["rsa-1"],
    "an empty list": [],
    "an object": {"kid": "rsa-1"},
    "missing": ABSENT,
    "unknown": "rsa-3",
    "of another key": "rsa-2",
}


@pytest.mark.parametrize("kid", each(KIDS))
def test_a_key_is_found_by_its_exact_name_alone(gate: Gate, kid: object) -> None:
    gate.assert_refused(with_header(kid=kid)())


@pytest.mark.parametrize("kid", each({"missing": ABSENT, "null": None, "empty": ""}))
def test_a_token_that_names_no_curve_key_is_refused_where_there_are_two(gate: Gate, kid: object) -> None:
    gate.assert_refused(sign(honest_claims(), curve_key(), honest_header(curve_key(), kid=kid)))


@pytest.mark.parametrize("kid", each({"null": None, "empty": "", "unknown": "rsa-2", "a number": 1}))
def test_a_kid_that_fits_no_key_is_not_a_kid_that_is_missing(gate: Gate, kid: object) -> None:
    """At an issuer with one key, where a token without a kid is let in."""
    lone = rsa_key("rsa-1", OTHER)
    gate.assert_refused(sign(honest_claims(iss=OTHER, aud="others"), lone, honest_header(lone, kid=kid)))


def attacker() -> Key:
    return rsa_key("rsa-1", "attacker")


def certificate(owner: Key) -> str:
    """A certificate that vouches for its own key, as `x5c` wants it."""
    private = owner.private
    assert isinstance(private, rsa.RSAPrivateKey)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "id.example.com")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, private.public_key(), 1, now, now + timedelta(days=1))
    der = builder.sign(private, hashes.SHA256()).public_bytes(Encoding.DER)
    return base64.b64encode(der).decode()


def brought_along(signer: Callable[[], Key], members: Mapping[str, Callable[[], object]]) -> Make:
    """A token whose header holds, or says where there is, a key."""

    def make() -> str:
        more = {name: value() for name, value in members.items()}
        return sign(honest_claims(), signer(), honest_header(signer()) | more)

    return make


# What a header may bring along; made when it is wanted, for keys take time.
BRINGABLE: Final[dict[str, dict[str, Callable[[], object]]]] = {
    "jku": {"jku": lambda: "https://attacker.example.com/jwks.json"},
    "jku of the issuer": {"jku": lambda: f"{ISSUER}/jwks.json"},
    "jku of a file": {"jku": lambda: "file:///dev/null"},
    "jku null": {"jku": lambda: None},
    "x5u": {"x5u": lambda: "https://attacker.example.com/chain.pem"},
    "jwk": {"jwk": lambda: attacker().public_jwk},
    "jwk of the issuer": {"jwk": lambda: key().public_jwk},
    "jwk empty": {"jwk": dict},
    "x5c": {"x5c": lambda: [certificate(attacker())]},
    "x5c of the issuer": {"x5c": lambda: [certificate(key())]},
    "x5c empty": {"x5c": list},
    "all of them": {
        "jku": lambda: "https://attacker.example.com/jwks.json",
        "x5u": lambda: "https://attacker.example.com/chain.pem",
        "jwk": lambda: attacker().public_jwk,
        "x5c": lambda: [certificate(attacker())],
    },
}
BROUGHT: Final[dict[str, Make]] = {
    f"{what}, signed by {who}": brought_along(signer, members)
    for who, signer in (("the attacker", attacker), ("the issuer", key))
    for what, members in BRINGABLE.items()
}


@pytest.mark.parametrize("make", each(BROUGHT))
def test_a_token_does_not_bring_its_own_key(gate: Gate, make: Make) -> None:
    gate.assert_refused(make())


def unencoded() -> str:
    """https://www.rfc-editor.org/rfc/rfc7797: the payload as it is, where it holds no dot."""
    head = encode(document(honest_header(key(), b64=False, crit=["b64"])))
    payload = document(honest_claims(iss="https://localhost", sub="alice")).decode()
    assert "." not in payload
    return f"{head}.{payload}.{encode(signature(f'{head}.{payload}'.encode(), key()))}"


def detached() -> str:
    head, _, good = plain()().split(".")
    return f"{head}..{good}"


CRITICAL: Final[dict[str, Make]] = {
    "crit with a known name": with_header(crit=["exp"], exp=1),
    "crit with kid": with_header(crit=["kid"]),
    "crit with an unknown name": with_header(crit=["https://attacker.example.com/x"]),
    "crit with b64 left at its default": with_header(crit=["b64"], b64=True),
    "crit with b64 false": with_header(crit=["b64"], b64=False),
    "crit empty": with_header(crit=[]),
    "crit text": with_header(crit="exp"),
    "crit null": with_header(crit=None),
    "crit with an object": with_header(crit=[{}]),
    "crit with a number": with_header(crit=[1]),
    "b64 false": with_header(b64=False),
    "b64 true": with_header(b64=True),
    "b64 null": with_header(b64=None),
    "b64 text": with_header(b64="false"),
    "a payload that is not encoded": unencoded,
    "a payload that is elsewhere": detached,
}


@pytest.mark.parametrize("make", each(CRITICAL))
def test_an_extension_is_refused_and_not_passed_over(gate: Gate, make: Make) -> None:
    gate.assert_refused(make())


TYPES: Final[dict[str, object]] = {
    "at+jwt": "at+jwt",
    "at+jwt as a media type": "application/at+jwt",
    "a logout token": "logout+jwt",
    "a security event": "secevent+jwt",
    "a proof of possession": "dpop+jwt",
    "JOSE": "JOSE",
    "JWE": "JWE",
    "odd": "odd",
    "empty": "",
    "a space after it": "JWT ",
    "a NUL after it": "JWT\x00",
    "application twice": "application/application/JWT",
    "the prefix alone": "application/",
    "text/JWT": "text/JWT",
    "a parameter": "JWT; v=1",
    "a look-alike": "J\u216fT",
    "half of a surrogate pair": "\ud800",
    "a number": 1,
    "true": True,
    "null": None,
    "a list": ["JWT"],
    "an object": {},
}


@pytest.mark.parametrize("typ", each(TYPES))
def test_a_token_of_another_type_is_refused(gate: Gate, typ: object) -> None:
    gate.assert_refused(with_header(typ=typ)())


@pytest.mark.parametrize("typ", each({"JWT": "JWT", "none": ABSENT, "empty": "", "odd": "odd", "null": None}))
def test_a_token_for_other_ends_is_refused_where_access_tokens_are_asked_for(gate: Gate, typ: object) -> None:
    claims = honest_claims(iss="https://typed.example.com")
    gate.assert_refused(sign(claims, key(), honest_header(key(), typ=typ)))


# The form


def text_of(values: Json, name: str, literal: str) -> bytes:
    """JSON in which a value stands as it is written here."""
    return document(values | {name: "@"}).replace(b'"@"', literal.encode())


def with_payload(change: Callable[[bytes], bytes]) -> Make:
    """A token of main with changed bytes of its payload, and a valid signature."""
    return lambda: sign(change(document(honest_claims())), key())


def with_head(change: Callable[[bytes], bytes]) -> Make:
    """A token of main with changed bytes of its header, and a valid signature."""
    return lambda: sign(honest_claims(), key(), change(document(honest_header(key()))))


NOT_AN_OBJECT: Final[dict[str, Callable[[bytes], bytes]]] = {
    "text": lambda _: b"alice",
    "a string": lambda _: b'"alice"',
    "the object in a string": lambda honest: json.dumps(honest.decode()).encode(),
    "the object in a list": lambda honest: b"[" + honest + b"]",
    "an empty list": lambda _: b"[]",
    "pairs": lambda honest: json.dumps(list(json.loads(honest).items())).encode(),
    "a number": lambda _: b"7",
    "null": lambda _: b"null",
    "true": lambda _: b"true",
    "nothing": lambda _: b"",
    "a space": lambda _: b" ",
    "an empty object": lambda _: b"{}",
    "UTF-16": lambda honest: honest.decode().encode("utf-16"),
    "UTF-16 without a mark": lambda honest: honest.decode().encode("utf-16-le"),
    "UTF-32": lambda honest: honest.decode().encode("utf-32"),
    "a byte order mark": lambda honest: b"\xef\xbb\xbf" + honest,
    "a byte that is not UTF-8": lambda honest: honest.replace(b"}", b',"x":"\xff"}'),
    "an overlong form": lambda honest: honest.replace(b"}", b',"x":"\xc0\xaf"}'),
    "half of a pair in UTF-8": lambda honest: honest.replace(b"}", b',"x":"\xed\xa0\x80"}'),
    "NaN": lambda honest: honest.replace(b"}", b',"x":NaN}'),
    "Infinity": lambda honest: honest.replace(b"}", b',"x":Infinity}'),
    "-Infinity": lambda honest: honest.replace(b"}", b',"x":-Infinity}'),
    "a number without end": lambda honest: honest.replace(b"}", b',"x":1e400}'),
    "a number without end in a list": lambda honest: honest.replace(b"}", b',"x":[{"y":-1e400}]}'),
    "a number of 5000 digits": lambda honest: honest.replace(b"}", b',"x":' + b"1" * 5000 + b"}"),
    "text after it": lambda honest: honest + b" x",
    "a brace after it": lambda honest: honest + b"}",
    "another object after it": lambda honest: honest + honest,
    "a NUL after it": lambda honest: honest + b"\0",
    "a NUL before it": lambda honest: b"\0" + honest,
    "text before it": lambda honest: b")]}'," + honest,
    "a comma too many": lambda honest: honest.replace(b"}", b",}"),
    "a comment": lambda honest: honest.replace(b"{", b"{/* */", 1),
    "single quotes": lambda honest: honest.replace(b'"', b"'"),
    "a line end in a string": lambda honest: honest.replace(b"}", b',"x":"a\nb"}'),
    "cut short": lambda honest: honest[:-1],
    "nested deep and cut short": lambda honest: honest.replace(b"}", b',"x":' + b"[" * 5000),
    "YAML": lambda honest: b"\n".join(f"{k}: {v}".encode() for k, v in json.loads(honest).items()),
    "a query": lambda honest: b"&".join(f"{k}={v}".encode() for k, v in json.loads(honest).items()),
}


@pytest.mark.parametrize("change", each(NOT_AN_OBJECT))
def test_claims_that_are_not_a_json_object_are_refused(gate: Gate, change: Callable[[bytes], bytes]) -> None:
    gate.assert_refused(with_payload(change)())


@pytest.mark.parametrize("change", each(NOT_AN_OBJECT))
def test_a_header_that_is_not_a_json_object_is_refused(gate: Gate, change: Callable[[bytes], bytes]) -> None:
    gate.assert_refused(with_head(change)())


DEEP: Final[dict[str, Callable[[bytes], bytes]]] = {
    "lists": lambda honest: honest.replace(b"}", b',"x":' + b"[" * 2500 + b"]" * 2500 + b"}"),
    "objects": lambda honest: honest.replace(b"}", b',"x":' + b'{"a":' * 900 + b"1" + b"}" * 900 + b"}"),
}


@pytest.mark.parametrize("change", each(DEEP))
@pytest.mark.parametrize("part", [with_payload, with_head], ids=["claims", "header"])
def test_deep_nesting_is_refused(
    gate: Gate, part: Callable[[Callable[[bytes], bytes]], Make], change: Callable[[bytes], bytes]
) -> None:
    """It is JSON, but how much of it can be followed would depend on the Python."""
    gate.assert_refused(part(change)())


def before(member: str) -> Callable[[bytes], bytes]:
    return lambda honest: b"{" + member.encode() + b"," + honest[1:]


def after(member: str) -> Callable[[bytes], bytes]:
    return lambda honest: honest[:-1] + b"," + member.encode() + b"}"


TWICE: Final[dict[str, Make]] = {
    "sub, the honest one last": with_payload(before('"sub":"bob"')),
    "sub, the honest one first": with_payload(after('"sub":"bob"')),
    "sub, both the same": with_payload(after(f'"sub":"{SUBJECT}"')),
    "sub in escapes, the honest one last": with_payload(before(r'"s\u0075b":"bob"')),
    "sub in escapes, the honest one first": with_payload(after(r'"s\u0075b":"bob"')),
    "iss, the honest one last": with_payload(before(f'"iss":"{OTHER}"')),
    "iss, the honest one first": with_payload(after(f'"iss":"{OTHER}"')),
    "iss in escapes": with_payload(after(rf'"\u0069ss":"{OTHER}"')),
    "aud, the honest one last": with_payload(before('"aud":"else"')),
    "aud, the honest one first": with_payload(after('"aud":"else"')),
    "exp, the honest one last": with_payload(before('"exp":1')),
    "exp, the honest one first": with_payload(after('"exp":99999999999')),
    "a claim that nobody reads": with_payload(after('"x":1,"x":2')),
    "a claim further in": with_payload(after('"x":{"y":1,"y":2}')),
    "a claim in a list": with_payload(after('"x":[{"y":1,"y":1}]')),
    "alg, the honest one last": with_head(before('"alg":"none"')),
    "alg, the honest one first": with_head(after('"alg":"none"')),
    "alg, both the same": with_head(after('"alg":"RS256"')),
    "alg in escapes, the honest one last": with_head(before(r'"al\u0067":"none"')),
    "alg in escapes, the honest one first": with_head(after(r'"al\u0067":"none"')),
    "kid, the honest one last": with_head(before('"kid":"rsa-2"')),
    "kid, the honest one first": with_head(after('"kid":"rsa-2"')),
    "typ": with_head(after('"typ":"at+jwt"')),
    "a member of the header further in": with_head(after('"x":{"y":1,"y":2}')),
}


@pytest.mark.parametrize("make", each(TWICE))
def test_a_token_that_says_a_thing_twice_is_refused(gate: Gate, make: Make) -> None:
    gate.assert_refused(make())


@pytest.mark.parametrize("length", each({"9 kB": 9_000, "100 kB": 100_000, "1 MB": 1_000_000}))
@pytest.mark.parametrize("where", ["claims", "header", "signature", "dots", "text"])
def test_a_huge_token_is_refused(gate: Gate, where: str, length: int) -> None:
    made: dict[str, Make] = {
        "claims": plain(pad="x" * length),
        "header": with_header(pad="x" * length),
        "signature": lambda: plain()() + "A" * length,
        "dots": lambda: plain()() + "." * length,
        "text": lambda: "A" * length,
    }
    gate.assert_refused(made[where]())


def test_a_token_of_8193_characters_is_too_long(gate: Gate) -> None:
    def padded(count: int) -> str:
        return plain(pad="x" * count)()

    count = next(count for count in range(5500, 6000) if len(padded(count)) > 8192)
    shorter, longer = padded(count - 1), padded(count)
    assert len(shorter) <= 8192 < len(longer) <= 8194
    assert gate.present(shorter).status == 200
    gate.credvend.records()
    gate.assert_refused(longer)


def nested_token() -> str:
    return sign(plain()().encode(), key(), honest_header(key(), cty="JWT"))


def nested_in_json() -> str:
    return sign(json.dumps(plain()()).encode(), key(), honest_header(key(), cty="JWT"))


def encrypted(parts: int = 5) -> str:
    head = encode(document({"alg": "RSA-OAEP", "enc": "A256GCM", "kid": "rsa-1", "cty": "JWT"}))
    return ".".join([head, encode(b"k" * 256), encode(b"i" * 12), encode(b"c" * 99), encode(b"t" * 16)][:parts])


def parts(*chosen: int) -> Make:
    """Parts of an honest token: 0, 1 and 2, and 3 for none."""
    return lambda: ".".join([*plain()().split("."), ""][part] for part in chosen)


def json_serialized() -> str:
    head, payload, good = plain()().split(".")
    return document({"payload": payload, "protected": head, "signature": good}).decode()


SHAPES: Final[dict[str, Make]] = {
    "a token in a token": nested_token,
    "a token in JSON in a token": nested_in_json,
    "claims that call themselves a token": with_header(cty="JWT"),
    "an encrypted token": encrypted,
    "an encrypted token of three parts": lambda: encrypted(3),
    "the JSON form": json_serialized,
    "one part": parts(1),
    "two parts": parts(0, 1),
    "header and signature": parts(0, 2),
    "four parts": parts(0, 1, 2, 2),
    "five parts": parts(0, 1, 2, 1, 2),
    "a dot after it": parts(0, 1, 2, 3),
    "a dot before it": parts(3, 0, 1, 2),
    "a dot in its middle": parts(0, 3, 1, 2),
    "no header": parts(3, 1, 2),
    "no payload": parts(0, 3, 2),
    "no signature": parts(0, 1, 3),
    "a signature alone": parts(3, 3, 2),
    "a payload alone": parts(3, 1, 3),
    "two dots": parts(3, 3, 3),
    "a dot": lambda: ".",
    "backwards": parts(2, 1, 0),
    "header and payload swapped": parts(1, 0, 2),
    "dots of another kind": lambda: plain()().replace(".", "\u3002"),
    "dots in percent": lambda: plain()().replace(".", "%2E"),
    "twice": lambda: plain()() + "." + plain()(),
    "text": lambda: "alice",
    "null": lambda: "null",
    "the word undefined": lambda: "undefined",
    "an access key id": lambda: "AKIAIOSFODNN7EXAMPLE",
    "an opaque token": lambda: "gho_16C7e42F292c6912E7710c838347Ae178B4a",
    "half of a surrogate pair": lambda: plain()() + "\ud800",
    "quotes around it": lambda: f'"{plain()()}"',
    "brackets around it": lambda: f"<{plain()()}>",
}


@pytest.mark.parametrize("make", each(SHAPES))
def test_what_does_not_have_the_three_parts_of_a_token_is_refused(gate: Gate, make: Make) -> None:
    gate.assert_refused(make())


# Base64: each of these is read as an honest token by a decoder that takes it easy.


ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
PARTS: Final = {"header": 0, "payload": 1, "signature": 2}


def with_segment(position: int, change: Callable[[str], str]) -> str:
    """An honest token with one part written otherwise; the signature is over what stands there.

    The parts are of lengths that leave bits over at their ends, and hold each of the characters `-` and `_`.
    """
    for count in range(2000):
        pad = f"{'p' * (count % 3)}~~~???>>>{count // 3}"
        head, payload, good = sign(honest_claims(pad=pad), key(), honest_header(key(), pad=pad)).split(".")
        chosen = (head, payload, good)[position]
        if len(chosen) % 4 == 0 or "-" not in chosen or "_" not in chosen:
            continue
        written = change(chosen)
        assert written != chosen or change is str
        if position == 2:
            return f"{head}.{payload}.{written}"
        return sign_input(f"{written}.{payload}" if position == 0 else f"{head}.{written}", key())
    raise AssertionError("no such token")


def _spare_bits(segment: str) -> str:
    loose = segment[:-1] + ALPHABET[ALPHABET.index(segment[-1]) + 1]
    assert decode(loose) == decode(segment)
    return loose


def _wide_digit(segment: str) -> str:
    return re.sub("[0-9]", lambda found: chr(ord(found[0]) + 0xFEE0), segment, count=1)


def inserted(text: str) -> Callable[[str], str]:
    return lambda segment: segment[:20] + text + segment[20:]


LOOSE: Final[dict[str, Callable[[str], str]]] = {
    "as it is, but for the padding": lambda segment: segment + "=" * (-len(segment) % 4),
    "one sign of padding": lambda segment: segment + "=",
    "padding too much": lambda segment: segment + "====",
    "padding before it": lambda segment: "=" + segment,
    "padding in percent": lambda segment: segment + "%3D",
    "a plus": lambda segment: segment.replace("-", "+"),
    "a slash": lambda segment: segment.replace("_", "/"),
    "the first alphabet": lambda segment: segment.replace("_", "/").replace("-", "+"),
    "bits left over": _spare_bits,
    "a character more": lambda segment: segment + "A" * (5 - len(segment) % 4),
    "a space": inserted(" "),
    "a tab": inserted("\t"),
    "a line end": inserted("\n"),
    "a line end of HTTP": inserted("\r\n"),
    "a folded line": inserted("\r\n "),
    "a NUL": inserted("\x00"),
    "an exclamation mark": inserted("!"),
    "padding in its middle": inserted("="),
    "a space without width": inserted("\u200b"),
    "a soft hyphen": inserted("\xad"),
    "half of a surrogate pair": inserted("\ud800"),
    "a digit of another script": _wide_digit,
    "a line end after it": lambda segment: segment + "\n",
    "a vertical tab after it": lambda segment: segment + "\x0b",
}


@pytest.mark.parametrize("change", each(LOOSE))
@pytest.mark.parametrize("part", PARTS)
def test_a_part_has_one_spelling(gate: Gate, part: str, change: Callable[[str], str]) -> None:
    token = with_segment(PARTS[part], change)
    gate.assert_refused(token)
    # What no header could bring is not read either.
    with pytest.raises(InvalidToken):
        read_token(token)


@pytest.mark.parametrize("part", PARTS)
def test_the_one_spelling_is_let_in(gate: Gate, part: str) -> None:
    assert gate.present(with_segment(PARTS[part], str)).status == 200


# The issuer


ISS: Final[dict[str, object]] = {
    "a slash after it": f"{ISSUER}/",
    "a path": f"{ISSUER}/tenant",
    "a dot after the host": f"{ISSUER}.",
    "a dot path": f"{ISSUER}/.",
    "a query": f"{ISSUER}?",
    "a fragment": f"{ISSUER}#",
    "a user": "https://user@id.example.com",
    "the host as a user": f"{ISSUER}@attacker.example.com",
    "a port": f"{ISSUER}:443",
    "a host below it": "https://a.id.example.com",
    "a host above it": "https://example.com",
    "a host that starts like it": f"{ISSUER}.attacker.example.com",
    "upper case": "https://ID.EXAMPLE.COM",
    "the scheme in upper case": "HTTPS://id.example.com",
    "http": "http://id.example.com",
    "no scheme": "id.example.com",
    "two slashes less": "https:id.example.com",
    "a Cyrillic letter": "https://id.ex\u0430mple.com",
    "a wide full stop": "https://id\uff0eexample.com",
    "wide letters": "https://\uff49\uff44.example.com",
    "a letter without width": "https://id.exam\u200bple.com",
    "punycode": "https://id.xn--exmple-4nf.com",
    "a dot in percent": "https://id%2eexample.com",
    "a NUL after it": f"{ISSUER}\x00",
    "a NUL and more after it": f"{ISSUER}\x00.attacker.example.com",
    "a space before it": f" {ISSUER}",
    "a space after it": f"{ISSUER} ",
    "a line end after it": f"{ISSUER}\n",
    "a backslash": "https:\\\\id.example.com",
    "half of a surrogate pair": "\ud800",
    "the name in the configuration": "main",
    "unknown": "https://attacker.example.com",
    "metadata of the machine": "http://169.254.169.254/",
    "this machine": "http://127.0.0.1:80",
    "a file": "file:///dev/null",
    "5 kB": ISSUER + "/" + "x" * 5000,
    "empty": "",
    "a list": [ISSUER],
    "an object": {"iss": ISSUER},
    "a number": 7,
    "true": True,
    "null": None,
    "missing": ABSENT,
}


@pytest.mark.parametrize("iss", each(ISS))
def test_an_issuer_is_trusted_by_its_exact_name_alone(gate: Gate, iss: object) -> None:
    gate.assert_refused(plain(iss=iss)())


def test_an_issuer_in_the_header_is_not_the_issuer(gate: Gate) -> None:
    gate.assert_refused(with_header(lambda: honest_claims(iss=ABSENT), iss=ISSUER)())


# The audience


AUD: Final[dict[str, object]] = {
    "another": "else",
    "of another issuer": "others",
    "of another issuer, in a list": ["others"],
    "of the same issuer's neighbour": "second",
    "the start of it": "cred",
    "the end of it": "vend",
    "it and more": "credvend2",
    "a word of it": "credvend other",
    "comma-joined": "credvend,other",
    "upper case": "Credvend",
    "a slash after it": "credvend/",
    "a URL": "https://credvend",
    "a space before it": " credvend",
    "a space after it": "credvend ",
    "a NUL after it": "credvend\x00",
    "a line end after it": "credvend\n",
    "wide letters": "\uff43redvend",
    "a star": "*",
    "half of a surrogate pair": "\ud800",
    "its letters": list("credvend"),
    "empty": "",
    "an empty list": [],
    "a list with nothing in it": [""],
    "a list in a list": [["credvend"]],
    "a list beside the right one": ["credvend", ["else"]],
    "a number beside the right one": ["credvend", 7],
    "null beside the right one": ["credvend", None],
    "an object beside the right one": [{}, "credvend"],
    "an object": {"credvend": True},
    "an object in a list": [{"credvend": "credvend"}],
    "JSON": '["credvend"]',
    "a number": 7,
    "zero": 0,
    "true": True,
    "null": None,
    "missing": ABSENT,
}


@pytest.mark.parametrize("aud", each(AUD))
def test_a_token_for_somebody_else_is_refused(gate: Gate, aud: object) -> None:
    gate.assert_refused(plain(aud=aud)())


@pytest.mark.parametrize(
    "client", each({"missing": ABSENT, "another": "else", "null": None, "a number": 7, "upper case": "CREDVEND"})
)
def test_an_audience_in_another_claim_than_the_issuers_does_not_count(gate: Gate, client: object) -> None:
    gate.assert_refused(sign(honest_claims(iss="https://cognito.example.com", client_id=client), key()))


def test_the_audience_of_one_issuer_is_not_that_of_another(gate: Gate) -> None:
    gate.assert_refused(sign(honest_claims(iss=OTHER), rsa_key("rsa-1", OTHER)))


def test_an_authorized_party_is_no_audience(gate: Gate) -> None:
    gate.assert_refused(plain(aud="else", azp=AUDIENCE, client_id=AUDIENCE)())


# Time


def at(name: str, seconds: float) -> Make:
    """A token with a moment from now in one claim."""
    return lambda: plain(**{name: int(soon(seconds))})()


def literally(name: str, literal: str) -> Make:
    """A token with a claim written just so."""
    return lambda: sign(text_of(honest_claims(), name, literal), key())


TIMES: Final[dict[str, Make]] = {
    **{
        f"{name} {what}": literally(name, literal)
        for name in ("exp", "iat", "nbf")
        for what, literal in {
            "true": "true",
            "false": "false",
            "null": "null",
            "empty": '""',
            "a date": '"2999-01-01T00:00:00Z"',
            "a list": "[9999999999]",
            "an object": "{}",
            "without end": "1e400",
            "without start": "-1e400",
            "not a number": "NaN",
            "Infinity": "Infinity",
            "of 5000 digits": "1" * 5000,
            "in hexadecimal": "0xffffffff",
            "with a zero before it": "09999999999",
            "with a plus": "+9999999999",
        }.items()
    },
    "exp as text": lambda: plain(exp=str(int(soon(600))))(),
    "iat as text": lambda: plain(iat=str(int(soon(-1))))(),
    "nbf as text": lambda: plain(nbf=str(int(soon(-1))))(),
    "exp missing": plain(exp=ABSENT),
    "exp zero": plain(exp=0),
    "exp negative": plain(exp=-1),
    "exp far below": literally("exp", "-1e300"),
    "exp beyond the leeway": at("exp", -32),
    "exp an hour ago": at("exp", -3600),
    "exp in a fraction beyond the leeway": lambda: plain(exp=soon(-32) + 0.5)(),
    "iat missing": plain(iat=ABSENT),
    "iat zero": plain(iat=0),
    "iat negative": plain(iat=-1),
    "iat far below": literally("iat", "-1e300"),
    "iat far above": literally("iat", "1e300"),
    "iat in the future": at("iat", 120),
    "iat next year": at("iat", 365 * 86_400),
    "iat in milliseconds": lambda: plain(iat=int(soon(0) * 1000))(),
    "iat older than a day": at("iat", -86_400 - 60),
    "iat a year ago": at("iat", -365 * 86_400),
    "nbf in the future": at("nbf", 120),
    "nbf far above": literally("nbf", "1e300"),
    "nbf in milliseconds": lambda: plain(nbf=int(soon(0) * 1000))(),
    "iat older than its issuer's tokens get": lambda: sign(strict_claims(iat=int(soon(-3600 - 120))), key()),
    "exp beyond its issuer's leeway": lambda: sign(strict_claims(exp=int(soon(-62))), key()),
}


@pytest.mark.parametrize("make", each(TIMES))
def test_a_token_out_of_its_time_is_refused(gate: Gate, make: Make) -> None:
    gate.assert_refused(make())


@pytest.mark.parametrize("exp", ["1e300", "1e15", "9" * 400, "253402300800", "18446744073709551616"])
def test_an_end_beyond_all_calendars_breaks_nothing(gate: Gate, exp: str) -> None:
    """The token ends by its age: what it says of its end may be taken or refused, but not fail."""
    answer = gate.present(literally("exp", exp)())
    assert answer.status in (200, 401), answer.text


# The subject


SUB: Final[dict[str, object]] = {
    "missing": ABSENT,
    "empty": "",
    "a number": 7,
    "zero": 0,
    "true": True,
    "false": False,
    "null": None,
    "a list": [SUBJECT],
    "an empty list": [],
    "an object": {"sub": SUBJECT},
    "5 kB": "s" * 5000,
    "a NUL": "alice\x00",
    "a NUL alone": "\x00",
    "a tab": "alice\tx",
    "a line end": "alice\n",
    "a line end of Unicode": "alice\u2028",
    "an escape sequence of terminals": "alice\x1b[2K",
    "half of a surrogate pair": "alice\ud800",
}


@pytest.mark.parametrize("sub", each(SUB))
def test_a_token_without_a_proper_subject_is_refused(gate: Gate, sub: object) -> None:
    gate.assert_refused(plain(sub=sub)())


@pytest.mark.parametrize(
    "user",
    each(
        {
            "missing": ABSENT,
            "null": None,
            "text": "alice",
            "a list": [{"id": "alice"}],
            "without it": {},
            "with null": {"id": None},
            "with an object": {"id": {"id": "alice"}},
            "with a list": {"id": ["alice"]},
            "with a number": {"id": 7},
        }
    ),
)
def test_a_subject_is_not_found_beside_its_path(gate: Gate, user: object) -> None:
    claims = honest_claims(iss="https://nested.example.com", user=user)
    claims |= {"id": "alice", "user.id": "alice", "user/id": "alice"}
    gate.assert_refused(sign(claims, key()))


# Required claims


REQUIRED: Final[dict[str, dict[str, object]]] = {
    "missing": {"repository_owner": ABSENT},
    "another value": {"repository_owner": "attacker"},
    "more than the value": {"repository_owner": "acme2"},
    "the start of the value": {"repository_owner": "acm"},
    "upper case": {"repository_owner": "Acme"},
    "a space": {"repository_owner": "acme "},
    "a NUL": {"repository_owner": "acme\x00"},
    "null": {"repository_owner": None},
    "empty": {"repository_owner": ""},
    "a list": {"repository_owner": ["acme"]},
    "a list with others": {"repository_owner": ["attacker", "acme"]},
    "an object": {"repository_owner": {"acme": True}},
    "true": {"repository_owner": True},
    "a number": {"repository_owner": 7},
    "a star": {"repository_owner": "*"},
    "in another case of the name": {"repository_owner": ABSENT, "Repository_Owner": "acme"},
    "further in": {"repository_owner": ABSENT, "x": {"repository_owner": "acme"}},
    "none of several": {"token_use": "refresh"},
    "several of several": {"token_use": ["access", "id"]},
    "all of several as text": {"token_use": "['access', 'id']"},
    "the one of several missing": {"token_use": ABSENT},
    "anything missing": {"jti": ABSENT},
    "anything null": {"jti": None},
}


@pytest.mark.parametrize("changes", each(REQUIRED))
def test_a_token_without_what_its_issuer_must_say_is_refused(gate: Gate, changes: dict[str, object]) -> None:
    gate.assert_refused(sign(strict_claims(**changes), key()))


def flag_claims(**changes: object) -> Json:
    honest = {"iss": "https://flags.example.com", "verified": True, "level": 1, "text": "true"}
    return honest_claims(**honest | changes)


def test_required_claims_that_are_no_texts_are_let_in(gate: Gate) -> None:
    assert gate.present(sign(flag_claims(), key())).status == 200


def test_a_claim_with_any_name_leaves_the_challenge_well_formed(gate: Gate) -> None:
    claims = honest_claims(iss="https://quoted.example.com")
    assert gate.present(sign(claims | {'a"b\\c é': "x"}, key())).status == 200
    gate.credvend.records()
    gate.assert_refused(sign(claims, key()))


FLAGS: Final[dict[str, dict[str, object]]] = {
    "one for true": {"verified": 1},
    "a fraction for true": {"verified": 1.0},
    "text for true": {"verified": "true"},
    "text of Python for true": {"verified": "True"},
    "false for true": {"verified": False},
    "true in a list": {"verified": [True]},
    "true for one": {"level": True},
    "text for one": {"level": "1"},
    "two for one": {"level": 2},
    "true for text": {"text": True},
    "one for text": {"text": 1},
}


@pytest.mark.parametrize("changes", each(FLAGS))
def test_a_required_claim_is_of_its_own_type(gate: Gate, changes: dict[str, object]) -> None:
    gate.assert_refused(sign(flag_claims(**changes), key()))


# Groups


def group_token(issuer: str, groups: object, **changes: object) -> str:
    return sign(honest_claims(iss=f"https://{issuer}.example.com", groups=groups, **changes), key())


FORBIDDEN: Final = ("POST", "/v1/credentials", '{"role": "forbidden"}')


@pytest.mark.parametrize("groups", each({"text": "admins", "a list": ["admins"], "among others": ["x", "admins"]}))
def test_a_member_of_the_group_is_let_in(gate: Gate, groups: object) -> None:
    assert gate.present(group_token("grouped", groups), FORBIDDEN).status == 200


OUTSIDERS: Final[dict[str, Make]] = {
    "no group": lambda: group_token("grouped", ABSENT),
    "an empty list": lambda: group_token("grouped", []),
    "upper case": lambda: group_token("grouped", ["Admins"]),
    "a space after it": lambda: group_token("grouped", ["admins "]),
    "the start of it": lambda: group_token("grouped", ["admin"]),
    "with a comma": lambda: group_token("grouped", "x,admins"),
    "with a space": lambda: group_token("grouped", "x admins"),
    "the name in policies": lambda: group_token("grouped", ["grouped:admins"]),
    "another issuer's group of that name": lambda: group_token("crowd", ["admins"]),
    "another issuer's group of the name in policies": lambda: group_token("crowd", ["grouped:admins"]),
    "an issuer that is not asked for groups": lambda: group_token("id", ["admins", "grouped:admins"]),
    "the subject of that name": lambda: group_token("grouped", ["x"], sub="admins"),
    "a subject with the name in policies": lambda: group_token("crowd", ["x"], sub="grouped:admins"),
    "another claim": lambda: group_token("grouped", ABSENT, roles=["admins"], Groups=["admins"]),
    "an entity": lambda: group_token("grouped", ['x", OidcGroup::"grouped:admins']),
}


@pytest.mark.parametrize("make", each(OUTSIDERS))
def test_who_is_not_in_the_group_is_not_let_in(gate: Gate, make: Make) -> None:
    answer = gate.present(make(), FORBIDDEN)
    assert (answer.status, answer.body["Code"]) == (403, "AccessDenied")
    assert gate.credvend.sts.asked == []
    (record,) = gate.credvend.records()
    assert (record["event"], record["policies"]) == ("credentials.denied", [])


GROUPS: Final[dict[str, object]] = {
    "a number": 7,
    "true": True,
    "an object": {"admins": True},
    "a list in a list": [["admins"]],
    "an object in a list": [{"admins": True}],
    "a number beside the right one": ["admins", 7],
    "null beside the right one": ["admins", None],
    "a NUL": ["admins\x00"],
    "half of a surrogate pair": ["\ud800"],
}


@pytest.mark.parametrize("groups", each(GROUPS))
def test_groups_that_are_no_texts_are_refused(gate: Gate, groups: object) -> None:
    gate.assert_refused(group_token("grouped", groups))


# The HTTP header


WHEREABOUTS: Final[dict[str, Callable[[str], dict[str, str]]]] = {
    "X-Authorization": lambda token: {"X-Authorization": f"Bearer {token}"},
    "Proxy-Authorization": lambda token: {"Proxy-Authorization": f"Bearer {token}"},
    "X-Forwarded-Authorization": lambda token: {"X-Forwarded-Authorization": f"Bearer {token}"},
    "Authentication": lambda token: {"Authentication": f"Bearer {token}"},
    "Authorization and a space": lambda token: {"Authorization ": f"Bearer {token}"},
    "X-Access-Token": lambda token: {"X-Access-Token": token},
    "X-Amz-Security-Token": lambda token: {"X-Amz-Security-Token": token},
    "X-Amzn-Oidc-Data": lambda token: {"X-Amzn-Oidc-Data": token, "X-Amzn-Oidc-Accesstoken": token},
    "Bearer": lambda token: {"Bearer": token},
    "Cookie": lambda token: {"Cookie": f"access_token={token}; Authorization=Bearer {token}"},
    "nowhere": lambda _: {},
}


@pytest.mark.parametrize("where", each(WHEREABOUTS))
def test_a_token_elsewhere_than_in_the_header_is_no_token(gate: Gate, where: Callable[[str], dict[str, str]]) -> None:
    token = plain()()
    for door in DOORS:
        gate.assert_turned_away(gate.send(where(token), door), token, "Unauthenticated")


@pytest.mark.parametrize("name", ["access_token", "Authorization", "token", "id_token"])
def test_a_token_in_the_query_is_no_token(gate: Gate, name: str) -> None:
    token = plain()()
    for door in DOORS:
        gate.assert_turned_away(gate.send({}, door, query={name: token}), token, "Unauthenticated")


@pytest.mark.parametrize("form", ["form", "json", "text"])
def test_a_token_in_the_body_is_no_token(gate: Gate, form: str) -> None:
    token = plain()()
    kind, body = {
        "form": ("application/x-www-form-urlencoded", f"access_token={token}"),
        "json": ("application/json", json.dumps({"role": "reader", "access_token": token})),
        "text": ("application/jwt", token),
    }[form]
    answer = gate.send({"Content-Type": kind}, ("POST", "/v1/credentials", body))
    gate.assert_turned_away(answer, token, "Unauthenticated")


SCHEMES: Final[dict[str, str]] = {
    "Basic": "Basic {}",
    "Token": "Token {}",
    "JWT": "JWT {}",
    "DPoP": "DPoP {}",
    "MAC": "MAC {}",
    "Negotiate": "Negotiate {}",
    "no scheme": "{}",
    "the scheme without a token": "Bearer",
    "the scheme and a space": "Bearer ",
    "the scheme in small and nothing": "bearer",
    "no space": "Bearer{}",
    "a colon": "Bearer: {}",
    "an equals sign": "Bearer={}",
    "a comma": "Bearer,{}",
    "a tab": "Bearer\t{}",
    "a line end": "Bearer\n{}",
    "a space that does not break": "Bearer\xa0{}",
    "a vertical tab": "Bearer\x0b{}",
    "a parameter": 'Bearer token="{}"',
    "two tokens": "Bearer {0} {0}",
    "two tokens and a comma": "Bearer {0},{0}",
    "two schemes and a comma": "Bearer {0}, Bearer {0}",
    "Basic first": "Basic YWxpY2U6eA==, Bearer {0}",
    "Basic last": "Bearer {0}, Basic YWxpY2U6eA==",
    "the scheme twice": "Bearer Bearer {}",
    "a word after it": "Bearer {} x",
    "a word before it": "x Bearer {}",
    "a look-alike": "\u0412earer {}",
    "a long s": "Bea\u017fer {}",
    "a dotless letter": "Bearer\u0131 {}",
    "a SigV4 signature": "AWS4-HMAC-SHA256 Credential={}, SignedHeaders=host, Signature=0",
    "empty": "",
    "a space": " ",
}


@pytest.mark.parametrize("header", each(SCHEMES))
def test_a_header_that_is_not_one_bearer_token_is_refused(gate: Gate, header: str) -> None:
    """Either code is true: there is no token, or none that counts."""
    token = plain()()
    for door in DOORS:
        answer = gate.send({"Authorization": header.format(token)}, door)
        assert_either(gate, answer, token)


def assert_either(gate: Gate, answer: Answer, token: str) -> Json:
    code = "Unauthenticated" if answer.body.get("Code") == "Unauthenticated" else "InvalidToken"
    return gate.assert_turned_away(answer, token, code)


def event(headers: object, multi: object, door: tuple[str, str, str | None] = DOORS[0]) -> Json:
    """An event as API Gateway sends it: `headers` holds the last of each header, `multiValueHeaders` all of them."""
    method, path, body = door
    return rest_event(method, path, body=body) | {"headers": headers, "multiValueHeaders": multi}


def answer_to(given: Json) -> Answer:
    answer = app_module.app(given, None)
    return Answer(answer["statusCode"], answer["headers"], answer["body"], json.loads(answer["body"]))


@pytest.mark.parametrize("multi", each({"one": True, "none": None, "empty": {}}))
def test_one_header_is_let_in_however_the_event_says_it(gate: Gate, multi: object) -> None:
    value = f"Bearer {plain()()}"
    all_of_them = {"Authorization": [value]} if multi is True else multi
    assert answer_to(event({"Authorization": value}, all_of_them)).status == 200


# T stands for the honest token; the last value is the one that `headers` holds.
SEVERAL: Final[dict[str, dict[str, list[str]]]] = {
    "the same twice": {"Authorization": ["Bearer T", "Bearer T"]},
    "honest last": {"Authorization": ["Bearer x", "Bearer T"]},
    "honest first": {"Authorization": ["Bearer T", "Bearer x"]},
    "Basic first": {"Authorization": ["Basic YWxpY2U6eA==", "Bearer T"]},
    "Basic last": {"Authorization": ["Bearer T", "Basic YWxpY2U6eA=="]},
    "an empty one first": {"Authorization": ["", "Bearer T"]},
    "an empty one last": {"Authorization": ["Bearer T", ""]},
    "in two cases": {"Authorization": ["Bearer T"], "authorization": ["Bearer T"]},
    "in two cases, honest last": {"authorization": ["Bearer x"], "Authorization": ["Bearer T"]},
    "in two cases, honest first": {"AUTHORIZATION": ["Bearer T"], "authorization": ["Bearer x"]},
    "three": {"Authorization": ["Bearer T"] * 3},
}


@pytest.mark.parametrize("headers", each(SEVERAL))
def test_more_than_one_header_is_refused(gate: Gate, headers: dict[str, list[str]]) -> None:
    token = plain()()
    multi = {name: [value.replace("T", token) for value in values] for name, values in headers.items()}
    for door in DOORS:
        answer = answer_to(event({name: values[-1] for name, values in multi.items()}, multi, door))
        assert_either(gate, answer, token)


# The two families of routes


IAM_DOORS: Final = tuple((method, path.replace("/v1/", "/v1/iam/"), body) for method, path, body in DOORS)


@pytest.mark.parametrize("door", IAM_DOORS, ids=[door[1] for door in IAM_DOORS])
def test_a_token_counts_for_nothing_where_iam_is_asked_for(gate: Gate, door: tuple[str, str, str | None]) -> None:
    token = plain()()
    assert_either(gate, gate.send({"Authorization": f"Bearer {token}"}, door), token)


@pytest.mark.parametrize("door", DOORS, ids=[door[1] for door in DOORS])
def test_an_iam_identity_counts_for_nothing_where_a_token_is_asked_for(
    gate: Gate, door: tuple[str, str, str | None]
) -> None:
    gate.assert_turned_away(gate.send({}, door, identity=iam_user()), "", "Unauthenticated")


def test_a_token_says_who_calls_whatever_else_the_event_holds(gate: Gate) -> None:
    honest = gate.present(plain()())
    context = {"authorizer": {"claims": {"sub": "bob"}, "principalId": "bob", "jwt": {"claims": {"sub": "bob"}}}}
    headers = {"Authorization": f"Bearer {plain()()}", "X-Amzn-Oidc-Identity": "bob", "X-Forwarded-User": "bob"}
    lied = gate.send(headers, identity=iam_user(), context=context)
    assert honest.status == lied.status == 200 and honest.body == lied.body and "bob" not in lied.text


def test_a_failed_token_is_on_record_with_what_it_claims(gate: Gate) -> None:
    token = sign(honest_claims(), attacker())
    record = gate.assert_turned_away(gate.present(token), token)
    assert (record["issuer"], record["key_id"]) == ("main", "rsa-1")


def test_an_unknown_issuer_is_not_on_record_as_a_known_one(gate: Gate) -> None:
    token = plain(iss="https://attacker.example.com")()
    assert "issuer" not in gate.assert_turned_away(gate.present(token), token)


def test_a_bad_token_is_refused_before_the_request_is_looked_at(gate: Gate) -> None:
    token = sign(honest_claims(), attacker())
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "text/plain"}
    answer = gate.send(headers, ("POST", "/v1/credentials", "{"), query={"a": "b"})
    gate.assert_turned_away(answer, token)


# Names: callers that are made to be taken for another


def tags(asked: Mapping[str, str]) -> dict[str, str]:
    keys = (name for name in asked if re.fullmatch(r"Tags\.member\.\d+\.Key", name))
    return {asked[name]: asked[name.removesuffix("Key") + "Value"] for name in keys}


def issuer_url(name: str) -> str:
    return {"main": ISSUER, "every": "https://every.example.com"}.get(name, f"https://names.example.com/{name}")


def names_of(gate: Gate, issuer: str, subject: str) -> tuple[str, str]:
    """The session name and the tag that a subject gets; both of a form that STS takes."""
    asked = gate.vended(sign(honest_claims(iss=issuer_url(issuer), sub=subject), key()))
    name, tag = asked["RoleSessionName"], tags(asked)["credvend:caller"]
    assert asked["SourceIdentity"] == name and re.fullmatch(r"[A-Za-z0-9_+=,.@-]{2,64}", name, re.ASCII)
    assert re.fullmatch(r"[A-Za-z0-9 _.:/=+@-]{1,256}", tag, re.ASCII)
    return name, tag


PAIRS: Final[dict[str, tuple[tuple[str, str], tuple[str, str]]]] = {
    "the same subject of two issuers": (("main", "alice"), ("a", "alice")),
    "case": (("main", "alice"), ("main", "Alice")),
    "case at the end of a long one": (("main", "s" * 70 + "a"), ("main", "s" * 70 + "A")),
    "a space after it": (("main", "alice"), ("main", "alice ")),
    "a space before it": (("main", "alice"), ("main", " alice")),
    "a colon for an underscore": (("main", "a:b"), ("main", "a_b")),
    "a slash for an underscore": (("main", "a/b"), ("main", "a_b")),
    "a star for an underscore": (("main", "a*b"), ("main", "a_b")),
    "one foreign character for another": (("main", "a*b"), ("main", "a|b")),
    "one script for another": (("main", "иван"), ("main", "ивам")),
    "composed and decomposed": (("main", "\u00e9"), ("main", "e\u0301")),
    "a compatible letter": (("main", "K"), ("main", "\u212a")),
    "a ligature": (("main", "fi"), ("main", "\ufb01")),
    "a letter that upper-cases alike": (("main", "ss"), ("main", "\u00df")),
    "the end of a long one": (("main", "s" * 70 + "a"), ("main", "s" * 70 + "b")),
    "the end of one longer than a tag": (("main", "s" * 250 + "a"), ("main", "s" * 250 + "b")),
    "the end of one with foreign characters": (("main", "*" * 70 + "a"), ("main", "*" * 70 + "b")),
    "long and a bit longer": (("main", "s" * 64), ("main", "s" * 65)),
    "an equals sign between": (("a", "b=alice"), ("a-b", "alice")),
    "a subject that starts with an issuer": (("a", "a-b=alice"), ("a-b", "alice")),
    "a dash between": (("a", "b-alice"), ("a-b", "alice")),
    "a dash between, hashed": (("a", "b-*"), ("a-b", "*")),
    "a dash between, hashed, with a dash at the end": (("a-b", "-*"), ("a-b-", "*")),
    # The hash of a join would be one and the same, and so is the start of the subject, which is all that is shown.
    "a dash between, hashed, and alike": (("a", "b-" * 41), ("a-b", "b-" * 40)),
    "a dot between, hashed, and alike": (("a", "b." * 41), ("a.b", "b." * 40)),
    "an underscore between, hashed, and alike": (("a", "b_" * 41), ("a_b", "b_" * 40)),
    "a dot between": (("a", ".b=alice"), ("a.b", "alice")),
    "a colon between": (("a", "b:alice"), ("a-b", ":alice")),
    "underscore and dash in the issuer": (("a_b", "alice"), ("a-b", "alice")),
    "underscore and dot in the issuer, hashed": (("a_b", "*"), ("a.b", "*")),
    "long names of issuers": (("x" * 64, "alice"), ("x" * 63 + "y", "alice")),
    "a name that has the subject in it": (("main", "alice"), ("main-alice", "alice")),
    "a kind as issuer": (("user", f"alice@{ACCOUNT}"), ("main", f"user=alice@{ACCOUNT}")),
    "the prefix as issuer": (("oidc", "main=alice"), ("main", "alice")),
    "the prefix in the subject": (("main", "oidc:main:alice"), ("main", "alice")),
    "the readable name as subject": (("main", "oidc=main=alice"), ("main", "alice")),
}


@pytest.mark.parametrize("pair", each(PAIRS))
def test_two_subjects_never_share_a_session_name_or_a_tag(
    gate: Gate, pair: tuple[tuple[str, str], tuple[str, str]]
) -> None:
    one, other = (names_of(gate, *caller) for caller in pair)
    assert one[0] != other[0] and one[1] != other[1]


LIKE_IAM: Final = (
    f"alice@{ACCOUNT}",
    f"user=alice@{ACCOUNT}",
    f"=alice@{ACCOUNT}",
    f"=user=alice@{ACCOUNT}",
    f"arn:aws:iam::{ACCOUNT}:user/alice",
    "alice",
    "user",
)


@pytest.mark.parametrize("subject", LIKE_IAM)
@pytest.mark.parametrize("issuer", ["main", "user", "oidc"])
def test_no_subject_is_taken_for_an_iam_user(gate: Gate, issuer: str, subject: str) -> None:
    answer = gate.credvend.vend({"role": "reader"})
    assert answer.status == 200, answer.text
    asked = gate.credvend.sts.asked[-1]
    name, tag = names_of(gate, issuer, subject)
    assert name.startswith(("oidc=", "oidc-")) and name != asked["RoleSessionName"] == f"user=alice@{ACCOUNT}"
    assert tag.startswith(f"oidc:{issuer}:") and tag != tags(asked)["credvend:caller"]


FOREIGN: Final = {
    "a foreign character": "alice*x",
    "a long one": "s" * 300,
    "both": "*" * 300,
    "another script": "алиса",
}


@pytest.mark.parametrize("victim", each(FOREIGN))
def test_a_subject_cannot_be_the_tag_that_another_one_gets(gate: Gate, victim: str) -> None:
    """A tag that is cut or cleaned ends in a hash; a subject may hold the same text as it is."""
    name, tag = names_of(gate, "main", victim)
    forged = tag.removeprefix("oidc:main:")
    assert forged != tag and forged != victim
    assert names_of(gate, "main", forged)[1] != tag
    assert names_of(gate, "main", forged)[0] != name


@pytest.mark.parametrize("victim", each(FOREIGN))
def test_a_subject_cannot_be_the_session_name_that_another_one_gets(gate: Gate, victim: str) -> None:
    name, _ = names_of(gate, "main", victim)
    assert name.startswith("oidc-")
    for forged in (name, name.removeprefix("oidc-"), name.removeprefix("oidc-main-"), name.replace("-", "=")):
        assert names_of(gate, "main", forged)[0] != name


@pytest.mark.parametrize(
    "subject",
    ['alice" } permit(', 'x"::OidcSubject::"main:alice', "alice\\", "*", "${aws:username}", "{{7*7}}", "__proto__"],
)
def test_a_subject_is_never_read_as_policy(gate: Gate, subject: str) -> None:
    names_of(gate, "main", subject)
    records = gate.credvend.records()
    assert [record["caller"] for record in records] == [f"oidc:main:{subject}"] * 2
    assert all(record["policies"] == ["whoever-has-a-token"] for record in records)
