"""Ports that answer from a script or by a rule, in a time of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nmes.core import checklist, commands, frame, session
from opennmes.device import identity
from opennmes.ports.errors import PortError

IDENTITY = {
    "device": "opennmes",
    "version": "0.0.0",
    "board": "pico",
    "stage": "reference",
    "protocol": commands.PROTOCOL,
    "table": commands.crc(),
    "checklist": checklist.VERSION,
    "micropython": "1.25.0",
    "uid": "00",
    "name": "",
    "host": 12,
    **identity.expected("pico", "reference"),
}


def line(**message: Any) -> bytes:
    return bytes(frame.encode(message))


def ok(seq: int, **fields: Any) -> bytes:
    return line(seq=seq, ok=True, **fields)


def refused(seq: int | None, error: str, reasons: list[dict[str, Any]] | None = None) -> bytes:
    return line(seq=seq, ok=False, error=error, text=commands.ERRORS[error], reasons=reasons or [])


class _Clock:
    name = "test"

    def __init__(self) -> None:
        self.seconds = 0.0
        self.incoming: list[bytes] = []
        self.closed = False

    def now_s(self) -> float:
        return self.seconds

    def read(self, timeout_s: float) -> bytes:
        if self.incoming:
            return self.incoming.pop(0)
        self.seconds += timeout_s
        return b""

    def close(self) -> None:
        self.closed = True


class ScriptedPort(_Clock):
    """Expects exactly what the script says is sent, and answers what it says; what is left over is a failure."""

    def __init__(self, *script: tuple[bytes, bytes]) -> None:
        super().__init__()
        self.script = list(script)

    def write(self, data: bytes) -> None:
        assert self.script, f"nothing more was to be sent, but this was: {data!r}"
        expected, answer = self.script.pop(0)
        assert data == expected
        if answer:
            self.incoming.append(answer)

    def __enter__(self) -> ScriptedPort:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if kind is None:
            assert not self.script, f"never sent: {self.script}"
            assert not self.incoming, f"never read: {self.incoming}"


class RulePort(_Clock):
    """A little device: knows its state, notes when it was sent what, and can be told to behave otherwise.

    `rules[command]`, if there, makes the answer to that command; None means no answer.
    """

    def __init__(self) -> None:
        super().__init__()
        self.state = session.IDLE
        self.intensity_ua = 0
        self.sent: list[tuple[float, str]] = []
        self.steps: list[tuple[float, int]] = []
        self.rules: dict[str, Callable[[dict[str, Any]], bytes | None]] = {}
        self.gone = False

    def write(self, data: bytes) -> None:
        if self.gone:
            raise PortError("test: gone")
        if data == b"\r\n":
            return
        request = frame.decode(data)
        command = request["cmd"]
        self.sent.append((self.seconds, command))
        answer = self.rules[command](request) if command in self.rules else self._answer(request)
        if answer:
            self.incoming.append(answer)

    def read(self, timeout_s: float) -> bytes:
        if self.gone:
            raise PortError("test: gone")
        return super().read(timeout_s)

    def _answer(self, request: dict[str, Any]) -> bytes:
        seq = request["seq"]
        match request["cmd"]:
            case "identify":
                return ok(seq, **IDENTITY)
            case "arm":
                self.state = session.ARMED
            case "start":
                self.state = session.RUNNING
            case "stop":
                self.state = session.IDLE
            case "intensity":
                self.intensity_ua = request["current_ua"]
                self.steps.append((self.seconds, self.intensity_ua))
                return ok(seq, channel=0, current_ua=self.intensity_ua, limit_ua=40_000, limit_source="x")
        return ok(seq, state=self.state)

    def commands(self) -> list[str]:
        return [command for _, command in self.sent]
