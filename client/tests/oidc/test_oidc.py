"""What the client takes from an OpenID provider, and what it does not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fake_provider import CLIENT, FakeProvider, fake_provider, unsigned

from credvend.disk.config_file import Config
from credvend.errors import AuthenticationError, CredvendError, ServiceError, UsageError
from credvend.oidc.client import Oidc
from credvend.oidc.code_flow import challenge, check_response


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    with fake_provider() as started:
        yield started


@pytest.fixture
def config(provider: FakeProvider) -> Config:
    return Config(url="https://credvend.example.com/api", issuer=provider.issuer, client_id=CLIENT)


class Clock:
    """Time that passes only when somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def __call__(self) -> float:
        return self.now


def sign_in(config: Config, clock: Clock) -> str:
    oidc = Oidc(config, {})
    return oidc.await_device(oidc.start_device(), clock.sleep, clock).bearer


def test_the_challenge_is_the_one_of_rfc_7636() -> None:
    assert challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_discovery_takes_no_other_issuers_word(provider: FakeProvider, config: Config) -> None:
    for issuer in ("https://evil.example.com", provider.issuer + "/", None):
        provider.metadata = {"issuer": issuer}
        with pytest.raises(ServiceError, match="calls itself"):
            Oidc(config, {})


@pytest.mark.parametrize("name", ["token_endpoint", "authorization_endpoint", "revocation_endpoint"])
@pytest.mark.parametrize("address", ["http://provider.example.com/x", "file:///etc/passwd", "javascript:alert(1)"])
def test_endpoints_that_are_not_https_are_not_used(
    provider: FakeProvider, config: Config, name: str, address: str
) -> None:
    provider.metadata = {name: address}
    with pytest.raises(ServiceError, match=name):
        Oidc(config, {})


def test_without_issuer_or_client_people_are_told_to_configure(config: Config) -> None:
    for incomplete in (replace(config, issuer=None), replace(config, client_id=None)):
        with pytest.raises(UsageError, match="credvend configure"):
            Oidc(incomplete, {})


def test_the_device_flow_waits_as_the_provider_says(provider: FakeProvider, config: Config) -> None:
    provider.pending = ["authorization_pending", "slow_down", "authorization_pending"]
    clock = Clock()
    token = sign_in(config, clock)
    assert token.count(".") == 2
    assert clock.pauses == [0, 0, 5, 5]
    first = provider.asked[0]
    assert first == ("/device", {"client_id": CLIENT, "scope": "openid offline_access"})


@pytest.mark.parametrize(
    ("error", "said"),
    [("access_denied", "refused"), ("expired_token", "expired"), ("invalid_client", "said no")],
)
def test_the_device_flow_ends_when_the_provider_says_no(
    provider: FakeProvider, config: Config, error: str, said: str
) -> None:
    provider.pending = [error]
    with pytest.raises(AuthenticationError, match=said):
        sign_in(config, Clock())
    assert len(provider.asked) == 2


def test_the_device_flow_does_not_outlive_its_code(provider: FakeProvider, config: Config) -> None:
    provider.pending = ["slow_down"] * 100
    clock = Clock()
    with pytest.raises(AuthenticationError, match="expired"):
        sign_in(config, clock)
    assert clock.now <= 600


def test_a_page_that_people_are_sent_to_is_on_the_web(provider: FakeProvider, config: Config) -> None:
    oidc = Oidc(config, {})
    provider.issuer = "smb://evil"
    with pytest.raises(ServiceError, match="address"):
        oidc.start_device()


def test_a_device_proves_that_it_is_the_one_that_asked_where_the_provider_knows_how(
    provider: FakeProvider, config: Config
) -> None:
    provider.metadata = {"code_challenge_methods_supported": ["plain", "S256"]}
    oidc = Oidc(config, {})
    grant = oidc.start_device()
    oidc.await_device(grant, lambda _: None)
    assert grant.verifier is not None and len(grant.verifier) >= 43 and grant.verifier not in repr(grant)
    asked = provider.asked[0][1]
    assert (asked["code_challenge"], asked["code_challenge_method"]) == (challenge(grant.verifier), "S256")
    assert provider.asked[-1][1]["code_verifier"] == grant.verifier and oidc.start_device().verifier != grant.verifier


