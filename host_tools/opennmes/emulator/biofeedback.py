"""What is at the biofeedback input of an emulated board, and in its user's hand: a sensor, and a switch to ground.

A sensor that is off or not connected leaves the input to the pulls of its pad. The stage's edges reach the input too,
as they would through a person and a few centimetres of wire.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opennmes.emulator.pico import EmulatedPico
from opennmes.pins import FIRST_ADC_PIN

FULL_MV, COUNTS = 3_300, 4_096
PULL_UP = 1 << 3
ARTEFACT_NANOS = 5_000_000  # of what a phase couples in: so long it stays behind its end


class Sensor:
    """On the input of the first channel that `stage` does not have; `mv` is what it says, None: nothing drives the
    input. While a phase lasts, and ARTEFACT_NANOS after it, the input has `artefact_mv` more. `board` and `stage` are
    the literal BOARD and STAGE."""

    def __init__(self, pico: EmulatedPico, board: Mapping[str, Any], stage: Mapping[str, Any]) -> None:
        pins = board["pins"]
        self.artefact_mv = 0
        self._mv: int | None = None
        self._pico = pico
        self._pin = int(pins["sense_current"][stage["channels"]])
        self._switch = int(pins["hand_switch"])
        self._phases = [pins["channels"][0][name] for name in ("phase_a", "phase_b")]
        self._felt = False
        self._fades = pico.mcu.clock.create_alarm(self._fade)
        for pin in self._phases:
            pico.watch(pin, self._on_phase)
        pads = pico.mcu.pads_bank0
        self._write_pad = pads.write_uint32
        pads.write_uint32 = self._on_pad  # type: ignore[method-assign]
        pico.release(self._switch)
        self._convert()

    @property
    def mv(self) -> int | None:
        """What the sensor says."""
        return self._mv

    @mv.setter
    def mv(self, mv: int | None) -> None:
        self._mv = mv
        self._convert()

    def close_switch(self, closed: bool) -> None:
        """Close the hand switch, or open it."""
        if closed:
            self._pico.set_input(self._switch, 0)
        else:
            self._pico.release(self._switch)

    def _on_pad(self, offset: int, value: int) -> None:
        self._write_pad(offset, value)
        self._convert()

    def _on_phase(self, level: int) -> None:
        self._fades.cancel()
        self._felt = True
        if not level:
            self._fades.schedule(ARTEFACT_NANOS)
        self._convert()

    def _fade(self) -> None:
        self._felt = False
        self._convert()

    def _convert(self) -> None:
        mv = self._mv
        if mv is None:
            mv = FULL_MV if self._pico.mcu.gpio[self._pin].pad_value & PULL_UP else 0
        if self._felt:
            mv += self.artefact_mv
        counts = min(COUNTS - 1, mv * COUNTS // FULL_MV)
        channel = self._pin - FIRST_ADC_PIN
        if self._pico.mcu.adc.channel_values[channel] != counts:
            self._pico.set_adc(channel, counts)
