"""Which policies are there? `config/policies/**/*.cedar` and their schema, checked whole before the first request.

Cedar itself checks types and attributes. What it cannot know is checked here: a policy that names a role, a group or a
caller that cannot exist (policy_references.py), or whose conditions nobody can meet (policy_applicability.py), would
load and guard nothing; of a `forbid`, nobody would notice.
"""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

from chalicelib.callers.caller import Caller
from chalicelib.callers.kinds import KINDS
from chalicelib.callers.oidc.issuer import Issuer
from chalicelib.configuration.cedar_errors import BEGINS_WITH_A_MARK, CedarFile
from chalicelib.configuration.cedar_places import message_of, one_line, parts_with
from chalicelib.configuration.cedar_proofs import impossible
from chalicelib.configuration.policy_applicability import Applicability
from chalicelib.configuration.policy_lines import PolicyLines
from chalicelib.configuration.policy_modes import is_audited, mode_problem
from chalicelib.configuration.policy_problems import PolicyProblems
from chalicelib.configuration.policy_references import References
from chalicelib.configuration.possible_requests import PossibleRequests
from chalicelib.configuration.yaml_file import not_utf8
from chalicelib.decisions.audit_mode import audit_policies
from chalicelib.decisions.cedar import cedarpy
from chalicelib.decisions.indexed_policy import IndexedPolicies, PolicyJson, own_spelling
from chalicelib.errors import ConfigError
from chalicelib.roles.catalog import Catalog


class WrittenPolicy(NamedTuple):
    """A policy as it is written.

    Attributes:
        file: the one that it is in, as messages call it.
        name: its `@id`.
        json: the policy, in Cedar's JSON.
        label: what messages call it: name and line.
        lines: where its parts stand.
    """

    file: str
    name: str
    label: str
    json: PolicyJson
    lines: PolicyLines

    @property
    def is_audited(self) -> bool:
        """Whether it is in audit mode: recorded, and not enforced."""
        return is_audited(self.json)


class WrittenPolicies(NamedTuple):
    """The policies of a configuration directory, checked.

    Attributes:
        schema: theirs, as Cedar text.
    """

    schema: str
    policies: tuple[WrittenPolicy, ...]

    @property
    def enforced(self) -> tuple[WrittenPolicy, ...]:
        """Those that decide."""
        return tuple(policy for policy in self.policies if not policy.is_audited)

    @property
    def audited(self) -> tuple[WrittenPolicy, ...]:
        """Those in audit mode."""
        return tuple(policy for policy in self.policies if policy.is_audited)

    def for_decisions(self) -> IndexedPolicies:
        """Those that decide, one by one and with what their scopes demand."""
        enforced = self.enforced
        texts = [policy.lines.text for policy in enforced]
        return IndexedPolicies.of_json(self.schema, [policy.json for policy in enforced], texts)

    def for_package(self) -> IndexedPolicies:
        """The same for the deployed function: in Cedar's own spelling, without comments, where that means the same."""
        enforced = self.enforced
        texts = [own_spelling(policy.json) or policy.lines.text for policy in enforced]
        return IndexedPolicies.of_json(self.schema, [policy.json for policy in enforced], texts)

    def for_audit(self) -> IndexedPolicies | None:
        """Those in audit mode, the same way; None: there are none.

        Raises:
            ValueError: as above.
        """
        audited = [policy.json for policy in self.audited]
        return audit_policies(self.schema, audited) if audited else None


def load_policies(config: Path, catalog: Catalog, issuers: Collection[Issuer]) -> IndexedPolicies:
    """`read_policies`, for decisions.

    Raises:
        ConfigError: as that.
    """
    return read_policies(config, catalog, issuers).for_decisions()


