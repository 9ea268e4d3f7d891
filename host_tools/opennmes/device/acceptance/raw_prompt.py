"""MicroPython's raw prompt on whatever port a board is at: a few lines of Python at a time.

device/prompt.py is for files and flash, needs a serial port, and resets the board on the way out. Here the witness does
that, by the wire to its reset.
"""

from __future__ import annotations

from opennmes.device.acceptance.wrong import PromptLost
from opennmes.device.patience import stretched
from opennmes.ports.base import Port

PATIENCE_S = 5.0
_READY = b"raw REPL; CTRL-B to exit\r\n>"


class RawPrompt:
    """A board that was told `maintenance`."""

    def __init__(self, port: Port) -> None:
        """Raises PromptLost when no prompt comes."""
        self._port = port
        self._heard = bytearray()
        port.write(b"\r\x03\x01")
        self._to(_READY)

    def run(self, code: str) -> str:
        """Run `code`. Returns what it printed. Raises PromptLost."""
        self._port.write(code.encode() + b"\x04")
        self._to(b"OK")
        printed = self._to(b"\x04")
        if error := self._to(b"\x04").strip():
            raise PromptLost(f"{self._port.name}: at the prompt: {error.decode(errors='replace').splitlines()[-1]}")
        self._to(b">")
        return printed.decode(errors="replace").strip()

    def soft_reset(self) -> None:
        """Leave the prompt by a soft reset, so that the board runs what it is to run."""
        self._port.write(b"\x02\x04")

    def _to(self, end: bytes) -> bytes:
        until_s = self._port.now_s() + stretched(PATIENCE_S)
        while (at := self._heard.find(end)) < 0:
            left_s = until_s - self._port.now_s()
            if left_s <= 0:
                raise PromptLost(f"{self._port.name}: no MicroPython prompt came; reset the board and retry")
            self._heard += self._port.read(left_s)
        found = bytes(self._heard[:at])
        del self._heard[: at + len(end)]
        return found
