"""Dependencies are made once; what is kept of them goes into a package only if it is what was made."""

import io
import sys
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from ops.building import dependencies as module
from ops.building import vendor
from ops.building.dependencies import dependencies
from ops.errors import CommandFailed

PYTHON = Path(sys.executable)


class Installed:
    """Stands for pip: lays out one package, and counts how often."""

    def __init__(self, requirements: Path, kept: Path) -> None:
        self.requirements, self.kept, self.times, self.fails = requirements, kept, 0, False

    def vendor(self, requirements: Path, target: Path, python: Path) -> None:
        self.times += 1
        (target / "botocore/data").mkdir(parents=True)
        (target / "botocore/data/endpoints.json").write_text('{"partitions": []}')
        (target / "needed.py").write_text(f"WHAT = {requirements.read_text()!r}\n")
        if self.fails:
            raise CommandFailed("no wheel")

    def ask(self) -> bytes:
        return dependencies(self.requirements, PYTHON, self.kept)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installed:
    (tmp_path / "requirements.txt").write_text("needed==1.0")
    installed = Installed(tmp_path / "requirements.txt", tmp_path / "kept")
    monkeypatch.setattr(vendor, "vendor", installed.vendor)
    return installed


def names(archive: bytes) -> list[str]:
    return zipfile.ZipFile(io.BytesIO(archive)).namelist()


def test_they_are_made_once_and_are_the_same_from_then_on(installed: Installed) -> None:
    first = installed.ask()
    assert [name for name in names(first) if "__pycache__" not in name] == ["botocore/data/endpoints.json", "needed.py"]
    assert installed.ask() == first and installed.times == 1


def cut_short(archive: Path) -> None:
    archive.write_bytes(archive.read_bytes()[:-1])


def change_a_byte(archive: Path) -> None:
    content = bytearray(archive.read_bytes())
    content[40] ^= 1
    archive.write_bytes(content)


def take_the_stamp(archive: Path) -> None:
    archive.with_suffix(".sha256").unlink()


def empty_the_stamp(archive: Path) -> None:
    archive.with_suffix(".sha256").write_bytes(b"")


@pytest.mark.parametrize("spoil", [cut_short, change_a_byte, take_the_stamp, empty_the_stamp, Path.unlink])
def test_what_is_not_what_was_made_is_made_anew(installed: Installed, spoil: Callable[[Path], None]) -> None:
    first = installed.ask()
    (archive,) = installed.kept.glob("*.zip")
    spoil(archive)
    assert installed.ask() == first and installed.times == 2
    assert installed.ask() == first and installed.times == 2


def test_other_requirements_another_python_or_other_code_make_others(
    installed: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = {installed.ask()}
    installed.requirements.write_text("needed==2.0")
    seen.add(installed.ask())
    assert len(seen) == 2 and installed.times == 2
    monkeypatch.setattr(module, "_ASK", "print('4.0.0 and another pip')")
    installed.ask()
    assert installed.times == 3
    for number, maker in enumerate(module._MAKERS):
        changed = tmp_path / maker.name
        changed.write_bytes(maker.read_bytes() + b"\n")
        makers = [*module._MAKERS]
        makers[number] = changed
        monkeypatch.setattr(module, "_MAKERS", makers)
        installed.ask()
        assert installed.times == 4 + number
    assert {maker.name for maker in module._MAKERS} == {"dependencies.py", "service_models.py", "slim.py", "vendor.py"}


def test_of_several_at_once_one_makes_them(installed: Installed) -> None:
    together = Barrier(4)

    def ask(_: int) -> bytes:
        together.wait()
        return installed.ask()

    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(ask, range(4)))) == 1
    assert installed.times == 1


def test_what_failed_or_was_killed_half_way_leaves_nothing_in_the_next(installed: Installed) -> None:
    installed.fails = True
    with pytest.raises(CommandFailed, match="no wheel"):
        installed.ask()
    assert [path.name for path in installed.kept.iterdir()] == ["lock"]
    installed.fails = False
    (installed.kept / "making/tree").mkdir(parents=True)
    (installed.kept / "making/tree/half.py").write_text("")
    assert "half.py" not in names(installed.ask())


def test_they_are_nobody_elses_to_write_and_only_the_last_used_are_kept(installed: Installed) -> None:
    first = installed.ask()
    assert installed.kept.stat().st_mode & 0o077 == 0
    for version in range(3):
        installed.requirements.write_text(f"other=={version}")
        installed.ask()
    installed.requirements.write_text("needed==1.0")
    assert installed.ask() == first and installed.times == 4  # used now, so one of the others goes
    installed.requirements.write_text("other==3")
    installed.ask()
    assert len([*installed.kept.glob("*.zip")]) == len([*installed.kept.glob("*.sha256")]) == 4
    installed.requirements.write_text("needed==1.0")
    assert installed.ask() == first and installed.times == 5
