"""A directory of a git repository as it was in a revision: read from git's objects, never checked out.

`git archive` would leave out what `export-ignore` says, and a policy that is not seen is worse than none.
"""

from pathlib import Path
from typing import Final, NamedTuple

from ops.errors import OperationFailed
from ops.processes.run import EndedOnBytes, run_on_bytes
from ops.processes.temporary import temporary_directory

_FILES: Final = (b"100644", b"100755")
_NOT_HERE: Final = "git is not installed here: install it, or name directories instead of revisions."


class _File(NamedTuple):
    mode: bytes
    object: bytes
    path: str


class NoRepository(Exception):
    """There is no git repository."""


def unpack_revision(text: str, config: Path) -> Path:
    """The files of a revision: of the directory CONFIG, or of `REV:PATH`, as git understands that.

    Args:
        text: the revision, as somebody wrote it.
        config: the directory that is meant where no path is named; in a repository.

    Returns:
        A copy, which is there for as long as the program runs.

    Raises:
        OperationFailed: there is no such revision, or no such directory in it, or what is there is no file.
    """
    revision, colon, path = text.partition(":")
    here = Path.cwd() if colon else config
    if not here.is_dir():
        raise OperationFailed(f"{text} is not a directory, nor is {config}, of which it could be a revision: --config.")
    if not revision or revision.startswith("-"):
        raise OperationFailed(f"{text!r} is neither a directory nor a revision.")
    try:
        prefix = _git(here, "rev-parse", "--show-prefix").decode().strip()
    except NoRepository:
        raise OperationFailed(
            f"{text} is not a directory, and {here.absolute()} is in no git repository of which it could be a revision."
        ) from None
    if _found(here, f"{revision}^{{commit}}") is None:
        raise OperationFailed(
            f"{revision} is neither a directory nor a revision of the git repository there. Is it written right, and "
            "fetched? In CI, check out with `fetch-depth: 0`."
        )
    directory = path if colon else prefix.rstrip("/")
    tree = _found(here, f"{revision}:{directory}")
    if tree is None or _git(here, "cat-file", "-t", tree).strip() != b"tree":
        raise OperationFailed(
            f"Revision {revision} has no directory {directory or '.'}: {revision}:PATH names another one, from the top "
            "of the repository."
        )
    return _write(here, _listed(here, tree), text)


def _listed(here: Path, tree: str) -> list[_File]:
    listed = _git(here, "ls-tree", "-r", "-z", "--full-tree", tree)
    files: list[_File] = []
    for line in filter(None, listed.split(b"\0")):
        told, _, path = line.partition(b"\t")
        mode, _, object_ = told.split(b" ")
        files.append(_File(mode, object_, path.decode("utf-8", "surrogateescape")))
    return files


def _write(here: Path, files: list[_File], text: str) -> Path:
    for file in files:
        if file.mode not in _FILES:
            what = "a link" if file.mode == b"120000" else "a submodule"
            raise OperationFailed(f"{file.path} of {text} is {what}, which is not followed: put the file itself there.")
    target = temporary_directory()
    names = b"".join(file.object + b"\n" for file in files)
    rest = _git(here, "cat-file", "--batch", said=names) if files else b""
    for file in files:
        # OBJECT TYPE SIZE, the content, and the end of a line: https://git-scm.com/docs/git-cat-file#_batch_output
        head, _, rest = rest.partition(b"\n")
        if head.endswith(b" missing"):
            raise OperationFailed(f"{file.path} of {text} is not in this clone of the repository: fetch it.")
        if ".." in Path(file.path).parts:
            raise OperationFailed(f"{file.path} of {text} leads out of the directory.")
        size = int(head.rpartition(b" ")[2])
        place = target / file.path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(rest[:size])
        rest = rest[size + 1 :]
    return target


def _found(here: Path, name: str) -> str | None:
    """The object of a name, or None."""
    done = _run(here, "rev-parse", "--verify", "--quiet", "--end-of-options", name)
    return done.stdout.decode().strip() if done.returncode == 0 else None


def _git(here: Path, *arguments: str, said: bytes = b"") -> bytes:
    done = _run(here, *arguments, said=said)
    if done.returncode != 0:
        why = done.stderr.decode("utf-8", "replace").strip()
        if "not a git repository" in why:
            raise NoRepository
        raise OperationFailed(f"git {arguments[0]} in {here} failed: {why}")
    return done.stdout


def _run(here: Path, *arguments: str, said: bytes = b"") -> EndedOnBytes:
    try:
        return run_on_bytes(["git", *arguments], directory=here, said=said)
    except FileNotFoundError:
        raise OperationFailed(_NOT_HERE) from None
