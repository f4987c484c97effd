"""Documents are true: their links lead somewhere, and the paths, limits and decisions that they name are there."""

import ast
import importlib
import inspect
import json
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from ops.environments import ROOT

ARCHITECTURE = ROOT / "docs/architecture.md"
DECISIONS = ROOT / "docs/decisions"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "client/README.md"])
# Those that name files of the repository. Others name files of the reader's own, which look alike.
FOR_MAINTAINERS = sorted(
    [ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", ROOT / "docs/develop.md", ARCHITECTURE, *DECISIONS.glob("*.md")]
)
SOURCES = {"chalicelib": ROOT, "ops": ROOT, "client/src/credvend": ROOT / "client/src"}
# Numbers in the code that bound nothing and last for no time, and why they are none.
NO_LIMITS = {
    "credvend.checks.way_in._NEVER": "the end of the year 9999",
    "chalicelib.callers.api_tokens.token._SECRET_BITS": "the format of a token",
    "chalicelib.callers.api_tokens.token._SECRET_CHARACTERS": "the format of a token",
    "chalicelib.callers.api_tokens.token._CHECKSUM_CHARACTERS": "the format of a token",
    "chalicelib.callers.api_tokens.token._ID_CHARACTERS": "the format of a token",
    "chalicelib.configuration.cedar_proofs._AT_ONCE": "how policies are checked, in turns",
    "chalicelib.configuration.compiled.FORMAT": "a version",
    "chalicelib.configuration.policy_reasons._MOST_NAMES": "what an error shows",
    "chalicelib.configuration.policy_addresses._IPV4": "how many addresses there are",
    "chalicelib.configuration.policy_addresses._IPV6": "how many addresses there are",
    "chalicelib.configuration.policy_arithmetic.DAY_MILLISECONDS": "the length of a day",
    "chalicelib.decisions.role_entities._CHARACTERS_OF_A_ROLE": "the length of a text",
    "chalicelib.signing.token._P256_BYTES": "the length of a number",
    "ops.blocking.blocks._BYTES_BESIDES": "the length of a text",
    "ops.ledger.rebuilding._HOUR": "the length of an hour",
    "chalicelib.own_sessions._THREADS": "how many partitions a day has",
    "chalicelib.own_sessions._WRITES_AT_ONCE": "what DynamoDB takes",
    "chalicelib.quotas.counts._MINUTE": "the length of a minute",
    "chalicelib.quotas.counts._DAY": "the length of a day",
    "chalicelib.roles.policy_template.FIELDS_BEFORE_RESOURCE": "the format of an ARN",
    "chalicelib.roles.session_rules.KEY_SHOWN": "what an error shows",
    "credvend.commands.revoke._BETWEEN": "a pause between two looks",
    "credvend.commands.sessions._COUNTED": "how far the service counts",
    "credvend.command_line._COLUMN": "what help looks like",
    "credvend.text.tables._LEAST": "what a table looks like",
    "credvend.disk.private_files.CREATE": "flags of a file",
    "credvend.lean.BINARY": "flags of a file",
    "credvend.lean.NO_FOLLOW": "flags of a file",
    "credvend.lean._READ": "flags of a file",
    "credvend.disk.secret_store._RECOMMENDED": "a priority, as keyring tells it",
    "ops.locking.machines._GLIBC": "a version",
    "ops.aws.partition._SHOWN": "what an error shows",
    "ops.onboarding.plan._SHOWN": "what an error shows",
    "ops.examining.finding._SHOWN": "what a report shows",
    "ops.examining.quotas._SHOWN": "what a report shows",
    "ops.comparing.building._IPV4": "how many addresses there are",
    "ops.comparing.changes._LONGEST": "what a report shows",
    "ops.comparing.values._MOST_WILDCARDS": "how many parts a date has",
    "ops.comparing.words.MOST_TOLD": "what a report shows",
    "ops.comparing.words._MOST_ROLES": "what a report shows",
    "ops.deploying.preview._MOST_NAMES": "what a preview shows",
    "ops.deploying.preview._SHORT_DIGEST": "what a preview shows",
    "ops.faults.invalid_configuration._MOST_TOLD": "what an error shows",
    "ops.iam.resource_policy._LONGEST_ARN": "the length of a text",
    "ops.template.role_policies._BETWEEN": "the length of a text",
    "ops.building.slim._READABLE": "a mode of a file",
    "ops.building.vendor._GLIBC_OF_AL2": "a version",
    "ops.building.vendor._GLIBC_OF_AL2023": "a version",
}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    text = document.read_text()
    for link in re.findall(r"\]\(([^)]+)\)", text):
        target, _, anchor = link.partition("#")
        if target.startswith("https://"):
            continue
        file = (document.parent / target) if target else document
        assert file.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.+)$", file.read_text(), re.M)
            assert anchor in [re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings], link


@pytest.mark.parametrize("document", FOR_MAINTAINERS, ids=lambda document: str(document.relative_to(ROOT)))
def test_every_path_that_maintainers_read_is_there(document: Path) -> None:
    prose = re.sub(r"^```.*?^```$", "", document.read_text(), flags=re.M | re.S)
    for quoted in re.findall(r"`([^`\s]+)`", prose):
        path = quoted.partition("#")[0]
        if is_path(path):
            found = list(ROOT.glob(path.rstrip("/"))) if "/" in path else path in names()
            assert found, f"{document.name} names {quoted}"


