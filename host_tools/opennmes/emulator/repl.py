"""Test programs on an emulated board, through MicroPython's raw REPL."""

from __future__ import annotations

from opennmes.emulator.pico import BenchError, EmulatedPico

SHOWN = b".py\0main.py\0"
HIDDEN = b".py\0nain.py\0"


def hide_main(pico: EmulatedPico) -> None:
    """Keep our frozen main.py from starting, before the board boots: it then stops at MicroPython's prompt.

    MicroPython looks frozen modules up by name; the name is changed in the emulated flash only. Raises BenchError.
    """
    _rename(pico, SHOWN, HIDDEN)


def show_main(pico: EmulatedPico) -> None:
    """Undo hide_main(): from the next reset on, soft or hard, the board is as it was flashed. Raises BenchError."""
    _rename(pico, HIDDEN, SHOWN)


def _rename(pico: EmulatedPico, before: bytes, after: bytes) -> None:
    flash = pico.flash_image()
    if flash.count(before) != 1:
        raise BenchError(f"{before!r} is not there just once in what should be MicroPython's table of frozen modules")
    start = flash.index(before)
    pico.mcu.flash[start : start + len(before)] = after


class Repl:
    """Runs programs on a board through MicroPython's raw REPL."""

    def __init__(self, pico: EmulatedPico) -> None:
        self.pico = pico
        pico.boot()

    def start(self, program: str) -> None:
        """Interrupt what runs, then start `program` and leave it running. What earlier ones defined is still there."""
        self.pico.write(b"\r\x03\x03\x01")
        self._read_to(b"raw REPL; CTRL-B to exit\r\n>")
        self.pico.write(program.encode() + b"\x04")
        self._read_to(b"OK")

    def finish(self, timeout_s: float = 2.0) -> str:
        """What the started program has printed, once it has ended.

        Raises BenchError with its traceback if it has one, or when it does not end in simulated time.
        """
        output = self._read_to(b"\x04", timeout_s)[:-1]
        errors = self._read_to(b"\x04", timeout_s)[:-1]
        if errors:
            raise BenchError(errors.decode())
        return output.decode().replace("\r\n", "\n")

    def run(self, program: str, timeout_s: float = 2.0) -> str:
        """start() and finish()."""
        self.start(program)
        return self.finish(timeout_s)

    def _read_to(self, end: bytes, timeout_s: float = 2.0) -> bytes:
        heard = bytearray()

        def heard_it() -> bool:
            while end not in heard and self.pico.unread:
                heard.extend(self.pico.read(1))
            return end in heard

        if not self.pico.run_until(heard_it, round(timeout_s * 1e9)):
            raise BenchError(f"waited {timeout_s} s for {end!r}, heard {bytes(heard)!r}")
        return bytes(heard)
