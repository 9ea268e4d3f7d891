"""The witness's programs by the cycle: what their words say is when the pin has changed, or for how much of a window it
was high, within their resolution."""

from __future__ import annotations

import itertools
import math
import random

import adafruit_pioasm
import pytest
import shipped
from model import WORD, Machine

from opennmes.emulator.virtual_witness import _Level
from opennmes.measure.captures import witness
from opennmes.measure.captures.witness import CYCLE_PS
from opennmes.measure.captures.witness import Machine as Heard

MODULE = shipped.module(shipped.ROOT / "firmware" / "witness" / "edges_pio.py")
OPCODES, _, _, EXECCTRL, SHIFTCTRL, *PINS = MODULE.edges
GO, PIN = 1 << MODULE.GO, 1

AS_TEXT = """
.program edges
    wait 1 gpio 25
.wrap_target
low:
    jmp pin rises
    jmp x--, low
    jmp low
rises:
    in x, 32
high:
    jmp x--, look
look:
    jmp pin high
    in x, 32
.wrap
"""


def recorded(changes, until, x=WORD, go=100):
    """(the words, when each change was seen as the host works it out, in cycles since GO was seen)."""
    machine = Machine(shipped.assembled(MODULE.edges), jmp_pin=0, x=x)
    machine.block.look_at([(0, 0), (go, GO), *[(cycle, GO | level) for cycle, level in changes]])
    words = []
    while machine.cycle < until:
        machine.instruction()
        words += machine.rx
        machine.rx.clear()
    heard = Heard(x)
    heard.take(words, (until - go) * CYCLE_PS)
    return words, [ps // CYCLE_PS + go for ps, _ in heard.edges]


def test_another_assembler_makes_the_same_opcodes() -> None:
    assert list(adafruit_pioasm.assemble(AS_TEXT)) == list(OPCODES)


def test_both_blocks_have_room_and_no_pin_is_driven() -> None:
    assert len(OPCODES) <= 32 and [pins for pins in PINS if pins] == []
    assert not [opcode for opcode in OPCODES if opcode >> 13 in (3, 7) or (opcode >> 13 == 5 and opcode >> 5 & 7 == 0)]
    assert EXECCTRL >> 30 & 1 == 0


def test_every_word_is_pushed_by_itself() -> None:
    assert SHIFTCTRL >> 16 & 3 == 1 and SHIFTCTRL >> 20 & 31 == 0
    assert MODULE.MOV_X_ALL_ONES == 0xA000 | 1 << 5 | 1 << 3 | 3


@pytest.mark.parametrize("begin", range(150, 156))
@pytest.mark.parametrize("width", [3, 4, 5, 6, 7, 40, 41, 31_250])
def test_a_change_is_seen_within_two_cycles_or_three_right_after_a_rise(begin: int, width: int) -> None:
    gaps = (3, 4, 5, 6_250)
    changes, at = [], begin
    for gap in gaps:
        changes += [(at, 1), (at + width, 0)]
        at += width + gap
    _, seen = recorded(changes, at + 100)
    assert len(seen) == len(changes)
    for (cycle, level), when in zip(changes, seen, strict=True):
        late = when - cycle
        assert 0 <= late <= (2 if not level and width < 5 else 1), (cycle, level, late)


def test_a_high_pin_at_the_begin_is_a_rise_at_the_begin() -> None:
    words, seen = recorded([(50, 1), (400, 0)], 600)
    assert len(words) == 2 and seen[0] - 100 <= 3 and 0 <= seen[1] - 400 <= 1


@pytest.mark.parametrize("left", [0, 1, 2, 7, 100, 101])
@pytest.mark.parametrize("phase", range(4))
def test_x_comes_round_while_the_pin_is_low_or_high(left: int, phase: int) -> None:
    for at_low in (True, False):
        changes = [(200 + phase, 1), (240, 0), (1_000, 1), (1_080, 0)] if at_low else [(110 + phase, 1), (1_080, 0)]
        _, seen = recorded(changes, 1_200, x=left)
        assert [when - cycle in (0, 1) for (cycle, _), when in zip(changes, seen, strict=True)] == [True] * len(seen)
        assert len(seen) == len(changes)


def test_random_waves_are_told_as_they_were() -> None:
    die = random.Random(1)
    for _ in range(40):
        steps = [die.choice((5, 6, 9, 100, die.randrange(5, 3_000))) for _ in range(30)]
        times = [150 + total for total in itertools.accumulate(steps)]
        changes = [(cycle, number % 2 == 0) for number, cycle in enumerate(times)]
        _, seen = recorded(changes, times[-1] + 50, x=die.choice((WORD, die.randrange(3_000))))
        assert [0 <= when - cycle <= 1 for (cycle, _), when in zip(changes, seen, strict=True)] == [True] * len(seen)


def test_what_is_shorter_than_three_cycles_may_be_missed_and_is_never_made_up() -> None:
    for begin in range(150, 153):
        words, _ = recorded([(begin, 1), (begin + 1, 0)], 400)
        assert len(words) in (0, 2)


def test_the_model_waits_where_the_fifo_is_full_and_that_is_why_the_recording_looks_at_fdebug() -> None:
    machine = Machine(shipped.assembled(MODULE.edges), jmp_pin=0, x=WORD)
    machine.block.look_at([(0, GO), *[(20 + 10 * n, GO | n % 2 ^ 1) for n in range(6)]])
    machine.run(200)
    assert len(machine.rx) == 4 and machine.stalled


# ---- levels ----

DUTY_AS_TEXT = """
.program duty
    wait 1 gpio 25
.wrap_target
    mov x, ~null
    mov y, osr
look:
    jmp pin high
    jmp y--, look [1]
    jmp say
high:
    jmp x--, next
next:
    jmp y--, look
    nop
say:
    in x, 32
.wrap
"""
PERIOD = 1_000  # cycles of a level's PWM


def windows(changes, count, go=100):
    """How many looks of each of the first windows saw the pin high."""
    machine = Machine(shipped.assembled(MODULE.duty), jmp_pin=0)
    machine.osr = MODULE.LOOKS - 1
    machine.block.look_at([(0, 0), (go, GO), *[(cycle, GO | level) for cycle, level in changes]])
    words = []
    while len(words) < count:
        machine.instruction()
        words += machine.rx
        machine.rx.clear()
    return [WORD - word for word in words]


def wave(level, begin, periods, cycles=PERIOD):
    """The changes of a PWM."""
    starts = [begin + cycles * number for number in range(periods)]
    return [(round(start + more), on) for start in starts for more, on in ((0, 1), (level, 0))]


def test_another_assembler_makes_the_same_of_duty_and_both_programs_fit_into_a_block() -> None:
    made = MODULE.duty
    assert list(adafruit_pioasm.assemble(DUTY_AS_TEXT)) == list(made[0])
    assert len(made[0]) + len(OPCODES) <= 32 and [pins for pins in made[5:] if pins] == []
    assert made[4] >> 16 & 3 == 1 and made[4] >> 20 & 31 == 0
    assert MODULE.PULL == 4 << 13 | 1 << 7 | 1 << 5
    assert math.gcd(witness.LOOK_CYCLES, PERIOD) == 1


@pytest.mark.parametrize("level", [1, 2, 10, 500, 999])
@pytest.mark.parametrize("phase", [0, 1, 998])
def test_a_level_that_stays_the_same_is_counted_to_the_cycle_in_every_window(level: int, phase: int) -> None:
    assert windows(wave(level, 101 - PERIOD + phase, 9), 2) == [level] * 2


@pytest.mark.parametrize("ppm", [-100, 100])
def test_with_a_crystal_of_its_own_it_is_counted_to_a_look_at_each_edge(ppm: int) -> None:
    counts = windows(wave(237, 0, 40, PERIOD * (1 + ppm / 1e6)), 12)
    assert max(abs(count - 237) for count in counts) <= 2 and len(set(counts)) <= 5


@pytest.mark.parametrize("change", [103, 3_000, 3_003, 3_006, 3_007, 3_008, 6_111])
@pytest.mark.parametrize("to", [0, 1])
def test_windows_are_when_the_host_says_they_are(change: int, to: int) -> None:
    counts = windows([(50, 1 - to), (100 + change, to)], 3)
    begins = [witness.FIRST_LOOK_CYCLES + witness.WINDOW_CYCLES * number for number in range(3)]
    for begin, count in zip(begins, counts, strict=True):
        after = sum(begin + witness.LOOK_CYCLES * look >= change for look in range(witness.LOOKS))
        assert abs(count - (after if to else witness.LOOKS - after)) <= 1
    virtual = _Level()
    virtual.change(0, 1 - to)
    virtual.change(change, to)
    spread = [range(least, most + 1) for _, number, least, most in virtual.take(begins[-1] + witness.WINDOW_CYCLES)
              for _ in range(number)]  # fmt: skip
    assert [min(abs(count - each) for each in near) <= 1 for count, near in zip(counts, spread, strict=True)] == [
        True
    ] * 3
