"""A witness that is exact and has no chip: it looks at the pins of an emulated board and says what a real one would.

It is the port of a witness, as the host tools open one; its time is the board's, by a crystal of its own. Words and
frames are those of measure/captures/witness_frames.py. What state machines, DMA and MicroPython make of the same is
tried with the witness's own firmware on a second emulated chip (tests/chip/test_witness.py).

virtual_witness.pxd has the types by which `make setup` compiles this file (scripts/compiled.py).
"""

from __future__ import annotations

import binascii
import json
import math
from collections.abc import Mapping, Sequence

from opennmes.emulator.cycles import CYCLE_NANOS
from opennmes.emulator.lines import Lines
from opennmes.emulator.pico import EmulatedPico
from opennmes.emulator.watcher import Wave
from opennmes.measure.captures import witness_frames as frames
from opennmes.measure.captures.witness import (
    FALL_TO_RISE_CYCLES,
    FIRST_EDGE_LOOK_CYCLES,
    FIRST_LOOK_CYCLES,
    LOOK_CYCLES,
    LOOKS,
    RISE_TO_FALL_CYCLES,
    ROUND_CYCLES,
    WINDOW_CYCLES,
)

WORD = 0xFFFFFFFF
# As firmware/witness has them (tests/architecture/test_constants.py).
HEARTBEAT_NANOS = 20_000_000
LONG_ROUNDS = 1_250
WORDS_MOST = 500
STRETCHES_MOST = 40
PLATEAUS_MOST = 500
_NO_ROUNDS = 0x3FFFFFFF  # the fewest of a stretch that has no half yet


class _Pin:
    """One machine, after firmware/witness/edges_pio.py: when it looks, and what it says then."""

    def __init__(self) -> None:
        self.level = 0
        self.looked = -1  # the cycle of the look that saw the last change; the first look is in cycle 1
        self.rounds = 0
        self.pending: list[tuple[int, int]] = []  # (cycle of the look, level)
        self.words: list[int] = []
        self.total = 0
        self._rounds = 0  # to the pending look

    def change(self, cycle: float, level: int) -> None:
        """The pin changes; what no look falls into is not seen."""
        if level == self.level:
            return
        self.level = level
        if self.pending and self.pending[-1][0] >= cycle:
            self.pending.pop()
            return
        self._settle()
        base, least = (FALL_TO_RISE_CYCLES, 0) if level else (RISE_TO_FALL_CYCLES, 1)
        if not self.total:
            base = FIRST_EDGE_LOOK_CYCLES - self.looked
        rounds = max(least, _ceil((cycle - self.looked - base) / ROUND_CYCLES))
        self.pending.append((self.looked + base + ROUND_CYCLES * rounds, level))
        self._rounds = rounds

    def _settle(self) -> None:
        for look, _ in self.pending:
            self.looked = look
            self.rounds += self._rounds
            self.total += 1
            self.words.append(WORD - self.rounds & WORD)
        self.pending.clear()

    def take(self, cycle: float) -> list[int]:
        """What was said up to a cycle."""
        if self.pending and self.pending[-1][0] < cycle:
            self._settle()
        words, self.words = self.words[:WORDS_MOST], self.words[WORDS_MOST:]
        return words


class _Level:
    """One machine that counts how often its pin is high, after firmware/witness/edges_pio.py."""

    def __init__(self) -> None:
        self.level = 0
        self.since = 0.0  # the cycle of the last change
        self.looks: dict[int, int] = {}  # high ones of windows that are not over
        self.over = 0  # windows that are

    def change(self, cycle: float, level: int) -> None:
        """The pin changes."""
        if self.level:
            self._was_high(self.since, cycle)
        self.level, self.since = level, cycle

    def _was_high(self, begin: float, end: float) -> None:
        """Count the looks from one cycle to before another."""
        window = max(0, -_ceil((FIRST_LOOK_CYCLES - begin) / WINDOW_CYCLES))
        while (at := FIRST_LOOK_CYCLES + window * WINDOW_CYCLES) < end:
            first = max(0, _ceil((begin - at) / LOOK_CYCLES))
            last = min(LOOKS, _ceil((end - at) / LOOK_CYCLES))
            if last > first:
                self.looks[window] = self.looks.get(window, 0) + last - first
            window += 1

    def take(self, cycle: float) -> list[list[int]]:
        """The plateaus [first, count, least, most] of the windows that are over at a cycle, since the last time."""
        self.change(cycle, self.level)
        until = math.floor((cycle - FIRST_LOOK_CYCLES) / WINDOW_CYCLES)
        made: list[list[int]] = []
        for window in range(self.over, until):
            high = self.looks.pop(window, 0)
            last = made[-1] if made else None
            if last and max(last[3], high) - min(last[2], high) <= 1:
                last[1:] = [last[1] + 1, min(last[2], high), max(last[3], high)]
            else:
                made.append([window, 1, high, high])
        self.over = max(self.over, until)
        return made


