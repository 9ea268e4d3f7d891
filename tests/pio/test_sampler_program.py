"""The sampler's program: it fits beside the generator's, another assembler makes the same of it, it drives no pin.

Here it asks for conversions by the cycle; that they are made then is measured in tests/chip/test_sampler.py.
"""

import adafruit_pioasm
import shipped
from model import Machine

MODULE = shipped.module(shipped.PROGRAM_FILE.with_name("sampler_pio.py"))
OPCODES, _, _, EXECCTRL, SHIFTCTRL, *PINS = MODULE.sample

AS_TEXT = """
.program sample
.wrap_target
    wait 1 pin 0
phase:
    mov x, osr
half:
    jmp x--, half
    in y, 32
    jmp pin, rest
    wait 1 pin 1
    jmp phase
rest:
    wait 0 pin 1 [31]
    in y, 32
.wrap
"""


def test_it_fits_into_the_block_beside_the_generator():
    assert len(OPCODES) + len(shipped.program().opcodes) <= 32


def test_another_assembler_makes_the_same_opcodes():
    assert list(adafruit_pioasm.assemble(AS_TEXT)) == list(OPCODES)


def test_every_word_is_pushed_by_itself_and_nothing_is_pulled():
    assert SHIFTCTRL >> 16 & 3 == 1, "autopush, no autopull"
    assert SHIFTCTRL >> 20 & 31 == 0, "after 32 bits"
    assert not [opcode for opcode in OPCODES if opcode >> 13 == 4]


def test_it_drives_no_pin():
    assert [pins for pins in PINS if pins] == []
    assert not [opcode for opcode in OPCODES if opcode >> 13 in (3, 7) or (opcode >> 13 == 5 and opcode >> 5 & 7 == 0)]
    assert EXECCTRL >> 30 & 1 == 0


def test_the_constants_are_those_of_the_clock():
    assert MODULE.CYCLE_CLOCKS * MODULE.CYCLES_IN_12_US == 12 * 125
    assert MODULE.SAMPLES == 3 == len([opcode for opcode in OPCODES if opcode >> 13 == 2]) + 1, (
        "one of them serves twice"
    )


def asked_at(changes, wait, until):
    """In which cycles the word goes out, for these levels of phase A (1) and phase B (2)."""
    machine = Machine(shipped.assembled(MODULE.sample), osr=wait, y=0xABCD, jmp_pin=1)
    machine.block.look_at(changes)
    asked = []
    while machine.cycle < until:
        at = machine.cycle
        machine.leap()
        if machine.rx:
            assert list(machine.rx) == [0xABCD]
            machine.rx.clear()
            asked.append(at)
    return asked


def test_it_asks_once_in_each_phase_after_the_wait_and_once_in_the_rest_after_them():
    # Two cycles of the synchroniser, then what the docstring of the program counts.
    for wait in (0, 1, 370, 1_000):
        for at in range(40, 44):
            a, b, rest = at, at + 1_375, at + 2_625
            asked = asked_at([(a, 1), (a + 1_250, 0), (b, 2), (rest, 0), (at + 9_000, 1)], wait, at + 9_000)
            assert asked == [a + wait + 5, b + wait + 6, rest + 34]


def test_a_phase_b_without_its_a_asks_for_nothing():
    assert asked_at([(100, 2), (1_350, 0)], 10, 5_000) == []
    assert len(asked_at([(100, 1), (1_350, 0), (2_000, 1), (3_250, 0)], 10, 9_000)) == 1, "it waits for phase B"


def test_a_phase_b_that_was_cut_short_still_has_its_sample_and_then_waits_for_a_whole_one():
    # Over before its middle: it looks like a phase A then, and the next phase B is the one that has a rest.
    cut = [(100, 1), (1_350, 0), (1_475, 2), (1_500, 0), (9_000, 1), (10_250, 0), (10_375, 2), (11_625, 0)]
    assert len(asked_at(cut, 370, 20_000)) == 4
