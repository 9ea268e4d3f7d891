"""nmes push: put prescriptions into a device."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from nmes.core.lock import LOST
from nmes.core.reason import Refused
from opennmes.boards import stage_of
from opennmes.cli.kept import as_json, connected, in_a_line, number_of
from opennmes.cli.keyfile import KeyFile, open_for_change
from opennmes.cli.output import busy, not_understood, only_once, out, print_json, reported, words
from opennmes.cli.ports import Port
from opennmes.device import locking
from opennmes.device.client import Device
from opennmes.device.locking import LockingError, Signature
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
    key: KeyFile = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Put prescriptions into a device, and read them back. Each is checked first, as check does: if one is refused,
    nothing is put there. What is there already is left as it is. To a locked device goes what is signed: with --key, or
    with the FILE.sig beside each that nmes sign wrote.

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
        with connected(port, to_write=True) as (device, where):
            stage = stage_of(device.identity["board"])
            for prescription in prescriptions:
                reasons = assess(prescription.data, stage).reasons
                if reasons:
                    raise Refused(reasons)
            seals = _seals(device, where, files, prescriptions, wanted, key)
            for file, prescription in zip(files, prescriptions, strict=True):
                done.append({"file": str(file), **_push(device, prescription, wanted, seals.get(file))})
        only_once()
        if json:
            print_json({"done": True, "pushed": done})
            return
        with out:
            for row in done:
                how = "is already there" if row["unchanged"] else "put there and read back"
                line = f"{in_a_line(Kept(**row['kept']))}: {row['file']} {how}, SHA-256 {row['kept']['digest']}"
                out.print(words(line), soft_wrap=True)


def _there(device: Device, prescription: Prescription, number: int | None) -> Kept | None:
    """Where the device keeps it already."""
    digest = prescription.digest()
    same = [
        kept
        for kept in kept_on(device)
        if (kept.digest, kept.condition) == (digest, WHOLE) and number in (None, kept.number)
    ]
    return same[0] if same else None


def _seals(
    device: Device,
    where: str,
    files: list[Path],
    prescriptions: list[Prescription],
    number: int | None,
    key: Path | None,
) -> dict[Path, Signature]:
    """What was signed elsewhere for each file, where the device is locked and the key is not here. Raises LockingError
    when anything of it would not be taken: then nothing is put there."""
    both = zip(files, prescriptions, strict=True)
    todo = [(file, made) for file, made in both if _there(device, made, number) is None]
    if not todo:
        return {}
    if key is not None or device.request("locked")["locked_by"] in ("", LOST):
        open_for_change(device, where, key)
        return {}
    found = {}
    for file, prescription in todo:
        path = locking.signature_path(file)
        locking.need_signature(path, file, device, where)
        signature = locking.read_signature(path)
        locking.check(signature, path, prescription, device, where)
        if number not in (None, signature.number):
            named = f"number {signature.number}" if signature.number else "the lowest number that is free"
            raise LockingError(f"{path}: it was signed for {named}; leave --number out, or have it signed again for it")
        found[file] = signature
    locking.need_rising([(locking.signature_path(file), signature) for file, signature in found.items()])
    return found


def _push(
    device: Device, prescription: Prescription, number: int | None, signature: Signature | None
) -> dict[str, Any]:
    there = _there(device, prescription, number)
    if there is not None:
        return {"kept": as_json(there), "unchanged": True}
    with busy(f"pushing {prescription.title}") as line:

        def progress(sent: int, whole: int) -> None:
            line.update(words(f"pushing {prescription.title}: {sent} of {whole} bytes"))

        if signature is None:
            kept = put(device, prescription, number or 0, progress)
        else:
            kept = put(device, prescription, signature.number, progress, signature.seal())
    return {"kept": as_json(kept), "unchanged": False}
