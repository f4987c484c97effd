"""The fields of a provider's answers: each is what it should be, or nothing is done with it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeVar

from credvend.errors import ServiceError, UsageError
from credvend.net.urls import check_url

_Otherwise = TypeVar("_Otherwise", float, None)


def seconds_of(value: object, otherwise: _Otherwise) -> float | _Otherwise:
    """A number that is one and is finite."""
    try:
        seconds = float(value) if isinstance(value, (int, float, str)) else math.nan
    except (ValueError, OverflowError):
        return otherwise
    return seconds if math.isfinite(seconds) else otherwise


def text_of(answer: Mapping[str, Any], name: str) -> str:
    """A field that is text for people.

    Raises:
        ServiceError: it is not there, or would steer a terminal.
    """
    value = answer.get(name)
    if not isinstance(value, str) or not value or not value.isprintable():
        raise ServiceError(f"The OpenID provider's answer has no {name}.")
    return value


def strings_of(value: object) -> tuple[str, ...]:
    """A list of texts; empty for anything else."""
    return tuple(str(each) for each in value) if isinstance(value, list) else ()


def address_of(found: Mapping[str, Any], name: str) -> str | None:
    """A field that says where something is on the web; None if it is not there.

    Raises:
        ServiceError: no secret may be sent there, and no person and browser either.
    """
    value = found.get(name)
    if value is None:
        return None
    try:
        return check_url(str(value)).geturl()
    except UsageError as error:
        raise ServiceError(f"The OpenID provider's {name} is no address that can be used. {error.message}") from None


def needed_address_of(found: Mapping[str, Any], name: str) -> str:
    """The same, where there is no doing without.

    Raises:
        ServiceError: it is not there, or as above.
    """
    address = address_of(found, name)
    if address is None:
        raise ServiceError(f"The OpenID provider does not say where its {name} is.")
    return address
