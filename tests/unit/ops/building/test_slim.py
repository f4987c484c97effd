"""A package holds what the function reads, bytecode included, and nothing else."""

import gzip
import importlib.util
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from ops.building.slim import CompileFailed, slim

ENDPOINTS = {"partitions": [{"services": {"sts": {"a": 1}, "s3": {}}, "regions": {}}, {"services": {}}]}
MODEL = json.dumps({"metadata": {}, "operations": {}, "shapes": {}})
FILES: dict[str, str | bytes] = {
    "app.py": "WHO = 'us'\n",
    "six.py": "import os\n",
    "boto3/__init__.py": "",
    "boto3-1.0.dist-info/METADATA": "",
    "yaml/__init__.py": "",
    "tzdata/__init__.py": "",
    "tzdata/zoneinfo/Europe/Berlin": "",
    "tzdata-2026.1.dist-info/METADATA": "",
    "botocore/__init__.py": "",
    "botocore/data/endpoints.json": json.dumps(ENDPOINTS),
    "botocore/data/partitions.json": "{}",
    "botocore/data/sdk-default-configuration.json": "{}",
    "botocore/data/_retry.json": "{}",
    "botocore/data/sts/2011-06-15/service-2.json": MODEL,
    "botocore/data/sts/2011-06-15/endpoint-rule-set-1.json.gz": "",
    "botocore/data/sts/2011-06-15/examples-1.json": "{}",
    "botocore/data/dynamodb/2012-08-10/service-2.json.gz": gzip.compress(MODEL.encode()),
    "botocore/data/dynamodb/2012-08-10/waiters-2.json": "{}",
    "botocore/data/dynamodbstreams/2012-08-10/service-2.json": "{}",
    "botocore/data/s3/2006-03-01/service-2.json": "{}",
}


def package(path: Path, files: Mapping[str, str | bytes], moment: tuple[int, int, int, int, int, int]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name, moment)
            entry.external_attr = (0o755 if name == "app.py" else 0o644) << 16
            archive.writestr(entry, text)
    slim(path)
    return path


@pytest.fixture
def slimmed(tmp_path: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(package(tmp_path / "deployment.zip", FILES, (2026, 1, 2, 3, 4, 6)))


def test_only_what_the_function_reads_stays(slimmed: zipfile.ZipFile) -> None:
    assert sorted(name for name in slimmed.namelist() if not name.endswith(".pyc")) == [
        "app.py",
        "botocore/__init__.py",
        "botocore/data/_retry.json",
        "botocore/data/dynamodb/2012-08-10/service-2.json",
        "botocore/data/endpoints.json",
        "botocore/data/partitions.json",
        "botocore/data/sdk-default-configuration.json",
        "botocore/data/sts/2011-06-15/endpoint-rule-set-1.json.gz",
        "botocore/data/sts/2011-06-15/service-2.json",
        "six.py",
    ]
    assert json.loads(slimmed.read("botocore/data/endpoints.json")) == {
        "partitions": [{"services": {"sts": {"a": 1}}, "regions": {}}, {"services": {}}]
    }
    assert slimmed.getinfo("app.py").external_attr >> 16 == 0o755


@pytest.mark.parametrize(("made", "packaged"), [(0o600, 0o644), (0o640, 0o644), (0o700, 0o755), (0o100600, 0o100644)])
def test_lambda_may_read_what_a_umask_kept_for_the_packager(tmp_path: Path, made: int, packaged: int) -> None:
    path = tmp_path / "deployment.zip"
    with zipfile.ZipFile(path, "w") as archive:
        entry = zipfile.ZipInfo("botocore/data/endpoints.json")
        entry.external_attr = made << 16
        archive.writestr(entry, '{"partitions": []}')
    slim(path)
    with zipfile.ZipFile(path) as archive:
        assert [entry.external_attr >> 16 for entry in archive.infolist()] == [packaged]


def test_each_module_has_bytecode_that_python_takes_unchecked(slimmed: zipfile.ZipFile) -> None:
    for source in ("app.py", "six.py", "botocore/__init__.py"):
        bytecode = slimmed.read(importlib.util.cache_from_source(source))
        assert bytecode[:4] == importlib.util.MAGIC_NUMBER
        assert int.from_bytes(bytecode[4:8], "little") == 0b01  # PEP 552: hash-based, unchecked
        assert b"/var/task/" in bytecode


def test_the_same_content_makes_the_same_package(tmp_path: Path) -> None:
    backwards = dict(reversed(FILES.items()))
    one = package(tmp_path / "one.zip", FILES, (2026, 1, 2, 3, 4, 6))
    other = package(tmp_path / "other.zip", backwards, (2020, 1, 1, 0, 0, 0))
    assert one.read_bytes() == other.read_bytes()


def test_a_file_that_is_no_python_is_named(tmp_path: Path) -> None:
    with pytest.raises(CompileFailed, match=r"broken\.py"):
        package(tmp_path / "deployment.zip", FILES | {"broken.py": "def"}, (2026, 1, 2, 3, 4, 6))
