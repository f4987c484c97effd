"""An adopter's configuration directory: what may lie in it, and what of it is shipped."""

import re
import shutil
from pathlib import Path
from typing import Final

from ops.errors import CommandFailed
from ops.processes.temporary import temporary_directory

_REQUIRED: Final = frozenset({"roles.yaml", "policies"})
_FOLDERS: Final = frozenset({"accounts", "keys", "policies", "roles"})
_OPTIONAL: Final = ("accounts.yaml", "issuers.yaml", "sessions.yaml")
_SCHEMA: Final = "schema.cedarschema"
_SCHEMAS: Final = (
    *("accounts.schema.json", "issuers.schema.json", "roles.schema.json", "sessions.schema.json"),
    _SCHEMA,
)
_KNOWN: Final = _REQUIRED | _FOLDERS | {*_OPTIONAL, *_SCHEMAS}
# For the deployment, or an adopter's own: never shipped.
_BESIDE: Final = re.compile(r"stage\.yaml|(stage|tests)\.schema\.json|template\.(yaml|json)|README(\.[a-z]+)?|tests")


def lay_over(config: Path, target: Path) -> None:
    """Copy an adopter's configuration, and nothing else that may lie in its directory, over the shipped one.

    Raises:
        CommandFailed: the directory lacks something, or holds what is no part of a configuration.
    """
    if not config.is_dir():
        raise CommandFailed(f"{config} is not a directory.")
    if problems := problems_of_directory(config):
        raise CommandFailed("\n".join(problems))
    found = _found(config)
    # Replaced whole: a policy or an issuer of ours that stayed behind would let somebody in.
    for name in _FOLDERS:
        shutil.rmtree(target / name, ignore_errors=True)
    for name in _OPTIONAL:
        (target / name).unlink(missing_ok=True)
    for name in found & _FOLDERS:
        shutil.copytree(config / name, target / name, ignore=shutil.ignore_patterns(".*"))
    for name in found - _FOLDERS:
        shutil.copyfile(config / name, target / name)


def problems_of_directory(config: Path) -> list[str]:
    """What a configuration directory lacks, or holds and should not: one line each."""
    found = _found(config)
    problems = [f"{config} holds no {name}." for name in sorted(_REQUIRED - found)]
    problems += [f"{config} holds {name}, which is no part of a configuration." for name in sorted(found - _KNOWN)]
    # Copying would follow it: out of the configuration, or round in circles.
    problems += [
        f"{path} is a link to a folder, which is not followed: put the folder itself there."
        for name in sorted(found & _FOLDERS)
        for path in [config / name, *sorted((config / name).rglob("[!.]*"))]
        if path.is_symlink() and path.is_dir()
    ]
    return problems


def _found(config: Path) -> set[str]:
    return {path.name for path in config.iterdir() if not path.name.startswith(".") and not is_beside(path.name)}


def with_schema(config: Path, shipped: Path) -> Path:
    """The directory itself if it has a schema; else a copy with the shipped one, as it would be deployed with.

    The copy is there for as long as the program runs.
    """
    if (config / _SCHEMA).exists() or not config.is_dir():
        return config
    copy = temporary_directory()
    shutil.copytree(config, copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".*"))
    shutil.copyfile(shipped / _SCHEMA, copy / _SCHEMA)
    return copy


def is_beside(name: str) -> bool:
    """Whether what lies in a configuration directory under that name is no part of what is shipped."""
    return _BESIDE.fullmatch(name) is not None
