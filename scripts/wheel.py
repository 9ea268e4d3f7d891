"""Hatchling's hook: what a wheel carries beside the host tools, so that every verb works without a checkout.

The firmware's Python (the virtual board runs it), boards and stages, and the UF2 of each board. A source archive gets
the UF2s too: a wheel that is built from it later has no MicroPython to build them with.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

DATA = "opennmes/data"


class CustomBuildHook(BuildHookInterface):  # type: ignore[misc]
    """Adds the files; refuses to build without the UF2s."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        root = Path(self.root)
        boards = sorted(path.parent.name for path in root.glob("boards/*/mpconfigboard.cmake"))
        if missing := [board for board in boards if not (root / "build" / f"opennmes-{board}.uf2").is_file()]:
            raise FileNotFoundError(f"no UF2 for {', '.join(missing)} in build/: run `make dist`")
        include = build_data["force_include"]
        for image in sorted((root / "build").glob("opennmes-*.uf2")):
            name = f"opennmes-{image.name.partition('-')[2]}"
            include[str(image.resolve())] = f"{DATA}/{name}" if self.target_name == "wheel" else f"build/{name}"
        if self.target_name == "wheel":
            for folder in ("boards", "firmware"):
                include[str(root / folder)] = f"{DATA}/{folder}"
