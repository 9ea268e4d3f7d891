"""A board by itself: its interlock pins are joined to 3V3, and probes look at its pins. No output stage, no load."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opennmes.emulator.pico import EmulatedPico
from opennmes.measure.trace import Trace
from opennmes.pins import FIRST_ADC_PIN

HALF = 2048


class Wires:
    """Joins `interlock` and `stop_loop` to 3V3 and records in `trace` the pins `enable` and, for each channel n,
    `ch{n}_a` and `ch{n}_b`. Without dividers the senses stay open, which reads as 0 here and as anything on a board."""

    def __init__(self, pico: EmulatedPico, board: Mapping[str, Any], *, dividers: bool = False) -> None:
        """`board` is the literal BOARD of a board. `dividers`: each sense is held at half of 3.3 V by two resistors."""
        self.trace = Trace()
        self._pico = pico
        pins = board["pins"]
        pico.set_input(pins["stop_loop"], 1)
        pico.set_input(pins["interlock"], 1)
        for sense in (*pins["sense_current"], pins["sense_voltage"]) if dividers else ():
            pico.set_adc(sense - FIRST_ADC_PIN, HALF)
        seen = {"enable": pins["enable"]}
        for index, channel in enumerate(pins["channels"]):
            seen.update({f"ch{index}_a": channel["phase_a"], f"ch{index}_b": channel["phase_b"]})
        # Real pads can be read back by PIO; the emulated ones only with a wire.
        pico.loopback(list(seen.values()))
        for name, pin in seen.items():
            self._record(name, pin)

    def _record(self, name: str, pin: int) -> None:
        self.trace.add(self._pico.nanos, name, self._pico.level(pin))
        self._pico.watch(pin, lambda level: self.trace.add(self._pico.nanos, name, level))

    def finish(self) -> Trace:
        """The trace up to now; recording goes on."""
        self.trace.end_nanos = self._pico.nanos
        return self.trace
