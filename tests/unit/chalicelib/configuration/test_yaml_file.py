"""What is no YAML, or no YAML for us, is told in words, with its place and without the parser's own names."""

from pathlib import Path

import pytest

from chalicelib.configuration.yaml_file import read_entries, read_listing
from chalicelib.errors import ConfigError


def problem(directory: Path, text: str) -> str:
    (directory / "roles.yaml").write_text(text)
    with pytest.raises(ConfigError) as raised:
        read_listing(directory / "roles.yaml", "roles.yaml", "roles", ("role_path", "time_zone"))
    (line,) = raised.value.problems
    assert line.startswith("roles.yaml: ") and "<unicode string>" not in line
    return line


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "roles:\n  - name: a\n    arn: b\n    name: c\n",
            "a key stands twice in one mapping: 'name' at line 4, column 5",
        ),
        ("roles: []\nroles: []\n", "a key stands twice in one mapping: 'roles' at line 2, column 1"),
        ("roles:\n  - {a: 1, 2: x, 2: y}\n", "twice in one mapping: 2 at line 2, column 18"),
        ("roles:\n\t- name: a\n", "not with tabs"),
        ("roles:\n  - name: a: b\n", "A text with `: ` in it stands in quotes"),
        ("roles: [\n", "at line 2, column 1"),
        ("roles: 7\n", 'must hold a list "roles"'),
        ("role:\n  - name: a\n", "unknown key `role`: did you mean `roles`? The keys are roles, role_path, time_zone"),
        ("roles: []\ntimezone: UTC\n", "unknown key `timezone`: did you mean `time_zone`?"),
        ("roles: []\nentirely: else\n", "unknown key `entirely`; the keys are roles, role_path, time_zone"),
    ],
)
def test_a_mistake_is_told_in_words(tmp_path: Path, text: str, words: str) -> None:
    assert words in problem(tmp_path, text)


def test_the_only_key_there_is_is_named(tmp_path: Path) -> None:
    (tmp_path / "issuers.yaml").write_text("issuer: []\n")
    with pytest.raises(ConfigError, match=r"issuers\.yaml: unknown key `issuer`: did you mean `issuers`\?"):
        read_entries(tmp_path / "issuers.yaml", "issuers")


def test_keys_that_are_merged_are_no_duplicates(tmp_path: Path) -> None:
    path = tmp_path / "roles.yaml"
    path.write_text("roles:\n  - &a {name: a, arn: b}\n  - {<<: *a, other: c}\n")
    assert read_entries(path, "roles")[1] == {"name": "a", "arn": "b", "other": "c"}
