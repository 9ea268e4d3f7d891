"""The flash behind the firmware on the emulated chip: what is kept there, damaged, and what is never touched."""

from __future__ import annotations

from collections.abc import Callable

import littlefs
import pytest
from sessions import DENSE, OUTPUTS, Bench
from starting import begin

from nmes.core import faults
from opennmes.emulator.repl import Repl

STORE = 0x80000
COPIES = (0x80000, 0x90000)
MARKS = (0x81000, 0x91000)
SECTOR = 4096


def files_of(image: bytes) -> bytes:
    return image[littlefs.AT : littlefs.AT + littlefs.LENGTH]


def stopped(make: Callable[..., Bench], flash: bytes | None = None) -> tuple[Bench, dict[str, object]]:
    """A board on which the emergency stop was opened, and the record of it."""
    bench = make(flash)
    begin(bench.device, DENSE)
    bench.device.wait(0.05)
    bench.stage.stop_opened = True
    bench.device.wait(0.3)
    record = bench.device.request("record")
    assert record["fault"] == faults.EMERGENCY_STOP
    return bench, record


def test_h16_one_damaged_place_loses_nothing_and_two_are_a_fault_of_their_own(make: Callable[..., Bench]) -> None:
    bench, record = stopped(make)
    image = bench.pico.flash_image()
    used = [len(image[copy : copy + SECTOR].rstrip(b"\xff")) for copy in COPIES]
    assert used[0] == used[1] > 200 and image[COPIES[0] : COPIES[0] + 300] == image[COPIES[1] : COPIES[1] + 300]
    assert [len(image[mark : mark + SECTOR].rstrip(b"\xff")) > 20 for mark in MARKS] == [True, True]

    def found(*damage: tuple[int, bytes]) -> Bench:
        flash = bytearray(image)
        for at, value in damage:
            flash[at : at + len(value)] = value
        return make(bytes(flash))

    flipped = bytes([image[COPIES[0] + 40] ^ 0x10])
    for damage in ((COPIES[0] + 40, flipped), (COPIES[1], b"\xff" * 0x10000)):
        again = found(damage)
        assert again.fault() == ("FAULT", faults.EMERGENCY_STOP) and again.device.request("record") == record
        # And the board has mended it.
        again.device.wait(0.2)
        mended = again.pico.flash_image()
        assert mended[COPIES[0] : COPIES[0] + SECTOR] == mended[COPIES[1] : COPIES[1] + SECTOR]

    both = found((COPIES[0], b"\xff" * SECTOR), (COPIES[1] + 40, flipped))
    assert both.fault() == ("FAULT", faults.STORE_CORRUPT)
    before = both.pico.flash_image()
    both.device.wait(1.0)
    assert both.pico.flash_image() == before
    both.device.request("clear", fault=faults.STORE_CORRUPT)
    assert both.fault() == ("IDLE", 0)
    again = make(both.pico.flash_image())
    assert again.fault() == ("IDLE", 0)


def test_h16_a_file_system_that_cannot_be_mounted_is_left_as_it_is_and_costs_no_fault(
    make: Callable[..., Bench],
) -> None:
    bench, record = stopped(make, littlefs.image({"/notes.txt": b"mine"}))
    flash = bytearray(bench.pico.flash_image())
    for block in (0, 1):  # both superblocks
        flash[littlefs.AT + block * littlefs.BLOCK + 8] ^= 0xFF
    again = make(bytes(flash))
    assert again.fault() == ("FAULT", faults.EMERGENCY_STOP) and again.device.request("record") == record
    again.device.request("clear", fault=faults.EMERGENCY_STOP)
    assert again.fault() == ("IDLE", 0)
    assert files_of(again.pico.flash_image()) == files_of(bytes(flash))


@pytest.mark.parametrize("kind", ["garbage", "erased superblocks"])
def test_h16_and_on_a_board_that_has_kept_nothing_the_new_way_it_is_a_fault_that_a_person_clears(
    make: Callable[..., Bench], kind: str
) -> None:
    # What firmware up to 0.1.0 kept was in files, so what cannot be read may have been a fault or a lock-out.
    flash = bytearray(littlefs.image({f"/notes.{n}": b"mine" * 2_000 for n in range(4)}))
    for block in (0, 1):
        at = littlefs.AT + block * littlefs.BLOCK
        flash[at : at + littlefs.BLOCK] = (b"\xff" if kind == "erased superblocks" else b"\x5a") * littlefs.BLOCK
    bench = make(bytes(flash))
    assert bench.fault() == ("FAULT", faults.STORE_CORRUPT)
    bench.device.request("clear", fault=faults.STORE_CORRUPT)
    assert bench.fault() == ("IDLE", 0)
    assert files_of(bench.pico.flash_image()) == files_of(bytes(flash))


def test_h16_what_an_older_firmware_kept_in_files_is_still_there(make: Callable[..., Bench]) -> None:
    bench, record = stopped(make)
    kept = bench.pico.flash_image()[COPIES[0] : COPIES[0] + SECTOR].rstrip(b"\xff")
    updated = make(littlefs.image({"/nmes.0": kept, "/nmes.1": kept}))
    assert updated.fault() == ("FAULT", faults.EMERGENCY_STOP) and updated.device.request("record") == record
    updated.device.wait(0.2)
    image = updated.pico.flash_image()
    assert image[COPIES[0] : COPIES[0] + SECTOR] == image[COPIES[1] : COPIES[1] + SECTOR]
    # From now on it is in the store, whatever becomes of the files.
    later = make(image[: littlefs.AT])
    assert later.fault() == ("FAULT", faults.EMERGENCY_STOP) and later.device.request("record") == record


def test_a_new_board_gets_an_empty_file_system_and_keeps_nothing(make: Callable[..., Bench]) -> None:
    bench = make()
    assert bench.fault() == ("IDLE", 0)
    assert bench.pico.flash_image()[STORE : littlefs.AT] == b"\xff" * (littlefs.AT - STORE)
    repl = Repl(bench.pico)
    assert repl.run("f = open('/a', 'w'); f.write('b'); f.close(); print(open('/a').read())") == "b\n"


def test_h02_after_a_soft_reset_outputs_rest_before_the_file_system_is_looked_at(make: Callable[..., Bench]) -> None:
    bench = make(littlefs.image({"/notes.txt": b"mine"}))
    repl = Repl(bench.pico)
    # The raw REPL's soft reset runs _boot.py and boot.py, and no main.py. What reads the flash is made to fail.
    repl.run("from machine import Pin\nfor pin in (2, 3, 6, 7, 10): Pin(pin, Pin.OUT, value=1)")
    assert all(bench.pico.level(pin) for pin in (2, 3, 6, 7, 10))
    flash = bench.pico.mcu.flash
    for block in (0, 1):
        flash[littlefs.AT + block * littlefs.BLOCK + 8] ^= 0xFF
    left = bytes(flash[littlefs.AT : littlefs.AT + littlefs.LENGTH])
    bench.pico.write(b"\x02\x04")
    began_ns = bench.pico.nanos
    assert bench.pico.run_until(lambda: not any(bench.pico.level(pin) for pin in (2, 3, 6, 7, 10)), 200_000_000)
    print((bench.pico.nanos - began_ns) / 1e6, "ms")
    bench.pico.run_for(300_000_000)
    assert [signal for signal in OUTPUTS if bench.stage.finish().value_at(signal, bench.pico.nanos)] == []
    assert bytes(flash[littlefs.AT : littlefs.AT + littlefs.LENGTH]) == left
