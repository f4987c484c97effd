"""Packages the service: `python -m ops.building.package STAGE [--config DIRECTORY]`. No AWS account is needed.

1. A copy of what Lambda needs below `.build/STAGE/`, with the adopter's configuration laid over it.
2. The configuration checked and compiled to one file, and the function's IAM policy made from the catalog.
3. What `requirements.txt` names, installed beside it for Lambda: wheels alone, whose hashes it holds.
4. `chalice package`, merged with `.chalice/template.json`; what is never used left out of it, and bytecode put in.
5. The template completed: policies for all roles of the catalog, permissions for the routes, and what `stage.yaml` and
   `template.yaml` of the configuration say.
"""

import argparse
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Final

from chalicelib.configuration.catalog_file import WrittenCatalog
from chalicelib.configuration.compile import compile_configuration
from chalicelib.errors import ConfigError
from ops.aws.partition import check_partition
from ops.building.configuration_files import is_beside, lay_over
from ops.building.slim import CompileFailed, slim
from ops.building.summary import Summary, write_summary
from ops.building.vendor import vendor
from ops.documents.json_object import json_text
from ops.environments import ROOT
from ops.errors import CommandFailed
from ops.iam.function_policy import write_policy
from ops.processes.file_lock import file_lock
from ops.processes.run import run
from ops.stages.names import CONFIGURATION_OUTPUT, DIGEST_OUTPUT
from ops.stages.runtimes import packaging_programs
from ops.stages.stage import LOCAL_STAGE, Stage, read_stage
from ops.stages.stage_file import check_region
from ops.template.complete import complete_template
from ops.template.overlay import read_overlay
from ops.template.role_policies import check_fit
from ops.terminal.say import say

SHIPPED_CONFIG: Final = Path("chalicelib/config")
# Chalice wants to know one; what it makes is the same for all.
_ANY_REGION: Final = "us-east-1"
_KEPT_PACKAGES: Final = 4
# The local AWS's, of which the shipped catalog has a role.
_WALK_THROUGH_ACCOUNT: Final = "278805249149"


def package(stage: Stage, build: Path, config: Path | None = None, region: str | None = None) -> Path:
    """Check the configuration and package the service.

    Args:
        build: an absolute path, below which all is made.
        config: a directory like `chalicelib/config`, whose files take the place of those in the checkout.
        region: where it will be deployed, if that is known. The package is the same for all of a partition.

    Returns:
        The CloudFormation template; the function's code, `deployment.zip`, lies beside it.

    Raises:
        ConfigError: the configuration is invalid.
        CommandFailed: a step failed; says which, and what it said.
    """
    overlay = read_overlay(config or ROOT / SHIPPED_CONFIG)
    check_region(stage.settings, region)
    _copy_source(build / "source", config)
    # Only the local stage lets issuers do without TLS, as its settings in .chalice/config.json say.
    local = stage.name == LOCAL_STAGE
    catalog = compile_configuration(build / "source/chalicelib/config", allow_loopback_http=local)
    check_partition(catalog.roles, region)
    check_fit(catalog)
    if config is not None and not local:  # without one, it is the walk-through's: `main` says so
        _warn_of_walk_through(stage, catalog)
    write_policy(build / "source", catalog)
    _name_configuration(build / "source", write_summary(build / "source", catalog, stage.settings, overlay))
    programs = packaging_programs(stage.runtime, stage.runtime_file)
    vendor(ROOT / "requirements.txt", build / "source/vendor", programs / "python")
    template = _package(stage, build, programs)
    complete_template(template, catalog, stage.settings, overlay)
    return template


def _warn_of_walk_through(stage: Stage, catalog: WrittenCatalog) -> None:
    for role in catalog.roles:
        if role.arn.split(":")[4] == _WALK_THROUGH_ACCOUNT:
            say(
                f"The catalog of stage {stage.name} has the role {role.name}, {role.arn}: account "
                f"{_WALK_THROUGH_ACCOUNT} is the walk-through's, and none of yours. Take the role out of roles.yaml."
            )


