"""What may be said in tests of policies? The types of `tests/*.yaml`, of which the JSON Schema for editors is made."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from chalicelib.configuration.json_schema import json_schema
from ops.deciding.described import Anything, CallerEntry

Expected = Literal["allow", "deny"]
Text = Annotated[str, Meta(min_length=1)]
# What a caller may be told before AWS is asked.
Code = Literal["AccessDenied", "CallerRefused", "InvalidRequest", "InvalidToken", "NotAcceptable", "RequestTooLarge"]
CODE: Final[Code] = "AccessDenied"
"""The error that policies make. The others are not theirs."""


class SessionEntry(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What the session would be. What is left out may be anything; `null` means that there is none."""

    name: Annotated[str | UnsetType, Meta(description="RoleSessionName.")] = UNSET
    source_identity: Annotated[str | UnsetType | None, Meta(description="SourceIdentity.")] = UNSET
    duration: Annotated[int | str | UnsetType, Meta(description="Seconds, or 30m.")] = UNSET
    tags: Annotated[
        dict[str, str | None] | UnsetType, Meta(description="Session tags that are among its tags; `null`: not there.")
    ] = UNSET
    policy: Annotated[
        dict[str, Anything] | UnsetType | None, Meta(description="The session policy, as STS would get it.")
    ] = UNSET
    policy_arns: Annotated[
        list[str] | UnsetType, Meta(description="Managed policies that are session policies, all of them.")
    ] = UNSET


class CaseEntry(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One test: who asks for what, and what is to become of it."""

    name: Annotated[Text, Meta(description="What it promises; unique among all tests.")]
    caller: Annotated[CallerEntry | Text, Meta(description="Who asks, or the name of one of `callers`.")]
    role: Annotated[Text, Meta(description="Name in the catalog, or ARN.")]
    duration: Annotated[int | str | None, Meta(description="Seconds, or 30m. Default: the role's.")] = None
    reason: Annotated[str | None, Meta(description="Why, in the caller's words.")] = None
    tags: Annotated[dict[str, str], Meta(description="Session tags that the caller wants to set.")] = {}
    params: Annotated[dict[str, str], Meta(description="Values for the role's templates.")] = {}
    policy: Annotated[dict[str, Anything] | None, Meta(description="A session policy of the caller's own.")] = None
    format: Annotated[str | None, Meta(description="Default: json. `container`: as AWS's SDKs ask.")] = None
    address: Annotated[str | None, Meta(description="The caller's, IPv4 or IPv6.")] = None
    time: Annotated[str | None, Meta(description="Such as 2026-01-31T12:00:00Z.")] = None
    expect: Annotated[Expected, Meta(description="What is to become of it.")]
    code: Annotated[
        Code, Meta(description="Of a denial: the error that the caller is told. AccessDenied is that of policies.")
    ] = CODE
    policies: Annotated[
        list[str] | UnsetType, Meta(description="@id of all policies that decide; [] for a denial by default.")
    ] = UNSET
    session: Annotated[SessionEntry | UnsetType, Meta(description="What the session would be.")] = UNSET


class CasesFile(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The whole of a file of tests."""

    address: Annotated[str | None, Meta(description="The caller's, in tests that do not say it.")] = None
    time: Annotated[str | None, Meta(description="In tests that do not say it: 2026-01-31T12:00:00Z.")] = None
    callers: Annotated[dict[Text, CallerEntry], Meta(description="Callers by names, for the tests of all files.")] = {}
    tests: list[CaseEntry] = []


def tests_json_schema() -> dict[str, Anything]:
    """JSON Schema of files of tests, so that editors complete and check them."""
    return json_schema(CasesFile, "credvend tests of policies")
