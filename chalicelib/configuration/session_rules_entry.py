"""How does roles.yaml say the rules of a role's sessions? The types of those keys."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from chalicelib.aws.partitions import PARTITIONS
from chalicelib.roles.session_rules import MAXIMUM_POLICY_ARNS, PARAM_NAME

ParamName = Annotated[str, Meta(pattern=rf"^{PARAM_NAME}\Z")]
Pattern = Annotated[str, Meta(min_length=1, max_length=512, description="A regular expression for the whole value.")]
PolicyArn = Annotated[
    str, Meta(pattern=rf"^arn:({PARTITIONS}):iam::(aws|[0-9]{{12}}):policy/[A-Za-z0-9_+=,.@/-]{{1,640}}\Z")
]


Separators = Annotated[
    str, Meta(max_length=16, description="Characters that values may hold although they end them in a template.")
]


class ClaimEntry(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What the values of a claim look like."""

    pattern: Pattern
    separators: Separators = ""


class ParamEntry(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A value that callers choose, within bounds."""

    pattern: Pattern
    separators: Separators = ""
    default: Annotated[str | None, Meta(description="Where the caller gives none. Without it, they must.")] = None
    description: Annotated[str, Meta(max_length=256, description="Shown to callers that may assume the role.")] = ""


class SessionRulesEntry(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The keys of a role with the rules of its sessions."""

    # Not None where it is left out: a `policy:` with nothing below it would be a role without scoping.
    policy: Annotated[
        dict[str, Annotated[object, Meta(extra_json_schema={"type": ["string", "array", "object"]})]] | UnsetType,
        Meta(description="Session policy: a policy document, with ${caller...}, ${claims...} and ${params...} in it."),
    ] = UNSET
    policy_arns: Annotated[
        list[PolicyArn], Meta(max_length=MAXIMUM_POLICY_ARNS, description="Managed policies as session policies.")
    ] = []
    params: Annotated[dict[ParamName, ParamEntry], Meta(description="Values that callers choose, for templates.")] = {}
    claims: Annotated[
        dict[str, ClaimEntry], Meta(description="What claims must look like where templates use them.")
    ] = {}
    tags: Annotated[dict[str, str], Meta(description="Session tags: keys and values, which may be templates.")] = {}
    caller_tags: Annotated[list[str], Meta(description="Keys of session tags that callers may set.")] = []
    transitive_tags: Annotated[
        list[str], Meta(description="Keys of session tags that stay through further role changes.")
    ] = []
