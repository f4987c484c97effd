"""Makes a package ready for Lambda: what the function never reads is left out, and bytecode is put in.

Lambda unzips a package where nothing can be written: what has no bytecode in it is compiled at each cold start.
docs/performance.md says what each step gives.
"""

import json
import re
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from ops.building.service_models import OPERATIONS, shorten_models
from ops.errors import CommandFailed
from ops.processes.run import run

# What stays of botocore's data, 20 MB about every service of AWS: those, and what every client reads.
_UNUSED_DATA: Final = re.compile(
    rf"botocore/data/(?!({'|'.join(OPERATIONS)})/[0-9-]+/(service-2|endpoint-rule-set-1)\.json"
    r"|(endpoints|partitions|sdk-default-configuration|_retry)\.json)"
)
# For checks, tests and operators: the function calls AWS by botocore alone, reads no YAML, and has the rules of its
# time zone in its compiled configuration.
_UNUSED_PACKAGES: Final = re.compile(
    r"(boto3|s3transfer|yaml|_yaml|tzdata|(boto3|s3transfer|pyyaml|tzdata)-[^/]+\.dist-info)/"
)
# The same for each file, so that the same content makes the same package.
_MOMENT: Final = (1980, 1, 1, 0, 0, 0)
_READABLE: Final = 0o644 << 16


class CompileFailed(CommandFailed):
    """A file of the package is no Python; the message holds what the compiler said."""


def slim(package: Path, python: str = sys.executable) -> None:
    """Leave out of a package with dependencies, in place, what the function never reads, and put bytecode in.

    Args:
        python: an interpreter of the version that the package is for.

    Raises:
        CompileFailed: a file of it is no Python.
    """
    _rewrite(package, python, _is_unused, _shorten_data)


def add_bytecode(package: Path, python: str = sys.executable) -> None:
    """Put bytecode into a package without dependencies, in place; arguments and errors are those of `slim`."""
    _rewrite(package, python, lambda name: False, lambda tree: None)


def _rewrite(package: Path, python: str, is_left_out: Callable[[str], bool], change: Callable[[Path], None]) -> None:
    with TemporaryDirectory(dir=package.parent) as directory:
        tree = Path(directory) / "tree"
        with zipfile.ZipFile(package) as archive:
            entries = {entry.filename: entry for entry in archive.infolist() if not is_left_out(entry.filename)}
            archive.extractall(tree, entries)
        change(tree)
        _compile(tree, python)
        slimmer = Path(directory) / package.name
        with zipfile.ZipFile(slimmer, "w") as archive:
            for path in sorted(path for path in tree.rglob("*") if path.is_file()):
                entry = zipfile.ZipInfo(path.relative_to(tree).as_posix(), _MOMENT)
                before = entries.get(entry.filename)
                entry.external_attr = _READABLE if before is None else _readable(before.external_attr)
                archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
        slimmer.replace(package)


def _readable(attributes: int) -> int:
    """As they are, but for the umask of whoever packages, which is none of Lambda's: a user of its own reads the files.

    644 for files, 755 for programs: https://docs.aws.amazon.com/lambda/latest/dg/lambda-deploy-functions.html
    ("Deployment package file permissions")
    """
    return attributes | (0o755 if attributes >> 16 & 0o100 else 0o644) << 16


def _is_unused(name: str) -> bool:
    return (_UNUSED_DATA.match(name) or _UNUSED_PACKAGES.match(name)) is not None


def _shorten_data(tree: Path) -> None:
    _shorten_endpoints(tree / "botocore/data/endpoints.json")
    shorten_models(tree / "botocore/data")


def _shorten_endpoints(path: Path) -> None:
    """Leave the endpoints of the used services in botocore's list, of which each client reads the whole."""
    document = json.loads(path.read_text(encoding="utf-8"))
    for partition in document["partitions"]:
        listed = partition["services"]
        partition["services"] = {name: listed[name] for name in OPERATIONS if name in listed}
    path.write_text(json.dumps(document), encoding="utf-8")


def _compile(tree: Path, python: str) -> None:
    """Compile everything. Unchecked: nothing changes in a package, so Python need not look whether the source did."""
    command = [python, "-m", "compileall", "-q", "-f", "--invalidation-mode", "unchecked-hash"]
    # In tracebacks, the paths are those in Lambda.
    command += ["-s", str(tree), "-p", "/var/task", str(tree)]
    done = run(command, environment={"PYTHONHASHSEED": "0"})
    if done.returncode != 0:
        raise CompileFailed(f"A file of the package is no Python:\n{(done.stdout + done.stderr).strip()}")
