"""The virtual board: the firmware under MicroPython's Unix port, in virtual time that only we let pass."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections import deque
from pathlib import Path
from typing import IO, BinaryIO

from nmes.core import buttons
from opennmes import paths
from opennmes.boards import as_module, load_board, load_stage
from opennmes.ports.errors import PortError
from opennmes.ports.interrupts import held_back
from opennmes.ports.lamps import Lamps
from opennmes.ports.precompiled import folder_for
from opennmes.screen import Screen

HEAP = "4m"
HUNG_S = 60.0  # of wall time without a byte, while virtual time is to pass
EXIT_S = 5.0
UNREAD_MOST = 65_536  # bytes that wait for a reader; a line that finds no room then is lost, as on a port nobody reads
_OF_THE_BOARD = ("NMES_PULSE_LOG", "NMES_STORE", "NMES_PANEL")


class VirtualPort:
    """A port whose clock is the virtual board's: in read() it runs until it says something or the timeout is over.
    `has_input`: its output stage has a biofeedback input and a hand switch.

    Between two calls the board stands still, so what happens depends on nothing but what it is sent. The board takes
    whole lines; what has no newline yet waits here.
    """

    name = "virtual"

    def __init__(
        self,
        pulse_log: Path | None = None,
        load_ohm: int | None = None,
        store: Path | None = None,
        *,
        panel: bool = False,
        display: bool = True,
        stage: str = "",
        artefact_mv: int = 0,
    ) -> None:
        """Start the board with a load of `load_ohm` on each channel. `pulse_log`: a CSV file for
        start_us,width_a_us,gap_us,width_b_us,level_a,level_b,channel of each pulse that begins. `store`: what the board
        keeps without power goes into this path with .0 to .3; without, each board is new. With `panel` its buttons can
        be pressed, and `screen` and `lamps` are what it shows; `display`: whether it has one. `stage`: another of its
        output stages than the usual one; of one with a biofeedback input pulses couple `artefact_mv` into it. Raises
        PortError.
        """
        _need_folder(store)
        binary = micropython()
        path = [folder_for(binary), paths.boards(), paths.boards() / "virtual"]
        self.has_input = "signal_most_mv" in load_stage(stage) if stage else False
        self._facts = tempfile.TemporaryDirectory() if stage else None
        if self._facts:  # the board as it is with that stage
            path[2] = Path(self._facts.name)
            (path[2] / "board.py").write_text(as_module(load_board("virtual", stage)), encoding="utf-8")
        environment = _environment(path, pulse_log, load_ohm, store, artefact_mv)
        environment["NMES_SIGNAL"] = "1" if self.has_input else "0"
        if panel:
            environment["NMES_PANEL"] = "1" if display else "0"
        self._panel = panel
        self.screen = Screen()
        self.lamps = Lamps()
        command = [binary, "-X", f"heapsize={HEAP}", str(path[0] / "main.py")]
        self._held = None if store is None else _hold(store)
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 closed in close()
        try:
            # A session of its own (Windows: a process group): Ctrl-C at the terminal is for us, who then stop the board
            # in order.
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._stderr, bufsize=0, env=environment,
                start_new_session=True, creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )  # fmt: skip
        except OSError as error:
            self._stderr.close()
            self._let_go()
            self._forget_facts()
            raise PortError(f"cannot start {command[0]} ({error.strerror}); run `make setup`") from None
        # A thread waits for the board: Windows has no select() for pipes.
        self._arrived: deque[bytes] = deque()  # b"" when the board has ended
        self._something_arrived = threading.Event()
        self._listener = threading.Thread(target=self._listen, args=(self._process.stdout,), daemon=True)
        self._listener.start()
        self._unsent = b""
        self._presses = b""
        self._unread = b""  # from the board, up to the last whole line of the link
        self._raw = b""  # from the board, not looked at yet
        self._running = False  # it was told to run and has not said @at yet
        self._now_us = 0
        self._closed = False

    def write(self, data: bytes) -> None:
        """Send all of `data`; the board sees it in the next read(). Raises PortError."""
        self._check()
        self._unsent += data
        if any(line.startswith(b"@") for line in self._unsent.split(b"\n")):
            self._unsent = b""
            raise PortError("the virtual board cannot be sent a line that begins with @")

    def read(self, timeout_s: float) -> bytes:
        """What the board has said, as soon as it has; b"" after `timeout_s` virtual seconds. Raises PortError."""
        self._check()
        if not self._unread:
            if not self._running:
                self._run(max(1, round(timeout_s * 1e6)))
            while self._running:
                self._take()
        data, self._unread = self._unread, b""
        return data

    def let_pass(self, seconds: float) -> None:
        """Let that much virtual time pass; what the board says meanwhile is there for read(). Raises PortError."""
        self._check()
        until_us = self._now_us + math.ceil(seconds * 1e6)  # what is left of a wait is at least a microsecond
        while self._running or self._now_us < until_us:
            if not self._running:
                self._run(until_us - self._now_us)
            self._take()

    def press(self, mask: int) -> None:
        """Hold the buttons with these bits from now on, and no other. Raises ValueError for one too many, PortError."""
        if mask & ~buttons.ALL:
            raise ValueError(f"buttons 0x{mask:x}: there are {len(buttons.NAMES)}")
        self._check()
        if not self._panel:
            raise PortError("this virtual board was started without a panel")
        self._presses += b"@buttons %d\n" % mask

    def set_signal(self, mv: int | None) -> None:
        """Put so many millivolts at the biofeedback input from now on; None: nothing drives it. Raises PortError."""
        self._to_input(b"@signal %d\n" % (-1 if mv is None else mv))

    def set_trigger(self, high: bool) -> None:
        """Let the trigger input rise or fall. Raises PortError."""
        self._to_input(b"@trigger %d\n" % high)

    def set_switch(self, closed: bool) -> None:
        """Close or open the hand switch. Raises PortError."""
        self._to_input(b"@switch %d\n" % closed)

    def _to_input(self, line: bytes) -> None:
        self._check()
        if not self.has_input:
            raise PortError("this virtual board's output stage has no biofeedback input")
        self._presses += line

    def now_s(self) -> float:
        """Virtual seconds since power on."""
        return self._now_us / 1e6

    def close(self) -> None:
        """End the board: it ends when its input does, and otherwise is killed."""
        if self._closed:
            return
        self._closed = True
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(EXIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        finally:
            self._listener.join(EXIT_S)
            self._stderr.close()
            self._let_go()
            self._forget_facts()

    def _let_go(self) -> None:
        if self._held:
            self._held.close()

    def _forget_facts(self) -> None:
        if self._facts:
            self._facts.cleanup()

    def _check(self) -> None:
        if self._closed:
            raise PortError("the virtual board is closed")

    def _run(self, microseconds: int) -> None:
        whole, _, self._unsent = self._unsent.rpartition(b"\n")
        message = self._presses + (whole + b"\n" if whole else b"") + b"@run %d\n" % microseconds
        self._presses = b""
        assert self._process.stdin is not None
        try:
            with held_back():
                self._process.stdin.write(message)
                self._running = True
        except OSError:
            raise self._died() from None

    def _take(self) -> None:
        """Take in what the board writes, at least one byte."""
        if not self._something_arrived.wait(HUNG_S):
            self.close()
            raise PortError(f"the virtual board has hung: not a byte in {HUNG_S:g} s; it was ended. Report this")
        with held_back():
            self._something_arrived.clear()
            if not self._arrived:
                return  # it was taken before the listener had come to say so
            data = self._arrived.popleft()
            if self._arrived:  # looked at after clear(): what arrives from here on says so by itself
                self._something_arrived.set()
            self._raw += data
            *lines, self._raw = self._raw.split(b"\n")
            for line in lines:
                if line.startswith(b"@at "):
                    self._at(line)
                elif self._panel and line.startswith((b"@page ", b"@lamps ")):
                    self._shows(line)
                elif len(self._unread) + len(line) < UNREAD_MOST:
                    self._unread += line + b"\n"
        if not data:
            raise self._died()

    def _listen(self, output: IO[bytes]) -> None:
        """Take what the board writes until it ends; runs in a thread of its own."""
        with output:
            data = b"?"
            while data:
                data = output.read(65_536)
                self._arrived.append(data)
                self._something_arrived.set()

    def _at(self, line: bytes) -> None:
        try:
            self._now_us = int(line[4:])
        except ValueError:
            self.close()
            raise PortError(f"the virtual board does not say what time it is ({line[:40]!r}); it was ended") from None
        self._running = False

    def _shows(self, line: bytes) -> None:
        try:
            match line.split():
                case [b"@page", number, columns]:
                    self.screen = self.screen.with_page(int(number), bytes.fromhex(columns.decode()))
                case [b"@lamps", bits]:
                    self.lamps = Lamps.of_bits(int(bits))
                case _:
                    raise ValueError
        except ValueError:
            self.close()
            raise PortError(f"the virtual board shows what is no picture ({line[:40]!r}); it was ended") from None

    def _died(self) -> PortError:
        """Clear up after a board that ended by itself, and say why it did."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            status = f"status {self._process.wait(EXIT_S)}"
        except subprocess.TimeoutExpired:
            status = "no status"
        self._stderr.seek(0)
        said = self._stderr.read().decode(errors="replace").strip().splitlines()
        said = said or (self._unread + self._raw).decode(errors="replace").strip().splitlines()
        self.close()
        last = "; ".join(line.strip() for line in said[-3:]) or "it said nothing"
        return PortError(f"the virtual board ended by itself ({status}): {last}")


