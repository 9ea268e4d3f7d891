"""Copying an image to a chip in BOOTSEL: the drive that vanishes is the success, the one that stays is the failure."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import bootsel
import pytest

from opennmes.device import drive
from opennmes.device.drive import DriveError, at_mount, copy, mounted
from opennmes.device.uf2 import read_uf2

DATA = bytes(range(256)) * 1024  # a dozen chunks


@pytest.fixture
def chip(tmp_path):
    return bootsel.Chip(tmp_path / "RPI-RP2")


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "image.uf2"
    path.write_bytes(bootsel.uf2(DATA))
    return read_uf2(path, 1 << 21)


def copied(image, chip, steps=None):
    copy(image, at_mount(chip.folder), lambda *step: (steps or []).append(step), chip.clock, chip.pause)


def test_the_image_is_in_flash_and_the_drive_is_gone(chip, image):
    steps = [(0, 0)]
    copied(image, chip, steps)
    assert chip.flash == DATA
    assert steps[-1] == (len(image.raw), len(image.raw))
    assert sorted(steps) == steps


def test_a_drive_that_stays_is_a_failure(chip, image):
    chip.look = lambda: None
    with pytest.raises(DriveError, match=r"still there.*BOOTSEL"):
        copied(image, chip)
    assert chip.now_s >= drive.VANISH_S


def test_an_image_of_another_chip_is_not_written(tmp_path, image):
    chip = bootsel.Chip(tmp_path / "RP2350", board="RP2350")
    with pytest.raises(DriveError, match=r"for an RP2040, the board at .* is an RP2350"):
        copied(image, chip)
    assert sorted(path.name for path in chip.folder.iterdir()) == ["INDEX.HTM", "INFO_UF2.TXT"]


@pytest.mark.parametrize("chunks", [0, 1, 5])
def test_a_cable_pulled_while_writing_is_no_success(chip, image, monkeypatch, chunks):
    write, left = os.write, [chunks]

    def pulled(handle, data):
        if not left[0]:
            chip.leave()
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        left[0] -= 1
        return write(handle, data)

    monkeypatch.setattr(drive.os, "write", pulled)
    with pytest.raises(DriveError, match=f"went away after {chunks * drive.CHUNK} of"):
        copied(image, chip)
    assert chip.flash is None


def test_a_drive_that_vanishes_under_the_last_block_is_the_success(chip, image, monkeypatch):
    sync = os.fsync

    def gone(handle):
        sync(handle)
        chip.look()
        if chip.flash is not None:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(drive.os, "fsync", gone)
    copied(image, chip)
    assert chip.flash == DATA


@pytest.mark.parametrize(
    ("number", "says"), [(errno.EROFS, "cannot be written"), (errno.ENOSPC, "writing stopped after 0"),
                         (errno.EACCES, "cannot be written")]
)  # fmt: skip
def test_a_drive_that_cannot_be_written_is_said(chip, image, monkeypatch, number, says):
    def refused(*_arguments):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(drive.os, "open", refused)
    with pytest.raises(DriveError, match=says):
        copied(image, chip)


def test_a_folder_that_is_no_drive_is_named(tmp_path):
    with pytest.raises(DriveError, match="no drive of a chip in BOOTSEL"):
        at_mount(tmp_path)
    (tmp_path / "INFO_UF2.TXT").write_text(bootsel.INFO.replace("RPI-RP2", "SAMD21"))
    with pytest.raises(DriveError, match=r"SAMD21.*known are RPI-RP2, RP2350"):
        at_mount(tmp_path)


def test_drives_are_found_where_they_are_mounted(chip, tmp_path, monkeypatch):
    import psutil

    class Partition:
        def __init__(self, mountpoint: Path) -> None:
            self.mountpoint = str(mountpoint)

    there = [Partition(tmp_path), Partition(chip.folder), Partition(tmp_path / "gone")]
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: there)
    assert [found.mount for found in mounted()] == [chip.folder]
