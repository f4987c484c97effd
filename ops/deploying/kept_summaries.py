"""The summary of what is deployed, kept in the artifacts bucket under a digest that the stack's outputs name."""

from pathlib import Path

import msgspec

from ops.aws.account import Account
from ops.building.summary import Summary
from ops.errors import CommandFailed


def keep_summary(account: Account, bucket: str, stack: str, summary: Summary, build: Path) -> None:
    """Put a summary into the bucket, under its own digest."""
    file = build / "summary.json"
    file.write_bytes(msgspec.json.encode(summary))
    put = ["--bucket", bucket, "--key", _key(stack, summary.own_digest), "--body", str(file)]
    account.aws.text("s3api", "put-object", *put, "--expected-bucket-owner", account.number)


def find_summary(account: Account, bucket: str, stack: str, digest: str | None) -> Summary | None:
    """The summary of what was deployed, or None where it is not known.

    Args:
        digest: what the stack's output `DIGEST_OUTPUT` says.
    """
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
