"""Prescriptions on the emulated chip: put through the link into its flash, and there again when the power is back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import littlefs
import pytest
from sessions import Bench

from nmes.core import document, session
from opennmes import paths
from opennmes.cli import main
from opennmes.device import prescriptions
from opennmes.device.client import DeviceRefused
from opennmes.ports.emulator import EmulatedPort
from opennmes.prescription import Prescription

STORE, SECTOR = 0x80000, 4_096
PROGRAMMES = paths.PROGRAMMES
FIRST = 0x82000  # the first sector for prescriptions


def longest() -> Prescription:
    """As long as a device keeps it, or just shorter."""
    made = Prescription.read(PROGRAMMES / "mixed-incontinence.toml")
    sources = [{"citation": "c" * 240, "gave": "g" * 160}] * 6
    while len(prescriptions.text_of(Prescription(made.path, made.data, {"sources": sources}))) > document.BYTES_MAX:
        sources = sources[1:]
    return Prescription(made.path, made.data, {"sources": sources})


@pytest.mark.tells_time
def test_what_is_pushed_is_there_with_power_back_and_the_file_system_is_not_touched(make: Callable[..., Bench]) -> None:
    bench = make()
    short = Prescription.read(PROGRAMMES / "urge-incontinence-10hz.toml")
    for number, prescription in ((1, longest()), (2, short)):
        begun_s = bench.device.port.now_s()
        kept = prescriptions.push(bench.device, prescription)
        print(kept.bytes, "bytes in", bench.device.port.now_s() - begun_s, "s")
        assert (kept.number, kept.digest) == (number, prescription.digest())
    # A replacement, which takes a fresh sector.
    assert prescriptions.push(bench.device, longest(), 2).digest == longest().digest()
    assert prescriptions.push(bench.device, short, 1).digest == short.digest()
    bench.device.request("remove", number=2)
    assert bench.device.clock_refused == ""
    bench.device.request("set", settings={"device_name": "left room", "own_max_0_ua": 15_000})
    assert bench.fault() == ("IDLE", 0)
    image = bench.pico.flash_image()

    again = make(image)
    assert again.fault() == ("IDLE", 0)
    assert [row.number for row in prescriptions.kept_on(again.device)] == [1]
    assert prescriptions.pull(again.device, 1).document() == short.document()
    assert again.device.request("settings")["settings"]["device_name"] == "left room"
    loaded = again.device.select(1)
    assert loaded["largest_current_ua"] == 15_000 and "own maximum" in loaded["largest_source"]
    assert loaded["programme_crc"] == again.device.load(short.data)["programme_crc"]
    used = again.pico.flash_image()
    assert used[STORE : STORE + 2 * SECTOR] == image[STORE : STORE + 2 * SECTOR], "fault record and lock-out"
    assert used[littlefs.AT :] == image[littlefs.AT :]


def test_h16_a_damaged_one_is_no_fault_and_an_erase_with_all_interrupts_off_is_survived(
    make: Callable[..., Bench],
) -> None:
    bench = make()
    short = Prescription.read(PROGRAMMES / "urge-incontinence-10hz.toml")
    prescriptions.push(bench.device, short)
    flash = bytearray(bench.pico.flash_image())
    flash[FIRST + 300] ^= 0x10
    flash[FIRST + SECTOR] = 0  # the next sector has to be erased
    again = make(bytes(flash))
    assert again.fault() == (session.IDLE, 0)
    assert [row.condition for row in prescriptions.kept_on(again.device)] == ["damaged"]
    with pytest.raises(DeviceRefused) as refused:
        again.device.select(1)
    assert refused.value.reasons[0]["code"] == "damaged"
    prescriptions.push(again.device, short, 1)
    assert again.fault() == (session.IDLE, 0)
    assert prescriptions.pull(again.device, 1).document() == short.document()


def test_the_verbs_push_and_pull_as_people_type_them(
    make: Callable[..., Bench], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = make()
    monkeypatch.setattr("opennmes.cli.kept.open_port", lambda *_, **__: EmulatedPort(bench.pico))
    file, back = PROGRAMMES / "urge-incontinence-10hz.toml", tmp_path / "back.toml"
    assert main(["push", str(file), "--port", "/dev/of mine"]) == 0
    assert main(["pull", "1", "--output", str(back), "--port", "/dev/of mine"]) == 0
    assert Prescription.read(back).digest() == Prescription.read(file).digest()
