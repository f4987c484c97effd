"""Puts what is deployed into the artifacts bucket, where CloudFormation finds it."""

import hashlib
from pathlib import Path

from ops.aws.account import Account


def upload(account: Account, stack: str, template: Path, bucket: str) -> str:
    """Put the function's code and the template into the bucket; what lies there already stays.

    Returns:
        URL of the template, for CloudFormation.

    Raises:
        CommandFailed: the bucket took them not.
    """
    packaged = template.with_name("packaged.json")
    package = ["--template-file", str(template), "--s3-bucket", bucket, "--s3-prefix", stack]
    # Its name is a digest of it; whatever else lies there under that name is not believed to be it.
    package += ["--force-upload", "--use-json", "--output-template-file", str(packaged)]
    account.aws.text("cloudformation", "package", *package)
    return put_template(account, stack, packaged, bucket)


def put_template(account: Account, stack: str, template: Path, bucket: str) -> str:
    """Put a template into the bucket: only from there CloudFormation takes more than 51,200 bytes.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html

    Returns:
        Its URL.
    """
    key = f"{stack}/{hashlib.sha256(template.read_bytes()).hexdigest()}.template"
    put = ["--bucket", bucket, "--key", key, "--body", str(template), "--expected-bucket-owner", account.number]
    account.aws.text("s3api", "put-object", *put)
    return f"{account.s3_url}/{bucket}/{key}"
