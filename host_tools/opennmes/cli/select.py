"""nmes select: load a prescription that a device keeps."""

from __future__ import annotations

from typing import Annotated

import typer

from opennmes.cli.kept import as_json, connected, in_a_line, number_of, the_one
from opennmes.cli.output import out, print_json, reported, words
from opennmes.cli.ports import Port
from opennmes.device.client import Device, LinkError, Message
from opennmes.device.prescriptions import Kept
from opennmes.ports.interrupts import stop_on_signals


def select(
    number: Annotated[str, typer.Argument(metavar="N", help="Its number on the device.", show_default=False)],
    port: Port = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Load a prescription that a device keeps, as run does before it arms. Nothing is armed; it stays loaded until
    another is, or the power goes.

    Example: nmes select 1 --port virtual
    """
    wanted = number_of("N", number)
    with reported(json, done=False, selected=None):
        stop_on_signals()
        with connected(port, to_write=True) as (device, where):
            kept, loaded = selected(device, where, wanted)
        if json:
            print_json({"done": True, "selected": as_json(kept), "loaded": loaded})
        else:
            most = f"at most {loaded['largest_current_ua'] / 1000:g} mA: {loaded['largest_source']}"
            minutes = f"{loaded['duration_ms'] / 60_000:g} min, {loaded['pulses']} pulses"
            out.print(words(f"{in_a_line(kept)} is loaded: {minutes}, {most}"), soft_wrap=True)


def selected(device: Device, where: str, number: int) -> tuple[Kept, Message]:
    """Load what the device keeps under a number. Returns it, and what `load` says of it. Raises LinkError,
    DeviceRefused."""
    kept = the_one(device, where, number)
    loaded = device.select(number)
    if loaded["digest"] != kept.digest:
        raise LinkError(f"{where}: prescription {number} has just been replaced by somebody else; nothing was started")
    return kept, loaded
