"""An adopter's configuration directory: what may lie in it, and what of it is shipped."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ops.errors import CommandFailed

_REQUIRED: Final = frozenset({"roles.yaml", "policies"})
_FOLDERS: Final = frozenset({"accounts", "keys", "policies", "roles"})
_OPTIONAL: Final = ("accounts.yaml", "issuers.yaml", "sessions.yaml")
SCHEMA: Final = "schema.cedarschema"
_SCHEMAS: Final = (
    *("accounts.schema.json", "issuers.schema.json", "roles.schema.json", "sessions.schema.json"),
    SCHEMA,
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
    """What a configuration directory lacks, or holds and should not, or holds and nobody may read: one line each."""
    try:
        found = _found(config)
    except OSError as error:
        return [f"{config} cannot be read: {error.strerror}. Whoever runs this needs the rights to list and read it."]
    if not any(config.iterdir()):
        return [f"{config} is empty: it needs roles.yaml, and policies/ with *.cedar files."]
    problems = [f"{config} holds no {_named(name)}." for name in sorted(_REQUIRED - found)]
    problems += [f"{config} holds {name}, which is no part of a configuration." for name in sorted(found - _KNOWN)]
    # Copying would follow it: out of the configuration, or round in circles.
    problems += [
        f"{path} is a link to a folder, which is not followed: put the folder itself there."
        for name in sorted(found & _FOLDERS)
        for path in [config / name, *sorted((config / name).rglob("[!.]*"))]
        if path.is_symlink() and path.is_dir()
    ]
    for name in sorted(found & _KNOWN):
        problems += _unreadable(config, config / name, is_folder=name in _FOLDERS)
    return problems


def _named(name: str) -> str:
    return f"{name}/" if name in _FOLDERS else name


def _unreadable(config: Path, path: Path, is_folder: bool) -> Iterator[str]:
    """What of a file or a folder cannot be read."""
    name = path.relative_to(config).as_posix()
    try:
        if not path.exists():
            raise FileNotFoundError
        if path.is_dir() is not is_folder:
            is_, must = ("a folder", "a file") if path.is_dir() else ("a file", "a folder")
            yield f"{name}: is {is_}, and must be {must}"
        elif not is_folder:
            path.open("rb").close()
        elif not path.is_symlink():
            for below in sorted(path.iterdir()):
                if not below.name.startswith("."):
                    yield from _unreadable(config, below, is_folder=below.is_dir())
    except FileNotFoundError:
        yield f"{name}: is a link that leads nowhere: remove it, or put the file itself there"
    except OSError as error:
        yield f"{name}: cannot be read: {error.strerror}"


def _found(config: Path) -> set[str]:
    return {path.name for path in config.iterdir() if not path.name.startswith(".") and not is_beside(path.name)}


def is_beside(name: str) -> bool:
    """Whether what lies in a configuration directory under that name is no part of what is shipped."""
    return _BESIDE.fullmatch(name) is not None
