"""The service with the issuers of these tests, loaded once for all of them."""

import socket
from collections.abc import Iterator

import pytest

import app as app_module
from chalicelib.assembly import load_service
from chalicelib.configuration.settings import Settings
from chalicelib.http import HttpEdge
from chalicelib.service import Service
from testing.app import CredvendApp, lead_to
from testing.sts_server import StsServer, sts_server
from tests.security.jwt.gate import Gate
from tests.security.jwt.issuers import write_issuers


@pytest.fixture(scope="package")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, StsServer]]:
    """The service with its issuers, loaded once, and the STS that it asks."""
    with pytest.MonkeyPatch.context() as patch, sts_server() as sts:
        lead_to(sts, patch)
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
    monkeypatch.setattr(app_module, "edge", HttpEdge(app_module.service.record_unforeseen))
    caplog.set_level("DEBUG")
    return Gate(CredvendApp(sts, capsys), caplog, looked_up)
