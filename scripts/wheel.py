"""Hatchling's hook: what a wheel carries beside the host tools, so that every verb works without a checkout.

The firmware's Python (the virtual board runs it), boards and stages, and every UF2 in build that was made of the same
sources (`make dist` makes those of all boards first). A source archive gets the UF2s too: a wheel that is built from it
later has no MicroPython to build them with.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

DATA = "opennmes/data"


class CustomBuildHook(BuildHookInterface[Any]):
    """Adds the files; refuses to build without the UF2s."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        root = Path(self.root)
        sys.path[:0] = [str(root / "firmware"), str(root / "host_tools")]
        from opennmes import paths
        from opennmes.boards import images, setup_names, with_a_witness
        from opennmes.device import identity
        from opennmes.device.uf2 import read_uf2

        files = [paths.uf2(board, stage) for board, stage in images()]
        needed = [paths.uf2(board, stage) for board, stage in images() if board in setup_names()]
        witnesses = [paths.witness_uf2(board) for board in with_a_witness()]
        if missing := [file.name for file in needed + witnesses if not file.is_file()]:
            raise FileNotFoundError(f"{', '.join(missing)} missing in build/: run `make dist`")
        made_of, room = identity.firmware().encode(), 1 << 24
        files = [file for file in files if file in needed or (file.is_file() and made_of in read_uf2(file, room).data)]
        files += witnesses
        include = build_data["force_include"]
        beside = DATA if self.target_name == "wheel" else "build"
        for file in files:
            include[str(file.resolve())] = f"{beside}/{file.name}"
        if self.target_name == "wheel":
            for folder in ("boards", "firmware"):
                include[str(root / folder)] = f"{DATA}/{folder}"
