"""nmes diff: what a file and a prescription that a device keeps say differently."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated

import typer

from opennmes.cli.kept import as_json, connected, in_a_line, in_words, number_of, the_one
from opennmes.cli.output import FAILED, out, print_json, reported, words
from opennmes.cli.ports import Port
from opennmes.device.client import Device, LinkError
from opennmes.device.prescriptions import WHOLE, Kept, kept_on
from opennmes.device.prescriptions import pull as taken
from opennmes.ports.interrupts import stop_on_signals
from opennmes.prescription import Prescription


def diff(
    file: Annotated[Path, typer.Argument(help="A prescription, a TOML file.", show_default=False)],
    port: Port = None,
    number: Annotated[
        str | None,
        typer.Argument(
            metavar="[N]",
            help="The number on the device; without, the same prescription, or the only one with its title.",
            show_default=False,
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Compare a file with a prescription that a device keeps: by what they mean, not how they are written. Exit status
    0 when they are the same, 1 when they differ.

    Example: nmes diff my.toml 1 --port virtual
    """
    wanted = None if number is None else number_of("N", number)
    with reported(json, done=False, same=None):
        stop_on_signals()
        mine = Prescription.read(file)
        with connected(port, to_write=False) as (device, where):
            kept = the_one(device, where, wanted) if wanted is not None else _found(device, where, mine)
            theirs = taken(device, kept.number)
        same = mine.digest() == theirs.digest()
        on_device = f"device, {in_a_line(kept)}"
        lines = list(
            difflib.unified_diff(
                theirs.to_toml().splitlines(), mine.to_toml().splitlines(), on_device, str(file), lineterm=""
            )
        )
        if json:
            print_json({"done": True, "same": same, "kept": as_json(kept), "diff": lines})
        else:
            with out:
                for line in lines:
                    out.print(words(line), soft_wrap=True)
                if same:
                    out.print(words(f"{file} and {on_device} are the same"), soft_wrap=True)
    if not same:
        raise typer.Exit(FAILED)


def _found(device: Device, where: str, mine: Prescription) -> Kept:
    """The one to compare with. Raises LinkError."""
    there = [kept for kept in kept_on(device) if kept.condition == WHOLE]
    same = [kept for kept in there if kept.digest == mine.digest()]
    titled = [kept for kept in there if kept.title == mine.title]
    if same or len(titled) == 1:
        return (same or titled)[0]
    if not there or len(there) == 1:
        return the_one(device, where, there[0].number if there else None)
    raise LinkError(
        f'{len(titled) or "none"} of what the device at {where} keeps is called "{mine.title}"; name a number: '
        f"{in_words(there)}"
    )
