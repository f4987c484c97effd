"""Addresses of policies as numbers: those of IPv4 first, then those of IPv6. A range is a span of them.

An address is never equal to a range, and none of IPv4 is in one of IPv6.
https://docs.cedarpolicy.com/policies/syntax-operators.html#isInRange
"""

import ipaddress
from typing import Final, NamedTuple

_IPV4: Final = 1 << 32
_IPV6: Final = 1 << 128
EVERY_ADDRESS: Final = (0, _IPV4 + _IPV6 - 1)


class Network(NamedTuple):
    """What `ip("...")` stands for.

    Attributes:
        span: the addresses in it.
        number: the address, if it is one; else a number that is no address, and no other range's.
        meant: a range with bits behind its prefix, as it is written without them; else empty.
    """

    span: tuple[int, int]
    number: int
    meant: str

    @property
    def is_range(self) -> bool:
        return self.number < 0


def network_of(written: str) -> Network | None:
    """What `ip` makes of a text; None: nothing."""
    try:
        interface = ipaddress.ip_interface(written)
    except ValueError:
        return None
    offset = 0 if interface.version == 4 else _IPV4
    network = interface.network
    address = offset + int(interface.ip)
    first = offset + int(network.network_address)
    is_range = network.prefixlen < network.max_prefixlen
    return Network(
        span=(first, first + network.num_addresses - 1),
        number=-1 - (address * 256 + network.prefixlen) if is_range else address,
        meant=str(network) if interface.ip != network.network_address else "",
    )


def _span(written: str) -> tuple[int, int]:
    network = network_of(written)
    assert network is not None  # noqa: S101 it is written below
    return network.span


# What the methods without arguments ask of one address.
SPANS_OF_METHODS: Final = {
    "isIpv4": (_span("0.0.0.0/0"),),
    "isIpv6": (_span("::/0"),),
    "isLoopback": (_span("127.0.0.0/8"), _span("::1")),
    "isMulticast": (_span("224.0.0.0/4"), _span("ff00::/8")),
}
