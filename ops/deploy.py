"""Packages the service and deploys it with CloudFormation: `python -m ops.deploy STAGE [--config DIRECTORY]`.

The same steps and the same template serve AWS and the local AWS:

1. a copy of what Lambda needs below `.build/STAGE/`, with the adopter's configuration laid over it;
2. the configuration checked, and the function's IAM policy made from the catalog;
3. `chalice package`, merged with `.chalice/template.json`;
4. `aws cloudformation package` (upload to a bucket of the account) and `deploy`.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from chalicelib.authorization import load_authorizer
from chalicelib.catalog import load_catalog
from chalicelib.errors import ConfigError
from ops.aws_cli import AwsCli, CommandFailed
from ops.environments import ROOT, programs
from ops.file_lock import file_lock
from ops.generate import stages, write_policy


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployed service, as its stack's outputs tell it.

    Attributes:
        api_id: id of the REST API.
        url: where the routes are on AWS, without a slash at the end.
        function_role_arn: the principal that target roles must trust.
        log_group: name of the log group that holds the audit records.
    """

    stack: str
    account: str
    region: str
    api_id: str
    url: str
    function_role_arn: str
    log_group: str

    @property
    def api_arn(self) -> str:
        """What `execute-api:Invoke` is granted on, with `/STAGE/METHOD/PATH` appended."""
        partition = self.function_role_arn.split(":")[1]
        return f"arn:{partition}:execute-api:{self.region}:{self.account}:{self.api_id}"


def deploy(stage: str, environment: Mapping[str, str], config: Path | None = None) -> Deployment:
    """Deploy a stage with the AWS credentials and region of `environment`.

    Args:
        config: a directory like `chalicelib/config`, whose files take the place of those in the checkout.

    Raises:
        ConfigError: the configuration is invalid; nothing was deployed.
        CommandFailed: a step failed; says which, and what it said.
    """
    if stage not in stages(ROOT):
        raise CommandFailed(f"No stage {stage!r} in .chalice/config.json. There are: {', '.join(stages(ROOT))}.")
    region = _region(environment)
    aws = AwsCli({**environment, "AWS_REGION": region, "AWS_DEFAULT_REGION": region})
    account = aws.text("sts", "get-caller-identity", "--query", "Account", "--output", "text")
    build = ROOT / ".build" / stage
    with file_lock(build / "lock"):
        _copy_source(build / "source", config)
        _check(build / "source/chalicelib/config")
        write_policy(build / "source")
        _say(f"Packaging stage {stage} ...")
        template = _package(stage, build, aws.environment)
        bucket = _artifacts_bucket(aws, account, region)
        stack = f"credvend-{stage}"
        _say(f"Deploying stack {stack} to account {account}, {region} ...")
        _deploy_stack(aws, stack, template, bucket)
    outputs = _outputs(aws, stack)
    return Deployment(
        stack=stack,
        account=account,
        region=region,
        api_id=outputs["RestAPIId"],
        url=outputs["EndpointURL"].rstrip("/"),
        function_role_arn=outputs["FunctionRoleArn"],
        log_group=outputs["LogGroupName"],
    )


