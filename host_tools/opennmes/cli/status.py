"""nmes status: who is on a port, and what it is doing."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from nmes.core import commands
from opennmes.cli.fault import Fault, fault_of, in_short, in_words
from opennmes.cli.output import FAILED, out, print_json, print_table, reported, words
from opennmes.client import Device, Message
from opennmes.ports.interrupts import stop_on_signals
from opennmes.ports.open import open_port

PORT_HELP = 'A serial device such as /dev/ttyACM0, or "emulator", or "virtual".'


def status(
    port: Annotated[str, typer.Option(help=PORT_HELP, show_default=False)],
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Say who is on a port and what it is doing. Changes nothing. Exit status 1 when it has a fault.

    Example: nmes status --port virtual
    """
    with reported(json, identity=None, status=None):
        stop_on_signals()
        device = Device(open_port(port))
        try:
            identity = device.connect()
            values = device.status()
        finally:
            device.port.close()
        fault = fault_of(values, port)
        if json:
            print_json({"identity": identity, "status": values, "fault": fault})
        else:
            _print(identity, values, device.port.name, fault)
        if fault:
            raise typer.Exit(FAILED)


def _print(identity: Message, values: Message, port: str, fault: Fault | None) -> None:
    table = Table(show_header=False, title=words(f"{identity['board']} at {port}"))
    rows = [
        (key, str(answer.get(key, "")))
        for answer, command in ((identity, "identify"), (values, "status"))
        for key in commands.COMMANDS[command].fields
    ]
    for row in rows:
        table.add_row(*map(words, row))
    with out:
        print_table(table, [(f"{key}: {text}", []) for key, text in rows])
        if fault:
            out.print(words((in_short(fault), "bold red")), soft_wrap=True)
            for text in in_words(fault):
                out.print(words(text), soft_wrap=True)
