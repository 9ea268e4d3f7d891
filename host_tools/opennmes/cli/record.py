"""nmes record: what a device keeps of the fault that nobody has cleared."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from nmes.core import faults
from opennmes.cli import several
from opennmes.cli.fault import fault_of, in_short, in_words
from opennmes.cli.output import reported
from opennmes.cli.ports import All, Ports
from opennmes.cli.several import Result
from opennmes.device.choose import Chosen
from opennmes.device.client import Device
from opennmes.ports.interrupts import stop_on_signals
from opennmes.ports.open import open_port


def record(
    port: Ports = None,
    all_devices: All = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Say what a device keeps of its fault: what it was doing, and what was measured. Changes nothing.

    Example: nmes record --port virtual
    """
    with reported(json, record=None, fault=None):
        stop_on_signals()
        several.one_or_several(port, all_devices, _kept, as_json=json)


def _kept(chosen: Chosen) -> Result:
    device = Device(open_port(chosen.where))
    try:
        chosen.confirm(device.connect())
        fault = fault_of(device.status(), chosen.where)
        kept = device.record()
    finally:
        device.port.close()
    is_kept = kept["fault"] is not None
    lines = in_record(kept) if is_kept else ["no fault is kept"]
    if fault:
        lines += [f"the device has {in_short(fault)}", *in_words(fault)]
    return Result({"record": kept if is_kept else None, "fault": fault}, lines)


def in_record(kept: dict[str, Any]) -> list[str]:
    """What was kept of a fault, a line for each of faults.RECORD_FIELDS."""
    return [f"{field}: {kept.get(field)}" for field in faults.RECORD_FIELDS]
