"""`nmes emulate` as people use it: a process of its own, a port that the real mpremote and our own tools open."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import serial
from served import NMES, served

from nmes.core import frame


@pytest.fixture
def emulated(uf2: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    link = tmp_path / "board"
    with served(link, uf2) as process:
        yield process, link
    assert not link.is_symlink()


def test_a_plain_terminal_our_tools_and_then_mpremote_work_on_the_running_firmware(
    emulated: tuple[subprocess.Popen[str], Path],
) -> None:
    _, link = emulated
    with serial.Serial(str(link), timeout=300) as terminal:
        terminal.write(b"hello? status\r\n")
        answer = frame.decode(terminal.readline())
    assert (answer["ok"], answer["error"]) == (False, "no_crc"), answer
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


def hears_every_signal() -> None:
    """As at a terminal, also where the tests themselves were started by nohup or in the background of a shell."""
    for name in ("SIGINT", "SIGHUP", "SIGQUIT"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)


def started(link: Path, uf2: Path, prepare: Callable[[], object] = hears_every_signal) -> subprocess.Popen[str]:
    """An `nmes emulate` whose link is there."""
    command = [*NMES, "emulate", "--link", str(link), "--uf2", str(uf2)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=prepare)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == str(link)
    assert link.is_symlink()
    return process


@pytest.mark.parametrize("name", ["SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGALRM", "SIGXCPU"])
def test_no_signal_that_can_be_caught_leaves_a_link(uf2: Path, tmp_path: Path, name: str) -> None:
    link = tmp_path / "board"
    process = started(link, uf2)
    process.send_signal(getattr(signal, name))
    _, said = process.communicate(timeout=300)
    assert not link.is_symlink()
    assert (process.returncode, said) == (0, "")


def test_nohup_is_respected_and_sigterm_still_removes_the_link(uf2: Path, tmp_path: Path) -> None:
    link = tmp_path / "board"
    process = started(link, uf2, lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    # The kernel's own word for it: no waiting for something that does not happen.
    (ignored,) = re.findall(r"SigIgn:\s*(\w+)", Path(f"/proc/{process.pid}/status").read_text())
    assert int(ignored, 16) >> (signal.SIGHUP - 1) & 1
    process.send_signal(signal.SIGHUP)
    assert process.poll() is None and link.is_symlink()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=300)
    assert not link.is_symlink()


def test_a_link_that_a_killed_one_left_behind_is_named_and_left_alone(uf2: Path, tmp_path: Path) -> None:
    link = tmp_path / "board"
    process = started(link, uf2)
    process.kill()
    process.communicate()
    target = os.readlink(link)
    again = subprocess.run(
        [*NMES, "emulate", "--link", str(link), "--uf2", str(uf2)], capture_output=True, text=True, timeout=300
    )
    assert again.returncode == 2
    assert f"{link} is there already, a link to {target}" in again.stderr and "remove it" in again.stderr
    assert os.readlink(link) == target


def test_a_link_that_somebody_changed_meanwhile_stays(uf2: Path, tmp_path: Path) -> None:
    link = tmp_path / "board"
    process = started(link, uf2)
    link.unlink()
    link.symlink_to("/dev/null")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=300)
    assert os.readlink(link) == "/dev/null"


@pytest.mark.parametrize("stdout", ["closed", "full"])
def test_a_stdout_that_takes_nothing_leaves_no_link(uf2: Path, tmp_path: Path, stdout: str) -> None:
    link = tmp_path / "board"
    command = [*NMES, "emulate", "--link", str(link), "--uf2", str(uf2)]
    with contextlib.ExitStack() as files:
        if stdout == "full":
            taker: Any = files.enter_context(open("/dev/full", "w"))
        else:
            reader, taker = os.pipe()
            os.close(reader)
            files.callback(os.close, taker)
        ended = subprocess.run(command, stdout=taker, stderr=subprocess.PIPE, text=True, timeout=300)
    assert ended.returncode != 0
    assert "Traceback" not in ended.stderr
    assert not link.is_symlink()


def test_a_link_that_cannot_be_made_is_one_clear_message(uf2: Path, tmp_path: Path) -> None:
    for link, says in ((tmp_path / "none" / "board", "there is no folder"), (Path("/proc/board"), "cannot be made")):
        command = [*NMES, "emulate", "--link", str(link), "--uf2", str(uf2)]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert ended.returncode == 1
        assert says in ended.stderr and str(link) in ended.stderr and "Traceback" not in ended.stderr
