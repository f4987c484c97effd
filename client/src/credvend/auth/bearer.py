"""Tokens as files hold them, and as a request carries them."""

from __future__ import annotations

import os

from credvend import lean
from credvend.errors import AuthenticationError
from credvend.text.messages import say

_ONE_WORD = "it must be one line of printable ASCII characters without blanks."


class Untrusted(AuthenticationError):
    """Others could have put the token there."""


def token_in(path: str, *, is_projected: bool = False) -> str:
    """The token in a file.

    Args:
        is_projected: whether it is Kubernetes who wrote it, readable for all in the pod as it is.

    Raises:
        Untrusted: the file is somebody else's, or others may write it.
        AuthenticationError: there is none.
    """
    try:
        token = lean.decoded(lean.read_believed(path)[:65_536]).strip()
        status = os.stat(path)
    except lean.Unreadable as error:
        raise Untrusted(str(error)) from None
    except (OSError, ValueError):
        raise AuthenticationError(f"The token file {path} cannot be read; is token_file right?") from None
    if not token:
        raise AuthenticationError(f"The token file {path} is empty.")
    if not is_one_word(token):
        raise AuthenticationError(f"The token file {path} holds no token: {_ONE_WORD}")
    if hasattr(os, "geteuid") and status.st_mode & 0o044 and status.st_uid == os.geteuid() and not is_projected:
        say(f"warning: other users can read your token in {path}: chmod 600 {path}")
    return token


def is_one_word(token: str) -> bool:
    """Whether a text can be a token: one line of printable ASCII characters without blanks."""
    return bool(token) and token.isascii() and token.isprintable() and " " not in token


def bearer(token: str) -> dict[str, str]:
    """The header of a token (RFC 6750, 2.1).

    Raises:
        AuthenticationError: it holds what no header may, such as a line break.
    """
    if not is_one_word(token):
        raise AuthenticationError(f"The token is malformed: {_ONE_WORD}")
    return {"Authorization": f"Bearer {token}"}
