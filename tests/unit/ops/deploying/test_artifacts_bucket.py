"""The bucket for packages: every request says whose it is, and another account's is never used."""

import json
import subprocess
from dataclasses import dataclass, field

import botocore.session
import pytest
from botocore import xform_name

from ops.aws.aws_cli import AwsCli
from ops.deploying.artifacts_bucket import artifacts_bucket
from ops.errors import CommandFailed

ACCOUNT = "111122223333"
MISSING = (254, "An error occurred (404) when calling the HeadBucket operation: Not Found")
Answers = dict[str, tuple[int, str]]


@dataclass(frozen=True, slots=True, repr=False)
class Recorded(AwsCli):
    """An aws that fails or answers as told, succeeds where nothing is told, and remembers what it was asked of S3."""

    failures: Answers = field(default_factory=dict)
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        self.asked.append(arguments)
        code, said = self.failures.get(arguments[1], (0, ""))
        if code == 0:
            return subprocess.CompletedProcess(arguments, 0, said, "")
        return subprocess.CompletedProcess(arguments, code, "", said)

    def options(self, command: str) -> dict[str, str]:
        """The options of the only command of that name."""
        (found,) = [asked for asked in self.asked if asked[1] == command]
        return dict(zip(found[2::2], found[3::2], strict=True))


def making(**failures: tuple[int, str]) -> Recorded:
    """An account whose bucket has no policy yet."""
    none = (254, "An error occurred (NoSuchBucketPolicy) when calling the GetBucketPolicy operation")
    return Recorded({}, {"get-bucket-policy": none} | {k.replace("_", "-"): v for k, v in failures.items()})


def test_every_request_is_one_of_s3s_and_names_the_owner() -> None:
    aws = making(head_bucket=MISSING)
    artifacts_bucket(aws, ACCOUNT, "cn-north-1")
    model = botocore.session.get_session().get_service_model("s3")
    operations = {xform_name(name, "-"): name for name in model.operation_names}
    assert "create-bucket" in [asked[1] for asked in aws.asked]
    for _, command, *_ in aws.asked:
        shape = model.operation_model(operations[command]).input_shape
        assert shape is not None
        options, known = aws.options(command), {f"--{xform_name(name, '-')}" for name in shape.members}
        assert set(options) - {"--query", "--output"} <= known
        # CreateBucket alone cannot name it: it fails where the name is taken.
        assert options.get("--expected-bucket-owner") == (ACCOUNT if "--expected-bucket-owner" in known else None)
        assert command == "create-bucket" or "--expected-bucket-owner" in known


@pytest.mark.parametrize(
    "failures",
    [
        {"head_bucket": (254, "An error occurred (403) when calling the HeadBucket operation: Forbidden")},
        {"head_bucket": MISSING, "create_bucket": (254, "An error occurred (BucketAlreadyExists): not available")},
    ],
)
def test_another_accounts_bucket_of_that_name_is_refused_and_nothing_sent_there(failures: Answers) -> None:
    aws = making(**failures)
    with pytest.raises(CommandFailed, match=f"The bucket credvend-artifacts-{ACCOUNT}-cn-north-1 .*"):
        artifacts_bucket(aws, ACCOUNT, "cn-north-1")
    assert [asked for asked in aws.asked if asked[1].startswith("put-")] == []


def test_no_package_that_a_rollback_needs_expires() -> None:
    aws = making()
    artifacts_bucket(aws, ACCOUNT, "cn-north-1")
    life_cycle = aws.options("put-bucket-lifecycle-configuration")["--lifecycle-configuration"]
    rules = json.loads(life_cycle)["Rules"]
    # An Expiration with days or a date deletes current versions.
    assert [rule for rule in rules if set(rule.get("Expiration", {})) - {"ExpiredObjectDeleteMarker"}] == []
    assert any("NoncurrentVersionExpiration" in rule for rule in rules)
    assert any("AbortIncompleteMultipartUpload" in rule for rule in rules)


def test_the_policy_is_of_the_accounts_partition() -> None:
    aws = making()
    bucket = artifacts_bucket(aws, ACCOUNT, "cn-north-1")
    (statement,) = json.loads(aws.options("put-bucket-policy")["--policy"])["Statement"]
    assert statement["Resource"] == [f"arn:aws-cn:s3:::{bucket}", f"arn:aws-cn:s3:::{bucket}/*"]


def test_a_policy_of_a_single_statement_without_a_list_is_kept() -> None:
    theirs = {"Sid": "Theirs", "Effect": "Deny"}
    aws = making(get_bucket_policy=(0, json.dumps({"Statement": theirs})))
    artifacts_bucket(aws, ACCOUNT, "cn-north-1")
    statements = json.loads(aws.options("put-bucket-policy")["--policy"])["Statement"]
    assert theirs in statements and len(statements) == 2


@pytest.mark.parametrize(("status", "made"), [("Suspended", 1), ("None", 1), ("Enabled", 0)])
def test_versioning_that_was_switched_off_is_switched_on_again(status: str, made: int) -> None:
    first = making()
    artifacts_bucket(first, ACCOUNT, "cn-north-1")
    policy = first.options("put-bucket-policy")["--policy"]
    aws = making(get_bucket_policy=(0, policy), get_bucket_versioning=(0, status))
    artifacts_bucket(aws, ACCOUNT, "cn-north-1")
    assert [asked[1] for asked in aws.asked].count("put-bucket-versioning") == made