def _need_folder(store: Path | None) -> None:
    """Raise PortError when there is no folder for what the board keeps."""
    if store is not None and not store.resolve().parent.is_dir():
        raise PortError(
            f"the virtual board keeps its things in {store}.0 and so on, and there is no folder "
            f"{store.resolve().parent}; make it first"
        )


def _hold(store: Path) -> BinaryIO | None:
    """Keep the things of a board for this process until what is returned is closed: two that had them open would write
    over each other's. None where nothing can be kept so. Raises PortError, as for a serial port that is busy."""
    try:
        held = open(f"{store}.lock", "ab")  # noqa: SIM115 closed in close()
    except OSError:
        return None  # a folder in which nothing can be written
    try:
        _lock(held.fileno())
    except OSError:
        held.close()
        raise PortError(
            f"virtual: another program runs the virtual board that keeps its things in {store}.0 and so on; end it "
            "first (a panel, or another nmes), or name other files in NMES_VIRTUAL_STORE"
        ) from None
    return held


def _lock(descriptor: int) -> None:
    """Lock a file, as far as the operating system knows how; it is free again when it is closed, however that comes
    about. Raises OSError when somebody else has it."""
    try:
        import fcntl
    except ImportError:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _environment(
    path: list[Path], pulse_log: Path | None, load_ohm: int | None, store: Path | None, artefact_mv: int
) -> dict[str, str]:
    """What the firmware is told as it begins; nothing of that which this process was told."""
    made = {name: value for name, value in os.environ.items() if name not in _OF_THE_BOARD}
    made["MICROPYPATH"] = os.pathsep.join(map(str, path))
    made["NMES_ARTEFACT_MV"] = str(artefact_mv)
    if load_ohm is not None:
        made["NMES_LOAD_OHM"] = str(load_ohm)
    if store is not None:
        made["NMES_STORE"] = str(store.resolve())
    if pulse_log is not None:
        made["NMES_PULSE_LOG"] = str(pulse_log.resolve())
    return made


def micropython() -> str:
    """The MicroPython binary to use: $MICROPYTHON, the checkout's own, or one on PATH. Raises PortError."""
    named = os.environ.get("MICROPYTHON")
    if named:
        if shutil.which(named) is None:
            raise PortError(f"$MICROPYTHON names {named}, which is no program; unset it, or run `make setup`")
        return named
    root = paths.checkout()
    own = root / "build" / ("micropython.exe" if os.name == "nt" else "micropython") if root else None
    found = str(own) if own and own.exists() else shutil.which("micropython")
    if found is None:
        raise PortError(
            "the virtual board needs MicroPython's Unix port: run `make setup` in a checkout, put a `micropython` on "
            "the path, or set $MICROPYTHON to it; --port emulator needs none"
        )
    return found
