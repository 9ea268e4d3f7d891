"""nmes sign: sign a prescription for a locked device that is elsewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from nmes.core import lock
from opennmes.cli.checked import CheckedBy, who_checked
from opennmes.cli.kept import number_of
from opennmes.cli.keyfile import key_of
from opennmes.cli.numbers import whole_number
from opennmes.cli.output import not_understood, out, print_json, reported, words
from opennmes.device import locking
from opennmes.device.prescriptions import Stated
from opennmes.prescription import Prescription

_UID = re.compile(r"[0-9a-z]{4,64}")


def sign(
    file: Annotated[Path, typer.Argument(help="A prescription, a TOML file.", show_default=False)],
    key: Annotated[Path, typer.Option("--key", metavar="FILE", help="The clinic's key.", show_default=False)],
    device: Annotated[
        str, typer.Option(metavar="UID", help="The device, by the whole UID that nmes status says.", show_default=False)
    ],
    counter: Annotated[
        str,
        typer.Option(
            metavar="N", help="The device's next counter, from nmes status, or a higher one.", show_default=False
        ),
    ],
    number: Annotated[
        str | None,
        typer.Option(
            metavar="N",
            help="That it is to be kept under there; without, under the lowest that is free.",
            show_default=False,
        ),
    ] = None,
    checked_by: CheckedBy = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a signature that is there.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Sign a prescription for a locked device that is elsewhere, into FILE.sig beside it, and who has gone through the
    checklist: whoever is there pushes the file, with that one beside it. It is good for this file, this device, and
    once.

    Example: nmes sign my.toml --key mine.key --device e660583883724f32 --counter 1
    """
    uid = device.strip().lower()
    if not _UID.fullmatch(uid):
        not_understood(f"--device is {device!r}; it has to be the whole UID of the device, as `nmes status` says it")
    at = whole_number("--counter", counter)
    least, most = lock.COUNTERS
    if not least <= at <= most:
        not_understood(f"--counter is {at}; it has to be {least} to {most}: the next one, as `nmes status` says it")
    wanted = 0 if number is None else number_of("--number", number)
    with reported(json, done=False, signature=None):
        prescription = Prescription.read(file)
        by = who_checked(checked_by)
        made = locking.sign(prescription, key_of(key), uid, at, wanted, Stated.now(by))
        path = locking.signature_path(file)
        locking.write_signature(path, made, replace=force)
        if json:
            print_json({"done": True, "signature": made.as_json(), "written": str(path)})
            return
        line = f"{path}: signed with key {made.key} for the device with UID {uid}, counter {at}; there, with both files"
        out.print(words(f"{line} in one folder, `nmes push {file.name}` takes it"), soft_wrap=True)
        who = f"signed that {by} has gone through the checklist" if by else "who went through the checklist: not stated"
        out.print(words(f"  {who}"), soft_wrap=True)
