"""Which key, and when it is looked for again: with a clock and an issuer that the test holds."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from chalicelib.callers.oidc.connection import Deadline
from chalicelib.callers.oidc.issuer import Issuer
from chalicelib.callers.oidc.issuer_keys import (
    KEYS_KEPT_IN_AN_OUTAGE_SECONDS,
    KEYS_KEPT_SECONDS,
    RETRY_SECONDS,
    UNKNOWN_KEY_SECONDS,
    FetchedKeys,
)
from chalicelib.callers.oidc.key_set import choose
from chalicelib.configuration.trusted_issuers import load_keys
from chalicelib.errors import ConfigError, InvalidToken, IssuerUnavailable
from testing.tokens import ISSUER, ec_key, ed_key, key_set, rsa_key

OLD, NEW = ec_key("old"), ec_key("new")
DISCOVERY = f"{ISSUER}/.well-known/openid-configuration"


def issuer(jwks_uri: str | None = None, jwks_file: str | None = None) -> Issuer:
    return Issuer(
        name="main",
        url=ISSUER,
        audiences=frozenset({"credvend"}),
        algorithms=frozenset({"ES256"}),
        jwks_uri=jwks_uri,
        jwks_file=jwks_file,
        audience_claim="aud",
        subject_claim=("sub",),
        groups_claim=None,
        claims=(),
        required_claims=(),
        types=frozenset({"jwt"}),
        max_age=3600,
        leeway=30,
    )


@dataclass
class Provider:
    """An issuer's web site, and the time."""

    now: float = 1_000_000.0
    pages: dict[str, dict[str, object]] = field(
        default_factory=lambda: {
            DISCOVERY: {"issuer": ISSUER, "jwks_uri": "https://keys.example.com/jwks"},
            "https://keys.example.com/jwks": key_set(OLD),
        }
    )
    asked: list[str] = field(default_factory=list)
    deadlines: list[Deadline] = field(default_factory=list)
    down: bool = False
    hangs: bool = False

    def fetch(self, url: str, deadline: Deadline) -> dict[str, object]:
        self.asked.append(url)
        self.deadlines.append(deadline)
        if self.hangs:
            self.now += deadline.left()
            raise TimeoutError
        if self.down or url not in self.pages:
            raise OSError("refused")
        return self.pages[url]

    def keys(self, jwks_uri: str | None = None) -> FetchedKeys:
        return FetchedKeys(issuer(jwks_uri), self.fetch, False, lambda: self.now)

    def publish(self, *keys: object) -> None:
        self.pages["https://keys.example.com/jwks"] = key_set(*keys)  # type: ignore[arg-type]


def test_discovery_says_where_the_keys_are_and_they_are_kept() -> None:
    provider = Provider()
    keys = provider.keys()
    for _ in range(3):
        assert keys.key_for("old", "ES256")["kid"] == "old"
    assert provider.asked == [DISCOVERY, "https://keys.example.com/jwks"]


def test_a_jwks_uri_of_the_configuration_needs_no_discovery() -> None:
    provider = Provider()
    provider.keys("https://keys.example.com/jwks").key_for("old", "ES256")
    assert provider.asked == ["https://keys.example.com/jwks"]


def test_keys_are_fetched_again_when_they_are_no_longer_fresh() -> None:
    provider = Provider()
    keys = provider.keys()
    keys.key_for("old", "ES256")
    provider.publish(NEW)
    provider.now += KEYS_KEPT_SECONDS + 1
    with pytest.raises(InvalidToken):
        keys.key_for("old", "ES256")
    assert keys.key_for("new", "ES256")


def test_an_unknown_key_is_looked_for_at_most_once_a_minute() -> None:
    provider = Provider()
    keys = provider.keys()
    keys.key_for("old", "ES256")
    provider.now += 1
    provider.publish(OLD, NEW)
    assert keys.key_for("new", "ES256")
    asked = len(provider.asked)
    for _ in range(100):
        provider.now += 0.5
        with pytest.raises(InvalidToken):
            keys.key_for("forged", "ES256")
    assert len(provider.asked) == asked
    provider.now += UNKNOWN_KEY_SECONDS
    with pytest.raises(InvalidToken):
        keys.key_for("forged", "ES256")
    assert len(provider.asked) == asked + 2


