"""The sampler's program: it fits beside the generator's, another assembler makes the same of it, it drives no pin.

When it asks for a conversion is measured by the cycle in tests/chip/test_sampler.py.
"""

import adafruit_pioasm
import shipped

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
    assert MODULE.CYCLE_CLOCKS * MODULE.CYCLES_PER_US == 125
    assert MODULE.CONVERSION_CYCLES == 2 * MODULE.CYCLES_PER_US
    assert MODULE.SAMPLES == 3 == len([opcode for opcode in OPCODES if opcode >> 13 == 2]) + 1, (
        "one of them serves twice"
    )
