"""How far long work is, on one line of a terminal that is written again and again; nowhere else."""

import sys
from types import TracebackType
from typing import Final

_CLEAR: Final = "\r\x1b[K"


class Progress:
    """A line on standard error, gone when the `with` ends; nothing where that is no terminal."""

    def __init__(self, what: str) -> None:
        """Nothing is shown yet.

        Args:
            what: is done, such as `Asking about roles`.
        """
        self._what, self._shows = what, sys.stderr.isatty()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._write(_CLEAR)

    def tell(self, done: int, of: int) -> None:
        """Show how much is done."""
        self._write(f"{_CLEAR}{self._what}: {done:,} of {of:,}")

    def begin(self) -> None:
        """Show that it is being done, where nobody knows how much there is to do."""
        self._write(f"{_CLEAR}{self._what} ...")

    def _write(self, text: str) -> None:
        if self._shows:
            sys.stderr.write(text)
            sys.stderr.flush()
