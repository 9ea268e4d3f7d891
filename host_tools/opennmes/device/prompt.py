"""MicroPython's prompt on a serial port, ours or a stock one: what is in flash, and the way into BOOTSEL.

This is the only module that knows mpremote's transport, whose interface is not promised to stay (pyproject.toml pins
it). A running session is never disturbed: our firmware gives the prompt only in IDLE and FAULT, and then MicroPython's
Ctrl-C is not heard.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator
from typing import Any

PATIENCE_S = 15.0
PIECE = 32 * 1024  # of flash a step: 35 ms on the chip, and progress that moves


class PromptError(Exception):
    """There is no MicroPython prompt on the port, or it failed; the message says what to do."""


class Prompt:
    """A raw prompt. Use it as a context manager: on the way out the board is reset and runs what it is to run."""

    def __init__(self, device: str) -> None:
        """Interrupt what runs on the serial port `device`. Raises PromptError."""
        from mpremote.transport_serial import SerialTransport

        self._device = device
        with self._failing("no MicroPython prompt came"):
            self._transport: Any = SerialTransport(device, timeout=PATIENCE_S)
            try:
                self._transport.enter_raw_repl(soft_reset=False, timeout_overall=PATIENCE_S)
            except BaseException:
                self._transport.close()
                raise

    def __enter__(self) -> Prompt:
        return self

    def __exit__(self, *_error: object) -> None:
        with contextlib.suppress(PromptError), self._failing("it could not be reset"):
            if self._transport is not None:
                # From the friendly prompt: a soft reset from the raw one leaves main.py out.
                self._transport.exit_raw_repl()
                self._transport.serial.write(b"\x04")
        self._close()

    def version(self) -> tuple[str, str]:
        """MicroPython's version, such as 1.25.0, and its name of the board."""
        words = "__import__('os').uname()"
        release, machine = self._evaluate(f"({words}.release, {words}.machine)")
        return str(release), str(machine)

    def sha256_of_flash(self, start: int, size: int, progress: Callable[[int, int], None]) -> str:
        """SHA-256 of `size` bytes of flash from address `start` on, in hexadecimal digits.

        `progress` is called with the bytes looked at and those there are. Raises PromptError.
        """
        with self._failing("flash could not be read"):
            self._transport.exec("import hashlib, uctypes, binascii; _h = hashlib.sha256()")
            for at in range(0, size, PIECE):
                piece = min(PIECE, size - at)
                self._transport.exec(f"_h.update(uctypes.bytearray_at({start + at}, {piece}))")
                progress(at + piece, size)
        return str(self._evaluate("binascii.hexlify(_h.digest()).decode()"))

    def bootloader(self) -> None:
        """Send the chip into BOOTSEL; the port vanishes, and the drive comes."""
        with self._failing("the chip could not be sent into BOOTSEL"):
            self._transport.exec_raw_no_follow("import machine; machine.bootloader()")
        self._close()

    def _evaluate(self, expression: str) -> Any:
        with self._failing("it could not be asked"):
            return self._transport.eval(expression)

    def _close(self) -> None:
        if self._transport is not None:
            with contextlib.suppress(OSError):
                self._transport.close()
            self._transport = None

    @contextlib.contextmanager
    def _failing(self, what: str) -> Iterator[None]:
        from mpremote.transport import TransportError

        try:
            with contextlib.redirect_stdout(io.StringIO()):  # mpremote prints what it did not expect
                yield
        except (TransportError, OSError, SyntaxError, ValueError, IndexError) as error:
            raise PromptError(
                f"{self._device}: {what} ({error}); close other programs that use the port, unplug the board, plug it "
                "in again and retry"
            ) from None
