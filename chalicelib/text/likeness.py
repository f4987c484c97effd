"""What did somebody mean who wrote a name that there is not?"""

import re
from collections.abc import Iterable
from typing import Final

# Of names that only differ in these, people say that they are the same.
_BETWEEN_WORDS: Final = re.compile(r"[\s_.-]+")


def nearest(name: str, names: Iterable[str], cutoff: float = 0.7) -> str | None:
    """The name that is most like another one, if any is; the same in another spelling before all others.

    Args:
        cutoff: how much they must have in common, from 0 to 1.
    """
    # Only who has made a mistake waits for it.
    from difflib import get_close_matches

    known = sorted(set(names))
    same = [one for one in known if _spelt(one) == _spelt(name)]
    close = same or get_close_matches(name, known, n=1, cutoff=cutoff)
    return close[0] if close else None


def did_you_mean(meant: str | None) -> str:
    """The end of a message; empty where nothing comes near."""
    return "" if meant is None else f"; did you mean {meant}?"


def _spelt(name: str) -> str:
    return _BETWEEN_WORDS.sub("", name).lower()
