"""The command `nmes`: one file a verb.

Exit status: 0 done, 1 refused or failed, 2 could not be understood, 3 done, but what was to be written (on standard
output, or a trace) could not be. Results go to standard output, errors to standard error; what standard output does
not take goes there too, whole. A reader who leaves (`| head -1`) changes no status.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from opennmes import __version__
from opennmes.cli import check, clear, emulate, plot, record, run, status, stop
from opennmes.cli.output import FAILED, NOT_WRITTEN, error, print_json
from opennmes.cli.streams import standard_streams

_INTERRUPTED = 130  # typer's status for Ctrl-C

app = typer.Typer(
    name="nmes",
    help=(
        "Check, run and look at prescriptions for an OpenNMES stimulator. "
        "A research instrument, not a medical device. Exit status: 0 done, 1 refused or failed, 2 not understood, "
        "3 done, but not all of the result could be written."
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(check.check)
app.command()(plot.plot)
app.command()(run.run)
app.command()(status.status)
app.command()(record.record)
app.command()(clear.clear)
app.command()(stop.stop)
app.command()(emulate.emulate)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"nmes {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    pass


def main(arguments: list[str] | None = None) -> int:
    """Carry out a command line; returns the exit status. Only a bug of ours gets past the verbs' own handling."""
    with standard_streams() as out:
        status = _carry_out(arguments)
        if status == _INTERRUPTED:  # before or after a verb's own handling
            status = FAILED
            error("interrupted")
            if "--json" in (sys.argv if arguments is None else arguments) and not out.begun:
                print_json({"done": False, "error": "interrupted", "reasons": []})
        return NOT_WRITTEN if status == 0 and out.failure else status


def _carry_out(arguments: list[str] | None) -> int:
    try:
        app(arguments, prog_name="nmes")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0 if ended.code is None else FAILED
    except KeyboardInterrupt:
        return _INTERRUPTED
    except Exception as bug:
        if os.environ.get("NMES_DEBUG"):
            raise
        error(f"this is a bug in nmes: {type(bug).__name__}: {bug}; please report it. NMES_DEBUG=1 shows where")
        return FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
