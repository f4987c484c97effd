"""Options that several commands have, each once."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from ops.building.source_tree import SHIPPED_CONFIG
from ops.environments import ROOT
from ops.errors import OperationFailed
from ops.stages.stage import DEFAULT_STAGE, is_stage, stages

_F = TypeVar("_F", bound=Callable[..., Any])


def _of_group(ctx: click.Context, parameter: click.Parameter, value: object) -> object:
    """Where it stands before the name of the command, it counts as well."""
    given = ctx.get_parameter_source(str(parameter.name))
    above = ctx.parent.params if ctx.parent is not None else {}
    return above.get(str(parameter.name), value) if given is click.core.ParameterSource.DEFAULT else value


def stage_option(command: _F) -> _F:
    """`--stage`: a string."""
    return click.option(
        "--stage",
        default=DEFAULT_STAGE,
        show_default=True,
        metavar="STAGE",
        callback=_of_group,
        help="A stage of .chalice/config.json.",
    )(command)


def json_option(command: _F) -> _F:
    """`--json`, which is called `as_json`: the result as JSON, alone on standard output."""
    return click.option("--json", "as_json", is_flag=True, callback=_of_group, help="As JSON.")(command)


def config_option(command: _F) -> _F:
    """`--config`: the directory that is deployed, a `Path` that is there.

    Raises:
        OperationFailed: when the command line is read: there is no such directory.
    """
    return click.option(
        "--config",
        type=Path,
        envvar="CREDVEND_CONFIG_DIR",
        callback=_config,
        metavar="DIR",
        help="The directory with roles.yaml and policies/ [env: CREDVEND_CONFIG_DIR; default: this one, if it has a "
        "roles.yaml, else the checkout's].",
    )(command)


def _config(_ctx: click.Context, _parameter: click.Parameter, value: Path | None) -> Path:
    directory = default_config() if value is None else value
    if value is None and not directory.is_dir():
        raise OperationFailed("There is no roles.yaml here: --config DIR, or CREDVEND_CONFIG_DIR, names its directory.")
    return usable(directory)


def usable(directory: Path) -> Path:
    """The directory that `--config` names.

    Raises:
        OperationFailed: it is not there, is none, or may not be read.
    """
    if not directory.is_dir():
        what = "is not a directory" if directory.exists() else "is not there"
        raise OperationFailed(f"{directory} {what}: --config names the directory with roles.yaml and policies/.")
    if not os.access(directory, os.R_OK | os.X_OK):
        raise OperationFailed(f"{directory} cannot be read: whoever runs this may not list it. Mend its rights.")
    return directory


def default_config() -> Path:
    """The directory that is meant where none is named; in a program that was installed, it need not be there."""
    return config_here() or ROOT / SHIPPED_CONFIG


def config_here() -> Path | None:
    """This directory, if it is a configuration's."""
    here = Path(os.curdir)
    return here if (here / "roles.yaml").exists() else None


def expect_stage(name: str) -> None:
    """See to it that there is such a stage.

    Raises:
        OperationFailed: there is none.
    """
    if not is_stage(ROOT, name):
        raise OperationFailed(f"No stage {name!r}. There are: {', '.join(stages(ROOT))}.")
