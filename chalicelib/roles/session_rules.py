"""What rules do the sessions of a role follow? Scoping policy, session tags and parameters, as the catalog says it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from chalicelib.aws.policy_document import document_of, minify
from chalicelib.aws.session_tags import MAXIMUM_TAGS, OWN_KEYS, check_key, check_value, twice
from chalicelib.roles.guards import Bounds
from chalicelib.roles.policy_template import PolicyTemplate, parse_policy
from chalicelib.roles.template import Placeholder, Template, parse_template
from chalicelib.text.printable import is_printable_line

# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html (Policy, PolicyArns)
MAXIMUM_POLICY_CHARACTERS: Final = 2048
MAXIMUM_POLICY_ARNS: Final = 10
MAXIMUM_PARAM_CHARACTERS: Final = 256
# Messages show up to so many characters of a key.
KEY_SHOWN: Final = 40
PARAM_NAME: Final = r"[A-Za-z][A-Za-z0-9_-]{0,63}"


class WrittenBounds(Protocol):
    """What the values of a claim look like, as roles.yaml says it."""

    @property
    def pattern(self) -> str: ...
    @property
    def separators(self) -> str: ...


class WrittenParam(WrittenBounds, Protocol):
    """A value that callers choose, as roles.yaml says it."""

    @property
    def default(self) -> str | None: ...
    @property
    def description(self) -> str: ...


class WrittenSessionRules(Protocol):
    """The keys of a role with the rules of its sessions, as roles.yaml says them, each checked by itself."""

    @property
    def policy(self) -> object:
        """A policy document; anything that is no dictionary where there is none."""

    @property
    def policy_arns(self) -> Sequence[str]: ...
    @property
    def params(self) -> Mapping[str, WrittenParam]: ...
    @property
    def claims(self) -> Mapping[str, WrittenBounds]: ...
    @property
    def tags(self) -> Mapping[str, str]: ...
    @property
    def caller_tags(self) -> Sequence[str]: ...
    @property
    def transitive_tags(self) -> Sequence[str]: ...


class Param(NamedTuple):
    """A value that callers choose. Without a default, they must."""

    bounds: Bounds
    default: str | None
    description: str


@dataclass(frozen=True, slots=True)
class SessionRules:
    """Checked. Without anything in it, callers may narrow their sessions as they like."""

    policy: PolicyTemplate | None = None
    policy_arns: tuple[str, ...] = ()
    params: Mapping[str, Param] = field(default_factory=dict)
    claims: Mapping[str, Bounds] = field(default_factory=dict)
    tags: tuple[tuple[str, Template], ...] = ()
    caller_tags: tuple[str, ...] = ()
    transitive_tags: tuple[str, ...] = ()

    @property
    def bounds(self) -> dict[Placeholder, Bounds]:
        """What values of templates must look like, by the placeholder."""
        of_params = {Placeholder("params", name): param.bounds for name, param in self.params.items()}
        return of_params | {Placeholder("claims", name): bounds for name, bounds in self.claims.items()}

    @property
    def defaults(self) -> dict[str, str]:
        """The values of params that callers need not name."""
        return {name: param.default for name, param in self.params.items() if param.default is not None}

    @property
    def scoped(self) -> bool:
        """Whether every session of the role gets a session policy."""
        return self.policy is not None or bool(self.policy_arns)


def read_session_rules(entry: WrittenSessionRules) -> SessionRules:
    """Check the keys against each other, and take the templates apart.

    Raises:
        ValueError: names the key.
    """
    rules = SessionRules(
        policy=_policy(entry.policy) if isinstance(entry.policy, dict) else None,
        policy_arns=tuple(entry.policy_arns),
        params={name: _param(name, param) for name, param in entry.params.items()},
        claims={name: _bounds(f"claims.{name}", claim) for name, claim in entry.claims.items()},
        tags=tuple((key, _tag(key, value)) for key, value in entry.tags.items()),
        caller_tags=tuple(entry.caller_tags),
        transitive_tags=tuple(entry.transitive_tags),
    )
    if len(set(entry.policy_arns)) != len(entry.policy_arns):
        raise ValueError("`policy_arns` names a policy twice")
    if rules.policy and not rules.policy_arns and all(one["Effect"] == "Deny" for one in rules.policy.statements):
        raise ValueError("`policy` holds no Allow, so that the role's sessions could do nothing")
    _check_tag_keys(rules)
    _check_names(rules)
    for name, param in rules.params.items():
        problem = (
            rules.policy.problem_with(Placeholder("params", name), param.default, param.bounds)
            if rules.policy and param.default
            else ""
        )
        if problem:
            raise ValueError(f"`params.{name}.default` {problem}: look at `separators`")
    return rules


def _policy(document: dict[str, object]) -> PolicyTemplate:
    try:
        policy = parse_policy(document)
    except ValueError as error:
        raise ValueError(f"`policy` {error}") from None
    least = len(minify(document_of(policy.without_placeholders())))
    if least > MAXIMUM_POLICY_CHARACTERS:
        over = least - MAXIMUM_POLICY_CHARACTERS
        raise ValueError(f"`policy` has {over} characters more than the {MAXIMUM_POLICY_CHARACTERS} that STS takes")
    return policy


def _param(name: str, entry: WrittenParam) -> Param:
    param = Param(_bounds(f"params.{name}", entry), entry.default, entry.description)
    if entry.default is not None and not fits(param, entry.default):
        raise ValueError(f"`params.{name}.default` does not match the pattern")
    return param


def fits(param: Param, value: str) -> bool:
    """Whether a param may have this value: matched whole, visible, and not empty."""
    bounded = 1 <= len(value) <= MAXIMUM_PARAM_CHARACTERS
    return bounded and is_printable_line(value) and param.bounds.pattern.fullmatch(value) is not None


def _bounds(key: str, entry: WrittenBounds) -> Bounds:
    try:
        # ASCII: `\w` and `\d` let in what the operator sees on the keyboard, not look-alikes of other scripts.
        return Bounds(re.compile(entry.pattern, re.ASCII), entry.separators)
    except (re.error, ValueError, RecursionError, OverflowError) as error:  # ValueError: of flags that exclude ASCII
        raise ValueError(f"`{key}.pattern` is no regular expression: {error}") from None


def _tag(key: str, value: str) -> Template:
    try:
        template = parse_template(value, variables_of_iam=False)
        check_value(template.fill(lambda placeholder: ""))
    except ValueError as error:
        raise ValueError(f"`tags.{key}` {error}") from None
    return template


def _check_tag_keys(rules: SessionRules) -> None:
    keys = [*(key for key, _ in rules.tags), *rules.caller_tags]
    for key in keys:
        try:
            check_key(key)
        except ValueError as error:
            raise ValueError(f"the tag key {key[:KEY_SHOWN]!r} {error}") from None
    again = twice(keys)
    if again is not None:
        raise ValueError(f"the tag key {again!r} stands twice in `tags` and `caller_tags`; case makes no difference")
    if len(keys) + len(OWN_KEYS) > MAXIMUM_TAGS:
        raise ValueError(f"`tags` and `caller_tags` are more than {MAXIMUM_TAGS - len(OWN_KEYS)}, which STS takes")
    for key in rules.transitive_tags:
        if key not in keys and key not in OWN_KEYS:
            raise ValueError(f"`transitive_tags` names {key[:KEY_SHOWN]!r}, which no tag of the role has as its key")
    if len(set(rules.transitive_tags)) != len(rules.transitive_tags):
        raise ValueError("`transitive_tags` names a key twice")


def _check_names(rules: SessionRules) -> None:
    """What templates use and what is declared must be the same: else one of the two has a typo."""
    used = set(rules.policy.placeholders if rules.policy else ())
    used |= {placeholder for _, template in rules.tags for placeholder in template.placeholders}
    for placeholder in sorted(used, key=str):
        if placeholder.kind == "params" and placeholder.name not in rules.params:
            raise ValueError(f"{placeholder} is used, and not declared in `params`")
    for name in rules.params:
        if Placeholder("params", name) not in used:
            raise ValueError(f"`params.{name}` is declared, and used by neither `policy` nor `tags`")
    for name in rules.claims:
        if Placeholder("claims", name) not in used:
            raise ValueError(f"`claims.{name}` is declared, and used by neither `policy` nor `tags`")
