"""`make firmware`: the UF2 of every board and output stage into build/, and what each leaves of flash and memory.

Free memory is what an emulated board finds in its self-test before anybody arms it; an image that no emulator here runs
says so. The same sources make the same images bit for bit, whoever builds them: the last column is to compare.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path
from typing import Any

from opennmes import boards, paths
from opennmes.device.client import Device
from opennmes.device.uf2 import read_uf2
from opennmes.emulator.pico import EmulatedPico
from opennmes.emulator.stage import OutputStage
from opennmes.emulator.wires import Wires
from opennmes.ports.emulator import EmulatedPort
from setup import link_images
from toolchain import BuildError, say

EMULATED = "rp2040"
NOT_RUN = "not run"
HEAD = ("image", "bytes", "flash free", "memory free", "SHA-256")


def memory_free(image: Path, board: dict[str, Any]) -> str:
    """Bytes of the heap that are free on an emulated board that has booted; words where none runs the image."""
    if board["mcu"] != EMULATED:
        return NOT_RUN
    pico, stage = EmulatedPico(image), boards.load_stage(board["stage"])
    around = OutputStage(pico, board, stage) if stage["measures"] else Wires(pico, board)
    device = Device(EmulatedPort(pico))
    device.connect()
    results = {name: found for name, _, found, _ in device.run_self_test()["results"]}
    del around
    return f"{int(results['memory_low'].partition(' ')[0]):,}"


def row(board: str, stage: str, run: bool) -> tuple[str, ...]:
    """One image, for HEAD."""
    facts = boards.load_board(board, stage or None)
    path, room = paths.uf2(board, stage), facts["flash"]["firmware"][1]
    used = len(read_uf2(path, room).data)
    free = memory_free(path, facts) if run else NOT_RUN
    return path.name, f"{used:,}", f"{room - used:,}", free, hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("boards", nargs="*", help="only these; without one, all")
    parser.add_argument("--do-not-run", action="store_true", help="leave out the emulator, a minute for each image")
    arguments = parser.parse_args()
    names = arguments.boards or [name for name in boards.board_names() if boards.has_image(name)]
    try:
        if unknown := [name for name in names if not boards.has_image(name)]:
            raise BuildError(f"no UF2 is made for {', '.join(unknown)}; `nmes boards` lists the boards")
        link_images(names)
    except BuildError as error:
        say(f"firmware: {error}")
        return 1
    rows = [HEAD, *(row(board, stage, not arguments.do_not_run) for board, stage in boards.images() if board in names)]
    widths = [max(len(each[column]) for each in rows) for column in range(len(HEAD))]
    for each in rows:
        print(
            "  ".join(
                [each[0].ljust(widths[0]), *(text.rjust(w) for text, w in zip(each[1:], widths[1:], strict=True))]
            )
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
