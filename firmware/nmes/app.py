"""Wires board, hardware, session, supervisor and link together, once, and turns the loop."""

from board import BOARD

from nmes.core import limits
from nmes.core.faults import INTERNAL_ERROR
from nmes.core.session import Session
from nmes.hal import make
from nmes.link import Link
from nmes.panel import Panel
from nmes.store import Store
from nmes.supervisor import Supervisor

LOOP_MS = 10  # the queue holds 66 ms, the lease 90 ms


def run():
    """Run until somebody asks for the MicroPython prompt. Whatever ends it, the outputs are at rest."""
    stage = __import__("stages.%s" % BOARD["stage"], None, None, ("STAGE",)).STAGE
    stage = limits.with_board(stage, BOARD)
    hal = make(BOARD, stage)
    try:
        supervisor = Supervisor(hal, Session(stage), Store(hal, hal.inherited), BOARD, stage)
        link = Link(hal, supervisor, BOARD, stage)
        panel = Panel(hal, supervisor)
        hal.open_link()
        hal.watch(True)
        while not link.wants_prompt:
            begin_ms = hal.now_ms()
            try:
                supervisor.step()
                link.step()
                panel.step()
            except Exception as error:
                supervisor.fail(INTERNAL_ERROR, repr(error))
            # Less after a long turn: at 500 Hz what it took has to be made up for within the queue. Never more: a clock
            # that has gone back must not become a wait.
            hal.wait_ms(min(LOOP_MS, max(1, LOOP_MS - (hal.now_ms() - begin_ms))))
    finally:
        hal.rest()
        hal.signal(0, 0, 0)
        hal.watch(False)
        hal.close_link()
