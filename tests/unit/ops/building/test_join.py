"""A package that was put together is the one that would have been packed at once."""

import zipfile
from pathlib import Path

import pytest

from ops.building.join import join
from ops.errors import CommandFailed

OURS = {"app.py": "WHO = 'us'\n" * 50, "service/__init__.py": "", "service/a.py": "import six\n"}
THEIRS = {"Z.py": "", "abc/x.so": "\0" * 5000, "app.d/x.py": "a", "six.py": "import os\n", "service-1.0/METADATA": "n"}


def pack(path: Path, files: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in sorted(files, key=Path):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.external_attr = (0o755 if name.endswith(".so") else 0o644) << 16
            archive.writestr(entry, files[name], zipfile.ZIP_DEFLATED)
    return path


def test_it_is_byte_for_byte_what_one_packing_makes(tmp_path: Path) -> None:
    joined = pack(tmp_path / "deployment.zip", OURS)
    join(joined, pack(tmp_path / "dependencies.zip", THEIRS).read_bytes())
    assert joined.read_bytes() == pack(tmp_path / "whole.zip", OURS | THEIRS).read_bytes()
    with zipfile.ZipFile(joined) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name).decode() for name in archive.namelist()} == OURS | THEIRS
        assert archive.getinfo("abc/x.so").external_attr >> 16 == 0o755
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dependencies.zip", "deployment.zip", "whole.zip"]


def test_a_dependency_that_would_be_taken_for_the_service_is_refused(tmp_path: Path) -> None:
    package = pack(tmp_path / "deployment.zip", OURS)
    with pytest.raises(CommandFailed, match=r"service/a\.py"):
        join(package, pack(tmp_path / "dependencies.zip", {"service/a.py": "evil"}).read_bytes())
    assert package.read_bytes() == pack(tmp_path / "before.zip", OURS).read_bytes()
