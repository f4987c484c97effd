"""Puts two zip archives together without unpacking either: deflating the dependencies anew would take a second."""

import copy
import io
import struct
import zipfile
from pathlib import Path, PurePosixPath
from typing import IO, Final, cast

from ops.errors import CommandFailed

# A local file header: 30 bytes, whose last four say how long the name and the extra field are that follow.
# https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.7
_HEADER: Final = struct.Struct("<26xHH")


def join(package: Path, dependencies: bytes) -> None:
    """Add the files of another archive to a package, in place; all of them in the order of their names.

    Raises:
        CommandFailed: both have a file of that name, so that one would be taken for the other.
    """
    joined = package.with_suffix(".joined")
    with zipfile.ZipFile(package) as ours, zipfile.ZipFile(io.BytesIO(dependencies)) as theirs:
        both = sorted(set(ours.namelist()) & set(theirs.namelist()))
        if both:
            raise CommandFailed(f"A package of requirements.txt has a file of the service's: {', '.join(both)}")
        entries = [(entry, source) for source in (ours, theirs) for entry in source.infolist()]
        with zipfile.ZipFile(joined, "w") as archive:
            for entry, source in sorted(entries, key=lambda found: PurePosixPath(found[0].filename)):
                _copy(entry, cast(IO[bytes], source.fp), archive)
    joined.replace(package)


def _copy(entry: zipfile.ZipInfo, source: IO[bytes], archive: zipfile.ZipFile) -> None:
    """Write an entry as it lies in its archive, header and deflated content.

    Python's zipfile has no function for that: it keeps the entries it will list in `filelist`, and writes the list at
    `start_dir`.
    """
    source.seek(entry.header_offset)
    header = source.read(_HEADER.size)
    rest = sum(_HEADER.unpack(header)) + entry.compress_size
    copied = copy.copy(entry)
    target = cast(IO[bytes], archive.fp)
    copied.header_offset = target.tell()
    target.write(header + source.read(rest))
    archive.filelist.append(copied)
    archive.NameToInfo[copied.filename] = copied
    archive.start_dir = target.tell()
