"""The keys of a terminal, one at a time and without Enter: the same on POSIX and on Windows.

What one system has alone is imported when the keyboard is opened, not before.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import select
import sys
import time
from collections.abc import Iterator
from typing import Any, Protocol

UP = "up"
DOWN = "down"
ESCAPE = "escape"
OTHER = "other"  # a key that sends a sequence of its own, such as F1

_SEQUENCE_S = 0.05  # what belongs to an arrow key comes at once; Escape by itself has nothing behind it
_SEQUENCES = {"\x1b[A": UP, "\x1bOA": UP, "\x1b[B": DOWN, "\x1bOB": DOWN, "\x1b": ESCAPE}
_KEY = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1bO[ -~]|.", re.DOTALL)
_UNFINISHED = re.compile(r"\x1b(\[[0-?]*[ -/]*|O)?\Z")
_CHUNK = 1024

_WINDOWS_PREFIXES = ("\x00", "\xe0")
_WINDOWS_SPECIAL = {"H": UP, "P": DOWN}
_WINDOWS_LOOK_S = 0.02
_CTRL_C = "\x03"


class Gone(Exception):
    """The terminal is not there any more: nobody can press a key."""


class Keyboard(Protocol):
    """Keys as they are pressed."""

    def read(self, timeout_s: float) -> list[str]:
        """What has been pressed, in order, as soon as anything has; [] after `timeout_s`. A key is its character, or
        one of the names above. Raises Gone."""


@contextlib.contextmanager
def keyboard() -> Iterator[Keyboard | None]:
    """The keyboard at standard input, with what was typed before thrown away; None where there is none, or where it
    belongs to another program because we are in the background. The terminal is as it was at the end."""
    with contextlib.ExitStack() as stack:
        yield _open(stack)


def available() -> bool:
    """Whether `keyboard` would give one now."""
    descriptor = _terminal()
    if descriptor is None:
        return False
    if importlib.util.find_spec("termios") is None:
        return importlib.util.find_spec("msvcrt") is not None
    return not _in_background(descriptor)


def _terminal() -> int | None:
    try:
        return sys.stdin.fileno() if sys.stdin is not None and sys.stdin.isatty() else None
    except (OSError, ValueError):  # it is closed, or only calls itself a terminal
        return None


def _open(stack: contextlib.ExitStack) -> Keyboard | None:
    descriptor = _terminal()
    if descriptor is None:
        return None
    try:
        import termios
    except ImportError:
        return _windows()
    try:
        return stack.enter_context(_posix(descriptor, termios))
    except termios.error:
        return None


# ---- POSIX ----


@contextlib.contextmanager
def _posix(descriptor: int, termios: Any) -> Iterator[Keyboard | None]:
    if _in_background(descriptor):  # to change the terminal would stop us, and a session that runs with us
        yield None
        return
    before = termios.tcgetattr(descriptor)
    try:
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, _by_key(descriptor, termios))
        yield _Posix(descriptor)
    finally:
        with contextlib.suppress(termios.error):  # it is gone
            termios.tcflush(descriptor, termios.TCIFLUSH)
            termios.tcsetattr(descriptor, termios.TCSANOW, before)


def _in_background(descriptor: int) -> bool:
    try:
        return os.tcgetpgrp(descriptor) != os.getpgrp()
    except OSError:  # it is not the terminal that controls us, and no job control is done on it
        return False


def _by_key(descriptor: int, termios: Any) -> list[Any]:
    """The terminal's settings for keys by themselves. Ctrl-C stays a signal; Ctrl-Z, Ctrl-\\ and Ctrl-S do not: a
    program that stands still, and one that is gone, does not hear the key that stops the session."""
    settings: list[Any] = termios.tcgetattr(descriptor)
    settings[0] &= ~termios.IXON
    settings[3] &= ~(termios.ICANON | termios.ECHO | termios.IEXTEN)
    characters = settings[6]
    nothing = bytes([os.fpathconf(descriptor, "PC_VDISABLE") & 0xFF])
    for name in ("VSUSP", "VDSUSP", "VQUIT"):
        if hasattr(termios, name):
            characters[getattr(termios, name)] = nothing
    characters[termios.VMIN] = 1
    characters[termios.VTIME] = 0
    return settings


class _Posix:
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def read(self, timeout_s: float) -> list[str]:
        text = self._more(timeout_s)
        while _UNFINISHED.search(text) and (more := self._more(_SEQUENCE_S)):
            text += more
        return [_named(key) for key in _KEY.findall(text)]

    def _more(self, timeout_s: float) -> str:
        try:
            ready, _, _ = select.select([self._descriptor], [], [], timeout_s)
            if not ready:
                return ""
            data = os.read(self._descriptor, _CHUNK)
        except (OSError, ValueError):
            raise Gone from None
        if not data:
            raise Gone
        return data.decode(errors="replace")


def _named(key: str) -> str:
    return _SEQUENCES.get(key, OTHER if len(key) > 1 else key)


# ---- Windows ----


def _windows() -> Keyboard | None:
    try:
        import msvcrt
    except ImportError:
        return None
    console = _Windows(msvcrt)
    console.read(0)
    return console


class _Windows:
    def __init__(self, msvcrt: Any) -> None:
        self._msvcrt = msvcrt

    def read(self, timeout_s: float) -> list[str]:
        until_s = time.monotonic() + timeout_s
        while True:
            pressed = []
            while self._msvcrt.kbhit():
                pressed.append(self._one())
            left_s = until_s - time.monotonic()
            if pressed or left_s <= 0:
                return pressed
            time.sleep(min(_WINDOWS_LOOK_S, left_s))

    def _one(self) -> str:
        key: str = self._msvcrt.getwch()
        if key == _CTRL_C:  # no signal comes of it while keys are read
            raise KeyboardInterrupt
        if key in _WINDOWS_PREFIXES:
            return _WINDOWS_SPECIAL.get(self._msvcrt.getwch(), OTHER)
        return _SEQUENCES.get(key, key)
