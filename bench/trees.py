"""What is measured: unzipped packages, as Lambda has them at /var/task."""

import compileall
import shutil
import zipfile
from importlib.metadata import distribution
from pathlib import Path
from typing import Final

from bench.configurations import Size, write_configuration
from ops.building.package import package
from ops.environments import ROOT
from ops.processes.file_lock import file_lock
from ops.stages.runtimes import OWN_RUNTIME
from ops.stages.stage import Stage
from testing.tokens import Key

BUILD: Final = ROOT / ".build/bench"
REGION: Final = "ap-northeast-2"
_OF_BOTO3: Final = ("boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "six", "urllib3")


def bare_tree() -> Path:
    """The naive Lambda with the boto3 that its runtime brings.

    With bytecode, so that it is measured at its best. It stands in a directory of its own: the versions are the
    service's, and the service's package must not lend it anything.
    """
    tree = BUILD / "bare"
    shutil.rmtree(tree, ignore_errors=True)
    for name in _OF_BOTO3:
        installed = distribution(name)
        for file in installed.files or ():
            source = Path(str(installed.locate_file(file)))
            if ".." in file.parts or "__pycache__" in file.parts or not source.is_file():
                continue
            (tree / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, tree / file)
    shutil.copyfile(ROOT / "bench/bare.py", tree / "bare.py")
    compileall.compile_dir(tree, quiet=1)
    return tree


def credvend_tree(size: Size, issuer_key: Key) -> tuple[Path, Path]:
    """The service with a configuration of that size: the zip that would be deployed, and what is in it."""
    config = BUILD / f"config-{size.name}"
    shutil.rmtree(config, ignore_errors=True)
    write_configuration(config, size, issuer_key)
    # One directory for all sizes: the packages that it is built from are fetched once.
    with file_lock(BUILD / "package/lock"):
        template = package(Stage("prod", OWN_RUNTIME), BUILD / "package", config)
        return _unzip(template.with_name("deployment.zip"), BUILD / f"credvend-{size.name}")


def _unzip(made: Path, tree: Path) -> tuple[Path, Path]:
    shutil.rmtree(tree, ignore_errors=True)
    with zipfile.ZipFile(made) as archive:
        archive.extractall(tree)
    kept = shutil.copyfile(made, tree.with_suffix(".zip"))
    return kept, tree
