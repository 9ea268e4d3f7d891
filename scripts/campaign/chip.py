"""A sample of the campaign on the emulated chip: the UF2 as it is flashed, the host tools, the stage around the pins.

Booting and starting takes most of the time, so cases are branches of one running session; the seed says what breaks
and when.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import json
import random
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from campaign import oracle
from campaign.result import result
from opennmes.boards import load_board, load_stage
from opennmes.device.client import Device, DeviceRefused, LinkError
from opennmes.emulator.branch import branch
from opennmes.emulator.pico import BenchError, EmulatedPico
from opennmes.emulator.stage import OutputStage
from opennmes.measure import pulses as measure
from opennmes.ports.base import Port
from opennmes.ports.emulator import BOARD, EmulatedPort, EmulatedPortWithStage, find_uf2
from opennmes.ports.errors import PortError
from opennmes.ports.virtual import micropython

KINDS = (
    "foreign_files", "store_damaged", "cpu_stop", "load_open", "stop_bounces", "sense_stuck", "power_cut",
    "link_flipped", "sense_drift", "link_lost", "not_a_number", "enable_low",
)  # fmt: skip
ROOT = Path(__file__).resolve().parents[2]
LITTLEFS = Path(__file__).resolve().parent / "board" / "littlefs.py"
# What is kept, and MicroPython's file system: (where, how long) in flash.
FLASH = load_board(BOARD)["flash"]
DEAD_S = 1.5  # of simulated time: a board that says nothing for so long says nothing
CELL, ERASED = 16, 0xFF
# What people and `mip` leave on a board, or an older firmware did; some of it under names that the firmware has too.
FOREIGN_NAMES = (
    "board.py", "boot.py", "main.py", "_boot.py", "rp2.py", "json.py", "lib/json.py", "nmes/__init__.py", "nmes/app.py",
    "lib/nmes/core/limits.py", "nmes/core/frame.mpy", "stages/__init__.py", "stages.py", "select.py", "nmes_build.py",
)  # fmt: skip
FOREIGN_TEXTS = ("", "raise SystemExit\n", "import missing\n", "while True:\n    pass\n", "BOARD = {}\n")
CURRENT_UA = 1_000
REPORT_US = 200_000  # a status line takes so long over USB, some bytes a turn
SPIN = 0x2003FF00  # at the end of RAM, in the stack's reserve
PROGRAMME: dict[str, Any] = {
    "title": "campaign", "effect": "sensory", "electrode": {"kind": "dummy", "area_mm2": 10_000},
    "max_current_ua": 20_000,
    "phases": [
        {"name": "on", "rate_mhz": 50_000, "width_us": 200, "gap_us": 50, "work_ms": 0, "rest_ms": 0, "ramp_up_ms": 0,
         "ramp_down_ms": 0, "duration_ms": 60_000},
    ],
    "channels": [{"channel": 0, "delay_us": 0}],
}  # fmt: skip


class Line:
    """A port that notes what people and device say, and damages what it is told to."""

    name = "campaign"

    def __init__(self, port: Port, notes: list[oracle.Note], since_us: float = 0) -> None:
        self.port = port
        self.notes = notes
        self.since_us = since_us
        self.damage: Callable[[bytes], bytes] | None = None
        self._received = b""
        self._commands: dict[int, str] = {}

    def now_us(self) -> float:
        return self.since_us + self.port.now_s() * 1e6

    def note(self, what: str, *more: Any) -> None:
        self.notes.append([self.now_us(), what, *more])

    def write(self, data: bytes) -> None:
        with contextlib.suppress(ValueError):
            message = json.loads(data[:-10])
            if message["seq"] not in self._commands:
                self._commands[message["seq"]] = message["cmd"]
                self.note(
                    "sent",
                    message["seq"],
                    message["cmd"],
                    {k: v for k, v in message.items() if k in ("channel", "current_ua")},
                )
        if self.damage:
            data, self.damage = self.damage(data), None
        self.port.write(data)

    def read(self, timeout_s: float) -> bytes:
        data = self.port.read(timeout_s)
        *lines, self._received = (self._received + data).split(b"\n")
        for line in lines:
            with contextlib.suppress(ValueError):
                message = json.loads(line[:-9])
                if "state" in message:
                    self.note("said", message["state"], message.get("fault", 0), message.get("ended", ""))
                if "largest_current_ua" in message:
                    self.note("accepted", message["largest_current_ua"])
                if message.get("seq") in self._commands:
                    self.note(
                        "answered",
                        message["seq"],
                        self._commands[message["seq"]],
                        message["ok"],
                        message.get("error", ""),
                    )
        return data

    def now_s(self) -> float:
        return self.port.now_s()

    def close(self) -> None:
        self.port.close()


class Board:
    """A session that runs at 1 mA."""

    def __init__(self) -> None:
        port = EmulatedPortWithStage()
        self.stage = port.stage
        self.pico = port.stage._pico
        self.notes: list[oracle.Note] = []
        self.traces: list[tuple[float, OutputStage]] = [(0.0, self.stage)]
        self.line = Line(port, self.notes)
        self.device = Device(self.line)
        self.run()

    def run(self) -> None:
        """A session at CURRENT_UA."""
        self.device.connect()
        loaded = self.device.load(PROGRAMME)
        self.device.acknowledge()
        self.device.arm(loaded["programme_crc"])
        self.device.start()
        self.device.set_intensity(CURRENT_UA)
        self.device.wait(0.1)

    def inject(self, kind: str, **what: Any) -> None:
        self.line.note("injected", kind, what)

    def seen(self, plan: dict[str, Any]) -> oracle.Seen:
        notes = list(self.notes)
        pulses: list[list[float]] = []
        for since_us, stage in self.traces:
            trace = stage.finish()
            notes += [[since_us + nanos / 1e3, "enable", value] for nanos, value in trace.changes("enable")]
            whole = False
            for found in measure.pulses(trace, 0):
                whole = whole or found.current_a_ua == CURRENT_UA
                set_level = CURRENT_UA // 100 if whole else found.current_a_ua // 100
                pulses.append([
                    since_us + found.start_nanos / 1e3, found.width_a_ns / 1e3, found.gap_ns / 1e3,
                    found.width_b_ns / 1e3, abs(found.current_a_ua), abs(found.current_b_ua), 0, set_level, set_level,
                ])  # fmt: skip
        notes.sort(key=lambda note: note[0])
        return oracle.Seen(plan, notes, pulses, self.line.now_us())


def run(seeds: Iterable[int]) -> Iterator[dict[str, Any]]:
    for found, _ in cases(seeds):
        yield found


def cases(seeds: Iterable[int]) -> Iterator[tuple[dict[str, Any], oracle.Seen]]:
    board = Board()
    for seed in seeds:
        plan = {
            "seed": seed,
            "programme": PROGRAMME,
            "self_test_moves": True,
            "report_us": REPORT_US,
            "kind": KINDS[seed % len(KINDS)],
        }
        seen: oracle.Seen = branch(functools.partial(_broken, board, plan))
        yield result(seen), seen


def _broken(board: Board, plan: dict[str, Any]) -> oracle.Seen:
    die = random.Random(plan["seed"])
    kind = plan["kind"]
    board.pico.run_for(die.randrange(0, 40_000_000))
    try:
        DEEDS[kind](board, die)
    except (PortError, LinkError, DeviceRefused, BenchError) as error:
        board.line.note("host", str(error))
    return board.seen(plan)


def _look(board: Board, seconds: float = 0.3) -> None:
    board.device.wait(seconds)
    board.device.status()


def _cpu_stop(board: Board, die: random.Random) -> None:
    board.inject("cpu_stop", us=900_000 + 300_000)
    mcu = board.pico.mcu
    mcu.write_uint16(SPIN, 0xE7FE)
    mcu.core.pm = True
    mcu.core.pc = SPIN
    board.pico.run_until(lambda: board.pico.resets > 0, 1_200_000_000)
    board.line.note("down", "watchdog timer")
    board.line = Line(EmulatedPort(board.pico), board.notes)
    board.device = Device(board.line)
    board.device.status()  # somebody opens the port of a board that was reset, and asks


def _load_open(board: Board, die: random.Random) -> None:
    board.inject("load_open", ohm=10_000_000)
    board.stage.load_ohm = 10_000_000
    _look(board)


def _stop_bounces(board: Board, die: random.Random) -> None:
    for _ in range(die.choice((1, 3, 7))):
        board.inject("stop_bounces")
        board.stage.stop_opened = True
        board.pico.run_for(die.choice((2_000, 50_000, 2_000_000)))
        board.stage.stop_opened = False
        board.pico.run_for(die.choice((2_000, 50_000, 2_000_000)))
    _look(board)


def _sense_stuck(board: Board, die: random.Random) -> None:
    counts = die.choice((0, 1_948, 2_148, 4_095))
    board.inject("sense_stuck", counts=counts)
    board.stage.sense_stuck = counts
    _sense(board)


def _sense_drift(board: Board, die: random.Random) -> None:
    board.inject("sense_drift", counts_per_s=1_000)
    for _ in range(30):
        board.stage.sense_offset += 1
        board.pico.run_for(1_000_000)
    _look(board)


def _sense(board: Board) -> None:
    board.stage.load_ohm = board.stage.load_ohm  # what is sensed changes now
    _look(board)


def _link(board: Board, die: random.Random, kind: str) -> None:
    for _ in range(3):
        at, count = die.randrange(60), die.choice((1, 3, 20))
        board.inject(kind, at=at, bytes=count)

        def damage(data: bytes, at: int = at, count: int = count) -> bytes:
            middle = b"" if kind == "link_lost" else bytes(byte ^ 1 for byte in data[at : at + count])
            return data[:at] + middle + data[at + count :]

        board.line.damage = damage
        board.device.status()
    _look(board, 0.05)


def _not_a_number(board: Board, die: random.Random) -> None:
    board.inject("not_a_number")
    with contextlib.suppress(DeviceRefused):
        board.device.request(
            "intensity", channel=0, current_ua=die.choice((float("nan"), float("inf"), None, True, 1e9))
        )
    _look(board, 0.05)


def _power_cut(board: Board, die: random.Random) -> None:
    if die.random() < 0.5:  # while the record of a fault is being written
        board.inject("stop_bounces")
        board.stage.stop_opened = True
        board.pico.run_for(die.randrange(5_000_000, 120_000_000))
    board.inject("power_cut")
    _boot_again(board, bytearray(board.pico.flash_image()))
    board.device.status()


def _boot_again(board: Board, flash: bytearray) -> None:
    """The power goes, and comes again on this flash."""
    board.line.note("cut")
    since_us = board.line.now_us()
    pico = EmulatedPico(find_uf2(None), bytes(flash))
    described = load_board(BOARD)
    board.traces.append((since_us, OutputStage(pico, described, load_stage(described["stage"]))))
    board.line = Line(EmulatedPort(pico), board.notes, since_us)
    board.device = Device(board.line)


def _foreign_files(board: Board, die: random.Random) -> None:
    """Files on the board's own file system, under names that the firmware has; then a session like any other."""
    files = {name: die.choice(FOREIGN_TEXTS) for name in die.sample(FOREIGN_NAMES, die.choice((1, 3, 8)))}
    if die.random() < 0.5:  # another stage, half as strong: twice the current of what is asked
        text = (ROOT / "boards" / "stages" / "reference.py").read_text()
        for was, becomes in (('"full_scale_ua": 100_000', '"full_scale_ua": 50_000'), (": 55,", ": 27,")):
            assert was in text
            text = text.replace(was, becomes)
        files = {"stages/__init__.py": "", "stages/reference.py": text}
    files = {path: text for path, text in files.items() if path.removesuffix(".py") + "/__init__.py" not in files}
    board.inject("foreign_files", files=sorted(files))
    at, size = FLASH["files"]
    flash = bytearray(board.pico.flash_image())
    flash[at : at + size] = littlefs(size, {path: text.encode() for path, text in files.items()})
    _boot_again(board, flash)
    board.device.request("identify", patience_s=DEAD_S)
    board.run()
    _look(board)


