"""The firmware's modules as `make setup` compiles them for build/micropython, which takes ten times as long to read the
sources. Of the standard library alone: scripts/precompiled.py makes them."""

from __future__ import annotations

import filecmp
import os
from pathlib import Path, PurePath

from opennmes import paths

COMPILED, SOURCES = "compiled", "sources"  # in the folder build/precompiled
MAIN = PurePath("main.py")  # in COMPILED as it is: what MicroPython is started with has to be source
BUILD = PurePath("nmes_build.py")  # in COMPILED as well: the digest of the sources, which a device tells


def modules(firmware: Path) -> list[PurePath]:
    """Those of paths.firmware_sources() that are modules of `nmes`."""
    return [name for name in paths.firmware_sources(firmware) if name.parts[0] == "nmes"]


def folder_for(micropython: str) -> Path:
    """The folder that `micropython` is to load the firmware from: compiled, where it may be."""
    return of_today(micropython) or paths.firmware()


def of_today(micropython: str) -> Path | None:
    """The folder of compiled modules, when they were compiled for `micropython` and of what is in the firmware's folder
    now; else None."""
    root = paths.checkout()
    if root is None or os.environ.get("NMES_COMPILED") == "0":
        return None
    made, firmware = root / "build" / "precompiled", paths.firmware()
    copies = made / SOURCES
    if Path(micropython).resolve() != (root / "build" / "micropython").resolve() or not copies.is_dir():
        return None
    names = paths.firmware_sources(firmware)
    if names != paths.firmware_sources(copies) or not all(
        filecmp.cmp(firmware / name, copies / name) for name in names
    ):
        return None
    return made / COMPILED
