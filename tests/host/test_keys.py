"""One keyboard on POSIX and on Windows: keys without Enter, nothing that was typed before, and a terminal as it was."""

from __future__ import annotations

import importlib.util
import os
import select
import sys
import termios
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from opennmes.cli import keys
from opennmes.cli.keys import DOWN, ESCAPE, OTHER, UP, Gone, keyboard


@pytest.fixture
def master(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The other side of a terminal that is standard input."""
    master, slave = os.openpty()
    with open(slave) as terminal:
        monkeypatch.setattr("sys.stdin", terminal)
        yield master
    os.close(master)


@pytest.mark.parametrize(
    ("sent", "pressed"),
    [
        ("+", ["+"]),
        ("\x1b[A", [UP]),
        ("\x1bOB", [DOWN]),
        ("\x1b[A\x1b[A-p", [UP, UP, "-", "p"]),
        ("\x1b", [ESCAPE]),
        ("\x1b[", [ESCAPE, "["]),  # half a sequence, and nothing more comes: off rather than on
        ("\x1b+", [ESCAPE, "+"]),
        ("\x1b[15~", [OTHER]),
        ("\x1b[1;5A", [OTHER]),
        ("\x04\x1a\x1c\x13 ", ["\x04", "\x1a", "\x1c", "\x13", " "]),
        ("\r", ["\n"]),
        ("é", ["é"]),
    ],
    ids=repr,
)
def test_posix_keys_come_by_themselves(master: int, sent: str, pressed: list[str]) -> None:
    with keyboard() as board:
        assert board is not None
        os.write(master, sent.encode())
        assert board.read(30) == pressed
        assert board.read(0) == []


def test_posix_the_terminal_is_as_it_was_and_what_was_typed_too_early_or_too_late_is_thrown_away(master: int) -> None:
    before = termios.tcgetattr(master)
    os.write(master, b"+++\n")
    assert select.select([sys.stdin], [], [], 60)[0]  # it has arrived on this side
    with pytest.raises(KeyboardInterrupt), keyboard() as board:
        assert board is not None
        assert board.read(0) == []
        changed = termios.tcgetattr(master)
        assert not changed[3] & (termios.ICANON | termios.ECHO)
        assert changed[3] & termios.ISIG  # Ctrl-C stays a signal
        os.write(master, b"sss")
        assert select.select([sys.stdin], [], [], 60)[0]
        raise KeyboardInterrupt
    assert termios.tcgetattr(master) == before
    with keyboard() as board:
        assert board is not None and board.read(0) == []


def test_posix_a_sequence_in_two_pieces_is_one_key(master: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = [b"\x1b", b"[", b"A"]
    with keyboard() as board:
        assert board is not None
        monkeypatch.setattr("opennmes.cli.keys.os.read", lambda *_: pieces.pop(0))
        monkeypatch.setattr("opennmes.cli.keys.select.select", lambda *_: ([1] if pieces else [], [], []))
        assert board.read(1) == [UP]


@pytest.mark.parametrize("way", ["end of input", "closed"])
def test_posix_a_terminal_that_has_gone_is_said(master: int, way: str) -> None:
    with keyboard() as board:
        assert board is not None
        if way == "closed":
            sys.stdin.close()
        else:
            nowhere = os.open(os.devnull, os.O_RDONLY)
            os.dup2(nowhere, sys.stdin.fileno())
            os.close(nowhere)
        with pytest.raises(Gone):
            board.read(30)


def test_posix_in_the_background_the_terminal_is_left_alone(master: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opennmes.cli.keys.os.tcgetpgrp", lambda _: os.getpgrp() + 1)
    monkeypatch.setattr(termios, "tcsetattr", lambda *_: pytest.fail("it would have stopped us"))
    assert not keys.available()
    with keyboard() as board:
        assert board is None


def test_without_a_terminal_there_is_no_keyboard(monkeypatch: pytest.MonkeyPatch) -> None:
    with open(os.devnull) as nothing:
        monkeypatch.setattr("sys.stdin", nothing)
        with keyboard() as board:
            assert board is None and not keys.available()
    with keyboard() as board:  # closed
        assert board is None
    monkeypatch.setattr("sys.stdin", None)
    with keyboard() as board:
        assert board is None and not keys.available()


# ---- Windows, with its console made here ----


class Console:
    """What msvcrt has of a console."""

    def __init__(self) -> None:
        self.typed: list[str] = []

    def kbhit(self) -> bool:
        return bool(self.typed)

    def getwch(self) -> str:
        return self.typed.pop(0)


@pytest.fixture
def console(monkeypatch: pytest.MonkeyPatch) -> Console:
    made = Console()
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True, fileno=lambda: 0))
    monkeypatch.setitem(sys.modules, "termios", None)
    monkeypatch.setitem(sys.modules, "msvcrt", made)
    return made


@pytest.mark.parametrize(
    ("typed", "pressed"),
    [
        ("+", ["+"]),
        ("\xe0H", [UP]),
        ("\x00P", [DOWN]),
        ("\xe0H\xe0H-p", [UP, UP, "-", "p"]),
        ("\x1b", [ESCAPE]),
        ("\x00;", [OTHER]),
        ("\r", ["\r"]),
        ("\x04\x1a\x1c ", ["\x04", "\x1a", "\x1c", " "]),
    ],
    ids=repr,
)
def test_windows_has_the_same_keys(console: Console, typed: str, pressed: list[str]) -> None:
    console.typed = list("+++")
    with keyboard() as board:
        assert board is not None
        assert console.typed == []  # what was typed before is thrown away
        console.typed = list(typed)
        assert board.read(30) == pressed
        assert board.read(0) == []
        assert board.read(0.01) == []


def test_windows_ctrl_c_interrupts(console: Console) -> None:
    with keyboard() as board:
        assert board is not None
        console.typed = ["+", "\x03"]
        with pytest.raises(KeyboardInterrupt):
            board.read(30)


def test_where_neither_is_there_is_no_keyboard(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    def known(name: str) -> Any:
        return None if name == "termios" else object()

    monkeypatch.setattr(importlib.util, "find_spec", known)
    assert keys.available()
    monkeypatch.setitem(sys.modules, "msvcrt", None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert not keys.available()
    with keyboard() as board:
        assert board is None
