"""nmes remove: have a device forget a prescription."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from opennmes.cli.kept import as_json, connected, in_a_line, number_of, the_one
from opennmes.cli.keyfile import KeyFile, open_for_change
from opennmes.cli.output import can_ask, only_once, out, print_json, reported, words
from opennmes.cli.ports import Port
from opennmes.device.client import LinkError
from opennmes.ports.interrupts import stop_on_signals


def remove(
    number: Annotated[str, typer.Argument(metavar="N", help="Its number on the device.", show_default=False)],
    port: Port = None,
    key: KeyFile = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Have a device forget a prescription. Asks first, and says how to keep it.

    Example: nmes remove 1 --yes --port virtual
    """
    wanted = number_of("N", number)
    with reported(json, done=False, removed=None):
        stop_on_signals()
        with connected(port, to_write=True) as (device, where):
            kept = the_one(device, where, wanted)
            open_for_change(device, where, key)
            if not yes:
                keep = f"nmes pull --port {shlex.quote(where)} {wanted} --output FILE keeps a copy"
                if not can_ask():
                    raise LinkError(f"{in_a_line(kept)} was not removed: nobody confirmed it; give --yes. {keep}")
                if not typer.confirm(f"Remove {in_a_line(kept)}? ({keep})", err=True):
                    raise LinkError(f"{in_a_line(kept)} was not removed: it was not confirmed")
            device.request("remove", number=wanted)
        only_once()
        if json:
            print_json({"done": True, "removed": as_json(kept)})
        else:
            out.print(words(f"{in_a_line(kept)} is removed"), soft_wrap=True)
