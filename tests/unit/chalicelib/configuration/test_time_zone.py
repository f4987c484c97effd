"""The time zone of a catalog: an IANA name, or an error that helps."""

import re
from pathlib import Path

import pytest

from chalicelib.configuration.catalog_file import read_catalog
from chalicelib.errors import ConfigError

ROLES = "roles: [{name: reader, arn: 'arn:aws:iam::111122223333:role/reader'}]\n"


def write(directory: Path, time_zone: str) -> Path:
    path = directory / "roles.yaml"
    path.write_text(ROLES + time_zone, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "name", ["Europe/Berlin", "America/Argentina/Buenos_Aires", "UTC", "Etc/GMT+3", "Asia/Calcutta"]
)
def test_a_time_zone_is_found_by_its_name(tmp_path: Path, name: str) -> None:
    zone = read_catalog(write(tmp_path, f"time_zone: {name}")).time_zone
    assert zone is not None and zone.name == name and zone.rules.startswith(b"TZif")


def test_there_need_be_none(tmp_path: Path) -> None:
    assert read_catalog(write(tmp_path, "")).time_zone is None


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("europe/berlin", "did you mean Europe/Berlin?"),
        ("Berlin", "did you mean Europe/Berlin?"),
        ("Europe/Berln", "did you mean Europe/Berlin?"),
        ("Buenos_Aires", "did you mean America/Argentina/Buenos_Aires?"),
        ("Atlantis", "such as Europe/Berlin"),
        ('"+01:00"', "such as Europe/Berlin"),
        ('"America/New York"', "such as Europe/Berlin"),
        ("../zones", "such as Europe/Berlin"),
        ("zones", "such as Europe/Berlin"),
        ("9", "must be a text, and is a whole number"),
        ("", "must be a text, and is empty"),
    ],
)
def test_what_is_no_time_zone_is_an_error_that_helps(tmp_path: Path, written: str, hint: str) -> None:
    with pytest.raises(ConfigError, match=rf"roles\.yaml: `time_zone` .*{re.escape(hint)}"):
        read_catalog(write(tmp_path, f"time_zone: {written}"))
