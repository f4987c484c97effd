"""Secrets go to https alone, or to this computer."""

from __future__ import annotations

import pytest

from credvend.errors import UsageError
from credvend.net.urls import check_url


@pytest.mark.parametrize(
    "url",
    [
        "http://credvend.example.com/api",
        "http://10.0.0.1/api",
        "http://127.0.0.1.example.com/api",
        "http://localhost.example.com/api",
        "ftp://127.0.0.1/api",
        "file:///etc/passwd",
        "credvend.example.com",
        "https://",
        "https://user:password@credvend.example.com",
        "https://credvend.example.com/a b",
        "https://credvend.example.com/a\r\nX: y",
        "https://credvend.example.com:port",
        "https://credvend.exämple.com",
        "",
    ],
)
def test_nothing_is_sent_in_the_clear_or_to_what_is_no_url(url: str) -> None:
    with pytest.raises(UsageError) as refused:
        check_url(url)
    assert "password@" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["https://a.example.com", "http://127.0.0.1:8080/x", "http://[::1]/", "http://localhost"]
)
def test_https_and_this_computer_are_fine(url: str) -> None:
    check_url(url)
