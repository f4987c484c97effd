"""Policies as Cedar asks them: parsed when they first have a say, and kept, up to a bound on all that is kept.

Policies that everybody and everything fits have a say in each decision. Where they are few, they are put beside the
others, for a decision is quicker with one question; each set then holds them once more, and is weighed with them. Where
they are many, they are a set of their own, which all decisions share: what a stranger may ask copies nothing.
"""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Final, NamedTuple

from chalicelib.caching import WeighedCache
from chalicelib.decisions.cedar import cedarpy
from chalicelib.decisions.indexed_policy import IndexedPolicy, parse_est, policy_set, text_of

# Parsed policies are kept up to so many characters of Cedar's text. Each takes 30 to 60 bytes of memory, at worst 180.
_KEPT_CHARACTERS: Final = 786_432
# The same, of policies in audit mode, which are few and for a time.
_KEPT_AUDIT_CHARACTERS: Final = 131_072
# The same, of policies that are parsed under their names.
_KEPT_NAMED_CHARACTERS: Final = 131_072
# What a set takes, however little is in it, as a number of characters.
_EMPTY_CHARACTERS: Final = 64
# General policies of up to so many characters, some seven policies, are put beside the others.
_FEW_CHARACTERS: Final = 1024


class ParsedSet(NamedTuple):
    """Policies for Cedar to decide with.

    Attributes:
        places: which of all policies they are.
        named: ids of the roles that their conditions name.
    """

    policies: cedarpy.PolicySet
    places: tuple[int, ...]
    named: frozenset[str]


class ParsedPolicies:
    """Parses, and keeps what was asked for last."""

    def __init__(
        self, policies: Sequence[IndexedPolicy], general: tuple[int, ...], in_audit_mode: bool = False
    ) -> None:
        """Nothing is parsed yet.

        Args:
            general: places of the policies that everybody and everything fits.
            in_audit_mode: fewer of them are kept.
        """
        self._policies = policies
        self._places_of_general = general
        self._few = 0 < self._characters(general) <= _FEW_CHARACTERS
        self._kept = WeighedCache[tuple[int, ...], ParsedSet](
            _KEPT_AUDIT_CHARACTERS if in_audit_mode else _KEPT_CHARACTERS
        )
        self._kept_named = WeighedCache[tuple[int, ...], cedarpy.PolicySet](_KEPT_NAMED_CHARACTERS)

    def with_general(self, places: tuple[int, ...]) -> tuple[ParsedSet, ...]:
        """The policies at some places and the general ones, in one set or two.

        Args:
            places: none of them of a general policy.
        """
        if not places:
            return (self._general,)
        if self._few:
            return (self._parsed((*self._places_of_general, *places)),)
        return (self._general, self._parsed(places)) if self._places_of_general else (self._parsed(places),)

    def under_their_names(self, places: tuple[int, ...]) -> cedarpy.PolicySet:
        """The policies of a set, which Cedar's messages call by their `@id`.

        Otherwise it counts them, and where it puts two sets of them together, it counts in no order that could be
        relied on. They take three times as long to parse, so this is only for decisions that have something to say.
        """
        if places == self._places_of_general:
            return self._general_named
        kept = self._kept_named.get(places)
        if kept is None:
            kept = self._parse_named(places)
            self._kept_named.put(places, kept, self._weight(places))
        return kept

    @cached_property
    def _general(self) -> ParsedSet:
        places = self._places_of_general
        return ParsedSet(cedarpy.PolicySet.from_str(self._text(places)), places, self._named(places))

    @cached_property
    def _general_named(self) -> cedarpy.PolicySet:
        return self._parse_named(self._places_of_general)

    def _parsed(self, places: tuple[int, ...]) -> ParsedSet:
        kept = self._kept.get(places)
        if kept is None:
            if self._few:
                policies = self._general.policies.with_added_str(self._text(places[len(self._places_of_general) :]))
            else:
                policies = cedarpy.PolicySet.from_str(self._text(places))
            kept = ParsedSet(policies, places, self._named(places))
            self._kept.put(places, kept, self._weight(places))
        return kept

    def _parse_named(self, places: tuple[int, ...]) -> cedarpy.PolicySet:
        return policy_set(parse_est(self._policies[place] for place in places))

    def _text(self, places: Iterable[int]) -> str:
        return text_of(self._policies[place] for place in places)

    def _named(self, places: Iterable[int]) -> frozenset[str]:
        return frozenset(name for place in places for name in self._policies[place].named)

    def _weight(self, places: Iterable[int]) -> int:
        return _EMPTY_CHARACTERS + self._characters(places)

    def _characters(self, places: Iterable[int]) -> int:
        return sum(len(self._policies[place].text) for place in places)