def _copy_source(target: Path, config: Path | None) -> None:
    """Lay out afresh what Lambda needs; only what is installed beside it, and Chalice's cache, stay from last time."""
    target.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(ROOT / "app.py", target / "app.py")
    (target / "requirements.txt").write_text("# Chalice is to download nothing: all is in vendor/.\n", encoding="utf-8")
    shutil.rmtree(target / "chalicelib", ignore_errors=True)
    shutil.copytree(ROOT / "chalicelib", target / "chalicelib", ignore=_not_shipped)
    (target / ".chalice").mkdir(exist_ok=True)
    for name in ("config.json", "template.json"):
        shutil.copyfile(ROOT / ".chalice" / name, target / ".chalice" / name)
    if config is not None:
        lay_over(config, target / "chalicelib/config")


def _not_shipped(directory: str, names: list[str]) -> list[str]:
    """What of a directory of the checkout is not copied."""
    is_config = Path(directory) == ROOT / SHIPPED_CONFIG
    return [name for name in names if name == "__pycache__" or (is_config and is_beside(name))]


def _name_configuration(source: Path, summary: Summary) -> None:
    """Have the stack say which configuration it is, as audit records and `/v1/iam/health` do, and which stage.yaml."""
    path = source / ".chalice/template.json"
    template = json.loads(path.read_text(encoding="utf-8"))
    template["Outputs"][CONFIGURATION_OUTPUT] = {
        "Description": "SHA-256 of the configuration, as in audit records.",
        "Value": summary.digest,
    }
    template["Outputs"][DIGEST_OUTPUT] = {
        "Description": "SHA-256 of what the next deployment is compared with: configuration, settings of the stage.",
        "Value": summary.own_digest,
    }
    path.write_text(json_text(template), encoding="utf-8")


def _package(stage: Stage, build: Path, python: Path) -> Path:
    # Chalice names that runtime in the template whose Python runs it, and takes wheels for it.
    command = [str(python / "chalice"), "package", "--stage", stage.name, "--pkg-format", "cloudformation"]
    command += ["--merge-template", ".chalice/template.json", str(build / "package")]
    _forget_old_packages(build / "source")
    done = run(command, directory=build / "source", environment=_environment_of_packaging())
    if done.returncode != 0:
        raise CommandFailed(f"chalice package failed:\n{(done.stderr or done.stdout).strip()}")
    try:
        slim(build / "package/deployment.zip", str(python / "python"))
    except CompileFailed as failure:
        raise CommandFailed(f"A file of the package is no Python:\n{failure}") from None
    return build / "package/sam.json"


def _environment_of_packaging() -> dict[str, str]:
    """Ours without AWS credentials: pip runs other people's code, and packaging calls nobody."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    # Chalice loads the app to find its routes; what Python would write on that occasion is not to be shipped.
    own = {"AWS_REGION": _ANY_REGION, "AWS_DEFAULT_REGION": _ANY_REGION, "PYTHONDONTWRITEBYTECODE": "1"}
    # As in Lambda, so that it takes what was checked and compiled, and does not check thousands of roles again.
    return kept | own | {"AWS_LAMBDA_FUNCTION_NAME": "packaging"}


def _forget_old_packages(source: Path) -> None:
    """Chalice keeps each package that it made, and takes it again where nothing changed: keep the latest ones."""
    packages = sorted((source / ".chalice/deployments").glob("*.zip"), key=lambda path: path.stat().st_mtime)
    for package in packages[:-_KEPT_PACKAGES]:
        package.unlink()


def _whose(stage: Stage, config: Path | None) -> str:
    own = config is not None or stage.name == LOCAL_STAGE
    return "" if own else " (the walk-through's: name yours by CONFIG=DIRECTORY)"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m ops.building.package", description="Make the package, and deploy nothing."
    )
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


if __name__ == "__main__":
    sys.exit(main())
