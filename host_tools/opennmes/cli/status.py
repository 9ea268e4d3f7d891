"""nmes status: who is on a port, and what it is doing."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from nmes.core import commands, faults
from opennmes.cli.output import FAILED, out, print_json, print_table, reported, words
from opennmes.client import Device
from opennmes.ports.open import open_port

PORT_HELP = 'A serial device such as /dev/ttyACM0, or "emulator", or "virtual".'


def status(
    port: Annotated[str, typer.Option(help=PORT_HELP, show_default=False)],
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Say who is on a port and what it is doing. Changes nothing. Exit status 1 when it has a fault."""
    with reported(json):
        device = Device(open_port(port))
        try:
            identity = device.connect()
            values = device.status()
        finally:
            device.port.close()
    if json:
        print_json({"identity": identity, "status": values})
    else:
        table = Table(show_header=False, title=words(f"{identity['board']} at {device.port.name}"))
        rows = [
            (key, str(answer.get(key, "")))
            for answer, command in ((identity, "identify"), (values, "status"))
            for key in commands.COMMANDS[command].fields
        ]
        for row in rows:
            table.add_row(*map(words, row))
        print_table(table, [(f"{key}: {text}", []) for key, text in rows])
    if values["fault"]:
        if not json:
            name, happened, what_to_do, clinician = faults.FAULTS.get(
                values["fault"], ("unknown", "", "Report it.", "")
            )
            fault = (f"fault {values['fault']}, {name}:", "bold red")
            out.print(words(fault, f" {happened} {what_to_do}"), soft_wrap=True)
            out.print(words(f"For the clinician: {clinician}"), soft_wrap=True)
        raise typer.Exit(FAILED)