def read_policies(
    config: Path,
    catalog: Catalog | None,
    issuers: Collection[Issuer],
    kinds: Collection[type[Caller]] = KINDS,
    prove: bool = True,
    schema: Path | None = None,
) -> WrittenPolicies:
    """Read `schema.cedarschema` and `policies/**/*.cedar`, and check every policy against schema and catalog.

    Args:
        catalog: None where it is not known, nor are the issuers: policies are checked against the schema alone.
        kinds: of callers, all of them.
        prove: that each policy can apply, which takes most of the time. What decides does not depend on it.
        schema: where it is not in the directory.

    Raises:
        ConfigError: a file is unreadable or invalid, a policy lacks an `@id` of its own, names what cannot be, or can
            never apply. One line each, naming the file.
    """
    schema_text = _schema_text(schema or config / "schema.cedarschema")
    problems_of = None
    if catalog is not None:
        possible = PossibleRequests(kinds, issuers, catalog)
        problems_of = PolicyProblems(References(kinds, issuers, catalog), Applicability(possible))
    checker = _Checker(schema_text, problems_of, prove)
    try:
        paths = _policy_paths(config / "policies")
    except OSError as error:
        folder = Path(str(error.filename)).relative_to(config).as_posix()
        raise ConfigError([f"{folder}: cannot be read: {error.strerror}"]) from None
    for path in paths:
        checker.read(path, path.relative_to(config).as_posix())
    if not paths:
        checker.problems.append("policies/: no *.cedar file there, so nobody could ever be let in")
    if checker.problems:
        raise ConfigError(checker.problems)
    return WrittenPolicies(schema_text, tuple(checker.policies))


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

    def __init__(self, schema: str, problems_of: PolicyProblems | None, prove: bool) -> None:
        self.problems: list[str] = []
        self.policies: list[WrittenPolicy] = []
        self._schema = schema
        self._parsed_schema = cedarpy.Schema.from_str(schema)
        self._problems = problems_of
        self._prove = prove
        self._owners: dict[str, str] = {}

    def read(self, path: Path, name: str) -> None:
        """Read and check a policy file; `name` is what messages call it."""
        if path.suffix == ".cedar" and path.is_symlink() and not _leads_somewhere(path):
            self.problems.append(f"{name}: is a link that leads nowhere: remove it, or put the file itself there")
            return
        if path.suffix != ".cedar" or not path.is_file():
            self.problems.append(f"{name}: not a *.cedar file, so it would not be read: rename or remove it")
            return
        try:
            text = _read_text(path)
        except ValueError as error:
            self.problems.append(f"{name}: {one_line(error)}")
            return
        file = CedarFile.of(text)
        self.problems += [f"{name}: {problem}" for problem in file.problems]
        document = json.loads(file.document)
        for position in document["templates"]:
            self.problems.append(_about_template(name, file, position))
        policies = document["staticPolicies"]
        names = self._check_ids(name, policies, file)
        labels = {position: file.label(position, one) for position, one in names.items()}
        for position, policy in policies.items():
            problem = mode_problem(policy, file.lines(position))
            if problem is not None:
                self.problems.append(f"{name}: policy {labels[position]}: {problem}")
        findings = self._findings(file.sound)
        # Of a policy that does not fit the schema, no more can be told.
        fitting = {position: policy for position, policy in policies.items() if position not in findings}
        proved = self._impossible({position: file.lines(position).text for position in fitting})
        for position, policy in policies.items():
            lines = file.lines(position)
            self.policies.append(WrittenPolicy(name, names[position], labels[position], policy, lines))
            if self._problems is None:
                continue
            if self._prove and position in fitting:
                problems = self._problems.of(policy, position in proved, lines)
            else:
                problems = self._problems.of_names(policy)
            self.problems += [f"{name}: policy {labels[position]}: {lines.told_in(problem)}" for problem in problems]
        for position, messages in findings.items():
            label = names.get(position, position)
            parts = parts_with(messages, policies[position], self._parsed_schema) if position in policies else {}
            explained = file.explained(position, label, messages, self._schema, parts)
            self.problems += [f"{name}: {line}" for line in explained]

    def _impossible(self, policies: Mapping[str, str]) -> frozenset[str]:
        return impossible(policies, self._parsed_schema) if self._prove else frozenset()

    def _findings(self, sound: str) -> dict[str, list[str]]:
        """What Cedar's validator has against each policy that there is something against, by Cedar's name for it."""
        findings: dict[str, list[str]] = {}
        for finding in cedarpy.validate_policies(sound, self._parsed_schema).errors:
            findings.setdefault(finding.policy_id, []).append(message_of(finding))
        return findings

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


def _schema_text(path: Path) -> str:
    try:
        text = _read_text(path)
        if text.startswith("\ufeff"):
            raise ValueError(BEGINS_WITH_A_MARK)
        if not text.strip():
            raise ValueError("is empty: remove it to have the one that credvend ships")
        cedarpy.Schema.from_str(text)
    except ValueError as error:
        raise ConfigError([f"{path.name}: {one_line(error)}"]) from None
    return text


def _read_text(path: Path) -> str:
    """The text of a file.

    Raises:
        ValueError: it cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(not_utf8(error)) from None
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None


def _leads_somewhere(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # links that go round in circles
        return False


def _about_template(name: str, file: CedarFile, position: str) -> str:
    policy = file.policies[position]
    slot = next((token.text for token in policy.tokens if token.text.startswith("?")), "?principal")
    words = f"`{slot}` belongs to templates, which are not supported: write the policy out"
    return f"{name}: policy {file.label(position, policy.label)}: {file.lines(position).told_in(words)}"
