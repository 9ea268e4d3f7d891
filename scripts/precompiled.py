"""The firmware as build/micropython loads it: its modules compiled, beside copies of the sources that they are made of.

A virtual board and the tests of tests/core start from there in a tenth of the time in which MicroPython compiles the
sources, as long as these are still what stands in firmware/ (host_tools/opennmes/ports/precompiled.py).
"""

from __future__ import annotations

import platform
import shutil
import subprocess
from pathlib import Path

from opennmes import paths
from opennmes.device import identity
from opennmes.ports import precompiled as place
from toolchain import ROOT, BuildError, build_once, cache, digest, mpy_cross, toolchain_key

# What mpy-cross calls a computer whose MicroPython has machine code, which some of the modules are.
ARCHITECTURES = {"x86_64": "x64"}


def precompile() -> Path | None:
    """Compile the modules once. Returns the folder; None for a computer that is none of ARCHITECTURES. Raises
    BuildError."""
    architecture = ARCHITECTURES.get(platform.machine())
    if architecture is None:
        return None
    firmware = ROOT / "firmware"
    names, modules = paths.firmware_sources(firmware), place.modules(firmware)

    def make(target: Path) -> None:
        compiler = mpy_cross()
        copies, compiled = target / place.SOURCES, target / place.COMPILED
        for name in names:
            (copies / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(firmware / name, copies / name)
        for name in modules:
            (compiled / name).parent.mkdir(parents=True, exist_ok=True)
            made = (compiled / name).with_suffix(".mpy")
            command = [compiler, f"-march={architecture}", "-s", name, "-o", made, copies / name]
            done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
            if done.returncode:
                raise BuildError(f"firmware/{name} is not understood by MicroPython: {done.stderr.strip()}")
        shutil.copy2(firmware / place.MAIN, compiled / place.MAIN)
        (compiled / place.BUILD).write_text(f'FIRMWARE = "{identity.firmware()}"\n')

    texts = [part for name in names for part in (str(name), (firmware / name).read_bytes())]
    key = digest(toolchain_key(), architecture, *map(str, modules), *texts)
    return build_once(cache() / f"precompiled-{key}", make)
