"""docs/hardware.md says the numbers of the code: pins, the stage, what is judged, what the guard does."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from nmes.core import delivery, faults, verdict
from nmes.selftest import FREE_LEAST

ROOT = Path(__file__).resolve().parents[2]
TEXT = re.sub(r"\s+", " ", (ROOT / "docs" / "hardware.md").read_text().replace("**", ""))


def literals(path: str) -> dict[str, Any]:
    """The names of a module that stand for a literal, or for const of one: modules of the chip cannot be imported."""
    found = {}
    for node in ast.parse((ROOT / path).read_text()).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            value = node.value
            if isinstance(value, ast.Call) and ast.unparse(value.func) == "const":
                value = value.args[0]
            try:
                found[node.targets[0].id] = ast.literal_eval(value)
            except ValueError:
                continue
    return found


PINS = literals("boards/pico/board.py")["BOARD"]["pins"]
STAGE = literals("boards/stages/reference.py")["STAGE"]
SENSE_UA, SENSE_MV = STAGE["sense_ua_per_count"], STAGE["sense_mv_per_count"]
GUARD = literals("firmware/nmes/hal/rp2/guard.py")
GUARD_PIO = literals("firmware/nmes/hal/rp2/guard_pio.py")
NET_WINDOW = "a second" if verdict.SLOT_MS * (verdict.SLOTS - 1) == 1000 else "another time"


@pytest.mark.parametrize(
    "words",
    [
        # the stage
        f"{STAGE['levels']} counts are {STAGE['full_scale_ua'] // 1000} mA, one count is "
        f"{STAGE['full_scale_ua'] // STAGE['levels']} uA. It has settled to 1 % within {STAGE['level_settle_us']} us",
        f"The boost converter gives at most {STAGE['compliance_mv'] // 1000} V",
        f"the pump holds for {STAGE['pump_hold_us']} us",
        f"a {1000 // GUARD_PIO['LEASE_ROUND_US']} kHz square wave",
        f"{STAGE['sense_zero']} is zero",
        f"{SENSE_UA} uA a count (full scale {STAGE['sense_zero'] * SENSE_UA / 1000:.1f} mA)",
        f"{SENSE_MV} mV a count ({STAGE['sense_zero'] * SENSE_MV // 1000} V)",
        f"the self-test asks for {FREE_LEAST // 1000} {FREE_LEAST % 1000:03}",
        # what is judged
        f"| less than {verdict.OPEN_PERCENT} % of the set current | set to {verdict.OPEN_SET_UA // 1000} mA or more; "
        f"{verdict.IN_A_ROW} pulses in a row | `{faults.name(faults.ELECTRODE_OPEN)}` |",
        f"| {delivery.COMPLIANCE_PERCENT} % of the compliance voltage or more | set to "
        f"{verdict.COMPLIANCE_SET_UA // 1000} mA or more; {verdict.IN_A_ROW} pulses in a row | "
        f"`{faults.name(faults.ELECTRODE_OPEN)}` |",
        f"| less than {verdict.SHORT_MV // 1000} V, or less than {verdict.SHORT_OHM} Ω | set to more than "
        f"{verdict.SHORT_SET_UA // 1000} mA; {verdict.IN_A_ROW} pulses in a row | "
        f"`{faults.name(faults.ELECTRODE_SHORT)}` |",
        f"| more than {verdict.OVER_PERCENT} % of the set current and {STAGE['sense_tolerance_ua'] // 1000} mA",
        f"always; {verdict.IN_A_ROW} pulses in a row | `{faults.name(faults.CURRENT_MISMATCH)}` |",
        f"differ by more than {delivery.NET_MAX_NC // 1000} uC in {NET_WINDOW} "
        f"| always | `{faults.name(faults.NET_CHARGE)}` |",
        # the guard
        f"longer than the session's longest | limit + at most 1 us | `{faults.name(faults.PHASE_TOO_LONG)}` |",
        f"| both phases of a channel on for 0.3 us or longer | at most 1 us | `{faults.name(faults.BOTH_PHASES)}` |",
        f"| phase A again too soon after a phase | at most 1 us | `{faults.name(faults.PULSES_TOO_CLOSE)}` |",
        f"`{faults.name(faults.EMERGENCY_STOP)}`, `{faults.name(faults.OVER_CURRENT)}`",
        f"has not renewed its lease for {GUARD['_LEASE_US'] // 1000} ms | then, and the pump stands still | "
        f"`{faults.name(faults.LEASE_LOST)}` |",
    ],
)
def test_it_has_the_numbers_of_the_code(words: str) -> None:
    assert words in TEXT


def test_it_has_the_pins_of_the_board() -> None:
    first, second = PINS["channels"]
    rows = [
        f"| GP{first['phase_a']}, GP{first['phase_b']} | `ch0_a`, `ch0_b` |",
        f"| GP{first['level_a']}, GP{first['level_b']} | `ch0 level_a`, `level_b` |",
        f"| GP{second['phase_a']}, GP{second['phase_b']} | `ch1_a`, `ch1_b` |",
        f"| GP{second['level_a']}, GP{second['level_b']} | `ch1 level_a`, `level_b` |",
        *[f"| GP{PINS[name]} | `{name}` |" for name in ("enable", "pump", "interlock", "stop_loop")],
        "| {} | `sense_current` |".format(", ".join(f"GP{pin}" for pin in PINS["sense_current"])),
        f"| GP{PINS['sense_voltage']} | `sense_voltage` |",
        f"| GP{PINS['lamp']} | lamp |",
        f"| {', '.join(f'GP{pin}' for pin in PINS['panel'].values())} | `panel` |",
        "start, up, down, stop, programme",
        f"stop_loop (GP{PINS['stop_loop']}, pull-down)",
        f"interlock (GP{PINS['interlock']}, pull-down)",
    ]
    for row in rows:
        assert row in TEXT, row
