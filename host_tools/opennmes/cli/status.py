"""nmes status: who is on a port, and what it is doing."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from nmes.core import commands
from opennmes.cli import several
from opennmes.cli.fault import fault_of, in_short, in_words
from opennmes.cli.output import out, print_table, reported, words
from opennmes.cli.ports import PORT_HELP, All, Ports
from opennmes.cli.several import Result
from opennmes.cli.view import trigger_in_words
from opennmes.device.choose import Chosen
from opennmes.device.client import Device
from opennmes.ports.interrupts import stop_on_signals
from opennmes.ports.open import open_port

__all__ = ["PORT_HELP", "status"]


def status(
    port: Ports = None,
    all_devices: All = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Say who is on a port and what it is doing. Changes nothing. Exit status 1 when it has a fault.

    Example: nmes status --port virtual
    """
    with reported(json, identity=None, status=None):
        stop_on_signals()
        several.one_or_several(port, all_devices, _asked, _print, as_json=json)


def _asked(chosen: Chosen) -> Result:
    device = Device(open_port(chosen.where))
    try:
        identity = device.connect()
        chosen.confirm(identity)
        values = device.status()
    finally:
        device.port.close()
    fault = fault_of(values, chosen.where)
    lines = [
        f"OpenNMES {identity['version']} on {identity['board']}, stage {identity['stage']}, UID {identity.get('uid')}, "
        f"{values['state']}"
    ]
    lines += [
        f"channel {row['channel']}: set {row['intensity_ua'] / 1000:g} mA, now {row['output_ua'] / 1000:g} mA"
        for row in values.get("channels", ())
    ]
    lines += trigger_in_words(values)
    if fault:
        lines += [in_short(fault), *in_words(fault)]
    return Result({"identity": identity, "status": values, "fault": fault}, lines, failed=bool(fault))


def _print(result: Result, chosen: Chosen) -> None:
    identity, values, fault = (result.json[key] for key in ("identity", "status", "fault"))
    table = Table(show_header=False, title=words(f"{identity['board']} at {chosen.where}"))
    rows = [
        (key, str(answer.get(key, "")))
        for answer, command in ((identity, "identify"), (values, "status"))
        for key in (*commands.COMMANDS[command].fields, *(("trigger",) if "trigger" in answer else ()))
    ]
    for row in rows:
        table.add_row(*map(words, row))
    with out:
        print_table(table, [(f"{key}: {text}", []) for key, text in rows])
        if fault:
            out.print(words((in_short(fault), "bold red")), soft_wrap=True)
            for text in in_words(fault):
                out.print(words(text), soft_wrap=True)
