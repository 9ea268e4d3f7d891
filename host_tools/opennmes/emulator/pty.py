"""The emulated board as a pseudo terminal, for programs that want to open a serial port (mpremote, a terminal)."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from opennmes.emulator.bootsel import BootselDrive
from opennmes.emulator.pico import BenchError, EmulatedPico

SLICE_NANOS = 1_000_000  # simulated time between two looks at the terminal
BLOCK_BYTES = 4096
# From USB's enumeration until our firmware answers: 0.34 s on the chip, which are 15 s and more of waiting here.
# Whoever opens the terminal is not to wait for them.
LISTENING_NANOS = 400_000_000
DRIVE_POLL_S = 0.05
PATIENCE_S = 0.05  # how far simulated time may fall behind before it stops trying to catch up

# What ends a program and can be caught, except for what a crash of our own raises: nothing may run after that.
ENDING = [
    getattr(signal, name)
    for name in ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGVTALRM", "SIGPROF",
                 "SIGIO", "SIGPWR", "SIGSTKFLT", "SIGXCPU")
    if hasattr(signal, name)
]  # fmt: skip


class NoTerminal(Exception):
    """There are no pseudo terminals here; the message says what to do."""


def serve(
    pico: EmulatedPico,
    announce: Callable[[Path], None],
    *,
    link: Path | None = None,
    bootsel: Path | None = None,
    until: Callable[[], bool] | None = None,
) -> None:
    """Run the board behind a pseudo terminal, until a signal that ends programs or `until` (looked at every slice).

    `announce` is told what to open: `link`, a symbolic link that stays the same and is removed at the end, or the
    terminal itself. When the board resets the terminal goes away as a USB port would, and comes back, perhaps under
    another name: `announce` is told again. Clients may come and go; what the board says to nobody is lost. Simulated
    time never runs ahead of the clock on the wall, but falls behind it while the board is busy. `bootsel` is the folder
    in which the drive of a chip in BOOTSEL appears; what is copied there is flashed.

    Raises BenchError when the board dies, NoTerminal, and OSError when `link` cannot be made:
    FileExistsError when something is there.
    """
    check(link)
    with _signals() as stopped:

        def finished() -> bool:
            return stopped() or (until is not None and until())

        while not finished():
            if pico.in_bootsel:
                _wait_for_an_image(pico, bootsel, finished)
                continue
            pico.boot()
            if stopped():
                return
            with _terminal(link) as (master, path):
                announce(path)
                _carry(pico, _Bridge(pico, master), finished)


def _wait_for_an_image(pico: EmulatedPico, folder: Path | None, finished: Callable[[], bool]) -> None:
    if folder is None:
        raise BenchError("the chip went into BOOTSEL, and there is no folder for its drive; name one with --bootsel")
    drive = BootselDrive(folder)
    try:
        while not finished():
            image = drive.taken()
            if image is not None:
                pico.flash_blocks(image)
                return
            time.sleep(DRIVE_POLL_S)
    finally:
        drive.leave()


def check(link: Path | None) -> None:
    """Whether serve() could begin, before a board is booted for it. Raises NoTerminal and OSError."""
    try:
        import tty  # noqa: F401 Windows has neither this nor what it needs
    except ImportError:
        raise NoTerminal(
            "this system has no pseudo terminals, which `nmes emulate` needs; --port emulator of the other verbs runs "
            "the same board and works here"
        ) from None
    if link is None:
        return
    if link.is_symlink() or link.exists():
        raise _occupied(link)
    if not link.parent.is_dir():
        raise FileNotFoundError(f"the link {link} cannot be made: there is no folder {link.parent}; make it first")


def _occupied(link: Path) -> FileExistsError:
    if not link.is_symlink():
        return FileExistsError(f"{link} is there and is no symbolic link; remove it or choose another --link")
    return FileExistsError(
        f"{link} is there already, a link to {os.readlink(link)}. It may be somebody else's and is left alone; when "
        "it is what an nmes emulate that was killed has left behind, remove it, else choose another --link"
    )


def _carry(pico: EmulatedPico, bridge: _Bridge, finished: Callable[[], bool]) -> None:
    """Serve until `finished` or until the board resets."""
    resets = pico.resets
    start_s = time.monotonic() - pico.nanos / 1e9
    while pico.resets == resets and not finished():
        bridge.exchange()
        pico.run_for(SLICE_NANOS)
        ahead_s = pico.nanos / 1e9 - (time.monotonic() - start_s)
        if ahead_s < -PATIENCE_S:
            start_s -= ahead_s
        bridge.wait(max(0.0, ahead_s))


class _Bridge:
    """Carries bytes between the board and the master side of the terminal; loses none while a client has it open."""

    def __init__(self, pico: EmulatedPico, master: int) -> None:
        self._pico = pico
        self._master = master
        self._to_client = bytearray()

    def exchange(self) -> None:
        """Move what can be moved now, both ways."""
        self._to_client += self._pico.read()
        try:
            with contextlib.suppress(BlockingIOError):
                self._pico.write(os.read(self._master, BLOCK_BYTES))
            with contextlib.suppress(BlockingIOError):
                while self._to_client:
                    del self._to_client[: os.write(self._master, self._to_client[:BLOCK_BYTES])]
        except OSError:  # EIO: no client has the terminal open
            self._to_client.clear()

    def wait(self, seconds: float) -> None:
        """Sleep for `seconds`, or less when a client writes."""
        if seconds <= 0:
            return
        poll = select.poll()
        poll.register(self._master, select.POLLIN)
        if any(events & select.POLLHUP for _, events in poll.poll(seconds * 1000)):
            time.sleep(seconds)  # without a client poll() returns at once


@contextlib.contextmanager
def _terminal(link: Path | None) -> Iterator[tuple[int, Path]]:
    """A raw pseudo terminal, as its master side and what clients open."""
    import tty

    master, slave = os.openpty()
    try:
        tty.setraw(slave)
        path = Path(os.ttyname(slave))
        os.close(slave)  # held open, it would hide from us whether a client is there
        os.set_blocking(master, False)
        if link is None:
            yield master, path
            return
        made = _make_link(link, path)
        try:
            yield master, link
        finally:
            _remove_link(link, made)
    finally:
        os.close(master)


def _make_link(link: Path, path: Path) -> object:
    """Make `link`, where nothing is yet. Returns what it is known by. Raises OSError."""
    try:
        link.symlink_to(path)
    except FileExistsError:
        raise _occupied(link) from None
    except OSError as error:
        raise OSError(f"the link {link} cannot be made ({error.strerror}); choose another --link") from None
    return _identity(link)


def _remove_link(link: Path, made: object) -> None:
    """Remove `link` if it is still the one that was made: what somebody else has put there meanwhile stays."""
    with contextlib.suppress(OSError):  # gone already, or in a folder that has become somebody else's
        if _identity(link) == made:
            link.unlink()


def _identity(link: Path) -> tuple[Any, ...]:
    """A link as this one and no other. The time of its making tells it from one that got its number in the file system
    after it, to the same target."""
    is_now = os.lstat(link)
    return is_now.st_dev, is_now.st_ino, is_now.st_ctime_ns, os.readlink(link)


@contextlib.contextmanager
def _signals() -> Iterator[Callable[[], bool]]:
    """Whether one of ENDING has come. Caught, not raised: an exception may get lost in the compiled emulator.

    SIGHUP stays ignored where it was: nohup does so.
    """
    came: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        came.append(number)

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False  # only the main thread may catch signals
        return
    hangup = getattr(signal, "SIGHUP", None)
    caught = [number for number in ENDING if number != hangup or signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, note) for number in caught}
    try:
        yield lambda: bool(came)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
