"""The fields of a provider's answers: each is what it should be, or nothing is done with it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NoReturn, TypeVar

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


def endpoint_of(found: Mapping[str, Any], name: str) -> str | None:
    """A field that says where an endpoint is; None if it is not there.

    Raises:
        ServiceError: no secret may be sent there.
    """
    value = found.get(name)
    if value is None:
        return None
    try:
        return check_url(str(value)).geturl()
    except UsageError as error:
        raise ServiceError(f"The OpenID provider's {name} cannot be used. {error.message}") from None


def missing(name: str) -> NoReturn:
    """Refuse a description that lacks a field.

    Raises:
        ServiceError: always.
    """
    raise ServiceError(f"The OpenID provider does not say where its {name} is.")


def web_address(url: str) -> str:
    """An address that a person is sent to, and that a browser is opened with: nothing but the web.

    Raises:
        ServiceError: it is another.
    """
    try:
        return check_url(url).geturl()
    except UsageError as error:
        raise ServiceError(
            f"The OpenID provider sends people to an address that cannot be used. {error.message}"
        ) from None
