"""Packages the service and deploys it with CloudFormation: `python -m ops.deploy STAGE [--config DIRECTORY]`.

The same steps and the same template serve AWS and the local AWS:

1. a copy of what Lambda needs below `.build/STAGE/`, with the adopter's configuration laid over it;
2. the configuration checked and compiled to one file, and the function's IAM policy made from the catalog;
3. `chalice package`, merged with `.chalice/template.json`; what is never used left out of it, and bytecode put in;
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

from chalicelib.compiled import compile_configuration
from chalicelib.errors import ConfigError
from ops.aws_cli import AwsCli, CommandFailed
from ops.environments import ROOT, programs
from ops.file_lock import file_lock
from ops.generate import stages, write_policy
from ops.slim import CompileFailed, slim

_SHIPPED_CONFIG = Path("chalicelib/config")
_KEPT_PACKAGES = 4
_REQUIRED_CONFIG = frozenset({"roles.yaml", "policies"})
_FOLDERS = frozenset({"policies", "keys"})
_CONFIG = (
    _REQUIRED_CONFIG | _FOLDERS | {"issuers.yaml", "issuers.schema.json", "roles.schema.json", "schema.cedarschema"}
)


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployed service, as its stack's outputs tell it.

    Attributes:
        api_id: id of the REST API.
        url: where the routes are, without a slash at the end.
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
    if environment.get("AWS_ENDPOINT_URL"):
        _say(f"AWS_ENDPOINT_URL is set: this goes to {environment['AWS_ENDPOINT_URL']}, not to AWS.")
    aws = AwsCli({**environment, "AWS_REGION": region, "AWS_DEFAULT_REGION": region})
    stack = f"credvend-{stage}"
    build = ROOT / ".build" / stage
    with file_lock(build / "lock"):
        build.parent.chmod(0o700)  # the configuration is nobody else's business
        _say(f"Packaging stage {stage} with the configuration in {config or _SHIPPED_CONFIG} ...")
        template = package(stage, build, region, config)
        account = aws.text("sts", "get-caller-identity", "--query", "Account", "--output", "text")
        bucket = _artifacts_bucket(aws, account, region)
        _say(f"Deploying stack {stack} to account {account}, {region} ...")
        _deploy_stack(aws, stack, template, bucket)
    outputs = _outputs(aws, stack)
    return Deployment(
        stack=stack,
        account=account,
        region=region,
        api_id=outputs["RestAPIId"],
        url=_url(outputs, environment.get("AWS_ENDPOINT_URL")),
        function_role_arn=outputs["FunctionRoleArn"],
        log_group=outputs["LogGroupName"],
    )


def package(stage: str, build: Path, region: str, config: Path | None = None) -> Path:
    """Check the configuration and package the service below `build`. No AWS account is needed.

    Args:
        config: as for `deploy`.

    Returns:
        The CloudFormation template; the function's code, `deployment.zip`, lies beside it.

    Raises:
        ConfigError: the configuration is invalid.
        CommandFailed: a step failed; says which, and what it said.
    """
    _copy_source(build / "source", config)
    # Only the local stage lets issuers do without TLS, as its settings in .chalice/config.json say.
    compile_configuration(build / "source/chalicelib/config", allow_loopback_http=stage == "local")
    write_policy(build / "source")
    return _package(stage, build, region)


def trust_statement(principal: str) -> dict[str, object]:
    """What stands in the trust policy of a role that lets credvend in.

    Args:
        principal: ARN of the function's role.
    """
    return {
        "Effect": "Allow",
        "Principal": {"AWS": principal},
        "Action": ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"],
    }


def invoke_statement(api_arn: str) -> dict[str, object]:
    """What stands in the IAM policy of a caller of the same account."""
    return {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": f"{api_arn}/*/*/v1/iam/*"}


def _region(environment: Mapping[str, str]) -> str:
    for variable in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        if environment.get(variable):
            return environment[variable]
    configured = AwsCli(environment).run("configure", "get", "region")
    if not configured.stdout.strip():
        why = configured.stderr.strip()
        raise CommandFailed("No region: set AWS_REGION, or `region` in your AWS profile." + (f"\n{why}" if why else ""))
    return configured.stdout.strip()


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
    """Copy an adopter's configuration, and nothing else that may lie in its directory, over the shipped one."""
    if not config.is_dir():
        raise CommandFailed(f"{config} is not a directory.")
    found = {path.name for path in config.iterdir() if not path.name.startswith(".")}
    problems = [f"{config} holds no {name}." for name in sorted(_REQUIRED_CONFIG - found)]
    problems += [f"{config} holds {name}, which is no part of a configuration." for name in sorted(found - _CONFIG)]
    if problems:
        raise CommandFailed("\n".join(problems))
    # Replaced whole: a policy or an issuer of ours that stayed behind would let somebody in.
    for name in _FOLDERS:
        shutil.rmtree(target / name, ignore_errors=True)
    (target / "issuers.yaml").unlink(missing_ok=True)
    for name in found & _FOLDERS:
        shutil.copytree(config / name, target / name, ignore=shutil.ignore_patterns(".*"))
    for name in found - _FOLDERS:
        shutil.copyfile(config / name, target / name)


