"""The `iss` claim: names that look like, or are read as, an issuer that is trusted."""

from typing import Final

import pytest

from testing.tokens import ABSENT, ISSUER, honest_claims
from tests.security.jwt.gate import Gate, each
from tests.security.jwt.tokens import plain, with_header

ISS: Final[dict[str, object]] = {
    "a slash after it": f"{ISSUER}/",
    "a path": f"{ISSUER}/tenant",
    "a dot after the host": f"{ISSUER}.",
    "a dot path": f"{ISSUER}/.",
    "a query": f"{ISSUER}?",
    "a fragment": f"{ISSUER}#",
    "a user": "https://user@id.example.com",
    "the host as a user": f"{ISSUER}@attacker.example.com",
    "a port": f"{ISSUER}:443",
    "a host below it": "https://a.id.example.com",
    "a host above it": "https://example.com",
    "a host that starts like it": f"{ISSUER}.attacker.example.com",
    "upper case": "https://ID.EXAMPLE.COM",
    "the scheme in upper case": "HTTPS://id.example.com",
    "http": "http://id.example.com",
    "no scheme": "id.example.com",
    "two slashes less": "https:id.example.com",
    "a Cyrillic letter": "https://id.ex\u0430mple.com",
    "a wide full stop": "https://id\uff0eexample.com",
    "wide letters": "https://\uff49\uff44.example.com",
    "a letter without width": "https://id.exam\u200bple.com",
    "punycode": "https://id.xn--exmple-4nf.com",
    "a dot in percent": "https://id%2eexample.com",
    "a NUL after it": f"{ISSUER}\x00",
    "a NUL and more after it": f"{ISSUER}\x00.attacker.example.com",
    "a space before it": f" {ISSUER}",
    "a space after it": f"{ISSUER} ",
    "a line end after it": f"{ISSUER}\n",
    "a backslash": "https:\\\\id.example.com",
    "half of a surrogate pair": "\ud800",
    "the name in the configuration": "main",
    "unknown": "https://attacker.example.com",
    "metadata of the machine": "http://169.254.169.254/",
    "this machine": "http://127.0.0.1:80",
    "a file": "file:///dev/null",
    "5 kB": ISSUER + "/" + "x" * 5000,
    "empty": "",
    "a list": [ISSUER],
    "an object": {"iss": ISSUER},
    "a number": 7,
    "true": True,
    "null": None,
    "missing": ABSENT,
}


@pytest.mark.parametrize("iss", each(ISS))
def test_an_issuer_is_trusted_by_its_exact_name_alone(gate: Gate, iss: object) -> None:
    gate.assert_refused(plain(iss=iss)())


def test_an_issuer_in_the_header_is_not_the_issuer(gate: Gate) -> None:
    gate.assert_refused(with_header(lambda: honest_claims(iss=ABSENT), iss=ISSUER)())
