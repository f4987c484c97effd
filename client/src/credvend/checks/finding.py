"""What a check finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from credvend.errors import CredvendError

# `skipped` for what cannot be told before something else is put right.
State = Literal["ok", "warning", "error", "skipped"]


@dataclass(frozen=True)
class Finding:
    """One line of `credvend doctor`; nothing in it is secret.

    Attributes:
        check: its name.
        result: what is the case, in a few words.
        advice: what to do; empty where there is nothing to do.
    """

    check: str
    state: State
    result: str
    advice: str = ""


def advice_of(error: CredvendError, otherwise: str) -> str:
    """What an error says to do; and what else there is to do, where it tells no more than what happened."""
    return error.message if any(sign in error.message for sign in "?;`") else f"{error.message} {otherwise}"
