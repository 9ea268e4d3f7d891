"""What is wrong with a board's file (boards/*/board.py, about.py): each fault one sentence, with its pins by name."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from nmes.core import buttons
from opennmes.pins import ANALOGUE, OUT, Pin, functions, pins_of

CPU_HZ = 125_000_000  # what the cycles of the PIO programs are counted in, on every board
_PULL_DOWN_MOST_OHM = 100_000  # a gate leaks microamperes; what else hangs on the line is not known here


@dataclass(frozen=True)
class _Chip:
    """What a chip has for us, as its datasheet says."""

    gpios: int
    adc_pins: range
    pwm_slices: int
    dma_channels: int
    machines: int = 4  # of a PIO block


_CHIPS = {"rp2040": _Chip(30, range(26, 30), 8, 12), "rp2350": _Chip(30, range(26, 30), 8, 16)}

# Pins that every board with an output stage has, and those that the guard reads: without one nobody is stopped.
_NEEDED = ("enable", "pump", "sense_voltage")
_GUARD_INPUTS = ("interlock", "stop_loop")
_WITH_A_MACHINE = ("interlock", "pump", "sync_output")  # of PIO block 1
_OF_A_LISTENER = ("hand_switch", "trigger_input", "sync_output")
_OF_A_CHANNEL = ("phase_a", "phase_b", "level_a", "level_b")
GATES = (*_OF_A_CHANNEL, "enable", "pump")
_FOR_PEOPLE = {"supply": "does not measure its supply", "lamp": "has no lamp that shows that output is on"}

_FACTS = {
    "name", "title", "mcu", "hal", "stage", "other_stages", "cpu_hz", "max_current_ua", "supply_mv", "temperature_dc",
    "pins",
}  # fmt: skip
_OF_A_CHIP = {"flash", "usb_free_bytes", "pull_downs_ohm"}
_OPTIONAL = {"display", "dummy_only"}
_OF_THE_DISPLAY = {"sda", "scl", "address", "controller", "offset"}
_CONTROLLERS = (("ssd1306", 0), ("sh1106", 2))
# Parts of the flash in their order, and how many sectors the firmware's own need (LAYOUT of nmes/hal/common.py).
_PARTS = ("firmware", "store", "files", "records")
SECTOR = 4_096
SECTORS = {"store": 32, "records": 48}
_ABOUT = {"sdk_board", "flash_bytes", "broken_out", "on_board", "machine", "stock", "run", "notes"}


def problems(board: dict[str, Any], about: dict[str, Any], stage: dict[str, Any]) -> list[str]:
    """Everything that is wrong with a board as its image for `stage` has it (boards.load_board); empty when nothing
    is."""
    found = list(_keys(board, about))
    if found or board["hal"] == "virtual":
        return found  # what is not there cannot be judged
    chip = _CHIPS.get(board["mcu"])
    if chip is None:
        return [f"the chip {board['mcu']} is not known; known: {', '.join(_CHIPS)}"]
    if not about["run"] and not board.get("dummy_only"):
        found.append(
            'nobody has tried the board (about.py, run), so it is for resistors alone: it needs "dummy_only": 1'
        )
    if board["cpu_hz"] != CPU_HZ:
        found.append(f"the clock is {board['cpu_hz']} Hz; every cycle of the firmware is counted for {CPU_HZ} Hz")
    pins = pins_of(board)
    found += [
        *_there(board, stage), *_listens(board, stage),
        *_clashes(pins), *_brought_out(pins, about, chip), *_abilities(board, pins, chip),
        *_room_in_pio(board, pins, chip), *_pulled_down(board, pins), *_flash(board["flash"], about["flash_bytes"]),
    ]  # fmt: skip
    return found


def broken_out(about: dict[str, Any]) -> list[int]:
    """The pins that a board has on its edge or back: "0-3, 7" as numbers."""
    found: list[int] = []
    for part in about["broken_out"].split(","):
        first, _, last = part.strip().partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def _keys(board: dict[str, Any], about: dict[str, Any]) -> Iterator[str]:
    facts = _FACTS if board.get("hal") == "virtual" else _FACTS | _OF_A_CHIP
    yield from _wrong_keys("board.py", board, facts, facts | _OPTIONAL)
    if board.get("hal") != "virtual":
        yield from _wrong_keys("about.py", about, _ABOUT, _ABOUT | {"in_setup"})
    pins = board.get("pins", {})
    yield from _wrong_keys("pins", pins, {"channels"}, {"channels", "panel", *functions()})
    if board.get("hal") == "virtual":
        return
    for index, row in enumerate(pins.get("channels", ())):
        yield from _wrong_keys(f"channel {index}", row, set(_OF_A_CHANNEL), set(_OF_A_CHANNEL))
    if "panel" in pins:
        yield from _wrong_keys("panel", pins["panel"], set(buttons.NAMES), set(buttons.NAMES))
    if "display" in board:
        yield from _wrong_keys("display", board["display"], _OF_THE_DISPLAY, _OF_THE_DISPLAY)
    yield from _wrong_keys("flash", board.get("flash", {}), set(_PARTS), set(_PARTS))
    for name, _ in board.get("pull_downs_ohm", ()):
        if name not in {*_OF_A_CHANNEL, *functions()}:
            yield f'pull_downs_ohm has an unknown function "{name}"'
    yield from _no_numbers("pins", pins)


def _no_numbers(name: str, table: Any) -> Iterator[str]:
    if isinstance(table, dict | tuple):
        rows = table.items() if isinstance(table, dict) else enumerate(table)
        for key, value in rows:
            yield from _no_numbers(f"{name}, {key}", value)
    elif type(table) is not int:
        yield f"{name} is {table!r}; it has to be the number of a pin"


def _wrong_keys(where: str, facts: dict[str, Any], needed: set[str], known: set[str]) -> Iterator[str]:
    for name in sorted(set(facts) - known):
        yield f'{where} has an unknown key "{name}"'
    for name in sorted(needed - set(facts)):
        yield f'{where} has no "{name}"'


def _there(board: dict[str, Any], stage: dict[str, Any]) -> Iterator[str]:
    """Whether all is there that the stage, the guard and people need."""
    pins = board["pins"]
    for name in _GUARD_INPUTS:
        if name not in pins:
            yield f"there is no pin {name}, which the guard reads: nothing would stop an output without the CPU"
    for name in _NEEDED:
        if name not in pins:
            yield f"there is no pin {name}"
    channels = len(pins["channels"])
    senses = channels + ("signal_most_mv" in stage)  # the signal comes in the place of one
    if channels != stage["channels"]:
        yield f"there are {channels} channels, and the stage {stage['name']} has {stage['channels']}"
    if len(pins.get("sense_current", ())) != senses:
        beside = " and the signal" if senses > channels else ""
        yield f"there are {len(pins.get('sense_current', ()))} pins sense_current for {channels} channels{beside}"
    if ("panel" in pins) != ("display" in board):
        yield "a panel needs buttons and a display's pins: there is one without the other"
    for name, lack in _FOR_PEOPLE.items():
        if name not in pins and not board.get("dummy_only"):
            yield f'the board {lack} (no pin {name}), so it is for resistors alone: it needs "dummy_only": 1'
    if ("radio_power" in pins) != ("radio_select" in pins):
        yield "radio_power and radio_select belong together: one of them is missing"


def _listens(board: dict[str, Any], stage: dict[str, Any]) -> Iterator[str]:
    """Whether what a stage with a biofeedback input needs is there."""
    for name in _OF_A_LISTENER if "signal_most_mv" in stage else ():
        if name not in board["pins"]:
            yield f"the stage {stage['name']} needs a pin {name}"


def _clashes(pins: list[Pin]) -> Iterator[str]:
    for first, second in itertools.pairwise(pins):
        if first.gpio == second.gpio:
            yield f"GP{first.gpio} is {_name(first)} and {_name(second)}"


def _brought_out(pins: list[Pin], about: dict[str, Any], chip: _Chip) -> Iterator[str]:
    there = {*broken_out(about), *about["on_board"]}
    for pin in pins:
        if not 0 <= pin.gpio < chip.gpios:
            yield f"{_name(pin)} is GP{pin.gpio}, and the chip has GP0 to GP{chip.gpios - 1}"
        elif pin.gpio not in there:
            yield f"{_name(pin)} is GP{pin.gpio}, which the board does not bring out"


def _abilities(board: dict[str, Any], pins: list[Pin], chip: _Chip) -> Iterator[str]:
    """Whether each pin can do what it is for."""
    for pin in pins:
        if pin.direction == ANALOGUE and pin.gpio not in chip.adc_pins:
            yield (
                f"{_name(pin)} is GP{pin.gpio}, which the ADC cannot read; it can read "
                f"GP{chip.adc_pins.start} to GP{chip.adc_pins.stop - 1}"
            )
    slices: dict[int, int] = {}
    for index, row in enumerate(board["pins"]["channels"]):
        a, b = row["phase_a"], row["phase_b"]
        if b != a + 1:
            yield (
                f"phase_a and phase_b of channel {index} are GP{a} and GP{b}; phase_b has to be the next pin, "
                f"GP{a + 1}: one PIO side-set moves both"
            )
        a, b = row["level_a"], row["level_b"]
        if a % 2 or b != a + 1:
            yield (
                f"level_a and level_b of channel {index} are GP{a} and GP{b}; they have to be outputs A and B of one "
                "PWM slice: an even pin and the next one"
            )
            continue
        number = a // 2 % chip.pwm_slices
        if number in slices:
            yield f"level_a of channel {index} is GP{a}, of PWM slice {number}, which channel {slices[number]} has"
        slices[number] = index
    display = board.get("display")
    if display:
        sda, scl = display["sda"], display["scl"]
        if sda % 2 or not scl % 2 or sda // 2 % 2 != scl // 2 % 2:
            yield (
                f"sda and scl of the display are GP{sda} and GP{scl}; SDA has to be an even pin and SCL an odd one "
                "of the same I2C: pins 0, 4, 8 and so on begin a pair of I2C 0, and 2, 6, 10 one of I2C 1"
            )
        if (display["controller"], display["offset"]) not in _CONTROLLERS:
            known = " or ".join(f"{name} with {offset}" for name, offset in _CONTROLLERS)
            yield f"the display is {display['controller']} with the offset {display['offset']}; known: {known}"


def _room_in_pio(board: dict[str, Any], pins: list[Pin], chip: _Chip) -> Iterator[str]:
    """Block 0 has a pulse engine and a sampler for each channel, block 1 a watcher for each, two more machines and that
    of a sync output; DMA serves an engine with three channels, a sampler with two, and the ADC with two."""
    rows = board["pins"]["channels"]
    channels = len(rows)
    phases = ", ".join(f"GP{row['phase_a']} and GP{row['phase_b']}" for row in rows)
    if 2 * channels > chip.machines:
        yield (
            f"{channels} channels ({phases}) need {2 * channels} state machines of PIO block 0, a pulse engine and a "
            f"sampler each, and it has {chip.machines}"
        )
    guard = [f"{pin.function} GP{pin.gpio}" for pin in pins if pin.function in _WITH_A_MACHINE]
    if channels + len(guard) > chip.machines:
        yield (
            f"the guard of {channels} channels ({phases}) with {' and '.join(guard)} needs {channels + len(guard)} "
            f"state machines of PIO block 1, and it has {chip.machines}"
        )
    if 5 * channels + 2 > chip.dma_channels:
        needed = 5 * channels + 2
        yield f"{channels} channels ({phases}) need {needed} channels of DMA; the chip has {chip.dma_channels}"


def _pulled_down(board: dict[str, Any], pins: list[Pin]) -> Iterator[str]:
    held = dict(board["pull_downs_ohm"])
    for pin in pins:
        if pin.direction == OUT and pin.function in GATES and pin.function not in held:
            yield f"{_name(pin)} (GP{pin.gpio}) has no pull-down: while the chip is in reset the pin floats"
    for name, ohm in held.items():
        if not 0 < ohm <= _PULL_DOWN_MOST_OHM:
            yield f"the pull-down of {name} is {ohm} ohm; it has to be 1 to {_PULL_DOWN_MOST_OHM} ohm"


def _flash(parts: dict[str, tuple[int, int]], flash_bytes: int) -> Iterator[str]:
    in_order = sorted(parts.items(), key=lambda part: part[1][0])
    for name, (begin, length) in in_order:
        if begin % SECTOR or length % SECTOR or length <= 0:
            yield f"the flash's part {name} is not whole sectors of {SECTOR} bytes: {begin:#x}, {length:#x} long"
        if begin + length > flash_bytes:
            yield f"the flash's part {name} ends at {begin + length:#x}, behind the flash of {flash_bytes:#x} bytes"
    for (name, (begin, length)), (other, (next_begin, _)) in itertools.pairwise(in_order):
        if begin + length > next_begin:
            end = begin + length
            yield f"the flash's parts {name} and {other} overlap: {name} ends at {end:#x}, {other} begins before"
    if tuple(name for name, _ in in_order) != _PARTS or in_order[0][1][0]:
        yield f"the flash's parts have to be {', '.join(_PARTS)} in this order, from 0 on"
    for name, needed in SECTORS.items():
        if parts[name][1] != needed * SECTOR:
            yield f"the flash's part {name} has {parts[name][1]:#x} bytes; it has to have {needed} sectors"


def _name(pin: Pin) -> str:
    return pin.function if pin.channel is None else f"{pin.function} of channel {pin.channel}"
