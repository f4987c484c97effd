"""A line is written to its last byte, or its writer learns that it was not, whatever stands at `sys.stdout`."""

import fcntl
import io
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import IO

import pytest

from chalicelib.audit.standard_output import StandardOutput

_PIPE_BYTES = 4096
# Longer than what a pipe takes at once.
LONG = "Störung " * _PIPE_BYTES


class Unbuffered:
    """As Lambda's runtime has it, in `awslambdaric.bootstrap`."""

    def __init__(self, stream: IO[str]) -> None:
        self.stream = stream

    def __getattr__(self, name: str) -> object:
        return getattr(self.stream, name)

    def write(self, text: str) -> None:
        self.stream.write(text)
        self.stream.flush()


class Sips(io.RawIOBase):
    """Takes so many bytes at a time."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most
        self.taken = b""

    def writable(self) -> bool:
        return True

    def write(self, content: object) -> int:
        sip = bytes(content)[: self.most]  # type: ignore[call-overload]
        self.taken += sip
        return len(sip)


def unbuffered_text(raw: Sips) -> IO[str]:
    """Standard output as Python makes it with PYTHONUNBUFFERED."""
    return io.TextIOWrapper(raw, encoding="utf-8", write_through=True)  # type: ignore[type-var]


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A small pipe that does not wait: where to read and where to write."""
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    os.set_blocking(writing, False)
    yield reading, writing
    for descriptor in (reading, writing):
        with suppress(OSError):
            os.close(descriptor)


def test_a_wrapper_whose_write_tells_nothing_is_written_through(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", Unbuffered(io.TextIOWrapper(raw, encoding="ascii")))
    print("before")
    StandardOutput().write_line(LONG)
    assert raw.getvalue() == f"before\n{LONG}\n".encode()


@pytest.mark.parametrize("most", [1, 7, 10_000_000])
def test_what_is_taken_in_parts_is_written_to_the_end(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    raw = Sips(most)
    monkeypatch.setattr(sys, "stdout", unbuffered_text(raw))
    StandardOutput().write_line("Störung")
    assert raw.taken == "Störung\n".encode()


def test_a_stream_that_takes_nothing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", unbuffered_text(Sips(0)))
    with pytest.raises(OSError, match="full"):
        StandardOutput().write_line("x")


@pytest.mark.parametrize("unbuffered", [True, False])
def test_a_full_pipe_is_an_error_and_the_next_line_stands_alone(
    monkeypatch: pytest.MonkeyPatch, pipe: tuple[int, int], unbuffered: bool
) -> None:
    reading, writing = pipe
    stream = open(writing, "wb", buffering=0 if unbuffered else -1, closefd=False)  # noqa: SIM115
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(stream, encoding="utf-8", write_through=unbuffered))
    output = StandardOutput()
    with pytest.raises(BlockingIOError):
        output.write_line(LONG)
    taken = os.read(reading, 2 * _PIPE_BYTES)
    assert taken and LONG.encode().startswith(taken)
    # With a buffer, the rest of it may come first, as far as it was kept.
    for _ in range(100):
        try:
            output.write_line("whole")
        except BlockingIOError:
            taken += os.read(reading, 2 * _PIPE_BYTES)
        else:
            break
    taken += os.read(reading, 2 * _PIPE_BYTES)
    assert taken.endswith(b"\nwhole\n")


@pytest.mark.parametrize("unbuffered", [True, False])
def test_a_closed_pipe_is_an_error_each_time(
    monkeypatch: pytest.MonkeyPatch, pipe: tuple[int, int], unbuffered: bool
) -> None:
    reading, writing = pipe
    os.close(reading)
    stream = open(writing, "wb", buffering=0 if unbuffered else -1, closefd=False)  # noqa: SIM115
    text = io.TextIOWrapper(stream, encoding="utf-8", write_through=unbuffered)
    monkeypatch.setattr(sys, "stdout", text)
    output = StandardOutput()
    for _ in range(2):
        with pytest.raises(BrokenPipeError):
            output.write_line("x")
    with suppress(BrokenPipeError):
        text.close()


class Text:
    """A text stream of somebody's own, which answers each write with the same."""

    def __init__(self, answer: object) -> None:
        self.answer = answer
        self.text = ""

    def write(self, text: str) -> object:
        self.text += text
        return self.answer

    def flush(self) -> None:
        pass


@pytest.mark.parametrize("answer", [len("line\n"), None])
def test_a_text_stream_of_ones_own_is_believed(monkeypatch: pytest.MonkeyPatch, answer: object) -> None:
    stream = Text(answer)
    monkeypatch.setattr(sys, "stdout", stream)
    StandardOutput().write_line("line")
    assert stream.text == "line\n"


@pytest.mark.parametrize("answer", [0, 4, True, False, "line"])
def test_a_text_stream_that_took_something_else_is_an_error(monkeypatch: pytest.MonkeyPatch, answer: object) -> None:
    monkeypatch.setattr(sys, "stdout", Text(answer))
    with pytest.raises(OSError, match="only a part"):
        StandardOutput().write_line("line")
