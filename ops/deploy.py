"""Deploys the service: `python -m ops.deploy STAGE [--config DIR] [--yes=1]`."""

import argparse
import json
import os
import sys
from pathlib import Path

from chalicelib.errors import ConfigError
from ops.deployed.deployment import Deployment
from ops.deploying.deploy import NotProtected, deploy
from ops.environments import ROOT
from ops.errors import CommandFailed
from ops.iam.statements import invoke_statement, trust_statement
from ops.stages.stage import read_stage
from ops.stages.stage_file import StageFile
from ops.terminal.say import say


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m ops.deploy", description="Deploy credvend with CloudFormation.")
    parser.add_argument("stage", help="a stage of .chalice/config.json")
    parser.add_argument("--config", type=Path, help="a directory with roles.yaml and policies/ of your own")
    parser.add_argument("--yes", type=_yes, nargs="?", const=True, default=False, help="do not ask before the change")
    options = parser.parse_args(arguments)
    try:
        settings = read_stage(ROOT, options.stage, options.config).settings
        deployed = deploy(options.stage, os.environ, options.config, options.yes)
        failed = None
    except NotProtected as error:
        deployed, failed = error.deployment, str(error)
    except (CommandFailed, ConfigError) as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say(
            "\nStopped. If CloudFormation was at work already, it goes on: deploy again to see how it ended. What is "
            f"deployed is tested by: make smoke STAGE={options.stage}"
        )
        return 130
    _print_result(deployed, settings)
    if failed:
        say(f"\n{failed}")
        return 1
    return 0


def _yes(word: str) -> bool:
    """What `YES=` says. Only what is clear is taken: whoever mistypes is not to deploy unasked."""
    if word.strip().lower() in ("1", "yes", "true"):
        return True
    if word.strip().lower() in ("", "0", "no", "false", "n"):
        return False
    raise argparse.ArgumentTypeError(f"{word!r} is neither yes nor no. YES=1 asks nothing; to be asked, leave YES out.")


def _print_result(deployed: Deployment, settings: StageFile) -> None:
    print(f"credvend is at            {deployed.url}")
    print(f"its audit records are in  {deployed.log_group}")
    print(f"its role is               {deployed.function_role_arn}")
    print(f"its configuration is      {deployed.configuration}")
    print("\nThe trust policy of each target role needs this statement:")
    print(json.dumps(trust_statement(deployed.function_role_arn), indent=2))
    print("\nEach caller needs this one in its IAM policy:")
    print(json.dumps(invoke_statement(deployed.api_arn), indent=2))
    others = [f"account {account}" for account in settings.accounts]
    others += [f"organization {settings.organization}"] if settings.organization else []
    if others:
        print(f"\nBeside those of account {deployed.account}, callers are let in from: {', '.join(others)}")
    else:
        print(f"\nCallers are let in from account {deployed.account} alone. Callers of other accounts: docs/stage.md")


if __name__ == "__main__":
    sys.exit(main())
