"""nmes at a terminal of its own, with a person who presses keys and reads what is there."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import signal
import struct
import subprocess
import termios
import threading
from collections.abc import Iterator
from typing import Any

import preloaded
import processes
from processes import WAIT_S

UP, DOWN = "\x1b[A", "\x1b[B"
_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")


class Person:
    """Who sits at the terminal."""

    def __init__(self, process: subprocess.Popen[str], master: int) -> None:
        self.process = process
        self._master = master
        self._text = ""
        self._changed = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._master, 65_536)
            except OSError:
                data = b""
            with self._changed:
                self._text += data.decode(errors="replace")
                self._ended = not data
                self._changed.notify_all()
            if not data:
                return

    @property
    def raw(self) -> str:
        """All that has come."""
        return self._text

    @property
    def text(self) -> str:
        """All that has come, without the terminal's own sequences."""
        return _ANSI.sub("", self._text)

    def sees(self, *texts: str, start: int = 0) -> tuple[int, str]:
        """Wait until the terminal has said one of `texts` after place `start`. Returns the place behind it, and which
        it is."""
        with self._changed:
            self._changed.wait_for(lambda: self._first(texts, start) or self._ended, WAIT_S)
        found = self._first(texts, start)
        assert found, f"none of {texts} was said: {self.text[start:][-3000:]}"
        return found

    def _first(self, texts: tuple[str, ...], start: int) -> tuple[int, str] | None:
        said = self.text
        found = [(at + len(text), text) for text in texts if (at := said.find(text, start)) >= 0]
        return min(found) if found else None

    def raises_to(self, text: str, key: str = UP) -> None:
        """Press a key that raises, again when that was too soon, until the terminal says `text`."""
        self.sees(" mA, limit ")  # what is pressed before it runs is thrown away
        refused = "too soon"
        said = refused
        while said == refused:
            _, said = self.sees(text, refused, start=self.press(key))

    def press(self, keys: str) -> int:
        """Press keys. Returns the place of what is said from then on."""
        place = len(self.text)
        os.write(self._master, keys.encode())
        return place

    def settings(self) -> list[Any]:
        """Of the terminal."""
        return termios.tcgetattr(self._master)

    def hangs_up(self) -> None:
        """Close the terminal."""
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, self._master)
        os.close(nowhere)

    def ends(self) -> int:
        """Wait for the end, and until the terminal has said all. Returns the exit status."""
        self._out, _ = self.process.communicate(timeout=WAIT_S)
        self._reader.join(WAIT_S)
        assert self._ended, "something still holds the terminal"
        processes.no_surprise(self.text)
        return self.process.returncode

    def result(self) -> tuple[int, dict[str, Any]]:
        """Wait for the end. Returns status and JSON of `--json`."""
        return self.ends(), json.loads(self._out)


def new_terminal(rows: int, columns: int) -> tuple[int, int]:
    """Both ends of a terminal of this size: what looks at it, and what a process gets."""
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    return master, slave


def all_shown(master: int) -> bytes:
    """What comes to a terminal until nobody has its other end; closes this one."""
    said = b""
    try:
        while data := os.read(master, 65_536):
            said += data
    except OSError:
        pass  # EIO: it has ended
    finally:
        os.close(master)
    return said


@contextlib.contextmanager
def at_terminal(
    *arguments: str | os.PathLike[str],
    columns: int = 200,
    lines: int = 40,
    shows_output: bool = False,
    before: str = "",
    new: bool = False,
    **more: str,
) -> Iterator[Person]:
    """Run nmes at a terminal that controls it, as a shell would; standard output goes elsewhere unless the terminal
    `shows_output`. `before` is Python that is carried out first. One of each kind is a `new` interpreter, which takes
    all apart at its end; see preloaded."""
    master, slave = new_terminal(lines, columns)
    environment = processes.environment(**{"COLUMNS": str(columns), **more})
    process = preloaded.start(
        processes.command(*arguments, before=before), env=environment, stdin=slave,
        stdout=slave if shows_output else subprocess.PIPE, stderr=slave, start_new_session=True, terminal=True,
        text=True, new=new,
    )  # fmt: skip
    os.close(slave)
    person = Person(process, master)
    try:
        yield person
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.communicate()
        os.close(master)
