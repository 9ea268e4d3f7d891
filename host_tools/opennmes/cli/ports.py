"""The option --port of the verbs: which board, or which boards."""

from __future__ import annotations

from typing import Annotated

import typer

from opennmes.cli.output import not_understood

PORT_HELP = (
    "A serial device such as /dev/ttyACM0 or COM3, the UID of a board or its beginning, a device name, "
    '"socket://HOST:PORT", "emulator", or "virtual". Not needed where one board is there.'
)

# One board: given twice it is refused, because who writes two ports does not mean the last one.
Port = Annotated[list[str] | None, typer.Option("--port", metavar="PORT", help=PORT_HELP, show_default=False)]
Ports = Annotated[
    list[str] | None,
    typer.Option("--port", metavar="PORT", help=f"{PORT_HELP} Several times for several.", show_default=False),
]
All = Annotated[bool, typer.Option("--all", help="Every board that is here; one that fails does not stop the others.")]


def only_one(ports: list[str] | None, why: str) -> str | None:
    """What was written for the one board, None when nothing was. Ends with status 2 when there are several."""
    if ports and len(ports) > 1:
        not_understood(f"--port is given {len(ports)} times: {why}")
    return ports[0] if ports else None
