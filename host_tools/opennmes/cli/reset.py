"""nmes reset: back to what a device keeps when it is new."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from opennmes.cli.kept import connected, in_words
from opennmes.cli.keyfile import KeyFile, open_for_change
from opennmes.cli.output import busy, can_ask, err, not_understood, only_once, out, print_json, reported, words
from opennmes.cli.ports import Port
from opennmes.device.client import Device, LinkError
from opennmes.device.prescriptions import kept_on
from opennmes.ports.interrupts import stop_on_signals

_STEPS_MOST = 64  # more than there are sectors


def reset(
    port: Port = None,
    factory: Annotated[
        bool, typer.Option("--factory", help="Forget settings and prescriptions; there is no other reset.")
    ] = False,
    key: KeyFile = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Have a device forget its settings and all of its prescriptions. What is kept of a fault stays, and so do the
    pause after a session, the records of sessions, a calibration and a clinic's lock. Asks first.

    Example: nmes reset --factory --yes --port virtual
    """
    if not factory:
        not_understood("nmes reset needs --factory, which says that settings and prescriptions are to be forgotten")
    with reported(json, done=False):
        stop_on_signals()
        with connected(port, to_write=True) as (device, where):
            open_for_change(device, where, key)
            there = kept_on(device)
            name = device.request("settings")["settings"]["device_name"]
            what = f'the settings of "{name}" and {len(there)} prescriptions'
            if not yes:
                _confirm(what, in_words(there), where)
            _carry_out(device, where)
            left = kept_on(device)
        if left:
            raise LinkError(
                f"{in_words(left)} could not be erased: that part of the flash is worn; do not give the device away"
            )
        only_once()
        if json:
            print_json({"done": True, "forgotten": [vars(kept) for kept in there]})
        else:
            kept = "faults, the pause after a session and a lock"
            out.print(words(f"forgotten: {what}; the device is as new, but for {kept}"), soft_wrap=True)


def _confirm(what: str, prescriptions: str, port: str) -> None:
    """Raises LinkError unless a person says yes."""
    if not can_ask():
        raise LinkError(f"nothing was reset: nobody confirmed that {what} are to be forgotten; give --yes")
    if prescriptions:
        err.print(words(f"the device keeps {prescriptions}; nmes pull --port {shlex.quote(port)} N keeps a copy"))
    if not typer.confirm(f"Forget {what}?", err=True):
        raise LinkError("nothing was reset: it was not confirmed")


def _carry_out(device: Device, port: str) -> None:
    token = device.request("reset", token=0)["token"]
    with busy("resetting") as line:
        for _ in range(_STEPS_MOST):
            left = device.request("reset", token=token)["left"]
            if not left:
                return
            line.update(words(f"resetting: {left} sectors of flash to erase"))
    raise LinkError(f"{port}: the device goes on erasing and never ends; report this")
