"""Which policies can have a say? Those whose scope fits the caller and the role, found without asking Cedar.

Cedar looks at a policy's scope before its conditions: of a policy whose scope does not fit it finds nothing, neither a
reason nor an error. So leaving such a policy out changes no decision, and what a decision costs does not grow with the
policies about others.
"""

import json
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice
from typing import Final, NamedTuple, TypeGuard

from chalicelib.decisions.cedar import cedarpy
from chalicelib.decisions.context import told_schema
from chalicelib.decisions.decision import NearPermits

PolicyJson = dict[str, object]
"""A policy in Cedar's JSON: https://docs.cedarpolicy.com/policies/json-format.html"""

# A scope that everybody, or everything, fits.
_ALL: Final = "*"
# Of the keys of an entity, its own and its parents'; before them stand `*` and its type.
_OWN: Final = slice(2, None)
# So many parsed policies are kept, in the selections that were asked for last: some 20 MB of them.
_KEPT_POLICIES: Final = 4096
# So many near permits of a kind are named.
_NAMED_NEAR: Final = 5
# So many selections are kept under their names.
_KEPT_NAMED: Final = 4


@dataclass(frozen=True, slots=True)
class IndexedPolicy:
    """A policy, and what can be told of it beforehand.

    Attributes:
        name: its `@id`.
        text: Cedar's own spelling of it.
        caller, role: what its scope demands of them: `*`, a type (`is`), or the key of an entity (`==`, `in`).
        named: ids of the roles that its conditions name, and may look at.
        permits: it is a `permit`.
        kind: the type that its scope demands of callers besides, `principal is TYPE in ...`; empty where any will do.
    """

    name: str
    text: str
    caller: str
    role: str
    named: tuple[str, ...] = ()
    permits: bool = True
    kind: str = ""


class IndexedPolicies(NamedTuple):
    """The policies one by one, and how decisions by them are asked for.

    Attributes:
        schema: as Cedar text, for decisions: see `told_schema`.
        attributes: of the context, that decisions are told.
    """

    schema: str
    indexed: tuple[IndexedPolicy, ...]
    attributes: frozenset[str] = frozenset()

    @classmethod
    def of(cls, schema: str, text: str) -> "IndexedPolicies":
        """The policies of a Cedar text, each of which has an `@id` of its own.

        Raises:
            ValueError: not valid Cedar, or a policy that Cedar would spell in a way that means something else.
        """
        static = _static(text)
        told = told_schema(schema, (policy["conditions"] for policy in static.values()))
        return cls(told.schema, tuple(map(_indexed, static.values())), told.attributes)


def index_policies(text: str) -> tuple[IndexedPolicy, ...]:
    """The policies of a Cedar text, each by itself.

    Raises:
        ValueError: not valid Cedar, or a policy that Cedar would spell in a way that means something else.
    """
    return tuple(map(_indexed, _static(text).values()))


def parse_est(policies: Iterable[IndexedPolicy]) -> dict[str, PolicyJson]:
    """Policies in Cedar's JSON, by their `@id`."""
    static = _static("\n".join(policy.text for policy in policies))
    return {_identifier(est): est for est in static.values()}


def _static(text: str) -> dict[str, PolicyJson]:
    static: dict[str, PolicyJson] = json.loads(cedarpy.policies_to_json_str(text))["staticPolicies"]
    return static


def policy_set(policies: Mapping[str, PolicyJson]) -> cedarpy.PolicySet:
    """Policies in Cedar's JSON, parsed. Cedar knows them by the names that they have here."""
    document = {"templates": {}, "staticPolicies": policies, "templateLinks": []}
    return cedarpy.PolicySet.from_json_str(json.dumps(document))


def entity_key(uid: Mapping[str, str]) -> str:
    """The key of an entity: no type holds a quote."""
    return f'{uid["type"]}::"{uid["id"]}"'


