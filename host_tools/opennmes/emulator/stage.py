"""The reference output stage and the load, around the pins of an emulated board.

Everything is taken from the pins' own edges: a level is the duty of its pin over the last whole PWM period, so a
stuck pin, a wrong PWM setting or a missing wrap shows in the current as it would on hardware.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from opennmes.emulator.meters import LevelMeter, Pump
from opennmes.emulator.pico import EmulatedPico
from opennmes.measure.trace import Trace
from opennmes.pins import FIRST_ADC_PIN

ADC_MOST = 4095


class OutputStage:
    """Turns phase, level and enable pins into load currents, and records all of them in `trace`.

    Recorded: `enable`, and for each channel n `ch{n}_a`, `ch{n}_b` (pin levels) and `ch{n}_current_ua` (positive in
    phase A). A pin that is not driven is low (external pull-down). A level counts once it has been steady for
    `level_settle_us`; until then the one before it goes on. Both phase pins high at once is a shoot-through: no
    current reaches the load, and `shoot_throughs` notes (nanos, channel).

    Permission takes both: `enable` high, and the charge pump fed by edges of `pump`. The pump holds for `pump_hold_us`
    after the last edge, so a pin that stands still at whatever level takes permission away; `permit` records it.

    The interlock (`stop_opened`, `over_current`) is wired as in docs/hardware.md: the emergency stop feeds `stop_loop`,
    and through it `interlock`, which the comparator pulls low.

    The sense inputs: each channel's current on its own ADC input, and one input for the voltage, through a multiplexer
    that the phase pins switch: of the channel in phase; none in phase is zero, both are full scale. `sense_offset`
    (counts) shifts the current sense, `sense_stuck` pins it.

    `needs`, if given, makes it a stage that is off: for each channel the row (nmes/core/calibration.py) that would put
    it right.

    `on_current(channel, microamperes)`, if set, is called at each change of current.
    """

    def __init__(
        self,
        pico: EmulatedPico,
        board: Mapping[str, Any],
        stage: Mapping[str, Any],
        load_ohm: int = 500,
        needs: Sequence[Mapping[str, int]] | None = None,
    ) -> None:
        """`board` and `stage` are the literal BOARD and STAGE of a board and of an output stage file."""
        self.trace = Trace()
        self.shoot_throughs: list[tuple[int, int]] = []
        self.on_current: Callable[[int, int], None] | None = None
        self.sense_offset = 0
        self.sense_stuck: int | None = None
        self._pico = pico
        self._sense_zero = int(stage["sense_zero"])
        self._sense_ua = int(stage["sense_ua_per_count"])
        self._sense_mv = int(stage["sense_mv_per_count"])
        self._full_scale_ua = int(stage["full_scale_ua"])
        self._levels = int(stage["levels"])
        self._compliance_uv = int(stage["compliance_mv"]) * 1000
        self._needs = needs or stage["calibration"]
        pins = board["pins"]
        self._pins = pins
        self._enabled = pico.level(pins["enable"])
        self._pump = Pump(pico, pins["pump"], int(stage["pump_hold_us"]) * 1000, self._on_permit)
        self._stop_opened = self._over_current = False
        self._note("enable", self._enabled)
        self._note("permit", 0)
        self._drive_interlock()
        # Real pads can be read back by PIO; the emulated ones only with a wire.
        phases = [channel[phase] for channel in pins["channels"] for phase in ("phase_a", "phase_b")]
        pico.loopback([*phases, pins["enable"]])
        settle_nanos = int(stage["level_settle_us"]) * 1000
        self._channels: list[_Channel] = []
        self._channels = [
            _Channel(self, pico, index, channel, self._levels, settle_nanos, load_ohm)
            for index, channel in enumerate(pins["channels"][: stage["channels"]])
        ]
        pico.watch(pins["enable"], self._on_enable)

    @property
    def load_ohm(self) -> int:
        """The load between the two electrodes of each channel, 0 (shorted) or more; a huge number is an open one."""
        return self._channels[0].load_ohm

    @load_ohm.setter
    def load_ohm(self, ohm: int) -> None:
        for index in range(len(self._channels)):
            self.set_load(index, ohm)

    def set_load(self, channel: int, ohm: int) -> None:
        """Change the load of one channel, from now on."""
        self._channels[channel].load_ohm = ohm
        self._channels[channel].update()

    def current_ua(self, channel: int) -> int:
        """The load current now: positive in phase A, negative in phase B."""
        return self._channels[channel].current_ua

    def voltage_mv(self, channel: int) -> int:
        """The voltage across the load now, signed as the current; with an open load that of the boost converter."""
        return self._channels[channel].voltage_mv()

    @property
    def stop_opened(self) -> bool:
        """The emergency stop's loop is open."""
        return self._stop_opened

    @stop_opened.setter
    def stop_opened(self, opened: bool) -> None:
        self._stop_opened = opened
        self._drive_interlock()

    @property
    def over_current(self) -> bool:
        """The over-current comparator pulls the interlock low."""
        return self._over_current

    @over_current.setter
    def over_current(self, over: bool) -> None:
        self._over_current = over
        self._drive_interlock()

    def _drive_interlock(self) -> None:
        self._pico.set_input(self._pins["stop_loop"], int(not self._stop_opened))
        self._pico.set_input(self._pins["interlock"], int(not (self._stop_opened or self._over_current)))

    def finish(self) -> Trace:
        """The trace up to now; recording goes on."""
        self.trace.end_nanos = self._pico.nanos
        return self.trace

    def _note(self, signal: str, value: int) -> None:
        self.trace.add(self._pico.nanos, signal, value)

    def _on_enable(self, level: int) -> None:
        self._enabled = level
        self._note("enable", level)
        self._update()

    def _on_permit(self) -> None:
        self._note("permit", int(self._pump.charged))
        self._update()

    def _update(self) -> None:
        for channel in self._channels:
            channel.update()

    def drive_ua(self, level: int, channel: int = 0) -> int:
        """What a channel's current source delivers at a level."""
        needs = self._needs[channel]
        levels = max(0, level - needs["dac_offset"])
        return self._full_scale_ua * levels * 1_000_000 // (self._levels * (1_000_000 + needs["dac_gain_ppm"]))

    def limited_ua(self, current_ua: int, load_ohm: int) -> int:
        """What reaches the load of it: nothing while disabled, no more than the compliance voltage allows."""
        if not self.powered:
            return 0
        if current_ua * load_ohm > self._compliance_uv:
            return self._compliance_uv // load_ohm
        return current_ua

    def voltage_uv(self, current_ua: int, load_ohm: int) -> int:
        """Across the load, when the current source is told to deliver `current_ua`."""
        return min(current_ua * load_ohm, self._compliance_uv) if self.powered else 0

    def sense(self, channel: int, current_ua: int, voltage_mv: int) -> None:
        """Put what is sensed of one channel, which has changed, on the ADC's inputs."""
        needs = self._needs[channel]
        zero = self._sense_zero + needs["current_offset"]
        counts = zero + round(_corrected(current_ua / self._sense_ua, needs["current_gain_ppm"])) + self.sense_offset
        if self.sense_stuck is not None:
            counts = self.sense_stuck
        self._pico.set_adc(self._pins["sense_current"][channel] - FIRST_ADC_PIN, max(0, min(ADC_MOST, counts)))
        counts = self._voltage_counts(channel, voltage_mv)
        others = [other for other in self._channels if other.in_phase and other.index != channel]
        if others and self._channels[channel].in_phase:
            counts = ADC_MOST
        elif others:
            counts = self._voltage_counts(others[0].index, others[0].voltage_mv())
        self._pico.set_adc(self._pins["sense_voltage"] - FIRST_ADC_PIN, max(0, min(ADC_MOST, counts)))

    def _voltage_counts(self, channel: int, voltage_mv: int) -> int:
        needs = self._needs[channel]
        counts = round(_corrected(voltage_mv / self._sense_mv, needs["voltage_gain_ppm"]))
        return self._sense_zero + needs["voltage_offset"] + counts

    @property
    def powered(self) -> bool:
        """Whether both permissions are there."""
        return bool(self._enabled) and self._pump.charged


