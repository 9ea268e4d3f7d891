"""Lines that nobody should send, and more than the board can answer at once, while it delivers on both channels."""

from __future__ import annotations

import binascii
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_mid_train import MS, PIO1, PIO_TXF3, Running, Tap, assert_counted, started

from nmes.core import frame
from opennmes.ports.emulator import EmulatedPortWithStage

LATE_MS = 80  # a turn that takes so long is a fault
SLOWER = 1.7  # so much slower than the emulator's may a chip's Python be

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
LINES: dict[str, tuple[str, Callable[[int, int], bytes]]] = {
    "as many arguments as a session's line holds": (
        "bad_argument", request("keepalive", ",".join(f'"{i:x}":0' for i in range(26)))
    ),
    "nested as deep as it holds": ("bad_argument", request("status", '"x":' + "[" * 90 + "]" * 90)),
    "a number as long as it holds": ("bad_argument", request("status", '"x":' + "9" * 180)),
    "a refused step": ("refused", request("intensity", '"channel":0,"current_ua":20000')),
    "320 unknown arguments": ("wrong_state", request("keepalive", ",".join(f'"{i:x}":0' for i in range(320)))),
    "as many as a line holds": ("wrong_state", request("status", ",".join(f'"{i:x}":0' for i in range(450)))),
    "one key very often": ("wrong_state", request("keepalive", ",".join(['"a":0'] * (LONGEST // 6)))),
    "nested as deep as a line is long": ("wrong_state", request("status", '"x":' + "[" * 1_900 + "]" * 1_900)),
    "nested objects": ("wrong_state", request("status", '"x":' + '{"a":' * 600 + "1" + "}" * 600)),
    "nested and never closed": ("wrong_state", request("status", '"x":' + "[" * LONGEST)),
    "thousands of items": ("wrong_state", request("status", '"x":[' + ",".join(["1"] * (LONGEST // 2 - 8)) + "]")),
    "a long text": ("wrong_state", request("status", '"x":"' + "y" * LONGEST + '"')),
    "a long key": ("wrong_state", request("status", '"' + "y" * LONGEST + '":1')),
    "a long number": ("wrong_state", request("status", '"x":' + "9" * LONGEST)),
    "a load of 16 phases": ("wrong_state", lambda seq, host: frame.encode(
        {"seq": seq, "host": host, "cmd": "load", "programme": SIXTEEN}
    )),
    "a load of nothing known": ("wrong_state", request(
        "load", '"programme":{' + ",".join(f'"{i:x}":0' for i in range(400)) + "}"
    )),
    "too long": ("wrong_state", lambda seq, host: b"x" * (2 * frame.LINE_MAX) + b"\n"),
}  # fmt: skip


@pytest.fixture(scope="module")
def running(uf2: Path) -> Any:
    port = EmulatedPortWithStage(uf2)
    yield started(port.stage._pico, port.stage, port, 100_000)
    port.close()


def number(running: Running) -> tuple[int, int]:
    running.device.exchange.seq += 1
    assert running.device._host is not None
    return running.device.exchange.seq, running.device._host


def said(running: Running, answers: int, most_s: float) -> list[dict[str, Any]]:
    """What the board says, until there are so many answers, or time is over; read by the client, which may hold the
    begin of a line already."""
    until_s = running.port.now_s() + most_s
    messages: list[dict[str, Any]] = []
    while len(messages) < answers and running.port.now_s() < until_s:
        messages += [each for each in running.device.exchange.read(0.02) if "ok" in each]
    return messages


def test_no_line_that_a_host_can_write_makes_a_turn_late_or_a_queue_run_short(running: Running) -> None:
    renewed_ns: list[int] = []
    Tap(running, PIO1, "write", PIO_TXF3, lambda: renewed_ns.append(running.pico.nanos))
    for name, (error, line) in LINES.items():
        renewed_ns.clear()
        sent = line(*number(running))
        running.port.write(sent)
        (answer,) = said(running, 1, 2)
        status = running.device.status()
        turn_ms = max(later - sooner for sooner, later in itertools.pairwise(renewed_ns)) / MS
        print(f"{name}: {len(sent)} bytes, {answer.get('error')}, a turn at most {turn_ms:.1f} ms")
        assert (status["state"], status["fault"], status["underruns"]) == ("RUNNING", 0, 0), name + status["fault_text"]
        assert not answer["ok"] and (answer["error"] == error), name
        assert turn_ms * SLOWER < LATE_MS, name


def test_of_requests_that_come_all_at_once_each_gets_its_answer_in_order(running: Running) -> None:
    first = running.device.exchange.seq + 1
    lines = [
        frame.encode({"seq": seq, "host": host, "cmd": "status" if i % 3 else "self_test"})
        for i in range(30)
        for seq, host in [number(running)]
    ]
    running.port.write(b"".join(lines))
    answers = [message["seq"] for message in said(running, 30, 10)]
    assert answers == list(range(first, first + 30))
    assert_counted(running)


def test_sixteen_phases_are_taken(running: Running) -> None:
    running.device.stop()
    assert running.device.load(SIXTEEN)["pulses"] > 1_000
