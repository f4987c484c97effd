"""The key that signs, asked for by several threads at once."""

import hashlib
from collections.abc import Callable

from chalicelib.signing.keys import KeyRing
from testing.kms_in_memory import KmsInMemory

ALIAS = "alias/credvend-prod-signing"
DIGEST = hashlib.sha256(b"a token").digest()


class Moment(float):
    """A moment by a clock; while somebody reckons with it, something else happens."""

    meanwhile: Callable[[], object]

    def __sub__(self, other: float) -> float:
        self.meanwhile()
        return float(self) - other


def test_a_key_that_another_thread_finds_exchanged_meanwhile_is_no_error() -> None:
    kms, now = KmsInMemory(), Moment(1000)
    first, second = kms.make(alias=ALIAS), kms.make()
    ring = KeyRing(kms.client(), ALIAS, lambda: now)
    key = ring.signing()

    def meanwhile() -> None:
        kms.aliases[ALIAS].key = second.id
        assert ring.sign(key, DIGEST) is None

    now.meanwhile = meanwhile
    assert ring.signing().arn == first.arn  # whoever signs with it learns the same
    assert ring.signing().arn == second.arn
