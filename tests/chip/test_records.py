"""The records of sessions on the emulated chip: in its flash before the first pulse, whole after the last, and quickly
found among as many as there is room for."""

from __future__ import annotations

from collections.abc import Callable

import littlefs
import pytest
from sessions import DENSE, Bench
from starting import begin

from nmes.core import record
from opennmes.boards import load_board
from opennmes.device import prescriptions, records
from opennmes.device.client import DeviceRefused
from opennmes.emulator.repl import Repl
from opennmes.prescription import Prescription, library

AT, LENGTH = load_board("pico")["flash"]["records"]
PAGES = LENGTH // record.PAGE
RESISTOR = {**DENSE, "electrode": {"kind": "dummy", "area_mm2": 2_500}}


def kept_in(image: bytes) -> bytes:
    return image[AT : AT + LENGTH]


def full(newest: int, prescription: int) -> bytes:
    """A flash whose ring is full: every page but those of the sector that waits for the next session."""
    pages = [b"\xff" * record.PAGE] * PAGES
    before = record.NO_DIGEST
    for number in range(1, newest + 1):
        page = bytearray(record.PAGE)
        values = [
            number,
            number,
            60,
            0,
            1,
            3,
            prescription,
            bytes([9] * 8),
            0xAB,
            1_200,
            2_000,
            record.MOTOR,
            before,
            0,
        ]
        record.put_begin(page, values)
        row = [9_000, 8_000, 0, 10**9, 10**9, 10_000, 12_000, 12_000, 60, 500, 500, 500, 500, *[100] * 8]
        record.put_end(page, [1_200_000, 1_300, 0, 0, 0, 0, b"completed".ljust(16, b"\0")], [row, [0] * 21])
        before = record.digest(page)
        pages[(number - 1) % PAGES] = bytes(page)
    for number in range(newest + 1, newest + 17):
        pages[(number - 1) % PAGES] = b"\xff" * record.PAGE
    return b"\xff" * AT + b"".join(pages)


def test_h12_a_session_is_in_flash_before_its_first_pulse_and_whole_after_its_last(make: Callable[..., Bench]) -> None:
    bench = make()
    begin(bench.device, DENSE)
    begun = kept_in(bench.pico.flash_image())
    assert record.condition(begun[: record.PAGE]) == record.BEGUN
    bench.device.raise_to(2_000)
    bench.device.wait(1.0)
    assert kept_in(bench.pico.flash_image()) == begun, "nothing is written while somebody is armed"
    account = bench.device.stop()["account"]
    bench.device.wait(0.5)
    again = make(bench.pico.flash_image())
    log = records.log_of(again.device)
    (kept,) = log.kept
    assert records.problems(log) == [] and kept.condition == record.ENDED and kept.end is not None
    first = kept.end["channels"][0]
    assert (kept.end["ended"], first["pulses"]) == ("stopped", account["delivered"])
    for key in ("charge_a_nc", "charge_b_nc", "current_mean_ua", "current_most_ua", "missed"):
        assert first[key] == account["channels"][0][key], key
    # The power was cut in the session: it was begun, and nobody knows more.
    cut = make(bench.pico.flash_image()[:AT] + begun)
    assert [kept.condition for kept in records.log_of(cut.device).kept] == [record.BEGUN]


def test_h12_with_a_full_ring_the_board_starts_reads_judges_and_records(make: Callable[..., Bench]) -> None:
    bench = make(full(2_000, 5))
    assert bench.fault() == ("IDLE", 0)
    kept = Prescription(library.find("urge-incontinence-10hz").prescription.path, RESISTOR, {
        "schedule": {"hours_between": 24, "sessions_per_week": 3, "sessions_most": 500}
    })  # fmt: skip
    device = bench.device
    begun_s = device.port.now_s()
    said = device.log()
    print("the first `log` took", device.port.now_s() - begun_s, "s")
    assert device.port.now_s() - begun_s < 1.0 and said["newest"] == 2_000
    assert said["sessions_left"] < record.FEW and 2_000 - said["session"] >= 500
    number = prescriptions.push(device, kept).number
    loaded = device.select(number)
    device.acknowledge()
    begun_s = device.port.now_s()
    device.arm(loaded["programme_crc"])
    print("arming, with all of them judged, took", device.port.now_s() - begun_s, "s")
    device.stop()
    device.wait(1.0)
    (last,) = [device.log(2_000)["session"]]
    assert (last, bench.fault()) == (2_001, ("IDLE", 0))


def test_h12_where_a_longer_file_system_lies_nothing_of_it_is_touched_and_only_a_resistor_is_armed(
    make: Callable[..., Bench],
) -> None:
    image = littlefs.image({"/notes.txt": b"mine", "/more.txt": b"x" * 700_000}, littlefs.OF_STOCK)
    bench = make(image)
    assert bench.fault() == ("IDLE", 0)
    with pytest.raises(DeviceRefused) as refused:
        begin(bench.device, DENSE)
    assert [reason["code"] for reason in refused.value.reasons] == ["not_recorded"]
    with pytest.raises(DeviceRefused) as refused:
        bench.device.log()
    assert [reason["code"] for reason in refused.value.reasons] == ["no_records"]
    begin(bench.device, RESISTOR)
    bench.device.wait(0.3)
    bench.device.stop()
    bench.device.wait(0.3)
    assert bench.pico.flash_image()[littlefs.AT :] == image[littlefs.AT :]
    said = Repl(bench.pico).run("import os; print(os.stat('/more.txt')[6], open('/notes.txt').read())")
    assert said == "700000 mine\n"
