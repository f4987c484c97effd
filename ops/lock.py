"""Pins everything that is installed: `python -m ops.lock [--upgrade]`.

Each `requirements*.txt` is made from the `.in` file beside it, which says what is asked for. It holds the version of
every package, those that packages need in turn included, and the hashes of its wheels: for the Pythons and platforms
of `locking/machines.py`, whatever machine it is made on. Source packages are left out, as installing one would run
its code.

uv resolves; the versions that a file holds stay as they are, unless `--upgrade` is given. Hashes and names are all
that is taken over: no address of the index that was asked is in any file.
"""

import argparse
import os
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast
from urllib.parse import unquote

from packaging.markers import Marker
from packaging.tags import Tag
from packaging.utils import NormalizedName, canonicalize_name, parse_wheel_filename

from ops.environments import ENVIRONMENTS, ROOT, programs
from ops.locking.machines import MACHINES, OLDEST, Machine
from ops.processes.run import run


class LockFailed(Exception):
    """No file was changed; the message says why."""


@dataclass(frozen=True, slots=True)
class Locked:
    """A package at one version.

    Attributes:
        marker: the machines that need it (PEP 508), or None: all of them.
        hashes: SHA-256, in hexadecimal, of its wheels for those machines; sorted.
    """

    name: NormalizedName
    version: str
    marker: str | None
    hashes: tuple[str, ...]

    def __str__(self) -> str:
        condition = f" ; {self.marker}" if self.marker else ""
        return " \\\n    ".join(
            [f"{self.name}=={self.version}{condition}", *(f"--hash=sha256:{digest}" for digest in self.hashes)]
        )


def lock(root: Path, upgrade: bool) -> None:
    """Make all requirement files below `root` anew; all of them, or none.

    Args:
        upgrade: take the newest release of everything.

    Raises:
        LockFailed: something cannot be resolved, or has no wheel for a machine that needs it.
    """
    texts: dict[str, str] = {}
    with TemporaryDirectory() as directory:
        # The files of an environment are installed together, so that each keeps to what those before it hold.
        for _, files in ENVIRONMENTS.values():
            before: list[str] = []
            for file in files:
                if file not in texts:
                    document = _resolve(root, file, before, Path(directory), upgrade)
                    held = {name for earlier in before for name in pinned(texts[earlier])}
                    texts[file] = render(root / source(file), [p for p in select(document) if p.name not in held])
                    (Path(directory) / Path(file).name).write_text(texts[file], encoding="utf-8")
                before.append(file)
    for file, text in texts.items():
        (root / file).write_text(text, encoding="utf-8")


def source(file: str) -> str:
    """The name of the file that a requirements file is made from."""
    return file.removesuffix(".txt") + ".in"


def select(document: Mapping[str, object]) -> list[Locked]:
    """The packages of a lock file of PEP 751, with the hashes of the wheels that some machine can use.

    Raises:
        LockFailed: a package has no wheel for a machine that needs it; says which.
    """
    packages: list[Locked] = []
    problems: list[str] = []
    for package in cast(list[Mapping[str, object]], document["packages"]):
        name, version = canonicalize_name(str(package["name"])), str(package["version"])
        condition = package.get("marker")
        needing = [m for m in MACHINES if condition is None or _holds(str(condition), m)]
        if not needing:
            continue
        tagged = [_tags_and_hash(wheel) for wheel in cast(list[Mapping[str, object]], package.get("wheels", []))]
        usable = {machine: {digest for tags, digest in tagged if tags & machine.tags()} for machine in needing}
        problems += [f"{name} {version} has no wheel for {m}." for m, digests in usable.items() if not digests]
        marker = None if len(needing) == len(MACHINES) else str(condition)
        packages.append(Locked(name, version, marker, tuple(sorted(set().union(*usable.values())))))
    if problems:
        raise LockFailed("\n".join(problems))
    return sorted(packages, key=lambda package: (package.name, package.version))


def render(source_file: Path, packages: list[Locked]) -> str:
    """The text of a requirements file: what it is for, as its source says, and then the packages."""
    lines = source_file.read_text(encoding="utf-8").splitlines()
    comment = lines[: next(number for number, line in enumerate(lines) if not line.startswith("#"))]
    note = f"# Made by `make lock` from {source_file.name}: change that, or a version here, and run it again."
    return "\n".join([*comment, note, *map(str, packages)]) + "\n"


def pinned(text: str) -> dict[str, str]:
    """The versions that a requirements file holds, by the packages' names."""
    found = (line.partition("==") for line in text.splitlines() if line[:1].isalnum())
    return {canonicalize_name(name): rest.split()[0] for name, _, rest in found}


def _holds(marker: str, machine: Machine) -> bool:
    return Marker(marker).evaluate(machine.environment())


def _resolve(root: Path, file: str, before: list[str], directory: Path, upgrade: bool) -> Mapping[str, object]:
    """What uv finds for a file."""
    versions, locked = directory / "versions.txt", directory / "pylock.toml"
    held = (root / file).read_text(encoding="utf-8") if (root / file).exists() else ""
    # uv keeps to the versions that it finds where it writes.
    versions.write_text("" if upgrade else "".join(f"{n}=={v}\n" for n, v in pinned(held).items()), encoding="utf-8")
    locked.unlink(missing_ok=True)
    common = ["--universal", "--python-version", ".".join(map(str, OLDEST)), "--only-binary", ":all:", "--no-header"]
    constraints = [argument for earlier in before for argument in ("--constraint", str(directory / Path(earlier).name))]
    _uv([str(root / source(file)), *common, *constraints, "--no-annotate", "--output-file", str(versions)])
    _uv([str(versions), *common, "--format", "pylock.toml", "--output-file", str(locked)])
    return tomllib.loads(locked.read_text(encoding="utf-8"))


def _uv(arguments: list[str]) -> None:
    command = [str(programs("lock") / "uv"), "pip", "compile", "--quiet", *arguments]
    environment = dict(os.environ) | {"UV_NO_CONFIG": "1"}
    done = run(command, environment=environment)
    if done.returncode != 0:
        raise LockFailed(f"{arguments[0]} cannot be resolved:\n{done.stderr.strip()}")


def _tags_and_hash(wheel: Mapping[str, object]) -> tuple[frozenset[Tag], str]:
    name = str(wheel["name"]) if "name" in wheel else unquote(str(wheel["url"]).rpartition("/")[2])
    return parse_wheel_filename(name)[3], cast(Mapping[str, str], wheel["hashes"])["sha256"]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m ops.lock", description="Pin everything that is installed.")
    parser.add_argument("--upgrade", action="store_true", help="take the newest release of everything")
    upgrade = parser.parse_args(arguments).upgrade
    try:
        lock(ROOT, upgrade)
    except LockFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
