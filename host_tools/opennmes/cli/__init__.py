"""The command `nmes`: one file a verb.

Exit status: 0 done, 1 refused or failed, 2 could not be understood, 3 done, but what was to be written (on standard
output, or a trace) could not be. Results go to standard output, errors to standard error; what standard output does
not take goes there too, whole. A reader who leaves (`| head -1`) changes no status.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Iterator

from opennmes.cli.streams import Stream, standard_streams
from opennmes.ports.interrupts import held_back

_INTERRUPTED = 130  # typer's status for Ctrl-C


def main(arguments: list[str] | None = None) -> int:
    """Carry out a command line, that of this process if none is given; returns the exit status. Only a bug of ours gets
    past the verbs' own handling."""
    with standard_streams() as out:
        if arguments is not None:
            return _carry_out(arguments, out, contextlib.nullcontext())
        return _carry_out(sys.argv[1:], out, _kept())


@contextlib.contextmanager
def _kept() -> Iterator[None]:
    """What is imported stays: this process never looks whether it is garbage. Python does so forty times while it
    imports, and again at its end, which is a seventh of what a command takes."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _carry_out(arguments: list[str], out: Stream, importing: contextlib.AbstractContextManager[None]) -> int:
    try:
        with importing:
            with held_back():  # it takes a while, and what is interrupted in an import says strange things
                from opennmes.cli.app import command
                from opennmes.cli.output import FAILED, NOT_WRITTEN, error, print_json
            verb = command(arguments)
        verb(arguments, prog_name="nmes")
        status = 0
    except KeyboardInterrupt:
        status = _INTERRUPTED
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else FAILED
    except Exception as bug:
        if os.environ.get("NMES_DEBUG"):
            raise
        error(f"this is a bug in nmes: {type(bug).__name__}: {bug}; please report it. NMES_DEBUG=1 shows where")
        status = FAILED
    why = "nmes did not do it; standard error says why"
    if status == _INTERRUPTED:  # before or after a verb's own handling
        error(why := "interrupted")
        status = FAILED
    if status and "--json" in arguments and not out.begun:  # a command line that was not understood is one of these
        print_json({"done": False, "error": why, "reasons": []})
    return NOT_WRITTEN if status == 0 and out.failure else status


if __name__ == "__main__":
    sys.exit(main())
