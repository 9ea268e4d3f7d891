"""nmes unlock: take the lock of a device away."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from opennmes.cli.kept import connected
from opennmes.cli.keyfile import key_of
from opennmes.cli.output import only_once, out, print_json, reported, words
from opennmes.cli.ports import Port
from opennmes.device import locking
from opennmes.ports.interrupts import stop_on_signals


def unlock(
    key: Annotated[
        Path, typer.Option("--key", metavar="FILE", help="The key that it was locked with.", show_default=False)
    ],
    port: Port = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Unlock a device with the clinic's key: from then on it takes what anybody sends. What it keeps stays.

    Example: nmes unlock --key mine.key --port virtual
    """
    with reported(json, done=False):
        stop_on_signals()
        used = key_of(key)
        with connected(port, to_write=True) as (device, where):
            was_locked = locking.unlock_device(device, where, used)
        only_once()
        if json:
            print_json({"done": True, "device": str(device.identity["uid"]), "unchanged": not was_locked})
            return
        how = "is open now" if was_locked else "was not locked; nothing was changed"
        out.print(words(f"{where}: the device with UID {device.identity['uid']} {how}"), soft_wrap=True)
