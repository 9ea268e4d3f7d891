"""Runs a function in a forked copy of this process and its emulated chip, and returns what it returned: whatever the
function does to the chip is gone afterwards."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable
from multiprocessing import get_context
from typing import TypeVar

from opennmes.emulator.pico import BenchError

T = TypeVar("T")


def branch(work: Callable[[], T], most_s: float | None = None) -> T:
    """What `work` returns (it must be picklable), run in a copy of this process: no board here moves on.

    One boot and one start of a session, seconds of wall time, serve for any number of endings; a branch may have
    branches of its own. Raises BenchError with the traceback when `work` raises. One that takes more than `most_s` of
    wall time is aborted, and says on stderr where it was if `faulthandler` is enabled.
    """
    context = get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def run() -> None:
        try:
            sender.send((work(), ""))
        except BaseException:  # an assertion as much as what ends a program: the other side has to hear of it
            sender.send((None, traceback.format_exc()))

    process = context.Process(target=run)
    process.start()
    sender.close()
    try:
        if not receiver.poll(most_s) and process.pid is not None:
            os.kill(process.pid, signal.SIGABRT)
        result: T
        result, error = receiver.recv()
    except EOFError:
        error = "it ended without a word"
    except BaseException:  # whoever waits is interrupted
        process.kill()
        raise
    process.join()
    if error:
        raise BenchError(f"in a branch: {error}")
    return result
