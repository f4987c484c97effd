"""What is installed: pinned, hashed, wheels alone."""

import hashlib
import re
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from ops import environments, lock
from ops.building.vendor import vendor
from ops.environments import ENVIRONMENTS, ROOT
from ops.errors import CommandFailed

FILES = sorted({file for _, files in ENVIRONMENTS.values() for file in files})
ENTRY = re.compile(r"[a-z0-9-]+==[^ \n]+( ; [^\\\n]+)?( \\\n    --hash=sha256:[0-9a-f]{64})+\n")


@pytest.mark.parametrize("file", FILES)
def test_every_requirement_has_its_version_and_hashes_and_nothing_else_is_in_the_file(file: str) -> None:
    text = (ROOT / file).read_text()
    assert ENTRY.search(text)
    rest = ENTRY.sub("", text)
    assert [line for line in rest.splitlines() if not line.startswith("# ")] == []
    assert "://" not in text


@pytest.mark.parametrize("file", FILES)
def test_what_is_asked_for_is_what_is_pinned(file: str) -> None:
    asked = [line for line in (ROOT / lock.source(file)).read_text().splitlines() if not line.startswith("#")]
    names = {canonicalize_name(re.split(r"[\[<>= ]", line)[0]) for line in asked}
    assert names and names <= set(lock.pinned((ROOT / file).read_text()))


def wheel(directory: Path, content: str) -> Path:
    directory.mkdir(exist_ok=True)
    path = directory / "some_package-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("some_package.py", content)
        archive.writestr(
            "some_package-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: some-package\nVersion: 1.0\n"
        )
        archive.writestr(
            "some_package-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("some_package-1.0.dist-info/RECORD", "")
    return path


@pytest.fixture
def requirements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that pins a wheel of ours, the only one that there is."""
    digest = hashlib.sha256(wheel(tmp_path / "wheels", "ours = True\n").read_bytes()).hexdigest()
    path = tmp_path / "requirements.txt"
    path.write_text(f"some-package==1.0 \\\n    --hash=sha256:{digest}\n")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setattr(environments, "_python_with_pip", lambda name: Path(sys.executable))
    monkeypatch.setattr(environments, "ROOT", tmp_path)
    monkeypatch.setattr(environments, "ENVIRONMENTS", {"some": ("something", ("requirements.txt",))})
    return path


def test_a_wheel_with_another_hash_is_installed_nowhere(
    requirements: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert environments.main(["some"]) == 0
    vendor(requirements, tmp_path / "vendor", Path(sys.executable))
    assert (tmp_path / "vendor/some_package.py").exists()
    wheel(tmp_path / "wheels", "ours = False\n")
    requirements.write_text(requirements.read_text() + "# so that both are installed again\n")
    assert environments.main(["some"]) == 1
    assert "HASH" in capsys.readouterr().err.upper()
    assert list((tmp_path / ".venv/some").rglob("some_package.py")) == []
    with pytest.raises(CommandFailed, match=r"(?i)hash"):
        vendor(requirements, tmp_path / "vendor", Path(sys.executable))
    assert not (tmp_path / "vendor/some_package.py").exists()


def test_a_package_without_a_hash_or_without_a_wheel_is_not_installed(requirements: Path, tmp_path: Path) -> None:
    pinned = requirements.read_text()
    requirements.write_text("some-package==1.0\n")
    with pytest.raises(environments.SetupError, match=r"(?i)hash"):
        environments.ensure("some")
    requirements.write_text(pinned)
    (tmp_path / "wheels/some_package-1.0-py3-none-any.whl").rename(tmp_path / "wheels/some_package-1.0.zip")
    with pytest.raises(environments.SetupError, match="No matching distribution"):
        environments.ensure("some")


def package(name: str, *wheels: str, marker: str | None = None) -> dict[str, object]:
    listed: list[object] = [{"url": f"file:///{file}", "hashes": {"sha256": file}} for file in wheels]
    document: dict[str, object] = {"name": name, "version": "1.0", "wheels": listed}
    return document if marker is None else document | {"marker": marker}


def test_hashes_are_those_of_the_wheels_for_any_supported_machine() -> None:
    stable = [
        f"a-1.0-cp39-abi3-{p}.whl" for p in ("manylinux2014_x86_64", "manylinux_2_28_aarch64", "macosx_11_0_arm64")
    ]
    others = [f"a-1.0-cp39-abi3-{p}.whl" for p in ("win_amd64", "musllinux_1_2_x86_64")] + ["a-1.0-cp310-cp310-any.whl"]
    document = {
        "packages": [
            package("a", *stable, *others),
            package("b", "b-1.0-py3-none-any.whl", marker="sys_platform == 'win32'"),
            package("c", "c-1.0-py3-none-any.whl", marker="implementation_name != 'pypy'"),
            package(
                "d",
                "d-1.0-cp311-cp311-macosx_11_0_arm64.whl",
                marker="sys_platform == 'darwin' and python_version < '3.12'",
            ),
        ]
    }
    locked = {str(one.name): one for one in lock.select(document)}
    assert set(locked) == {"a", "c", "d"}
    assert locked["a"].hashes == tuple(sorted(stable))
    assert locked["c"].marker is None and locked["d"].marker is not None


def test_a_package_without_a_wheel_for_a_supported_machine_is_named() -> None:
    with pytest.raises(lock.LockFailed, match=r"a 1.0 has no wheel for Python 3.14 on linux x86_64\."):
        lock.select({"packages": [package("a", "a-1.0-cp311-cp311-manylinux_2_17_x86_64.whl")]})
