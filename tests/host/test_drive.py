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


def test_without_psutil_no_drive_is_not_what_it_says(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "psutil", None)
    with pytest.raises(DriveError, match="which disks are mounted"):
        mounted()


# ---- interrupted at each step, and flashed again ----


def again(image, folder):
    """What a person does next: BOOTSEL once more, the same command."""
    chip = bootsel.Chip(folder)
    copied(image, chip)
    return chip.flash


STEPS = ("open", "write", "fsync", "close")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.ENODEV, errno.EROFS, errno.EDQUOT])
@pytest.mark.parametrize("step", STEPS)
def test_whatever_step_fails_the_chip_takes_nothing_by_halves_and_can_be_flashed_again(
    chip, image, monkeypatch, step, number, tmp_path
):
    real, calls = getattr(os, step), []

    def fails(*arguments):
        calls.append(arguments)
        if len(calls) == (2 if step in ("write", "fsync") else 1):
            raise OSError(number, os.strerror(number))
        return real(*arguments)

    monkeypatch.setattr(drive.os, step, fails)
    if step == "close" and number in (errno.EIO, errno.ENODEV):
        copied(image, chip)  # the chip was gone by then, with the whole image
        assert chip.flash == DATA
        return
    with pytest.raises(DriveError) as failed:
        copied(image, chip)
    assert str(chip.folder) in str(failed.value)
    monkeypatch.undo()
    if step != "close":
        chip.look()
        assert chip.flash is None, "the chip took an image that was not whole"
    chip.leave()
    assert again(image, chip.folder) == DATA


@pytest.mark.parametrize("step", [*STEPS, "wait"])
def test_ctrl_c_at_any_step_leaves_a_chip_that_can_be_flashed_again(chip, image, monkeypatch, step):
    def interrupted(*_arguments):
        raise KeyboardInterrupt

    if step == "wait":
        chip.pause = interrupted
    else:
        monkeypatch.setattr(drive.os, step, interrupted)
    with pytest.raises(KeyboardInterrupt):
        copied(image, chip)
    monkeypatch.undo()
    if step == "wait":
        chip.look()
        assert chip.flash == DATA, "it had the whole image: nothing is lost by that"
    chip.leave()
    assert again(image, chip.folder) == DATA


def test_a_drive_that_is_gone_before_the_first_byte_is_no_success(chip, image):
    found = at_mount(chip.folder)
    chip.leave()
    chip.folder.rmdir()
    with pytest.raises(DriveError, match=r"went away after 0 of .* was the cable pulled"):
        copy(image, found, clock=chip.clock, pause=chip.pause)


# ---- where nobody mounts ----

ANSWERS = (
    ("Mounted /dev/sda1 at {}", 0),
    ("Mounted /dev/sda1 at {}.", 0),
    (
        "Error mounting /dev/sda1: GDBus.Error:org.freedesktop.UDisks2.Error.AlreadyMounted: "
        "Device /dev/sda1 is already mounted at `{}'.\n",
        1,
    ),
)


@pytest.fixture
def udisks(tmp_path, monkeypatch):
    """Lets a test say what `udisksctl` answers; returns the file in which it notes how it was called."""
    import psutil

    folder, labels, called = tmp_path / "bin", tmp_path / "by-label", tmp_path / "called"
    folder.mkdir()
    labels.mkdir()
    (labels / "RPI-RP2").touch()
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: [])
    monkeypatch.setattr(drive, "BY_LABEL", labels)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)

    def answers(text, status):
        (tmp_path / "answer").write_text(text)
        program = folder / "udisksctl"
        program.write_text(f'#!/bin/sh\necho "$@" > {called}\ncat {tmp_path}/answer\nexit {status}\n')
        program.chmod(0o755)
        return called

    return answers


@pytest.mark.parametrize(("answer", "status"), ANSWERS)
@pytest.mark.parametrize("name", ["RPI-RP2", "a folder's (1)"])
def test_udisks_mounts_what_nobody_has_mounted(tmp_path, udisks, answer, status, name):
    chip = bootsel.Chip(tmp_path / name)
    called = udisks(answer.format(chip.folder), status)
    assert drive.mount_by_udisks() == [drive.Drive(chip.folder, "rp2040")]
    assert called.read_text().split() == [
        "mount", "--no-user-interaction", "--block-device", str(drive.BY_LABEL / "RPI-RP2")
    ]  # fmt: skip


@pytest.mark.parametrize(
    "answer", ["", "Error looking up object for device /dev/sda1", "Mounted /dev/sda1 at /nowhere/at/all"]
)
def test_udisks_that_refuses_is_no_drive(udisks, answer):
    udisks(answer, 1)
    assert drive.mount_by_udisks() == []


def test_udisks_is_not_asked_for_what_is_mounted_or_not_there(chip, udisks, monkeypatch):
    import psutil

    called = udisks(f"Mounted /dev/sda1 at {chip.folder}", 0)
    there = type("Partition", (), {"mountpoint": str(chip.folder)})
    with monkeypatch.context() as patched:
        patched.setattr(psutil, "disk_partitions", lambda all: [there])
        assert drive.mount_by_udisks() == []
    (drive.BY_LABEL / "RPI-RP2").unlink()
    assert drive.mount_by_udisks() == []
    assert not called.exists()


def test_flash_has_the_drive_mounted_where_no_board_is_found(chip, udisks, monkeypatch, capsys, tmp_path):
    from opennmes.cli import main
    from opennmes.device import discover

    udisks(f"Mounted /dev/sda1 at {chip.folder}", 0)
    monkeypatch.setattr(discover, "micropython_ports", dict)
    assert main(["devices"]) == 0
    assert "RPI-RP2: a chip in BOOTSEL whose drive nobody has mounted" in capsys.readouterr().out
    file = tmp_path / "short.uf2"
    file.write_bytes(bootsel.uf2(DATA)[:-512])
    assert main(["flash", str(file)]) == 1
    assert "1023 of the 1024 blocks" in capsys.readouterr().err
    assert chip.flash is None