def littlefs(size: int, files: dict[str, bytes]) -> bytes:
    """The image of a file system of `size` bytes with these files, made by MicroPython's own littlefs."""
    contents = {path: base64.b64encode(content).decode() for path, content in files.items()}
    asked = json.dumps({"bytes": size, "files": contents}).encode()
    command = [micropython(), "-X", "heapsize=32m", str(LITTLEFS)]
    return subprocess.run(command, input=asked, stdout=subprocess.PIPE, check=True).stdout


def _store_damaged(board: Board, die: random.Random) -> None:
    """A fault is kept, the power goes, and one place of what was written changes: a bit, a run, an erase block."""
    board.inject("stop_bounces")
    board.stage.stop_opened = True
    board.device.wait(0.4)
    board.device.status()
    at, size = FLASH["store"]
    flash = bytearray(board.pico.flash_image())
    cells = [i for i in range(at, at + size, CELL) if any(byte != ERASED for byte in flash[i : i + CELL])]
    cell, length = die.choice(cells), die.choice((0, 1, 16, 256, 4_096))
    board.inject("store_damaged", place=cell - at, bytes=length)
    begin = cell - (cell - at) % max(1, length)
    for i in range(begin, begin + length):
        flash[i] = ERASED
    if not length:
        flash[cell] ^= 1 << die.randrange(8)
    _boot_again(board, flash)
    _look(board, 0.1)


def _enable_low(board: Board, die: random.Random) -> None:
    board.inject("enable_low")
    board.pico.mcu.gpio[load_board(BOARD)["pins"]["enable"]].set_input_value(False)
    _look(board)


DEEDS: dict[str, Callable[[Board, random.Random], None]] = {
    "foreign_files": _foreign_files, "store_damaged": _store_damaged, "cpu_stop": _cpu_stop, "load_open": _load_open,
    "stop_bounces": _stop_bounces, "sense_stuck": _sense_stuck,
    "power_cut": _power_cut, "link_flipped": lambda board, die: _link(board, die, "link_flipped"),
    "link_lost": lambda board, die: _link(board, die, "link_lost"), "sense_drift": _sense_drift,
    "not_a_number": _not_a_number, "enable_low": _enable_low,
}  # fmt: skip
