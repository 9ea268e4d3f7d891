"""The documents say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import documents
from nmes.core import limits, programme, session
from nmes.hal import LOOKAHEAD_US

ROOT = Path(__file__).resolve().parents[2]
SAFETY = (ROOT / "docs" / "safety.md").read_text()


@pytest.mark.parametrize(
    "words",
    [
        f"| r.m.s. current | {limits.IRMS_MAX_UA // 1000} mA |",
        f"| r.m.s. current density | {limits.DENSITY_RMS_MAX_UA_PER_CM2 // 1000} mA/cm²",
        f"| average absolute current | {limits.IAVG_MAX_UA // 1000} mA |",
        f"{limits.CHARGE_BASE_NC // 1000} µC + {limits.CHARGE_PER_US_NC} µC per ms of width, "
        f"and never over {limits.CHARGE_MAX_NC // 1000} µC",
        f"| power density | {limits.POWER_DENSITY_MAX_UW_PER_CM2 / 1e6:g} W/cm² |",
        f"| energy of a pulse | {limits.ENERGY_MAX_UJ // 1000} mJ |",
        f"| Shannon's k, probes | {limits.SHANNON_K_PROBE_MAX_X100 / 100:g} |",
        f"| open-circuit voltage of the stage | {limits.OPEN_VOLTAGE_MAX_MV // 1000} V |",
        f"| session | {limits.MOTOR_SESSION_MAX_MS // 60_000} min, "
        f"sensory {limits.SENSORY_SESSION_MAX_MS // 60_000} min |",
        f"above {limits.CONTINUOUS_MOTOR_RATE_MAX_MHZ // 1000} Hz",
        f"up by at most {session.STEP_MAX_UA // 1000} mA every {session.STEP_EVERY_MS} ms",
        f"at most {LOOKAHEAD_US // 1000} ms",
        f"after {session.HOST_LOST_MS // 1000} s it fades to zero within {session.FADE_MS // 1000} s",
    ],
)
def test_safety_md_has_the_limits_of_the_code(words: str) -> None:
    assert words in re.sub(r"\s+", " ", SAFETY)


def test_safety_md_has_the_envelope_of_the_code() -> None:
    rate, width, gap = (programme.PHASE_FIELDS[field] for field in ("rate_mhz", "width_us", "gap_us"))
    assert (
        f"{rate[0] // 1000} to {rate[1] // 1000} Hz, {width[0]} to {width[1]} µs a phase, gap to {gap[1]} µs" in SAFETY
    )


@pytest.mark.parametrize(
    "document",
    ["README.md", "docs/faults.md", "CONTRIBUTING.md", "docs/hardware.md", "docs/safety.md", "docs/benchmark.md"],
)
def test_links_between_documents_lead_somewhere(document: str) -> None:
    path = ROOT / document
    for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
        assert (path.parent / target).exists(), target


def test_faults_md_is_what_the_code_says() -> None:
    assert (ROOT / "docs" / "faults.md").read_text() == documents.faults_md(), "run python scripts/documents.py"
