"""Standard output, written whole: whatever stands at `sys.stdout`, it takes a line to its last byte, or this raises."""

import sys


class StandardOutput:
    """Writes lines. Remembers a stream that took only a part of one, so that the next line does not run into it."""

    def __init__(self) -> None:
        self._torn: object = None

    def write_line(self, line: str) -> None:
        """Write a line, and flush.

        Raises:
            OSError, ValueError: it was not taken whole.
        """
        text = f"\n{line}\n" if self._torn is sys.stdout else f"{line}\n"
        self._torn = sys.stdout
        _write(text)
        self._torn = None


def _write(text: str) -> None:
    """Write by the binary layer, whose return tells how much it took. What the text layer returns tells nothing:

    - Lambda's runtime wraps it in an object whose `write` returns None (class `Unbuffered` of bootstrap.py in
      https://github.com/aws/aws-lambda-python-runtime-interface-client).
    - With PYTHONUNBUFFERED, it returns the length of what a full pipe took in part or not at all
      (https://github.com/python/cpython/issues/85393).

    Not by the descriptor 1: the object may stand for another, as Lambda's telemetry or a test's capture, and what was
    printed before comes first.
    """
    sys.stdout.flush()
    binary = getattr(sys.stdout, "buffer", None)
    if binary is None:  # a text stream of somebody's own, such as io.StringIO
        if sys.stdout.write(text) not in (None, len(text)):
            raise OSError("standard output took only a part of the line")
    else:
        rest = text.encode()
        while rest:
            taken = binary.write(rest)
            if not taken:
                raise BlockingIOError("standard output is full")
            rest = rest[taken:]
    sys.stdout.flush()
