"""hal/rp2/hal.py with stand-ins for all that it wires: what its `all_off` does, and what of the old files it tells."""

import errno
import io
from types import SimpleNamespace
from unittest import mock

import pytest
import registers_model
import shipped
from guarded import BOARD, PINS

HAL = shipped.module(shipped.PROGRAM_FILE.with_name("hal.py"))
PHASES = {channel[name] for channel in PINS["channels"] for name in ("phase_a", "phase_b")}
OUTPUTS = {PINS["enable"], PINS["pump"]} | {pin for channel in PINS["channels"] for pin in channel.values()}
CTRL0 = 0x40014004  # 2.19.6.1: of pin 0, and of each further one 8 bytes behind
PIO0_CTRL = 0x5020_0000  # 3.7: bits 0 to 3 let the state machines go
OVER, OVER_LOW = 3 << 8, 2 << 8  # OUTOVER


class Board:
    """What every pin is by now: "in", "out" or "peripheral", and its level; and in `done` what was done, in order."""

    def __init__(self):
        self.mode = {}
        self.level = {}
        self.done = []


class Pin:
    IN, OUT = "in", "out"

    board: Board

    def __init__(self, number, mode=None, value=None):
        self.number = number
        if mode is not None:
            self.init(mode, value)

    def init(self, mode, value):
        self.board.mode[self.number], self.board.level[self.number] = mode, value
        self.board.done.append(f"pin {self.number}")

    def value(self, level=None):
        if level is not None:
            self.board.level[self.number] = level
        return self.board.level[self.number]


@pytest.fixture
def hal(monkeypatch):
    board = Board()
    registers = registers_model.Registers()
    registers.on_write = lambda at, value: board.done.append(f"register {at:#x}")

    def part(name):
        def made(index, *_):
            return SimpleNamespace(halt=lambda: board.done.append(f"{name} {index} halts"), take=None)

        return made

    monkeypatch.setattr(HAL, "Pin", type("Pin", (Pin,), {"board": board}))
    monkeypatch.setattr(HAL, "mem32", registers)
    asked = dict.fromkeys(("is_safe", "forget_openings", "opened", "renew", "tripped", "enabled", "permitted", "runs"))
    guard = SimpleNamespace(halt=lambda: board.done.append("guard halts"), **asked)
    converter = SimpleNamespace(halt=lambda: board.done.append("ADC halts"), **asked)
    monkeypatch.setattr(HAL, "Guard", lambda pins: guard)
    monkeypatch.setattr(HAL, "Converter", lambda *_: converter)
    for name in ("Generator", "Sampler"):
        monkeypatch.setattr(HAL, name, part(name))
    for name in ("Adc", "Watchdog", "slots", "machine", "select", "time", "rest"):
        monkeypatch.setattr(HAL, name, mock.MagicMock())
    alone = {name: pin for name, pin in BOARD["pins"].items() if name != "panel"}  # what `rest` leaves as it is
    made = HAL.Hal({**BOARD, "pins": alone}, {"levels": 1_000})
    made.board, made.registers = board, registers
    return made


@pytest.mark.parametrize("drives", ["peripheral", "in", "out"])
def test_h02_rest_makes_every_output_of_every_channel_and_both_enables_a_plain_low_pin(hal, drives):
    for pin in OUTPUTS:
        hal.board.mode[pin], hal.board.level[pin] = drives, 1
    hal.board.level[PINS["lamp"]] = 1
    hal.all_off()
    assert len(OUTPUTS) == 10
    assert {pin: (hal.board.mode[pin], hal.board.level[pin]) for pin in OUTPUTS} == dict.fromkeys(OUTPUTS, ("out", 0))
    assert hal.board.level[PINS["lamp"]] == 0


def test_h02_rest_takes_permission_first_stops_both_machines_holds_their_phases_low_then_stops_every_part(hal):
    del hal.board.done[:]
    hal.registers.values[PIO0_CTRL] = 0b1111
    hal.all_off()
    assert hal.board.done[0] == "guard halts"
    # In one write, so that both stand from the same cycle on: what is counted as begun has begun, and nothing else.
    assert hal.board.done[1] == f"register {PIO0_CTRL:#x}" and hal.registers.values[PIO0_CTRL] == 0b1100
    overrides = {CTRL0 + 8 * pin: OVER_LOW for pin in PHASES}
    assert hal.board.done[2:6] == [f"register {at:#x}" for at in overrides]
    assert {at: hal.registers.values[at] & OVER for at in overrides} == overrides
    stopped = [f"{name} {index} halts" for name in ("Generator", "Sampler") for index in (0, 1)] + ["ADC halts"]
    assert set(hal.board.done[6:11]) == set(stopped)
    assert [each.startswith("pin ") for each in hal.board.done[11:]] == [True] * 10


def test_an_old_file_that_is_not_there_is_nothing_kept_and_one_that_cannot_be_read_is_an_error(hal, monkeypatch):
    def opens(error):
        def opened(name, mode):
            if error:
                raise OSError(error, name)
            return io.BytesIO(b"kept")

        monkeypatch.setattr(HAL, "open", opened, raising=False)

    for slot in (0, 1):
        opens(None)
        assert hal.inherited(slot) == b"kept"
        opens(errno.ENOENT)
        assert hal.inherited(slot) == b""
        opens(errno.EIO)
        with pytest.raises(OSError):
            hal.inherited(slot)
