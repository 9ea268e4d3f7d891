"""Whatever lies on the file system, and under whatever name: only what was frozen into the UF2 runs."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import littlefs
import pytest
from sessions import OUTPUTS, rises

from opennmes.device import identity
from opennmes.device.client import Device
from opennmes.emulator.pico import EmulatedPico
from opennmes.emulator.repl import Repl
from opennmes.emulator.stage import OutputStage
from opennmes.ports.emulator import EmulatedPort

ROOT = Path(__file__).resolve().parents[2]
FIRMWARE = ROOT / "firmware"

# What a foreign module does that is run: it says so, drives every output, and ends the firmware.
FOREIGN = b"""
print("FOREIGN", __name__)
import micropython
from machine import Pin
for pin in (2, 3, 6, 7, 10):
    Pin(pin, Pin.OUT, value=1)
raise SystemExit
"""
# What MicroPython itself looks for on the way up, and what tools leave on boards.
OF_MICROPYTHON = ("_boot", "_boot_fat", "boot", "main", "rp2", "_rp2", "nmes_build", "webrepl_cfg", "mip", "uasyncio")


def imported() -> set[str]:
    """Every module that the firmware names in an import, whole and its first part."""
    found = set()
    for path in [*FIRMWARE.rglob("*.py"), ROOT / "boards" / "pico" / "board.py"]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    # Names of modules only: `from nmes.core.pulse import MEASURED` names no file.
    found = {name for name in found if "." not in name or (FIRMWARE / f"{name.replace('.', '/')}.py").exists()}
    folders = {path.relative_to(FIRMWARE).as_posix().replace("/", ".") for path in FIRMWARE.rglob("*") if path.is_dir()}
    folders = {name for name in folders if "__pycache__" not in name}
    return found | folders | {"stages", "stages.reference"}


def foreign(kind: str) -> dict[str, bytes]:
    """The files of one kind: all that the firmware imports and MicroPython looks for."""
    names = sorted({*imported(), *OF_MICROPYTHON})
    assert {"json", "os", "struct", "board", "nmes.store", "nmes.core.limits", "machine"} <= set(names)
    made = {}
    for name in names:
        path = name.replace(".", "/")
        for root in ("", "/lib", "/.frozen"):
            # A folder takes 8 KiB; the whole packages are enough, they would hide everything below.
            if kind == "folders" and "." not in name and root != "/.frozen":
                made[f"{root}/{path}/__init__.py"] = FOREIGN
            elif kind != "folders":
                made[f"{root}/{path}.{kind}"] = FOREIGN if kind == "py" else b"M\x06\x1f\x1f"
    return made


@pytest.mark.parametrize("kind", ["py", "folders", "mpy"])
def test_h01_no_foreign_file_of_any_name_runs(
    uf2: Path, board: dict[str, Any], reference_stage: dict[str, Any], kind: str
) -> None:
    pico = EmulatedPico(uf2, littlefs.image(foreign(kind)))
    stage = OutputStage(pico, board, reference_stage)
    device = Device(EmulatedPort(pico))
    said = device.connect()  # refuses another board, stage, limits or firmware
    assert {field: said[field] for field in identity.expected("pico", "reference")} == identity.expected(
        "pico", "reference"
    )
    assert device.status()["state"] == "IDLE"
    assert [signal for signal in OUTPUTS if rises(stage, signal)] == []
    assert b"FOREIGN" not in device.exchange.strange
    if kind != "py":
        return
    # At the prompt they are there for whoever asks for them, and a soft reset forgets that somebody has.
    repl = Repl(pico)
    assert repl.run("import sys, os; print(sys.path, 'json.py' in os.listdir('/'))") == "['.frozen'] True\n"
    assert repl.run("import json; print(json.loads('[1]'))") == "[1]\n"
    repl.run("f = open('/lib/mine.py', 'w'); f.write('X = 7'); f.close()")
    assert repl.run("sys.path.append('/lib'); import mine; print(mine.X)") == "7\n"
    pico.write(b"\x02\x04")
    pico.run_for(400_000_000)
    pico.read()
    again = Device(EmulatedPort(pico))
    again.connect()
    assert again.status()["state"] == "IDLE"
    assert [signal for signal in OUTPUTS if rises(stage, signal)] == []
