"""What boards/rp2/patches make of MicroPython, on the emulated chip: what runs Python runs from RAM, and what the
firmware writes to USB never waits, whatever the host does, and takes no memory."""

from __future__ import annotations

import json

from opennmes.emulator.repl import Repl

# A write that waits does so for 500 ms; a block that does not takes less than one.
LONGEST_US = 3_000
HELD_NANOS = 300_000_000  # some 100 ms more than the turns of the program take

PROGRAM = """
import board, micropython, time
from nmes.hal import make
from stages.reference import STAGE
hal = make(board.BOARD, STAGE)
def send():
    micropython.heap_lock()
    begin = time.ticks_us()
    hal._send(128)
    took = time.ticks_diff(time.ticks_us(), begin)
    micropython.heap_unlock()
    return took
worst = turns = 0
written = 1
hal.write(b"x")
hal._send(1)  # the first poll of all makes what later ones use
for length in (1, 63, 64, 65, 128, 300, 700):
    line = b"x" * length
    for _ in range(3):
        written += length * hal.write(line)
        worst = max(worst, send())
        turns += 1
        time.sleep_ms(1)
kept = hal.unsent()
while hal.unsent():
    hal._send(128)
    time.sleep_ms(1)
print("#", written, kept, worst, turns)
"""


def run(repl: Repl, *, reads: bool) -> tuple[int, int, int, int]:
    """The bytes that came, those that were written, those kept meanwhile, and the longest time of a turn."""
    usb = repl.pico.mcu.usb_ctrl
    done = usb._indicate_buffer_ready
    held: list[tuple[int, bool]] = []

    def hold(endpoint: int, out: bool) -> None:
        if out or not endpoint:
            done(endpoint, out)
        else:
            held.append((endpoint, out))

    repl.start(PROGRAM)
    if not reads:
        usb._indicate_buffer_ready = hold
        repl.pico.run_for(HELD_NANOS)
        usb._indicate_buffer_ready = done
        for each in held:
            done(*each)
    sent, _, figures = repl.finish().rpartition("#")
    written, kept, worst, turns = (int(figure) for figure in figures.split())
    assert turns == 21
    return sent.count("x"), written, kept, worst


def test_a_host_that_reads_gets_every_byte_in_blocks(repl: Repl) -> None:
    came, written, _, worst = run(repl, reads=True)
    assert came == written > 1_500 and worst < LONGEST_US


def test_no_write_waits_for_a_host_that_does_not_read_and_nothing_is_lost(repl: Repl) -> None:
    came, written, kept, worst = run(repl, reads=False)
    assert kept > 1_000, "the host was to read nothing"
    assert came == written and worst < LONGEST_US


def test_the_interpreter_runs_from_ram(repl: Repl) -> None:
    mcu = repl.pico.mcu
    repl.start(
        "class A:\n    def f(self, n):\n        return n + 1\na = A()\nn = 0\nwhile True:\n    n = a.f(n) & 255\n"
    )
    repl.pico.run_for(30_000_000)
    seen = []

    def look() -> None:
        seen.append(mcu.core.pc >> 24)
        alarm.schedule(9_730.0)

    alarm = mcu.clock.create_alarm(look)
    alarm.schedule(9_730.0)
    repl.pico.run_for(10_000_000)
    in_ram, in_flash = seen.count(0x20), seen.count(0x10)
    assert len(seen) > 1_000 and in_ram > 4 * in_flash, (in_ram, in_flash)


def test_a_map_finds_whatever_was_put_in_however_it_grew_and_what_is_gone_is_gone(repl: Repl) -> None:
    printed = repl.run(
        "d = {}\n"
        "for i in range(400):\n"
        "    d['k%d' % i] = d[i] = d[-i * 65_537] = i\n"
        "print([i for i in range(400) if not d['k%d' % i] == d[-i * 65_537] == d[i] == i])\n"
        "for i in range(0, 400, 3):\n"
        "    del d['k%d' % i], d[i]\n"
        "print([i for i in range(400) if ('k%d' % i in d) != (i % 3 > 0) or (i in d) != (i % 3 > 0)])\n"
        "for i in range(400):\n"
        "    d['k%d' % i] = d[i] = i + 1\n"
        "print([i for i in range(400) if not d['k%d' % i] == d[i] == i + 1], len(d))\n",
        10.0,
    )
    assert printed.split("\n")[:3] == ["[]", "[]", "[] 1199"]


def test_a_text_of_json_is_written_whole_whatever_has_to_be_escaped_in_it(repl: Repl) -> None:
    plain = ["", "a", "plain", "\u00e4\u20ac\U0001f600", "x" * 300]
    escaped = [chr(code) for code in (*range(32), ord('"'), ord("\\"), 127)]
    texts = [
        *plain,
        *escaped,
        *(f"{a}{e}{b}" for a in ("", "ab") for e in escaped for b in ("", "yz", e)),
        "".join(escaped),
    ]
    written = repl.run(
        f"import json\nfor text in {texts!r}:\n    print(json.dumps({{text: text}}))\n", 10.0
    ).splitlines()
    assert [json.loads(line) for line in written] == [{text: text} for text in texts]
    assert written[4] == '{"' + "x" * 300 + '": "' + "x" * 300 + '"}'
