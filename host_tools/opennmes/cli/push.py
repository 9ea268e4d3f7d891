"""nmes push: put prescriptions into a device."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from nmes.core.reason import Refused
from opennmes.boards import stage_of
from opennmes.cli.kept import as_json, connected, in_a_line, number_of
from opennmes.cli.output import err, not_understood, only_once, out, print_json, reported, words
from opennmes.cli.ports import Port
from opennmes.device.client import Device
from opennmes.device.prescriptions import WHOLE, Kept, kept_on, text_of
from opennmes.device.prescriptions import push as put
from opennmes.ports.interrupts import stop_on_signals
from opennmes.prescription import Prescription
from opennmes.prescription.assessment import assess


def push(
    files: Annotated[list[Path], typer.Argument(help="Prescriptions, TOML files.", show_default=False)],
    port: Port = None,
    number: Annotated[
        str | None,
        typer.Option(
            metavar="N",
            help="Keep it under this number, whatever is kept there; without, under the lowest that is free.",
            show_default=False,
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Put prescriptions into a device, and read them back. Each is checked first, as check does: if one is refused,
    nothing is put there. What is there already is left as it is.

    Example: nmes push my.toml --number 2 --port virtual
    """
    wanted = None if number is None else number_of("--number", number)
    if wanted is not None and len(files) > 1:
        not_understood("--number is for one file; leave it out, or push the files one by one")
    done: list[dict[str, Any]] = []
    with reported(json, done=False, pushed=done):
        stop_on_signals()
        prescriptions = [Prescription.read(file) for file in files]
        for prescription in prescriptions:
            text_of(prescription)
        with connected(port, to_write=True) as (device, _):
            stage = stage_of(device.identity["board"])
            for prescription in prescriptions:
                reasons = assess(prescription.data, stage).reasons
                if reasons:
                    raise Refused(reasons)
            for file, prescription in zip(files, prescriptions, strict=True):
                done.append({"file": str(file), **_push(device, prescription, wanted)})
        only_once()
        if json:
            print_json({"done": True, "pushed": done})
            return
        with out:
            for row in done:
                how = "is already there" if row["unchanged"] else "put there and read back"
                line = f"{in_a_line(Kept(**row['kept']))}: {row['file']} {how}, SHA-256 {row['kept']['digest']}"
                out.print(words(line), soft_wrap=True)


def _push(device: Device, prescription: Prescription, number: int | None) -> dict[str, Any]:
    digest = prescription.digest()
    same = [
        kept
        for kept in kept_on(device)
        if (kept.digest, kept.condition) == (digest, WHOLE) and number in (None, kept.number)
    ]
    if same:
        return {"kept": as_json(same[0]), "unchanged": True}
    with err.status(words(f"pushing {prescription.title}"), spinner="line") as line:

        def progress(sent: int, whole: int) -> None:
            line.update(words(f"pushing {prescription.title}: {sent} of {whole} bytes"))

        kept = put(device, prescription, number or 0, progress)
    return {"kept": as_json(kept), "unchanged": False}