def test_a_provider_that_takes_no_such_proof_from_a_device_is_asked_without(
    provider: FakeProvider, config: Config
) -> None:
    provider.metadata = {"code_challenge_methods_supported": ["S256"]}
    answered = provider.post

    def post(path: str, form: dict[str, str]) -> tuple[int, Any]:
        status, content = answered(path, form)
        refused = {"error": "invalid_request", "error_description": "Parameter not allowed: code_challenge"}
        return (400, refused) if "code_challenge" in form else (status, content)

    provider.post = post  # type: ignore[method-assign]
    oidc = Oidc(config, {})
    oidc.await_device(oidc.start_device(), lambda _: None)
    assert "code_verifier" not in provider.asked[-1][1] and len(provider.asked) == 3


def test_google_s_device_flow_is_spoken(provider: FakeProvider, config: Config) -> None:
    """Its word for the address is its own, it wants a secret of every client, and its access tokens are no JWTs."""
    answered = provider.post

    def post(path: str, form: dict[str, str]) -> tuple[int, Any]:
        status, content = answered(path, form)
        if path == "/token" and form.get("client_secret") != "GOCSPX-secret":
            return 400, {"error": "invalid_request", "error_description": "client_secret is missing."}
        if path == "/device" and content is not None:
            content["verification_url"] = content.pop("verification_uri")
        return status, content

    provider.post = post  # type: ignore[method-assign]
    provider.token_answer = {"access_token": "ya29.opaque"}
    with pytest.raises(AuthenticationError, match=r"client_secret is missing.*CREDVEND_CLIENT_SECRET"):
        sign_in(config, Clock())
    oidc = Oidc(config, {"CREDVEND_CLIENT_SECRET": "GOCSPX-secret"})
    grant = oidc.start_device()
    assert grant.verification_uri == f"{provider.issuer}/activate"
    assert oidc.await_device(grant, lambda _: None).claims["sub"] == "alice"
    assert "GOCSPX" not in repr(oidc.provider)


def test_an_audience_is_asked_for_as_a_resource_where_it_is_a_uri(provider: FakeProvider, config: Config) -> None:
    for audience, resource in (
        ("urn:credvend", "urn:credvend"),
        ("https://c.example", "https://c.example"),
        ("x", None),
    ):
        Oidc(replace(config, audience=audience), {}).start_device()
        form = provider.asked[-1][1]
        assert (form["audience"], form.get("resource")) == (audience, resource)


def test_what_is_asked_for_fits_what_the_provider_knows(provider: FakeProvider, config: Config) -> None:
    provider.metadata = {"scopes_supported": ["openid", "email"]}
    assert Oidc(config, {}).scopes() == ("openid",)
    assert Oidc(replace(config, scopes=("openid", "groups")), {}).scopes() == ("openid", "groups")


def test_an_authorization_request_holds_pkce_state_and_nonce_and_keeps_the_endpoints_query(config: Config) -> None:
    oidc = Oidc(config, {})
    first, second = (oidc.start_code("http://127.0.0.1:5/callback") for _ in range(2))
    query = {name: values[0] for name, values in parse_qs(urlsplit(first.url).query).items()}
    assert query == {
        "tenant": "1",
        "response_type": "code",
        "client_id": CLIENT,
        "redirect_uri": "http://127.0.0.1:5/callback",
        "scope": "openid offline_access",
        "state": first.state,
        "nonce": first.nonce,
        "code_challenge": challenge(first.verifier),
        "code_challenge_method": "S256",
        "prompt": "consent",
    }
    assert len({first.state, first.nonce, first.verifier, second.state, second.nonce, second.verifier}) == 6
    assert all(len(text) >= 43 for text in (first.state, first.nonce, first.verifier))
    assert first.verifier not in first.url
    assert not any(secret in repr(first) for secret in (first.state, first.nonce, first.verifier))


def test_an_answer_counts_only_with_its_state_and_only_once_each(config: Config) -> None:
    oidc = Oidc(config, {})
    request = oidc.start_code("http://127.0.0.1:5/callback")
    good = {"state": [request.state], "code": ["c"]}
    assert check_response(good, request, oidc.provider) == "c"
    for other in (
        {"code": ["c"]},
        {**good, "state": ["guessed"]},
        {**good, "code": ["c", "d"]},
        {**good, "state": [request.state, request.state]},
        {"error": ["access_denied"], "state": ["guessed"]},
        {"state": [request.state]},
    ):
        assert check_response(other, request, oidc.provider) is None


