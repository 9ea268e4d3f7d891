"""What came of one case: its verdict, and what it was reached from."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any

from campaign import oracle, panel_oracle, trigger_oracle

FAILURES = ("unsafe", "undetected", "impossible")

Result = dict[str, Any]
JUDGES: dict[type[oracle.Seen], Any] = {
    oracle.Seen: oracle.judge, trigger_oracle.Seen: trigger_oracle.judge,
    panel_oracle.Seen: panel_oracle.judge, panel_oracle.Waiting: panel_oracle.judge,
}  # fmt: skip


def result(seen: oracle.Seen) -> Result:
    """The verdict, and a digest of all that it was reached from: pins, currents, virtual time and what was said."""
    verdict = JUDGES[type(seen)](seen)
    all_seen = json.dumps([seen.notes, [dataclasses.astuple(pulse) for pulse in seen.pulses], seen.end_us])
    return {
        "seed": seen.plan["seed"], "seen": hashlib.sha256(all_seen.encode()).hexdigest(),
        **{word: getattr(verdict, word) for word in FAILURES}, "injected": verdict.injected,
        "detection_ms": [[kind, round(us / 1000, 3)] for kind, us in verdict.detection_us],
    }  # fmt: skip


def failed(found: Result) -> bool:
    return any(found[word] for word in FAILURES)
