"""nmes clear: a person clears the fault that they name."""

from __future__ import annotations

from typing import Annotated

import typer

from nmes.core import faults
from opennmes.cli.fault import Fault, FaultError, fault_number, fault_of, in_short, in_words
from opennmes.cli.output import can_ask, err, not_understood, only_once, out, print_json, reported, words
from opennmes.cli.record import in_record
from opennmes.cli.status import PORT_HELP
from opennmes.client import Device
from opennmes.ports.interrupts import stop_on_signals
from opennmes.ports.open import open_port


def clear(
    port: Annotated[str, typer.Option(help=PORT_HELP, show_default=False)],
    fault: Annotated[
        str | None,
        typer.Argument(help="The number or the name of the fault; without, a terminal asks.", show_default=False),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Clear the fault that you name, when its cause is gone. Prints what was kept of it, which is forgotten then.

    Example (exit status 1, this board has no fault): nmes clear --port virtual electrode_open
    """
    number = None if fault is None else fault_number(fault)
    if fault is not None and number is None:
        not_understood(
            f"{fault!r} is no fault; give its number (11) or its name (electrode_open), which nmes status says"
        )
    with reported(json, done=False, cleared=None):
        stop_on_signals()
        device = Device(open_port(port))
        try:
            device.connect()
            latched = fault_of(device.status(), port)
            if latched is None:
                raise FaultError("the device has no fault; nothing was cleared", None)
            number = _named_by_a_person(number, latched)
            kept = device.record()
            only_once()
            state = device.clear(number)["state"]
        finally:
            device.port.close()
        if json:
            print_json({"done": True, "cleared": latched, "record": kept, "state": state})
            return
        with out:
            if kept["fault"] is not None:
                for text in ["what was kept of it:", *in_record(kept)]:
                    out.print(words(text), soft_wrap=True)
            out.print(words(f"{in_short(latched)}, is cleared; a session starts from zero again"), soft_wrap=True)


def _named_by_a_person(number: int | None, latched: Fault) -> int:
    """The number to clear, if it is the fault that the device has. Raises FaultError."""
    there = in_short(latched)
    if number is not None and number != latched["number"]:
        named = f"fault {number}, {faults.name(number)}"
        raise FaultError(f"the device has {there}, not {named}; nothing was cleared:", latched)
    if number is not None:
        return number
    if not can_ask():
        raise FaultError(f"the device has {there}; name it to clear it, nothing was cleared:", latched)
    for text in [f"the device has {there}", *in_words(latched)]:
        err.print(words(text), soft_wrap=True)
    if not typer.confirm(f"Is the cause gone, and is {there}, to be cleared?", err=True):
        raise FaultError(f"{there}, was not cleared: it was not confirmed", latched)
    return int(latched["number"])