def _ceil(value: float) -> int:
    """math.ceil(), which machine code would have to ask Python for."""
    return -int(-value // 1)


def _tell(pin: _Pin | _Level, wave: Wave, begin: int, end: int, go_nanos: int, per_nano: float) -> None:
    """Let a pin change with the edges of a wave from number `begin` to before `end`."""
    for number in range(begin, end):
        pin.change((round(wave.nanos(number)) - go_nanos) * per_nano, wave.level(number))


class VirtualWitness:
    """`lines` are the wires to the board; `gpios`, `machines`, `level_machines` and `pulls` are as
    firmware/witness/wires.py has them; `ppm`: by how much its crystal is faster than the board's."""

    name = "virtual witness"

    def __init__(
        self,
        lines: Lines,
        gpios: Mapping[str, int],
        machines: Mapping[str, int],
        level_machines: Mapping[str, int],
        pulls: Sequence[str],
        hello: Mapping[str, object],
        *,
        ppm: float = 0.0,
    ) -> None:
        self._pico: EmulatedPico = lines.pico
        self._lines = lines
        self._machines = dict(machines)
        self._gpios = dict(gpios)
        self._level_machines = dict(level_machines)
        self._pulls = tuple(pulls)
        self._hello = {
            "machines": self._machines, "level_machines": self._level_machines, "gpios": self._gpios, **hello,
        }  # fmt: skip
        self._fast = 1 + ppm / 1e6
        self._per_nano = self._fast / CYCLE_NANOS
        self._out = bytearray()
        self._line = b""
        self._number = 0
        self._go_nanos: int | None = None
        self._due = 0
        self._last = WORD  # the pump's last word
        self._pins: dict[str, _Pin] = {}
        self._duties: dict[str, _Level] = {}
        self._recorded: dict[int, _Pin | _Level] = {}  # by the witness's pin
        self.pulled: list[str] = []
        self.drop_frames = 0  # so many of the next frames are lost on the way
        self.stalled = 0
        lines.watch(self._changed, self._told_late)

    # ---- a port ----

    def write(self, data: bytes) -> None:
        """Send commands."""
        *lines, self._line = (self._line + data).replace(b"\r", b"\n").split(b"\n")
        for line in lines:
            text, _, crc = line.rpartition(b" ")
            if text and crc == b"%08x" % binascii.crc32(text):
                self._command(text.decode())

    def read(self, timeout_s: float) -> bytes:
        """What it has said; the board runs meanwhile, for at most `timeout_s`."""
        self._say()
        if not self._out and timeout_s > 0:
            self._pico.run_for(math.ceil(timeout_s * 1e9))
            self._say()
        data, self._out = bytes(self._out), bytearray()
        return data

    def now_s(self) -> float:
        """The board's time."""
        return self._pico.nanos / 1e9

    def close(self) -> None:
        """It stays as it is."""

    # ---- what it is told ----

    def _command(self, text: str) -> None:
        self._pico.catch_up()
        name, _, rest = text.partition(" ")
        answer: dict[str, object] = {"answer": name}
        if name == "hello":
            answer.update(self._hello, levels=self._lines.levels(), us=self._us())
        elif name == "record":
            self._go_nanos = self._pico.nanos
            with_levels = rest == "levels"
            roles = self._level_machines if with_levels else self._machines
            self._duties = {role: _Level() for role in roles if role.startswith("level_")}
            self._pins = {role: _Pin() for role in roles if role not in self._duties}
            if with_levels:
                self._lines.follow_levels()
            levels = self._lines.levels()
            self._recorded = {self._gpios[role]: pin for role, pin in self._pins.items()}
            self._recorded |= {self._gpios[role]: pin for role, pin in self._duties.items()}
            for gpio, pin in self._recorded.items():
                pin.change(0, levels >> gpio & 1)
            self._due = self._pico.nanos
            answer["us"] = self._us()
        elif name == "halt":
            self._go_nanos = None
        elif name == "pull":
            self.pulled = [] if rest == "-" else rest.split(",")
            self._lines.pull([self._gpios[role] for role in self.pulled])
        else:
            return
        self._send(frames.JSON, json.dumps({**answer, "pulled": self.pulled}).encode())

    # ---- what it sees ----

    def _us(self) -> int:
        return int(self._pico.nanos * self._fast / 1_000) & WORD

    def _cycle(self) -> float:
        assert self._go_nanos is not None
        return (self._pico.nanos - self._go_nanos) * self._fast / CYCLE_NANOS

    def _changed(self, gpio: int, level: int) -> None:
        if self._go_nanos is None:
            return
        pin = self._recorded.get(gpio)
        if pin is not None:
            pin.change((self._pico.nanos - self._go_nanos) * self._per_nano, level)

    def _told_late(self, gpio: int, wave: Wave, begin: int, end: int) -> None:
        pin = self._recorded.get(gpio)
        if self._go_nanos is not None and pin is not None:
            _tell(pin, wave, begin, end, self._go_nanos, self._per_nano)

    def _say(self) -> None:
        if self._go_nanos is None:
            return
        us, levels, cycle = self._us(), self._lines.levels(), self._cycle()
        for role, pin in self._pins.items():
            machine = self._machines[role]
            if role == "pump":
                while words := pin.take(cycle):
                    self._pump(pin, words, us, levels, machine)
                continue
            while words := pin.take(cycle):
                total = pin.total - len(pin.words)
                self._send(frames.EDGES, frames.of_machine(frames.EDGES, us, levels, total, machine, words))
        for role, duty in self._duties.items():
            made = duty.take(cycle)
            for at in range(0, len(made), PLATEAUS_MOST):
                part = made[at : at + PLATEAUS_MOST]
                words = [frames.plateau(*plateau[1:]) for plateau in part]
                total = part[-1][0] + part[-1][1]
                machine = self._level_machines[role]
                self._send(frames.LEVELS, frames.of_machine(frames.LEVELS, us, levels, total, machine, words))
        if self._pico.nanos >= self._due:
            self._due = self._pico.nanos + HEARTBEAT_NANOS
            pulls = sum(1 << bit for bit, role in enumerate(self._pulls) if role in self.pulled)
            self._send(frames.HEARTBEAT, frames.OF_HEARTBEAT.pack(us, levels, self.stalled, 0, pulls))

    def _pump(self, pin: _Pin, words: list[int], us: int, levels: int, machine: int) -> None:
        number = pin.total - len(pin.words) - len(words)
        made: list[list[int]] = []
        if number:
            made.append([self._last, self._last, number, 0, _NO_ROUNDS, 0])
        for word in words:
            number += 1
            rounds = made[-1][1] - word & WORD if made else WORD
            if rounds <= LONG_ROUNDS:
                stretch = made[-1]
                stretch[1:] = [word, number, stretch[3] + 1, min(stretch[4], rounds), max(stretch[5], rounds)]
            else:
                made.append([word, word, number, 0, _NO_ROUNDS, 0])
        self._last = words[-1]
        for at in range(0, len(made), STRETCHES_MOST):
            part = [value for stretch in made[at : at + STRETCHES_MOST] for value in stretch]
            last = made[min(at + STRETCHES_MOST, len(made)) - 1][2]
            self._send(frames.PUMP, frames.of_machine(frames.PUMP, us, levels, last, machine, part))

    def _send(self, kind: bytes, payload: bytes) -> None:
        if self.drop_frames and kind != frames.JSON:
            self.drop_frames -= 1
        else:
            self._out += frames.encode(kind, self._number, payload)
        self._number += 1
