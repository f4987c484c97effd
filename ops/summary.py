"""What a configuration holds, in names and hashes, and how it differs from the one that is deployed.

It is kept with each deployment, in the artifacts bucket under the configuration's digest, which the stack's outputs
name: so a later deployment can tell what it adds, changes and takes away.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from chalicelib.compiled import compiled_path
from ops.account import Account
from ops.aws_cli import CommandFailed

DIGEST_OUTPUT: Final = "ConfigurationDigest"
_Entries = dict[str, str]


@dataclass(frozen=True, slots=True)
class Summary:
    """Names of a configuration's entries, each with a hash of what it says.

    Attributes:
        digest: of all files, as the deployed function works it out.
    """

    digest: str
    roles: _Entries
    policies: _Entries
    issuers: _Entries

    def kinds(self) -> Mapping[str, Mapping[str, str]]:
        """The entries, by what they are called."""
        return {"roles": self.roles, "policies": self.policies, "issuers": self.issuers}


@dataclass(frozen=True, slots=True)
class Difference:
    """How the entries of one kind differ; names, sorted."""

    kind: str
    added: tuple[str, ...]
    changed: tuple[str, ...]
    taken: tuple[str, ...]


def summarize(config: Path) -> Summary:
    """The summary of a configuration directory that was compiled."""
    _, _, content = compiled_path(config).read_bytes().partition(b"\n")
    document = json.loads(content)
    return Summary(
        digest=document["written"],
        roles={role["name"]: _hash(role) for role in document["roles"]},
        policies={policy[0][0]: _hash(policy) for policy in document["policies"]},
        issuers={issuer["name"]: _hash(issuer) for issuer in document["issuers"]},
    )


def _hash(entry: object) -> str:
    return hashlib.sha256(json.dumps(entry, sort_keys=True).encode()).hexdigest()[:16]


def compare(new: Summary, old: Summary) -> list[Difference]:
    """How two configurations differ, kind by kind; kinds that do not differ are left out."""
    found = []
    for kind, after in new.kinds().items():
        before = old.kinds()[kind]
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


def keep(account: Account, bucket: str, stack: str, summary: Summary, build: Path) -> None:
    """Put a summary into the bucket, under its digest."""
    file = build / "summary.json"
    file.write_bytes(msgspec.json.encode(summary))
    put = ["--bucket", bucket, "--key", _key(stack, summary.digest), "--body", str(file)]
    account.aws.text("s3api", "put-object", *put, "--expected-bucket-owner", account.number)


def find(account: Account, bucket: str, stack: str, digest: str | None) -> Summary | None:
    """The summary of what was deployed, or None where it is not known."""
    if digest is None:
        return None
    place = f"s3://{bucket}/{_key(stack, digest)}"
    done = account.aws.run("s3", "cp", place, "-", "--only-show-errors")
    if done.returncode != 0:
        return None
    try:
        return msgspec.json.decode(done.stdout, type=Summary)
    except msgspec.DecodeError as error:
        raise CommandFailed(f"{place} is not what `make deploy` has put there: {error}") from None


def _key(stack: str, digest: str) -> str:
    return f"{stack}/configurations/{digest}.json"
