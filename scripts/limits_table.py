"""The table of limits in docs/safety.md, out of the declarations in nmes/core; documents.py writes it.

The numbers are the code's; what each was chosen from, in more words than the device has room for, stands here.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "firmware")]

import marks  # noqa: E402 the path first
from nmes.core import limits, phase  # noqa: E402

DOCUMENT = ROOT / "docs" / "safety.md"
MARKS = marks.of("limits", "scripts/limits_table.py")


def _between(field: str, per: int = 1) -> str:
    least, most = (bound / per for bound in phase.PHASE_FIELDS[field][:2])
    return f"{least:g} to {most:g}"


# long: a row a limit, and nothing else
def rows() -> list[tuple[str, str, str]]:
    """(quantity, limit, chosen from) of every limit."""
    motor_hz = limits.CONTINUOUS_MOTOR_RATE_MAX_MHZ / 1000
    work_s, gap_us = phase.PHASE_FIELDS["work_ms"][1] / 1000, phase.PHASE_FIELDS["gap_us"][1]
    return [
        (
            "r.m.s. current",
            f"{limits.IRMS_MAX_UA / 1000:g} mA",
            f"IEC 60601-2-10, clause on output limits, pulses up to 400 Hz into {limits.LOAD_OHM} Ω",
        ),
        (
            "r.m.s. current density",
            f"{limits.DENSITY_RMS_MAX_UA_PER_CM2 / 1000:g} mA/cm², for pads with half of one lifted",
            "the same standard's threshold for the operator's attention; here it is a stop",
        ),
        ("average absolute current", f"{limits.IAVG_MAX_UA / 1000:g} mA", "FDA draft of 2010, limited output"),
        (
            "phase charge",
            f"{limits.CHARGE_BASE_NC / 1000:g} µC + {limits.CHARGE_PER_US_NC} µC per ms of width, "
            f"and never over {limits.CHARGE_MAX_NC / 1000:g} µC",
            "the same draft; the cap is ours",
        ),
        (
            "charge density, as Shannon's k",
            f"{limits.SHANNON_K_MAX_X100 / 100:g}; a warning for pads",
            "Shannon 1992: the lowest value with damage in his data; a sanity check, no limit for mucosa",
        ),
        (
            "power density",
            f"{limits.POWER_DENSITY_MAX_UW_PER_CM2 / 1e6:g} W/cm², for pads with half of one lifted",
            "FDA guidance of 1999 for powered muscle stimulators",
        ),
        ("energy of a pulse", f"{limits.ENERGY_MAX_UJ / 1000:g} mJ", "IEC 60601-2-10"),
        (
            "net direct current, by the stage's declared imbalance",
            f"{limits.NET_DC_MAX_NA / 1000:g} µA",
            "IEC 60601-1, patient auxiliary current; known in the field, not read",
        ),
        (
            "both channels together",
            "the r.m.s. current, average current, power density and net direct current of one",
            "ours; both count as on at once even when they take turns",
        ),
        (
            "open-circuit voltage of the stage",
            f"{limits.OPEN_VOLTAGE_MAX_MV / 1000:g} V",
            "ours; IEC 60601-2-10 has 500 V",
        ),
        ("peak current", f"{limits.CURRENT_MAX_UA / 1000:g} mA", "ours"),
        (
            "session",
            f"{limits.MOTOR_SESSION_MAX_MS // 60_000} min, sensory {limits.SENSORY_SESSION_MAX_MS // 60_000} min",
            "ours",
        ),
        (
            f"motor programmes above {motor_hz:g} Hz",
            "rest at least half as long as work, between two such phases too",
            "ours",
        ),
        (
            "envelope",
            f"{_between('rate_mhz', 1000)} Hz, {_between('width_us')} µs a phase, gap to {gap_us} µs, "
            f"work 1 to {work_s:g} s, ramps {_between('ramp_up_ms', 1000)} s",
            "ours",
        ),
    ]


def table() -> str:
    lines = ["| quantity | limit | chosen from |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows())]) + "\n"


def written(document: str) -> str:
    """`document` with the table between its marks as the code has it."""
    return marks.put(document, MARKS, table())
