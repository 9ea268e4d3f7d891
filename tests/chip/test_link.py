"""Lines that nobody should send, and more than the board can answer at once, while it delivers on both channels."""

from __future__ import annotations

import binascii
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_mid_train import MS, PIO1, PIO_TXF3, Running, Tap, assert_counted, started

from nmes.core import frame
from opennmes.ports.emulator import EmulatorPort

# The flash may stretch the CPU's time by so much (performance.md); a turn of 80 ms is late.
STRETCH = 1.7
LATE_MS = 80

PHASE = {"rate_mhz": 35_000, "width_us": 200, "gap_us": 50, "work_ms": 5_000, "rest_ms": 10_000, "ramp_up_ms": 1_000,
         "ramp_down_ms": 1_000, "duration_ms": 180_000}  # fmt: skip
SIXTEEN = {
    "title": "x" * 60, "effect": "motor", "electrode": {"kind": "pads", "area_mm2": 2_500}, "max_current_ua": 5_000,
    "channels": [{"channel": i, "delay_us": 0, "phases": [{"name": "n" * 20, **PHASE}] * 8} for i in (0, 1)],
}  # fmt: skip


def sealed(text: str) -> bytes:
    data = text.encode()
    return b"%s %08x\n" % (data, binascii.crc32(data))


def request(cmd: str, inner: str) -> Callable[[int, int], bytes]:
    """A line with any text for its arguments, of the host and with the number that it is given."""
    return lambda seq, host: sealed(f'{{"seq":{seq},"host":{host},"cmd":"{cmd}",{inner}}}')


LONGEST = frame.LINE_MAX - 80
LINES: dict[str, tuple[str | None, Callable[[int, int], bytes]]] = {
    "320 unknown arguments": ("bad_argument", request("keepalive", ",".join(f'"{i:x}":0' for i in range(320)))),
    "as many as a line holds": ("bad_argument", request("status", ",".join(f'"{i:x}":0' for i in range(450)))),
    "one key very often": ("bad_argument", request("keepalive", ",".join(['"a":0'] * (LONGEST // 6)))),
    "nested as deep as a line is long": ("bad_argument", request("status", '"x":' + "[" * 1_900 + "]" * 1_900)),
    "nested objects": (None, request("status", '"x":' + '{"a":' * 600 + "1" + "}" * 600)),
    "nested and never closed": (None, request("status", '"x":' + "[" * LONGEST)),
    "thousands of items": ("bad_argument", request("status", '"x":[' + ",".join(["1"] * (LONGEST // 2 - 8)) + "]")),
    "a long text": ("bad_argument", request("status", '"x":"' + "y" * LONGEST + '"')),
    "a long key": ("bad_argument", request("status", '"' + "y" * LONGEST + '":1')),
    "a long number": (None, request("status", '"x":' + "9" * LONGEST)),
    "a load of 16 phases": ("wrong_state", lambda seq, host: frame.encode(
        {"seq": seq, "host": host, "cmd": "load", "programme": SIXTEEN}
    )),
    "a load of nothing known": ("wrong_state", request(
        "load", '"programme":{' + ",".join(f'"{i:x}":0' for i in range(400)) + "}"
    )),
    "too long": ("too_long", lambda seq, host: b"x" * (2 * frame.LINE_MAX) + b"\n"),
}  # fmt: skip


@pytest.fixture(scope="module")
def running(uf2: Path) -> Any:
    port = EmulatorPort(uf2)
    yield started(port.stage._pico, port.stage, port, 100_000)
    port.close()


def number(running: Running) -> tuple[int, int]:
    running.device._seq += 1
    assert running.device._host is not None
    return running.device._seq, running.device._host


def test_no_line_that_a_host_can_write_makes_a_turn_late_or_a_fault(running: Running) -> None:
    renewed_ns: list[int] = []
    Tap(running, PIO1, "write", PIO_TXF3, lambda: renewed_ns.append(running.pico.nanos))
    for name, (error, line) in LINES.items():
        renewed_ns.clear()
        sent = line(*number(running))
        assert len(sent) <= frame.LINE_MAX or error == "too_long"
        running.port.write(sent)
        heard = b""
        until_s = running.port.now_s() + 2
        while b'"ok":' not in heard and running.port.now_s() < until_s:
            heard += running.port.read(0.02)
        answer = next(json.loads(each[:-9]) for each in heard.split(b"\n") if b'"ok":' in each)
        turn_ms = max(later - sooner for sooner, later in itertools.pairwise(renewed_ns)) / MS
        print(f"{name}: {len(sent)} bytes, {answer['error']}, a turn at most {turn_ms:.1f} ms")
        assert not answer["ok"] and (error is None or answer["error"] == error), name
        assert turn_ms * STRETCH < LATE_MS, name
        status = running.device.status()
        assert (status["state"], status["fault"], status["underruns"]) == ("RUNNING", 0, 0), name


def test_of_requests_that_come_all_at_once_each_gets_its_answer_in_order(running: Running) -> None:
    first = running.device._seq + 1
    lines = [
        frame.encode({"seq": seq, "host": host, "cmd": "status" if i % 3 else "self_test"})
        for i in range(30)
        for seq, host in [number(running)]
    ]
    running.port.write(b"".join(lines))
    heard = b""
    until_s = running.port.now_s() + 10
    while heard.count(b'"ok":') < 30 and running.port.now_s() < until_s:
        heard += running.port.read(0.05)
    answers = [message["seq"] for message in map(frame.decode, heard.split(b"\n")[:-1]) if "ok" in message]
    assert answers == list(range(first, first + 30))
    assert running.device.status()["state"] == "RUNNING"
    assert_counted(running)


def test_sixteen_phases_are_taken(running: Running) -> None:
    assert running.device.load(SIXTEEN)["pulses"] > 1_000
