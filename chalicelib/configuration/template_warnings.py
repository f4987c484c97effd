"""Which placeholders of a role can be filled by nobody who may have it? Each of their requests would be refused."""

from collections.abc import Iterable, Iterator

from chalicelib.callers.kinds import KINDS
from chalicelib.callers.shape import Shape
from chalicelib.configuration.policy_conditions import Conditions
from chalicelib.configuration.policy_parts import parts_of
from chalicelib.configuration.possible_requests import PossibleRequests, fits
from chalicelib.configuration.source import WrittenConfiguration
from chalicelib.roles.session_rules import SessionRules
from chalicelib.roles.template import Placeholder
from chalicelib.text.likeness import did_you_mean, nearest


def template_warnings(written: WrittenConfiguration) -> Iterator[str]:
    """A line for each such placeholder: file, role, placeholder, and what is likely meant."""
    asked = {
        place: wanted for place, role in enumerate(written.catalog.roles) if (wanted := _of_callers(role.session_rules))
    }
    if not asked:
        return
    possible = PossibleRequests(KINDS, written.issuers, written.configuration.catalog)
    callers = _callers(possible, written, asked)
    for entry in written.catalog.entries:
        # What is the same in several accounts is told once.
        found = {
            f"{placeholder} {problem}"
            for place in entry.places
            for placeholder in asked.get(place, ())
            if (problem := _problem(placeholder, callers.get(place, []), possible))
        }
        yield from (f"{entry.label}: {problem}" for problem in sorted(found))


def _problem(placeholder: Placeholder, shapes: list[Shape], possible: PossibleRequests) -> str:
    """Why nobody, or hardly anybody, has a value for it; empty if somebody may, or if nobody may have the role."""
    if not shapes:
        return ""
    if placeholder.kind == "caller":
        if placeholder.name != "account" or any("account" in shape.attributes for shape in shapes):
            return ""
        return "is of callers that sign alone, and none of them may have the role"
    holders = [shape for shape in shapes if shape.tags is not None and fits(shape.tags, placeholder.name)]
    subjects = [shape for shape in shapes if "issuer" in shape.fixed]
    if any(shape in subjects for shape in holders) or (holders and not subjects):
        return ""
    tags = {tag for issuer in possible.issuers for tag in issuer.tags}
    meant = nearest(placeholder.name, tags - {placeholder.name})
    if holders:  # API tokens, which may have any tag
        said = "is made by no issuer's `claims`: only API tokens with such a tag could have the role"
        return f"{said}{did_you_mean(f'${{claims.{meant}}}')}" if meant else ""
    who = "no issuer of those that may have the role makes it" if placeholder.name in tags else "no issuer makes it"
    return f"has no value for anybody who may have the role: {who} in its `claims`" + did_you_mean(
        meant and f"${{claims.{meant}}}"
    )


def _callers(
    possible: PossibleRequests, written: WrittenConfiguration, places: Iterable[int]
) -> dict[int, list[Shape]]:
    """Who may have each of some roles, by its place in the catalog."""
    wanted = frozenset(places)
    conditions = Conditions(possible)
    found: dict[int, list[Shape]] = {}
    for policy in written.policies.enforced:
        if policy.json["effect"] != "permit":
            continue
        for case in conditions.requests(parts_of(policy.json)):
            for place in case.roles & wanted:
                known = found.setdefault(place, [])
                known += [shape for shape in case.shapes if shape not in known]
    return found


def _of_callers(rules: SessionRules) -> list[Placeholder]:
    """The placeholders of a role whose values come from the caller."""
    used = set(rules.policy.placeholders if rules.policy else ())
    used |= {placeholder for _, template in rules.tags for placeholder in template.placeholders}
    return sorted((one for one in used if one.kind != "params"), key=str)
