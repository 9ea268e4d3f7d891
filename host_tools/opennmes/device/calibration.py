"""The correction of an output stage's channel, from readings at a resistor of known value. Pure: it asks nobody.

A reading is what the device set and sensed, uncorrected (the DAC's code, counts of the ADC), and what a person read off
a scope: the peak of phase A across the resistor. The true current is that voltage by the resistor. All of it is exact,
in integers and fractions, until a row is rounded. What cannot be a calibration is refused with its numbers.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

from nmes.core import calibration, limits, phase
from nmes.core.reason import Reasons, Refused, check_int, reason, refuse

OHM = (200, 2_000)
TOLERANCE_MOST_PPM = 20_000  # of the resistor: nothing is corrected to better than that
# Of what stage and resistor allow, in percent: those that a row is made of, and the one that it is tried on.
PERCENTS = (5, 10, 20, 40)
CONTROL_PERCENT = 30
HEADROOM_PERCENT = 80  # of the compliance voltage; from 95 % on the device takes the load for an open one
RATE_MHZ = 50_000
WIDTH_US = 250
GAP_US = 50
DURATION_MS = 3_600_000

RESISTOR_PERCENT = 20  # what voltage sense by current sense may differ from the resistor, before either is corrected
ZERO_COUNTS = 2  # a zero of the current sense that is farther off is put right before there is a pulse
ZERO_OF_VOLTAGE_COUNTS = 12
REST_COUNTS = 3  # what may seem to flow between the pulses
RESIDUAL_PPM = 15_000  # what one reading may lie off the line through all of them, and beside that:
RESIDUAL_COUNTS = Fraction(3, 2)
SYMMETRY_COUNTS = 8  # what the current sense may differ between the phases, both from its zero
VERIFIED_PPM = 20_000  # what the current may be off after the calibration, and beside that half a level

_MILLION = 1_000_000
_SOURCE = "nmes calibrate, channel %d"


@dataclass(frozen=True)
class Counts:
    """What the device set and sensed: of `samples` pulses, all with the same code, the sum of each count."""

    code: int
    samples: int
    current_a: int
    voltage_a: int
    current_b: int
    voltage_b: int
    current_rest: int
    # Of the current sense with nothing driven, the sum of so many.
    zero_samples: int
    zero_sum: int

    @staticmethod
    def of(answers: list[dict[str, Any]], zero_samples: int, zero_sum: int) -> Counts:
        """The sums of several answers to `counts`."""
        summed = ("current_a", "voltage_a", "current_b", "voltage_b", "current_rest")
        sums = {key: sum(int(answer[key]) for answer in answers) for key in summed}
        return Counts(
            code=int(answers[0]["code_a"]), samples=len(answers), zero_samples=zero_samples, zero_sum=zero_sum, **sums
        )

    @property
    def zero(self) -> Fraction:
        """Of the current sense, with nothing driven."""
        return Fraction(self.zero_sum, self.zero_samples)

    @property
    def rest(self) -> Fraction:
        """Of the current sense between the pulses, above zero: what a switch that does not open lets through."""
        return Fraction(self.current_rest, self.samples) - self.zero

    @property
    def current(self) -> Fraction:
        """Of phase A, above zero."""
        return Fraction(self.current_a, self.samples) - self.zero

    @property
    def voltage_zero(self) -> Fraction:
        """Of the voltage sense: half-way between two phases that are alike."""
        return Fraction(self.voltage_a + self.voltage_b, 2 * self.samples)

    @property
    def voltage(self) -> Fraction:
        """Of a phase, above zero."""
        return Fraction(self.voltage_a - self.voltage_b, 2 * self.samples)


@dataclass(frozen=True)
class Reading:
    """Counts at a current that was asked for, and the voltage that a person read."""

    asked_ua: int
    counts: Counts
    voltage_uv: int

    def true_ua(self, ohm: int) -> Fraction:
        """The current through a resistor of so many ohm, in microamperes."""
        return Fraction(self.voltage_uv, ohm)

    def error_ppm(self, ohm: int) -> int:
        """How far the current was from what was asked."""
        return round((self.true_ua(ohm) / self.asked_ua - 1) * _MILLION)

    def as_json(self) -> dict[str, Any]:
        """As a file of readings has it."""
        return asdict(self)

    @staticmethod
    def of(data: dict[str, Any]) -> Reading:
        """The reading that `as_json` made this of. Raises KeyError, TypeError or AttributeError for anything else."""
        return Reading(data["asked_ua"], Counts(**data["counts"]), data["voltage_uv"])


def check_resistor(ohm: int, tolerance_ppm: int) -> None:
    """Raises Refused."""
    reasons = Reasons()
    for name, value, (least, most) in (
        ("--ohm", ohm, OHM),
        ("--tolerance", tolerance_ppm, (0, TOLERANCE_MOST_PPM)),
    ):
        unit = "ohm" if name == "--ohm" else "ppm"
        if not least <= value <= most:
            reasons.append(
                reason("no_resistor", name, f"{value} {unit}", f"{least} to {most} {unit}", "nmes calibrate")
            )
    if reasons:
        raise Refused(reasons)


def amplitudes_ua(stage: dict[str, Any], ohm: int) -> tuple[list[int], int]:
    """The peak currents that a channel is read at, and the one that its row is tried on, of the stage (with its board,
    nmes.core.limits.with_board) and the resistor."""
    most_ua = min(
        stage["full_scale_ua"],
        stage.get("board_max_current_ua", limits.CURRENT_MAX_UA),
        stage["compliance_mv"] * HEADROOM_PERCENT * 10 // ohm,
    )
    level_ua = calibration.level_ua(stage)

    def share(percent: int) -> int:
        return int(most_ua * percent // 100 // level_ua * level_ua)

    return [share(percent) for percent in PERCENTS], share(CONTROL_PERCENT)


def programme(channel: int, most_ua: int) -> dict[str, Any]:
    """What the device runs meanwhile: a continuous train for a resistor, with nobody connected."""
    shape = {
        "name": "calibration",
        "rate_mhz": RATE_MHZ,
        "width_us": WIDTH_US,
        "gap_us": GAP_US,
        "work_ms": 0,
        "rest_ms": 0,
        "ramp_up_ms": 0,
        "ramp_down_ms": 0,
        "duration_ms": DURATION_MS,
    }
    return {
        "title": f"Calibration of channel {channel}, a resistor only",
        "effect": "sensory",
        "electrode": {"kind": phase.DUMMY, "area_mm2": 2_500},
        "max_current_ua": most_ua,
        "phases": [shape],
        "channels": [{"channel": channel, "delay_us": 0}],
    }


# ---- what is no calibration ----


def check_counts(counts: Counts, stage: dict[str, Any], ohm: int, channel: int) -> None:
    """What the device senses has to fit the resistor, before anybody is asked and before the current goes higher.
    Raises Refused."""
    source = _SOURCE % channel
    if counts.current < 1:
        refuse("nothing_flows", "current sense", f"{_of(counts.current)} counts", "a current", source)
    sensed = counts.voltage * stage["sense_mv_per_count"] * 1_000 / (counts.current * stage["sense_ua_per_count"])
    if not _near(sensed, Fraction(ohm)):
        bound = f"{ohm} ohm, {RESISTOR_PERCENT} % more or less"
        refuse("other_resistor", "resistor", f"{round(sensed)} ohm", bound, source)
    both = Fraction(counts.current_a + counts.current_b, counts.samples) - 2 * counts.zero
    if abs(both) > SYMMETRY_COUNTS:
        bound = f"{SYMMETRY_COUNTS} counts more or less"
        refuse("not_symmetric", "current sense", f"{_of(both)} counts", bound, source)
    if abs(counts.rest) > REST_COUNTS:
        bound = f"{REST_COUNTS} counts more or less"
        refuse("leaks", "current sense", f"{_of(counts.rest)} counts", bound, source)


def check_voltage(voltage_uv: int, counts: Counts, stage: dict[str, Any], channel: int) -> None:
    """What a person read has to fit what the device senses. Raises Refused."""
    sensed_uv = counts.voltage * stage["sense_mv_per_count"] * 1_000
    if not _near(Fraction(voltage_uv), sensed_uv):
        asked, bound = f"{_volts(voltage_uv)} V", f"{_volts(sensed_uv)} V, {RESISTOR_PERCENT} % more or less"
        refuse("other_voltage", "voltage", asked, bound, _SOURCE % channel)


def _near(value: Fraction, other: Fraction) -> bool:
    return abs(value - other) * 100 <= RESISTOR_PERCENT * other


# ---- the row ----


def zeros(answer: dict[str, Any], row: dict[str, int], stage: dict[str, Any], channel: int) -> dict[str, int]:
    """What of a row has to be put right before there can be a pulse, by the device's answer to `zeros`: a sense that
    says that something flows is a fault of its own. Empty when nothing has to. Raises Refused when it is too much."""
    zero = Fraction(answer["current"][channel], answer["samples"]) - stage["sense_zero"]
    zero_of_voltage = Fraction(answer["voltage"], answer["samples"]) - stage["sense_zero"]
    changed = {}
    if abs(zero - row["current_offset"]) > ZERO_COUNTS:
        changed["current_offset"] = round(zero)
    if abs(zero_of_voltage - row["voltage_offset"]) > ZERO_OF_VOLTAGE_COUNTS:
        changed["voltage_offset"] = round(zero_of_voltage)
    reasons = Reasons()
    _check_bounds(reasons, changed, channel)
    if reasons:
        raise Refused(reasons)
    return changed


def fit(readings: list[Reading], stage: dict[str, Any], ohm: int, channel: int) -> dict[str, int]:
    """The row that puts the channel right. Raises Refused when the readings are on no line, or the row would be out of
    bounds."""
    reasons = Reasons()
    row = {
        **_dac(readings, stage, ohm, channel, reasons),
        **_current_sense(readings, stage, ohm, channel, reasons),
        **_voltage_sense(readings, stage, channel, reasons),
    }
    _check_bounds(reasons, row, channel)
    if reasons:
        raise Refused(reasons)
    return row


def _check_bounds(reasons: Reasons, row: dict[str, int], channel: int) -> None:
    for key, value in row.items():
        least, most = calibration.ROW[key]
        check_int(reasons, key, value, least, most, _SOURCE % channel)


def _dac(readings: list[Reading], stage: dict[str, Any], ohm: int, channel: int, reasons: Reasons) -> dict[str, int]:
    """The code that a level needs is `offset` + level * scale. A scope is off by so many percent, so each reading
    counts by its ratio: code / level = scale + offset / level is a straight line over 1 / level."""
    level_ua = calibration.level_ua(stage)
    xs = [level_ua / reading.true_ua(ohm) for reading in readings]
    ys = [reading.counts.code * x for reading, x in zip(readings, xs, strict=True)]
    offset = round(_slope(xs, ys))
    scale = sum((y - offset * x for x, y in zip(xs, ys, strict=True)), Fraction(0)) / len(readings)
    for reading, x in zip(readings, xs, strict=True):
        wanted = offset + scale / x
        _check_on_line(reasons, reading, "DAC", "codes", reading.counts.code, wanted, channel)
    return {"dac_gain_ppm": round((scale - 1) * _MILLION), "dac_offset": offset}


def _current_sense(
    readings: list[Reading], stage: dict[str, Any], ohm: int, channel: int, reasons: Reasons
) -> dict[str, int]:
    """Its zero is what it says with nothing driven, when nothing can flow: what flows between the pulses, and phases
    that differ, must stay visible."""
    counts = [reading.counts.current for reading in readings]
    ua = sum(reading.true_ua(ohm) for reading in readings) / sum(counts, Fraction(0))  # a count
    for reading in readings:
        _check_on_line(
            reasons, reading, "current sense", "counts", reading.counts.current, reading.true_ua(ohm) / ua, channel
        )
    zero = sum((reading.counts.zero for reading in readings), Fraction(0)) / len(readings)
    return {
        "current_gain_ppm": round((ua / stage["sense_ua_per_count"] - 1) * _MILLION),
        "current_offset": round(zero - stage["sense_zero"]),
    }


def _voltage_sense(readings: list[Reading], stage: dict[str, Any], channel: int, reasons: Reasons) -> dict[str, int]:
    counts = [reading.counts.voltage for reading in readings]
    uv = Fraction(sum(reading.voltage_uv for reading in readings)) / sum(counts, Fraction(0))  # a count
    for reading in readings:
        _check_on_line(
            reasons, reading, "voltage sense", "counts", reading.counts.voltage, reading.voltage_uv / uv, channel
        )
    zero = sum((reading.counts.voltage_zero for reading in readings), Fraction(0)) / len(readings)
    return {
        "voltage_gain_ppm": round((uv / (1_000 * stage["sense_mv_per_count"]) - 1) * _MILLION),
        "voltage_offset": round(zero - stage["sense_zero"]),
    }


def _slope(xs: list[Fraction], ys: list[Fraction]) -> Fraction:
    """Of the straight line with the least squares."""
    count = len(xs)
    middle_x, middle_y = sum(xs, Fraction(0)) / count, sum(ys, Fraction(0)) / count
    spread = sum(((x - middle_x) ** 2 for x in xs), Fraction(0))
    if not spread:
        return Fraction(0)
    return sum(((x - middle_x) * (y - middle_y) for x, y in zip(xs, ys, strict=True)), Fraction(0)) / spread


def _check_on_line(
    reasons: Reasons, reading: Reading, what: str, unit: str, found: Fraction | int, wanted: Fraction, channel: int
) -> None:
    if abs(found - wanted) > abs(wanted) * RESIDUAL_PPM / _MILLION + RESIDUAL_COUNTS:
        asked = f"{_of(Fraction(found))} {unit} at {reading.asked_ua / 1_000:g} mA ({_volts(reading.voltage_uv)} V)"
        bound = f"{_of(wanted)} {unit}, on a line with the others"
        reasons.append(reason("not_linear", what, asked, bound, _SOURCE % channel))


# ---- whether it is better now ----


def check_verified(before: Reading, after: Reading, stage: dict[str, Any], ohm: int, channel: int) -> None:
    """Raises Refused unless the current is now near what was asked."""
    level_ppm = _MILLION * calibration.level_ua(stage) // after.asked_ua
    most_ppm = VERIFIED_PPM + level_ppm // 2
    if abs(after.error_ppm(ohm)) > most_ppm:
        asked = f"{percent(after.error_ppm(ohm))} (before the calibration {percent(before.error_ppm(ohm))})"
        bound = f"{percent(most_ppm)} more or less"
        refuse("not_verified", "current", asked, bound, _SOURCE % channel)


def percent(ppm: int) -> str:
    """With its sign."""
    return f"{ppm / 10_000:+.2f} %"


def _of(value: Fraction) -> str:
    return f"{float(value):.1f}"


def _volts(microvolts: Fraction | int) -> str:
    return f"{float(microvolts) / 1e6:.4g}"
