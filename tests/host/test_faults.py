"""Faults on the virtual board: what is kept of one, and that only a person ends it."""

from __future__ import annotations

import binascii
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starting import begin

from nmes.core import faults
from opennmes.cli import main
from opennmes.device.client import Device, DeviceRefused
from opennmes.ports.virtual import VirtualPort
from opennmes.prescription import Prescription

pytestmark = pytest.mark.usefixtures("virtual_board")


@contextmanager
def powered(store: Path, load_ohm: int = 500) -> Iterator[Device]:
    """A board with power; at the end it is cut, without a word."""
    port = VirtualPort(load_ohm=load_ohm, store=store)
    device = Device(port)
    device.connect()
    yield device
    port.close()


def run_into_a_fault(device: Device, example_file: Path) -> None:
    begin(device, Prescription.read(example_file).data)
    device.raise_to(6_000)
    device.wait(3)


def test_an_open_electrode_is_still_a_fault_after_a_power_cut_until_a_person_clears_it(
    tmp_path: Path, example_file: Path
) -> None:
    store = tmp_path / "store"
    with powered(store, load_ohm=10**9) as device:
        run_into_a_fault(device, example_file)
        status, record = device.status(), device.request("record")
        assert (status["state"], status["fault"]) == ("FAULT", faults.ELECTRODE_OPEN)
        assert (record["fault"], record["state"], record["phase"]) == (faults.ELECTRODE_OPEN, "RUNNING", "work")
        assert record["intensity_ua"][0] > 0 and record["delivered"] > 0
    with powered(store) as device:
        status = device.status()
        assert (status["state"], status["fault"]) == ("FAULT", faults.ELECTRODE_OPEN)
        assert device.request("record") == record
        with pytest.raises(DeviceRefused):
            device.request("clear", fault=faults.ELECTRODE_SHORT)
        device.request("clear", fault=faults.ELECTRODE_OPEN)
    with powered(store) as device:
        assert device.status()["state"] == "IDLE"
        assert set(device.request("record").values()) == {None}


def test_a_damaged_store_is_a_fault_and_one_bad_slot_is_none(tmp_path: Path, example_file: Path) -> None:
    store = tmp_path / "store"
    with powered(store, load_ohm=10**9) as device:
        run_into_a_fault(device, example_file)
    slots = [store.with_suffix(f".{slot}") for slot in (0, 1)]
    slots[0].write_bytes(slots[0].read_bytes()[:-1])
    with powered(store) as device:
        assert device.status()["fault"] == faults.ELECTRODE_OPEN
    for slot in slots:
        slot.write_bytes(slot.read_bytes()[:-1])
    with powered(store) as device:
        assert device.status()["fault"] == faults.STORE_CORRUPT


def of_the_future(data: bytes, end: int | None = None) -> bytes:
    """What a firmware of the far future would have written there: magic, version, and a CRC-32 at the end."""
    head = data[:4] + b"\x7f\x00" + data[6 : -4 if end is None else end]
    return head + (binascii.crc32(head) & 0xFFFFFFFF).to_bytes(4, "little") + (b"" if end is None else data[end + 4 :])


def test_a_store_from_the_future_is_one_message_with_what_to_do_and_nothing_is_changed(
    tmp_path: Path, example_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "store"
    monkeypatch.setenv("NMES_VIRTUAL_STORE", str(store))
    assert main(["settings", "device_name", "left room", "--port", "virtual"]) == 0
    assert main(["push", str(example_file), "--port", "virtual"]) == 0
    slots = [store.with_suffix(f".{slot}") for slot in (0, 1)]
    for slot in slots:
        slot.write_bytes(of_the_future(slot.read_bytes()))
    kept = {file: file.read_bytes() for file in tmp_path.glob("store.*")}
    capsys.readouterr()
    for command in (
        ["status"],
        ["settings", "buzzer_volume", "3"],
        ["push", str(example_file), "--number", "2"],
        ["reset", "--factory", "--yes"],
        ["run", "--prescription", "1", "--acknowledge"],
        ["clear", "store_newer"],
    ):
        assert main([*command, "--port", "virtual", "--json"]) == 1, command
        printed = capsys.readouterr()
        assert json.loads(printed.out)["fault"]["name"] == "store_newer", command
        assert command == ["status"] or printed.err.count("nmes: ") == 1, printed.err
        assert "Have the newer firmware put back" in printed.out, command
        assert "nmes flash UF2 --port virtual" in printed.out and "nmes clear" not in printed.out + printed.err
    assert main(["stop", "--port", "virtual"]) == 0
    assert {file: file.read_bytes() for file in tmp_path.glob("store.*")} == kept


def test_a_prescription_from_the_future_is_listed_and_left_alone_and_the_others_go_on(
    tmp_path: Path, example_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    flash = tmp_path / "store.flash"
    monkeypatch.setenv("NMES_VIRTUAL_STORE", str(tmp_path / "store"))
    assert main(["push", str(example_file), "--port", "virtual"]) == 0
    data = flash.read_bytes()
    at = next(at for at in range(0, len(data), 4096) if b"Stress incontinence" in data[at : at + 4096])
    flash.write_bytes(data[:at] + of_the_future(data[at : at + 4096], 228) + data[at + 4096 :])
    kept = flash.read_bytes()[at : at + 4096]
    capsys.readouterr()
    assert main(["pull", "--list", "--port", "virtual"]) == 0
    assert capsys.readouterr().out.startswith("1 (newer")
    for command in (
        ["pull", "1"],
        ["select", "1"],
        ["remove", "1", "--yes"],
        ["push", str(example_file), "--number", "1"],
    ):
        assert main([*command, "--port", "virtual"]) == 1, command
        said = capsys.readouterr().err
        assert "newer" in said and said.count("nmes: ") == 1, said
    assert main(["push", str(example_file), "--port", "virtual"]) == 0
    assert capsys.readouterr().out.startswith("2 ")
    assert flash.read_bytes()[at : at + 4096] == kept
