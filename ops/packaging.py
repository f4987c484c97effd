"""Packages the service; no AWS account is needed.

1. A copy of what Lambda needs below `.build/STAGE/`, with the adopter's configuration laid over it.
2. The configuration checked and compiled to one file, and the function's IAM policy made from the catalog.
3. `chalice package`, merged with `.chalice/template.json`; what is never used left out of it, and bytecode put in.
"""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from chalicelib.compiled import compile_configuration
from ops.aws_cli import CommandFailed
from ops.configuration_files import lay_over
from ops.environments import ROOT, programs
from ops.generate import write_policy
from ops.slim import CompileFailed, slim

SHIPPED_CONFIG: Final = Path("chalicelib/config")
_KEPT_PACKAGES: Final = 4


def package(stage: str, build: Path, region: str, config: Path | None = None) -> Path:
    """Check the configuration and package the service below `build`.

    Args:
        config: a directory like `chalicelib/config`, whose files take the place of those in the checkout.

    Returns:
        The CloudFormation template; the function's code, `deployment.zip`, lies beside it.

    Raises:
        ConfigError: the configuration is invalid.
        CommandFailed: a step failed; says which, and what it said.
    """
    _copy_source(build / "source", config)
    # Only the local stage lets issuers do without TLS, as its settings in .chalice/config.json say.
    compile_configuration(build / "source/chalicelib/config", allow_loopback_http=stage == "local")
    write_policy(build / "source")
    return _package(stage, build, region)


def _copy_source(target: Path, config: Path | None) -> None:
    """Lay out afresh what Lambda needs; only Chalice's cache of built packages stays from the last time."""
    for name in ("app.py", "requirements.txt"):
        target.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target / name)
    shutil.rmtree(target / "chalicelib", ignore_errors=True)
    shutil.copytree(ROOT / "chalicelib", target / "chalicelib", ignore=shutil.ignore_patterns("__pycache__"))
    (target / ".chalice").mkdir(exist_ok=True)
    for name in ("config.json", "template.json"):
        shutil.copyfile(ROOT / ".chalice" / name, target / ".chalice" / name)
    if config is not None:
        lay_over(config, target / "chalicelib/config")


def _package(stage: str, build: Path, region: str) -> Path:
    command = [str(programs("dev") / "chalice"), "package", "--stage", stage, "--pkg-format", "cloudformation"]
    command += ["--merge-template", ".chalice/template.json", str(build / "package")]
    _forget_old_packages(build / "source")
    done = subprocess.run(
        command,
        cwd=build / "source",
        env=_environment_of_packaging(region),
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode != 0:
        raise CommandFailed(f"chalice package failed:\n{(done.stderr or done.stdout).strip()}")
    try:
        slim(build / "package/deployment.zip")
    except CompileFailed as failure:
        raise CommandFailed(f"A file of the package is no Python:\n{failure}") from None
    return build / "package/sam.json"


def _environment_of_packaging(region: str) -> dict[str, str]:
    """Ours without AWS credentials: pip runs other people's code, and packaging calls nobody."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    # Chalice loads the app to find its routes; what Python would write on that occasion is not to be shipped.
    return kept | {"AWS_REGION": region, "AWS_DEFAULT_REGION": region, "PYTHONDONTWRITEBYTECODE": "1"}


def _forget_old_packages(source: Path) -> None:
    """Chalice keeps each package that it made, and takes it again where nothing changed: keep the latest ones."""
    packages = sorted((source / ".chalice/deployments").glob("*.zip"), key=lambda path: path.stat().st_mtime)
    for package in packages[:-_KEPT_PACKAGES]:
        package.unlink()