def _corrected(counts: float, gain_ppm: int) -> float:
    return counts / (1 + gain_ppm / 1_000_000)


class _Channel:
    def __init__(
        self,
        stage: OutputStage,
        pico: EmulatedPico,
        index: int,
        pins: Mapping[str, int],
        levels: int,
        settle_nanos: int,
        load_ohm: int,
    ) -> None:
        self.load_ohm = load_ohm
        self.current_ua = 0
        self._stage = stage
        self._pico = pico
        self.index = index
        self._a = pico.level(pins["phase_a"])
        self._b = pico.level(pins["phase_b"])
        self._level_a = LevelMeter(pico, pins["level_a"], levels, settle_nanos, self.update)
        self._level_b = LevelMeter(pico, pins["level_b"], levels, settle_nanos, self.update)
        stage._note(f"ch{index}_a", self._a)
        stage._note(f"ch{index}_b", self._b)
        stage._note(f"ch{index}_current_ua", 0)
        pico.watch(pins["phase_a"], self._on_a)
        pico.watch(pins["phase_b"], self._on_b)
        self.update()

    def _on_a(self, level: int) -> None:
        self._a = level
        self._stage._note(f"ch{self.index}_a", level)
        self._check_overlap()

    def _on_b(self, level: int) -> None:
        self._b = level
        self._stage._note(f"ch{self.index}_b", level)
        self._check_overlap()

    def _check_overlap(self) -> None:
        if self._a and self._b:
            self._stage.shoot_throughs.append((self._pico.nanos, self.index))
        self.update()

    @property
    def in_phase(self) -> bool:
        """Whether the multiplexer of the voltage sense takes this channel: either of its phase pins is high."""
        return bool(self._a or self._b)

    def _drive_ua(self) -> int:
        if self._a == self._b:
            return 0
        return self._stage.drive_ua(self._level_a.level if self._a else self._level_b.level, self.index)

    def update(self) -> None:
        current_ua = self._stage.limited_ua(self._drive_ua(), self.load_ohm)
        if self._b:
            current_ua = -current_ua
        if current_ua != self.current_ua:
            self.current_ua = current_ua
            self._stage._note(f"ch{self.index}_current_ua", current_ua)
            if self._stage.on_current is not None:
                self._stage.on_current(self.index, current_ua)
        self._stage.sense(self.index, current_ua, self.voltage_mv())

    def voltage_mv(self) -> int:
        voltage_mv = self._stage.voltage_uv(self._drive_ua(), self.load_ohm) // 1000
        return -voltage_mv if self._b else voltage_mv
