"""The program itself: it fits, its opcodes read back as it was written, and its docstring and constants are right."""

import re
from collections import Counter

import pytest
import shipped

from nmes.core import pulse

# The same program in the text of pioasm, jumps by number: neither the program nor its assembler changes unseen.
LISTING = """
 0  pull block        side 0
 1  out x, 1          side 0
 2  jmp !x 22         side 0
 3  mov isr, osr      side 0
 4  push block        side 0
 5  pull block        side 0
 6  out x, 1          side 0
 7  jmp !x 22         side 0
 8  mov isr, osr      side 0
 9  pull block        side 0
10  out x, 1          side 0
11  jmp x-- 22        side 0
12  set x, 31         side 0
13  jmp x-- 13        side 0 [7]
14  out y, 10         side 0
15  out x, 10         side 1
16  jmp x-- 16        side 1
17  jmp y-- 17        side 0
18  out x, 10         side 2
19  jmp x-- 19        side 2
20  mov x, isr        side 0
21  jmp x-- 21        side 0
22  jmp 22            side 0
"""

CONDITIONS = ("", "!x ", "x-- ", "!y ", "y-- ", "x!=y ", "pin ", "!osre ")
OUT_TO = ("pins", "x", "y", "null", "pindirs", "pc", "isr", "exec")
MOV = ("pins", "x", "y", "null", "exec", "pc", "isr", "osr")
SET_TO = ("pins", "x", "y", "-", "pindirs", "-", "-", "-")


def in_words(opcode: int) -> str:
    """One instruction as text, by the table of encodings in section 3.4 of the RP2040 datasheet; two side-set bits."""
    low, upper = opcode & 31, opcode >> 5 & 7
    wait, side = opcode >> 8 & 7, opcode >> 11 & 3
    queue = ("push", "pull")[upper >> 2] + (" iffull", " ifempty")[upper >> 2] * (upper >> 1 & 1)
    text = {
        0: f"jmp {CONDITIONS[upper]}{low}",
        3: f"out {OUT_TO[upper]}, {low or 32}",
        4: f"{queue} {'block' if upper & 1 else 'noblock'}",
        5: f"mov {MOV[upper]}, {('', '!', '::', '?')[low >> 3]}{MOV[low & 7]}",
        7: f"set {SET_TO[upper]}, {low}",
    }.get(opcode >> 13, f"{opcode:04x}")
    return f"{text:<17} side {side}" + (f" [{wait}]" if wait else "")


def test_it_fits_into_the_memory_of_a_pio_block():
    assert len(shipped.program().opcodes) <= 32


def test_the_opcodes_read_back_are_the_program():
    listed = [f"{at:2}  {in_words(opcode)}" for at, opcode in enumerate(shipped.program().opcodes)]
    assert listed == LISTING.strip("\n").splitlines()


def test_it_wraps_from_the_end_of_rest_to_the_first_pull():
    assert (shipped.program().wrap_target, shipped.program().wrap_top) == (0, shipped.module().REST_AT)


def test_h04_no_instruction_drives_both_pins_and_only_side_set_drives_any():
    for at in range(len(shipped.program().opcodes)):
        kind, argument, side, _ = shipped.program().decoded(at)
        assert side in (0, shipped.A, shipped.B)
        if kind in (3, 5, 7):  # OUT, MOV, SET: never to pins or their directions
            assert argument >> 5 in (1, 2, 6, 7)


def test_it_pulls_and_pushes_only_with_both_pins_low():
    blocking = [at for at in range(len(shipped.program().opcodes)) if shipped.program().decoded(at)[0] == 4]
    assert len(blocking) == 4
    for at in blocking:
        _, argument, side, _ = shipped.program().decoded(at)
        assert side == 0 and argument & 0x20, "blocks"
        assert at < shipped.module().SETTLE_AT, "before anything moves"


def cycles_by_instruction(width_us: int, gap_us: int, period_us: int) -> Counter:
    """In how many of a pulse's cycles the program counter stood at which instruction."""
    bench = shipped.FedProgram(shipped.words(1, width_us, gap_us, period_us))
    spent: Counter = Counter()
    for _ in range(period_us):
        spent[bench.machine.pc] += 1
        bench.go(every_cycle=True)
    assert bench.machine.pc == 0
    return spent


@pytest.mark.parametrize(("width_us", "gap_us", "rest"), [(10, 0, 0), (250, 50, 1234), (1000, 1000, 7)])
def test_the_cycle_sums_of_the_docstring_are_right(width_us, gap_us, rest):
    gap = max(gap_us, 1)
    period_us = 272 + 2 * width_us + gap + rest
    spent = cycles_by_instruction(width_us, gap_us, period_us)
    settle_at = shipped.module().SETTLE_AT

    def between(first, last):
        return sum(spent[at] for at in range(first, last + 1))

    a, g, d = width_us - 2, gap - 1, rest
    assert between(0, settle_at - 1) == 12
    assert spent[settle_at] == 1
    # In the last delay of the settling loop the counter stands at the next instruction.
    assert between(settle_at + 1, settle_at + 2) == 32 * 8 + 1
    assert between(15, 16) == 1 + (a + 1) == width_us
    assert spent[17] == g + 1 == gap
    assert between(18, 19) == 1 + (a + 1) == width_us
    assert between(20, 21) == 1 + (d + 1)
    assert sum(spent.values()) == 272 + width_us + gap + width_us + d


def test_the_docstring_says_these_sums():
    text = shipped.module().__doc__
    for line in (
        r"record and settle +12 \+ 1 \+ 32 \* 8 \+ 1 ",
        r"phase A +1 \+ \(a \+ 1\) += width_a_us, so a = width_a_us - 2",
        r"gap +g \+ 1 += gap_us \(at least 1\), so g = gap_us - 1",
        r"phase B +1 \+ \(b \+ 1\) += width_b_us, so b = width_b_us - 2",
        r"rest +1 \+ \(d \+ 1\)",
        rf"period +{pulse.OVERHEAD_US} \+ width_a_us \+ gap_us \+ width_b_us \+ d",
    ):
        assert re.search(line, text), line


def test_overhead_is_what_is_left_of_a_period_without_phases_gap_and_rest():
    shortest_us = pulse.shortest_period_us(10, 0, 10)
    bench = shipped.FedProgram(shipped.records(*[shipped.words(1, 10, 0, shortest_us)] * 3)).run()
    begins = [p.begin for p in bench.pulses()]
    assert begins[1] - begins[0] == begins[2] - begins[1] == 10 + 1 + 10 + pulse.OVERHEAD_US


def test_settle_at_is_the_first_instruction_after_the_record_and_rest_at_the_loop_after_the_pulse():
    decoded = [shipped.program().decoded(at) for at in range(len(shipped.program().opcodes))]
    settle_at, rest_at = shipped.module().SETTLE_AT, shipped.module().REST_AT
    assert decoded[settle_at][:2] == (7, 1 << 5 | 31), "set x, 31"
    assert decoded[rest_at][:2] == (0, 2 << 5 | rest_at), "jmp x--, itself"
    driven = [at for at in range(len(decoded)) if decoded[at][2]]
    assert settle_at < driven[0] and driven[-1] < rest_at
