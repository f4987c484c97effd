"""Which value did a policy see? Attributes and tags of a decision, looked up in what Cedar was told."""

from collections.abc import Mapping
from typing import Final

from chalicelib.callers.caller import Caller
from chalicelib.configuration.policy_text import entity_text, text_of
from chalicelib.decisions.decision import Circumstances
from chalicelib.decisions.entities import asked_entities, context_json, principal_json, role_json
from chalicelib.roles.role import Role

# Of what has no end, messages show so much.
_MOST_SHOWN: Final = 8
_ABSENT: Final = object()

Json = Mapping[str, object]


class SeenValues:
    """What policies saw of one request."""

    def __init__(self, caller: Caller, role: Role, circumstances: Circumstances) -> None:
        """
        Args:
            circumstances: their time is in the time zone of local times.
        """
        entities = [principal_json(caller), role_json(role), *asked_entities(circumstances)]
        self._entities = {_key(entity["uid"]): entity for entity in entities}
        context = context_json(circumstances, zone=circumstances.time.tzinfo)  # type: ignore[arg-type]
        self._variables: Json = {
            "principal": {"__entity": entities[0]["uid"]},
            "resource": {"__entity": entities[1]["uid"]},
            "action": {"__entity": {"type": "Action", "id": "AssumeRole"}},
            "context": context,
        }

    def of(self, expression: object) -> str:
        """The value of an expression that is nothing but the way to one, as people write it."""
        match expression:
            case {"Var": str(name)} if name in ("principal", "resource"):
                return self._entity_with_parents(self._variables[name])
            case {"getTag": {"left": left, "right": {"Value": str(tag)}}}:
                value = self._value(expression)
                return self._without_tag(left, tag) if value is _ABSENT else _text(value)
        value = self._value(expression)
        return "not there" if value is _ABSENT else _text(value)

    def _value(self, expression: object) -> object:
        match expression:
            case {"Var": str(name)}:
                return self._variables[name]
            case {".": {"left": left, "attr": str(name)}}:
                return self._within(self._value(left), "attrs", name)
            case {"getTag": {"left": left, "right": {"Value": str(name)}}}:
                return self._within(self._value(left), "tags", name)
        return _ABSENT

    def _within(self, value: object, part: str, name: str) -> object:
        """An attribute or a tag of an entity, or a field of a record."""
        match value:
            case {"__entity": uid}:
                entity = self._entities.get(_key(uid), {})
                values = entity.get(part)
                return values.get(name, _ABSENT) if isinstance(values, Mapping) else _ABSENT
            case Mapping():
                return value.get(name, _ABSENT)
        return _ABSENT

    def _without_tag(self, left: object, tag: str) -> str:
        match self._value(left):
            case {"__entity": uid}:
                tags = self._entities.get(_key(uid), {}).get("tags")
                names = sorted(map(str, tags)) if isinstance(tags, Mapping) else []
                return f"not there; there is {_some(names)}" if names else "not there; there are none"
        return "not there"

    def _entity_with_parents(self, value: object) -> str:
        match value:
            case {"__entity": uid}:
                parents = self._entities[_key(uid)].get("parents")
                named = [entity_text(*_key(parent)) for parent in parents] if isinstance(parents, list) else []
                return f"{_text(value)}{f', in {_some(named)}' if named else ''}"
        return _text(value)


def _key(uid: object) -> tuple[str, str]:
    match uid:
        case {"type": str(kind), "id": str(identifier)}:
            return kind, identifier
    raise TypeError("entities.py makes them so")


def _some(names: list[str]) -> str:
    more = len(names) - _MOST_SHOWN
    return ", ".join(names[:_MOST_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _text(value: object) -> str:
    """A value of Cedar's JSON as policies write it."""
    match value:
        case {"__extn": {"fn": "duration", "arg": str(seconds)}}:
            return f'duration("{_hours(int(seconds.removesuffix("s")))}")'
        case {"__extn": {"fn": str(function), "arg": str(argument)}}:
            return f'{function}("{argument}")'
        case {"__entity": {"type": str(), "id": str()}}:
            return text_of({"Value": value})
        case {"text": str(text), "values": list(values), **more} if not more:  # a claim
            return _text(values) if not text else _text(text)
        case Mapping():
            return "{" + ", ".join(f"{name}: {_text(one)}" for name, one in value.items()) + "}"
        case list():
            return f"[{_some(list(map(_text, value)))}]"
    return text_of({"Value": value})


def _hours(seconds: int) -> str:
    """As Cedar takes it: `17h30m`."""
    parts = (seconds // 3600, "h"), (seconds // 60 % 60, "m"), (seconds % 60, "s")
    return "".join(f"{count}{unit}" for count, unit in parts if count) or "0s"
