"""What KMS refuses of keys and their names, beside what its model says, and what conditions may ask about."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from local.strict.refusal import Refusal

ALIAS: Final = "alias/"
# The usages that each kind of key can have, the beginning of its name given:
# https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html
_USAGES: Final[Mapping[str, tuple[str, ...]]] = {
    "SYMMETRIC_DEFAULT": ("ENCRYPT_DECRYPT",),
    "RSA_": ("ENCRYPT_DECRYPT", "SIGN_VERIFY"),
    "ECC_NIST_P": ("SIGN_VERIFY", "KEY_AGREEMENT"),
    "ECC_": ("SIGN_VERIFY",),
    "ML_DSA_": ("SIGN_VERIFY",),
    "HMAC_": ("GENERATE_VERIFY_MAC",),
    "SM2": ("ENCRYPT_DECRYPT", "SIGN_VERIFY", "KEY_AGREEMENT"),
}
# What takes an alias for a key: the operations' pages say so of KeyId.
_BY_ALIAS: Final = frozenset(
    {
        "Decrypt",
        "DeriveSharedSecret",
        "DescribeKey",
        "Encrypt",
        "GenerateDataKey",
        "GenerateDataKeyPair",
        "GenerateDataKeyPairWithoutPlaintext",
        "GenerateDataKeyWithoutPlaintext",
        "GenerateMac",
        "GetPublicKey",
        "ListAliases",
        "ReEncrypt",
        "Sign",
        "Verify",
        "VerifyMac",
    }
)
_NEEDS_USAGE: Final[Mapping[str, str]] = {"Sign": "SIGN_VERIFY", "Verify": "SIGN_VERIFY"}


@dataclass(frozen=True, slots=True)
class Key:
    """A key, as far as rules ask.

    Attributes:
        state: `Enabled`, `Disabled`, `PendingDeletion`, ...
        aliases: all its names.
    """

    arn: str
    spec: str
    usage: str
    state: str
    aliases: tuple[str, ...] = ()


def alias_in(key_id: str) -> str | None:
    """The alias that names a key, with its `alias/`; None: the key's own id or ARN does."""
    name = key_id.split(":", 5)[-1]
    return name if name.startswith(ALIAS) else None


def check_new_key(spec: str, usage: str) -> Refusal | None:
    """What KMS says of a new key, or None."""
    for begins, usages in _USAGES.items():
        if spec.startswith(begins):
            # From memory.
            words = f"KeyUsage {usage} is not compatible with KeySpec {spec}"
            return None if usage in usages else Refusal("ValidationException", words)
    return None  # the local AWS says so itself


def check_alias_name(name: str) -> Refusal | None:
    """What KMS says of the name of a new alias, or None.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html
    """
    if name.startswith("alias/aws/"):
        return Refusal("NotAuthorizedException", "")
    if not name.startswith(ALIAS) or name == ALIAS:
        return Refusal("InvalidAliasNameException", "Alias must start with the prefix alias/")
    return None


def check_target(target: str, key: Key | None, before: Key | None) -> Refusal | None:
    """What KMS says of the key that an alias is to lead to, or None.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdateAlias.html

    Args:
        before: that it leads to; None: it is new.
    """
    if alias_in(target) is not None:
        # From memory.
        return Refusal("ValidationException", "Aliases must refer to keys. Not aliases")
    if key is None:
        return not_there(target, target)
    if key.state == "PendingDeletion":
        return Refusal("KMSInvalidStateException", f"{key.arn} is pending deletion.")
    if before is not None and (_type(before), before.usage) != (_type(key), key.usage):
        # The words are ours: that page says what is wanted, not what is answered.
        return Refusal("ValidationException", "The current and the new key must be of the same type and usage")
    return None


def check_use(operation: str, key_id: str, key: Key) -> Refusal | None:
    """What KMS says of what is asked of a key, or None.

    https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html

    Args:
        key_id: that names it in the request.
    """
    if alias_in(key_id) is not None and operation not in _BY_ALIAS:
        return Refusal("NotFoundException", f"Invalid keyId {key_id}")  # from memory
    usage = _NEEDS_USAGE.get(operation, key.usage)
    if key.usage != usage:
        words = f"{key.arn} key usage is {key.usage} which is not valid for {operation}."
        return Refusal("InvalidKeyUsageException", words)
    if operation == "GetPublicKey" and key.state == "Disabled":
        return Refusal("DisabledException", f"{key.arn} is disabled.")
    if operation == "GetPublicKey" and key.state == "PendingDeletion":
        return Refusal("KMSInvalidStateException", f"{key.arn} is pending deletion.")
    return None


def not_there(key_id: str, arn: str) -> Refusal:
    """What KMS says of a key or an alias that is not there."""
    if alias_in(key_id) is not None:
        # AWS's words, as people report them: https://github.com/cloudposse/docs/issues/152
        return Refusal("NotFoundException", f"Alias {arn} is not found.")
    return Refusal("NotFoundException", f"Key '{arn}' does not exist")  # from memory


def context(operation: str, members: Mapping[str, object], key: Key | None) -> dict[str, object]:
    """What conditions of policies are compared with, by key in lower case.

    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
    """
    said: dict[str, object] = {}
    alias = alias_in(str(members.get("KeyId", "")))
    if alias is not None and operation in _BY_ALIAS:
        said["kms:requestalias"] = alias
    if operation in ("Sign", "Verify"):
        said["kms:signingalgorithm"] = members.get("SigningAlgorithm")
        said["kms:messagetype"] = members.get("MessageType", "RAW")
    if operation == "CreateKey":
        said["kms:keyspec"] = members.get("KeySpec", "SYMMETRIC_DEFAULT")
        said["kms:keyusage"] = members.get("KeyUsage", "ENCRYPT_DECRYPT")
    if key is not None:
        said |= {"kms:keyspec": key.spec, "kms:keyusage": key.usage, "kms:resourcealiases": list(key.aliases)}
    return {name: value for name, value in said.items() if value}


def names_of(aliases: Iterable[str]) -> tuple[str, ...]:
    """The names that ARNs of aliases have, with their `alias/`."""
    return tuple(sorted(arn.split(":", 5)[-1] for arn in aliases))


def _type(key: Key) -> str:
    if key.spec == "SYMMETRIC_DEFAULT":
        return "symmetric"
    return "hmac" if key.spec.startswith("HMAC_") else "asymmetric"
