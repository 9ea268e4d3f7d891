"""`nmes flash` on an emulated board: into BOOTSEL over the link, the image onto the drive, and read back."""

from __future__ import annotations

import errno
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import processes
import pytest
from served import served
from sessions import OUTPUTS, Bench, rises

import toolchain
from opennmes import paths
from opennmes.device import drive
from opennmes.device.client import Device
from opennmes.device.uf2 import read_uf2
from opennmes.emulator.bootsel import BootselDrive
from opennmes.emulator.pico import FLASH_BYTES, FLASH_SECTOR, EmulatedPico
from opennmes.emulator.stage import OutputStage
from opennmes.ports.emulator import EmulatedPort

PRESCRIPTION = paths.PROGRAMMES / "urge-incontinence-10hz.toml"


@pytest.fixture
def emulated(uf2: Path, tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """A board's port, and the folder where its drive appears."""
    link, folder = tmp_path / "board", tmp_path / "RPI-RP2"
    with served(link, uf2, "--bootsel", str(folder)):
        yield link, folder


def nmes(*arguments: object) -> subprocess.CompletedProcess[str]:
    return processes.ran(*arguments)


def test_a_board_of_ours_is_flashed_and_what_is_in_flash_is_the_image(emulated, uf2: Path) -> None:
    link, folder = emulated
    refused = nmes("flash", uf2, "--port", link, "--mount", folder)
    assert refused.returncode == 1 and "--yes" in refused.stderr
    assert not folder.exists(), "nobody agreed, and the board is in BOOTSEL"
    kept = nmes("push", PRESCRIPTION, "--port", link), nmes("settings", "device_name", "left room", "--port", link)
    assert [each.returncode for each in kept] == [0, 0], kept
    done = nmes("flash", uf2, "--port", link, "--mount", folder, "--yes", "--json")
    assert done.returncode == 0, done.stderr + done.stdout[-600:]
    (board,) = json.loads(done.stdout)["boards"]
    assert board["verified"] and board["sha256"] == board["expected"]
    assert "OpenNMES" in done.stderr, "it says what is there before it asks"
    status = nmes("status", "--port", link, "--json")
    assert json.loads(status.stdout)["status"]["state"] == "IDLE", status.stderr
    # What it kept it keeps.
    assert json.loads(status.stdout)["identity"]["name"] == "left room"
    same = nmes("diff", PRESCRIPTION, 1, "--port", link)
    assert same.returncode == 0, same.stdout + same.stderr


def test_h02_a_cable_pulled_while_the_image_is_written_puts_nothing_out_and_the_board_can_be_flashed_again(
    make: Callable[..., Bench], uf2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, folder, image = make(), tmp_path / "RPI-RP2", read_uf2(uf2, 1 << 21)
    bench.device.request("bootloader")
    assert bench.pico.run_until(lambda: bench.pico.in_bootsel, 500_000_000)
    pulled = BootselDrive(folder)
    write, chunks = os.write, []

    def fails(handle: int, data: bytes) -> int:
        chunks.append(len(data))
        if len(chunks) > 5:
            pulled.leave()
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return write(handle, data)

    with monkeypatch.context() as patched:
        patched.setattr(drive.os, "write", fails)
        with pytest.raises(drive.DriveError, match="was the cable pulled"):
            drive.copy(image, drive.at_mount(folder))
    assert pulled.taken() is None
    bench.pico.run_for(10_000_000)
    assert not any(bench.pico.level(pin) for pin in range(30))

    again = BootselDrive(folder)

    def take(seconds: float) -> None:
        blocks = again.taken()
        if blocks is not None:
            bench.pico.flash_blocks(blocks)

    drive.copy(image, drive.at_mount(folder), pause=take)
    assert bench.pico.flash_image()[: len(image.data)] == image.data
    bench.connect()
    assert bench.fault() == ("IDLE", 0)
    assert bench.moved(0) == []


def test_a_chip_with_parts_of_two_images_puts_nothing_out_and_can_be_flashed_again(
    uf2: Path, board: dict[str, Any], reference_stage: dict[str, Any]
) -> None:
    """The power goes while the ROM writes, and comes back without BOOTSEL: a sample of where that may have been."""
    old, new = read_uf2(uf2, 1 << 21).data, read_uf2(toolchain.stock_uf2(), 1 << 21).data
    assert sum(a != b for a, b in zip(old, new, strict=False)) > 50_000, "two images that differ all over"
    for percent in (30, 60, 95):
        end = len(new) * percent // 100 // FLASH_SECTOR * FLASH_SECTOR
        # The ROM erases a sector when its first block comes.
        flash = (new[:end] + b"\xff" * FLASH_SECTOR + old[end + FLASH_SECTOR :]).ljust(FLASH_BYTES, b"\xff")
        pico = EmulatedPico(uf2, flash)
        stage = OutputStage(pico, board, reference_stage)
        pico.run_for(250_000_000)
        assert not [signal for signal in OUTPUTS if rises(stage, signal)], percent
    pico.flash_blocks([(0x10000000 + at, old[at : at + 256]) for at in range(0, len(old), 256)])
    device = Device(EmulatedPort(pico))
    device.connect()
    assert device.status()["state"] == "IDLE"
    assert not [signal for signal in OUTPUTS if rises(stage, signal)]


def test_verify_alone_tells_another_image(emulated, uf2: Path, tmp_path: Path) -> None:
    link, _ = emulated
    raw = bytearray(uf2.read_bytes())
    raw[100 * 512 + 40] ^= 1
    other = tmp_path / "other.uf2"
    other.write_bytes(raw)
    same, changed = (nmes("flash", image, "--verify", "--port", link) for image in (uf2, other))
    assert same.returncode == 0, same.stderr
    assert changed.returncode == 1
    assert "is not" in changed.stderr and "nmes flash --port" in changed.stderr
