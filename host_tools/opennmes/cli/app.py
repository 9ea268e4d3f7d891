"""The verbs of the command `nmes`."""

from __future__ import annotations

from typing import Annotated

import typer

from opennmes import __version__
from opennmes.cli import check, clear, emulate, plot, record, run, status, stop

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