def keys_of(entity: Mapping[str, object]) -> tuple[str, ...]:
    """What a scope may demand so that an entity fits it: anything, its type, itself, or a parent.

    Args:
        entity: in Cedar's JSON. Its parents have no parents.
    """
    uid, parents = entity["uid"], entity["parents"]
    assert _is_uid(uid) and isinstance(parents, list)  # noqa: S101 entities.py makes them so
    return (_ALL, uid["type"], entity_key(uid), *map(entity_key, parents))


class Selection(NamedTuple):
    """Policies for Cedar to decide with.

    Attributes:
        places: which of all policies they are.
        named: ids of the roles that their conditions name.
    """

    policies: cedarpy.PolicySet
    places: tuple[int, ...]
    named: frozenset[str]


class PolicyIndex:
    """Finds policies by what their scopes demand."""

    def __init__(self, policies: Iterable[IndexedPolicy]) -> None:
        self._policies = tuple(policies)
        self._by_caller: dict[str, dict[str, list[int]]] = {}
        for place, policy in enumerate(self._policies):
            self._by_caller.setdefault(policy.caller, {}).setdefault(policy.role, []).append(place)
        self._general = tuple(self._by_caller.get(_ALL, {}).pop(_ALL, ()))
        self._kept: OrderedDict[tuple[int, ...], Selection] = OrderedDict()
        self._kept_policies = 0
        self._kept_named = lru_cache(_KEPT_NAMED)(self._parse_named)

    def select(self, caller_keys: Iterable[str], role_keys: Iterable[str]) -> Selection:
        """The policies whose scope may fit both."""
        places = self._places(caller_keys, role_keys)
        if places in self._kept:
            self._kept.move_to_end(places)
            return self._kept[places]
        selection = self._parse(places)
        self._kept[places] = selection
        self._kept_policies += len(places)
        while self._kept_policies > _KEPT_POLICIES and len(self._kept) > 1:
            oldest, _ = self._kept.popitem(last=False)
            self._kept_policies -= len(oldest)
        return selection

    def under_their_names(self, selection: Selection) -> cedarpy.PolicySet:
        """The same policies, which Cedar's messages call by their `@id`.

        Otherwise it counts them, and where it puts two sets of them together, it counts in no order that could be
        relied on. They take three times as long to parse, so this is only for decisions that have something to say.
        """
        return self._kept_named(selection.places)

    def about(self, caller_keys: Iterable[str]) -> dict[str, PolicyJson]:
        """The policies whose scope may fit the caller, whatever the role; by their `@id`."""
        some = [place for by_role in self._about(caller_keys) for places in by_role.values() for place in places]
        return parse_est(self._policies[place] for place in (*self._general, *some))

    def roles_about(self, caller_keys: Iterable[str]) -> frozenset[str]:
        """What the policies whose scope may fit the caller demand of roles, each as a key like those of `keys_of`."""
        demanded = {key for by_role in self._about(caller_keys) for key in by_role}
        return frozenset(demanded | {_ALL}) if self._general else frozenset(demanded)

    def near_permits(self, caller_keys: Sequence[str], role_keys: Sequence[str]) -> NearPermits:
        """The policies that would have let a caller in, had one thing been different, where none has.

        What it costs grows with the policies whose scope fits both alone, as that of the decision does.

        Args:
            caller_keys, role_keys: as `keys_of` gives them.
        """
        kind, callers, roles = caller_keys[1], caller_keys[_OWN], role_keys[_OWN]
        fitting = dict.fromkeys(
            place
            for place in (*self._general, *self._places(caller_keys, role_keys))
            if self._policies[place].permits and self._policies[place].kind in ("", kind)
        )
        by_caller, by_role = self._permits
        of_caller = [by_caller.get((key, of_kind), ()) for key in callers for of_kind in ("", kind)]
        of_role = [by_role.get(key, ()) for key in roles]
        named = [
            [self._policies[place].name for place in islice(places, _NAMED_NEAR)]
            for places in (
                fitting,
                (place for places in of_caller for place in places if place not in fitting),
                (place for places in of_role for place in places if place not in fitting),
            )
        ]
        among = sum(
            (self._policies[place].caller in callers) + (self._policies[place].role in roles) for place in fitting
        )
        found = len(fitting) + sum(map(len, of_caller)) + sum(map(len, of_role)) - among
        condition, resource, principal = map(tuple, named)
        return NearPermits(condition, resource, principal, more=found - sum(map(len, named)))

    @cached_property
    def _permits(self) -> tuple[dict[tuple[str, str], list[int]], dict[str, list[int]]]:
        """The places of all that permit, by what they demand of callers, and by what they demand of roles."""
        by_caller: dict[tuple[str, str], list[int]] = {}
        by_role: dict[str, list[int]] = {}
        for place, policy in enumerate(self._policies):
            if policy.permits:
                by_caller.setdefault((policy.caller, policy.kind), []).append(place)
                by_role.setdefault(policy.role, []).append(place)
        return by_caller, by_role

    def _places(self, caller_keys: Iterable[str], role_keys: Iterable[str]) -> tuple[int, ...]:
        roles = tuple(dict.fromkeys(role_keys))
        return tuple(place for by_role in self._about(caller_keys) for key in roles for place in by_role.get(key, ()))

    def _about(self, caller_keys: Iterable[str]) -> list[dict[str, list[int]]]:
        return [self._by_caller[key] for key in dict.fromkeys(caller_keys) if key in self._by_caller]

    @cached_property
    def _base(self) -> cedarpy.PolicySet:
        """The policies that everybody and everything fits. All selections share them."""
        return cedarpy.PolicySet.from_str("\n".join(self._policies[place].text for place in self._general))

    def _parse(self, places: tuple[int, ...]) -> Selection:
        own = "\n".join(self._policies[place].text for place in places)
        all_places = (*self._general, *places)
        return Selection(
            policies=self._base.with_added_str(own),
            places=all_places,
            named=frozenset(name for place in all_places for name in self._policies[place].named),
        )

    def _parse_named(self, places: tuple[int, ...]) -> cedarpy.PolicySet:
        return policy_set(parse_est(self._policies[place] for place in places))


