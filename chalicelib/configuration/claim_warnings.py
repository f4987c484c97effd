"""Which policies compare a known issuer's claims with what these never are?

Told only where it is so of all issuers whose tokens the comparison can be about; of one that is not known, nothing is.
"""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from chalicelib.callers.oidc.issuer import Issuer
from chalicelib.configuration.claim_forms import Form, form_of
from chalicelib.configuration.known_issuers import KnownIssuer, known_issuer
from chalicelib.configuration.policy_parts import comparisons_in
from chalicelib.configuration.policy_text import text_of
from chalicelib.decisions.indexed_policy import PolicyJson


class _Tag(NamedTuple):
    """`principal.getTag(name).text`, or `.values`."""

    name: str
    attribute: str


def looks_at_claims(policy: PolicyJson) -> bool:
    """Whether `claim_warnings` could have anything to say of a policy."""
    return any(_tag(part) is not None for part in comparisons_in(policy["conditions"]))


def claim_warnings(policy: PolicyJson, issuers: Collection[Issuer]) -> Iterator[str]:
    """A line for each comparison of a claim that is never true.

    Args:
        issuers: those whose subjects the policy can apply to.
    """
    parts = list(comparisons_in(policy["conditions"]))
    listed = {tag.name for part in parts if (tag := _tag(part)) is not None and tag.attribute == "values"}
    for part in parts:
        tag = _tag(part)
        if tag is not None and tag.attribute == "text" and tag.name not in listed:
            known = _known(tag.name, issuers)
            if known and all(kind.claims.get(path) == "list" for kind, path in known):
                yield (
                    f"`{text_of(part)}` is always empty, for {known[0][0].name} tokens have a list there: "
                    f'write principal.getTag("{tag.name}").values.contains(...)'
                )
        for compared, written in _compared(part):
            forms = _forms(compared, issuers)
            if forms and not any(form.lets(written) for _, form in forms):
                issuer, form = forms[0]
                yield f"`{text_of(part)}`: {issuer.name} tokens never have that: it {form.words}"


def _known(tag: str, issuers: Collection[Issuer]) -> list[tuple[KnownIssuer, tuple[str, ...]]]:
    """What is known of each issuer that makes the tag, with the claim's path; nothing if one is not known."""
    paths = [(issuer, dict(issuer.claims)[tag]) for issuer in issuers if tag in dict(issuer.claims)]
    known = [(kind, path) for issuer, path in paths if (kind := known_issuer(issuer.url)) is not None]
    return known if len(known) == len(paths) else []


def _forms(tag: _Tag, issuers: Collection[Issuer]) -> list[tuple[KnownIssuer, Form]]:
    known = _known(tag.name, issuers)
    if any(kind.claims.get(path) in ("list", "object") for kind, path in known):
        return []
    forms = [(kind, form) for kind, path in known if (form := form_of(kind, path)) is not None]
    return forms if len(forms) == len(known) else []


def _compared(part: object) -> Iterator[tuple[_Tag, list[str | None]]]:
    """Tags, and what they are compared with: texts, and None for wildcards."""
    match part:
        case {"==": {"left": left, "right": right}} | {"!=": {"left": left, "right": right}}:
            for one, other in ((left, right), (right, left)):
                yield from _with(one, [other])
        case {"contains": {"left": {"Set": list(several)}, "right": one}}:
            yield from _with(one, several)
        case {"contains": {"left": one, "right": other}}:
            yield from _with(one, [other])
        case {"containsAny": {"left": one, "right": {"Set": list(several)}}} | {
            "containsAll": {"left": one, "right": {"Set": list(several)}}
        }:
            yield from _with(one, several)
        case {"like": {"left": one, "pattern": list(pattern)}}:
            tag = _tag(one)
            if tag is not None:
                yield tag, [part["Literal"] if isinstance(part, dict) else None for part in _joined(pattern)]


def _with(one: object, others: list[object]) -> Iterator[tuple[_Tag, list[str | None]]]:
    tag = _tag(one)
    if tag is None:
        return
    for other in others:
        match other:
            case {"Value": str(text)}:
                yield tag, [text]


def _joined(pattern: list[object]) -> Iterator[object]:
    """A pattern with the texts that stand side by side in one; Cedar has each character by itself."""
    text = ""
    for part in pattern:
        if isinstance(part, dict):
            text += part["Literal"]
            continue
        if text:
            yield {"Literal": text}
        text = ""
        yield part
    if text:
        yield {"Literal": text}


def _tag(node: object) -> _Tag | None:
    match node:
        case {
            ".": {
                "left": {"getTag": {"left": {"Var": "principal"}, "right": {"Value": str(name)}}},
                "attr": "text" | "values" as attribute,
            }
        }:
            return _Tag(name, attribute)
    return None
