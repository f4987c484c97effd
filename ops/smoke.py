"""Tests what is deployed: `python -m ops.smoke STAGE`."""

import argparse
import os
import sys

from ops.aws.account import find_account
from ops.cloudformation.stack import find_stack
from ops.deployed.caller import SmokeFailed
from ops.deployed.deployment import deployment_of
from ops.deployed.smoke_test import smoke_test
from ops.environments import ROOT
from ops.errors import CommandFailed
from ops.stages.stage import read_stage
from ops.terminal.say import say


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m ops.smoke", description="Test a deployed credvend.")
    parser.add_argument("stage", help="a stage of .chalice/config.json")
    name = parser.parse_args(arguments).stage
    try:
        stage = read_stage(ROOT, name)
        account = find_account(os.environ)
        stack = find_stack(account.aws, stage.stack)
        if stack is None:
            raise CommandFailed(
                f"There is no stack {stage.stack} in account {account.number}, {account.region}: "
                f"make deploy STAGE={name} makes it."
            )
        smoke_test(account, deployment_of(account, stack))
    except SmokeFailed as error:
        say(f"The smoke test of stage {name} failed.\n{error}")
        return 1
    except CommandFailed as error:
        say(f"Stage {name} could not be tested: {error}")
        return 1
    except KeyboardInterrupt:
        say("\nStopped.")
        return 130
    say("All is well.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
