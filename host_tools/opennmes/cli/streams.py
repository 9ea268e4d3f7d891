"""Standard output and standard error as all verbs print to them: output that cannot be written is neither lost nor a
crash."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from collections.abc import Iterator
from typing import TextIO


class Stream(io.TextIOBase):
    """A standard stream whose `write` does not raise when the disk is full, the reader gone or the stream closed.

    What the stream's encoding cannot show comes out as a backslash and the character's number. Once a write has failed,
    `failure` says why, and with a `fallback` all that was said from the beginning goes there, so that a result is whole
    in one place. A reader who left (`| head -1`) wanted no more: then that is so only for what is said `only_once`,
    like the account of a session, and `failure` stays empty.
    """

    def __init__(self, real: TextIO | None, fallback: Stream | None = None) -> None:
        """`real` is None for a descriptor that was closed when Python started."""
        super().__init__()
        self._real = real
        self._fallback = fallback
        self._said: list[str] = []
        self._open = True
        self._written = False
        self._fallen_back = False
        self.only_once = False
        self.failure = ""
        self._terminal = self.isatty()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return getattr(self._real, "encoding", None) or "utf-8"

    @property
    def working(self) -> bool:
        """Whether all that was said so far could be written."""
        return self._open

    @property
    def gone(self) -> bool:
        """Whether somebody could see what was said, and can no more. A stream that never took a word was meant so."""
        return (self._written and not self._open) or self._terminal != self.isatty()

    @property
    def begun(self) -> bool:
        """Whether anything was said that can be seen; where there is a fallback."""
        return any(text.strip() for text in self._said)

    def write(self, text: str) -> int:
        if not isinstance(text, str):  # who prints finds out so whether a stream takes bytes
            raise TypeError(f"a text stream was given {type(text).__name__}")
        if not text:
            return 0
        if self._fallback is not None:
            self._said.append(text)
        if self._open:
            try:
                self._write(text)
                self._written = True
            except (OSError, ValueError) as error:
                self._lose(error)
        elif self._fallen_back and self._fallback is not None:
            self._fallback.write(text)
        return len(text)

    def give_up(self, why: str) -> None:
        """Write no more here; what was said goes to the fallback."""
        if self._open:
            self._lose(OSError(0, why))

    def flush(self) -> None:
        """Nothing to do: each write is flushed, so that a failure is noticed where it happens."""

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        try:
            return self._open and self._real is not None and self._real.isatty()
        except ValueError:  # closed
            return False

    def fileno(self) -> int:
        if self._real is None:
            raise io.UnsupportedOperation("fileno")
        return self._real.fileno()

    def _write(self, text: str) -> None:
        if self._real is None:
            raise OSError(errno.EBADF, "it is closed")
        self._real.write(text.encode(self.encoding, "backslashreplace").decode(self.encoding))
        self._real.flush()

    def _lose(self, error: OSError | ValueError) -> None:
        self._open = False
        self._discard()
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        reader_left = _reader_left(error)
        if not reader_left:
            self.failure = reason
        if self._fallback is not None and (self.only_once or not reader_left):
            self._fallen_back = True
            self._fallback.write(f"nmes: standard output cannot be written ({reason}); what was to go there:\n")
            self._fallback.write("".join(self._said))

    def _discard(self) -> None:
        """Let what Python still holds for this stream go nowhere: at exit it would fail again, and print about it."""
        with contextlib.suppress(OSError, ValueError):
            if self._real is not None:
                nowhere = os.open(os.devnull, os.O_WRONLY)
                try:
                    os.dup2(nowhere, self._real.fileno())
                finally:
                    os.close(nowhere)
                self._real.flush()


def _reader_left(error: Exception) -> bool:
    if isinstance(error, BrokenPipeError):
        return True
    return os.name == "nt" and isinstance(error, OSError) and error.errno == errno.EINVAL  # what Windows says instead


@contextlib.contextmanager
def standard_streams() -> Iterator[Stream]:
    """Have everything that prints go through a Stream; the value is that of standard output, which falls back to
    standard error."""
    _occupy_closed()
    before = sys.stdout, sys.stderr
    err = Stream(sys.stderr)
    out = Stream(sys.stdout, err)
    sys.stdout, sys.stderr = out, err
    try:
        yield out
    finally:
        sys.stdout, sys.stderr = before


def _occupy_closed() -> None:
    """Put the null device on descriptors 0 to 2 that are closed: a serial port must not become standard error."""
    with contextlib.suppress(OSError):
        while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
            pass
        os.close(descriptor)
