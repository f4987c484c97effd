"""The deployed service: a local AWS for the whole run, with accounts, users and target roles in it.

Tests reach the service over HTTP alone, as its callers do.
"""

import copy
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.aws import ACCOUNT, REGION, LocalAws, local_aws
from local.oidc_provider import OidcProvider, oidc_provider
from ops.deployed.deployment import Deployment
from ops.deploying.deploy import deploy
from ops.environments import ROOT
from ops.iam.statements import trust_statement, trust_statements
from ops.processes.file_lock import file_lock
from ops.stages.runtimes import OWN_RUNTIME
from testing.http_answer import HttpAnswer
from testing.tokens import document, ec_key, key_set
from testing.warm_aws import warm_aws

Json = dict[str, object]

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sts import STSClient

# Whose tokens the deployed service believes: a provider whose address is known once it runs, and one whose tokens are
# good for one vend.
ISSUERS = """
issuers:
  - name: local
    issuer: {issuer}
    audiences: ["{audience}"]
    types: [at+jwt]
    groups_claim: groups
    claims: {{ref: ref, amr: amr, tenant: tenant}}
  - name: once
    issuer: https://once.example.com
    audiences: ["{audience}"]
    jwks_file: keys/once.json
    single_use: true
"""
CONFIG = Path(__file__).resolve().parents[1] / "tests/e2e/config"
OTHER_ACCOUNT = "999988887777"
# What a job's token claims on the branch that the policies let in.
MAIN = {"ref": "refs/heads/main", "repository": "acme/app"}
# The environment of a person's shell; where `make` was told which Python to use, so is each `make` that a test calls.
PERSON = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHON") if name in os.environ}
# The local AWS runs functions with its own Python, whatever their runtime.
PERSON["CREDVEND_RUNTIME"] = OWN_RUNTIME


