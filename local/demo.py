"""The walk-through on a local AWS: `python -m local.demo [--keep]`."""

import argparse
import os
import shlex
import subprocess
import sys

from chalicelib.errors import ConfigError
from local.aws import REGION, USER, LocalAws, LocalAwsError, local_aws
from ops.aws_cli import CommandFailed
from ops.deploy import Deployment, deploy
from ops.environments import ROOT, programs

_TRY = """\
curl --aws-sigv4 "aws:amz:$AWS_REGION:execute-api" --config <(echo "user = $AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY") \
"$CREDVEND_URL/v1/iam/roles"
"""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make demo", description="credvend's walk-through, on a local AWS.")
    parser.add_argument("--keep", action="store_true", help="leave the local AWS running at the end")
    keep = parser.parse_args(arguments).keep
    try:
        _say("Starting a local AWS ...")
        with local_aws(keep) as aws:
            deployed = deploy("local", aws.environment())
            sys.stdout.flush()
            done = subprocess.run(["bash", str(ROOT / "local/demo.sh")], env=_environment(aws, deployed), check=False)
            if done.returncode != 0:
                raise CommandFailed("The demo stopped half-way; the command above says why.")
            if keep:
                _hand_over(aws, deployed)
        if not keep:
            print("\nThe local AWS is stopped now. `make demo KEEP=1` leaves it up, to try this next:\n")
            print(_TRY)
    except KeyboardInterrupt:
        _say("\nStopped.")
        return 130
    except (CommandFailed, ConfigError, LocalAwsError) as error:
        _say(str(error))
        return 1
    return 0


def _environment(aws: LocalAws, deployed: Deployment) -> dict[str, str]:
    environment = aws.environment()
    return environment | {
        "PATH": os.pathsep.join([str(programs("dev")), environment.get("PATH", os.defpath)]),
        "AWS_CLI_PYTHON": str(programs("aws") / "python"),
        "AWS_PAGER": "",
        "CREDVEND_API_ARN": deployed.api_arn,
        "CREDVEND_LOG_GROUP": deployed.log_group,
        "CREDVEND_ROLE_ARN": deployed.function_role_arn,
        "CREDVEND_URL": aws.api_url(deployed.api_id),
        "DEMO_DIRECTORY": str(aws.directory),
    }


def _hand_over(aws: LocalAws, deployed: Deployment) -> None:
    settings = {
        "AWS_ENDPOINT_URL": aws.endpoint,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "CREDVEND_URL": aws.api_url(deployed.api_id),
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }
    with (aws.directory / "user.sh").open("a", encoding="utf-8") as file:  # the walk-through wrote the user's key there
        file.write("unset AWS_PROFILE AWS_SESSION_TOKEN\n")
        file.writelines(f"export {name}={shlex.quote(value)}\n" for name, value in settings.items())
    USER.unlink(missing_ok=True)
    USER.symlink_to(aws.directory / "user.sh")
    print("\nThe local AWS stays up until `make stop`. Try next, as assume-role-user:\n")
    print(f"source {USER.relative_to(ROOT)} && {_TRY}")


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
