"""nmes clear: a person clears the fault that they name."""

from __future__ import annotations

from typing import Annotated

import typer

from nmes.core import faults
from opennmes.cli import several
from opennmes.cli.fault import Fault, FaultError, fault_number, fault_of, in_short, in_words
from opennmes.cli.output import can_ask, err, not_understood, only_once, reported, words
from opennmes.cli.ports import Ports
from opennmes.cli.record import in_record
from opennmes.cli.several import Result
from opennmes.device.choose import Chosen
from opennmes.device.client import Device
from opennmes.ports.interrupts import stop_on_signals
from opennmes.ports.open import open_port


def clear(
    fault: Annotated[
        str | None,
        typer.Argument(help="The number or the name of the fault; without, a terminal asks.", show_default=False),
    ] = None,
    port: Ports = None,
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
        if number is None and several.asked_for(port, False):
            not_understood("several devices, and no fault is named; nobody can be asked about all of them at once")
        several.one_or_several(port, False, lambda chosen: _cleared(chosen, number), as_json=json)


def _cleared(chosen: Chosen, number: int | None) -> Result:
    device = Device(open_port(chosen.where))
    try:
        chosen.confirm(device.connect())
        latched = fault_of(device.status(), chosen.where)
        if latched is None:
            raise FaultError("the device has no fault; nothing was cleared", None)
        if latched["number"] == faults.STORE_NEWER:
            raise FaultError(
                f"the device has {in_short(latched)}, which cannot be cleared; nothing was changed:", latched
            )
        number = _named_by_a_person(number, latched)
        kept = device.record()
        only_once()
        state = device.clear(number)["state"]
    finally:
        device.port.close()
    lines = [] if kept["fault"] is None else ["what was kept of it:", *in_record(kept)]
    lines.append(f"{in_short(latched)}, is cleared; a session starts from zero again")
    return Result({"done": True, "cleared": latched, "record": kept, "state": state}, lines)


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
