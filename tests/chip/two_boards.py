"""An emulated board with its stage, wired to a witness: an exact one without a chip (emulator/virtual_witness.py)."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

from opennmes import paths
from opennmes.boards import load_board, load_stage, stage_of, wires
from opennmes.device import identity
from opennmes.device.acceptance.bench import Bench
from opennmes.device.witness import PROTOCOL, Witness
from opennmes.emulator.cycles import CPU_HZ
from opennmes.emulator.lines import RUN, Lines
from opennmes.emulator.pico import EmulatedPico
from opennmes.emulator.stage import OutputStage
from opennmes.emulator.virtual_witness import VirtualWitness
from opennmes.emulator.wires import Wires
from opennmes.ports.base import Port
from opennmes.ports.emulator import EmulatedPort

FAST_PPM = 37.0  # by which the witness's crystal is faster
BOARD = load_board("pico")
GPIOS, MACHINES, LEVEL_MACHINES = wires(BOARD)
PULLS = runpy.run_path(str(paths.witness() / "wires.py"))["PULLS"]


def right_wires() -> dict[int, int]:
    """Every pin of the board at the pin of the same number, and its reset where the witness has it."""
    joined = {gpio: gpio for role, gpio in GPIOS.items() if role != "run"}
    return {**joined, RUN: GPIOS["run"]}


class TwoBoards:
    """The board that is judged, powered on and not booted, and its witness."""

    def __init__(
        self,
        uf2: Path,
        *,
        stage: str | None = "reference",
        ppm: float = FAST_PPM,
        prepared: Callable[[EmulatedPico], None] = lambda pico: None,
    ) -> None:
        """`stage`: the output stage around its pins; None: there is none, and its two lines are held up. `prepared` is
        done to the board before it boots."""
        self.pico = EmulatedPico(uf2)
        prepared(self.pico)
        if stage is None:
            Wires(self.pico, BOARD)
        else:
            self.stage = OutputStage(self.pico, BOARD, load_stage(stage))
        self.lines = Lines(self.pico, self.stage if stage else None, BOARD, right_wires())
        hello: dict[str, Any] = {
            "witness": PROTOCOL, "board": "pico", "digest": identity.witness(), "uid": "e66138935f0a1b2c",
            "revision": 2, "micropython": "1.25.0", "cpu_hz": CPU_HZ,
        }  # fmt: skip
        self.port = VirtualWitness(self.lines, GPIOS, MACHINES, LEVEL_MACHINES, PULLS, hello, ppm=ppm)

    def open(self) -> Port:
        """The device's port."""
        return EmulatedPort(self.pico)

    def connected(self) -> Bench:
        """The board booted, the witness asked who it is."""
        witness = Witness(self.port)
        witness.hello()
        witness.record()
        bench = Bench(witness, self.open, stage_of("pico"), quick=True)
        bench.connect()
        return bench
