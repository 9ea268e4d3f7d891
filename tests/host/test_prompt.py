"""MicroPython's prompt: what is told of a chip that is sent into BOOTSEL and goes with its port."""

from __future__ import annotations

import pytest
from mpremote.transport import TransportError
from serial import SerialException

from opennmes.device import prompt
from opennmes.device.prompt import Prompt, PromptError

# What pyserial says on Linux, and on Windows, when a chip has gone that had no time to acknowledge what it does.
GONE = [
    SerialException("device reports readiness to read but returned no data (device disconnected?)"),
    OSError(5, "Input/output error"),
    SerialException("ClearCommError failed (PermissionError(13, 'The device does not recognize the command.'))"),
]


class Transport:
    """mpremote's, on a board of which `what` is raised by its command number `at`."""

    def __init__(self, what: Exception | None, at: int) -> None:
        self._what = what
        self._at = at
        self.told: list[str] = []
        self.closed = False

    def enter_raw_repl(self, **_how: object) -> None:
        pass

    def exec_raw(self, code: str, **_how: object) -> tuple[bytes, bytes]:
        self.exec_raw_no_follow(code)
        return b"", b""

    def exec_raw_no_follow(self, code: str) -> None:
        self.told.append(code)
        if self._what and len(self.told) == self._at:
            raise self._what

    def close(self) -> None:
        self.closed = True


def at_prompt(monkeypatch: pytest.MonkeyPatch, what: Exception | None, at: int) -> tuple[Prompt, Transport]:
    transport = Transport(what, at)
    monkeypatch.setattr(prompt, "_transport", lambda device: transport)
    return Prompt("A"), transport


@pytest.mark.parametrize("what", [None, *GONE], ids=str)
def test_a_chip_that_is_gone_before_it_acknowledges_has_gone_into_bootsel(
    what: Exception | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    board, transport = at_prompt(monkeypatch, what, 2)
    board.bootloader()
    assert transport.told == ["import umachine", "umachine.bootloader()"] and transport.closed


@pytest.mark.parametrize(
    ("what", "at"),
    [*((gone, 1) for gone in GONE), (TransportError("could not exec command (response: b'')"), 2)],
    ids=str,
)
def test_a_board_that_was_gone_before_or_does_not_take_the_command_has_not(
    what: Exception, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    board, _ = at_prompt(monkeypatch, what, at)
    with pytest.raises(PromptError, match="A: the chip could not be sent into BOOTSEL"):
        board.bootloader()
