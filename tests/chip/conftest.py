"""What the chip tests share: the UF2, built once, and boards that run it."""

from __future__ import annotations

import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sessions import Bench

from opennmes.emulator.pico import EmulatedPico
from opennmes.emulator.repl import Repl, hide_main

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def uf2() -> Path:
    """The Pico's UF2 with our firmware frozen in; a build takes 40 s the first time and nothing after that."""
    toolchain = ROOT / "scripts" / "toolchain.py"
    built = subprocess.run([sys.executable, str(toolchain), "uf2", "pico"], stdout=subprocess.PIPE, text=True)
    assert built.returncode == 0, "the UF2 could not be built; see above"
    return Path(built.stdout.strip())


@pytest.fixture(scope="session")
def board() -> dict[str, Any]:
    """BOARD of the Pico."""
    described: dict[str, Any] = runpy.run_path(str(ROOT / "boards" / "pico" / "board.py"))["BOARD"]
    return described


@pytest.fixture(scope="session")
def reference_stage() -> dict[str, Any]:
    """STAGE of the reference output stage."""
    described: dict[str, Any] = runpy.run_path(str(ROOT / "boards" / "stages" / "reference.py"))["STAGE"]
    return described


@pytest.fixture
def bare_pico(uf2: Path) -> Callable[..., EmulatedPico]:
    """Makes boards that stop at MicroPython's prompt: everything is there, but our main.py does not start."""

    def make(flash: bytes | None = None, **options: Any) -> EmulatedPico:
        pico = EmulatedPico(uf2, flash, **options)
        hide_main(pico)
        return pico

    return make


@pytest.fixture
def repl(bare_pico: Callable[..., EmulatedPico]) -> Repl:
    """A board at MicroPython's prompt, ready to run test programs."""
    return Repl(bare_pico())


@pytest.fixture
def make(uf2: Path, board: dict[str, Any], reference_stage: dict[str, Any]) -> Callable[..., Bench]:
    """Makes boards with the stage around them and the host at their port; `flash` as EmulatedPico has it."""
    return lambda flash=None: Bench(uf2, board, reference_stage, flash)
