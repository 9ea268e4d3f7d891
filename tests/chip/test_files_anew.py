"""`nmes flash --make-files-anew` on an emulated board that has the longer file system of a stock MicroPython."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import littlefs
import processes
import pytest
from served import served

from opennmes import paths
from opennmes.boards import load_board
from opennmes.device import records
from opennmes.device.client import Device, DeviceRefused
from opennmes.device.prompt import Prompt
from opennmes.ports.serial import SerialPort

PRESCRIPTION = paths.PROGRAMMES / "urge-incontinence-10hz.toml"
AT = littlefs.AT - load_board("pico")["flash"]["store"][0]  # of the flash that MicroPython reaches


@pytest.fixture
def link(uf2: Path, tmp_path: Path) -> Iterator[Path]:
    with served(tmp_path / "board", uf2):
        yield tmp_path / "board"


def nmes(*arguments: object) -> subprocess.CompletedProcess[str]:
    return processes.ran(*arguments)


def names(link: Path) -> list[str]:
    with Prompt(str(link.resolve())) as prompt:
        prompt.begin_files()
        return prompt.top_level()


def refusal(link: Path) -> str:
    """Why a person's session cannot be armed; empty, and it is ended again, where it can."""
    assert nmes("status", "--port", link).returncode == 0  # the prompt's last words are read by then
    with Device(SerialPort(str(link))) as device:
        device.connect()
        loaded = device.select(1)
        device.acknowledge()
        try:
            device.arm(loaded["programme_crc"])
        except DeviceRefused as refused:
            return str(refused.reasons[0]["code"])
        device.stop()
        return ""


def test_h12_a_longer_file_system_is_made_anew_when_a_person_agrees_and_what_the_device_keeps_stays(
    link: Path,
) -> None:
    kept = nmes("push", PRESCRIPTION, "--port", link), nmes("settings", "device_name", "left room", "--port", link)
    assert [each.returncode for each in kept] == [0, 0], kept
    done = nmes("flash", "--make-files-anew", "--port", link, "--yes", "--json")
    (board,) = json.loads(done.stdout)["boards"]
    assert (done.returncode, board["made"], board["verified"]) == (0, False, True), done.stderr
    with Prompt(str(link.resolve())) as prompt:
        prompt.begin_files()
        prompt.begin_flash()
        prompt.make_file_system(AT, littlefs.OF_STOCK)
        prompt.write_file("/notes.txt", b"mine")
    assert refusal(link) == "not_recorded"
    # Nobody agrees: nothing is changed, and it says what would be lost.
    asked = nmes("flash", "--make-files-anew", "--port", link)
    assert asked.returncode == 1 and "--yes" in asked.stderr and "notes.txt" in asked.stderr
    assert (names(link), refusal(link)) == (["notes.txt"], "not_recorded")
    done = nmes("flash", "--make-files-anew", "--port", link, "--yes")
    assert done.returncode == 0 and "room for the records of sessions" in done.stdout, done.stderr
    assert (names(link), refusal(link)) == ([], "")
    with Device(SerialPort(str(link))) as device:
        assert device.connect()["name"] == "left room"
        assert [row.end["ended"] for row in records.log_of(device).kept if row.end] == ["stopped"]
    same = nmes("diff", PRESCRIPTION, 1, "--port", link)
    assert same.returncode == 0, same.stdout + same.stderr
