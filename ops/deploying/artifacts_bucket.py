"""The account's bucket for packages: its own, closed to the public, and read and written over TLS only.

Whoever can write here can have their code run as credvend at the next deployment.
"""

import json
from typing import Final, cast

from ops.aws.aws_cli import AwsCli
from ops.aws.partition import partition_of
from ops.errors import CommandFailed
from ops.terminal.say import say

# What is overwritten or deleted can be got back for so many days. Whatever is current is never deleted: a stack that
# is rolled back reads its former package again.
_KEPT_DAYS: Final = 90
_STATEMENT: Final = "CredvendOverTlsOnly"
_CLOSED: Final = "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true"
_LIFE_CYCLE: Final = {
    "Rules": [
        {
            "ID": "credvend",
            "Status": "Enabled",
            "Filter": {},
            "NoncurrentVersionExpiration": {"NoncurrentDays": _KEPT_DAYS},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        }
    ]
}
_ENCRYPTION: Final = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
# No ACL can hand an object to another account:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
_OWNERSHIP: Final = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}


def artifacts_bucket(aws: AwsCli, account: str, region: str) -> str:
    """The account's bucket for packages, made on first use; and made safe where it is not.

    S3's names are global: whoever took ours first would be handed our code, and could hand us theirs. Hence the owner
    is named in each request: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html

    Raises:
        CommandFailed: it is another account's, or cannot be made or made safe.
    """
    bucket = f"credvend-artifacts-{account}-{region}"
    owned = ("--bucket", bucket, "--expected-bucket-owner", account)
    found = aws.run("s3api", "head-bucket", *owned)
    if "(404)" in found.stderr:
        _make(aws, bucket, region)
    elif found.returncode != 0:
        raise _not_ours(bucket, account, found.stderr)
    aws.text("s3api", "put-public-access-block", *owned, "--public-access-block-configuration", _CLOSED)
    statements = _policy(aws, owned)
    ours = _over_tls_only(f"arn:{partition_of(region)}:s3:::{bucket}")
    if ours not in statements or not _is_versioned(aws, owned):
        _make_safe(aws, owned)
        # Last, so that where it stands all the rest was done.
        others = [statement for statement in statements if statement.get("Sid") != _STATEMENT]
        policy = json.dumps({"Version": "2012-10-17", "Statement": [*others, ours]})
        aws.text("s3api", "put-bucket-policy", *owned, "--policy", policy)
    return bucket


def _make(aws: AwsCli, bucket: str, region: str) -> None:
    say(f"Making bucket {bucket} for packages ...")
    place = [] if region == "us-east-1" else ["--create-bucket-configuration", f"LocationConstraint={region}"]
    made = aws.run("s3api", "create-bucket", "--bucket", bucket, *place)
    # `BucketAlreadyOwnedByYou` is a deployment of another stage, which makes it at the same time.
    if made.returncode != 0 and "BucketAlreadyOwnedByYou" not in made.stderr:
        raise CommandFailed(f"The bucket {bucket} cannot be made.\n{made.stderr.strip()}")


def _not_ours(bucket: str, account: str, said: str) -> CommandFailed:
    return CommandFailed(
        f"The bucket {bucket} is not this account's, or closed to you. Are these the credentials of an "
        f"administrator of account {account}? If they are, somebody else has taken the name, which is for AWS Support; "
        f"nothing was sent there.\n{said.strip()}"
    )


def _make_safe(aws: AwsCli, owned: tuple[str, ...]) -> None:
    aws.text("s3api", "put-bucket-ownership-controls", *owned, "--ownership-controls", json.dumps(_OWNERSHIP))
    encryption = json.dumps(_ENCRYPTION)
    aws.text("s3api", "put-bucket-encryption", *owned, "--server-side-encryption-configuration", encryption)
    aws.text("s3api", "put-bucket-versioning", *owned, "--versioning-configuration", "Status=Enabled")
    life_cycle = json.dumps(_LIFE_CYCLE)
    aws.text("s3api", "put-bucket-lifecycle-configuration", *owned, "--lifecycle-configuration", life_cycle)


def _policy(aws: AwsCli, owned: tuple[str, ...]) -> list[dict[str, object]]:
    """The statements of the bucket's policy: an adopter may have added some."""
    found = aws.run("s3api", "get-bucket-policy", *owned, "--query", "Policy", "--output", "text")
    if found.returncode != 0:
        if "NoSuchBucketPolicy" in found.stderr:
            return []
        raise CommandFailed(f"The policy of {owned[1]} cannot be read.\n{found.stderr.strip()}")
    statements = json.loads(found.stdout)["Statement"]
    # A single one need not stand in a list:
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
    return cast(list[dict[str, object]], statements if isinstance(statements, list) else [statements])


def _is_versioned(aws: AwsCli, owned: tuple[str, ...]) -> bool:
    return aws.text("s3api", "get-bucket-versioning", *owned, "--query", "Status", "--output", "text") == "Enabled"


def _over_tls_only(arn: str) -> dict[str, object]:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html"""
    return {
        "Sid": _STATEMENT,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
