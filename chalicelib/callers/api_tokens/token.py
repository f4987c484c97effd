"""What an API token looks like: a secret of credvend's own, for scripts that can hold a secret but have no identity.

`cvt_`, 43 characters of secret, 6 of checksum. The prefix lets secret scanners find tokens that got lost; the checksum
tells a typo from a forgery, without a look into the table of tokens.
"""

import hashlib
import re
import secrets
import zlib
from typing import Final

from chalicelib.errors import InvalidToken

PREFIX: Final = "cvt_"
# For secret scanners, which look for it anywhere in a text.
SCANNER_PATTERN: Final = r"\bcvt_[0-9A-Za-z]{49}\b"

_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_VALUES: Final = {digit: value for value, digit in enumerate(_DIGITS)}
# 62 ** 43 is the first power of 62 above 2 ** 256; 62 ** 6 the first above 2 ** 32.
_SECRET_BITS: Final = 256
_SECRET_CHARACTERS: Final = 43
_CHECKSUM_CHARACTERS: Final = 6
_TOKEN = re.compile(rf"{PREFIX}([0-9A-Za-z]{{{_SECRET_CHARACTERS}}})([0-9A-Za-z]{{{_CHECKSUM_CHARACTERS}}})", re.ASCII)
_ID_CHARACTERS: Final = 12


def new_api_token() -> str:
    """A token that nobody has had before: 256 random bits."""
    return api_token_of(secrets.randbits(_SECRET_BITS))


def api_token_of(secret: int) -> str:
    """The token of a secret from 0 to 2 ** 256 - 1."""
    checked = PREFIX + _base62(secret, _SECRET_CHARACTERS)
    return checked + _checksum(checked)


def looks_like_api_token(text: str) -> bool:
    """Whether it is meant to be an API token. No JWT is mistaken for one: they begin with `ey`."""
    return text.startswith(PREFIX)


def check_api_token(text: str) -> None:
    """Whether a token may have come from us, as far as the token itself tells.

    A CRC-32 finds each wrong character and each pair of neighbours that changed places. It proves nothing:
    anybody can compute it.

    Raises:
        InvalidToken: it is mistyped, cut, or was never a token.
    """
    match = _TOKEN.fullmatch(text)
    if match is None:
        raise InvalidToken(
            f"The token is not of the form {PREFIX} and {_SECRET_CHARACTERS + _CHECKSUM_CHARACTERS} letters and "
            "digits: a part of it is missing, or there is too much.",
            "malformed",
        )
    secret, checksum = match[1], match[2]
    if checksum != _checksum(PREFIX + secret) or _number(secret) >= 1 << _SECRET_BITS:
        raise InvalidToken("The token's checksum is wrong: it is mistyped. Copy it again.", "malformed")


def hash_api_token(text: str) -> str:
    """What is stored instead of a token: SHA-256 of all of it, in 64 hexadecimal digits.

    With 256 random bits there is nothing to guess: a slow hash, as for passwords, would only cost time.
    """
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def api_token_id(hashed: str) -> str:
    """The public name of one token, for logs and people: the first 12 hexadecimal digits (48 bits) of its hash.

    Whoever finds a token can so find its record, also where there is none any more.
    """
    return hashed[:_ID_CHARACTERS]


def _checksum(checked: str) -> str:
    return _base62(zlib.crc32(checked.encode("ascii")), _CHECKSUM_CHARACTERS)


def _base62(number: int, width: int) -> str:
    digits = ""
    for _ in range(width):
        number, value = divmod(number, len(_DIGITS))
        digits = _DIGITS[value] + digits
    return digits


def _number(digits: str) -> int:
    number = 0
    for digit in digits:
        number = number * len(_DIGITS) + _VALUES[digit]
    return number
