"""What STS would refuse at each vend, or take for something that nobody meant: found when the catalog is read.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html and, for the operators,
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

import re
from collections.abc import Mapping
from typing import Final

from chalicelib.aws.policy_document import Json, Statement
from chalicelib.text.likeness import did_you_mean, nearest

_SID = re.compile(r"[A-Za-z0-9]*", re.ASCII)
_ACTION = re.compile(r"\*|[A-Za-z0-9*?-]+:[A-Za-z0-9*?]+", re.ASCII)
_TEXTS: Final = ("Equals", "NotEquals", "EqualsIgnoreCase", "NotEqualsIgnoreCase", "Like", "NotLike")
_NUMBERS: Final = ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
_OPERATORS: Final = frozenset(
    {"Bool", "BinaryEquals", "IpAddress", "NotIpAddress", "ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"}
    | {"String" + test for test in _TEXTS}
    | {kind + test for kind in ("Numeric", "Date") for test in _NUMBERS}
)


def lint(statements: tuple[Statement, ...]) -> None:
    """Look at the statements of a role's policy, whose grammar has been checked.

    Raises:
        ValueError: begins with the place.
    """
    sids: set[Json] = set()
    for index, statement in enumerate(statements):
        place = f"Statement[{index}]"
        sid = statement.get("Sid")
        if sid is not None and (sid in sids or not (isinstance(sid, str) and _SID.fullmatch(sid))):
            raise ValueError(f"{place}.Sid must be letters and digits, and no other statement's")
        sids.add(sid)
        for name in ("Action", "NotAction"):
            for action in _texts(statement.get(name)):
                if _ACTION.fullmatch(action) is None:
                    raise ValueError(f"{place}.{name} {action!r} must be `*`, or like `s3:GetObject`")
        for name in ("Resource", "NotResource"):
            for resource in _texts(statement.get(name)):
                if not _is_resource(resource):
                    raise ValueError(f"{place}.{name} {resource!r} must be `*`, or an ARN: arn:aws:s3:::bucket/key")
        _lint_operators(statement.get("Condition"), f"{place}.Condition")


def _lint_operators(condition: Json, place: str) -> None:
    for operator in condition if isinstance(condition, Mapping) else ():
        plain = operator.removeprefix("ForAllValues:").removeprefix("ForAnyValue:").removesuffix("IfExists")
        if operator != "Null" and plain not in _OPERATORS:
            raise ValueError(f"{place}.{operator} is no operator that IAM knows{did_you_mean(_meant(operator))}")


def _meant(operator: str) -> str | None:
    """The operator that is most like one that there is not, with what stands before and behind it."""
    before, colon, rest = operator.rpartition(":")
    plain = rest.removesuffix("IfExists")
    name = nearest(plain, _OPERATORS)
    prefix = nearest(before, ("ForAllValues", "ForAnyValue")) if before else ""
    if name is None or prefix is None:
        return None
    return f"{prefix}{colon}{name}{rest[len(plain) :]}"


def _is_resource(text: str) -> bool:
    # A text that begins with a placeholder or a variable is not known yet.
    return text == "*" or text.startswith("${") or (text.startswith("arn:") and text.count(":") >= 5)


def _texts(value: Json) -> list[str]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]
