"""Holds Ctrl-C back until a moment at which it can be handled."""

from __future__ import annotations

# What `signal` is made of: that looks for an enum of each handler, which took 18 of the 22 us of a held_back().
import _signal  # type: ignore[import-not-found]
import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

_ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def ending() -> list[signal.Signals]:
    """The signals that end a program, without those that it was started to ignore, as nohup does with SIGHUP."""
    # None: the handler was not set from Python, which could not set it again.
    return [number for number in _ENDING if _signal.getsignal(number) not in (_signal.SIG_IGN, None)]


def stop_on_signals() -> None:
    """Let the signals that end a program do what Ctrl-C does, so that a session is stopped in order."""
    for number in ending():
        signal.signal(number, signal.default_int_handler)


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """Let the signals that end a program wait until the end of this block.

    For what must not be torn apart: bytes that were read and what is known of them, or the compiled emulator, in which
    an exception may get lost.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread hears signals
        return
    came: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        came.append(number)

    before = {one: _signal.signal(one, note) for one in ending()}
    try:
        yield
    finally:
        for held, handler in before.items():
            _signal.signal(held, handler)
        for number in came:
            signal.raise_signal(number)
