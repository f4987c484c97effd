"""What can go wrong, each with the exit code of the command line.

Every message is one line that says what to do, and holds no secret.
"""

from __future__ import annotations

from typing import ClassVar


class CredvendError(Exception):
    """Nothing was vended.

    Attributes:
        exit_code: of the command line.
        message: one line, for the person who must act on it.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str) -> None:
        self.message = one_line(message)
        super().__init__(self.message)


class UsageError(CredvendError):
    """The command, the configuration or the request is wrong; asking again unchanged cannot help."""

    exit_code = 2


class AuthenticationError(CredvendError):
    """The caller could not prove who it is."""

    exit_code = 3


class SignInNeeded(AuthenticationError):
    """The caller is a person who only has to sign in: at a terminal they are offered to, and the command goes on."""


class AccessDeniedError(CredvendError):
    """The service knows the caller, and says no."""

    exit_code = 4


class ServiceError(CredvendError):
    """The service cannot be reached, or failed; trying again later may help."""

    exit_code = 5


def one_line(text: str) -> str:
    """Text that may come from elsewhere, on one line and without what would steer a terminal."""
    words = " ".join(text.split())
    return "".join(character if character.isprintable() else "?" for character in words)
