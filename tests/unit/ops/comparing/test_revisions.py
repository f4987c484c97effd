"""A revision is read from git's objects, whole and byte by byte; the work tree is not touched."""

import subprocess
from pathlib import Path

import pytest

from ops.comparing.revisions import unpack_revision
from ops.errors import OperationFailed

FILES = {
    "config/roles.yaml": b"roles: []\n",
    "config/policies/a.cedar": "// \u00e4\n".encode(),
    "config/policies/deep/b c.cedar": b"line\r\nend",
    "config/keys/k.json": bytes(range(256)),
    "other/x": b"x",
}


def git(directory: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *identity, *arguments], cwd=directory, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """With two commits: the second one has another policy. The work tree has yet another one."""
    top = tmp_path / "top"
    for name, content in FILES.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(content)
    (top / ".gitattributes").write_text("config/policies/deep export-ignore\n")
    git(top, "init", "-q", "-b", "main")
    git(top, "add", ".")
    git(top, "commit", "-q", "-m", "one")
    (top / "config/policies/a.cedar").write_text("second")
    git(top, "commit", "-q", "-a", "-m", "two")
    git(top, "tag", "-a", "v1", "-m", "tagged", "HEAD~1")
    (top / "config/policies/a.cedar").write_text("uncommitted")
    return top


def files(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes() for path in directory.rglob("*") if path.is_file()
    }


OF_CONFIG = {name.removeprefix("config/"): content for name, content in FILES.items() if name.startswith("config/")}


@pytest.mark.parametrize("name", ["HEAD~1", "v1", "main~1", "main^", "main~1:config", "v1:config/"])
def test_a_revision_holds_the_files_of_the_directory(
    repository: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that an archive would leave out, too."""
    monkeypatch.chdir(repository)
    before = git(repository, "status", "--porcelain")
    assert files(unpack_revision(name, repository / "config")) == OF_CONFIG
    assert git(repository, "status", "--porcelain") == before
    assert (repository / "config/policies/a.cedar").read_text() == "uncommitted"


def test_a_path_may_be_named_from_here(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository / "config")
    assert files(unpack_revision("main~1:./policies", repository)).keys() == {"a.cedar", "deep/b c.cedar"}


def test_the_top_of_a_repository_may_be_the_directory(repository: Path) -> None:
    assert files(unpack_revision("main~1", repository)).keys() == {*FILES, ".gitattributes"}


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("maim", "maim is neither a directory nor a revision of the git repository there. Is it written right, and "),
        ("main:conf", "Revision main has no directory conf: main:PATH names another one"),
        ("main:config/roles.yaml", "Revision main has no directory config/roles.yaml"),
        ("-x", "'-x' is neither a directory nor a revision."),
        (":config", "':config' is neither"),
        ("--upload-pack=x:config", "is neither a directory nor a revision."),
    ],
)
def test_what_there_is_not_is_told(repository: Path, name: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository)
    with pytest.raises(OperationFailed) as told:
        unpack_revision(name, repository / "config")
    assert says in str(told.value)


def test_links_are_not_followed(repository: Path) -> None:
    (repository / "config/issuers.yaml").symlink_to("/etc/passwd")
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "link")
    with pytest.raises(OperationFailed, match=r"issuers\.yaml of main is a link, which is not followed"):
        unpack_revision("main", repository / "config")


def test_where_there_is_no_repository_and_no_git_that_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(OperationFailed, match=r"main is not a directory, and .* is in no git repository"):
        unpack_revision("main", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OperationFailed, match="git is not installed here: install it, or name directories"):
        unpack_revision("main", tmp_path)