@dataclass(frozen=True)
class Key:
    """What a caller signs with."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None


@dataclass(frozen=True)
class Answer(HttpAnswer):
    """An answer of the deployed service."""

    @property
    def key(self) -> Key:
        """The vended credentials, in any of the forms that are JSON."""
        given = cast(dict[str, str], self.body.get("Credentials", self.body))
        return Key(given["AccessKeyId"], given["SecretAccessKey"], given.get("SessionToken") or given["Token"])


@dataclass
class Stack:
    """The local AWS with credvend deployed in it.

    Attributes:
        package: a copy of what was deployed.
        oidc: the OpenID provider that the service trusts as issuer `local`.
        alice: an IAM user who may call credvend; policies let her have the roles of group `open`.
        vended: every key that a test got, for the proof that none of them is in the log.
    """

    aws: LocalAws
    oidc: OidcProvider
    deployed: Deployment
    package: Path
    alice: Key = field(init=False)
    vended: list[Key] = field(default_factory=list)
    # Clients take long to make: one session, which reads the models of services once, and each client once.
    _session: boto3.Session = field(default_factory=lambda: boto3.Session(region_name=REGION))
    _clients: dict[tuple[str, Key, str], object] = field(default_factory=dict)
    http: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(retries=False, timeout=30))

    @property
    def url(self) -> str:
        return self.deployed.url

    @property
    def root(self) -> Key:
        return Key(self.aws.access_key_id, self.aws.secret_access_key)

    def sign(
        self, key: Key, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """The headers of a request signed with SigV4."""
        request = AWSRequest(method, self.url + path, data=body, headers=dict(headers or {}))
        credentials = Credentials(key.access_key_id, key.secret_access_key, key.session_token)
        SigV4Auth(credentials, "execute-api", REGION).add_auth(request)
        return dict(request.headers.items())

    def send(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        """Send as it is, unsigned if the headers hold no signature."""
        answer = self.http.request(method, self.url + path, body=body or None, headers=dict(headers or {}))
        result = Answer(answer.status, answer.headers, answer.data.decode())
        if '"SecretAccessKey"' in result.text:
            self.vended.append(result.key)
        return result

    def call(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        key: Key | None = None,
    ) -> Answer:
        """Call as a caller does, as alice if nobody else is named."""
        return self.send(method, path, body, self.sign(key or self.alice, method, path, body, headers))

    def vend(self, body: object, key: Key | None = None, headers: Mapping[str, str] | None = None) -> Answer:
        """POST credentials with a JSON body."""
        json_headers = {"Content-Type": "application/json", **(headers or {})}
        return self.call("POST", "/v1/iam/credentials", json.dumps(body).encode(), json_headers, key)

    def present(
        self,
        token: str,
        method: str = "GET",
        path: str = "/v1/whoami",
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Call as the holder of a bearer token does."""
        sent = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **(headers or {})}
        return self.send(method, path, body, sent)

    def _client(self, service: str, key: Key | None, account: str = ACCOUNT) -> object:
        who = key or self.root
        if (service, who, account) not in self._clients:
            self._clients[service, who, account] = self._session.client(  # type: ignore[call-overload]
                service,
                endpoint_url=self.aws.endpoint,
                # The local AWS takes an account's number instead of its root's access key id.
                aws_access_key_id=who.access_key_id if account == ACCOUNT else account,
                aws_secret_access_key=who.secret_access_key,
                aws_session_token=who.session_token,
            )
        return self._clients[service, who, account]

    def beside(self, deployed: Deployment) -> "Stack":
        """Another deployment on the same local AWS: what it vends stands in a log of its own."""
        other = copy.copy(self)
        other.deployed, other.vended = deployed, []
        return other

    def iam(self, account: str = ACCOUNT) -> "IAMClient":
        return cast("IAMClient", self._client("iam", None, account))

    def sts(self, key: Key | None = None) -> "STSClient":
        return cast("STSClient", self._client("sts", key))

    def ec2(self, key: Key | None = None) -> "EC2Client":
        return cast("EC2Client", self._client("ec2", key))

    def s3(self, key: Key | None = None) -> Any:
        return self._client("s3", key)

    def dynamodb(self) -> "DynamoDBClient":
        return cast("DynamoDBClient", self._client("dynamodb", None))

    def cloudformation(self) -> "CloudFormationClient":
        return cast("CloudFormationClient", self._client("cloudformation", None))

    def logs(self) -> "CloudWatchLogsClient":
        return cast("CloudWatchLogsClient", self._client("logs", None))

    def add_user(self, name: str, *actions: str, path: str = "/") -> Key:
        """An IAM user who may do these actions, with a key."""
        iam = self.iam()
        iam.create_user(UserName=name, Path=path)
        if actions:
            iam.put_user_policy(UserName=name, PolicyName="rights", PolicyDocument=allow(*actions))
        made = iam.create_access_key(UserName=name)["AccessKey"]
        return Key(made["AccessKeyId"], made["SecretAccessKey"])

    def add_role(self, name: str, trust: object, *actions: str, path: str = "/", account: str = ACCOUNT) -> None:
        """A role with a trust policy, that may do these actions."""
        iam = self.iam(account)
        iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=json.dumps(trust))
        if actions:
            iam.put_role_policy(RoleName=name, PolicyName="rights", PolicyDocument=allow(*actions))

    def assume(self, key: Key, role: str, session_name: str) -> Key:
        """Credentials of a role session, got from STS without credvend."""
        given = self.sts(key).assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{role}", RoleSessionName=session_name)[
            "Credentials"
        ]
        return Key(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])

    def lines(self) -> list[str]:
        """Every line of the function's log."""
        pages = self.logs().get_paginator("filter_log_events").paginate(logGroupName=self.deployed.log_group)
        return [event["message"] for page in pages for event in page["events"]]

    def expect_no_secret_in_its_log(self) -> None:
        """Nothing that was vended stands in the log, though each vend does."""
        lines = self.lines()
        text = "\n".join(lines)
        ids = [json.loads(line)["access_key_id"] for line in lines if '"credentials.vended"' in line]
        assert {key.access_key_id for key in self.vended} <= set(ids)  # it is the log of these very requests
        for key in self.vended:
            assert key.secret_access_key not in text
            assert key.session_token is not None and key.session_token not in text

    def records(self, answer: Answer) -> list[Json]:
        """The audit records of the request that an answer belongs to."""
        found = [cast(Json, json.loads(line)) for line in self.lines() if line.startswith("{")]
        return [record for record in found if record.get("request_id") == answer.body["RequestId"]]


