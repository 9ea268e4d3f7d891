"""nmes push: put prescriptions into a device."""

from __future__ import annotations

import os
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from nmes.core import font
from nmes.core.lock import LOST
from nmes.core.phase import DUMMY
from nmes.core.reason import Refused
from opennmes.boards import stage_of
from opennmes.cli import several
from opennmes.cli.checked import CheckedBy, who_checked
from opennmes.cli.kept import as_json, checked_in_words, connected, connected_to, in_a_line, number_of, warning
from opennmes.cli.keyfile import KeyFile, open_for_change
from opennmes.cli.output import FAILURES, busy, not_understood, only_once, out, print_json, reported, words
from opennmes.cli.ports import All, Ports
from opennmes.cli.several import Result
from opennmes.device import locking
from opennmes.device.choose import Chosen
from opennmes.device.client import Device
from opennmes.device.locking import LockingError, Signature
from opennmes.device.prescriptions import Kept, Stated, kept_already, text_of
from opennmes.device.prescriptions import push as put
from opennmes.ports.interrupts import stop_on_signals
from opennmes.prescription import Prescription
from opennmes.prescription.assessment import assess

Row = dict[str, Any]  # of what was put there, as --json says it


@dataclass(frozen=True)
class Todo:
    """What is to be put into each device, by the file that it comes from, and how. `stated`: what the command line says
    of the checklist."""

    prescriptions: dict[Path, Prescription]
    number: int | None
    key: Path | None
    stated: Stated


