"""Tests share a stack, in an order that the lanes choose: a name that two of them take fails in one order only."""

import re
from collections import Counter

from ops.environments import ROOT


def test_no_two_tests_make_a_user_of_the_same_name() -> None:
    sources = [*(ROOT / "tests/e2e").rglob("*.py"), ROOT / "testing/deployed.py"]
    names = Counter(name for path in sources for name in re.findall(r'\.add_user\(\s*"([^"]+)"', path.read_text()))
    assert len(names) > 10
    assert [name for name, times in names.items() if times > 1] == []