def test_while_the_issuer_is_down_its_known_keys_work_for_a_day() -> None:
    provider = Provider()
    keys = provider.keys()
    keys.key_for("old", "ES256")
    provider.down = True
    for _ in range(20):
        provider.now += KEYS_KEPT_IN_AN_OUTAGE_SECONDS / 20 - 1
        assert keys.key_for("old", "ES256")
    provider.now += 3600
    with pytest.raises(IssuerUnavailable):
        keys.key_for("old", "ES256")


def test_known_keys_end_after_a_day_even_if_the_issuer_was_asked_a_moment_ago() -> None:
    provider = Provider()
    keys = provider.keys()
    keys.key_for("old", "ES256")
    provider.down = True
    provider.now += KEYS_KEPT_IN_AN_OUTAGE_SECONDS - 1
    assert keys.key_for("old", "ES256")
    provider.now += 2  # too early to ask it again
    with pytest.raises(IssuerUnavailable):
        keys.key_for("old", "ES256")


def test_while_the_issuer_is_down_an_unknown_key_fails_closed() -> None:
    provider = Provider()
    keys = provider.keys()
    keys.key_for("old", "ES256")
    provider.now += 1
    provider.down = True
    with pytest.raises((IssuerUnavailable, InvalidToken)):
        keys.key_for("new", "ES256")


def test_a_key_set_without_a_key_that_fits_does_not_take_the_place_of_a_good_one() -> None:
    provider = Provider()
    keys = provider.keys()
    keys.key_for("old", "ES256")
    provider.publish()
    provider.now += KEYS_KEPT_SECONDS + 1
    assert keys.key_for("old", "ES256")["kid"] == "old"


def test_a_failed_look_for_an_unknown_key_does_not_use_up_the_minute() -> None:
    provider = Provider()
    keys = provider.keys()
    keys.key_for("old", "ES256")
    provider.now += 1
    provider.down = True
    with pytest.raises(IssuerUnavailable):
        keys.key_for("forged", "ES256")
    provider.down = False
    provider.publish(OLD, NEW)
    provider.now += RETRY_SECONDS
    assert keys.key_for("new", "ES256")


def test_an_issuer_that_hangs_holds_up_one_caller_for_a_moment() -> None:
    """Who has good keys waits a second for better ones, and then for a while nobody waits at all."""
    provider = Provider()
    keys = provider.keys()
    keys.key_for("old", "ES256")
    provider.hangs = True
    provider.now += KEYS_KEPT_SECONDS + 1
    started, asked = provider.now, len(provider.asked)
    for _ in range(20):
        assert keys.key_for("old", "ES256")
    assert len(provider.asked) == asked + 1 and 0.9 < provider.now - started <= 1


@pytest.mark.parametrize("key_id", ["old", "new", None])
def test_an_issuer_that_hangs_is_asked_once_in_a_request_for_five_seconds_together(key_id: str | None) -> None:
    provider = Provider(hangs=True)
    keys = provider.keys()
    started = provider.now
    with pytest.raises(IssuerUnavailable):
        keys.key_for(key_id, "ES256")
    assert provider.asked == [DISCOVERY] and 4.9 < provider.now - started <= 5


def test_an_issuer_that_hung_is_left_alone_from_when_it_was_given_up() -> None:
    provider = Provider(hangs=True)
    keys = provider.keys()
    with pytest.raises(IssuerUnavailable):
        keys.key_for("old", "ES256")
    provider.hangs = False
    provider.now += RETRY_SECONDS - 0.1  # a longer while since it was asked
    with pytest.raises(IssuerUnavailable):
        keys.key_for("old", "ES256")
    assert provider.asked == [DISCOVERY]
    provider.now += 0.2
    assert keys.key_for("old", "ES256")


def test_keys_that_are_too_old_and_lack_the_one_are_fetched_once() -> None:
    provider = Provider()
    keys = provider.keys()
    keys.key_for("old", "ES256")
    asked = len(provider.asked)
    for down in (False, True):
        provider.down = down
        provider.now += KEYS_KEPT_SECONDS + 1
        with pytest.raises((InvalidToken, IssuerUnavailable)):
            keys.key_for("forged", "ES256")
    assert len(provider.asked) == asked + 2 + 1


def test_discovery_and_keys_have_one_deadline_together() -> None:
    provider = Provider()
    provider.keys().key_for("old", "ES256")
    discovery, keys = provider.deadlines
    assert discovery is keys


