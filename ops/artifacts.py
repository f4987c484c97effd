"""The account's bucket for packages."""

from ops.aws_cli import AwsCli, CommandFailed
from ops.say import say


def artifacts_bucket(aws: AwsCli, account: str, region: str) -> str:
    """The account's bucket for packages, made on first use.

    S3's names are global: whoever took ours first would be handed our code, hence the check of the owner.
    """
    bucket = f"credvend-artifacts-{account}-{region}"
    owned = ("--bucket", bucket, "--expected-bucket-owner", account)
    found = aws.run("s3api", "head-bucket", *owned)
    if "(404)" in found.stderr:
        say(f"Making bucket {bucket} for packages ...")
        place = [] if region == "us-east-1" else ["--create-bucket-configuration", f"LocationConstraint={region}"]
        aws.text("s3api", "create-bucket", "--bucket", bucket, *place)
    elif found.returncode != 0:
        raise CommandFailed(
            f"The bucket {bucket} is not this account's, or closed to you. Are these the credentials of an "
            f"administrator of account {account}?\n{found.stderr.strip()}"
        )
    block = "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true"
    aws.text("s3api", "put-public-access-block", *owned, "--public-access-block-configuration", block)
    return bucket
