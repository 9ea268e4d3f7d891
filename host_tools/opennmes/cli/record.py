"""nmes record: what a device keeps of the fault that nobody has cleared."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from nmes.core import faults
from opennmes.cli.fault import fault_of, in_short, in_words
from opennmes.cli.output import out, print_json, reported, words
from opennmes.cli.status import PORT_HELP
from opennmes.client import Device
from opennmes.ports.interrupts import stop_on_signals
from opennmes.ports.open import open_port


def record(
    port: Annotated[str, typer.Option(help=PORT_HELP, show_default=False)],
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Say what a device keeps of its fault: what it was doing, and what was measured. Changes nothing.

    Example: nmes record --port virtual
    """
    with reported(json, record=None, fault=None):
        stop_on_signals()
        device = Device(open_port(port))
        try:
            device.connect()
            fault = fault_of(device.status(), port)
            kept = device.record()
        finally:
            device.port.close()
        is_kept = kept["fault"] is not None
        if json:
            print_json({"record": kept if is_kept else None, "fault": fault})
            return
        with out:
            for text in in_record(kept) if is_kept else ["no fault is kept"]:
                out.print(words(text), soft_wrap=True)
            if fault:
                for text in [f"the device has {in_short(fault)}", *in_words(fault)]:
                    out.print(words(text), soft_wrap=True)


def in_record(kept: dict[str, Any]) -> list[str]:
    """What was kept of a fault, a line for each of faults.RECORD_FIELDS."""
    return [f"{field}: {kept.get(field)}" for field in faults.RECORD_FIELDS]
