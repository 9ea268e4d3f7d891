"""A walk over the wires before anything is armed: each pin of the board alone is high for a moment, and the witness
says what it sees; then the witness pulls each of its lines, and the board says what it sees. Each wrong wire is named.

The board is in MAINTENANCE, at MicroPython's prompt. Of the stage's two permissions one at most is there at any moment,
and the pump never moves, so that an output stage that is connected stays off. The witness pulls a line only when
the walk has shown that it is on no output.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from opennmes.device.acceptance.raw_prompt import RawPrompt
from opennmes.device.witness import Witness
from opennmes.ports.base import Port
from opennmes.ports.errors import PortError

INTERLOCK, STOP_LOOP, RUN = "interlock", "stop_loop", "run"
INPUTS = (INTERLOCK, STOP_LOOP)
# Joined as docs/verify.md has it: the stop loop feeds the interlock.
FOLLOWS = {INTERLOCK: {INTERLOCK}, STOP_LOOP: {INTERLOCK, STOP_LOOP}}
GONE_S = 3.0
_CHIP_ID = 0x4000_0000  # SYSINFO of the RP2040 (2.20.4)
_BEGIN = "from machine import Pin as _P"


@dataclass(frozen=True)
class Walk:
    """What was found: a line for each wire that is wrong; empty when all are right. `seen`: how many wires were
    looked at; `revision`: of the board's chip, as CHIP_ID says it."""

    wrong: list[str]
    seen: int
    revision: int


def walk(port: Port, witness: Witness) -> Walk:
    """Walk over all wires but the one to the board's reset; the board is at `port`, in MAINTENANCE. Raises PromptLost
    and WitnessError."""
    gpios: Mapping[str, int] = witness.identity["gpios"]
    outputs = {role: gpio for role, gpio in gpios.items() if role not in (*INPUTS, RUN)}
    prompt = RawPrompt(port)
    prompt.run(_BEGIN)
    for role in outputs:
        prompt.run(f"_P({outputs[role]}, _P.OUT, value=0)")
    witness.pull()
    base = witness.levels()
    wrong, heard = _outputs(prompt, witness, gpios, outputs, base)
    if outputs and not heard:
        wrong = [
            "no wire carries anything from the board to the witness: is the ground wire there, and are these the two "
            "boards that are wired to each other?"
        ]
    elif not wrong:
        wrong += _inputs(prompt, witness, gpios, base)
    revision = int(prompt.run(f"from machine import mem32 as _m\nprint(_m[{_CHIP_ID}] >> 28)"))
    return Walk(wrong, len(outputs) + len(INPUTS), revision)


def _outputs(
    prompt: RawPrompt, witness: Witness, gpios: Mapping[str, int], outputs: Mapping[str, int], base: int
) -> tuple[list[str], int]:
    """Each output alone; (what is wrong, how many pins the witness has heard of)."""
    wrong = [f"GP{gpio} ({role}) of the witness is high while everything rests: what is it joined to?"
             for role, gpio in outputs.items() if base >> gpio & 1]  # fmt: skip
    heard = 0
    for role, gpio in outputs.items():
        prompt.run(f"_P({gpio}, _P.OUT, value=1)")
        levels = witness.levels()
        prompt.run(f"_P({gpio}, _P.OUT, value=0)")
        rose = [other for other in sorted(set(gpios.values())) if levels & ~base & 1 << other]
        heard += bool(rose)
        if rose == [gpio]:
            continue
        if not rose:
            wrong.append(f"GP{gpio} ({role}): the wire is not there; nothing of the witness sees this pin of the board")
        elif gpio in rose:
            joined = ", ".join(_name(gpios, other) for other in rose if other != gpio)
            wrong.append(f"GP{gpio} ({role}): joined to {joined} as well")
        else:
            goes = ", ".join(_name(gpios, other) for other in rose)
            wrong.append(f"GP{gpio} ({role}): the wire from this pin of the board goes to {goes} of the witness")
    return wrong, heard


def _inputs(prompt: RawPrompt, witness: Witness, gpios: Mapping[str, int], base: int) -> list[str]:
    """The lines that the witness can pull, on both boards."""
    wrong = []
    roles = [role for role in INPUTS if role in gpios]
    for role in roles:
        here, there = base >> gpios[role] & 1, _reads(prompt, gpios[role])
        if not there:
            wrong.append(f"GP{gpios[role]} ({role}): low at the board while nobody pulls it: no resistor to 3V3?")
        elif not here:
            wrong.append(f"GP{gpios[role]} ({role}): high at the board and low at the witness: the wire is not there")
    if wrong:
        return wrong
    for role in roles:
        witness.pull(role)
        try:
            fell = {other for other in roles if not _reads(prompt, gpios[other])}
        finally:
            witness.pull()
        if fell == FOLLOWS[role] & set(roles):
            continue
        seen = " and ".join(_name(gpios, gpios[other]) for other in sorted(fell)) or "nothing"
        due = " and ".join(_name(gpios, gpios[other]) for other in sorted(FOLLOWS[role]))
        wrong.append(
            f"GP{gpios[role]} ({role}): pulled by the witness, {seen} of the board falls and {due} should: the wire "
            "goes elsewhere, or the resistors between 3V3, stop_loop and interlock are not as docs/verify.md has them"
        )
    return wrong


def _reads(prompt: RawPrompt, gpio: int) -> bool:
    return prompt.run(f"print(_P({gpio}).value())") == "1"


def _name(gpios: Mapping[str, int], gpio: int) -> str:
    role = next((role for role, number in gpios.items() if number == gpio), "")
    return f"GP{gpio}" + (f" ({role})" if role else "")


def reset(port: Port, witness: Witness, reopen: Callable[[], Any]) -> str:
    """Have the witness reset the board, and say what is wrong with the wire to its reset; "" for nothing."""
    gpio = witness.identity["gpios"][RUN]
    words = f"GP{gpio} of the witness to RUN of the board"
    witness.pull(RUN)
    until_s = port.now_s() + GONE_S
    gone = False
    try:
        while not gone and port.now_s() < until_s:
            port.read(0.05)
    except PortError:
        gone = True
        port.close()
    witness.pull()
    if not gone:
        return f"{words}: the wire is not there; the board was not reset"
    return "" if reopen() else f"{words}: the board was reset and did not come back"


__all__ = ["Walk", "reset", "walk"]
