"""A policy by itself, taken out of its file, with what can be told of it before anybody asks."""

import json
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from chalicelib.decisions.cedar import cedarpy
from chalicelib.decisions.scope_keys import demanded_key, demanded_type

PolicyJson = dict[str, object]
"""A policy in Cedar's JSON: https://docs.cedarpolicy.com/policies/json-format.html"""


class IndexedPolicy(NamedTuple):
    """A policy, and what can be told of it beforehand.

    Attributes:
        name: its `@id`.
        text: Cedar's own spelling of it.
        caller, role: what its scope demands of them: `*`, a type (`is`), or the key of an entity (`==`, `in`).
        named: ids of the roles that its conditions name, and may look at.
    """

    name: str
    text: str
    caller: str
    role: str
    named: tuple[str, ...] = ()


class IndexedPolicies(NamedTuple):
    """The policies one by one, and how decisions by them are asked for.

    Attributes:
        schema: as Cedar text, for decisions: see `told_schema`.
        attributes: of the context, that decisions are told.
        forbids: places of the policies that forbid.
        kinds: by the place of a policy, the type that its scope demands of callers besides: `principal is TYPE in ...`.
        role_facts: of `entities.ROLE_FACTS`, what decisions are told of roles.
    """

    schema: str
    indexed: tuple[IndexedPolicy, ...]
    attributes: frozenset[str] = frozenset()
    forbids: frozenset[int] = frozenset()
    kinds: Mapping[int, str] = MappingProxyType({})
    role_facts: frozenset[str] = frozenset()

    @classmethod
    def of(cls, schema: str, text: str) -> "IndexedPolicies":
        """The policies of a Cedar text, each of which has an `@id` of its own.

        Raises:
            ValueError: not valid Cedar, or a policy that Cedar would spell in a way that means something else.
        """
        return cls.of_json(schema, _static(text).values())

    @classmethod
    def of_json(
        cls, schema: str, policies: Iterable[PolicyJson], texts: Iterable[str] | None = None
    ) -> "IndexedPolicies":
        """The same of policies in Cedar's JSON.

        Args:
            texts: of each policy, as it is written; Cedar's own spelling, which takes a while, where they are left out.

        Raises:
            ValueError: a policy that Cedar would spell in a way that means something else.
        """
        # The deployed function is given what they find out.
        from chalicelib.decisions.context import told_schema
        from chalicelib.decisions.role_facts import told_of_roles

        static = tuple(policies)
        told = told_schema(schema, (policy["conditions"] for policy in static))
        named = {kind for policy in static for kind, _ in entities_in(policy)}
        kinds = {place: demanded_type(policy["principal"]) for place, policy in enumerate(static)}
        return cls(
            told.schema,
            tuple(map(_indexed, static) if texts is None else map(_spelled, static, texts)),
            told.attributes,
            forbids=frozenset(place for place, policy in enumerate(static) if policy["effect"] == "forbid"),
            kinds={place: kind for place, kind in kinds.items() if kind},
            role_facts=told_of_roles(schema, named),
        )


def index_policies(text: str) -> tuple[IndexedPolicy, ...]:
    """The policies of a Cedar text, each by itself.

    Raises:
        ValueError: not valid Cedar, or a policy that Cedar would spell in a way that means something else.
    """
    return tuple(map(_indexed, _static(text).values()))


def parse_est(policies: Iterable[IndexedPolicy]) -> dict[str, PolicyJson]:
    """Policies in Cedar's JSON, by their `@id`."""
    return {_identifier(est): est for est in _static(text_of(policies)).values()}


def text_of(policies: Iterable[IndexedPolicy]) -> str:
    """Policies as one Cedar text."""
    return "\n".join(policy.text for policy in policies)


def policy_set(policies: Mapping[str, PolicyJson]) -> cedarpy.PolicySet:
    """Policies in Cedar's JSON, parsed. Cedar knows them by the names that they have here."""
    document = {"templates": {}, "staticPolicies": policies, "templateLinks": []}
    return cedarpy.PolicySet.from_json_str(json.dumps(document))


def entities_in(node: object) -> Iterator[tuple[str, str]]:
    """Type and id of each entity that a part of a policy (in Cedar's JSON) names, in the order of the document."""
    left = [node]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            kind, identifier = one.get("type"), one.get("id")
            if isinstance(kind, str) and isinstance(identifier, str):
                yield kind, identifier
            else:
                left += reversed(one.values())
        elif isinstance(one, list):
            left += reversed(one)


def own_spelling(est: PolicyJson) -> str | None:
    """A policy in Cedar's own spelling; None: that means another one."""
    document = {"templates": {}, "staticPolicies": {"policy0": est}, "templateLinks": []}
    text = cedarpy.policies_from_json_str(json.dumps(document)).strip()
    return text if _static(text) == document["staticPolicies"] else None


def _indexed(est: PolicyJson) -> IndexedPolicy:
    text = own_spelling(est)
    if text is None:
        raise ValueError(f"policy {_identifier(est)!r} cannot be taken out of its file: write it in another way")
    return _spelled(est, text)


def _spelled(est: PolicyJson, text: str) -> IndexedPolicy:
    named = tuple(sorted({name for kind, name in entities_in(est["conditions"]) if kind == "Role"}))
    return IndexedPolicy(_identifier(est), text, demanded_key(est["principal"]), demanded_key(est["resource"]), named)


def _static(text: str) -> dict[str, PolicyJson]:
    static: dict[str, PolicyJson] = json.loads(cedarpy.policies_to_json_str(text))["staticPolicies"]
    return static


def _identifier(est: PolicyJson) -> str:
    annotations = est["annotations"]
    assert isinstance(annotations, dict)  # noqa: S101 policy_files.py demands an @id of each policy
    return str(annotations["id"])
