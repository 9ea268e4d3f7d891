"""Cases on the virtual board: the whole firmware under MicroPython's Unix port, and a HAL that breaks things."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from campaign import oracle, panel_oracle, panel_plan, plan, trigger_oracle, trigger_plan
from campaign.result import Result, result
from opennmes.ports.precompiled import folder_for
from opennmes.ports.virtual import micropython

ROOT = Path(__file__).resolve().parents[2]
BOARD = Path(__file__).resolve().parent / "board" / "device.py"


def made(seed: int) -> plan.Plan:
    if seed >= trigger_plan.TRIGGER_SEED:
        return trigger_plan.make(seed)
    return panel_plan.make(seed) if seed >= panel_plan.PANEL_SEED else plan.make(seed)


def virtual(seeds: Iterable[int], variant: Path | None = None) -> Iterator[tuple[Result, oracle.Seen]]:
    """Run these cases on the campaign's board and judge them. `variant`: a file that breaks the firmware on purpose."""
    yield from cases([made(seed) for seed in seeds], variant)


def cases(plans: list[plan.Plan], variant: Path | None = None) -> Iterator[tuple[Result, oracle.Seen]]:
    binary = micropython()
    folders = [folder_for(binary), ROOT / "boards", ROOT / "boards" / "virtual"]
    command = [binary, "-X", "heapsize=32m", str(BOARD), *([str(variant)] if variant else [])]
    environment = {**os.environ, "MICROPYPATH": ":".join(map(str, folders))}
    text = "".join(json.dumps(case) + "\n" for case in plans)
    ran = subprocess.run(command, input=text, capture_output=True, text=True, env=environment)
    lines = ran.stdout.splitlines()
    if ran.returncode or len(lines) != len(plans):
        raise RuntimeError(
            f"seed {plans[len(lines) :][:1]}: the campaign's board ended ({ran.returncode}): {ran.stderr[-2000:]}"
        )
    for case, line in zip(plans, lines, strict=True):
        found = json.loads(line)
        at_panel = panel_oracle.Waiting if "edges" in case else panel_oracle.Seen
        kind = at_panel if "kept" in case else trigger_oracle.Seen if "signal" in case else oracle.Seen
        seen = kind(case, found["notes"], found["pulses"], found["end_us"])
        yield result(seen), seen
