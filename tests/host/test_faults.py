"""Faults on the virtual board: what is kept of one, and that only a person ends it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nmes.core import faults
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
    loaded = device.load(Prescription.read(example_file).data)
    device.acknowledge()
    device.arm(loaded["programme_crc"])
    device.start()
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
