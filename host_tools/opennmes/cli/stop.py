"""nmes stop: end the session of a device, whoever owns it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from nmes.core import session
from opennmes.cli.fault import fault_of, in_short, in_words
from opennmes.cli.output import error, only_once, out, print_json, reported, words
from opennmes.cli.status import PORT_HELP
from opennmes.client import Device
from opennmes.ports.interrupts import stop_on_signals
from opennmes.ports.open import open_port


def stop(
    port: Annotated[str, typer.Option(help=PORT_HELP, show_default=False)],
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """End the session of a device, whoever began it, and print the account of it. Always allowed."""
    with reported(json, done=False, account=None):
        stop_on_signals()
        device = Device(open_port(port))
        try:
            device.port.write(b"\r\n")  # ends half a line of whoever was here before
            only_once()
            answer = device.stop()  # before anything else: it is allowed to tools of any version
            fault = None
            if answer["state"] == session.FAULT:
                device.connect()
                fault = fault_of(device.status(), port)
        finally:
            device.port.close()
        if fault:
            error(f"the device has {in_short(fault)}:", in_words(fault))
        if json:
            print_json({"done": True, "state": answer["state"], "account": answer["account"], "fault": fault})
        else:
            with out:
                for text in [f"stopped; the device is {answer['state']}", *account_in_words(answer["account"])]:
                    out.print(words(text), soft_wrap=True)


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
