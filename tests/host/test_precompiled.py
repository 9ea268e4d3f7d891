"""The compiled modules from which a virtual board starts: only while they are what the sources say."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from opennmes import paths
from opennmes.device.client import Device
from opennmes.ports.precompiled import BUILD, MAIN, modules, of_today
from opennmes.ports.virtual import VirtualPort, micropython


@pytest.fixture
def firmware(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the firmware, which is the firmware for now; MicroPython is the one of this checkout."""
    monkeypatch.delenv("MICROPYTHON", raising=False)
    copy = tmp_path / "firmware"
    shutil.copytree(paths.firmware(), copy)
    monkeypatch.setattr(paths, "firmware", lambda: copy)
    return copy


def test_they_are_there_and_of_every_module(firmware: Path) -> None:
    compiled = of_today(micropython())
    assert compiled is not None, "run make setup"
    names = modules(firmware)
    some = {"nmes/supervisor.py", "nmes/core/verdict.py", "nmes/hal/rp2/slots.py"}
    assert some <= {name.as_posix() for name in names}
    made = {path.relative_to(compiled) for path in compiled.rglob("*") if path.is_file()}
    assert made == {MAIN, BUILD, *(name.with_suffix(".mpy") for name in names)}


def test_a_module_that_is_changed_new_or_gone_is_seen(firmware: Path) -> None:
    changed = firmware / "nmes" / "core" / "train.py"
    text, before = changed.read_bytes(), changed.stat()
    changed.write_bytes(text.replace(b"0", b"1", 1))  # as long as before
    assert of_today(micropython()) is None
    changed.write_bytes(text)
    os.utime(changed, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert of_today(micropython()) is not None, "it has another date alone"
    of_the_chip = firmware / "nmes" / "hal" / "rp2" / "guard.py"
    kept = of_the_chip.read_bytes()
    of_the_chip.write_bytes(kept + b"\n")
    assert of_today(micropython()) is None, "the digest that a device tells is of it too"
    of_the_chip.write_bytes(kept)
    new = firmware / "nmes" / "core" / "new.py"
    new.touch()
    assert of_today(micropython()) is None
    new.unlink()
    changed.unlink()
    assert of_today(micropython()) is None


def test_another_micropython_is_given_the_sources(firmware: Path, tmp_path: Path) -> None:
    other = tmp_path / "micropython"
    shutil.copy2(micropython(), other)
    assert of_today(str(other)) is None


def test_what_runs_is_what_stands_in_the_folder_now(firmware: Path) -> None:
    (version,) = [line for line in (firmware / "nmes" / "__init__.py").read_text().splitlines() if "VERSION" in line]
    path = firmware / "nmes" / "__init__.py"
    path.write_text(path.read_text().replace(version, 'VERSION = "9.9.9"'))
    port = VirtualPort()
    try:
        assert Device(port).introduce()["version"] == "9.9.9"
    finally:
        port.close()
