"""Deploys the service: `python -m ops.deploy STAGE [--config DIR] [--yes=1]`."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from chalicelib.configuration.catalog_file import read_catalog
from chalicelib.errors import ConfigError
from chalicelib.roles.role import Role
from ops.building.source_tree import SHIPPED_CONFIG
from ops.deployed.deployment import Deployment
from ops.deploying.deploy import NotProtected, deploy
from ops.environments import ROOT
from ops.errors import CommandFailed
from ops.iam.statements import invoke_statement, trust_statements
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
        roles = _roles(options.config)
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
    _print_result(deployed, settings, roles)
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


def _roles(config: Path | None) -> tuple[Role, ...]:
    """The catalog that is deployed: what the adopter's directory does not hold is the checkout's."""
    own = None if config is None else config / "roles.yaml"
    return read_catalog(own if own is not None and own.exists() else ROOT / SHIPPED_CONFIG / "roles.yaml").roles


def _print_result(deployed: Deployment, settings: StageFile, roles: Sequence[Role]) -> None:
    print(f"credvend is at            {deployed.url}")
    print(f"its audit records are in  {deployed.log_group}")
    print(f"its role is               {deployed.function_role_arn}")
    print(f"its configuration is      {deployed.configuration}")
    _print_trust(deployed.function_role_arn, [role for role in roles if not role.by_web_identity])
    long = [role.name for role in roles if role.by_web_identity]
    if long:
        print(
            f"\n{_listed(long)} must trust tokens of {deployed.issuer} instead, and the account must have a provider of"
        )
        print("that issuer: `credvend-admin onboard` writes both.")
    print("\nEach caller needs this one in its IAM policy:")
    print(json.dumps(invoke_statement(deployed.api_arn), indent=2))
    others = [f"account {account}" for account in settings.accounts]
    others += [f"organization {settings.organization}"] if settings.organization else []
    if others:
        print(f"\nBeside those of account {deployed.account}, callers are let in from: {', '.join(others)}")
    else:
        print(f"\nCallers are let in from account {deployed.account} alone. Callers of other accounts: docs/stage.md")


def _print_trust(function_role_arn: str, roles: Sequence[Role]) -> None:
    """An external id is no secret: https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html"""
    demanding = [role for role in roles if role.external_id is not None]
    if len(demanding) < len(roles) or not roles:
        which = "each other" if demanding else "each"
        print(f"\nThe trust policy of {which} target role needs this statement:")
        print(json.dumps(*trust_statements(function_role_arn), indent=2))
    if demanding:
        shown = demanding[0].external_id
        names = [role.name for role in demanding if role.external_id == shown]
        print(f"\nThe trust policy of {_listed(names)}, with the external id of roles.yaml, needs these statements:")
        print(json.dumps(trust_statements(function_role_arn, shown), indent=2))
        others = [role.name for role in demanding if role.external_id != shown]
        if others:
            print(f"\nThose of {_listed(others)} need the same, with an external id of their own.")


def _listed(names: Sequence[str]) -> str:
    more = len(names) - 3
    return ", ".join(names) if more <= 0 else f"{', '.join(names[:3])} and {more} more"


if __name__ == "__main__":
    sys.exit(main())
