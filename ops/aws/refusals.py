"""What AWS says of credentials, and of rights, in the words of whoever must act on it."""

import re
from typing import Final

NOT_TAKEN: Final = frozenset(
    {
        *("ExpiredToken", "ExpiredTokenException", "InvalidAccessKeyId", "InvalidClientTokenId"),
        *("IncompleteSignature", "InvalidSignatureException", "SignatureDoesNotMatch", "UnrecognizedClientException"),
    }
)
"""Codes for credentials that are no good, whatever is asked with them.

https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html, and that page of other services: each has some.
"""
# As the aws command line writes them.
_CODE: Final = re.compile(r"An error occurred \((\w+)\)")
_UNREACHED: Final = re.compile(r"Could not connect|Connect timeout|Name or service not known|Failed to connect")


def not_taken(code: str) -> str:
    """AWS does not take the credentials."""
    return f"AWS does not take your credentials ({code}): sign in again, or set AWS_PROFILE."


def explained(said: str) -> str:
    """What the aws command line says, and what helps, where that is known."""
    code = _CODE.search(said)
    if code is not None and code[1] in NOT_TAKEN:
        return not_taken(code[1])
    if _UNREACHED.search(said):
        last = said.strip().splitlines()[-1]
        return f"AWS cannot be reached: {last}\nIs there a network? Behind a proxy, HTTPS_PROXY names it."
    return said


def is_for_want_of_rights(said: str) -> bool:
    """Whether the aws command line says that a right is missing."""
    code = _CODE.search(said)
    return code is not None and ("AccessDenied" in code[1] or "Unauthorized" in code[1] or code[1] == "403")
