"""hal.all_off() in the middle of a phase: what becomes low, and when, and that pulses come again after it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from opennmes.emulator.pico import EmulatedPico
from opennmes.emulator.repl import Repl
from opennmes.emulator.stage import OutputStage

LOW_NS = 200_000

BEGIN = """
import board, time
from nmes.hal import make
from stages.reference import STAGE
hal = make(board.BOARD, STAGE)
"""
AGAIN = """
hal.permit(1000)
for channel in (0, 1):
    hal.channels[channel].begin(0, True)
    assert hal.channels[channel].put(0, 0, 1000, 0, 1000, 20_000, 0, 1)
hal.start(3)
"""


@pytest.mark.parametrize(("at_us", "phase"), [(700, "a"), (1_700, "b")])
def test_the_enable_falls_first_and_the_phases_at_once_after_it(
    bare_pico: Callable[..., EmulatedPico],
    board: dict[str, Any],
    reference_stage: dict[str, Any],
    at_us: int,
    phase: str,
) -> None:
    pico = bare_pico()
    stage = OutputStage(pico, board, reference_stage)
    repl = Repl(pico)
    repl.run(BEGIN + AGAIN + f"time.sleep_us({at_us})\nhal.all_off()\ntime.sleep_us(3000)")
    trace = stage.finish()
    falls = {
        signal: max(nanos for nanos, value in trace.changes(signal) if not value)
        for signal in ("enable", f"ch0_{phase}", f"ch1_{phase}")
    }
    for channel in (0, 1):
        changes = trace.changes(f"ch{channel}_{phase}")
        assert [value for _, value in changes] == [0, 1, 0]
        after_ns = falls[f"ch{channel}_{phase}"] - falls["enable"]
        print(f"channel {channel}, phase {phase}: {after_ns / 1000:.0f} us after the enable")
        assert 0 < after_ns <= LOW_NS
    rested_ns = pico.nanos
    repl.run(AGAIN + "time.sleep_us(3000)")
    for signal in ("ch0_a", "ch0_b", "ch1_a", "ch1_b"):
        assert [value for nanos, value in stage.finish().changes(signal) if nanos > rested_ns] == [1, 0]