def test_a_clock_that_is_set_back_prolongs_nothing() -> None:
    provider = Provider()
    keys = provider.keys()
    keys.key_for("old", "ES256")
    provider.publish(NEW)
    provider.now -= 100_000
    with pytest.raises(InvalidToken):
        keys.key_for("old", "ES256")


def test_an_issuer_that_is_down_from_the_start_is_not_asked_for_every_caller() -> None:
    provider = Provider(down=True)
    keys = provider.keys()
    for _ in range(10):
        with pytest.raises(IssuerUnavailable):
            keys.key_for("old", "ES256")
        provider.now += 0.1
    assert len(provider.asked) == 1
    provider.down = False
    provider.now += 10
    assert keys.key_for("old", "ES256")


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://evil.example.com", "jwks_uri": "https://keys.example.com/jwks"},
        {"issuer": ISSUER + "/", "jwks_uri": "https://keys.example.com/jwks"},
        {"issuer": ISSUER, "jwks_uri": "http://keys.example.com/jwks"},
        {"issuer": ISSUER, "jwks_uri": "http://169.254.169.254/latest/meta-data"},
        {"issuer": ISSUER, "jwks_uri": "file:///etc/passwd"},
        {"issuer": ISSUER, "jwks_uri": 7},
        {"issuer": ISSUER},
        {},
    ],
)
def test_a_discovery_document_that_leads_astray_is_not_followed(document: dict[str, object]) -> None:
    provider = Provider()
    provider.pages[DISCOVERY] = document
    with pytest.raises(IssuerUnavailable):
        provider.keys().key_for("old", "ES256")
    assert provider.asked == [DISCOVERY]


@pytest.mark.parametrize("fetched", [True, False])
def test_a_token_without_a_key_id_is_told_that_there_are_several_keys(tmp_path: Path, fetched: bool) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys/a.json").write_text(json.dumps(key_set(OLD, NEW, rsa_key("rsa"))))
    provider = Provider()
    provider.publish(OLD, NEW, rsa_key("rsa"))
    keys = provider.keys() if fetched else load_keys(issuer(jwks_file="keys/a.json"), tmp_path, False)
    with pytest.raises(InvalidToken, match="has no kid, and its issuer has several keys for ES256"):
        keys.key_for(None, "ES256")
    with pytest.raises(InvalidToken, match="a key that its issuer does not have"):
        keys.key_for(None, "ES384")
    with pytest.raises(InvalidToken, match="a key that its issuer does not have"):
        keys.key_for("other", "ES256")
    assert keys.key_for(None, "RS256")["kid"] == "rsa"


def test_a_token_without_a_key_id_is_of_the_only_key_that_fits() -> None:
    keys = [ec_key("a").public_jwk, rsa_key("b").public_jwk]
    assert choose(keys, None, "ES256") == keys[0] and choose(keys, None, "RS256") == keys[1]
    assert choose([*keys, ec_key("c").public_jwk], None, "ES256") is None


@pytest.mark.parametrize(
    ("jwk", "algorithm"),
    [
        (rsa_key("k").public_jwk, "ES256"),
        (ec_key("k").public_jwk, "RS256"),
        (ec_key("k", curve="P-384").public_jwk, "ES256"),
        (ec_key("k").public_jwk, "ES384"),
        (ed_key("k").public_jwk, "ES256"),
        (rsa_key("k").public_jwk | {"use": "enc"}, "RS256"),
        (rsa_key("k").public_jwk | {"alg": "PS256"}, "RS256"),
        (rsa_key("k").public_jwk | {"key_ops": ["encrypt"]}, "RS256"),
        ({"kid": "k", "kty": "oct", "k": "c2VjcmV0"}, "RS256"),
        (rsa_key("k").public_jwk | {"d": "AQAB"}, "RS256"),
        (ec_key("k").public_jwk | {"d": "AQAB"}, "ES256"),
    ],
)
def test_a_key_that_does_not_fit_the_algorithm_is_not_used(jwk: dict[str, object], algorithm: str) -> None:
    assert choose([jwk], "k", algorithm) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"keys": []}', '{"keys": [{"kty": "RSA", "kid": "a"}]}'])
def test_a_file_of_keys_that_holds_none_is_a_problem(tmp_path: Path, text: str) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys/a.json").write_text(text)
    with pytest.raises(ConfigError, match=r"keys/a\.json"):
        load_keys(issuer(jwks_file="keys/a.json"), tmp_path, False)
