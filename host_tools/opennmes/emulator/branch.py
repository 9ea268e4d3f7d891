"""What would happen if: a piece of work in a copy of everything, after which everything is as it was."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from multiprocessing import get_context
from typing import Any

from opennmes.emulator.pico import BenchError


def branch(work: Callable[[], Any]) -> Any:
    """What `work` returns (it must be picklable), run in a copy of this process: no board here moves on.

    One boot and one start of a session, seconds of wall time, serve for any number of endings. Raises BenchError with
    the traceback when `work` raises.
    """
    context = get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def run() -> None:
        try:
            sender.send((work(), ""))
        except BaseException:  # an assertion as much as what ends a program: the other side has to hear of it
            sender.send((None, traceback.format_exc()))

    process = context.Process(target=run, daemon=True)
    process.start()
    sender.close()
    try:
        result, error = receiver.recv()
    except EOFError:
        error = "it ended without a word"
    process.join()
    if error:
        raise BenchError(f"in a branch: {error}")
    return result