def push(
    files: Annotated[list[Path], typer.Argument(help="Prescriptions, TOML files.", show_default=False)],
    port: Ports = None,
    all_devices: All = False,
    number: Annotated[
        str | None,
        typer.Option(
            metavar="N",
            help="Keep it under this number, whatever is kept there; without, under the lowest that is free.",
            show_default=False,
        ),
    ] = None,
    checked_by: CheckedBy = None,
    key: KeyFile = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Put prescriptions into a device, or into several, and read them back. Each is checked first, as check does: if
    one is refused, nothing is put there. What is there already is left as it is. To a locked device goes what is
    signed: with --key, or with the FILE.sig beside each that nmes sign wrote.

    Example: nmes push my.toml --number 2 --port virtual
    """
    wanted = None if number is None else number_of("--number", number)
    if wanted is not None and len(files) > 1:
        not_understood("--number is for one file; leave it out, or push the files one by one")
    done: list[Row] = []
    with reported(json, done=False, pushed=done):
        stop_on_signals()
        prescriptions = {file: Prescription.read(file) for file in files}
        for file, prescription in prescriptions.items():
            text_of(prescription)
            _warn_of_unseen(file, prescription.title)
            if prescription.data["electrode"]["kind"] == DUMMY:
                warning(
                    f"{file}: it is for a resistor, without the limits for people: a host can begin it, and the "
                    "buttons of a panel do not (for_resistor)"
                )
        todo = Todo(prescriptions, wanted, key, Stated.now(_who(checked_by, files, key)))
        if several.asked_for(port, all_devices):
            several.carry_out(port, lambda chosen: _one_of_several(chosen, todo), as_json=json)
            return
        with connected(port, to_write=True) as (device, where):
            _put_all(device, where, todo, done, shows=True)
        only_once()
        if json:
            print_json({"done": True, "pushed": done})
            return
        with out:
            for row in done:
                out.print(words(_in_words(row)), soft_wrap=True)
                out.print(words(f"  {checked_in_words(Kept(**row['kept']))}"), soft_wrap=True)


def _who(checked_by: str | None, files: list[Path], key: Path | None) -> str:
    """Who has gone through the checklist; empty where that is not stated, or was signed elsewhere."""
    if checked_by is None and key is None and all(os.path.lexists(locking.signature_path(file)) for file in files):
        return ""
    return who_checked(checked_by)


def _warn_of_unseen(file: Path, title: str) -> None:
    """Say which characters the display of a panel cannot show."""
    unseen = dict.fromkeys(character for character in title if not (character.isascii() or character in font.MORE))
    if unseen:
        warning(f"{file}: its title has {' '.join(unseen)}, and the display of a panel shows a question mark instead")


def _one_of_several(chosen: Chosen, todo: Todo) -> Result:
    done: list[Row] = []
    try:
        with connected_to(chosen, to_write=True) as (device, where):
            _put_all(device, where, todo, done, shows=False)  # one line of progress cannot be that of each
    except FAILURES as failure:
        return several.failed(failure, list(map(_in_words, done)), done=False, pushed=done)
    return Result({"done": True, "pushed": done}, list(map(_in_words, done)))


def _put_all(device: Device, where: str, todo: Todo, done: list[Row], *, shows: bool) -> None:
    """Put all of them there that the device has not, once it is clear that it will take each; `done` gets a row for
    each."""
    stage = stage_of(device.identity["board"], device.identity["stage"])
    for prescription in todo.prescriptions.values():
        reasons = assess(prescription.data, stage).reasons
        if reasons:
            raise Refused(reasons)
    seals = _seals(device, where, todo)
    for file, prescription in todo.prescriptions.items():
        done.append({"file": str(file), **_push(device, prescription, todo, seals.get(file), shows=shows)})


def _in_words(row: Row) -> str:
    how = "is already there" if row["unchanged"] else "put there and read back"
    return f"{in_a_line(Kept(**row['kept']))}: {row['file']} {how}, SHA-256 {row['kept']['digest']}"


def _there(device: Device, prescription: Prescription, todo: Todo, stated: Stated) -> Kept | None:
    """Where the device keeps it already, with what is stated now of the checklist."""
    same = kept_already(device, prescription, todo.number)
    return same if same and stated.checked_by in ("", same.checked_by) else None


def _seals(device: Device, where: str, asked: Todo) -> dict[Path, Signature]:
    """What was signed elsewhere for each file, where the device is locked and the key is not here. Raises LockingError
    when anything of it would not be taken: then nothing is put there."""
    number = asked.number
    by_signature = asked.key is None and device.request("locked")["locked_by"] not in ("", LOST)
    todo = [
        (file, made)
        for file, made in asked.prescriptions.items()
        if _there(device, made, asked, _stated_beside(file, asked) if by_signature else asked.stated) is None
    ]
    if not todo:
        return {}
    if not by_signature:
        open_for_change(device, where, asked.key)
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
        if asked.stated.checked_by not in ("", signature.checked_by):
            who = signature.checked_by or "nobody"
            raise LockingError(
                f"{path}: it was signed that {who} has gone through the checklist, and not "
                f"{asked.stated.checked_by}; leave --checked-by out, or have it signed again with it (`nmes sign`)"
            )
        found[file] = signature
    locking.need_rising([(locking.signature_path(file), signature) for file, signature in found.items()])
    return found


def _stated_beside(file: Path, asked: Todo) -> Stated:
    """What is stated of the checklist with a file, where only a signature can: by the command line, or else by that.
    Raises LockingError."""
    path = locking.signature_path(file)
    if asked.stated.checked_by or not os.path.lexists(path):
        return asked.stated
    return locking.read_signature(path).stated


def _push(device: Device, prescription: Prescription, todo: Todo, signature: Signature | None, *, shows: bool) -> Row:
    there = _there(device, prescription, todo, signature.stated if signature else todo.stated)
    if there is not None:
        return {"kept": as_json(there), "unchanged": True}
    with busy(f"pushing {prescription.title}") if shows else nullcontext() as line:

        def progress(sent: int, whole: int) -> None:
            if line:
                line.update(words(f"pushing {prescription.title}: {sent} of {whole} bytes"))

        if signature is None:
            same = kept_already(device, prescription, todo.number)
            number = todo.number or (same.number if same else 0)
            kept = put(device, prescription, number, progress, stated=todo.stated)
        else:
            kept = put(device, prescription, signature.number, progress, signature.seal(), signature.stated)
    return {"kept": as_json(kept), "unchanged": False}
