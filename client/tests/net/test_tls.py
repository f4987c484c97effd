"""Whose certificates are trusted."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fake_service import FakeService
from getting import CONFIG, Pauses, get

from credvend.errors import ServiceError, UsageError
from credvend.net import exchange
from credvend.net.request import Request
from credvend.net.send import send


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (directory / "key.pem").write_bytes(secret)
    (directory / "cert.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    return directory


@contextlib.contextmanager
def tls_server(certificate: Path) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as secure:
                        secure.recv(65_536)
                        secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"https://localhost:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_a_ca_bundle_makes_a_company_s_certificates_trusted(certificate: Path) -> None:
    with tls_server(certificate) as url:
        assert get(url, config=replace(CONFIG, ca_bundle=str(certificate / "cert.pem"))).status == 200


def test_the_ca_bundle_of_aws_s_tools_is_taken_unless_there_is_one_of_ours(certificate: Path, tmp_path: Path) -> None:
    with tls_server(certificate) as url:
        bundle = {"AWS_CA_BUNDLE": str(certificate / "cert.pem")}
        assert send(Request("GET", url), CONFIG, bundle).status == 200
        ours = replace(CONFIG, ca_bundle=bundle["AWS_CA_BUNDLE"])
        assert send(Request("GET", url), ours, {"AWS_CA_BUNDLE": "/nowhere"}).status == 200
        with pytest.raises(UsageError, match=r"/nowhere \(AWS_CA_BUNDLE\)"):
            send(Request("GET", url), CONFIG, {"AWS_CA_BUNDLE": "/nowhere"})


def test_a_company_s_certificates_need_no_strict_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python has the strict one for its default from 3.13 on: "Missing Authority Key Identifier"."""
    ours, theirs = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    company, host = (
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]) for name in ("Example CA", "localhost")
    )
    now = datetime.now(timezone.utc)
    given = now, now + timedelta(days=2)
    authority = (
        x509.CertificateBuilder(company, company, ours.public_key(), x509.random_serial_number(), *given)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(ours, hashes.SHA256())
    )
    leaf = (
        x509.CertificateBuilder(company, host, theirs.public_key(), x509.random_serial_number(), *given)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(ours, hashes.SHA256())
    )
    secret = theirs.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key.pem").write_bytes(secret)
    (tmp_path / "cert.pem").write_bytes(leaf.public_bytes(Encoding.PEM))
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(authority.public_bytes(Encoding.PEM))
    lenient = ssl.create_default_context

    def strict(*positional: Any, **named: Any) -> ssl.SSLContext:
        context = lenient(*positional, **named)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr(ssl, "create_default_context", strict)
    with tls_server(tmp_path) as url:
        assert get(url, config=replace(CONFIG, ca_bundle=str(bundle))).status == 200
        address = ("localhost", urlsplit(url).port or 0)
        with socket.create_connection(address) as plain, pytest.raises(ssl.SSLCertVerificationError):
            strict(cafile=bundle).wrap_socket(plain, server_hostname="localhost")


def test_no_version_of_tls_before_1_2_is_spoken(certificate: Path) -> None:
    for config in (CONFIG, replace(CONFIG, ca_bundle=str(certificate / "cert.pem"))):
        context = exchange.tls_context(config, {})
        assert context.minimum_version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.MINIMUM_SUPPORTED)
        assert context.verify_mode == ssl.CERT_REQUIRED and context.check_hostname


def test_botocore_takes_no_ca_bundle_for_credentials_of_containers(monkeypatch: pytest.MonkeyPatch) -> None:
    """docs/sdks.md says so."""
    utils = pytest.importorskip("botocore.utils")
    monkeypatch.setenv("AWS_CA_BUNDLE", "/nowhere")
    assert utils.ContainerMetadataFetcher()._session._verify is True


def test_a_certificate_that_is_not_trusted_is_told_at_once(certificate: Path) -> None:
    with tls_server(certificate) as url:
        pauses = Pauses()
        with pytest.raises(ServiceError, match="ca_bundle"):
            get(url, pauses)
        assert not pauses.taken


def test_who_speaks_no_tls_is_told_in_words(service: FakeService) -> None:
    with pytest.raises(
        ServiceError, match=r"127.0.0.1 speaks no TLS that is understood \([a-z0-9 ]+\); is its URL right"
    ):
        get(service.url.replace("http:", "https:"))


def test_a_certificate_of_another_name_is_not_trusted(certificate: Path) -> None:
    with tls_server(certificate) as url, pytest.raises(ServiceError, match="not trusted"):
        get(url.replace("localhost", "127.0.0.1"), config=replace(CONFIG, ca_bundle=str(certificate / "cert.pem")))


@pytest.mark.parametrize("content", [None, "nothing of the kind"])
def test_a_ca_bundle_that_is_none_is_a_mistake_of_usage(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "bundle.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UsageError, match="CA bundle"):
        get("https://localhost:1", config=replace(CONFIG, ca_bundle=str(path)))


def test_a_ca_bundle_that_others_can_change_is_not_believed(
    certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes((certificate / "cert.pem").read_bytes())
    bundle.chmod(0o666)
    with pytest.raises(UsageError, match="chmod go-w"):
        get("https://localhost:1", config=replace(CONFIG, ca_bundle=str(bundle)))
    status = os.stat_result((0o100644, 0, 0, 1, 12_345, 0, 0, 0, 0, 0))
    monkeypatch.setattr(os, "stat", lambda *_, **__: status)
    with pytest.raises(UsageError, match="another user"):
        get("https://localhost:1", config=replace(CONFIG, ca_bundle=str(bundle)))
