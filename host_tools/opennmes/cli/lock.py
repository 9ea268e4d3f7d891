"""nmes lock: have a device take nothing any more that a clinic's key has not signed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from opennmes.cli.kept import connected, warning
from opennmes.cli.output import only_once, out, print_json, reported, words
from opennmes.cli.ports import Port
from opennmes.device import locking
from opennmes.device.prescriptions import kept_on
from opennmes.ports.interrupts import stop_on_signals
from opennmes.ports.open import SOCKET


def lock(
    key: Annotated[
        Path,
        typer.Option("--key", metavar="FILE", help="The clinic's key; made if it is not there.", show_default=False),
    ],
    port: Port = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Lock a device with a clinic's key: from then on it takes prescriptions, settings and calibration only when they
    are signed with it. What it keeps stays, and anybody may run that, watch and stop. It holds against mistakes and
    strangers at the USB port, and not against somebody who has the board in his hands: see docs/lock.md.

    Example: nmes lock --key clinic.key --port virtual
    """
    with reported(json, done=False, locked=None):
        stop_on_signals()
        with connected(port, to_write=True) as (device, where):
            if where.startswith(SOCKET):
                warning("the key goes through the network as it is, for whoever listens; lock devices at a cable")
            used, made, unchanged = locking.lock_device(device, where, key)
            state = device.request("locked")
            there = kept_on(device)
        if locking.others_can_read(key):
            warning(f"others on this computer can read {key}: `chmod 600` keeps it to you")
        only_once()
        uid = str(device.identity["uid"])
        if json:
            print_json({
                "done": True, "locked": used.id, "device": uid, "counter": state["counter"], "file": str(key),
                "made": made, "unchanged": unchanged,
            })  # fmt: skip
            return
        with out:
            if made:
                out.print(words(f"{key} is a new key, {used.id}: keep a copy. Without it nobody can unlock the device"))
            how = "was locked with it already" if unchanged else "is locked now"
            line = f"{where}: the device with UID {uid} {how}, key {used.id}; the next counter is {state['counter']}"
            out.print(words(line), soft_wrap=True)
            if there and not unchanged:
                out.print(words(f"it keeps the {len(there)} prescriptions that it had: `nmes pull --list` shows them"))
