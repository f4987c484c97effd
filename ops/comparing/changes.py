"""What differs between two configurations, in words: roles, policies, issuers, how sessions are kept."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Literal, NamedTuple

from chalicelib.configuration.issuers_file import read_issuers
from chalicelib.configuration.policy_files import WrittenPolicy
from chalicelib.configuration.source import WrittenConfiguration
from chalicelib.decisions.indexed_policy import PolicyJson
from ops.access.who_can import callers_in_words
from ops.comparing.sides import Side
from ops.deciding.written_policies import is_forbid
from ops.explaining.conditions import conditions_of
from ops.explaining.explaining import scope_text

Sign = Literal["+", "~", "-"]
Fields = Mapping[str, object]
# What a value that is told may have; a longer one is said to be another.
_LONGEST: Final = 80


class Changed(NamedTuple):
    """Something that is there on one side only, or is not the same on both.

    Attributes:
        kind: `role`, `account`, `policy`, `issuer`, `quota` or `setting`.
        sign: `+` added, `~` changed, `-` taken away.
        words: how, each a sentence's part.
    """

    kind: str
    sign: Sign
    name: str
    words: tuple[str, ...] = ()


def changes(old: Side, new: Side) -> list[Changed]:
    """All that differs, kind by kind, by name."""
    return [
        *_roles(old.written, new.written),
        *_entries("account", _accounts(old.written), _accounts(new.written)),
        *_policies(old.written, new.written),
        *_entries("issuer", _issuers(old.directory), _issuers(new.directory)),
        *_entries("quota", _quotas(old.written), _quotas(new.written)),
        *_settings(old.written, new.written),
    ]


def _roles(old: WrittenConfiguration, new: WrittenConfiguration) -> Iterator[Changed]:
    before, after = (_role_entries(side) for side in (old, new))
    taken = {entry["arn"]: name for name, entry in before.items() if name not in after and "arn" in entry}
    for one in _entries("role", before, after):
        was = taken.get(after[one.name].get("arn")) if one.sign == "+" else None
        yield one if was is None else one._replace(words=(f"has the ARN that {was} had", *one.words))


def _role_entries(written: WrittenConfiguration) -> Mapping[str, Fields]:
    """Entries as they are written; of several that are called alike, all but the first with their places."""
    found: dict[str, Fields] = {}
    for one in written.catalog.entries:
        name = one.entry.name
        found[name if name not in found else f"{name} ({one.file}, line {one.line})"] = one.value
    return found


def _accounts(written: WrittenConfiguration) -> Mapping[str, Fields]:
    accounts = written.catalog.accounts
    return {
        one.name: {
            "id": one.id,
            "partition": one.partition,
            "groups": list(one.groups),
            "owner": accounts.owners.get(one.id),
        }
        for one in accounts.accounts
    }


def _issuers(directory: Path) -> Mapping[str, Fields]:
    """The entries of issuers.yaml, with what is in their key files: who holds those keys can be all of its callers."""
    found: dict[str, Fields] = {}
    for entry in read_issuers(directory / "issuers.yaml"):
        if isinstance(entry, dict):
            file = entry.get("jwks_file")
            keys = None if file is None else hashlib.sha256((directory / str(file)).read_bytes()).hexdigest()
            found[str(entry["name"])] = {**entry, **({} if keys is None else {"keys": keys})}
    return found


def _quotas(written: WrittenConfiguration) -> Mapping[str, Fields]:
    return {
        quota.name: {name: value for name, value in quota._asdict().items() if value is not None}
        for quota in written.configuration.sessions.quotas
    }


def _settings(old: WrittenConfiguration, new: WrittenConfiguration) -> Iterator[Changed]:
    for name, (before, after) in {
        "roles.yaml": (_of_catalog(old), _of_catalog(new)),
        "sessions.yaml": (_of_sessions(old), _of_sessions(new)),
        "schema.cedarschema": ({"it": old.policies.schema}, {"it": new.policies.schema}),
    }.items():
        words = tuple(_fields(before, after))
        if words:
            yield Changed("setting", "~", name, ("says something else",) if "it" in before else words)


def _of_catalog(written: WrittenConfiguration) -> Fields:
    catalog = written.catalog
    zone = None if catalog.time_zone is None else catalog.time_zone.name
    return {"role_path": catalog.role_path, "managed_policies": catalog.managed_policies, "time_zone": zone}


def _of_sessions(written: WrittenConfiguration) -> Fields:
    return {name: value for name, value in written.configuration.sessions._asdict().items() if name != "quotas"}


def _entries(kind: str, old: Mapping[str, Fields], new: Mapping[str, Fields]) -> Iterator[Changed]:
    for name in sorted({*old, *new}):
        if name not in old:
            yield Changed(kind, "+", name, tuple(_fields({}, {k: v for k, v in new[name].items() if k != "name"})))
        elif name not in new:
            yield Changed(kind, "-", name)
        elif words := tuple(_fields(old[name], new[name])):
            yield Changed(kind, "~", name, words)


def _fields(old: Fields, new: Fields) -> Iterator[str]:
    for name in dict.fromkeys([*new, *old]):
        before, after = old.get(name), new.get(name)
        if before != after:
            yield f"`{name}`{_from_to(before, after)}"


def _from_to(before: object, after: object) -> str:
    match before, after:
        case ((list() | None), (list() | None)):
            was, now = _texts(before), _texts(after)
            parts = [f"+ {one}" for one in now if one not in was] + [f"- {one}" for one in was if one not in now]
            return f": {', '.join(parts)}" if parts else ": in another order"
        case ((dict() | None), (dict() | None)):
            parts = list(_keys(before or {}, after or {}))
            return f": {', '.join(parts)}"
    return f": {_shown(after)}" if before is None else f": {_shown(before)} -> {_shown(after)}"


def _keys(before: Fields, after: Fields) -> Iterator[str]:
    yield from (f"+ {key}" for key in after if key not in before)
    yield from (f"~ {key}" for key in after if key in before and after[key] != before[key])
    yield from (f"- {key}" for key in before if key not in after)


def _texts(several: list[object] | None) -> list[str]:
    return list(map(_shown, several or []))


def _shown(value: object) -> str:
    if value is None:
        return "none"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _policies(old: WrittenConfiguration, new: WrittenConfiguration) -> Iterator[Changed]:
    before, after = ({one.name: one for one in side.policies.policies} for side in (old, new))
    renamed = _renamed(before, after)
    for name in sorted({*before, *after}):
        if name in renamed.values():
            continue
        if name in renamed:
            yield Changed("policy", "~", name, (f"is called {renamed[name]} now",))
        elif name not in before:
            yield Changed("policy", "+", name, tuple(_said(after[name])))
        elif name not in after:
            yield Changed("policy", "-", name, tuple(_said(before[name])))
        elif words := tuple(_policy_words(before[name], after[name])):
            yield Changed("policy", "~", name, words)
        elif _body(before[name]) != _body(after[name]):
            yield Changed("policy", "~", name, ("says the same in another way, or has other annotations",))


def _renamed(before: Mapping[str, WrittenPolicy], after: Mapping[str, WrittenPolicy]) -> Mapping[str, str]:
    """Policies that have another name, and say the same; old names to new ones."""
    bodies: dict[str, str] = {_body(one): name for name, one in sorted(after.items()) if name not in before}
    found: dict[str, str] = {}
    for name, one in sorted(before.items()):
        if name not in after and (now := bodies.pop(_body(one), None)) is not None:
            found[name] = now
    return found


def _body(policy: WrittenPolicy) -> str:
    annotations = policy.json["annotations"]
    assert isinstance(annotations, dict)  # noqa: S101 Cedar makes it so
    rest = {name: value for name, value in annotations.items() if name != "id"}
    return json.dumps(policy.json | {"annotations": rest}, sort_keys=True)


def _said(policy: WrittenPolicy) -> Iterator[str]:
    """What a policy says, whole."""
    mode = ", in audit mode" if policy.is_audited else ""
    yield f"{'forbid' if is_forbid(policy) else 'permit'} {callers_in_words(policy.json['principal'])}{mode}"
    resource = scope_text(policy.json, "resource")
    yield "every role" if resource == "resource" else resource
    yield from _conditions(policy.json)


def _policy_words(old: WrittenPolicy, new: WrittenPolicy) -> Iterator[str]:
    if is_forbid(old) != is_forbid(new):
        yield "forbids, and permitted" if is_forbid(new) else "permits, and forbade"
    if old.is_audited != new.is_audited:
        yield "is in audit mode, and was enforced" if new.is_audited else "is enforced, and was in audit mode"
    for variable in ("principal", "action", "resource"):
        was, now = scope_text(old.json, variable), scope_text(new.json, variable)
        if was != now:
            yield f"{_scope(now)} (was: {_scope(was)})"
    was_conditions, are = _conditions(old.json), _conditions(new.json)
    yield from (f"+ {one}" for one in are if one not in was_conditions)
    yield from (f"- {one}" for one in was_conditions if one not in are)


def _scope(text: str) -> str:
    return {"principal": "everybody", "resource": "every role", "action": "every action"}.get(text, text)


def _conditions(policy: PolicyJson) -> list[str]:
    return [f"{one.clause} {one.text}" for one in conditions_of(policy)]
