"""What `make bench` says of a figure; other benchmarks add rows of the same shape."""

import json
from pathlib import Path

import pytest

from bench.table import Row, read_json, render, write_json

RATIO = Row("init", "bare", 90.0, 100.0, "ms", "ratio", 1.0, 120.0)
ADDED = Row("warm", "bare", 3.0, 1.0, "ms", "added", 1.5)
ABSOLUTE = Row("zip", "", 15.0, None, "MB", "absolute", 20.0)
INFORMATION = Row("more", "", 15.0, None, "MB", "absolute", None)


@pytest.mark.parametrize(
    ("row", "score", "met"),
    [(RATIO, 0.9, True), (ADDED, 2.0, False), (ABSOLUTE, 15.0, True), (INFORMATION, 15.0, None)],
)
def test_a_figure_is_held_against_its_goal(row: Row, score: float, met: bool | None) -> None:
    assert row.score == pytest.approx(score) and row.met is met


def test_rows_of_another_program_are_read_back_whatever_else_it_writes(tmp_path: Path) -> None:
    rows = [RATIO, ADDED, ABSOLUTE, INFORMATION]
    write_json(rows, tmp_path / "rows.json")
    written = json.loads((tmp_path / "rows.json").read_text())
    (tmp_path / "rows.json").write_text(json.dumps([row | {"more": 1} for row in written]))
    assert read_json(tmp_path / "rows.json") == rows


def test_the_table_says_what_was_missed() -> None:
    lines = render([RATIO, ADDED]).splitlines()
    assert len(lines) == 4 and len({len(line) for line in lines}) == 1
    assert "0.90x" in lines[2] and "reached" in lines[2] and "+2.00 ms" in lines[3] and "MISSED" in lines[3]
