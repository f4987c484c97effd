"""Which Python does Lambda run a package with, and which Python of this machine can make that package?

A package holds bytecode and wheels for one version of Python, so it is made by that version.
"""

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from ops.environments import PACKAGING, ROOT, programs
from ops.errors import CommandFailed
from ops.processes.run import TookTooLong, run, run_in_sight

# AWS deprecates them on 2027-06-30, 2028-10-31, 2029-06-30 and 2029-06-30, and a month later makes no new functions:
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
RUNTIMES: Final = tuple(f"python{version}" for version in PACKAGING)
OWN_RUNTIME: Final = "python{}.{}".format(*sys.version_info)
# More than any interpreter takes to start: one that hangs is passed over.
_ANSWER_SECONDS: Final = 30
_ASK: Final = "import sys; print('python%d.%d' % sys.version_info[:2])"


def packaging_programs(runtime: str, stage_file: Path | None = None) -> Path:
    """Where the programs are that make a package for a runtime: those of `dev`, or of a virtualenv made now.

    Args:
        stage_file: the `stage.yaml` that the runtime stands in, if it does, for messages.

    Raises:
        CommandFailed: no such Python is to be had here; says what to do.
    """
    if runtime == OWN_RUNTIME:
        return programs("dev")
    name = f"package-{runtime.removeprefix('python')}"
    # By that Python itself: a virtualenv is for the Python that makes it.
    command = [str(find_python(runtime, os.environ, stage_file)), "-m", "ops.environments", name]
    if run_in_sight(command, ROOT) != 0:
        raise CommandFailed(f"The virtualenv that packages for {runtime} could not be made; it says above why.")
    return programs(name)


def find_python(runtime: str, environment: Mapping[str, str], stage_file: Path | None = None) -> Path:
    """A Python of this machine that has the version of a runtime.

    Args:
        environment: `PACKAGE_PYTHON` names one; else they are looked for by `PATH` and below pyenv's directory.
        stage_file: as of `packaging_programs`.

    Raises:
        CommandFailed: there is none, or the named one has another version; says what to do.
    """
    named = environment.get("PACKAGE_PYTHON")
    if named:
        version = _version(named, environment)
        if version != runtime:
            raise CommandFailed(
                f"PACKAGE_PYTHON={named} is {version or 'no Python that runs'}; the package is for {runtime}."
            )
        return Path(shutil.which(named, path=environment.get("PATH")) or named).absolute()
    for candidate in _candidates(runtime, environment):
        if _version(candidate, environment) == runtime:
            return Path(candidate)
    setting = f'"runtime": "{OWN_RUNTIME}" in .chalice/config.json'
    if stage_file is not None:
        setting = f"`runtime: {OWN_RUNTIME}` in {stage_file}"
    raise CommandFailed(
        f"The package is for Lambda's {runtime}, and no such Python is found here. Install it, so that {runtime} is on "
        f"the PATH; or name one: make ... PACKAGE_PYTHON=/path/to/{runtime}; or let the stage run on the Python that "
        f"you have: {setting}."
    )


def _candidates(runtime: str, environment: Mapping[str, str]) -> Iterator[str]:
    found = shutil.which(runtime, path=environment.get("PATH"))
    if found:
        yield found
    # What lies on the PATH may be pyenv's shim, which runs nothing unless the version is chosen for this directory.
    root = environment.get("PYENV_ROOT") or str(Path(environment.get("HOME", "/")) / ".pyenv")
    version = runtime.removeprefix("python")
    yield from map(str, sorted(Path(root).glob(f"versions/{version}.*/bin/{runtime}"), reverse=True))


def _version(python: str, environment: Mapping[str, str]) -> str | None:
    """The runtime that an interpreter has the version of, or None: it does not run."""
    try:
        done = run([python, "-c", _ASK], environment=environment, timeout=_ANSWER_SECONDS)
    except (OSError, TookTooLong):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
