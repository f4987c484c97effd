"""The package that is deployed is whole: it works in an interpreter that has nothing else."""

import importlib.util
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from chalicelib.configuration.settings import LedgerTables
from local.aws import ACCOUNT, REGION
from testing.deployed import Stack
from testing.dynamodb.credvend_tables import ALL
from testing.dynamodb.database import Database
from testing.dynamodb.serving import served
from testing.events import iam_user, rest_event
from testing.sts_server import SECRET, sts_server

# As Lambda does it, with the package first on the path; and then what only tokens need.
FUNCTION = """
import json, sys
sys.path.insert(0, sys.argv[1])
import app
answer = app.app(json.loads(sys.argv[2]), None)
from chalicelib.callers.oidc import verify
from chalicelib.aws.table import dynamodb_client
dynamodb_client("ap-northeast-2")
places = {module.__file__ for module in sys.modules.values() if getattr(module, "__file__", None)}
print(json.dumps({"answer": answer, "places": sorted(places)}))
"""
MAXIMUM_BYTES = 20_000_000


@pytest.fixture
def package(stack: Stack) -> Path:
    """The zip that was deployed."""
    return stack.package


def test_the_package_needs_nothing_beside_it(package: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(package) as archive:
        archive.extractall(tmp_path)
    event = rest_event(
        "POST",
        "/v1/iam/credentials",
        identity=iam_user(account=ACCOUNT),
        headers={"Content-Type": "application/json"},
        body=json.dumps({"role": "instances"}),
    )
    tables = {f"CREDVEND_{name.upper()}_TABLE": f"credvend-test-{name}" for name in LedgerTables._fields}
    with sts_server() as sts, served(Database(*ALL)) as dynamodb:
        done = subprocess.run(
            # Without the virtualenv, and without what may be installed beside the interpreter.
            [Path(sys.base_prefix) / "bin/python3", "-I", "-S", "-B", "-c", FUNCTION, tmp_path, json.dumps(event)],
            env={
                "AWS_REGION": REGION,
                "AWS_LAMBDA_FUNCTION_NAME": "credvend-local",
                "CREDVEND_ALLOW_LOOPBACK_HTTP": "true",
                **tables,
                "AWS_ENDPOINT_URL": sts.url,
                "AWS_ENDPOINT_URL_DYNAMODB": dynamodb,
                "AWS_ACCESS_KEY_ID": "AKIASERVICE",
                "AWS_SECRET_ACCESS_KEY": "service-secret",
            },
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    ended = json.loads(done.stdout.splitlines()[-1])
    assert ended["answer"]["statusCode"] == 200 and SECRET in ended["answer"]["body"]
    standard_library = str(Path(json.__file__).parents[1])
    assert [p for p in ended["places"] if not p.startswith((str(tmp_path), standard_library))] == []


def test_every_module_of_the_package_has_its_bytecode(package: Path) -> None:
    """Nothing can be written where Lambda unzips it: each cold start would compile the rest again."""
    with zipfile.ZipFile(package) as archive:
        names = set(archive.namelist())
        sources = [name for name in names if name.endswith(".py")]
        assert "app.py" in sources and "chalicelib/service.py" in sources and "botocore/session.py" in sources
        assert [name for name in sources if importlib.util.cache_from_source(name) not in names] == []
        flags = {archive.read(name)[4] for name in names if name.endswith(".pyc")}
    assert flags == {0b01}  # PEP 552: hash-based, unchecked


def test_the_package_stays_small(package: Path) -> None:
    assert package.stat().st_size < MAXIMUM_BYTES
