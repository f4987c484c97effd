"""What a configuration's digest is of: the files that are shipped, and no hidden ones."""

from pathlib import Path

from chalicelib.configuration.digest import configuration_digest, shipped_files


def test_nothing_hidden_is_part_of_a_configuration(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    for name in ("roles.yaml", "policies/a.cedar"):
        (tmp_path / name).write_text(name)
    before = configuration_digest(tmp_path)
    (tmp_path / ".git/objects").mkdir(parents=True)
    for name in (".git/HEAD", ".git/objects/a", ".roles.yaml.swp", "policies/.a.cedar.swp"):
        (tmp_path / name).write_text(name)
    assert configuration_digest(tmp_path) == before
    assert [path.name for path in shipped_files(tmp_path)] == ["a.cedar", "roles.yaml"]


def test_tests_of_policies_are_no_part_of_a_configuration(tmp_path: Path) -> None:
    """They change what is checked, and nothing that is decided."""
    (tmp_path / "policies/tests").mkdir(parents=True)
    (tmp_path / "policies/tests/a.cedar").write_text("a")
    before = configuration_digest(tmp_path)
    (tmp_path / "tests/more").mkdir(parents=True)
    for name in ("tests/a.yaml", "tests/more/b.yaml", "tests.schema.json"):
        (tmp_path / name).write_text(name)
    assert configuration_digest(tmp_path) == before
    assert [path.name for path in shipped_files(tmp_path)] == ["a.cedar"]


def test_names_and_contents_tell_configurations_apart(tmp_path: Path) -> None:
    digests = set()
    for name, content in (("a", "b"), ("a", "c"), ("b", "b"), ("ab", "")):
        (tmp_path / name).write_text(content)
        digests.add(configuration_digest(tmp_path))
        (tmp_path / name).unlink()
    assert len(digests) == 4
