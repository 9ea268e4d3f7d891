"""`nmes emulate` as people use it: a process of its own, a port that the real mpremote and our own tools open."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

NMES = [sys.executable, "-c", "import sys; from opennmes.cli import main; sys.exit(main())"]


@pytest.fixture
def emulated(uf2: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    link = tmp_path / "board"
    command = [*NMES, "emulate", "--link", str(link), "--uf2", str(uf2)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == str(link)
    yield process, link
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert not link.is_symlink()


def test_our_tools_and_then_mpremote_work_on_the_running_firmware(emulated: tuple[subprocess.Popen[str], Path]) -> None:
    _, link = emulated
    status = subprocess.run([*NMES, "status", "--port", str(link), "--json"], capture_output=True, text=True)
    assert status.returncode == 0, status.stderr
    assert json.loads(status.stdout)["status"]["state"] == "IDLE"
    # The firmware gives way to mpremote's Ctrl-C because it is idle.
    command = [
        sys.executable,
        "-m",
        "mpremote",
        "connect",
        str(link),
        "exec",
        "import board; print(board.BOARD['name'])",
    ]
    mpremote = subprocess.run(command, capture_output=True, text=True)
    assert (mpremote.returncode, mpremote.stdout.strip()) == (0, "pico"), mpremote.stdout + mpremote.stderr
    at_prompt = subprocess.run([*NMES, "status", "--port", str(link)], capture_output=True, text=True)
    assert at_prompt.returncode == 1
    assert "MicroPython prompt" in at_prompt.stderr
    assert "Traceback" not in at_prompt.stderr


def test_an_emulator_that_dies_is_one_clear_message(
    emulated: tuple[subprocess.Popen[str], Path], tmp_path: Path
) -> None:
    process, link = emulated
    device = link.resolve()
    process.kill()
    process.wait()
    status = subprocess.run([*NMES, "status", "--port", str(device)], capture_output=True, text=True)
    assert status.returncode == 1
    assert str(device) in status.stderr and "Traceback" not in status.stderr
    link.unlink()