def trust_policy(principal: str) -> dict[str, object]:
    """The trust policy by which a role lets credvend in.

    Args:
        principal: ARN of the function's role.
    """
    statement: dict[str, object] = {
        "Effect": "Allow",
        "Principal": {"AWS": principal},
        "Action": ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"],
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def _region(environment: Mapping[str, str]) -> str:
    for variable in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        if environment.get(variable):
            return environment[variable]
    configured = AwsCli(environment).run("configure", "get", "region").stdout.strip()
    if not configured:
        raise CommandFailed("No region: set AWS_REGION, or `region` in your AWS profile.")
    return configured


def _copy_source(target: Path, config: Path | None) -> None:
    """Lay out afresh what Lambda needs; only Chalice's cache of built packages stays from the last time."""
    for name in ("app.py", "requirements.txt"):
        target.mkdir(exist_ok=True)
        shutil.copyfile(ROOT / name, target / name)
    shutil.rmtree(target / "chalicelib", ignore_errors=True)
    shutil.copytree(ROOT / "chalicelib", target / "chalicelib", ignore=shutil.ignore_patterns("__pycache__"))
    (target / ".chalice").mkdir(exist_ok=True)
    for name in ("config.json", "template.json"):
        shutil.copyfile(ROOT / ".chalice" / name, target / ".chalice" / name)
    if config is not None:
        _lay_over(config, target / "chalicelib/config")


def _lay_over(config: Path, target: Path) -> None:
    if not (config / "roles.yaml").is_file():
        raise CommandFailed(f"{config} holds no roles.yaml.")
    if (config / "policies").is_dir():
        # Replaced whole: a policy of ours that stayed behind would let somebody in.
        shutil.rmtree(target / "policies")
    shutil.copytree(config, target, dirs_exist_ok=True)


def _check(config: Path) -> None:
    load_authorizer(config, load_catalog(config / "roles.yaml"))


def _package(stage: str, build: Path, environment: Mapping[str, str]) -> Path:
    command = [str(programs("dev") / "chalice"), "package", "--stage", stage, "--pkg-format", "cloudformation"]
    command += ["--merge-template", ".chalice/template.json", str(build / "package")]
    done = subprocess.run(
        command,
        cwd=build / "source",
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode != 0:
        raise CommandFailed(f"chalice package failed:\n{(done.stderr or done.stdout).strip()}")
    return build / "package/sam.json"


def _artifacts_bucket(aws: AwsCli, account: str, region: str) -> str:
    """The account's bucket for packages, made on first use.

    S3's names are global: whoever took ours first would be handed our code, hence the check of the owner.
    """
    bucket = f"credvend-artifacts-{account}-{region}"
    owned = ("--bucket", bucket, "--expected-bucket-owner", account)
    found = aws.run("s3api", "head-bucket", *owned)
    if found.returncode == 0:
        return bucket
    if "404" not in found.stderr:
        raise CommandFailed(f"The bucket {bucket} is not this account's, or closed to you:\n{found.stderr.strip()}")
    _say(f"Making bucket {bucket} for packages ...")
    place = [] if region == "us-east-1" else ["--create-bucket-configuration", f"LocationConstraint={region}"]
    aws.text("s3api", "create-bucket", "--bucket", bucket, *place)
    block = "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true"
    aws.text("s3api", "put-public-access-block", *owned, "--public-access-block-configuration", block)
    return bucket


def _deploy_stack(aws: AwsCli, stack: str, template: Path, bucket: str) -> None:
    packaged = template.with_name("packaged.json")
    package = ["--template-file", str(template), "--s3-bucket", bucket, "--s3-prefix", stack]
    aws.text("cloudformation", "package", *package, "--use-json", "--output-template-file", str(packaged))
    options = ["--stack-name", stack, "--template-file", str(packaged), "--no-fail-on-empty-changeset"]
    try:
        aws.text("cloudformation", "deploy", *options, "--capabilities", "CAPABILITY_NAMED_IAM")
    except CommandFailed as failure:
        query = "StackEvents[?contains(ResourceStatus, 'FAILED')].[LogicalResourceId, ResourceStatusReason]"
        events = aws.run("cloudformation", "describe-stack-events", "--stack-name", stack, "--query", query)
        raise CommandFailed(f"{failure}\n{events.stdout.strip()}") from None


def _outputs(aws: AwsCli, stack: str) -> dict[str, str]:
    described = aws.json("cloudformation", "describe-stacks", "--stack-name", stack)
    (only,) = cast(list[dict[str, list[dict[str, str]]]], described["Stacks"])
    return {output["OutputKey"]: output["OutputValue"] for output in only["Outputs"]}


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m ops.deploy", description="Deploy credvend with CloudFormation.")
    parser.add_argument("stage", help="a stage of .chalice/config.json")
    parser.add_argument("--config", type=Path, help="a directory with roles.yaml and policies/ of your own")
    options = parser.parse_args(arguments)
    try:
        deployed = deploy(options.stage, os.environ, options.config)
    except (CommandFailed, ConfigError) as error:
        _say(str(error))
        return 1
    print(f"credvend is at            {deployed.url}")
    print(f"its audit records are in  {deployed.log_group}")
    print(f"target roles must trust   {deployed.function_role_arn}")
    print(json.dumps(trust_policy(deployed.function_role_arn), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
