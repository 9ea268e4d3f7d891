"""`make campaign`: many random sessions with faults in them, judged from outside; writes build/campaign.json.

GNU parallel runs the parts, on all cores or on several machines, and starts this file again for each of them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.progress import track

from campaign.panel_plan import PANEL_SEED
from campaign.result import FAILURES, Result, failed
from campaign.trigger_plan import TRIGGER_SEED
from campaign.virtual import virtual

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "build" / "campaign.json"
CASES, PANEL_CASES, TRIGGER_CASES, CHIP_CASES = 3_000, 600, 300, 12  # of the chip: one of each kind
A_PART, A_CHIP_PART = 50, 5
CHIP_SEED = 1_000_000_000  # seeds from here on are cases of the emulated chip
WHERE = {
    0: "on the virtual board", PANEL_SEED: "at its panel", TRIGGER_SEED: "that wait for a person",
    CHIP_SEED: "on the chip",
}  # fmt: skip


def part(first: int, count: int) -> int:
    """One part, for GNU parallel: a line of JSON for each case."""
    seeds = range(first, first + count)
    if first >= CHIP_SEED:
        from campaign import chip

        found: Iterable[Result] = chip.run(seeds)
    else:
        found = (each for each, _ in virtual(seeds))
    for each in found:
        print(json.dumps(each), flush=True)
    return 0


def replay(seed: int) -> int:
    """One case with all that was seen of it."""
    if seed >= CHIP_SEED:
        from campaign import chip

        ((found, seen),) = chip.cases([seed])
    else:
        ((found, seen),) = virtual([seed])
    print(json.dumps(seen.plan, indent=1))
    rows = [(note[0], note[1:]) for note in seen.notes]
    rows += [(pulse.start_us, [f"ch{pulse.channel}", pulse]) for pulse in seen.pulses]
    for us, what in sorted(rows, key=lambda row: row[0]):
        print(f"{us / 1000:12.3f} ms ", *what)
    print(json.dumps(found, indent=1))
    return failed(found)


def summary(found: list[Result]) -> dict[str, Any]:
    injected: Counter[str] = Counter()
    detection: defaultdict[str, list[float]] = defaultdict(list)
    for each in found:
        injected.update(each["injected"])
        for kind, ms in each["detection_ms"]:
            detection[kind].append(ms)
    seeds = sorted(each["seed"] for each in found)
    on_virtual = [seed for seed in seeds if seed < PANEL_SEED]
    at_panel = [seed for seed in seeds if PANEL_SEED <= seed < TRIGGER_SEED]
    waiting = [seed for seed in seeds if TRIGGER_SEED <= seed < CHIP_SEED]
    on_chip = [seed for seed in seeds if seed >= CHIP_SEED]
    every = json.dumps(sorted(found, key=lambda each: int(each["seed"])), sort_keys=True)
    return {
        "cases": len(found),
        "digest": hashlib.sha256(every.encode()).hexdigest(),  # of all that was seen of every case
        "injected": dict(sorted(injected.items())),
        **{word: sum(bool(each[word]) for each in found) for word in FAILURES},
        "detection_ms": {
            kind: {"median": round(statistics.median(ms), 3), "maximum": max(ms), "count": len(ms)}
            for kind, ms in sorted(detection.items())
        },
        "seeds": {
            "virtual": [on_virtual[0], on_virtual[-1]] if on_virtual else [],
            "panel": [at_panel[0], at_panel[-1]] if at_panel else [],
            "trigger": [waiting[0], waiting[-1]] if waiting else [],
            "chip": [on_chip[0], on_chip[-1]] if on_chip else [],
            "failed": [each["seed"] for each in sorted(found, key=lambda each: each["seed"]) if failed(each)],
        },
    }


def campaign(first: int, counts: dict[int, int], together: int, out: Path) -> int:
    """`counts`: how many cases from each seed of its kind on."""
    if shutil.which("parallel") is None:
        print("campaign: GNU parallel is missing; run `make setup`, or `apt-get install parallel`", file=sys.stderr)
        return 2
    parts = []
    for kind, of in sorted(counts.items(), reverse=True):  # those that take longest first
        most = A_CHIP_PART if kind == CHIP_SEED else together
        parts += [(kind + first + i, min(most, of - i)) for i in range(0, of, most)]
    print("; ".join(f"{of} {WHERE[kind]} from seed {kind + first}" for kind, of in counts.items()))
    every = sum(counts.values())
    command = [
        "parallel", "--will-cite", "--colsep", " ", "--workdir", str(ROOT), "--line-buffer",
        "env", "PYTHONPATH=scripts", ".venv/bin/python", "-m", "campaign.run", "--part", "{1}", "{2}",
    ]  # fmt: skip
    text = "".join(f"{seed} {size}\n" for seed, size in parts)
    with tempfile.TemporaryFile("w+") as list_of_parts:
        list_of_parts.write(text)
        list_of_parts.seek(0)
        running = subprocess.Popen(command, stdin=list_of_parts, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert running.stdout is not None
        lines = track(running.stdout, "campaign", total=every)
        found: list[Result] = [json.loads(line) for line in lines]
        returncode = running.wait()
    for each in found:
        for word in FAILURES:
            for text in each[word]:
                print(f"{word}: seed {each['seed']}: {text}; again: make campaign SEED={each['seed']}")
    table = summary(found)
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(table, indent=1) + "\n")
    print(json.dumps(table, indent=1))
    complete = returncode == 0 and len(found) == every
    if not complete:
        print(f"campaign: {len(found)} of {every} cases ran; see above", file=sys.stderr)
    return 0 if complete and not any(table[word] for word in FAILURES) else 1


def main() -> int:
    options = argparse.ArgumentParser(prog="campaign", description=__doc__)
    options.add_argument("--seed", type=int, help="run this case again and show what was seen of it")
    options.add_argument("--first", type=int, default=1, help="the first seed (1)")
    options.add_argument("--cases", type=int, default=CASES, help=f"on the virtual board ({CASES})")
    options.add_argument("--panel", type=int, default=PANEL_CASES, help=f"at the virtual board's panel ({PANEL_CASES})")
    options.add_argument(
        "--trigger",
        type=int,
        default=TRIGGER_CASES,
        help=f"that wait for a person, on the virtual board ({TRIGGER_CASES})",
    )
    options.add_argument("--chip", type=int, default=CHIP_CASES, help=f"on the emulated chip ({CHIP_CASES})")
    options.add_argument("--together", type=int, default=A_PART, help=f"how many make a part ({A_PART})")
    options.add_argument("--out", type=Path, default=OUT, help="where the summary goes (build/campaign.json)")
    options.add_argument("--part", type=int, nargs=2, metavar=("FIRST", "COUNT"), help="for GNU parallel")
    asked = options.parse_args()
    if asked.part:
        return part(*asked.part)
    if asked.seed is not None:
        return replay(asked.seed)
    counts = {0: asked.cases, PANEL_SEED: asked.panel, TRIGGER_SEED: asked.trigger, CHIP_SEED: asked.chip}
    return campaign(asked.first, counts, asked.together, asked.out)


if __name__ == "__main__":
    sys.exit(main())
