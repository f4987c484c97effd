"""KMS for operators: keys and their names, and what it says, in words that help."""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

from ops.aws.aws_clock import AwsClock
from ops.aws.refusals import NOT_TAKEN, not_taken
from ops.aws.region import find_region
from ops.documents.json_object import Json
from ops.errors import CommandFailed, OperationFailed

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_kms.literals import KeySpecType
    from mypy_boto3_kms.type_defs import KeyMetadataTypeDef

_ATTEMPTS: Final = 5


class KmsRefused(OperationFailed):
    """KMS did not do it.

    Attributes:
        code: what it calls that.
    """

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Named:
    """What a name stands for.

    Attributes:
        key: id of the key.
        since: when it was given this name, or another key had it before; seconds since 1970, UTC.
    """

    key: str
    since: int


@dataclass(frozen=True, slots=True)
class KmsKey:
    """A key, as KMS describes it.

    Attributes:
        spec: what kind it is, such as `RSA_2048`.
        state: such as `Enabled`.
        created: seconds since 1970, UTC.
    """

    id: str
    arn: str
    spec: str
    state: str
    created: int

    @property
    def is_enabled(self) -> bool:
        return self.state == "Enabled"


class Kms:
    """The keys of an account in a region."""

    def __init__(
        self, client: "KMSClient", warn: Callable[[str], None], clock: Callable[[], float] = time.time
    ) -> None:
        """Nothing is asked yet.

        Args:
            warn: told of what is wrong and keeps nothing from being done.
            clock: this computer's, in seconds since 1970, UTC; each answer puts it right.
        """
        self.client = client
        self._clock = AwsClock(clock, warn)

        def hear(parsed: Mapping[str, object], **_: object) -> None:
            self._clock.hear(parsed)

        client.meta.events.register("after-call.kms.*", hear)

    def now(self) -> int:
        """Whole seconds since 1970, UTC, by AWS's clock."""
        return self._clock.now()

    def names(self) -> dict[str, Named]:
        """All names of keys in the account.

        Raises:
            OperationFailed: KMS does not tell, here and below.
        """
        with _explained("kms:ListAliases"):
            pages = self.client.get_paginator("list_aliases").paginate()
            listed = [one for page in pages for one in page["Aliases"]]
        return {
            one["AliasName"]: Named(one["TargetKeyId"], int(one["LastUpdatedDate"].timestamp()))
            for one in listed
            if "TargetKeyId" in one  # AWS's own have none until they are used
        }

    def key_ids(self) -> list[str]:
        """Of all keys in the account."""
        with _explained("kms:ListKeys"):
            pages = self.client.get_paginator("list_keys").paginate()
            return [one["KeyId"] for page in pages for one in page["Keys"]]

    def describe(self, key: str) -> KmsKey:
        """A key, by its id."""
        with _explained("kms:DescribeKey"):
            told = self.client.describe_key(KeyId=key)["KeyMetadata"]
        return _key(told)

    def public_half(self, key: str) -> bytes:
        """A SubjectPublicKeyInfo (RFC 5280, 4.1)."""
        with _explained("kms:GetPublicKey"):
            return self.client.get_public_key(KeyId=key)["PublicKey"]

    def tags(self, key: str) -> dict[str, str]:
        """Of a key."""
        with _explained("kms:ListResourceTags"):
            pages = self.client.get_paginator("list_resource_tags").paginate(KeyId=key)
            return {one["TagKey"]: one["TagValue"] for page in pages for one in page["Tags"]}

    def make(self, spec: str, policy: Json, description: str, tags: Mapping[str, str]) -> KmsKey:
        """A new key, for signatures."""
        with _explained("kms:CreateKey"):
            told = self.client.create_key(
                KeySpec=cast("KeySpecType", spec),
                KeyUsage="SIGN_VERIFY",
                Policy=json.dumps(policy),
                Description=description,
                Tags=[{"TagKey": key, "TagValue": value} for key, value in tags.items()],
            )["KeyMetadata"]
        return _key(told)

    def tag(self, key: str, name: str, value: str) -> None:
        """Put a tag on a key."""
        with _explained("kms:TagResource"):
            self.client.tag_resource(KeyId=key, Tags=[{"TagKey": name, "TagValue": value}])

    def give(self, name: str, key: str) -> None:
        """Give a key a name that none has.

        Raises:
            KmsRefused: `AlreadyExistsException`: one has.
        """
        with _explained("kms:CreateAlias"):
            self.client.create_alias(AliasName=name, TargetKeyId=key)

    def move(self, name: str, key: str) -> None:
        """Give a key a name that another one has, at once."""
        with _explained("kms:UpdateAlias"):
            self.client.update_alias(AliasName=name, TargetKeyId=key)

    def take(self, name: str) -> None:
        """Take a name away from whichever key has it; also where none does."""
        try:
            with _explained("kms:DeleteAlias"):
                self.client.delete_alias(AliasName=name)
        except KmsRefused as refused:
            if refused.code != "NotFoundException":
                raise

    def disable(self, key: str) -> None:
        """Have a key do nothing more."""
        with _explained("kms:DisableKey"):
            self.client.disable_key(KeyId=key)

    def delete(self, key: str, days: int) -> None:
        """Have a key deleted after so many days; until then it does nothing, and may be had back."""
        with _explained("kms:ScheduleKeyDeletion"):
            self.client.schedule_key_deletion(KeyId=key, PendingWindowInDays=days)


def find_kms(warn: Callable[[str], None]) -> tuple[Kms, str]:
    """KMS with the AWS credentials of the environment, and its region.

    Raises:
        OperationFailed: no region, or a profile that is not there.
    """
    config = Config(retries={"mode": "standard", "total_max_attempts": _ATTEMPTS})
    try:
        region = find_region(os.environ)
        return Kms(boto3.client("kms", region_name=region, config=config), warn), region
    except CommandFailed as error:
        raise OperationFailed(str(error)) from None
    except BotoCoreError as error:
        raise OperationFailed(f"Your AWS configuration does not work: {error}") from None


def _key(told: "KeyMetadataTypeDef") -> KmsKey:
    created = int(told["CreationDate"].timestamp())
    return KmsKey(told["KeyId"], told["Arn"], str(told.get("KeySpec")), str(told.get("KeyState")), created)


@contextmanager
def _explained(right: str) -> Iterator[None]:
    """What KMS says within it, in words.

    Raises:
        OperationFailed: it did not do it.
    """
    try:
        yield
    except (NoCredentialsError, PartialCredentialsError):
        raise OperationFailed("No AWS credentials: set AWS_PROFILE, or sign in.") from None
    except ClientError as error:
        said = error.response.get("Error", {})
        code, message = str(said.get("Code", "Unknown")), said.get("Message", "")
        if code in ("AccessDenied", "AccessDeniedException"):
            words = f"Your AWS credentials do not give you {right}. AWS says: {message}"
        elif code in NOT_TAKEN:
            words = not_taken(code)
        else:
            words = f"{right} is answered with {code}: {message}"
        raise KmsRefused(words, code) from None
    except BotoCoreError as error:
        raise OperationFailed(f"KMS cannot be reached: {error}") from None
