from pathlib import Path

import pytest

from chalicelib.callers.oidc.issuer import Issuer
from chalicelib.configuration.issuers_file import load_issuers
from chalicelib.errors import ConfigError

GOOD = """
issuers:
  - name: github
    issuer: https://token.actions.githubusercontent.com
    audiences: [credvend]
"""


def load(tmp_path: Path, text: str, allow_loopback_http: bool = False) -> tuple[Issuer, ...]:
    (tmp_path / "issuers.yaml").write_text(text)
    return load_issuers(tmp_path / "issuers.yaml", allow_loopback_http)


def with_key(line: str) -> str:
    return f"{GOOD}    {line}\n"


def test_without_the_file_nobody_is_believed(tmp_path: Path) -> None:
    assert load_issuers(tmp_path / "issuers.yaml", False) == ()


def test_what_is_not_said_is_strict(tmp_path: Path) -> None:
    (issuer,) = load(tmp_path, GOOD)
    assert issuer.algorithms == {"RS256", "ES256"} and issuer.types == {None, "jwt"}
    assert (issuer.audience_claim, issuer.subject_claim, issuer.groups_claim) == ("aud", ("sub",), None)
    assert (issuer.max_age, issuer.leeway, issuer.single_use) == (86_400, 30, False)


def test_a_month_is_the_longest_age(tmp_path: Path) -> None:
    (issuer,) = load(tmp_path, with_key("max_age: 30d"))
    assert issuer.max_age == 2_592_000


def test_every_key_is_read(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys/k8s.json").write_text("{}")
    text = (
        GOOD
        + """
    algorithms: [EdDSA]
    jwks_file: keys/k8s.json
    audience_claim: client_id
    subject_claim: [kubernetes.io, serviceaccount, name]
    groups_claim: groups
    claims: {namespace: [kubernetes.io, namespace], ref: ref}
    required_claims: {repository_owner: acme, token_use: [access, id], admin: true, jti: "*"}
    types: [application/AT+JWT]
    max_age: 1h
    leeway: 0
    single_use: true
"""
    )
    (issuer,) = load(tmp_path, text)
    assert issuer.subject_claim == ("kubernetes.io", "serviceaccount", "name")
    assert dict(issuer.claims) == {"namespace": ("kubernetes.io", "namespace"), "ref": ("ref",)}
    assert dict(issuer.required_claims) == {
        "repository_owner": ("acme",),
        "token_use": ("access", "id"),
        "admin": (True,),
        "jti": (),
    }
    assert issuer.types == {"at+jwt"} and (issuer.max_age, issuer.leeway) == (3600, 0)
    assert issuer.single_use is True


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("algorithms: [HS256]", "'HS256' is not"),
        ("algorithms: [none]", "'none' is not"),
        ("algorithms: [rs256]", "'rs256' is not"),
        ("algorithms: []", "`algorithms`"),
        ("jwks_uri: http://example.com/keys", "`jwks_uri` must be an https URL"),
        ("jwks_uri: https://user@example.com/keys", "without user"),
        ("jwks_uri: https://example.com/#", "without user or fragment"),
        ("jwks_uri: file:///etc/passwd", "`jwks_uri` must be an https URL"),
        ("jwks_file: ../secret.json", "such as keys/NAME.json"),
        ("jwks_file: /etc/passwd", "such as keys/NAME.json"),
        ("jwks_file: keys/none.json", "is not there"),
        ("leeway: 6m", "at most 5m"),
        ("leeway: soon", "`leeway`"),
        ("max_age: -1", "`max_age`"),
        ("max_age: 31d", "`max_age` must be at most 30d"),
        ("max_age: 2592001", "`max_age` must be at most 30d"),
        ("single_use: 'yes'", "`single_use`"),
        ("required_claims: {a: []}", "without a value"),
        ("subject_claim: []", "`subject_claim` must not be empty"),
        ("groups_claim: {a: b}", "`groups_claim` must be a text or a list, and is keys with values"),
        ("claims: [team]", "`claims` must be keys with values, and is a list"),
        ("jwks_uri: gitlab.com/oauth/discovery/keys", "did you mean https://gitlab.com/oauth/discovery/keys?"),
        ("nothing_alike_at_all: x", "unknown field `nothing_alike_at_all`; the keys are name, issuer, audiences"),
        ("types: []", "types"),
        ("types: [1]", "`types[0]` must be a text, and is a whole number: write it in quotes"),
        ("required_claims: {ver: 2.0}", "and is a number with a point: write it in quotes"),
        ("required_claims: {ver: [2.0]}", "and is a number with a point: write it in quotes"),
        ("groups_claim: 5", "and is a whole number: write it in quotes"),
        ("audience_claim: yes", "and is true or false: write it in quotes"),
        ("jwks_uri: https://example.com:99999/keys", "`jwks_uri` Port out of range"),
        ("audience: x", "unknown field `audience`: did you mean `audiences`? The keys are name, issuer, audiences"),
    ],
)
def test_a_wrong_key_is_named_by_file_issuer_and_field(tmp_path: Path, line: str, words: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, with_key(line))
    (problem,) = raised.value.problems
    assert problem.startswith("issuers.yaml: issuer 'github': ") and words in problem


def test_a_duration_is_never_to_be_quoted(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, with_key("max_age: 1.5"))
    assert "quotes" not in raised.value.problems[0]


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8080", "http://localhost", "http://10.0.0.1", "http://example.com", "https://a:b@example.com"],
)
def test_an_issuer_is_reached_with_tls_alone(tmp_path: Path, url: str) -> None:
    text = GOOD.replace("https://token.actions.githubusercontent.com", url)
    with pytest.raises(ConfigError):
        load(tmp_path, text)
    # For tests, one on this very machine may do without; no other.
    if url == "http://127.0.0.1:8080":
        assert load(tmp_path, text, allow_loopback_http=True)[0].url == url
    else:
        with pytest.raises(ConfigError):
            load(tmp_path, text, allow_loopback_http=True)


def test_no_two_issuers_share_a_name_or_a_url(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, GOOD + GOOD.replace("\nissuers:\n", ""))
    assert len(raised.value.problems) == 2


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("gitlab.com", "https://gitlab.com"),
        ("gitlab.example.com:8443/a", "https://gitlab.example.com:8443/a"),
        ("http://gitlab.com", "https://gitlab.com"),
        ("HTTPS://gitlab.com", "https://gitlab.com"),
        ("//gitlab.com", "https://gitlab.com"),
    ],
)
def test_a_url_that_lacks_its_scheme_is_told_with_it(tmp_path: Path, url: str, meant: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, GOOD.replace("https://token.actions.githubusercontent.com", url))
    (problem,) = raised.value.problems
    assert problem.startswith("issuers.yaml: issuer 'github': `issuer` must be ")
    assert problem.endswith(f"; did you mean {meant}?")


def test_what_is_no_host_is_not_guessed_at(tmp_path: Path) -> None:
    for url in ("okta", "'see the wiki'", "ftp://gitlab.com"):
        with pytest.raises(ConfigError) as raised:
            load(tmp_path, GOOD.replace("https://token.actions.githubusercontent.com", url))
        assert "did you mean" not in raised.value.problems[0]
