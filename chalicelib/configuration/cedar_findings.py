"""What helps against what Cedar's validator finds? It knows types and attributes, and says little of what was meant."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from chalicelib.configuration.cedar_hints import SECONDS
from chalicelib.configuration.cedar_tokens import Token
from chalicelib.text.likeness import nearest

_RECORD: Final = re.compile(r"\{((?:\w+\??: [^{}]+,)+)\}")
_FIELD: Final = re.compile(r"(\w+)\??: ((?:[^,<>]|<[^<>]*>)+),")
_INTERNAL: Final = {
    "__cedar::internal::OpenRecord{}": "a record",
    "__cedar::internal::AnyEntity": "an entity",
    "__cedar::internal::Any": "anything",
}
_NO_SUCH_VALUE: Final = re.compile(
    r"entity `(.*)` is of an enumerated entity type, but .* is not declared as a valid eid"
)
_NO_ATTRIBUTE: Final = re.compile(r"attribute `([^`]*)` on entity type `([^`]*)` not found")
_CONVERSIONS: Final = {
    "ipaddr": 'write ip("192.0.2.1"), or .isInRange(ip("192.0.2.0/24"))',
    "datetime": 'write datetime("2026-01-31")',
    "duration": 'write duration("9h")',
    "Bool": "true and false stand without quotes, or write the condition alone",
    "Long": "a number stands without quotes, and durations are seconds",
}


def summed_up(messages: Iterable[str]) -> list[str]:
    """What the validator says of a policy, where it says the same of several types in one line, in a stable order."""
    types: dict[str, set[str]] = {}
    others: list[str] = []
    for message in messages:
        missing = _NO_ATTRIBUTE.fullmatch(message)
        if missing is not None:
            types.setdefault(missing[1], set()).add(missing[2])
        elif message not in others:
            others.append(message)
    lines = [f"attribute `{name}` on {', '.join(sorted(kinds))} not found" for name, kinds in types.items()]
    # It follows from each of the others.
    applicable = [line for line in others if not line.startswith("unable to find an applicable action")]
    return sorted(lines + (applicable if lines or applicable else others))


# What people look for in the context, and where it is.
_TIME_OF_DAY: Final = 'the time of day is context.local.time: context.local.time < duration("17h")'
_IN_CONTEXT: Final = {
    "hour": _TIME_OF_DAY,
    "hours": _TIME_OF_DAY,
    "minute": _TIME_OF_DAY,
    "day": 'the day is context.local.weekday == Weekday::"Sunday", or context.local.date == "2026-12-24"',
    "ip": "did you mean source_ip?",
}


def hint_on_finding(message: str, tokens: Sequence[Token], schema: str, part: str = "") -> str | None:
    """What helps against something that Cedar's validator says.

    Args:
        part: of the policy that it says it of, if it is known.
    """
    if "OpenRecord" in message and re.search("but saw (datetime|duration)", message):
        return _TIME_OF_DAY
    if "saw ipaddr" in message and "AnyEntity" in message:
        return 'write context.source_ip.isInRange(ip("192.0.2.0/24"))'
    if record := _RECORD.search(message):
        return _hint_on_record(record[1], message.replace(record[0], ""))
    if tag := re.search(r"unable to guarantee safety of access to tag `([^`]*)`", message):
        return f"not every caller has it: write {_owner(tokens, tag[1])}.hasTag({tag[1]}) && before it"
    if attribute := re.search(r"unable to guarantee safety of access to optional attribute `([^`]*)`", message):
        return f"not each has it: ask with `has {attribute[1]}` && before it"
    if missing := re.search(r"attribute `([^`]*)` on ([\w, ]+) not found", message):
        return _hint_on_attribute(missing[1], missing[2].split(", "), schema)
    if missing := re.search(r"attribute `([^`]*)` in context", message):
        return _hint_on_context(missing[1], schema)
    if "OpenRecord" in message:
        return "not every caller's tag is a record: write principal is OidcSubject && before it"
    if "AnyEntity" in message:
        return '`in` is for entities; for texts write ["a", "b"].contains(...)'
    if unknown := re.search(r"unrecognized entity type `([^`]*)`", message):
        return _nearest(unknown[1], re.findall(r"entity (\w+)", schema))
    if odd := _NO_SUCH_VALUE.search(message):
        values = _values_of(odd[1].partition("::")[0], schema)
        return f"there are {', '.join(values)}" if values else None
    if "as a duration value" in message:
        return 'a duration is written duration("1h30m")'
    if "as a datetime value" in message:
        return 'a moment is written datetime("2026-01-31T09:00:00Z")'
    if "unrecognized action" in message:
        return 'the action is Action::"AssumeRole"'
    if "unable to find an applicable action" in message:
        return "the principal must be a caller, and the resource a Role"
    if mixed := re.search(r"types (\w+) and (\w+) are not compatible|expected (\w+) but saw (\w+)", message):
        return _hint_on_types(frozenset(filter(None, mixed.groups())), schema, part)
    if mixed := re.search(r"saw (\w+)$", message):
        return _CONVERSIONS.get(mixed[1])
    return None


def _hint_on_types(pair: frozenset[str], schema: str, part: str) -> str | None:
    """About two types of which one ought to be the other."""
    for kind in sorted(pair):
        values = _values_of(kind, schema)
        if values:
            named = nearest(next(iter(re.findall(r'"([^"]*)"', part)), ""), values) or values[-1]
            return f'write {kind}::"{named}"'
    if pair == {"Long", "duration"} and "context.duration" in part:
        return f"context.duration is a number of seconds{_in_seconds(part)}"
    if pair in ({"datetime", "duration"}, {"datetime", "Long"}):
        return _TIME_OF_DAY
    for kind, others in (("Bool", {"String", "Long"}), ("duration", {"Long"})):
        if kind in pair and pair - {kind} <= others:
            return _CONVERSIONS[kind]
    return next((words for kind, words in _CONVERSIONS.items() if pair == {kind, "String"}), None)


def _in_seconds(part: str) -> str:
    """As many as the durations of a part are."""
    written = re.findall(r'duration\("((?:[0-9]+[dhms])+)"\)', part)
    counts = [sum(int(count) * SECONDS[unit] for count, unit in re.findall("([0-9]+)([dhms])", one)) for one in written]
    return f": write {counts[0]}" if counts else ""


def _values_of(kind: str, schema: str) -> list[str]:
    """Of an enumerated type; none of others."""
    values = re.search(rf"entity {re.escape(kind)} enum \[(.*?)\]", schema, re.DOTALL)
    return [] if values is None else re.findall(r'"([^"]*)"', values[1])


def _hint_on_context(path: str, schema: str) -> str | None:
    """About an attribute of the context that there is not, or of one of its attributes."""
    body = schema.partition("context:")[2].partition("};")[0]
    types = dict(re.findall(r"type (\w+) = \{(.*?)\};", schema, re.DOTALL))
    own = dict(re.findall(r"(\w+)\??\s*:\s*(\w+)", body))
    deeper = {
        field: f"context.{name}.{field}"
        for name, kind in own.items()
        for field in re.findall(r"(\w+)\??\s*:", types.get(kind, ""))
    }
    name = path.rpartition(".")[2]
    if name in deeper:
        return f"did you mean {deeper[name]}?"
    if name.lower() in _IN_CONTEXT:
        return _IN_CONTEXT[name.lower()]
    if "." in path:
        near = nearest(name, deeper)
        return f"did you mean {deeper[near]}?" if near else f"there are {', '.join(deeper.values())}"
    return _nearest(name, [*own, *deeper])


def plain(message: str) -> str:
    """A message without the names that Cedar has for itself."""
    for internal, words in _INTERNAL.items():
        message = message.replace(internal, words)
    return _NO_SUCH_VALUE.sub(r"`\1` is not one of its type", message)


def _hint_on_record(fields: str, rest: str) -> str | None:
    for name, kind in _FIELD.findall(fields):
        if re.search(rf"\b{re.escape(kind.partition('<')[0])}\b", rest):
            return f"what is there is a record: write .{name} behind it"
    return None


def _hint_on_attribute(name: str, lacking: Sequence[str], schema: str) -> str | None:
    """Other callers have it, or it is a tag; else what it resembles."""
    callers = set(re.findall(r"\w+", schema.partition("principal: [")[2].partition("]")[0]))
    entities = re.findall(r"entity (\w+)[^;=]*= \{(.*?)\}", schema, re.DOTALL)
    fields = {kind: re.findall(r"(\w+)\??:", body) for kind, body in entities}
    having = sorted(kind for kind in callers if name in fields.get(kind, ()))
    if having and callers.intersection(lacking):
        return f"it is of {', '.join(having)} alone: look at the type before, as in principal is {having[-1]} && ..."
    near = _nearest(name, [field for kind in lacking for field in fields.get(kind, ())])
    if near is not None:
        return near
    tagged = sorted(set(re.findall(r"entity (\w+)[^;]*?\} tags", schema)) & set(lacking))
    return f'claims and tags are asked for with .hasTag("{name}") and .getTag("{name}")' if tagged else None


def _owner(tokens: Sequence[Token], tag: str) -> str:
    """Whose tag it is: the word before `.getTag(TAG)`."""
    for index in range(2, len(tokens) - 2):
        if tokens[index].text == "getTag" and tokens[index + 2].text == tag:
            return tokens[index - 2].text
    return "principal"


def _nearest(name: str, names: Iterable[str]) -> str | None:
    near = nearest(name, names)
    return f"did you mean {near}?" if near else None