def make_package(config: Path) -> tuple[Path, Path]:
    """Template and code that `make package` makes for stage prod, without AWS credentials or a region."""
    done = subprocess.run(
        ["make", "--silent", "package", "STAGE=prod", f"CONFIG={config}"],
        cwd=ROOT,
        env=PERSON,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    return Path(told["template"]), Path(told["code"])


def allow(*actions: str) -> str:
    """An IAM policy that allows actions on everything."""
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The deployed service, started for the first test that wants it."""
    with local_aws() as aws, oidc_provider() as oidc, warm_aws():
        config = aws.directory / "config"
        shutil.copytree(CONFIG, config)
        shutil.copy(CONFIG.parent / "tokens.cedar", config / "policies")
        (config / "issuers.yaml").write_text(ISSUERS.format(issuer=oidc.issuer, audience=oidc.audience))
        (config / "keys").mkdir()
        (config / "keys/once.json").write_bytes(document(key_set(ec_key("once"))))
        with file_lock(ROOT / ".build/stack.lock"):  # the other lane may make one, too
            stack = Stack(aws, oidc, deploy("local", aws.environment(), config), aws.directory / "deployment.zip")
            shutil.copy(ROOT / ".build/local/package/deployment.zip", stack.package)
        _seed(stack)
        yield stack
        stack.expect_no_secret_in_its_log()  # each lane of the tests has a stack of its own


@pytest.fixture(scope="session")
def instance(stack: Stack) -> str:
    """The only EC2 instance, for clients to list."""
    (started,) = stack.ec2().run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)["Instances"]
    return started["InstanceId"]


def _seed(stack: Stack) -> None:
    trusting = {"Version": "2012-10-17", "Statement": [trust_statement(stack.deployed.function_role_arn)]}
    stack.alice = stack.add_user("alice", "execute-api:Invoke")
    for name in ("instances", "guarded", "brief", "from-office", "reasoned", "forbidden", "for-sessions"):
        stack.add_role(name, trusting, "ec2:DescribeInstances", path="/e2e/")
    stack.add_role("assume-role-role", trusting, "ec2:DescribeInstances", path="/e2e/")
    stack.add_role("somebody-else", trusting)
    stack.add_role("untrusting", _trust("arn:aws:iam::278805249149:role/somebody-else", "sts:AssumeRole"))
    service = stack.deployed.function_role_arn
    stack.add_role("untaggable", _trust(service, "sts:AssumeRole", "sts:SetSourceIdentity"))
    stack.add_role("plain", _trust(service, "sts:AssumeRole"), "ec2:DescribeInstances")
    demanding = {"Version": "2012-10-17", "Statement": trust_statements(service, "shared-id")}
    stack.add_role("with-external-id", demanding)
    stack.add_role("without-external-id", demanding)
    stack.add_role("elsewhere", trusting, "ec2:DescribeInstances", account=OTHER_ACCOUNT)
    _add_role_for_tagged_sessions(stack, trusting)
    _add_roles_of_tenants(stack, trusting)


def _trust(principal: str, *actions: str) -> Json:
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": list(actions)}
    return {"Version": "2012-10-17", "Statement": [statement]}


def _add_role_for_tagged_sessions(stack: Stack, trusting: object) -> None:
    """A role whose rights hang on the session tags that credvend sets."""
    stack.add_role("tagged", trusting)
    tags = {
        "aws:PrincipalTag/credvend:caller": f"arn:aws:iam::{ACCOUNT}:user/alice",
        "aws:PrincipalTag/credvend:role": "tagged",
    }
    statement = {
        "Effect": "Allow",
        "Action": "ec2:DescribeInstances",
        "Resource": "*",
        "Condition": {"StringEquals": tags},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    stack.iam().put_role_policy(RoleName="tagged", PolicyName="rights", PolicyDocument=policy)


def _add_roles_of_tenants(stack: Stack, trusting: object) -> None:
    """Roles that may do anything with a bucket, so that what a session may not do is due to its scoping."""
    stack.s3().create_bucket(Bucket="tenant-data", CreateBucketConfiguration={"LocationConstraint": REGION})
    for name in ("by-claim", "by-claim-too", "by-param", "by-managed-policy", "unscoped"):
        stack.add_role(name, trusting, "s3:*", path="/tenants/")
    reads = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::tenant-data/a/*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [reads]})
    stack.iam().create_policy(PolicyName="reads-a", PolicyDocument=document)
    stack.add_role("by-tag", trusting, path="/tenants/")
    tenant = {"StringEquals": {"aws:PrincipalTag/Tenant": "a"}}
    project = {"StringEquals": {"aws:PrincipalTag/Project": "x"}}
    rights = [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", "Condition": tenant},
        {"Effect": "Allow", "Action": "ec2:DescribeInstances", "Resource": "*", "Condition": project},
    ]
    stack.iam().put_role_policy(
        RoleName="by-tag",
        PolicyName="rights",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": rights}),
    )
