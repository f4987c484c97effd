"""The keys that sign credvend's tokens: in KMS, which never gives the private halves away.

Which key signs, which one will, and which one did until now is told by the names that they have in KMS, and nowhere
else: whoever could change a table could not add a key. `credvend-admin keys rotate` moves the names.
"""

import hashlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeVar, cast

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.aws.answers import UNREADABLE, code_of, request_id_of
from chalicelib.aws.client import client_config, session
from chalicelib.caching import is_within
from chalicelib.operators_log import tell_operators
from chalicelib.text.base64url import base64url

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_kms.literals import SigningAlgorithmSpecType

# Two attempts of at most 1 s + 1 s, and at most 1 s of back-off, end after 5 s at worst.
CONNECT_SECONDS: Final = 1
READ_SECONDS: Final = 1
ATTEMPTS: Final = 2
_BACK_OFF_SECONDS: Final = 1
WORST_SECONDS: Final = ATTEMPTS * (CONNECT_SECONDS + READ_SECONDS) + _BACK_OFF_SECONDS
# Anybody may ask for the public keys, and each time costs up to three calls: they are asked for once in so long.
PUBLISHED_KEPT_SECONDS: Final = 60
# A signature says which key it is by: an exchange of keys is seen with the next one, whatever is kept here.
SIGNING_KEPT_SECONDS: Final = 3600
# Behind the name of the key that signs.
NEXT: Final = "-next"
PREVIOUS: Final = "-previous"

Algorithm = Literal["RS256", "ES256"]
_Answer = TypeVar("_Answer")
# https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html. Both are taken by STS:
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html (WebIdentityToken)
_ALGORITHMS: Final[dict[str, tuple[Algorithm, "SigningAlgorithmSpecType"]]] = {
    "RSA_2048": ("RS256", "RSASSA_PKCS1_V1_5_SHA_256"),
    "RSA_3072": ("RS256", "RSASSA_PKCS1_V1_5_SHA_256"),
    "RSA_4096": ("RS256", "RSASSA_PKCS1_V1_5_SHA_256"),
    "ECC_NIST_P256": ("ES256", "ECDSA_SHA_256"),
}
_NOT_THERE: Final = "NotFoundException"
_DENIED: Final = "AccessDeniedException"
_ANOTHER_KIND: Final = "InvalidKeyUsageException"
_UNFIT: Final = "it is of a kind that signs no tokens that STS takes"
# What is wrong with a key itself, or with the right to read it: it is so for each who asks.
_OF_THE_KEY: Final = frozenset(
    {_DENIED, _UNFIT, "DisabledException", "KMSInvalidStateException", "UnsupportedOperationException"}
)


class SigningFailed(Exception):
    """KMS signed nothing, or did not say with which key.

    Attributes:
        problem: what KMS answered, in a word; nothing of the token.
        request_id: the id that KMS gave the call; None where it was not reached.
    """

    def __init__(self, problem: str, request_id: str | None = None) -> None:
        super().__init__(problem)
        self.problem, self.request_id = problem, request_id


class SigningKey(NamedTuple):
    """A key that STS may check tokens with.

    Attributes:
        arn: in KMS.
        der: the public half, a SubjectPublicKeyInfo (RFC 5280, 4.1).
    """

    arn: str
    algorithm: Algorithm
    der: bytes

    @property
    def id(self) -> str:
        """What tokens and key sets call it: a hash of the public half, which says nothing of KMS."""
        return base64url(hashlib.sha256(self.der).digest())


