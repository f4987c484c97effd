"""Installs what Lambda runs beside the function's code, for Lambda's platform: wheels alone, each with a known hash.

Chalice would download the packages itself: those for another platform than this machine's a second time, by name and
without hashes, and where that fails it packages without them. So it packages the service alone.
"""

import shutil
from pathlib import Path
from typing import Final

from ops.errors import CommandFailed
from ops.processes.run import run

# The glibc of Amazon Linux 2, which Python 3.11 runs on, and of Amazon Linux 2023, which newer ones do:
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
# https://docs.aws.amazon.com/linux/al2023/ug/compare-with-al2.html
_GLIBC_OF_AL2: Final = 26
_GLIBC_OF_AL2023: Final = 34


def vendor(requirements: Path, target: Path, python: Path) -> None:
    """Install the packages of a requirements file.

    Args:
        target: a directory that holds nothing else; what is in it goes.
        python: an interpreter of the version that Lambda runs, in a virtualenv that has pip.

    Raises:
        CommandFailed: a package has no wheel for Lambda, or one with another hash; says which.
    """
    options = ["--require-hashes", "--only-binary=:all:", "--no-deps", "--no-compile", *_platform(_version(python))]
    shutil.rmtree(target, ignore_errors=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = run([*pip, *options, "--target", str(target), "--requirement", str(requirements)])
    if done.returncode != 0:
        raise CommandFailed(f"What {requirements.name} names cannot be installed for Lambda:\n{done.stderr.strip()}")
    shutil.rmtree(target / "bin", ignore_errors=True)  # programs for this machine


def _version(python: Path) -> tuple[int, int]:
    ask = [str(python), "-c", "import sys; print(*sys.version_info[:2])"]
    asked = run(ask)
    asked.check_returncode()
    major, minor = asked.stdout.split()
    return int(major), int(minor)


def _platform(python: tuple[int, int]) -> list[str]:
    """Which wheels Lambda can use. pip takes exactly the platforms that are named."""
    major, minor = python
    newest = _GLIBC_OF_AL2 if python < (3, 12) else _GLIBC_OF_AL2023
    names = [f"manylinux_2_{glibc}_x86_64" for glibc in range(newest, 16, -1)] + ["manylinux2014_x86_64"]
    platforms = [argument for name in names for argument in ("--platform", name)]
    version = f"{major}{minor}"
    return [*platforms, "--implementation", "cp", "--python-version", version, "--abi", f"cp{version}"]
