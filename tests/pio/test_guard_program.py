"""The guard's programs themselves: they fit, their opcodes read back as they were written, they can only take away."""

import re

import adafruit_pioasm
import guarded
import pytest
import shipped
from guarded import PIO

NAMES = ("watch", "interlock", "lease")
PROGRAMS = {name: shipped.assembled(getattr(PIO, name)) for name in NAMES}

AS_TEXT = {
    "watch": """
.program watch
over:
    mov y, isr
.wrap_target
low:
    mov osr, pins [7]
    out x, 1
    jmp pin, a_rises
    jmp !x, quiet [7]
    jmp phase
quiet:
    jmp !y, low [7]
    jmp y--, low
a_rises:
    jmp x--, both
    jmp y--, too_close
phase:
    mov y, isr
high:
    mov osr, pins
    out x, 1
    jmp pin, a_on
    jmp !x, over [15]
    jmp y--, high [15]
    jmp over_long
a_on:
    jmp x--, both [15]
    jmp y--, high [15]
over_long:
    irq 4
both:
    irq 5
too_close:
    irq 6
tripped:
    set pins, 0 [31]
    jmp tripped
.wrap
""",
    "interlock": """
.program interlock
    wait 0 pin 0
.wrap_target
    set pins, 0 [31]
.wrap
""",
    "lease": """
.program lease
.side_set 1
round:
    pull noblock side 1 [2]
    mov x, osr side 1 [1]
    jmp x--, round side 0 [4]
.wrap_target
    set pins, 0 side 0 [15]
.wrap
""",
}


@pytest.mark.parametrize("name", NAMES)
def test_another_assembler_makes_the_same(name):
    made = adafruit_pioasm.Program(AS_TEXT[name], build_debuginfo=False)
    program = PROGRAMS[name]
    assert tuple(made.assembled) == program.opcodes
    assert made.pio_kwargs.get("wrap_target", 0) == program.wrap_target
    assert made.pio_kwargs.get("wrap", len(program.opcodes) - 1) == program.wrap_top
    assert made.pio_kwargs.get("sideset_pin_count", 0) == program.side_count


def test_together_they_fit_into_the_block_and_the_docstring_counts_them():
    length = sum(len(program.opcodes) for program in PROGRAMS.values())
    assert length <= 32
    assert re.search(rf"take {length} of the\s+block's 32 instructions", PIO.__doc__)


@pytest.mark.parametrize("name", NAMES)
def test_none_can_ever_give_permission(name):
    program = PROGRAMS[name]
    for at in range(len(program.opcodes)):
        kind, argument, _, _ = program.decoded(at)
        assert kind in (0, 1, 3, 4, 5, 6, 7)
        if kind == 7:
            assert argument == 0, "set pins, 0"
        if kind in (3, 5):  # OUT, MOV: never to pins or their directions
            assert argument >> 5 in (1, 2, 6, 7)
    assert program.set_count == 1, "one pin, the enable"
    assert program.side_count == (name == "lease"), "one pin, the pump"


@pytest.mark.parametrize(("name", "at"), [("watch", PIO.WATCH_TRIPPED_AT), ("interlock", PIO.INTERLOCK_TRIPPED_AT),
                                          ("lease", PIO.LEASE_TRIPPED_AT)])  # fmt: skip
def test_a_tripped_machine_stays_where_it_writes_0(name, at):
    program = PROGRAMS[name]
    assert program.decoded(at)[:2] == (7, 0), "set pins, 0"
    leads_to = {
        argument & 31 for kind, argument, _, _ in map(program.decoded, range(at, len(program.opcodes))) if not kind
    }
    assert leads_to | {program.wrap_target} <= {at, 1 if name == "watch" else at}
    if name == "watch":
        assert program.decoded(at + 1)[:2] == (0, at), "jmp tripped: it never comes to the wrap"


def test_the_lease_s_round_and_the_longest_phase_are_what_the_constants_say():
    lease = PROGRAMS["lease"]
    assert sum(1 + lease.decoded(at)[3] for at in range(3)) == PIO.LEASE_ROUND_US * PIO.LEASE_HZ // 1_000_000
    assert guarded.GUARD._CYCLES_PER_US == guarded.US
