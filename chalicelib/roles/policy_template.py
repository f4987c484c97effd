"""How a role's `policy` becomes the policy of one session: values go in as they are meant, and mean nothing more.

A value is put into parsed JSON, so it cannot end a text and begin a statement. It is escaped for IAM, so it matches
itself alone. It cannot hold what separates it from the text around it, so none reaches into the place of another.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from chalicelib.aws.policy_document import VERSION, Json, Statement, check_document
from chalicelib.roles.guards import Bounds, Guard, guards
from chalicelib.roles.template import VARIABLE, Placeholder, Template, holds_placeholder, parse_template
from chalicelib.roles.template_values import Values

# Characters that mean something to IAM, and how it is told that they do not:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-specialchars
_ESCAPES: Final = str.maketrans({"*": "${*}", "?": "${?}", "$": "${$}"})
# The operators in whose values IAM looks for variables, and so for those escapes (same page).
TEXT_OPERATOR = re.compile(
    r"((?:ForAllValues|ForAnyValue):)?(String|Arn)(Not)?(Equals|EqualsIgnoreCase|Like)(IfExists)?", re.ASCII
)
# arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE
FIELDS_BEFORE_RESOURCE: Final = 5
# What has a meaning within resources: of a value that holds one, `table/X` would be an index of another table,
# `function:X` an alias of another function, and a bucket an object.
_PARTS_OF_RESOURCES: Final = "/:"
# Before the resource of an ARN, a value stays within its field.
_FIELD = re.compile(r"[A-Za-z0-9-]+", re.ASCII)
_NO_FIELD: Final = "may hold only letters, digits and `-` in that place of an ARN"


@dataclass(frozen=True, slots=True)
class Slot:
    """A text of the policy with placeholders in it.

    Attributes:
        guards: for each placeholder, the characters around it that tell where its value begins and ends.
        fields: placeholders that stand before the resource of an ARN.
    """

    template: Template
    guards: tuple[Guard, ...]
    fields: tuple[Placeholder, ...]

    def fill(self, values: Values) -> str:
        """The text of one session.

        Raises:
            InvalidRequest: a value is missing, or would reach into the place of another.
        """
        for placeholder in self.fields:
            if _FIELD.fullmatch(values.of(placeholder)) is None:
                raise values.unusable(placeholder, _NO_FIELD)
        values.keep_apart(self.guards)
        return self.template.fill(lambda placeholder: values.of(placeholder).translate(_ESCAPES))


# JSON in which some texts are slots.
Node = str | int | float | bool | None | Slot | list["Node"] | dict[str, "Node"]


@dataclass(frozen=True, slots=True)
class PolicyTemplate:
    """The statements of a role's policy, taken apart."""

    statements: tuple[dict[str, Node], ...]

    @property
    def placeholders(self) -> frozenset[Placeholder]:
        """All that stand anywhere in it."""
        slots = (slot for statement in self.statements for slot in _slots(statement))
        return frozenset(placeholder for slot in slots for placeholder in slot.template.placeholders)

    def problem_with(self, placeholder: Placeholder, value: str, bounds: Bounds) -> str:
        """Why a placeholder could never have this value, in words; empty if it could."""
        slots = [slot for statement in self.statements for slot in _slots(statement)]
        if any(placeholder in slot.fields for slot in slots) and _FIELD.fullmatch(value) is None:
            return _NO_FIELD
        guarded = (guard for slot in slots for guard in slot.guards if guard.placeholder == placeholder)
        return next(filter(None, (guard.keeps_out(value, bounds) for guard in guarded)), "")

    def fill(self, values: Values) -> tuple[Statement, ...]:
        """The statements of one session.

        Raises:
            InvalidRequest: a value is missing, or would reach into the place of another.
        """
        return self._with(lambda slot: slot.fill(values))

    def without_placeholders(self) -> tuple[Statement, ...]:
        """The statements at their shortest."""
        return self._with(lambda slot: slot.template.fill(lambda placeholder: ""))

    def _with(self, text_of: Callable[[Slot], str]) -> tuple[Statement, ...]:
        return tuple({key: _fill(node, text_of) for key, node in statement.items()} for statement in self.statements)


