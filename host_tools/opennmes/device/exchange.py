"""Requests and their answers over a port. Lines that get lost or damaged are sent again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nmes.core import commands, frame, session
from opennmes.device.patience import stretched
from opennmes.ports.base import Port

FIRST_RESEND_S = 0.5  # each wait for an answer is twice as long as the one before
TRIES = 8

# The device says so, without a number, about a line that it got damaged: ours, or noise between our lines.
_DAMAGED = ("too_long", "no_crc", "bad_crc", "not_json", "not_an_object", "bad_seq")

Message = dict[str, Any]


class LinkError(Exception):
    """The device does not answer, or what answers is no device of ours; the message says what to do."""


class AtPrompt(LinkError):
    """The board is at MicroPython's prompt and runs no session."""


class Exchange:
    """One request at a time, each with its number. Messages that are no answer go to `on_event`."""

    def __init__(self, port: Port, on_event: Callable[[Message], None]) -> None:
        self._port = port
        self._on_event = on_event
        # Not the numbers of the host before us, whose late answers may still come.
        self.seq = int(port.now_s() * 1000) % (frame.SEQ_MAX // 2)
        self.asked_s = port.now_s()  # when a new request was last sent
        self.strange = b""  # what came in last and is no line of ours
        self._received = bytearray()
        self._sent = 0  # how often the last request was sent
        self._damages: list[str] = []  # what the device said meanwhile of lines that it got damaged

    def ask(self, cmd: str, patience_s: float, fields: Message, *, introduced: bool) -> Message:
        """Send a request, if need be several times. Returns its answer, whatever that says. Raises LinkError; whether
        the device has been `introduced` decides what that says."""
        patience_s = stretched(patience_s)
        resend_s = FIRST_RESEND_S if cmd == "stop" else stretched(FIRST_RESEND_S)  # a lost stop waits for nobody
        self.seq += 1
        try:
            line = frame.encode({"seq": self.seq, "cmd": cmd, **fields})
        except frame.BadFrame:
            raise LinkError(
                f"the command {cmd} is longer than the {frame.LINE_MAX} bytes that the device takes; "
                "make the prescription shorter"
            ) from None
        self.asked_s = self._port.now_s()  # the same line again renews nothing
        give_up_s = self.asked_s + patience_s
        self._sent, self._damages = 0, []
        for attempt in range(TRIES):
            left_s = give_up_s - self._port.now_s()
            if left_s <= 0:
                break
            answer = self._try(line, min(resend_s * 2**attempt, left_s))
            if answer is not None:
                return answer
        raise LinkError(self._no_answer(cmd, patience_s, introduced))

    def _try(self, line: bytes, wait_s: float) -> Message | None:
        """Send `line` and wait for its answer; None when it does not come. When a damaged line arrived at the device,
        `line` is sent once more at once, because it may have been ours."""
        until_s = self._port.now_s() + wait_s
        self._send(line)
        may_send = True
        while (now_s := self._port.now_s()) < until_s:
            messages = self.read(until_s - now_s)
            for message in messages:
                if message.get("seq") == self.seq and "ok" in message:
                    return message
            damages = [message["error"] for message in messages if message.get("error") in _DAMAGED]
            self._damages += damages
            if damages and may_send:
                self._send(line)
                may_send = False
        return None

    def _send(self, line: bytes) -> None:
        self._port.write(line)
        self._sent += 1

    def read(self, timeout_s: float) -> list[Message]:
        """Read the port once. Returns the answers that came, after events have been handed on. Raises AtPrompt."""
        self._received += self._port.read(timeout_s)
        answers = []
        *lines, rest = bytes(self._received).split(b"\n")
        self._received = bytearray(rest[-frame.LINE_MAX :])
        for line in lines:
            message = self._decode(line)
            if message is None:
                continue
            if "event" in message:
                self._on_event(message)
            else:
                answers.append(message)
        if rest.startswith(b">>> "):
            raise self._at_prompt()
        return answers

    def _decode(self, line: bytes) -> Message | None:
        try:
            message: Message = frame.decode(line)
        except frame.BadFrame:
            if line.startswith((b">>> ", b"raw REPL; CTRL-B to exit")):
                raise self._at_prompt() from None
            self.strange = line.strip() or self.strange
            return None
        return message

    # ---- what to say when nothing fits ----

    def _at_prompt(self) -> AtPrompt:
        return AtPrompt(
            f"{self._port.name}: the board is at the MicroPython prompt (maintenance) and runs no session; "
            "close other programs that use it, then reset it (press RUN/reset or plug it in again)"
        )

    def _no_answer(self, cmd: str, patience_s: float, introduced: bool) -> str:
        name = self._port.name
        if self._sent > 1 and len(self._damages) >= self._sent:  # noise between our lines would leave us an answer
            return (
                f"{name}: every line reaches the device damaged ({commands.ERRORS[self._damages[-1]]}); "
                "try another cable or USB port"
            )
        if introduced:
            return (
                f"{name}: the device no longer answers ({cmd}, {patience_s:g} s); it stops by itself within "
                f"{(session.HOST_LOST_MS + session.FADE_MS) // 1000} s; take the electrodes off and plug it in again"
            )
        heard = bytes(self.strange or self._received)
        if heard:
            return (
                f"{name}: what answers is not OpenNMES (it said {heard[:40]!r}); "
                "choose another port, or flash OpenNMES onto the board"
            )
        return (
            f"{name}: nothing answered within {patience_s:g} s; is it the right port, is OpenNMES on the "
            "board, and does no other program hold it in the raw REPL? Plug it in again and retry"
        )