class KeyRing:
    """The keys that have the stage's names."""

    def __init__(self, client: "KMSClient", alias: str, clock: Callable[[], float] = time.time) -> None:
        """Nothing is asked yet.

        Args:
            alias: of the key that signs, such as `alias/credvend-prod-signing`.
            clock: seconds since 1970, UTC. Not a monotonic clock: while Lambda freezes a function, those may stand.
        """
        self._client, self._alias, self._clock = client, alias, clock
        self._signing: tuple[float, SigningKey] | None = None
        self._published: tuple[float, tuple[SigningKey, ...]] | None = None

    def signing(self) -> SigningKey:
        """The one that signs.

        Raises:
            SigningFailed: KMS does not tell it.
        """
        now = self._clock()
        kept = self._signing  # which another thread may forget meanwhile: the doctor has several
        if kept is not None and is_within(SIGNING_KEPT_SECONDS, kept[0], now):
            return kept[1]
        key = self._public(self._alias)
        if key is None:
            raise SigningFailed(_NOT_THERE)
        self._signing = (now, key)
        return key

    def published(self) -> tuple[SigningKey, ...]:
        """All that a token may be checked with: the one that signs first.

        Raises:
            SigningFailed: KMS does not tell them.
        """
        now = self._clock()
        if self._published is None or not is_within(PUBLISHED_KEPT_SECONDS, self._published[0], now):
            signing = self._public(self._alias)
            if signing is None:
                raise SigningFailed(_NOT_THERE)
            others = [self._beside(self._alias + behind) for behind in (NEXT, PREVIOUS)]
            self._published = (now, tuple(dict.fromkeys(key for key in (signing, *others) if key is not None)))
        return self._published[1]

    def _beside(self, alias: str) -> SigningKey | None:
        """The key of that name, or None: none has it, or one that signs nothing. It must not take the others along.

        Raises:
            SigningFailed: that is not known. A key that is left out by mistake would be cached so.
        """
        try:
            return self._public(alias)
        except SigningFailed as failure:
            if failure.problem not in _OF_THE_KEY:
                raise
            if failure.problem != _DENIED:  # where the right hangs on the name, KMS may say so of one that nobody has
                tell_operators("the key called %s is not published: %s", alias, failure.problem)
            return None

    def sign(self, key: SigningKey, digest: bytes) -> bytes | None:
        """A signature of a SHA-256 digest, as KMS writes it; None: another key has the name by now. Ask for it anew.

        Raises:
            SigningFailed: KMS signs nothing.
        """
        spec = next(spec for algorithm, spec in _ALGORITHMS.values() if algorithm == key.algorithm)

        def ask() -> tuple[str, bytes]:
            answer = self._client.sign(KeyId=self._alias, Message=digest, MessageType="DIGEST", SigningAlgorithm=spec)
            return answer["KeyId"], answer["Signature"]

        try:
            arn, signature = _told(ask)
        except SigningFailed as failure:
            if failure.problem != _ANOTHER_KIND:
                raise
            self._signing = None
            return None
        if arn != key.arn:
            self._signing = None
            return None
        return signature

    def _public(self, alias: str) -> SigningKey | None:
        """The key of that name, or None: none has it."""

        def ask() -> tuple[str, str, bytes]:
            answer = self._client.get_public_key(KeyId=alias)
            return answer["KeySpec"], answer["KeyId"], answer["PublicKey"]

        try:
            spec, arn, der = _told(ask)
        except SigningFailed as failure:
            if failure.problem == _NOT_THERE:
                return None
            raise
        if spec not in _ALGORITHMS:
            raise SigningFailed(_UNFIT)
        return SigningKey(arn, _ALGORITHMS[spec][0], der)


def algorithm_of(spec: str) -> Algorithm | None:
    """What a key of that kind signs by, as KMS calls the kind; None: nothing that STS takes."""
    return _ALGORITHMS[spec][0] if spec in _ALGORITHMS else None


def kms_client(region: str) -> "KMSClient":
    """A client of the region's own endpoint."""
    return cast(
        "KMSClient",
        session().create_client("kms", config=client_config(region, CONNECT_SECONDS, READ_SECONDS, ATTEMPTS)),
    )


def _told(ask: Callable[[], _Answer]) -> _Answer:
    """What KMS answers.

    Raises:
        SigningFailed: an error, or what cannot be read; or it was not reached.
    """
    try:
        return ask()
    except ClientError as error:
        raise SigningFailed(code_of(error), request_id_of(error.response)) from None
    except (BotoCoreError, *UNREADABLE) as error:
        raise SigningFailed(code_of(error)) from None
