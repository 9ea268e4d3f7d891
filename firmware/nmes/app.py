"""Wires board, hardware, session, supervisor, link and panel together, once, and runs the main loop."""

from board import BOARD

from nmes.core import limits
from nmes.core.faults import INTERNAL_ERROR
from nmes.core.session import Session
from nmes.hal import make
from nmes.link import Link
from nmes.panel import Panel
from nmes.store import Store

if BOARD.get("stock"):
    from nmes.supervisor import Supervisor as make_supervisor  # a stock MicroPython has no memory for more
else:
    from nmes.supervisors import make as make_supervisor  # type: ignore[assignment]

LOOP_MS = 10  # the queue holds 66 ms, the lease 90 ms


def run():
    """Run until somebody asks for the MicroPython prompt, or for BOOTSEL. Whatever ends it, the outputs are at rest and
    what is to be kept is written. Any other end leaves the watchdog running: it resets the board, which comes up in
    FAULT."""
    stage = __import__("stages.%s" % str(BOARD["stage"]).replace("-", "_"), None, None, ("STAGE",)).STAGE
    stage = limits.with_board(stage, BOARD)
    hal = make(BOARD, stage)
    bootloader = False
    try:
        bootloader = _run(hal, stage)
    finally:
        hal.all_off()
        hal.signal(0, 0, 0)
        hal.close_link()
    if bootloader:
        hal.bootloader()


def _run(hal, stage):
    """Run the main loop. Returns whether the chip is to go into BOOTSEL when it has ended."""
    supervisor = make_supervisor(hal, Session(stage), Store(hal, hal.inherited), BOARD, stage)
    link = Link(hal, supervisor, BOARD, stage)
    panel = Panel(hal, supervisor)
    steps: tuple = (supervisor.step, link.step, panel.step)
    if "panel" in BOARD["pins"]:  # type: ignore[operator]  # a stock MicroPython has none, and no room for it
        from nmes.core.access import GUESTS
        from nmes.patient import Patient

        link.guests = GUESTS
        steps = (supervisor.step, link.step, Patient(hal, supervisor, panel).step)
    hal.open_link()
    hal.watch(True)
    try:
        while not (link.wants_prompt and supervisor.settle()):
            _turn(hal, supervisor, steps)
    finally:
        hal.all_off()
        supervisor.settle()
    if supervisor.lost:
        hal.suspend_watchdog(True)  # the prompt is not reset, but the next run comes up in FAULT
    else:
        hal.watch(False)  # the only end in order: no exception comes by here
    return link.wants_bootloader


def _turn(hal, supervisor, steps):
    """One iteration of the main loop. What a part raises becomes the fault and keeps no other part from its own work,
    the host's answers among it; only what `fail` raises leaves the loop."""
    begin_ms = hal.now_ms()
    for step in steps:  # of each part of the firmware
        try:
            step(begin_ms)
        except Exception as error:
            supervisor.fail(INTERNAL_ERROR, error)
    try:
        # Less after a long turn: at 500 Hz what it took has to be made up for within the queue. Never more: a clock
        # that has gone back must not become a wait.
        left_ms = LOOP_MS - (hal.now_ms() - begin_ms)
        if left_ms < 1:
            left_ms = 1
        elif left_ms > LOOP_MS:
            left_ms = LOOP_MS
        hal.wait_ms(left_ms)
    except Exception as error:
        supervisor.fail(INTERNAL_ERROR, error)
