"""What differs on the RP2350: registers of its own datasheet, erratum E5 (both chips are kept from it), erratum E9."""

from types import SimpleNamespace

import pytest
import registers_model
import shipped
from guarded import PINS

ROOM = shipped.PROGRAM_FILE.parent
# RP2350 datasheet: 12.9.7, 7.4.4, 9.11.1.
CTRL, LOAD, WDSEL = 0x400D8000, 0x400D8004, 0x40018008
ENABLE = 1 << 30
EVERY_BLOCK, OSCILLATORS = 0x1FFFFFF, 0b1100
PROCESSORS = 3 << 23
CHIP_ID = 0x40000000  # the same on both chips
DMA, ABORT = 0x50000000, {"rp2040": 0x50000444, "rp2350": 0x50000464}
DMA_CTRL = 0x10


def test_h05_the_watchdog_bites_within_a_second_and_takes_the_processors_with_it(monkeypatch):
    watchdog = shipped.module(ROOM / "watchdog.py", "rp2350")
    chip = registers_model.Registers()
    monkeypatch.setattr(watchdog, "mem32", chip)
    watchdog.Watchdog().start()
    assert chip[CTRL] & ENABLE
    # Ticks of 1 us, and the counter goes down by one a tick.
    assert 500_000 <= chip[LOAD] <= 1_000_000 < 1 << 24
    assert chip[WDSEL] == EVERY_BLOCK & ~OSCILLATORS and chip[WDSEL] & PROCESSORS == PROCESSORS


def test_h02_rest_overrides_the_phases_where_this_chip_has_the_bits():
    hal = shipped.module(ROOM / "hal.py", "rp2350")
    assert hal.chip.IO_OUTPUT_LOW == 2 << 12
    made = hal.Hal.__new__(hal.Hal)
    ctrl = [0x40028004 + 8 * channel[phase] for channel in PINS["channels"] for phase in ("phase_a", "phase_b")]
    made._phases_low = [at + 0x2000 for at in ctrl]
    made._guard = made._converter = SimpleNamespace(halt=lambda: None)
    made._machines_ctrl, made._machines = 0x50203000, 3
    made.channels = made._samplers = made._outputs = []
    made._lamp = SimpleNamespace(value=lambda level: None)
    chip = hal.mem32 = registers_model.Registers()
    made.all_off()
    assert [chip.values[at] for at in ctrl] == [2 << 12] * 4


@pytest.mark.parametrize("mcu", ["rp2040", "rp2350"])
def test_h02_channels_are_disabled_before_a_chain_is_aborted(monkeypatch, mcu):
    # Erratum RP2350-E5: an abort of a channel that is enabled starts the next one of its chain.
    generator, dma = shipped.module(ROOM / "generator.py", mcu), shipped.module(ROOM / "dma.py", mcu)
    numbers = iter((4, 7))
    monkeypatch.setattr(dma, "rp2", SimpleNamespace(DMA=lambda: SimpleNamespace(channel=next(numbers))))
    chip = registers_model.Registers()
    enabled = {DMA + 0x40 * channel + DMA_CTRL: 1 for channel in (4, 7)}
    chip.values.update(enabled)
    aborted = []

    def look(at, value):
        if at == ABORT[mcu]:
            aborted.append((value, [chip[ctrl] & 1 for ctrl in enabled]))

    chip.on_write = look
    for module in (generator, dma):
        monkeypatch.setattr(module, "mem32", chip)
    made = generator.Generator.__new__(generator.Generator)
    made._list_at, made._data, made._list = 0x20000000, dma.Dma(), dma.Dma()
    made._stop_feed()
    assert aborted == [(1 << 4 | 1 << 7, [0, 0])]
    chip.values.update(enabled)
    aborted.clear()
    made._data.halt()
    assert aborted == [(1 << 4, [0, 1])]
    shift = {"rp2040": 11, "rp2350": 13}[mcu]
    assert chip[DMA + 0x40 * 4 + DMA_CTRL] == 4 << shift, "in no chain but its own"


@pytest.mark.parametrize(
    ("mcu", "revision", "pull_downs", "unfit"),
    [
        ("rp2350", 2, (), "of stepping A2, with no pull-down outside on interlock and stop_loop"),
        ("rp2350", 0, (), "of stepping A0, with no pull-down outside on interlock and stop_loop"),
        ("rp2350", 2, (("interlock", 8_200),), "of stepping A2, with no pull-down outside on stop_loop"),
        (
            "rp2350", 2, (("interlock", 8_201), ("stop_loop", 8_200)),
            "of stepping A2, with no pull-down outside on interlock",
        ),
        ("rp2350", 2, (("interlock", 8_200), ("stop_loop", 4_700)), ""),
        ("rp2350", 3, (), ""),
        ("rp2350", 4, (), ""),
        ("rp2040", 2, (), ""),
        ("rp2040", 0, (), ""),
    ],
)  # fmt: skip
def test_h19_stepping_a2_is_unfit_unless_every_input_is_held_down_outside(mcu, revision, pull_downs, unfit):
    hal = shipped.module(ROOM / "hal.py", mcu)
    made = hal.Hal.__new__(hal.Hal)
    made._board = {"pull_downs_ohm": pull_downs}
    hal.mem32 = {CHIP_ID: revision << 28 | 0x0000_4927}
    assert made.unfit() == unfit
