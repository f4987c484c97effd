"""A unit test that reaches for the network fails."""

import socket

import pytest


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_no_unit_test_opens_a_socket(family: socket.AddressFamily) -> None:
    # The library warns of it first, and every warning is an error here.
    with pytest.raises(UserWarning, match="tried to use socket"):
        socket.socket(family)
