"""The acceptance list on two emulated Picos that are wired to each other, each with its own firmware, in lockstep:
`make witness`. It is what `nmes verify --witness --quick` does with two real ones.

`--only NAME` (again for more; the beginning of a run's name in the code, as reset): these alone. `--full`: as long as a
person runs it. The exit status is 0 when nothing failed and nothing of what ran is unclear.
"""

from __future__ import annotations

import argparse
import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "firmware"), str(ROOT / "host_tools")]

from opennmes import paths  # noqa: E402
from opennmes.boards import load_board, load_stage, wires  # noqa: E402
from opennmes.device.acceptance import report, runs  # noqa: E402
from opennmes.device.acceptance.accept import Acceptance, accept  # noqa: E402
from opennmes.device.client import Device  # noqa: E402
from opennmes.emulator.lines import RUN  # noqa: E402
from opennmes.emulator.pair import Pair  # noqa: E402
from opennmes.emulator.pico import EmulatedPico  # noqa: E402
from opennmes.emulator.stage import OutputStage  # noqa: E402
from opennmes.measure.claims import PASSED  # noqa: E402
from opennmes.ports.emulator import EmulatedPort  # noqa: E402

BOARD = "pico"
WIRES = runpy.run_path(str(paths.witness() / "wires.py"))
FOLDER = ROOT / "build" / "witness"


def paired() -> Pair:
    """Two boards that have been powered on, every wire as it should be."""
    board = load_board(BOARD)
    gpios = wires(board)[0]
    judged = EmulatedPico(paths.uf2(BOARD))
    stage = OutputStage(judged, board, load_stage(board["stage"]))
    joined = {gpio: gpio for role, gpio in gpios.items() if role != "run"} | {RUN: gpios["run"]}
    pulls = [gpios[role] for role in WIRES["PULLS"]]
    return Pair(judged, stage, board, EmulatedPico(paths.witness_uf2(BOARD)), joined, pulls, WIRES["GO"])


def carried_out(names: list[str], *, full: bool) -> Acceptance:
    """The runs whose names begin so, all of them without names. Raises what accept raises."""
    Device.tells_time = False  # the emulated board's clock is its own
    chosen = [run for run in runs.LIST if not names or run.__name__.startswith(tuple(names))]
    if not chosen:
        raise SystemExit(f"no run is called so; there are {', '.join(run.__name__ for run in runs.LIST)}")
    pair = paired()
    return accept(
        EmulatedPort(pair.witness), lambda: EmulatedPort(pair.judged), quick=not full, list_of_runs=chosen,
        progress=lambda text: print(text, flush=True),
    )  # fmt: skip


def main() -> int:
    """The command."""
    said = argparse.ArgumentParser(description=__doc__)
    said.add_argument("--only", action="append", default=[], metavar="NAME")
    said.add_argument("--full", action="store_true")
    options = said.parse_args()
    made = carried_out(options.only, full=options.full)
    report.write(made, FOLDER)
    wrong = [(run.name, claim) for run in made.found for claim in run.claims if claim.verdict != PASSED]
    for name, claim in wrong:
        print(f"{name}, {claim.name}: {claim.verdict}, {claim.why or claim.measured}")
    count = sum(len(run.claims) for run in made.found)
    print(f"{count - len(wrong)} of {count} claims passed; {FOLDER / report.HTML}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
