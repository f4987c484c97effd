"""A KMS in memory, as far as credvend speaks to it: behind a real client of botocore, with real keys.

What it refuses, it refuses as https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html says.
"""

import base64
import hashlib
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import cache
from typing import TYPE_CHECKING, Final, cast

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError
from botocore.session import Session
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from testing.kms_server import ALGORITHMS, KeySpec, private_key, signature

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

Json = dict[str, object]
ACCOUNT: Final = "111122223333"
REGION: Final = "eu-west-1"
_PAGE: Final = 2  # of what is listed: KMS gives 50 and more


class Refused(Exception):
    """An error answer."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class NoAnswer(Exception):
    """The answer is lost; raised by `before` or `after`."""


class Broken(BaseException):
    """Whoever asks is stopped in the middle; raised by `before` or `after`."""


@dataclass
class Key:
    """A key.

    Attributes:
        tags: by their keys.
    """

    id: str
    spec: KeySpec
    policy: str
    created: float
    private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    tags: dict[str, str]
    state: str = "Enabled"

    @property
    def arn(self) -> str:
        return f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{self.id}"

    @property
    def der(self) -> bytes:
        return self.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@dataclass
class Alias:
    """A name of a key."""

    key: str
    created: float
    updated: float


@dataclass
class KmsInMemory:
    """An account's KMS.

    Attributes:
        asked: the operations, in order.
        before, after: called with each operation, before and after it is carried out; may raise.
    """

    clock: Callable[[], float] = time.time
    keys: dict[str, Key] = field(default_factory=dict)
    aliases: dict[str, Alias] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    before: Callable[[str], None] = lambda _: None
    after: Callable[[str], None] = lambda _: None

    def client(self) -> "KMSClient":
        """A client that asks it."""
        config = Config(region_name=REGION, retries={"mode": "standard", "total_max_attempts": 1})
        client = cast("KMSClient", _session().create_client("kms", config=config))
        client.meta.events.register("before-send.kms.*", cast(Callable[..., None], self._respond))
        return client

    def make(self, spec: KeySpec = "RSA_2048", alias: str | None = None, **tags: str) -> Key:
        """A key, and its name."""
        key = self.keys[self._create({"KeySpec": spec, "KeyUsage": "SIGN_VERIFY"})]
        key.tags |= {name.replace("__", ":").replace("_", "-"): value for name, value in tags.items()}
        if alias is not None:
            self.aliases[alias] = Alias(key.id, self.clock(), self.clock())
        return key

    def named(self, alias: str) -> Key | None:
        """The key of that name."""
        return self.keys[self.aliases[alias].key] if alias in self.aliases else None

    def answer(self, operation: str, asked: Json) -> Json:
        """The answer to a request.

        Raises:
            Refused: it is an error.
        """
        self.asked.append(operation)
        self.before(operation)
        told = self._carried_out(operation, asked)
        self.after(operation)
        return told

    def _respond(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        target = request.headers["X-Amz-Target"]
        operation = (target.decode() if isinstance(target, bytes) else str(target)).rpartition(".")[2]
        status, body = 200, cast(Json, {})
        try:
            body = self.answer(operation, json.loads(cast(bytes, request.body)))
        except Refused as refused:
            status, body = 400, {"__type": refused.code, "message": "no"}
        except NoAnswer:
            raise ReadTimeoutError(endpoint_url=request.url) from None
        headers = {"Content-Type": "application/x-amz-json-1.1", "Date": formatdate(self.clock(), usegmt=True)}
        return AWSResponse(request.url, status, HTTPHeaders.from_dict(headers), _Body(json.dumps(body).encode()))

    def _carried_out(self, operation: str, asked: Json) -> Json:
        match operation:
            case "CreateKey":
                return {"KeyMetadata": self._metadata(self.keys[self._create(asked)])}
            case "DescribeKey":
                return {"KeyMetadata": self._metadata(self._found(asked))}
            case "ListKeys":
                return self._page("Keys", [{"KeyId": one.id, "KeyArn": one.arn} for one in self.keys.values()], asked)
            case "ListAliases":
                listed: list[Json] = [
                    {
                        "AliasName": name,
                        "TargetKeyId": one.key,
                        "CreationDate": one.created,
                        "LastUpdatedDate": one.updated,
                    }
                    for name, one in sorted(self.aliases.items())
                ]
                return self._page("Aliases", [{"AliasName": "alias/aws/sns"}, *listed], asked)
            case "ListResourceTags":
                tags = self._found(asked).tags
                return {"Tags": [{"TagKey": key, "TagValue": value} for key, value in tags.items()], "Truncated": False}
            case "GetPublicKey":
                key = self._usable(asked)
                told = {"KeyId": key.arn, "PublicKey": base64.b64encode(key.der).decode(), "KeySpec": key.spec}
                return {**told, "KeyUsage": "SIGN_VERIFY", "SigningAlgorithms": [ALGORITHMS[key.spec]]}
            case "Sign":
                return self._sign(asked)
            case _:
                self._change(operation, asked)
                return {}

    def _change(self, operation: str, asked: Json) -> None:
        name, now = str(asked.get("AliasName")), self.clock()
        match operation:
            case "CreateAlias":
                if name in self.aliases:
                    raise Refused("AlreadyExistsException")
                self.aliases[name] = Alias(self._not_deleted(asked, "TargetKeyId").id, now, now)
            case "UpdateAlias":
                if name not in self.aliases:
                    raise Refused("NotFoundException")
                alias, key = self.aliases[name], self._not_deleted(asked, "TargetKeyId")
                self.aliases[name] = Alias(key.id, alias.created, now)
            case "DeleteAlias":
                if name not in self.aliases:
                    raise Refused("NotFoundException")
                del self.aliases[name]
            case "TagResource":
                tags = cast(list[dict[str, str]], asked["Tags"])
                self._not_deleted(asked).tags |= {one["TagKey"]: one["TagValue"] for one in tags}
            case "DisableKey":
                self._not_deleted(asked).state = "Disabled"
            case "ScheduleKeyDeletion":
                assert 7 <= cast(int, asked["PendingWindowInDays"]) <= 30
                self._not_deleted(asked).state = "PendingDeletion"
            case _:
                raise AssertionError(f"nobody should ask for {operation}")

    def _create(self, asked: Json) -> str:
        assert asked["KeyUsage"] == "SIGN_VERIFY"
        spec, id_ = cast(KeySpec, asked["KeySpec"]), str(uuid.uuid4())
        tags = {one["TagKey"]: one["TagValue"] for one in cast(list[dict[str, str]], asked.get("Tags", []))}
        private = private_key(spec, len(self.keys))
        self.keys[id_] = Key(id_, spec, str(asked.get("Policy", "")), self.clock(), private, tags)
        return id_

    def _found(self, asked: Json, by: str = "KeyId") -> Key:
        named = str(asked[by]).rpartition("key/")[2]
        if named.startswith("alias/"):
            if named not in self.aliases:
                raise Refused("NotFoundException")
            named = self.aliases[named].key
        if named not in self.keys:
            raise Refused("NotFoundException")
        return self.keys[named]

    def _usable(self, asked: Json) -> Key:
        key = self._found(asked)
        if key.state != "Enabled":
            raise Refused("DisabledException" if key.state == "Disabled" else "KMSInvalidStateException")
        return key

    def _not_deleted(self, asked: Json, by: str = "KeyId") -> Key:
        key = self._found(asked, by)
        if key.state == "PendingDeletion":
            raise Refused("KMSInvalidStateException")
        return key

    def _sign(self, asked: Json) -> Json:
        key, algorithm = self._usable(asked), str(asked["SigningAlgorithm"])
        if algorithm != ALGORITHMS[key.spec]:
            raise Refused("InvalidKeyUsageException")
        assert asked["MessageType"] == "DIGEST"
        digest = base64.b64decode(str(asked["Message"]))
        assert len(digest) == hashlib.sha256().digest_size
        signed = base64.b64encode(signature(key.private, digest)).decode()
        return {"KeyId": key.arn, "Signature": signed, "SigningAlgorithm": algorithm}

    def _metadata(self, key: Key) -> Json:
        return {
            "AWSAccountId": ACCOUNT,
            "KeyId": key.id,
            "Arn": key.arn,
            "CreationDate": key.created,
            "KeySpec": key.spec,
            "KeyState": key.state,
            "KeyUsage": "SIGN_VERIFY",
        }

    def _page(self, what: str, listed: list[Json], asked: Json) -> Json:
        first = int(str(asked.get("Marker", 0)))
        more: Json = {"NextMarker": str(first + _PAGE)} if first + _PAGE < len(listed) else {}
        return {what: listed[first : first + _PAGE], "Truncated": bool(more), **more}


class _Body:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self) -> "list[bytes]":
        return [self._body]


@cache
def _session() -> Session:
    """What clients share: they take long to make."""
    session = Session()
    session.set_credentials("AKIAEXAMPLE", "secret")
    return session
