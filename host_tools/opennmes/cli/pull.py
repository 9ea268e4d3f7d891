"""nmes pull: give back a prescription that a device keeps, as a file; or list them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from opennmes.cli.kept import as_json, checked_in_words, connected, in_a_line, number_of, the_one
from opennmes.cli.output import not_understood, out, print_json, reported, words
from opennmes.cli.ports import Port
from opennmes.device.client import Device
from opennmes.device.prescriptions import kept_on
from opennmes.device.prescriptions import pull as taken
from opennmes.files import write_text
from opennmes.ports.interrupts import stop_on_signals


def pull(
    port: Port = None,
    number: Annotated[
        str | None,
        typer.Argument(metavar="[N]", help="Its number; without, the only one that is kept.", show_default=False),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Write it to this file; without, to standard output.", show_default=False)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    only_list: Annotated[bool, typer.Option("--list", help="Only say which there are.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Give back a prescription that a device keeps, as a file that pushes to the same digest. Changes nothing on the
    device.

    Example: nmes pull 1 --output kept.toml --port virtual
    """
    wanted = None if number is None else number_of("N", number)
    if only_list and (wanted is not None or output is not None or force):
        not_understood("--list says which there are; leave out number, --output and --force")
    if force and output is None:
        not_understood("--force is for --output FILE")
    if output is not None and not force and os.path.lexists(output):
        not_understood(f"{output} is there already and was left as it is; give another name, or --force")
    with reported(json, done=False):
        stop_on_signals()
        with connected(port, to_write=False) as (device, where):
            if only_list:
                _print_list(device, json)
                return
            kept = the_one(device, where, wanted)
            prescription = taken(device, kept.number)
        text = prescription.to_toml()
        if output is not None:
            write_text(output, text, replace=force)
        if json:
            written = None if output is None else str(output)
            print_json({"done": True, "kept": as_json(kept), "toml": text, "written": written})
        elif output is None:
            print(text, end="", flush=True)  # as it is: nothing hidden can be in it, and it is a file's
        else:
            out.print(words(f"{in_a_line(kept)}: written to {output}, SHA-256 {kept.digest}"), soft_wrap=True)


def _print_list(device: Device, json: bool) -> None:
    there = kept_on(device)
    if json:
        print_json({"done": True, "prescriptions": [as_json(kept) for kept in there]})
        return
    with out:
        for kept in there:
            digest = f", SHA-256 {kept.digest}" if kept.digest else ""
            out.print(words(f"{in_a_line(kept)}{digest}"), soft_wrap=True)
            out.print(words(f"  {checked_in_words(kept)}"), soft_wrap=True)
        if not there:
            out.print("the device keeps no prescription")
