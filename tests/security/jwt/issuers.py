"""The issuers that the tests' tokens come from, with their key sets: files, so that nothing asks the network."""

from dataclasses import replace
from pathlib import Path
from typing import Final

from testing.app import POLICIES, Json, write_config
from testing.tokens import AUDIENCE, ISSUER, Key, document, ec_key, ed_key, encode, key_set, rsa_key

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
  - name: roles
    issuer: https://roles.example.com
    audiences: [{AUDIENCE}]
    groups_claim: roles
    jwks_file: keys/main.json
  - name: mapped
    issuer: https://mapped.example.com
    audiences: [{AUDIENCE}]
    subject_claim: email
    groups_claim: [realm, roles]
    claims: {{team: team, city: [office, city]}}
    required_claims: {{tenant: "*"}}
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
@id("no-contractors") forbid (principal, action, resource)
when { principal in OidcGroup::"grouped:contractors" || principal in OidcGroup::"roles:contractors" };
"""
)


def key() -> Key:
    """The key that honest tokens of `main` are signed with."""
    return rsa_key("rsa-1")


def curve_key() -> Key:
    """The same on a curve."""
    return ec_key("ec-1")


def write_issuers(directory: Path) -> Path:
    """Write a configuration that trusts these issuers; returns its directory."""
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


def attacker() -> Key:
    """A key of no issuer, under the name of main's own."""
    return rsa_key("rsa-1", "attacker")