def _indexed(est: PolicyJson) -> IndexedPolicy:
    document = {"templates": {}, "staticPolicies": {"policy0": est}, "templateLinks": []}
    text = cedarpy.policies_from_json_str(json.dumps(document)).strip()
    if json.loads(cedarpy.policies_to_json_str(text))["staticPolicies"] != {"policy0": est}:
        raise ValueError(f"policy {_identifier(est)!r} cannot be taken out of its file: write it in another way")
    named = tuple(sorted({name for kind, name in entities_in(est["conditions"]) if kind == "Role"}))
    caller, role = _demanded(est["principal"]), _demanded(est["resource"])
    return IndexedPolicy(
        _identifier(est), text, caller, role, named, permits=est["effect"] == "permit", kind=_kind(est["principal"])
    )


def _identifier(est: PolicyJson) -> str:
    annotations = est["annotations"]
    assert isinstance(annotations, dict)  # noqa: S101 policy_files.py demands an @id of each policy
    return str(annotations["id"])


def _demanded(scope: object) -> str:
    """What a part of a scope demands. Whatever this does not know, everybody may fit: Cedar will see."""
    match scope:
        case {"op": "==" | "in", "entity": entity} if _is_uid(entity):
            return entity_key(entity)
        case {"op": "is", "in": {"entity": entity}} if _is_uid(entity):
            return entity_key(entity)
        case {"op": "is", "entity_type": str(kind), **more} if not more:
            return kind
    return _ALL


def _kind(scope: object) -> str:
    """The type that a part of a scope demands besides a parent."""
    match scope:
        case {"op": "is", "entity_type": str(kind), "in": _}:
            return kind
    return ""


def _is_uid(entity: object) -> TypeGuard[dict[str, str]]:
    match entity:
        case {"type": str(), "id": str(), **more}:
            return not more
    return False


def entities_in(node: object) -> Iterator[tuple[str, str]]:
    """Type and id of each entity that a part of a policy (in Cedar's JSON) names."""
    match node:
        case {"type": str(kind), "id": str(identifier)}:
            yield kind, identifier
        case dict():
            for child in node.values():
                yield from entities_in(child)
        case list():
            for child in node:
                yield from entities_in(child)
