"""Unit tests open no sockets, not even on loopback: what needs one is a test of the service."""

import pytest


@pytest.fixture(autouse=True)
def no_network(socket_disabled: None) -> None:
    """Whatever opens a socket fails, except one of the Unix domain: pytest-socket."""
