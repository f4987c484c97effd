"""Which policies are there? `config/policies/**/*.cedar` and their schema, checked whole before the first request.

Cedar itself checks types and attributes. What it cannot know is checked here: a policy that names a role, a group or a
caller that cannot exist would load, and never apply; of a `forbid`, nobody would notice.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from chalicelib.callers.kinds import KINDS
from chalicelib.callers.oidc_subject import problem_with_group
from chalicelib.configuration.cedar_errors import BEGINS_WITH_A_MARK, CedarFile
from chalicelib.decisions.cedar import cedarpy
from chalicelib.decisions.indexed_policy import IndexedPolicies, PolicyJson, entities_in
from chalicelib.errors import ConfigError
from chalicelib.roles.catalog import Catalog

_KINDS: Final = {kind.kind: kind for kind in KINDS}


class WrittenPolicy(NamedTuple):
    """A policy as it is written.

    Attributes:
        file: the one that it is in, as messages call it.
        name: its `@id`.
        json: the policy, in Cedar's JSON.
    """

    file: str
    name: str
    json: PolicyJson


class WrittenPolicies(NamedTuple):
    """The policies of a configuration directory, checked.

    Attributes:
        schema: theirs, as Cedar text.
        text: of all files together.
    """

    schema: str
    text: str
    policies: tuple[WrittenPolicy, ...]

    def for_decisions(self) -> IndexedPolicies:
        """The same, one by one and with what their scopes demand.

        Raises:
            ValueError: a policy that Cedar would spell in a way that means something else.
        """
        return IndexedPolicies.of(self.schema, self.text)


def load_policies(config: Path, catalog: Catalog, issuers: frozenset[str]) -> IndexedPolicies:
    """`read_policies`, for decisions.

    Raises:
        ConfigError: as that.
    """
    return read_policies(config, catalog, issuers).for_decisions()


def read_policies(config: Path, catalog: Catalog, issuers: frozenset[str]) -> WrittenPolicies:
    """Read `schema.cedarschema` and `policies/**/*.cedar`, and check every policy against schema and catalog.

    Raises:
        ConfigError: a file is unreadable or invalid, a policy lacks an `@id` of its own, or names what cannot be. One
            line each, naming the file.
    """
    schema = _schema_text(config / "schema.cedarschema")
    checker = _Checker(schema, catalog, issuers)
    texts = [checker.read(path, path.relative_to(config).as_posix()) for path in _policy_paths(config / "policies")]
    if not texts:
        checker.problems.append("policies/: no *.cedar file there, so nobody could ever be let in")
    if checker.problems:
        raise ConfigError(checker.problems)
    return WrittenPolicies(schema, "\n".join(texts), tuple(checker.policies))


def _policy_paths(directory: Path) -> list[Path]:
    """Whatever is in the directory and its subfolders; what editors and version control hide is not looked at.

    A link to a folder is not followed, since it may lead round in circles or out of the configuration: it is returned
    as it is, and refused like whatever else is no policy file.
    """
    if not directory.is_dir():
        return []
    found: list[Path] = []
    for path in sorted(directory.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir() and not path.is_symlink():
            found += _policy_paths(path)
        else:
            found.append(path)
    return found


class _Checker:
    """Checks one file after the other, and gathers what is wrong."""

    def __init__(self, schema: str, catalog: Catalog, issuers: frozenset[str]) -> None:
        self.problems: list[str] = []
        self.policies: list[WrittenPolicy] = []
        self._schema = schema
        self._owners: dict[str, str] = {}
        self._issuers = issuers
        self._roles = {role.name for role in catalog.roles}
        self._groups = {group for role in catalog.roles for group in role.groups}

    def read(self, path: Path, name: str) -> str:
        """The text of a policy file, empty if it cannot be read; `name` is what messages call it."""
        if path.suffix != ".cedar" or not path.is_file():
            self.problems.append(f"{name}: not a *.cedar file, so it would not be read: rename or remove it")
            return ""
        try:
            text = _read_text(path)
        except (OSError, ValueError) as error:
            self.problems.append(f"{name}: {_one_line(error)}")
            return ""
        file = CedarFile.of(text)
        self.problems += [f"{name}: {problem}" for problem in file.problems]
        document = json.loads(file.document)
        if document["templates"]:
            self.problems.append(f"{name}: templates (?principal, ?resource) are not supported; write the policy out")
        labels = self._check_ids(name, document["staticPolicies"], file)
        for position, policy in document["staticPolicies"].items():
            self.policies.append(WrittenPolicy(name, labels[position], policy))
            for problem in self._check_entities(policy):
                self.problems.append(f"{name}: policy {file.label(position, labels[position])}: {problem}")
        findings: dict[str, list[str]] = {}
        for finding in cedarpy.validate_policies(file.sound, self._schema).errors:
            # Cedar's message begins with its own name for the policy.
            message = _one_line(finding.error).removeprefix(f"for policy `{finding.policy_id}`, ")
            findings.setdefault(finding.policy_id, []).append(message)
        for position, messages in findings.items():
            label = labels.get(position, position)
            self.problems += [f"{name}: {line}" for line in file.explained(position, label, messages, self._schema)]
        return text

    def _check_ids(self, name: str, policies: dict[str, dict[str, dict[str, str]]], file: CedarFile) -> dict[str, str]:
        """Each policy's `@id`, or its place in the file where it has none."""
        labels: dict[str, str] = {}
        for position, policy in policies.items():
            number = f"number {file.policies[position].number}"
            identifier = (policy.get("annotations") or {}).get("id") or ""
            # What could be read as lines of their own is in no message.
            labels[position] = identifier if identifier and identifier.isprintable() else number
            if not identifier:
                where = file.label(position, number)
                self.problems.append(f'{name}: policy {where} has no @id("..."), its name in the audit log')
            elif not identifier.isprintable():
                self.problems.append(
                    f"{name}: policy {file.label(position, number)}: @id({identifier!a}) holds what cannot be printed: "
                    "write letters, digits, signs and spaces, all on one line"
                )
            elif identifier in self._owners:
                where, owner = file.label(position, number), self._owners[identifier]
                self.problems.append(f"{name}: policy {where}: @id({identifier!r}) is already that of one in {owner}")
            else:
                self._owners[identifier] = name
        return labels

    def _check_entities(self, policy: object) -> Iterator[str]:
        for kind, identifier in entities_in(policy):
            shown = f'{kind}::"{identifier}"' if identifier.isprintable() else f"{kind}::{identifier!a}"
            if kind == "Role" and identifier not in self._roles:
                yield f"{shown} is not in the catalog: a role is named by its catalog name"
            elif kind == "RoleGroup" and identifier not in self._groups:
                yield f"{shown} is not a group of any role in the catalog"
            elif kind == "OidcIssuer" and identifier not in self._issuers:
                yield f"{shown} is not in issuers.yaml"
            elif kind == "OidcGroup" and (wrong := problem_with_group(identifier, self._issuers)) is not None:
                yield f"{shown} {wrong}"
            elif kind == "Account" and re.fullmatch(r"[0-9]{12}", identifier, re.ASCII) is None:
                yield f"{shown} can be nobody: an account is 12 digits"
            elif kind in ("RequestedTags", "RequestedParams"):
                yield f"{shown} cannot be named: look at context.tags and context.params"
            elif kind in _KINDS:
                problem = _KINDS[kind].problem_with_id(identifier, self._issuers)
                if problem is not None:
                    yield f"{shown} {problem}"


def _schema_text(path: Path) -> str:
    try:
        text = _read_text(path)
        if text.startswith("\ufeff"):
            raise ValueError(BEGINS_WITH_A_MARK)
        cedarpy.Schema.from_str(text)
    except (OSError, ValueError) as error:
        raise ConfigError([f"{path.name}: {_one_line(error)}"]) from None
    return text


def _read_text(path: Path) -> str:
    """The text of a file.

    Raises:
        OSError: it cannot be read.
        ValueError: not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ValueError("not in UTF-8, which Cedar takes alone: save it so") from None


def _one_line(error: object) -> str:
    return " ".join(str(error).split())
