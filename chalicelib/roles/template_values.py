"""What do the placeholders of a role stand for in one request?"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import assert_never, cast

from chalicelib.callers.caller import Caller
from chalicelib.callers.session_name import session_name
from chalicelib.errors import InvalidRequest
from chalicelib.roles.guards import Bounds, Guard
from chalicelib.roles.template import CallerField, Placeholder


@dataclass(frozen=True, slots=True)
class Values:
    """Where the values come from: the caller, and the params of the request.

    Attributes:
        role: catalog name, for messages.
        params: those of the request, checked, with defaults for the others.
        bounds: of all params, and of some claims.
    """

    role: str
    caller: Caller
    params: Mapping[str, str]
    bounds: Mapping[Placeholder, Bounds]

    def of(self, placeholder: Placeholder) -> str:
        """The value: never empty, for what is missing must not make a text shorter and so match more.

        Raises:
            InvalidRequest: there is none.
        """
        value: str | tuple[str, ...] | None
        match placeholder.kind:
            case "caller":
                value = _of_caller(self.caller, cast(CallerField, placeholder.name))
            case "claims":
                value = self.caller.facts.claims.get(placeholder.name)
            case "params":
                value = self.params.get(placeholder.name)
            case _:
                assert_never(placeholder.kind)
        if isinstance(value, tuple):
            raise self.unusable(placeholder, "has several values for you, and one is needed")
        if not value:
            raise self.unusable(placeholder, "has no value for you: your identity does not tell it")
        bounds = self.bounds.get(placeholder)
        if bounds is not None and bounds.pattern.fullmatch(value) is None:
            raise self.unusable(placeholder, "does not match the role's pattern for it")
        return value

    def keep_apart(self, guarded: Iterable[Guard]) -> None:
        """Whether each value ends where its place does.

        Raises:
            InvalidRequest: a value would reach into the place of another.
        """
        for guard in guarded:
            kept_out = guard.keeps_out(self.of(guard.placeholder), self.bounds.get(guard.placeholder))
            if kept_out:
                raise self.unusable(guard.placeholder, f"{kept_out}, as your value of it does")

    def unusable(self, placeholder: Placeholder, why: str) -> InvalidRequest:
        """The refusal of a value. It does not repeat the value."""
        return InvalidRequest(f"Sessions of role {self.role} are shaped by {placeholder}, which {why}.")


def _of_caller(caller: Caller, field: CallerField) -> str | None:
    match field:
        case "name":
            return caller.facts.name
        case "account":
            return caller.facts.account
        case "session_name":
            return session_name(caller)
        case _:
            assert_never(field)
