"""nmes plot: a picture of what a prescription asks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nmes.core import programme
from opennmes.cli.output import busy, not_understood, out, reported, words
from opennmes.ports.interrupts import stop_on_signals
from opennmes.prescription import Prescription


def plot(
    file: Annotated[Path, typer.Argument(help="A prescription, a TOML file.", show_default=False)],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The picture: .png, .svg or .pdf.", show_default=False)
    ],
) -> None:
    """Draw what a prescription asks: one pulse, a train with its ramps, and the session.

    Example: nmes plot my.toml --output my.png
    """
    from opennmes.plots.asked import plot_prescription  # matplotlib takes a second to load
    from opennmes.plots.draw import FORMATS

    if output.suffix.lower() not in FORMATS:
        not_understood(f"--output is {output}; its name has to end in {', '.join(FORMATS)}")
    stop_on_signals()  # so that nothing half written stays beside the picture
    with reported(False), busy("drawing"):
        plot_prescription(programme.parse(Prescription.read(file).data), output)
    out.print(words(f"{output}"), soft_wrap=True)
