"""The project's virtualenvs, made on first use: `python3 -m ops.environments NAME...`.

The service, the aws command line and the local AWS each want their own botocore, so each has a virtualenv of its
own below `.venv/`, made from a file of pinned versions. This module runs before anything is installed, hence it
uses nothing but the standard library.
"""

import hashlib
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Final

from ops.processes.file_lock import file_lock
from ops.processes.run import run

ROOT: Final = Path(__file__).resolve().parent.parent
# For each, a virtualenv that packages for Lambda, made where the Python of `dev` has another version.
PACKAGING: Final = ("3.11", "3.12", "3.13", "3.14")
_DEV: Final = ("requirements.txt", "requirements-dev.txt")
# Holds the pip that installs into all others: what comes with a Python is of some version or other.
_PIP: Final = "pip-{}.{}".format(*sys.version_info)
# What each virtualenv holds: a few words for people, and the files that pin it.
ENVIRONMENTS: Final = {
    _PIP: ("pip", ("ops/requirements-pip.txt",)),
    "dev": ("the service and its tools", _DEV),
    "aws": ("the aws command line", ("local/requirements-aws.txt",)),
    "ministack": ("the local AWS", ("local/requirements-ministack.txt",)),
    "oidc": ("Node.js", ("local/requirements-oidc.txt",)),
    "runtime": ("AWS's runtime client", ("local/requirements-runtime.txt",)),
    "client": ("the client's libraries", ("client/requirements-test.txt",)),
    # Made by nobody here: it pins what jobs install.
    "ci": ("the client's libraries in CI", ("client/requirements-ci.txt",)),
    "aio": ("the client's libraries for asyncio", ("client/requirements-aio.txt",)),
    "lint": ("the linters of templates and policies", ("ops/requirements-lint.txt",)),
    "lock": ("the resolver of requirements", ("ops/requirements-lock.txt",)),
} | {f"package-{version}": (f"what packages for Python {version}", _DEV) for version in PACKAGING}
_AT_ONCE: Final = 3
# A package of this repository that a virtualenv holds besides, installed as people install it.
PACKAGES: Final = {"client": "client"}


class SetupError(Exception):
    """A virtualenv could not be made; the message holds what the failing command said."""


def programs(name: str) -> Path:
    """Where the programs of a virtualenv are."""
    return ROOT / ".venv" / name / "bin"


def ensure(name: str) -> None:
    """Make the virtualenv, unless it is there and up to date. Several processes may ask for it at once.

    Raises:
        SetupError: a package could not be installed.
    """
    what, files = ENVIRONMENTS[name]
    requirements = [ROOT / file for file in files]
    directory = ROOT / ".venv" / name
    wanted = _fingerprint(directory.resolve(), requirements)
    with file_lock(directory.with_name(f"{name}.lock")):
        # Written last, so a virtualenv that was interrupted half-way has none.
        stamp = directory / "complete"
        if not (stamp.exists() and stamp.read_text(encoding="ascii") == wanted):
            started = time.monotonic()
            print(f"Installing {what} into {directory.relative_to(ROOT)} (once) ...", file=sys.stderr, flush=True)
            bare = [] if name == _PIP else ["--without-pip"]
            _run([sys.executable, "-m", "venv", "--clear", *bare, str(directory)])
            # Wheels alone, for a source package runs its code; and none but those whose hashes are in the files.
            arguments = [argument for file in requirements for argument in ("--requirement", str(file))]
            _pip_install(name, "--require-hashes", "--only-binary=:all:", *arguments)
            stamp.write_text(wanted, encoding="ascii")
            print(f"Installed {what} in {time.monotonic() - started:.0f} s.", file=sys.stderr, flush=True)
        if name in PACKAGES:
            _ensure_package(name, ROOT / PACKAGES[name])


def ensure_all(names: Sequence[str]) -> None:
    """Make several virtualenvs, some of them side by side: a pip waits for its downloads, and uses one core.

    Raises:
        SetupError: as of `ensure`; what was not begun by then is not made.
    """
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        made = [pool.submit(ensure, name) for name in names]
        try:
            for one in as_completed(made):
                one.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _ensure_package(name: str, package: Path) -> None:
    """Install a package of this repository, unless its sources are those that are installed."""
    stamp = programs(name).parent / "package"
    digest = hashlib.sha256()
    for file in sorted([package / "pyproject.toml", *(package / "src").rglob("*.py")]):
        digest.update(f"{file.relative_to(package)} ".encode() + file.read_bytes())
    if stamp.exists() and stamp.read_text(encoding="ascii") == digest.hexdigest():
        return
    with tempfile.TemporaryDirectory() as directory:
        # From a copy: what a build leaves behind would stay in the checkout, and come back in the next build.
        copy = shutil.copytree(
            package, Path(directory) / "package", ignore=shutil.ignore_patterns("build", "*.egg-info")
        )
        options = ["--no-deps", "--no-build-isolation", "--force-reinstall"]
        _pip_install(name, *options, str(copy))
    stamp.write_text(digest.hexdigest(), encoding="ascii")


def _pip_install(name: str, *arguments: str) -> None:
    pip = [str(_python_with_pip(name)), "-m", "pip", "--disable-pip-version-check"]
    _run([*pip, "--python", str(programs(name) / "python"), "install", *arguments])


def _python_with_pip(name: str) -> Path:
    """The interpreter that installs into a virtualenv: that of the pinned pip, which alone is installed by another."""
    if name != _PIP:
        ensure(_PIP)
    return programs(_PIP) / "python"


def _fingerprint(directory: Path, requirements: list[Path]) -> str:
    """Changes with the pinned versions, with the interpreter, and when the virtualenv is moved, which breaks it."""
    digest = hashlib.sha256(f"{sys.base_prefix} {sys.version} {directory}".encode())
    for file in requirements:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _run(command: list[str]) -> None:
    done = run(command)
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip().splitlines()
        raise SetupError("\n".join([f"This command failed: {' '.join(command)}", *said[-20:]]))


def main(names: list[str]) -> int:
    try:
        ensure_all(names)
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
