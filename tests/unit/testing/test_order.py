"""What `make test-fast` runs needs no local AWS."""

import ast
import re

from ops.environments import ROOT
from testing.order import ORDER


def fast_folders() -> list[str]:
    (named,) = re.findall(r"^FAST := (.*)$", (ROOT / "Makefile").read_text(), re.M)
    return str(named).split()


def test_the_fast_tests_are_all_that_stand_before_the_local_aws() -> None:
    assert sorted(fast_folders()) == sorted(ORDER[: ORDER.index("tests/walkthroughs")])


def test_no_fast_test_asks_for_the_local_aws() -> None:
    asking = []
    for folder in fast_folders():
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.FunctionDef) and {"stack", "instance"} & {a.arg for a in node.args.args}:
                    asking.append(f"{path.relative_to(ROOT)}: {node.name}")
    assert asking == []
