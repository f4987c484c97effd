"""The local OpenID provider is a real one: what the other tests trust it for, seen from outside."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator

import jwt
import pytest

from local.oidc_provider import OidcProvider, OidcProviderError, oidc_provider
from ops.environments import ROOT


@pytest.fixture(scope="module")
def provider() -> Iterator[OidcProvider]:
    with oidc_provider() as started:
        yield started


def published(provider: OidcProvider) -> dict[str, jwt.PyJWK]:
    """The published keys by their ids, found as any verifier finds them."""
    address = provider.get("/.well-known/openid-configuration")["jwks_uri"]
    assert isinstance(address, str)
    keys = jwt.PyJWKSet.from_dict(provider.get(address.removeprefix(provider.issuer))).keys
    return {key.key_id: key for key in keys if key.key_id is not None}


def verified(token: str, provider: OidcProvider, audience: str | None = None) -> dict[str, object]:
    """The claims of a token, once its signature, issuer, audience and lifetime are right."""
    key = published(provider)[jwt.get_unverified_header(token)["kid"]]
    claims: dict[str, object] = jwt.decode(
        token, key, [key.algorithm_name], audience=audience or provider.audience, issuer=provider.issuer
    )
    return claims


def test_discovery_names_the_issuer_and_where_its_keys_and_tokens_are(provider: OidcProvider) -> None:
    found = provider.get("/.well-known/openid-configuration")
    assert found["issuer"] == provider.issuer
    assert found["jwks_uri"] == f"{provider.issuer}/jwks"
    assert found["token_endpoint"] == f"{provider.issuer}/token"
    assert found["device_authorization_endpoint"] == f"{provider.issuer}/device/auth"


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_a_clients_token_says_what_the_client_was_registered_for(provider: OidcProvider, algorithm: str) -> None:
    subject = "repo:acme/app:ref:refs/heads/main"
    further = {"groups": ["Readers"], "kubernetes.io": {"namespace": "prod"}}
    token = provider.client_token(subject, further, lifetime=120, algorithm=algorithm)
    header = jwt.get_unverified_header(token)
    assert (header["alg"], header["typ"]) == (algorithm, "at+jwt")
    claims = verified(token, provider)
    assert claims["sub"] == subject
    assert {name: claims[name] for name in further} == further
    issued, expires = claims["iat"], claims["exp"]
    assert isinstance(issued, int) and isinstance(expires, int) and expires - issued == 120


def test_a_token_is_for_the_audience_that_was_asked_for(provider: OidcProvider) -> None:
    token = provider.client_token("somebody", audience="urn:another")
    assert verified(token, provider, "urn:another")["aud"] == "urn:another"
    with pytest.raises(jwt.InvalidAudienceError):
        verified(token, provider)


def test_only_a_client_with_its_secret_gets_a_token(provider: OidcProvider) -> None:
    form = {"grant_type": "client_credentials", "resource": provider.audience}
    form |= {"client_id": provider.register("somebody").client_id, "client_secret": "guessed"}
    with pytest.raises(OidcProviderError, match=r"401.*invalid_client"):
        provider.post("/token", form)


def test_a_person_signs_in_by_the_device_flow(provider: OidcProvider) -> None:
    asked = {"client_id": provider.device_client, "scope": "openid", "resource": provider.audience}
    device = provider.post("/device/auth", asked)
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "client_id": provider.device_client}
    form["device_code"] = str(device["device_code"])
    with pytest.raises(OidcProviderError, match="authorization_pending"):
        provider.post("/token", form)
    provider.approve(str(device["user_code"]), "alice", {"groups": ["Readers"]})
    tokens = provider.post("/token", form)
    access = verified(str(tokens["access_token"]), provider)
    assert (access["sub"], access["groups"]) == ("alice", ["Readers"])
    identity = verified(str(tokens["id_token"]), provider, provider.device_client)
    assert (identity["sub"], identity["groups"]) == ("alice", ["Readers"])


def test_a_person_can_say_no_to_a_device(provider: OidcProvider) -> None:
    device = provider.post("/device/auth", {"client_id": provider.login_client, "scope": "openid"})
    provider.deny(str(device["user_code"]))
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "client_id": provider.login_client}
    with pytest.raises(OidcProviderError, match="access_denied"):
        provider.post("/token", form | {"device_code": str(device["device_code"])})


def test_a_refresh_token_is_good_for_one_use_and_a_second_ends_the_sign_in(provider: OidcProvider) -> None:
    asked = {"client_id": provider.login_client, "scope": "openid offline_access", "resource": provider.audience}
    device = provider.post("/device/auth", asked)
    provider.approve(str(device["user_code"]), "alice", lifetime=120)
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "client_id": provider.login_client}
    first = provider.post("/token", form | {"device_code": str(device["device_code"])})
    renew = {"grant_type": "refresh_token", "client_id": provider.login_client}
    second = provider.post("/token", renew | {"refresh_token": str(first["refresh_token"])})
    assert first["expires_in"] == second["expires_in"] == 120
    assert verified(str(second["access_token"]), provider)["sub"] == "alice"
    for used in (first, second):
        with pytest.raises(OidcProviderError, match="invalid_grant"):
            provider.post("/token", renew | {"refresh_token": str(used["refresh_token"])})


def test_it_signs_what_no_provider_should_when_it_is_told_to(provider: OidcProvider) -> None:
    good = provider.claims()
    assert verified(provider.sign(good), provider) == good
    with pytest.raises(jwt.ExpiredSignatureError):
        verified(provider.sign(good | {"exp": 1}), provider)
    header = jwt.get_unverified_header(provider.sign(good, {"alg": "RS256", "typ": "JWT", "kid": None}))
    assert header == {"alg": "RS256", "typ": "JWT"}


@pytest.mark.parametrize("keep_old", [True, False])
def test_after_a_rotation_new_keys_sign_and_old_ones_stay_as_told(provider: OidcProvider, keep_old: bool) -> None:
    client = provider.register("somebody")
    before, token_before = set(published(provider)), provider.token(client)
    provider.rotate(keep_old)
    after, token_after = set(published(provider)), provider.token(client)
    assert jwt.get_unverified_header(token_after)["kid"] in after - before
    assert verified(token_after, provider)["sub"] == "somebody"
    assert (jwt.get_unverified_header(token_before)["kid"] in after) is keep_old


def test_stopped_it_refuses_connections_and_comes_back_with_its_keys(provider: OidcProvider) -> None:
    client = provider.register("somebody")
    before = set(published(provider))
    provider.stop()
    with pytest.raises(ConnectionRefusedError):
        provider.get("/jwks")
    provider.start_again()
    assert set(published(provider)) == before
    assert verified(provider.token(client), provider)["sub"] == "somebody"


def test_it_ends_with_its_starter_even_if_that_is_killed() -> None:
    program = "import time\nfrom local.oidc_provider import oidc_provider\n"
    program += "with oidc_provider() as provider: print(provider._process._process.pid, flush=True); time.sleep(600)"
    starter = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    with starter.stdout:
        ended = os.pidfd_open(int(starter.stdout.readline()))
        starter.send_signal(signal.SIGKILL)
        starter.wait()
    assert select.select([ended], [], [], 30)[0]
    os.close(ended)
