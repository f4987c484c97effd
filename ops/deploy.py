"""Packages the service and deploys it with CloudFormation: `python -m ops.deploy STAGE [--config DIRECTORY]`.

The same steps and the same template serve AWS and the local AWS: `ops/packaging.py` makes the package, and
`aws cloudformation package` (upload to a bucket of the account) and `deploy` put it there.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chalicelib.errors import ConfigError
from ops.artifacts import artifacts_bucket
from ops.aws_cli import AwsCli, CommandFailed
from ops.environments import ROOT
from ops.file_lock import file_lock
from ops.packaging import SHIPPED_CONFIG, package
from ops.protection import protect
from ops.say import say
from ops.stack import deploy_stack, outputs, service_url
from ops.stage import LOCAL_STAGE, read_stage
from ops.stage_file import read_stage_file
from ops.statements import invoke_statement, trust_statement


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployed service, as its stack's outputs tell it.

    Attributes:
        api_id: id of the REST API.
        url: where the routes are, without a slash at the end.
        function_role_arn: the role that target roles must let in.
        log_group: name of the log group that holds the audit records.
        configuration: its digest, as in audit records.
    """

    stack: str
    account: str
    region: str
    api_id: str
    url: str
    function_role_arn: str
    log_group: str
    configuration: str

    @property
    def api_arn(self) -> str:
        """What `execute-api:Invoke` is granted on, with `/STAGE/METHOD/PATH` appended."""
        partition = self.function_role_arn.split(":")[1]
        return f"arn:{partition}:execute-api:{self.region}:{self.account}:{self.api_id}"


def deploy(stage: str, environment: Mapping[str, str], config: Path | None = None) -> Deployment:
    """Deploy a stage with the AWS credentials and region of `environment`.

    Args:
        config: a directory like `chalicelib/config`, whose files take the place of those in the checkout. Only the
            stage `local` does without.

    Raises:
        ConfigError: the configuration is invalid; nothing was deployed.
        CommandFailed: a step failed; says which, and what it said.
    """
    settings = read_stage(ROOT, stage, config)
    stack = settings.stack
    if config is None and stage != LOCAL_STAGE:
        raise CommandFailed(
            f"Name the configuration to deploy: make deploy STAGE={stage} CONFIG=DIRECTORY. The one in "
            f"{SHIPPED_CONFIG} is the walk-through's; stage {stage} would serve it instead of what is there."
        )
    region = _region(environment)
    if environment.get("AWS_ENDPOINT_URL"):
        say(f"AWS_ENDPOINT_URL is set: this goes to {environment['AWS_ENDPOINT_URL']}, not to AWS.")
    aws = AwsCli({**environment, "AWS_REGION": region, "AWS_DEFAULT_REGION": region})
    build = ROOT / ".build" / stage
    with file_lock(build / "lock"):
        build.parent.chmod(0o700)  # the configuration is nobody else's business
        say(f"Packaging stage {stage} with the configuration in {config or SHIPPED_CONFIG} ...")
        template = package(settings, build, config, region)
        account = aws.text("sts", "get-caller-identity", "--query", "Account", "--output", "text")
        bucket = artifacts_bucket(aws, account, region)
        say(f"Deploying stack {stack} to account {account}, {region} ...")
        deploy_stack(aws, stack, template, bucket, read_stage_file(config or ROOT / SHIPPED_CONFIG).tags)
        if stage != LOCAL_STAGE:
            protect(aws, stack)
    told = outputs(aws, stack)
    return Deployment(
        stack=stack,
        account=account,
        region=region,
        api_id=told["RestAPIId"],
        url=service_url(told, environment.get("AWS_ENDPOINT_URL")),
        function_role_arn=told["FunctionRoleArn"],
        log_group=told["LogGroupName"],
        configuration=told["ConfigurationDigest"],
    )


def _region(environment: Mapping[str, str]) -> str:
    for variable in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        if environment.get(variable):
            return environment[variable]
    configured = AwsCli(environment).run("configure", "get", "region")
    if not configured.stdout.strip():
        why = configured.stderr.strip()
        raise CommandFailed("No region: set AWS_REGION, or `region` in your AWS profile." + (f"\n{why}" if why else ""))
    return configured.stdout.strip()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m ops.deploy", description="Deploy credvend with CloudFormation.")
    parser.add_argument("stage", help="a stage of .chalice/config.json")
    parser.add_argument("--config", type=Path, help="a directory with roles.yaml and policies/ of your own")
    options = parser.parse_args(arguments)
    try:
        deployed = deploy(options.stage, os.environ, options.config)
    except (CommandFailed, ConfigError) as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("\nStopped. If CloudFormation was at work already, it goes on; deploy again to see how it ended.")
        return 130
    print(f"credvend is at            {deployed.url}")
    print(f"its audit records are in  {deployed.log_group}")
    print(f"its role is               {deployed.function_role_arn}")
    print(f"its configuration is      {deployed.configuration}")
    print("\nThe trust policy of each target role needs this statement:")
    print(json.dumps(trust_statement(deployed.function_role_arn), indent=2))
    print("\nEach caller of this account needs this one in its IAM policy:")
    print(json.dumps(invoke_statement(deployed.api_arn), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
