"""How the service is put together."""

import pytest

from chalicelib import assembly
from chalicelib.admission.without_ledger import WithoutLedger
from chalicelib.assembly import CONFIG, load_service
from chalicelib.callers.api_tokens.store import TokenStore
from chalicelib.callers.oidc.used_tokens import UsedTokens
from chalicelib.configuration.settings import Settings, read_settings
from chalicelib.errors import ConfigError, InvalidToken, UsedTokensUnavailable
from chalicelib.sessions.issuing import ByWebIdentity


def test_without_a_table_of_api_tokens_none_is_taken() -> None:
    service = load_service(CONFIG, Settings("eu-west-1"))
    with pytest.raises(InvalidToken, match="API tokens are not taken here") as refused:
        service.token_store()
    assert refused.value.cause == "unknown_token"


def test_the_store_of_api_tokens_is_made_once() -> None:
    service = load_service(CONFIG, Settings("eu-west-1", tokens_table="credvend-dev-tokens"))
    store = service.token_store()
    assert isinstance(store, TokenStore) and service.token_store() is store


def test_without_a_table_of_used_tokens_none_that_vends_once_vends() -> None:
    service = load_service(CONFIG, Settings("eu-west-1"))
    assert isinstance(service.admission, WithoutLedger)
    with pytest.raises(UsedTokensUnavailable):
        service.admission.used_tokens()


def test_the_memory_of_used_tokens_is_made_once() -> None:
    settings = read_settings({"AWS_REGION": "eu-west-1", "CREDVEND_USED_TOKENS_TABLE": "credvend-dev-used-tokens"})
    service = load_service(CONFIG, settings)
    assert isinstance(service.admission, WithoutLedger)
    used = service.admission.used_tokens()
    assert isinstance(used, UsedTokens) and service.admission.used_tokens() is used


def test_every_request_asks_for_the_configuration_that_is_in_force() -> None:
    service = load_service(CONFIG, Settings("eu-west-1"))
    assert service.configuration() is service.configuration()


def test_without_a_region_there_are_no_settings() -> None:
    with pytest.raises(ConfigError, match="set AWS_REGION"):
        read_settings({})


def test_clients_that_the_doctors_threads_share_keep_a_connection_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or all but one are closed after each call, with a warning in the log."""
    kept: list[int] = []

    class Client:
        def close(self) -> None: ...

    def made(region: str, connections: int = 1, *_: object) -> Client:
        kept.append(connections)
        return Client()

    monkeypatch.setattr("chalicelib.assembly.sts_client", made)
    monkeypatch.setattr("chalicelib.sessions.leases.lease_client", made)
    issuing = assembly._issuing(Settings("eu-west-1"), 8)
    by_token = issuing.otherwise(True, True)
    assert isinstance(by_token, ByWebIdentity)
    by_token.client()
    issuing.lease_client()
    assert kept == [8, 8, 8]