@cache
def names() -> frozenset[str]:
    """The names of this repository's files, whatever folders they are in."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return frozenset(file.rpartition("/")[2] for file in files)


def is_path(text: str) -> bool:
    """Whether a text is a path of this repository: it begins in a folder of it, or ends as its files do."""
    if not re.fullmatch(r"[A-Za-z0-9_.*][A-Za-z0-9_.*/-]*", text):
        return False
    first, slash, _ = text.partition("/")
    return bool(slash and (ROOT / first).exists()) or bool(re.fullmatch(r"[A-Za-z0-9_./-]+\.(py|toml|in|md)", text))


def test_what_is_a_path_is_known_from_what_is_none() -> None:
    assert is_path("chalicelib/gone.py") and is_path("tests/gone/") and is_path("gone.py")
    assert not is_path("sub") and not is_path("a/b") and not is_path("/v1/iam/roles") and not is_path("1/3")


def test_every_decision_is_in_the_index_and_dated() -> None:
    rows = dict(re.findall(r"^\| \[(\d{4})\]\((?:\1-[a-z0-9-]+\.md)\) \| (.+) \|$", index(), re.M))
    assert rows, "the index lists nothing"
    for number, file in enumerate(sorted(DECISIONS.glob("[0-9]*.md")), start=1):
        text = file.read_text()
        head = re.match(r"# (\d+)\. (.+)\n\n- Date: (\d{4}-\d\d-\d\d)\n- Status: (.+)\n\n## Context\n", text)
        assert head, f"{file.name} does not begin as decisions do"
        assert int(head[1]) == number == int(file.name[:4]), f"{file.name} has another number"
        assert file.name[:4] in rows, f"docs/decisions/README.md has no row for {file.name}"
        assert rows.pop(file.name[:4]) == f"{head[2]} | {head[3]} | {head[4]}"
        assert "\n## Decision\n" in text and "\n## Consequences\n" in text
        assert f"]({file.name})" in index()
    assert not rows, "the index lists what is not there"


def index() -> str:
    return (DECISIONS / "README.md").read_text()


def test_every_command_of_make_has_a_row_and_is_no_file() -> None:
    makefile = (ROOT / "Makefile").read_text()
    commands = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.M))
    rows = set(re.findall(r"^\| `make ([a-z-]+)", (ROOT / "docs/develop.md").read_text(), re.M))
    assert commands == rows, "docs/develop.md has a row for each command of the Makefile"
    (phony,) = re.findall(r"^\.PHONY: (help .*)$", makefile, re.M)
    assert commands == set(phony.split()), "each command stands in .PHONY"


def limits() -> dict[str, str]:
    """The value that each row of the tables gives, by the constant that it names."""
    rows = re.findall(r"^\| [^|]+ \| `([^`]+)` \| ([^|]+) \| [^|]+ \| [^|]+ \|$", ARCHITECTURE.read_text(), re.M)
    assert len(rows) == len(dict(rows)), "a constant stands in two rows"
    return dict(rows)


@pytest.mark.parametrize("where", limits())
def test_a_limit_is_what_the_code_says(where: str) -> None:
    actual = in_file(where) if "#" in where else in_code(where)
    told = limits()[where]
    if isinstance(actual, str):
        assert told == f"`{actual}`"
    elif isinstance(actual, int | float):
        assert number(told) == pytest.approx(actual)
    else:
        assert callable(actual) or hasattr(actual, "__get__"), f"{where} has no value that could be told"


def number(told: str) -> float:
    found = re.match(r"([0-9,]+(?:\.[0-9]+)?)(?:/([0-9]+))?(?: |$)", told)
    assert found, f"{told!r} begins with no number"
    return float(found[1].replace(",", "")) / float(found[2] or 1)


def in_file(where: str) -> object:
    """What a JSON pointer (RFC 6901) leads to."""
    file, _, pointer = where.partition("#")
    value = json.loads((ROOT / file).read_text())
    for step in pointer.split("/")[1:]:
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value


def in_code(where: str) -> object:
    """A constant, an attribute, or the default of a parameter or field."""
    parts = where.split(".")
    depth = next(n for n in range(1, len(parts)) if not is_module(parts[: n + 1]))
    value: object = importlib.import_module(".".join(parts[:depth]))
    for name in parts[depth:]:
        value = attribute(value, name)
    return value


def is_module(parts: list[str]) -> bool:
    return any(
        (root / Path(*parts)).with_suffix(".py").exists() or (root / Path(*parts)).is_dir() for root in SOURCES.values()
    )


def attribute(value: object, name: str) -> object:
    if callable(value):
        parameters = inspect.signature(value).parameters
        if name in parameters:
            return parameters[name].default
    return getattr(value, name)


def test_every_number_of_the_code_is_told_or_is_no_limit() -> None:
    numbers = set(numbers_of_code())
    assert numbers - limits().keys() - NO_LIMITS.keys() == set(), "add a row to docs/architecture.md"
    assert NO_LIMITS.keys() - numbers == set()
    assert NO_LIMITS.keys() & limits().keys() == set()


def numbers_of_code() -> Iterator[str]:
    """Every constant of a module that is a number."""
    for folder, root in SOURCES.items():
        for file in sorted((ROOT / folder).rglob("*.py")):
            if file.name == "__main__.py":
                continue
            name = ".".join(file.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
            for constant in constants(file):
                value = getattr(importlib.import_module(name), constant, None)
                if isinstance(value, int | float) and not isinstance(value, bool):
                    yield f"{name}.{constant}"


@cache
def constants(file: Path) -> list[str]:
    found: list[str] = []
    for node in ast.parse(file.read_text()).body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        found += [target.id for target in targets if isinstance(target, ast.Name) and target.id.isupper()]
    return found
