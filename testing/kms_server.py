"""A KMS on loopback with real keys: it signs, and gives the public halves away."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Final, Literal

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from testing.loopback import LoopbackServer, Request, Response, json_response, serve

KeySpec = Literal["RSA_2048", "ECC_NIST_P256"]
REQUEST_ID: Final = "2a6e5f0c-0c0f-4c6e-9d5b-5a6c1f8d7e21"
ALGORITHMS: Final = {"RSA_2048": "RSASSA_PKCS1_V1_5_SHA_256", "ECC_NIST_P256": "ECDSA_SHA_256"}


@cache
def private_key(spec: KeySpec, number: int) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
    """A key pair, made once: RSA ones take their time."""
    return rsa.generate_private_key(65537, 2048) if spec == "RSA_2048" else ec.generate_private_key(ec.SECP256R1())


def signature(private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, digest: bytes) -> bytes:
    """Of a SHA-256 digest, as KMS writes it."""
    if isinstance(private, rsa.RSAPrivateKey):
        return private.sign(digest, PKCS1v15(), Prehashed(SHA256()))
    return private.sign(digest, ec.ECDSA(Prehashed(SHA256())))


@dataclass(frozen=True)
class Key:
    """A key of KMS."""

    number: int
    spec: KeySpec = "RSA_2048"

    @property
    def arn(self) -> str:
        return f"arn:aws:kms:ap-northeast-2:111122223333:key/{self.number:08d}-0000-4000-8000-000000000000"

    @property
    def der(self) -> bytes:
        public = private_key(self.spec, self.number).public_key()
        return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, digest: bytes) -> bytes:
        """As KMS writes it."""
        return signature(private_key(self.spec, self.number), digest)


@dataclass
class KmsServer:
    """What KMS was asked, and what it has.

    Attributes:
        aliases: keys by their names.
        asked: operation and members of each call.
        refusals: codes, each with its status, that answer the next calls.
        refused: codes that answer each call about a key of that name.
        silent: answer nothing at all.
        server: where clients reach it.
    """

    aliases: dict[str, Key] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    refusals: list[tuple[str, int]] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    silent: bool = False
    server: LoopbackServer = field(init=False)

    @property
    def url(self) -> str:
        return self.server.url

    def respond(self, request: Request) -> Response | None:
        if self.silent:
            request.stopping.wait()
            return None
        operation = str(request.headers["X-Amz-Target"]).removeprefix("TrentService.")
        members = json.loads(request.body)
        self.asked.append((operation, members))
        if self.refusals:
            return _error(*self.refusals.pop(0))
        if members["KeyId"] in self.refused:
            return _error(self.refused[members["KeyId"]], 400)
        key = self.aliases.get(members["KeyId"])
        if key is None:
            return _error("NotFoundException", 400)
        algorithm = ALGORITHMS[key.spec]
        if operation == "GetPublicKey":
            return _answer(
                {
                    "KeyId": key.arn,
                    "PublicKey": _base64(key.der),
                    "KeySpec": key.spec,
                    "KeyUsage": "SIGN_VERIFY",
                    "SigningAlgorithms": [algorithm],
                }
            )
        if members["SigningAlgorithm"] != algorithm:
            return _error("InvalidKeyUsageException", 400)
        digest = base64.b64decode(members["Message"])
        if members["MessageType"] != "DIGEST" or len(digest) != SHA256.digest_size:
            return _error("ValidationException", 400)
        return _answer({"KeyId": key.arn, "Signature": _base64(key.sign(digest)), "SigningAlgorithm": algorithm})


def _answer(content: dict[str, object]) -> Response:
    return _as_kms(json_response(content))


def _error(code: str, status: int) -> Response:
    return _as_kms(json_response({"__type": code, "message": "no"}, status))


def _as_kms(response: Response) -> Response:
    headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-RequestId": REQUEST_ID}
    return Response(response.status, response.body, headers)


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


@contextmanager
def kms_server() -> Iterator[KmsServer]:
    """KMS, for as long as the block runs."""
    kms = KmsServer()
    with serve(kms.respond) as server:
        kms.server = server
        yield kms