def test_an_answer_of_another_provider_is_refused(provider: FakeProvider, config: Config) -> None:
    provider.metadata = {"authorization_response_iss_parameter_supported": True}
    oidc = Oidc(config, {})
    request = oidc.start_code("http://127.0.0.1:5/callback")
    good = {"state": [request.state], "code": ["c"], "iss": [provider.issuer]}
    assert check_response(good, request, oidc.provider) == "c"
    for wrong in ({**good, "iss": ["https://evil.example.com"]}, {"state": good["state"], "code": ["c"]}):
        with pytest.raises(AuthenticationError, match="another OpenID provider"):
            check_response(wrong, request, oidc.provider)


def test_a_no_of_the_provider_is_told_with_its_words_on_one_line(config: Config) -> None:
    oidc = Oidc(config, {})
    request = oidc.start_code("http://127.0.0.1:5/callback")
    answer = {"state": [request.state], "error": ["access_denied"], "error_description": ["Not\n\x1b[31myou"]}
    with pytest.raises(AuthenticationError) as raised:
        check_response(answer, request, oidc.provider)
    assert raised.value.message == "The OpenID provider said no: Not ?[31myou (access_denied)."


def test_the_code_is_exchanged_with_the_verifier(provider: FakeProvider, config: Config) -> None:
    oidc = Oidc(config, {})
    request = oidc.start_code("http://127.0.0.1:5/callback")
    provider.nonce = request.nonce
    tokens = oidc.finish_code(request, "the-code")
    assert tokens.claims["sub"] == "alice"
    (form,) = provider.forms("authorization_code")
    assert form == {
        "grant_type": "authorization_code",
        "code": "the-code",
        "redirect_uri": "http://127.0.0.1:5/callback",
        "client_id": CLIENT,
        "code_verifier": request.verifier,
    }
    assert tokens.refresh_token is not None and tokens.refresh_token not in repr(tokens)
    assert tokens.bearer not in repr(tokens)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example.com"},
        {"aud": "another-client"},
        {"aud": [CLIENT, "another-client"]},
        {"aud": [CLIENT], "azp": "another-client"},
        {"exp": 1},
        {"exp": None},
        {"sub": ""},
        {"sub": 7},
        {"nonce": "of another request"},
        {"nonce": None},
    ],
)
def test_an_id_token_of_another_sign_in_is_refused(
    provider: FakeProvider, config: Config, claims: dict[str, object]
) -> None:
    oidc = Oidc(config, {})
    request = oidc.start_code("http://127.0.0.1:5/callback")
    provider.nonce, provider.id_claims = request.nonce, claims
    with pytest.raises(AuthenticationError, match="ID token"):
        oidc.finish_code(request, "c")


@pytest.mark.parametrize("answer", [{"id_token": None}, {"id_token": "no-jwt"}, {"id_token": "a.b.c"}])
def test_a_code_without_an_id_token_is_nobodys(
    provider: FakeProvider, config: Config, answer: dict[str, object]
) -> None:
    oidc = Oidc(config, {})
    request = oidc.start_code("http://127.0.0.1:5/callback")
    provider.nonce, provider.token_answer = request.nonce, answer
    with pytest.raises(AuthenticationError, match="ID token"):
        oidc.finish_code(request, "c")


@pytest.mark.parametrize("token", ["\ud800", "a\x1b[2J", "é", "a\nb"])
def test_a_refresh_token_that_is_none_is_refused_in_words(provider: FakeProvider, config: Config, token: str) -> None:
    provider.token_answer = {"refresh_token": token}
    with pytest.raises(ServiceError, match="refresh token that is none"):
        Oidc(config, {}).finish_code(Oidc(config, {}).start_code("http://127.0.0.1:5/callback"), "c")


def test_the_id_token_is_sent_where_the_access_token_is_no_jwt(provider: FakeProvider, config: Config) -> None:
    provider.token_answer = {"access_token": "opaque"}
    tokens = Oidc(config, {}).await_device(Oidc(config, {}).start_device(), lambda _: None)
    assert tokens.bearer.count(".") == 2 and tokens.lifetime == 600


