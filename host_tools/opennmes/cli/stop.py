"""nmes stop: end the session of a device, whoever owns it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from nmes.core import session
from opennmes.cli import several
from opennmes.cli.fault import fault_of, in_short, in_words
from opennmes.cli.output import error, only_once, reported
from opennmes.cli.ports import All, Ports
from opennmes.cli.several import Result
from opennmes.device.choose import Chosen
from opennmes.device.client import Device
from opennmes.ports.interrupts import stop_on_signals
from opennmes.ports.open import open_port


def stop(
    port: Ports = None,
    all_devices: All = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """End the session of a device, whoever began it, and print the account of it. Always allowed.

    Example: nmes stop --port virtual
    """
    with reported(json, done=False, account=None):
        stop_on_signals()
        act = _stopped if several.asked_for(port, all_devices) else _stopped_alone
        several.one_or_several(port, all_devices, act, as_json=json)


def _stopped_alone(chosen: Chosen) -> Result:
    """As `_stopped`; its fault is an error of the command too."""
    result = _stopped(chosen)
    if fault := result.json["fault"]:
        error(f"the device has {in_short(fault)}:", in_words(fault))
    return result


def _stopped(chosen: Chosen) -> Result:
    device = Device(open_port(chosen.where))
    try:
        device.port.write(b"\r\n")  # ends half a line of whoever was here before
        only_once()
        answer = device.stop()  # before anything else: it is allowed to tools of any version
        if chosen.uid:  # not before: another board that is stopped harms nobody, but this one is not said to be then
            chosen.confirm(device.introduce())
        fault = None
        if answer["state"] == session.FAULT:
            device.connect()
            fault = fault_of(device.status(), chosen.where)
    finally:
        device.port.close()
    said = {"done": True, "state": answer["state"], "account": answer["account"], "fault": fault}
    return Result(said, [f"stopped; the device is {answer['state']}", *account_in_words(answer["account"])])


def account_in_words(account: dict[str, Any]) -> list[str]:
    """What a session delivered, a line for the whole and one for each channel."""
    texts = [
        f"{account['delivered']} pulses delivered of {account['queued'] - account['cancelled']} asked "
        f"in {account['elapsed_ms'] / 1000:g} s; {account['underruns']} came late"
    ]
    for row in account["channels"]:
        if row["measured"] is None:
            texts.append(f"channel {row['channel']}: nothing is measured on this output stage")
            continue
        net_nc = row["charge_a_nc"] - row["charge_b_nc"]
        of = f", channel {row['channel']}" if len(account["channels"]) > 1 else ""
        load = f"{row['impedance_least_ohm']} to {row['impedance_most_ohm']} ohm"
        texts.append(
            f"measured by the device{of}: {row['measured']} pulses, {row['missed']} missed, mean current "
            f"{row['current_mean_ua'] / 1000:g} mA, net charge {net_nc} nC, "
            f"load {load if row['impedance_most_ohm'] else 'not seen'}"
        )
    return texts
