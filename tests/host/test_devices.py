"""What `nmes devices` and `nmes flash` see of the boards on a machine, with boards that are not there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import bootsel
import pytest

from nmes.core import frame
from opennmes.cli import main
from opennmes.device import discover, drive
from opennmes.ports import serial
from opennmes.ports.errors import PortError

IDENTITY = {"version": "0.1.0", "board": "pico", "stage": "reference", "uid": "e6616407e3", "host": 5}


class Port:
    """A serial port with `says` on its other end: b"" for a program that never answers."""

    def __init__(self, name: str, says: Any) -> None:
        self.name = name
        self._says = says
        self._lines = b""
        self._now_s = 0.0
        if says is PortError:
            raise PortError(f"{name}: the port is busy")

    def write(self, data: bytes) -> None:
        for line in data.splitlines():
            if not line.strip():
                self._lines += self._says if isinstance(self._says, bytes) else b""
            elif not isinstance(self._says, bytes):
                request = frame.decode(line)
                fields = self._says if request["cmd"] == "identify" else {"state": "FAULT", "fault": 11}
                self._lines += frame.encode({"seq": request["seq"], "ok": True, **fields})

    def read(self, timeout_s: float) -> bytes:
        self._now_s += timeout_s
        said, self._lines = self._lines, b""
        return said

    def now_s(self) -> float:
        return self._now_s

    def close(self) -> None:
        pass


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> bootsel.Chip:
    """Four boards on serial ports, and one in BOOTSEL."""
    there = {"A": IDENTITY, "B": b"\r\n>>> ", "C": b"", "D": PortError}
    monkeypatch.setattr(serial, "SerialPort", lambda name: Port(name, there[name]))
    monkeypatch.setattr(discover, "micropython_ports", lambda: dict.fromkeys(there, "ab12"))
    chip = bootsel.Chip(tmp_path / "RPI-RP2")
    monkeypatch.setattr(drive, "mounted", lambda: [drive.at_mount(chip.folder)])
    return chip


def test_every_board_is_listed_for_what_it_is(machine, capsys):
    assert main(["devices"]) == 0
    ours, prompt, silent, busy, in_bootsel = capsys.readouterr().out.splitlines()
    assert "A: OpenNMES 0.1.0 on pico, stage reference, UID e6616407e3, FAULT, fault 11 (electrode_open)" in ours
    assert "B, UID ab12: MicroPython's prompt" in prompt
    assert "C, UID ab12: no answer" in silent
    assert "D, UID ab12: D: the port is busy" in busy
    assert f"{machine.folder}: an RP2040 in BOOTSEL" in in_bootsel


def test_for_machines(machine, capsys):
    assert main(["devices", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["devices"]
    assert [row["kind"] for row in rows] == ["opennmes", "micropython", "silent", "busy", "bootsel"]
    assert rows[0]["identity"]["board"] == "pico" and rows[4]["chip"] == "rp2040"


def test_without_a_board_it_says_what_to_do(monkeypatch, capsys):
    monkeypatch.setattr(discover, "micropython_ports", dict)
    monkeypatch.setattr(drive, "mounted", list)
    assert main(["devices"]) == 0
    said = capsys.readouterr().out
    assert "no board found: plug one in" in said and "`nmes doctor` looks for the reason" in said
    assert main(["flash", "--yes"]) == 1
    said = capsys.readouterr().err
    assert "no board found; hold BOOTSEL" in said and "`nmes doctor` looks for the reason" in said


def test_flash_does_not_choose_between_boards(machine, capsys):
    assert main(["flash", "--yes"]) == 1
    said = capsys.readouterr().err
    assert "4 boards are here; name one with --port or --mount, or say --all" in said
    assert machine.flash is None


@pytest.mark.parametrize("arguments", [["--port", "D"], ["--mount", "/nowhere"]])
def test_flash_of_what_cannot_be_reached_says_why(machine, arguments, capsys):
    assert main(["flash", "--yes", *arguments]) == 1
    assert "Traceback" not in (said := capsys.readouterr().err)
    assert "busy" in said or "no drive of a chip in BOOTSEL" in said


def test_a_file_that_is_no_image_of_the_board_changes_nothing(machine, tmp_path, capsys):
    image = tmp_path / "other.uf2"
    image.write_bytes(bootsel.uf2(bytes(512), family=0xE48BFF59))
    assert main(["flash", str(image), "--mount", str(machine.folder), "--yes"]) == 1
    assert "for an RP2350, the board at" in capsys.readouterr().err
    assert machine.flash is None and (machine.folder / "INFO_UF2.TXT").exists()
