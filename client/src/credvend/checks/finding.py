"""What a check finds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, NamedTuple

from credvend.errors import CredvendError

# `skipped` for what cannot be told before something else is put right.
State = Literal["ok", "warning", "error", "skipped"]


class Found(NamedTuple):
    """What a check finds; nothing in it is secret.

    Attributes:
        result: what is the case, in a few words.
        advice: what to do; empty where there is nothing to do.
    """

    state: State
    result: str
    advice: str = ""


class Finding(NamedTuple):
    """One line of `credvend doctor`: what the check of a name has found."""

    check: str
    state: State
    result: str
    advice: str


class NotKnown(CredvendError):
    """What is checked cannot be told before something else is put right, which the message says.

    Attributes:
        result: as of `Found`.
    """

    def __init__(self, advice: str, result: str = "not known") -> None:
        super().__init__(advice)
        self.result = result


@contextmanager
def first(advice: str, result: str = "not known") -> Iterator[None]:
    """What a check looks at besides its own subject.

    Raises:
        NotKnown: the block fails; or that needs something in turn.
    """
    try:
        yield
    except NotKnown:
        raise
    except CredvendError:
        raise NotKnown(advice, result) from None


def advice_of(error: CredvendError, otherwise: str) -> str:
    """What an error says to do; and what else there is to do, where it tells no more than what happened."""
    return error.message if any(sign in error.message for sign in "?;`") else f"{error.message} {otherwise}"