def _package(stage: str, build: Path, region: str) -> Path:
    command = [str(programs("dev") / "chalice"), "package", "--stage", stage, "--pkg-format", "cloudformation"]
    command += ["--merge-template", ".chalice/template.json", str(build / "package")]
    _forget_old_packages(build / "source")
    done = subprocess.run(
        command,
        cwd=build / "source",
        env=_environment_of_packaging(region),
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode != 0:
        raise CommandFailed(f"chalice package failed:\n{(done.stderr or done.stdout).strip()}")
    try:
        slim(build / "package/deployment.zip")
    except CompileFailed as failure:
        raise CommandFailed(f"A file of the package is no Python:\n{failure}") from None
    return build / "package/sam.json"


def _environment_of_packaging(region: str) -> dict[str, str]:
    """Ours without AWS credentials: pip runs other people's code, and packaging calls nobody."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    # Chalice loads the app to find its routes; what Python would write on that occasion is not to be shipped.
    return kept | {"AWS_REGION": region, "AWS_DEFAULT_REGION": region, "PYTHONDONTWRITEBYTECODE": "1"}


def _forget_old_packages(source: Path) -> None:
    """Chalice keeps each package that it made, and takes it again where nothing changed: keep the latest ones."""
    packages = sorted((source / ".chalice/deployments").glob("*.zip"), key=lambda path: path.stat().st_mtime)
    for package in packages[:-_KEPT_PACKAGES]:
        package.unlink()


def _artifacts_bucket(aws: AwsCli, account: str, region: str) -> str:
    """The account's bucket for packages, made on first use.

    S3's names are global: whoever took ours first would be handed our code, hence the check of the owner.
    """
    bucket = f"credvend-artifacts-{account}-{region}"
    owned = ("--bucket", bucket, "--expected-bucket-owner", account)
    found = aws.run("s3api", "head-bucket", *owned)
    if "(404)" in found.stderr:
        _say(f"Making bucket {bucket} for packages ...")
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


def _deploy_stack(aws: AwsCli, stack: str, template: Path, bucket: str) -> None:
    packaged = template.with_name("packaged.json")
    package = ["--template-file", str(template), "--s3-bucket", bucket, "--s3-prefix", stack]
    package += ["--force-upload"]  # whatever lies there under the package's name is not believed to be it
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


def _url(outputs: Mapping[str, str], endpoint: str | None) -> str:
    """Where the routes are. On a local AWS that is not where the template says, for AWS's names lead to AWS."""
    url = outputs["EndpointURL"].rstrip("/")
    if not endpoint:
        return url
    return f"{endpoint.rstrip('/')}/_aws/execute-api/{outputs['RestAPIId']}/{url.rpartition('/')[2]}"


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
    except KeyboardInterrupt:
        _say("\nStopped. If CloudFormation was at work already, it goes on; deploy again to see how it ended.")
        return 130
    print(f"credvend is at            {deployed.url}")
    print(f"its audit records are in  {deployed.log_group}")
    print(f"its role is               {deployed.function_role_arn}")
    print("\nThe trust policy of each target role needs this statement:")
    print(json.dumps(trust_statement(deployed.function_role_arn), indent=2))
    print("\nEach caller of this account needs this one in its IAM policy:")
    print(json.dumps(invoke_statement(deployed.api_arn), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
