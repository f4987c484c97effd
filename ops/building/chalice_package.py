"""Has Chalice make the template and the function's code."""

import os
from pathlib import Path
from typing import Final

from chalicelib.configuration.settings import LedgerTables
from ops.building.join import join
from ops.building.slim import add_bytecode
from ops.errors import CommandFailed
from ops.processes.run import run
from ops.stages.stage import Stage

# Chalice wants to know one; what it makes is the same for all.
_ANY_REGION: Final = "us-east-1"
_KEPT_PACKAGES: Final = 4


def chalice_package(stage: Stage, build: Path, programs: Path, dependencies: bytes) -> Path:
    """Package the tree below `build`, with its dependencies and bytecode.

    Args:
        programs: where those of the Python are that the package is for.
        dependencies: a zip archive of them.

    Returns:
        The template; the code lies beside it.

    Raises:
        CommandFailed: Chalice failed, or a file is no Python; says what was said.
    """
    # Chalice names that runtime in the template whose Python runs it, and takes wheels for it.
    command = [str(programs / "chalice"), "package", "--stage", stage.name, "--pkg-format", "cloudformation"]
    command += ["--merge-template", ".chalice/template.json", str(build / "package")]
    _forget_old_packages(build / "source")
    done = run(command, directory=build / "source", environment=_environment_of_packaging())
    if done.returncode != 0:
        raise CommandFailed(f"chalice package failed:\n{(done.stderr or done.stdout).strip()}")
    add_bytecode(build / "package/deployment.zip", str(programs / "python"))
    join(build / "package/deployment.zip", dependencies)
    return build / "package/sam.json"


def _environment_of_packaging() -> dict[str, str]:
    """Ours without AWS credentials: pip runs other people's code, and packaging calls nobody."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    # Chalice loads the app to find its routes; what Python would write on that occasion is not to be shipped.
    own = {"AWS_REGION": _ANY_REGION, "AWS_DEFAULT_REGION": _ANY_REGION, "PYTHONDONTWRITEBYTECODE": "1"}
    # As in Lambda, so that it takes what was checked and compiled, and does not check thousands of roles again.
    tables = {f"CREDVEND_{name.upper()}_TABLE": "packaging" for name in LedgerTables._fields}
    return kept | own | tables | {"AWS_LAMBDA_FUNCTION_NAME": "packaging"}


def _forget_old_packages(source: Path) -> None:
    """Chalice keeps each package that it made, and takes it again where nothing changed: keep the latest ones."""
    packages = sorted((source / ".chalice/deployments").glob("*.zip"), key=lambda path: path.stat().st_mtime)
    for package in packages[:-_KEPT_PACKAGES]:
        package.unlink()
