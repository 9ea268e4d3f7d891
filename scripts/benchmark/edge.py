"""How long it is from a rising edge at the trigger input to phase A, and by how much that varies.

    PYTHONPATH=scripts .venv/bin/python -m benchmark.edge [EDGES]

The image for the stage with a trigger input runs on the emulated RP2040, in a session with a host at its link. Edges
come at random instants of the chip's clock; each begins a train, whose first phase A is looked for at its pin, and at
the sync output. docs/benchmark.md has what it found.
"""

from __future__ import annotations

import itertools
import random
import statistics
import sys
from typing import Any

from opennmes import paths
from opennmes.boards import load_board, load_stage
from opennmes.device.client import Device
from opennmes.emulator.pico import EmulatedPico
from opennmes.emulator.stage import OutputStage
from opennmes.ports.emulator import EmulatedPort

STAGE = "reference-biofeedback"
EDGES, SEED = 100, 1
HIGH_NS = 200_000
PROGRAMME: dict[str, Any] = {
    "title": "edges", "effect": "sensory", "electrode": {"kind": "dummy", "area_mm2": 1_000}, "max_current_ua": 20_000,
    "phases": [
        {"name": "on", "rate_mhz": 100_000, "width_us": 200, "gap_us": 50, "work_ms": 100, "rest_ms": 100,
         "ramp_up_ms": 0, "ramp_down_ms": 0, "duration_ms": 600_000},
    ],
    "trigger": {"source": "edge", "refractory_ms": 100, "timeout_ms": 10_000, "on_timeout": "skip"},
}  # fmt: skip


class Board:
    """The emulated board, in a session that waits for edges. `phases` are the ns at which phase A rose, `synced` those
    at which the sync output did."""

    def __init__(self) -> None:
        board, stage = load_board("pico", STAGE), load_stage(STAGE)
        self.settle_ns = stage["level_settle_us"] * 1_000
        self.pico = EmulatedPico(paths.uf2("pico", STAGE))
        self.stage = OutputStage(self.pico, board, stage)
        self.device = Device(EmulatedPort(self.pico))
        pins = board["pins"]
        self._input = pins["trigger_input"]
        self.phases: list[int] = []
        self.synced: list[int] = []
        self._note(pins["channels"][0]["phase_a"], self.phases)
        self._note(pins["sync_output"], self.synced)
        self.device.connect()
        loaded = self.device.load(PROGRAMME)
        self.device.acknowledge()
        self.device.arm(loaded["programme_crc"])

    def _note(self, pin: int, rises: list[int]) -> None:
        self.pico.watch(pin, lambda level: rises.append(self.pico.nanos) if level else None)

    def edge(self, after_ns: int) -> int:
        """Let the input rise so long from now, and fall again. Returns when it rose, in ns."""
        self.pico.run_for(after_ns)
        self.pico.set_input(self._input, 1)
        at = self.pico.nanos
        self.pico.run_for(HIGH_NS)
        self.pico.set_input(self._input, 0)
        return at


def main(edges: int = EDGES) -> int:
    """Measure, and print what was found. Returns 1 when an edge began no train, or a train no edge."""
    board, chance = Board(), random.Random(SEED)
    board.device.start()
    rose = []
    for _ in range(edges):
        board.device.wait(0.25)
        board.device.status()
        rose.append(board.edge(chance.randrange(1_000_000)))
    board.device.wait(0.2)
    board.device.stop()
    firsts = [board.phases[0]] + [b for a, b in itertools.pairwise(board.phases) if b - a > 50_000_000]
    synced = {sync - phase for phase, sync in zip(board.phases, board.synced, strict=True)}
    if len(firsts) != edges:
        print(f"{edges} edges began {len(firsts)} trains")
        return 1
    delays = [first - at for at, first in zip(rose, firsts, strict=True)]
    print(f"{edges} edges, emulated chip, seed {SEED}")
    for name, less in (("edge to phase A", 0), ("the same without the settle time", board.settle_ns)):
        low, high = (min(delays) - less) / 1_000, (max(delays) - less) / 1_000
        print(f"{name}: {low:.3f} to {high:.3f} us, mean {(statistics.mean(delays) - less) / 1_000:.3f} us")
    print(f"jitter: {max(delays) - min(delays)} ns between the extremes, SD {statistics.pstdev(delays):.0f} ns")
    print(f"sync output behind phase A: {sorted(synced)} ns, {len(board.phases)} pulses")
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