def parse_policy(document: object) -> PolicyTemplate:
    """Read a role's `policy`.

    Raises:
        ValueError: not a policy document, or a placeholder stands where it must not. The message begins with the place.
    """
    statements = check_document(document)
    if not isinstance(document, dict) or document.get("Version") != VERSION:
        raise ValueError(f'Version must be "{VERSION}": in an older one, IAM knows no variables and no escapes')
    return PolicyTemplate(tuple(_parse(one, f"Statement[{index}]") for index, one in enumerate(statements)))


def _parse(statement: Statement, place: str) -> dict[str, Node]:
    allows = statement["Effect"] == "Allow"
    parsed: dict[str, Node] = {}
    for element, value in statement.items():
        where = f"{place}.{element}"
        if element in ("Resource", "NotResource"):
            parsed[element] = _texts(value, where, excludes=allows and element == "NotResource")
        elif element == "Condition":
            parsed[element] = _condition(value, where, allows)
        else:
            parsed[element] = _fixed(value, where)
    return parsed


def _condition(condition: Json, place: str, allows: bool) -> Node:
    parsed: dict[str, Node] = {}
    for operator, keys in _items(condition):
        match = TEXT_OPERATOR.fullmatch(operator)
        tests: dict[str, Node] = {}
        for key, values in _items(keys):
            _fixed(key, f"{place}.{operator}")
            where = f"{place}.{operator}.{key}"
            # In the values of other operators, IAM would take an escape for a text.
            if match is None:
                tests[key] = _fixed(values, where)
            else:
                any_case = match[4] == "EqualsIgnoreCase"
                tests[key] = _texts(values, where, excludes=allows and bool(match[3]), any_case=any_case)
        parsed[operator] = tests
    return parsed


def _texts(value: Json, place: str, excludes: bool, any_case: bool = False) -> Node:
    if isinstance(value, list):
        return [_texts(one, place, excludes, any_case) for one in value]
    if not isinstance(value, str):
        return _fixed(value, place)
    try:
        template = parse_template(value, variables_of_iam=True)
        if not template.placeholders:
            return value
        if excludes:
            raise ValueError(f"an Allow must not exclude {template.placeholders[0]}: it would grant everything else")
        is_arn = place.endswith("Resource") or value.startswith("arn:")
        guarded = guards(template, _PARTS_OF_RESOURCES if is_arn else "")
        if any_case:
            guarded = (guard._replace(around=guard.around + guard.around.swapcase()) for guard in guarded)
        return Slot(template, tuple(guarded), tuple(_in_fields(template)))
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


def _in_fields(template: Template) -> Iterator[Placeholder]:
    """Placeholders before the resource of an ARN, where a colon would move what follows by a field."""
    first = template.parts[0]
    if not (isinstance(first, str) and first.startswith("arn:")):
        return
    colons = 0
    for part in template.parts:
        if isinstance(part, str):
            colons += VARIABLE.sub("", part).count(":")
        elif colons < FIELDS_BEFORE_RESOURCE:
            yield part


def _fixed(value: Json, place: str) -> Node:
    """The value, which must hold no placeholder."""
    if isinstance(value, list):
        return [_fixed(one, place) for one in value]
    if isinstance(value, dict):
        return {key: _fixed(one, place) for key, one in value.items()}
    if isinstance(value, str) and holds_placeholder(value):
        places = "Resource, NotResource, and the values of conditions on texts and ARNs"
        raise ValueError(f"{place}: placeholders may stand in {places} only")
    return value


def _fill(node: Node, text_of: Callable[[Slot], str]) -> Json:
    if isinstance(node, Slot):
        return text_of(node)
    if isinstance(node, list):
        return [_fill(one, text_of) for one in node]
    if isinstance(node, dict):
        return {key: _fill(one, text_of) for key, one in node.items()}
    return node


def _slots(node: Node) -> Iterator[Slot]:
    if isinstance(node, Slot):
        yield node
    elif isinstance(node, list | dict):
        for child in node.values() if isinstance(node, dict) else node:
            yield from _slots(child)


def _items(value: Json) -> Iterator[tuple[str, Json]]:
    """The pairs of what `check_document` has found to be an object."""
    if isinstance(value, dict):
        yield from value.items()
