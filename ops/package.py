"""Packages the service: `python -m ops.package STAGE [--config DIRECTORY]`. No AWS account is needed."""

import argparse
import os
import sys
from pathlib import Path

from chalicelib.errors import ConfigError
from ops.building.package import package
from ops.building.source_tree import SHIPPED_CONFIG
from ops.environments import ROOT
from ops.errors import CommandFailed
from ops.processes.file_lock import file_lock
from ops.stages.stage import LOCAL_STAGE, Stage, read_stage
from ops.terminal.say import say


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m ops.package", description="Make the package, and deploy nothing.")
    parser.add_argument("stage", help="a stage of .chalice/config.json")
    parser.add_argument("--config", type=Path, help="a directory with roles.yaml and policies/ of your own")
    options = parser.parse_args(arguments)
    try:
        stage = read_stage(ROOT, options.stage, options.config)
        build = ROOT / ".build" / stage.name
        with file_lock(build / "lock"):
            build.parent.chmod(0o700)  # the configuration is nobody else's business
            # Where `make deploy` would go, if it is said.
            region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
            template = package(stage, build, options.config, region)
    except (CommandFailed, ConfigError) as error:
        say(str(error))
        return 1
    print(f"template  {template}")
    print(f"code      {template.with_name('deployment.zip')}")
    print(f"runtime   {stage.runtime}")
    print(f"config    {options.config or SHIPPED_CONFIG}{_whose(stage, options.config)}")
    print(f"region    {region or 'none: set AWS_REGION to have regions checked'}")
    return 0


def _whose(stage: Stage, config: Path | None) -> str:
    own = config is not None or stage.name == LOCAL_STAGE
    return "" if own else " (the walk-through's: name yours by CONFIG=DIRECTORY)"


if __name__ == "__main__":
    sys.exit(main())
