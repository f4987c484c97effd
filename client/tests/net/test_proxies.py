"""Which proxy a request goes through, and what that is told."""

from __future__ import annotations

import socket
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from fake_service import FakeService, Planned
from getting import CONFIG, Pauses

from credvend.errors import ServiceError, UsageError
from credvend.net.proxies import proxy_for
from credvend.net.request import Request
from credvend.net.send import send


@pytest.mark.parametrize(
    ("url", "environ", "proxy"),
    [
        ("https://a.example.com", {}, None),
        ("https://a.example.com", {"HTTPS_PROXY": "http://p:3128"}, "p"),
        ("https://a.example.com", {"https_proxy": "p:3128", "HTTPS_PROXY": "http://q"}, "p"),
        ("https://a.example.com", {"all_proxy": "http://p:3128"}, "p"),
        ("https://a.example.com", {"HTTP_PROXY": "http://p:3128"}, None),
        ("https://a.example.com", {"HTTPS_PROXY": "p", "NO_PROXY": "*"}, None),
        ("https://a.example.com", {"HTTPS_PROXY": "p", "NO_PROXY": "b.example.com, example.com"}, None),
        ("https://a.example.com", {"HTTPS_PROXY": "p", "no_proxy": ".example.com"}, None),
        ("https://a.example.com", {"HTTPS_PROXY": "p", "no_proxy": "*.example.com"}, None),
        ("https://a.example.com", {"HTTPS_PROXY": "p", "no_proxy": "ple.com"}, "p"),
        ("https://a.example.com", {"HTTPS_PROXY": "p", "no_proxy": "a.example.com:8443"}, "p"),
        ("https://a.example.com:8443", {"HTTPS_PROXY": "p", "no_proxy": "a.example.com:8443"}, None),
        ("https://10.1.2.3", {"HTTPS_PROXY": "p", "no_proxy": "10.0.0.0/8"}, None),
        ("https://11.1.2.3", {"HTTPS_PROXY": "p", "no_proxy": "10.0.0.0/8"}, "p"),
        ("https://[2001:db8::1]", {"HTTPS_PROXY": "p", "no_proxy": "2001:db8::1"}, None),
        ("https://127.0.0.1", {"HTTPS_PROXY": "p"}, None),
        ("https://localhost", {"HTTPS_PROXY": "p"}, None),
    ],
)
def test_the_proxy_is_the_one_of_the_environment(url: str, environ: dict[str, str], proxy: str | None) -> None:
    found = proxy_for(urlsplit(url), environ)
    assert (found and found.host) == proxy


def test_the_proxy_is_asked_for_a_tunnel_with_its_password_and_nothing_else(service: FakeService) -> None:
    service.planned = [Planned(403)]
    environ = {"HTTPS_PROXY": service.url.replace("http://", "http://us%40er:pass@")}
    request = Request("GET", "https://credvend.example.com/v1/roles", {"Authorization": "Bearer secret"}, retries=False)
    with pytest.raises(ServiceError, match="403"):
        send(request, CONFIG, environ)
    (asked,) = service.asked
    assert (asked.method, asked.path) == ("CONNECT", "credvend.example.com:443")
    assert asked.headers["proxy-authorization"] == "Basic dXNAZXI6cGFzcw==" and "authorization" not in asked.headers


@pytest.mark.parametrize("sign", ["/", "?", "#"])
def test_no_start_of_a_password_is_taken_for_the_proxy(sign: str) -> None:
    environ = {"HTTPS_PROXY": f"http://alice:12{sign}34@proxy.example.com:3128"}
    with pytest.raises(UsageError, match=r"HTTPS_PROXY holds no URL.*%2F") as refused:
        proxy_for(urlsplit("https://a.example.com"), environ)
    assert "alice" not in refused.value.message


@pytest.mark.parametrize(("status", "said"), [(407, "USER:PASSWORD@"), (403, "NO_PROXY"), (502, "gives no way")])
def test_a_proxy_that_refuses_is_named_without_its_password(service: FakeService, status: int, said: str) -> None:
    service.planned = [Planned(status)] * 4
    pauses = Pauses()
    environ = {"HTTPS_PROXY": service.url.replace("http://", "http://alice:passw0rd@")}
    with pytest.raises(ServiceError) as raised:
        send(Request("GET", "https://credvend.example.com"), CONFIG, environ, sleep=pauses, jitter=lambda: 0.5)
    told, proxy = raised.value.message, urlsplit(service.url).netloc
    assert f"The proxy {proxy} gives no way to credvend.example.com: {status}" in told and said in told
    assert "passw0rd" not in told and bool(pauses.taken) is (status == 502)


def test_a_proxy_that_is_not_there_is_named_without_its_password() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        proxy = f"127.0.0.1:{unused.getsockname()[1]}"
        for name, said in (
            (proxy, f"The proxy {proxy} cannot be reached"),
            (f"{'a' * 64}.example.com:1", "The proxy aaaa"),
        ):
            with pytest.raises(ServiceError, match=said) as raised:
                request = Request("GET", "https://credvend.example.com", retries=False)
                send(request, CONFIG, {"HTTPS_PROXY": f"http://alice:passw0rd@{name}"})
            assert "passw0rd" not in raised.value.message


def test_a_proxy_that_hangs_is_named(service: FakeService) -> None:
    service.gate.clear()
    request = Request("GET", "https://credvend.example.com", retries=False)
    with pytest.raises(ServiceError, match=f"through the proxy {urlsplit(service.url).netloc}.*in time"):
        send(request, replace(CONFIG, connect_timeout=0.2), {"HTTPS_PROXY": service.url})


def test_a_proxy_that_is_no_url_is_a_mistake_of_usage() -> None:
    with pytest.raises(UsageError, match="HTTPS_PROXY"):
        send(Request("GET", "https://a.example.com"), CONFIG, {"HTTPS_PROXY": "http://"})
    for text in ("http://a b:3128", "http://\x7f:1", "http://é:1"):
        with pytest.raises(UsageError, match="HTTPS_PROXY"):
            send(Request("GET", "https://a.example.com"), CONFIG, {"HTTPS_PROXY": text})
    with pytest.raises(UsageError, match="http://HOST:PORT"):
        send(Request("GET", "https://a.example.com"), CONFIG, {"HTTPS_PROXY": "socks5://p:1080"})