def test_how_long_a_token_lives_is_told_by_the_answer_or_by_the_token(provider: FakeProvider, config: Config) -> None:
    now = int(time.time())
    for answer, lifetime in (
        ({"expires_in": 90}, 90),
        ({"expires_in": "90"}, 90),
        ({"expires_in": None, "access_token": unsigned({"iat": now - 5, "exp": now + 115})}, 120),
        ({"expires_in": -5}, 0),
        ({"expires_in": "soon"}, 300),
        ({"expires_in": 10**400}, 300),
        ({"expires_in": float("inf")}, 300),
        ({"expires_in": 900, "access_token": unsigned({"iat": now - 5, "exp": now + 115})}, 120),
        ({"expires_in": 90, "access_token": unsigned({"iat": now - 5, "exp": now + 115})}, 90),
        ({"expires_in": 90, "access_token": unsigned({"iat": 10**400, "exp": 10**400})}, 90),
        ({"expires_in": None, "access_token": unsigned({"iat": 10**400, "exp": now + 120})}, 120),
    ):
        provider.token_answer = answer
        oidc = Oidc(config, {})
        tokens = oidc.await_device(oidc.start_device(), lambda _: None)
        assert tokens.lifetime == pytest.approx(lifetime, abs=2)
        assert tokens.expires == pytest.approx(time.time() + lifetime, abs=5)


@pytest.mark.parametrize(
    "answer", [{"token_type": "mac"}, {"token_type": None}, {"access_token": None, "id_token": None}]
)
def test_a_token_that_is_no_bearer_token_is_refused(
    provider: FakeProvider, config: Config, answer: dict[str, object]
) -> None:
    provider.token_answer = answer
    with pytest.raises(CredvendError):
        sign_in(config, Clock())


def test_a_code_and_a_refresh_token_are_sent_once_and_polling_has_its_own_pauses(
    provider: FakeProvider, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("credvend.net.send.ATTEMPTS", 2)
    oidc = Oidc(config, {})
    request = oidc.start_code("http://127.0.0.1:5/callback")
    grant = oidc.start_device()
    answered = provider.post
    provider.post = lambda path, form: (answered(path, form), (503, {}))[1]  # type: ignore[method-assign]
    before = len(provider.asked)
    with pytest.raises(ServiceError):
        oidc.refresh("refresh-1", "alice")
    with pytest.raises(ServiceError):
        oidc.finish_code(request, "the-code")
    assert len(provider.asked) - before == 2
    clock = Clock()
    with pytest.raises(AuthenticationError, match="expired"):
        oidc.await_device(grant, clock.sleep, clock)
    assert len(provider.asked) - before - 2 == len(clock.pauses)


def test_a_refresh_must_be_of_the_same_person(provider: FakeProvider, config: Config) -> None:
    oidc = Oidc(config, {})
    tokens = oidc.await_device(oidc.start_device(), lambda _: None)
    assert tokens.refresh_token is not None
    provider.id_claims = {"sub": "mallory"}
    with pytest.raises(AuthenticationError, match="somebody else"):
        oidc.refresh(tokens.refresh_token, "alice")


def test_numbers_beyond_all_measure_are_no_fault(provider: FakeProvider, config: Config) -> None:
    oidc = Oidc(config, {})
    answered = provider.post
    huge = {"expires_in": 10**400, "interval": 10**400}
    provider.post = lambda path, form: (200, {**(answered(path, form)[1] or {}), **huge})  # type: ignore[method-assign]
    grant = oidc.start_device()
    assert (grant.expires_in, grant.interval) == (1800, 5)


def test_what_is_no_json_is_told_without_its_content(provider: FakeProvider, config: Config) -> None:
    oidc = Oidc(config, {})
    nowhere = replace(oidc.provider, device_endpoint=f"{provider.issuer}/.well-known/openid-configuration")
    provider.post = lambda path, form: (200, ["a", "list"])  # type: ignore[method-assign, assignment, return-value]
    with pytest.raises(ServiceError, match="not JSON"):
        Oidc(config, {}, nowhere).start_device()
