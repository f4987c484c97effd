"""Is there a text that fits two patterns? And does one pattern fit all that another fits?

For those regular expressions that shapes of callers, params of the catalog and `like` are made of: characters, classes
of them, repeated or not, and alternatives. Of another one, nothing is known.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from typing import Final, NamedTuple

# With more alternatives, or longer ones, a pattern is one of which nothing is known.
_MOST_ALTERNATIVES: Final = 32
_MOST_PIECES: Final = 300
# A piece that may be missing more often is taken for one that may be repeated without end.
_MOST_MISSING: Final = 3
_CLASSES: Final = {
    "d": frozenset("0123456789"),
    "w": frozenset("0123456789_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"),
}
_PIECE: Final = re.compile(
    r"(?P<open>\((?:\?:|\?P<\w+>)?)|(?P<close>\))|(?P<or>\|)|(?P<any>\.)"
    r"|\[(?P<not>\^?)(?P<class>(?:[^\]\\\[]|\\.)+)\]|\\x(?P<hex>[0-9a-f]{2})|\\(?P<kind>[dw])|\\(?P<escaped>\W)"
    r"|(?P<plain>[^\\\[\](){}|.*+?^$])",
    re.DOTALL | re.ASCII,
)
_MEMBER: Final = re.compile(r"\\x([0-9a-f]{2})|\\([dw])|\\(\W)|([^\\])", re.DOTALL | re.ASCII)
_REPEATED: Final = re.compile(r"([*+?])(?![+?])|\{([0-9]+)(?:(,)([0-9]*))?\}(?![+?])", re.ASCII)


class Characters(NamedTuple):
    """Some characters: these, or all but these."""

    these: frozenset[str]
    others: bool = False

    def meets(self, other: "Characters") -> bool:
        """Whether there is one that is in both."""
        if self.others and other.others:
            return True
        if self.others or other.others:
            few, left_out = (other.these, self.these) if self.others else (self.these, other.these)
            return not few <= left_out
        return not self.these.isdisjoint(other.these)

    def holds(self, other: "Characters") -> bool:
        """Whether all of the other ones are in it."""
        if self.others:
            return self.these <= other.these if other.others else self.these.isdisjoint(other.these)
        return not other.others and other.these <= self.these


class Piece(NamedTuple):
    """One character, or (`many`) any number of them, none included."""

    characters: Characters
    many: bool = False


Pieces = tuple[Piece, ...]
_ANY: Final = Characters(frozenset(), others=True)


@lru_cache(4096)
def disjoint(one: str, other: str) -> bool:
    """Whether certainly no text fits both of two regular expressions as a whole."""
    first, second = _alternatives(one), _alternatives(other)
    if first is None or second is None:
        return False
    return not any(_meet(*pair) for pair in product(first, second))


@lru_cache(4096)
def includes(all_of: str, pattern: str) -> bool:
    """Whether certainly each text that fits a regular expression fits `all_of`, too."""
    outer, inner = _alternatives(all_of), _alternatives(pattern)
    # Counts are read as more than they are: too much for a pattern that is to be left.
    if outer is None or inner is None or "{" in all_of:
        return False
    return all(any(_holds(whole, part) for whole in outer) for part in inner)


def _meet(one: Pieces, other: Pieces) -> bool:
    """Whether a text is made of both: there is a way through the two at once."""
    at = {(0, 0)}
    seen = set(at)
    while at:
        first, second = at.pop()
        if first == len(one) and second == len(other):
            return True
        for step in _steps(one, first, other, second):
            if step not in seen:
                seen.add(step)
                at.add(step)
    return False


def _steps(one: Pieces, first: int, other: Pieces, second: int) -> Iterator[tuple[int, int]]:
    this = one[first] if first < len(one) else None
    that = other[second] if second < len(other) else None
    if this is not None and this.many:
        yield first + 1, second
    if that is not None and that.many:
        yield first, second + 1
    if this is not None and that is not None and this.characters.meets(that.characters):
        yield first + (not this.many), second + (not that.many)


def _holds(whole: Pieces, part: Pieces) -> bool:
    """Whether each text of the one is one of the other; if this finds no way that all of them go, it says no."""
    places = _skipped(whole, {0})
    for piece in part:
        fitting = {place for place in places if place < len(whole) and whole[place].characters.holds(piece.characters)}
        if piece.many:
            places = _skipped(whole, {place for place in fitting if whole[place].many})
        else:
            places = _skipped(whole, {place + (not whole[place].many) for place in fitting})
    return len(whole) in places


def _skipped(pieces: Pieces, places: set[int]) -> set[int]:
    """The places, and those behind pieces that may be missing."""
    reached = set(places)
    for place in range(len(pieces)):
        if place in reached and pieces[place].many:
            reached.add(place + 1)
    return reached


@lru_cache(4096)
def _alternatives(pattern: str) -> tuple[Pieces, ...] | None:
    """What a regular expression is made of; None: not known."""
    try:
        found, end = _group(pattern, 0)
    except _NotKnown:
        return None
    return None if end != len(pattern) else tuple(found)


class _NotKnown(Exception):
    pass


def _group(pattern: str, start: int) -> tuple[list[Pieces], int]:
    """The alternatives up to the end of a group, and where that is."""
    done: list[Pieces] = []
    current: list[Pieces] = [()]
    place = start
    while place < len(pattern):
        match = _PIECE.match(pattern, place)
        if match is None:
            raise _NotKnown
        if match["close"]:
            break
        place = match.end()
        if match["or"]:
            done, current = done + current, [()]
            continue
        if match["open"]:
            inner, place = _group(pattern, place)
            if not pattern.startswith(")", place):
                raise _NotKnown
            place += 1
        else:
            inner = [(Piece(_characters(match)),)]
        repeated = _REPEATED.match(pattern, place)
        if repeated is not None:
            place = repeated.end()
            inner = _often(inner, repeated)
        current = [before + behind for before in current for behind in inner]
        if len(current) > _MOST_ALTERNATIVES or any(len(pieces) > _MOST_PIECES for pieces in current):
            raise _NotKnown
    found = done + current
    if len(found) > _MOST_ALTERNATIVES:
        raise _NotKnown
    return found, place


def _often(inner: list[Pieces], repeated: "re.Match[str]") -> list[Pieces]:
    """What is made of pieces that are repeated."""
    sign, low, comma, high = repeated.groups()
    least = {"*": 0, "+": 1, "?": 0}[sign] if sign else int(low)
    most = {"*": None, "+": None, "?": 1}[sign] if sign else int(high) if high else None if comma else least
    if len(inner) != 1 or len(inner[0]) != 1 or inner[0][0].many:
        if (least, most) == (0, 1):
            return [(), *inner]
        raise _NotKnown
    one = inner[0][0]
    if least > _MOST_PIECES or (most is not None and most < least):
        raise _NotKnown
    if most is None or most - least > _MOST_MISSING:
        return [(one,) * least + (one._replace(many=True),)]
    return [(one,) * count for count in range(least, most + 1)]


def _characters(match: "re.Match[str]") -> Characters:
    if match["any"]:
        return _ANY
    if match["class"]:
        return Characters(_members(match["class"]), others=match["not"] == "^")
    if match["kind"]:
        return Characters(_CLASSES[match["kind"]])
    one = chr(int(match["hex"], 16)) if match["hex"] else match["escaped"] or match["plain"]
    return Characters(frozenset(one))


def _members(written: str) -> frozenset[str]:
    """What stands between brackets."""
    tokens = list(_MEMBER.finditer(written))
    if sum(len(token[0]) for token in tokens) != len(written):
        raise _NotKnown
    found: set[str] = set()
    place = 0
    while place < len(tokens):
        token = tokens[place]
        is_span = place + 2 < len(tokens) and tokens[place + 1][0] == "-"
        if token[2]:
            found |= _CLASSES[token[2]]
        elif is_span and not tokens[place + 2][2]:
            found |= set(map(chr, range(ord(_member(token)), ord(_member(tokens[place + 2])) + 1)))
            place += 2
        else:
            found.add(_member(token))
        place += 1
    return frozenset(found)


def _member(token: "re.Match[str]") -> str:
    return chr(int(token[1], 16)) if token[1] else token[3] or token[4]
