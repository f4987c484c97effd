"""What a configuration directory holds, in names and hashes, and how it differs from the one that is deployed.

Packaging writes it down, and a later deployment tells by it what it adds, changes and takes away.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, cast

import msgspec

from chalicelib.configuration.catalog_file import WrittenCatalog
from chalicelib.configuration.compiled import CompiledPolicies, compiled_path
from chalicelib.configuration.compiled_roles import OF
from chalicelib.configuration.digest import shipped_files
from chalicelib.roles.account import Account
from ops.stages.stage_file import StageFile
from ops.template.overlay import Overlay

_FILE: Final = "summary.json"
# What of stage.yaml is told by what it says: who is let in, and what bounds the function.
_TOLD_SETTINGS: Final = ("accounts", "organization", "permissions_boundary")
_Entries = dict[str, str]


@dataclass(frozen=True, slots=True)
class Summary:
    """Names of what a configuration directory holds, each with a hash of what it says.

    Attributes:
        digest: of the files that are shipped, as the deployed function works it out.
        audited: policies in audit mode, which are none of `policies`.
        accounts, organization, role_path, permissions_boundary: named by what they say; so are no hashes.
        settings: keys of stage.yaml, other than those.
        template: the file that adds to the template, if there is one.
        files: those that are shipped.
    """

    digest: str
    roles: _Entries
    policies: _Entries
    issuers: _Entries
    accounts: _Entries = field(default_factory=dict)
    organization: _Entries = field(default_factory=dict)
    role_path: _Entries = field(default_factory=dict)
    permissions_boundary: _Entries = field(default_factory=dict)
    settings: _Entries = field(default_factory=dict)
    template: _Entries = field(default_factory=dict)
    files: _Entries = field(default_factory=dict)
    audited: _Entries = field(default_factory=dict)

    def kinds(self) -> Mapping[str, Mapping[str, str]]:
        """The entries, by what they are called."""
        return {
            "roles": self.roles,
            "policies": self.policies,
            "policies in audit mode": self.audited,
            "issuers": self.issuers,
            "accounts let in": self.accounts,
            "organization let in": self.organization,
            "role_path": self.role_path,
            "permissions_boundary": self.permissions_boundary,
            "other settings of stage.yaml": self.settings,
            "template": self.template,
        }

    @property
    def own_digest(self) -> str:
        """SHA-256 of all that is in here, in hexadecimal: `stage.yaml` and the template are no part of `digest`."""
        return hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()


@dataclass(frozen=True, slots=True)
class Difference:
    """How the entries of one kind differ; names, sorted."""

    kind: str
    added: tuple[str, ...]
    changed: tuple[str, ...]
    taken: tuple[str, ...]


def write_summary(source: Path, catalog: WrittenCatalog, stage: StageFile, overlay: Overlay) -> Summary:
    """Sum up what is packaged, for `summarize`.

    Args:
        source: what is packaged, with its configuration compiled; the summary lies in it, outside of what is shipped.
    """
    config = source / "chalicelib/config"
    _, _, content = compiled_path(config).read_bytes().partition(b"\n")
    document = json.loads(content)
    summary = Summary(
        digest=document["written"],
        roles=dict(_roles(document["roles"], document["accounts"])),
        policies={policy[0][0]: _hash(policy) for policy in document["policies"]},
        audited=_audited(document["audited"]),
        issuers={issuer["name"]: _hash([issuer, _keys(config, issuer)]) for issuer in document["issuers"]},
        accounts=_said(*stage.accounts),
        organization=_said(stage.organization),
        role_path=_said(catalog.role_path),
        permissions_boundary=_said(stage.permissions_boundary),
        settings=_settings(stage),
        template={overlay.file: _hash(overlay.content)} if overlay.content else {},
        files={path.relative_to(config).as_posix(): _hash_of_file(path) for path in shipped_files(config)},
    )
    (source / _FILE).write_bytes(msgspec.json.encode(summary))
    return summary


def summarize(config: Path) -> Summary:
    """The summary of a configuration that was packaged, by its directory there."""
    return msgspec.json.decode((config.parents[1] / _FILE).read_bytes(), type=Summary)


def _roles(entries: Sequence[Mapping[str, object]], accounts: Sequence[list[object]]) -> Iterator[tuple[str, str]]:
    """Each role with a hash of its entry and of what is said of its account."""
    for entry in entries:
        own = _hash({key: value for key, value in entry.items() if key not in ("accounts", OF)})
        name = str(entry["name"])
        if "accounts" in entry:
            for place in cast(Sequence[int], entry["accounts"]):
                yield Account(*accounts[place]).named(name), _hash([own, accounts[place]])  # type: ignore[arg-type]
        else:
            of = cast(int | None, entry.get(OF))
            yield name, own if of is None else _hash([own, accounts[of]])


def _said(*values: str | None) -> _Entries:
    return {value: "" for value in values if value is not None}


def _audited(compiled: CompiledPolicies | None) -> _Entries:
    """Policies in audit mode are compiled as permits, whatever they are."""
    policies = [] if compiled is None else compiled["policies"]
    forbids = () if compiled is None else compiled["forbids"]
    return {policy[0][0]: _hash([policy, place in forbids]) for place, policy in enumerate(policies)}


def _settings(stage: StageFile) -> _Entries:
    """The keys of stage.yaml that are set, and are not told by what they say."""
    said, unsaid = msgspec.to_builtins(stage), msgspec.to_builtins(StageFile())
    return {key: _hash(value) for key, value in said.items() if value != unsaid.get(key) and key not in _TOLD_SETTINGS}


def _keys(config: Path, issuer: Mapping[str, object]) -> str | None:
    """What is in the key file of an issuer that has one: who holds those keys can be all of its callers."""
    file = issuer.get("jwks_file")
    return None if file is None else _hash_of_file(config / str(file))


def _hash_of_file(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _hash(entry: object) -> str:
    return hashlib.sha256(json.dumps(entry, sort_keys=True).encode()).hexdigest()[:16]


def compare(new: Summary, old: Summary) -> list[Difference]:
    """How two configurations differ, kind by kind; kinds that do not differ are left out."""
    found = []
    before_by_kind = {**old.kinds(), "files": old.files}
    for kind, after in {**new.kinds(), "files": new.files}.items():
        before = before_by_kind[kind]
        changed = sorted(name for name in after.keys() & before.keys() if after[name] != before[name])
        difference = Difference(
            kind,
            tuple(sorted(after.keys() - before.keys())),
            tuple(changed),
            tuple(sorted(before.keys() - after.keys())),
        )
        if difference.added or difference.changed or difference.taken:
            found.append(difference)
    return found
