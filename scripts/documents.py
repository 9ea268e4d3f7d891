"""Documents that are made from the code: `python scripts/documents.py` writes them, tests/host checks them."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "firmware"))

from nmes.core import faults  # noqa: E402 the path first

FAULTS_HEAD = """\
# Faults

A fault switches the output off and latches. The first one is kept with its time and what was measured (`record`), over
resets and power cuts too, until a person clears it by its number; where the device can see that the cause is still
there, it refuses.

Without a host the red lamp blinks the number, and the buzzer sounds along for a minute: a long one for each ten, a
short one for each one. Long, short, short is 12.

Made from `firmware/nmes/core/faults.py` by `python scripts/documents.py`.

| number | name | what happened | what the person does | what the clinician does |
|---|---|---|---|---|
"""


def faults_md() -> str:
    """docs/faults.md."""
    rows = [f"| {number} | `{row[0]}` | {' | '.join(row[1:])} |\n" for number, row in sorted(faults.FAULTS.items())]
    return FAULTS_HEAD + "".join(rows)


if __name__ == "__main__":
    (ROOT / "docs" / "faults.md").write_text(faults_md())
