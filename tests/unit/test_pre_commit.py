"""Before a commit runs what `make check` runs, from the checkout's own virtualenv; and a subject is short."""

import re
from collections.abc import Mapping

import pytest
import yaml

from ops.environments import ROOT


def hooks() -> dict[str, Mapping[str, object]]:
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert repository["repo"] == "local", "nothing is fetched"
    return {hook["id"]: hook for hook in repository["hooks"]}


def test_whatever_a_hook_runs_is_installed_and_is_part_of_make_check() -> None:
    (check,) = re.findall(r"^check:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.M)
    for name, hook in hooks().items():
        if hook["language"] == "pygrep":
            continue
        program, *arguments = str(hook["entry"]).split()
        if program == "make":
            assert f"$(MAKE) {' '.join(arguments)}\n" in check, name
        else:
            assert program.startswith(".venv/dev/bin/") and (ROOT / program).exists(), f"{name}: {program}"
            assert f"$(DEV) -m {' '.join([program.rpartition('/')[2], *arguments])}" in check, name


@pytest.mark.parametrize("subject", ["x" * 61, "x" * 61 + "\n\nwhy\n"])
def test_a_long_subject_is_refused(subject: str) -> None:
    assert too_long(subject)


def too_long(message: str) -> bool:
    """As pre-commit looks, with `--multiline`: https://pre-commit.com/#pygrep"""
    hook = hooks()["subject"]
    assert hook["args"] == ["--multiline"] and hook["stages"] == ["commit-msg"]
    return re.search(str(hook["entry"]), message, re.M | re.S) is not None
