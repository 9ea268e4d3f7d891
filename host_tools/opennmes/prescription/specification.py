"""The output specification of a programme: the rows that are usual for such devices, computed, not measured.

Rows and order after 21 CFR 882.5891 and the FDA guidance of 1999 for powered muscle stimulators.
"""

from __future__ import annotations

from typing import Any

from nmes.core import limits, pulse, session, verdict
from nmes.core.phase import PHASE_FIELDS, Phase
from nmes.core.programme import Programme
from opennmes.prescription.assessment import figures

LOADS_OHM = (500, 2_000, 10_000)
STATEMENT = (
    "Not a conformity statement: computed from the prescription and the declared facts of the output stage, "
    "not measured on hardware; tolerances are not known, and no standard is claimed to be met."
)

Row = dict[str, Any]


def specification(asked: Programme, stage: dict[str, Any], current_ua: int) -> dict[str, Any]:
    """The table for each phase with intensity at `current_ua`, and the rows of the whole unit, as JSON can hold it."""
    return {
        "statement": STATEMENT,
        "current_ma": current_ua / 1000,
        "electrode_area_cm2": asked.area_mm2 / 100,
        "phases": [
            {"channel": channel.index, "phase": phase.name, "rows": _rows(asked, phase, stage, current_ua)}
            for channel in asked.channels
            for phase in channel.phases
        ],
        "unit": _unit_rows(asked),
    }


def _row(name: str, unit: str, value: object) -> Row:
    return {"row": name, "unit": unit, "value": value}


def _rows(asked: Programme, phase: Phase, stage: dict[str, Any], current_ua: int) -> list[Row]:
    values = figures(asked, phase, current_ua)
    compliance_mv = stage["compliance_mv"]
    gap_us = pulse.gap_delivered_us(phase.gap_us)
    equal = phase.ratio == 1
    shortest_us, longest_us = (w * (1 + phase.ratio) + gap_us for w in (phase.narrowest_us, phase.widest_us))
    second = "as long" if equal else f"{phase.ratio} times as long, 1/{phase.ratio} as strong"
    uneven_uc = values["phase_charge_uc"] * stage["imbalance_ppm"] / 1e6
    return [
        _row("waveform", "", f"pulsed {'symmetric' if equal else 'asymmetric, charge-balanced'} biphasic"),
        _row("shape", "", "rectangular, regulated current"),
        _at_loads("maximum output voltage", "V", [min(current_ua * r / 1e6, compliance_mv / 1e3) for r in LOADS_OHM]),
        _at_loads("maximum output current", "mA", [min(current_ua / 1e3, compliance_mv / r) for r in LOADS_OHM]),
        _row("primary phase duration", "us", _range(phase.narrowest_us, phase.widest_us)),
        _row("pulse duration, both phases and the gap", "us", _range(shortest_us, longest_us)),
        _row("frequency", "Hz", _frequency(phase)),
        _row("symmetrical phases", "", "yes" if equal else "no"),
        _row("second phase", "", second),
        _row("net charge a pulse at 500 ohm, as declared for the stage", "uC", f"0 within {uneven_uc:.3g}"),
        _row(
            "how zero is reached",
            "",
            "phases of equal charge; in the stage a capacitor in series and a short between pulses",
        ),
        _row("maximum phase charge at 500 ohm", "uC", values["phase_charge_uc"]),
        _row("maximum current density at 500 ohm, r.m.s.", "mA/cm2", values["current_density_rms_ma_cm2"]),
        _row("maximum average current at 500 ohm, absolute", "mA", values["iavg_ma"]),
        _row("maximum power density at 500 ohm", "W/cm2", values["power_density_mw_cm2"] / 1000),
        *_bursts(phase),
        _row("ON time, with ramps", "s", phase.train_ms / 1000),
        _row("OFF time", "s", phase.rest_ms / 1000 if phase.work_ms else 0.0),
        _row("ramps up and down", "s", f"{phase.ramp_up_ms / 1000:g} and {phase.ramp_down_ms / 1000:g}"),
    ]


def _at_loads(name: str, unit: str, values: list[float]) -> Row:
    return {**_row(name, unit, None), "at_ohm": {str(ohm): value for ohm, value in zip(LOADS_OHM, values, strict=True)}}


def _range(least: int, most: int) -> int | str:
    return most if least == most else f"{least} to {most}"


def _frequency(phase: Phase) -> float | str:
    rate_hz: float = phase.rate_mhz / 1000
    to_hz: float = (phase.rate_to_mhz or phase.rate_mhz) / 1000
    if phase.change == "none":
        return rate_hz
    return f"{rate_hz:g} to {to_hz:g}, {phase.change} of {phase.change_ms / 1000:g} s each way"


def _bursts(phase: Phase) -> list[Row]:
    if not phase.burst_pulses:
        return [_row("bursts", "", "none")]
    lasts_ms = phase.burst_pulses * phase.period_us / 1000
    return [
        _row("pulses a burst", "", phase.burst_pulses),
        _row("bursts a second", "Hz", phase.burst_rate_mhz / 1000),
        _row("burst duration", "ms", lasts_ms),
        _row("duty of the bursts", "%", lasts_ms * phase.burst_rate_mhz / 10_000),
    ]


def _unit_rows(asked: Programme) -> list[Row]:
    in_a_row = f"{verdict.IN_A_ROW} pulses in a row"
    longest_ms = limits.MOTOR_SESSION_MAX_MS if asked.effect == "motor" else limits.SENSORY_SESSION_MAX_MS
    off_s = (session.HOST_LOST_MS + session.FADE_MS) / 1000
    least_ms = PHASE_FIELDS["duration_ms"][0]
    return [
        _row("average d.c. through electrodes when on but no pulses", "uA", "not measured"),
        _row(
            "automatic overload trip",
            "",
            f"yes: {in_a_row} above {verdict.OVER_PERCENT} % of what is set, and the stage's comparator",
        ),
        _row(
            "automatic no-load trip",
            "",
            f"yes: {in_a_row} below {verdict.OPEN_PERCENT} % of what is set ({verdict.OPEN_SET_UA / 1000:g} mA "
            "or more), or at compliance",
        ),
        _row(
            "automatic shut-off",
            "",
            f"yes: at the end, at any fault, and {off_s:g} s after the host is lost",
        ),
        _row("patient override", "", "yes: emergency stop in hardware; stop and less intensity at once"),
        _row("on/off indicator", "", "lamp while the output is on"),
        _row("low battery indicator", "", "no"),
        _row("voltage or current level indicator", "", "set and measured current in the status"),
        _row("timer range", "min", f"{least_ms / 60_000:.2g} to {longest_ms // 60_000}, always on"),
    ]
