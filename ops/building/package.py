"""Packages the service, step by step. No AWS account is needed.

1. A copy of what Lambda needs below `.build/STAGE/`, with the adopter's configuration laid over it.
2. The configuration checked and compiled to one file, and the function's IAM policy made from the catalog.
3. What `requirements.txt` names, for Lambda: wheels alone, whose hashes it holds, without what is never used. It is
   made once, and kept in `.build/dependencies/`.
4. `chalice package`, merged with `.chalice/template.json`; bytecode put into it, and what was made in 3.
5. The template completed: policies for all roles of the catalog, permissions for the routes, and what `stage.yaml` and
   `template.yaml` of the configuration say.
"""

from pathlib import Path
from typing import Final

from chalicelib.configuration.catalog_file import WrittenCatalog
from chalicelib.configuration.compile import compile_configuration
from ops.aws.partition import check_partition
from ops.building.chalice_package import chalice_package
from ops.building.dependencies import dependencies
from ops.building.source_tree import SHIPPED_CONFIG, copy_source, name_configuration
from ops.building.summary import write_summary
from ops.environments import ROOT
from ops.iam.function_policy import write_policy
from ops.iam.revoker_policy import write_revoker_policy
from ops.stages.read_stage_file import check_region
from ops.stages.runtimes import packaging_programs
from ops.stages.stage import LOCAL_STAGE, Stage
from ops.template.complete import complete_template
from ops.template.overlay import read_overlay
from ops.template.role_policies import check_fit
from ops.terminal.say import escaped, say

# The local AWS's, of which the shipped catalog has a role.
_WALK_THROUGH_ACCOUNT: Final = "278805249149"


def package(stage: Stage, build: Path, config: Path | None = None, region: str | None = None) -> Path:
    """Check the configuration and package the service.

    Args:
        build: an absolute path, below which all is made.
        config: a directory like `chalicelib/config`, whose files take the place of those in the checkout.
        region: where it will be deployed, if that is known. The package is the same for all of a partition.

    What is likely a mistake in the configuration is said, and stops nothing.

    Returns:
        The CloudFormation template; the function's code, `deployment.zip`, lies beside it.

    Raises:
        ConfigError: the configuration is invalid.
        CommandFailed: a step failed; says which, and what it said.
    """
    overlay = read_overlay(config or ROOT / SHIPPED_CONFIG)
    check_region(stage.settings, region)
    copy_source(build / "source", config)
    # Only the local stage lets issuers do without TLS, as its settings in .chalice/config.json say.
    local = stage.name == LOCAL_STAGE
    catalog, warnings, operator_role = compile_configuration(
        build / "source/chalicelib/config", allow_loopback_http=local
    )
    for warning in warnings:
        say(f"Warning: {escaped(warning)}")
    check_partition(catalog.roles, region)
    for note in check_fit(catalog, operator_role):
        say(f"Note: {escaped(note)}")
    if config is not None and not local:  # without one, it is the walk-through's: the command says so
        _warn_of_walk_through(stage, catalog)
    write_policy(build / "source", catalog)
    write_revoker_policy(build / "source", catalog, operator_role)
    name_configuration(build / "source", write_summary(build / "source", catalog, stage.settings, overlay))
    programs = packaging_programs(stage.runtime, stage.runtime_file)
    needed = dependencies(ROOT / "requirements.txt", programs / "python", ROOT / ".build/dependencies")
    template = chalice_package(stage, build, programs, needed)
    complete_template(template, catalog, stage.settings, overlay)
    return template


def _warn_of_walk_through(stage: Stage, catalog: WrittenCatalog) -> None:
    for role in catalog.roles:
        if role.arn.split(":")[4] == _WALK_THROUGH_ACCOUNT:
            say(
                f"The catalog of stage {stage.name} has the role {role.name}, {role.arn}: account "
                f"{_WALK_THROUGH_ACCOUNT} is the walk-through's, and none of yours. Take the role out of roles.yaml."
            )
