"""nmes log: the records of sessions that a device keeps."""

from __future__ import annotations

import base64
import binascii
import csv
import io
import os
import shlex
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from nmes.core import faults, record
from opennmes.cli import several
from opennmes.cli.kept import connected_to, warning
from opennmes.cli.keyfile import KeyFile, open_for_change
from opennmes.cli.output import (
    FAILED,
    busy,
    error,
    not_understood,
    only_once,
    out,
    print_json,
    print_table,
    reported,
    words,
)
from opennmes.cli.ports import All, Ports
from opennmes.cli.several import Result
from opennmes.device.choose import NAME_KEY, Chosen, choose
from opennmes.device.client import Device, LinkError
from opennmes.device.records import Kept, Log, Progress, clear, log_of, problems
from opennmes.files import write_text
from opennmes.ports.interrupts import stop_on_signals

_COLUMNS = (
    "session", "begun (UTC)", "by", "prescription", "min", "contractions", "pulses",
    "mean mA", "most mA", "mC", "ended",
)  # fmt: skip
_UNKNOWN = "?"
_NOTHING = "the device keeps no record that was not taken"


@dataclass(frozen=True)
class Read:
    """What was read of a device: where it is, who it is, its records and what is wrong with them."""

    where: str
    uid: str
    name: str
    log: Log
    wrong: list[str]


def log(
    port: Ports = None,
    all_devices: All = False,
    csv_file: Annotated[
        Path | None,
        typer.Option("--csv", metavar="FILE", help="Write all fields of all records to this file.", show_default=False),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    wants_clear: Annotated[
        bool,
        typer.Option("--clear", help="Take them off the list of one device, once they are in the file of --csv."),
    ] = False,
    key: KeyFile = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Show the records of the sessions that a device keeps, and whether one is missing, damaged or was changed: that is
    exit status 1. Of several devices each is shown, and all of them go into the file of --csv, which names the device
    of each record.

    Example: nmes log --port virtual
    """
    of_several = several.asked_for(port, all_devices)
    _understood(csv_file, force, wants_clear, key, of_several)
    with reported(json, done=False, records=None):
        stop_on_signals()
        if of_several:
            _of_several(port, csv_file, force, json)
        else:
            _of_one(choose(port[0] if port else None), csv_file, force, wants_clear, key, json)


def _understood(csv_file: Path | None, force: bool, wants_clear: bool, key: Path | None, of_several: bool) -> None:
    """End with status 2 where options do not go together."""
    if wants_clear and csv_file is None:
        not_understood("--clear takes records off the device once they are in a file: give --csv FILE too")
    if wants_clear and of_several:
        not_understood("--clear takes records off one device: name it with --port, and a file of its own with --csv")
    if key is not None and not wants_clear:
        not_understood("--key signs what takes records off a locked device: give --clear too, or leave it out")
    if force and csv_file is None:
        not_understood("--force is for --csv FILE, which it writes over")
    if csv_file is not None and not force and os.path.lexists(csv_file):
        not_understood(f"{csv_file} is there already and was left as it is; give another name, or --force")


def _of_one(
    chosen: Chosen, csv_file: Path | None, force: bool, wants_clear: bool, key: Path | None, json: bool
) -> None:
    with connected_to(chosen, to_write=wants_clear) as (device, where):
        if wants_clear:
            open_for_change(device, where, key)
        with busy("reading the records of sessions") as line:
            read = _read_from(device, where, lambda number, newest: line.update(words(f"record {number} of {newest}")))
        if csv_file is not None:
            _write(csv_file, [read], force)
        taken = clear(device, read.log) if wants_clear else None
    if wants_clear:
        only_once()
    if json:
        print_json(_as_json(read, csv_file, taken))
    else:
        with out:
            _print(read)
            if csv_file is not None:
                out.print(words(_written(csv_file, [read])), soft_wrap=True)
            if taken:
                digest = binascii.hexlify(taken.digest).decode()
                out.print(words(f"taken off the device up to session {taken.number}, digest {digest}"), soft_wrap=True)
    if read.log.few_left and not wants_clear:
        warning(_few_left(read))
    if read.wrong:
        error("the records are not whole:", read.wrong)
        raise typer.Exit(FAILED)


def _of_several(ports: list[str] | None, csv_file: Path | None, force: bool, json: bool) -> None:
    reads: dict[int, Read] = {}  # by its result

    def act(chosen: Chosen) -> Result:
        with connected_to(chosen, to_write=False) as (device, where):
            read = _read_from(device, where)
        lines = [f"session {heading}: {'; '.join(cells)}" for heading, cells in _turned(read.log)]
        lines = lines or [_NOTHING]
        if read.log.few_left:
            lines.append(_few_left(read))
        if read.wrong:
            lines += ["the records are not whole:", *read.wrong]
        result = Result(_as_json(read, csv_file, None), lines, failed=bool(read.wrong))
        reads[id(result)] = read
        return result

    said = several.ask(ports, act)
    found = [reads[id(result)] for _, result in said if id(result) in reads]
    if csv_file is not None and found:
        _write(csv_file, found, force)
        if not json:
            out.print(words(_written(csv_file, found)), soft_wrap=True)
    several.say(said, as_json=json)


def _read_from(device: Device, where: str, progress: Progress | None = None) -> Read:
    log = log_of(device, progress)
    return Read(where, str(device.identity.get("uid", "")), str(device.identity.get(NAME_KEY, "")), log, problems(log))


def _few_left(read: Read) -> str:
    take = f"nmes log --port {shlex.quote(read.where)} --csv FILE --clear takes them"
    return f"after {read.log.left} more sessions the oldest of these is overwritten; {take}"


def _written(csv_file: Path, reads: list[Read]) -> str:
    count = sum(len(read.log.kept) for read in reads)
    return (
        f"{count} records are in {csv_file}, and were read back"
        if count != 1
        else (f"1 record is in {csv_file}, and was read back")
    )


def _as_json(read: Read, csv_file: Path | None, taken: Kept | None) -> dict[str, Any]:
    log = read.log
    return {
        "done": True,
        **_device(read),
        "whole": not read.wrong,
        "problems": read.wrong,
        "newest": log.newest,
        "taken": taken.number if taken else log.taken,
        "left": log.left,
        "written": None if csv_file is None else str(csv_file),
        "cleared": taken is not None,
        "records": [fields(kept) for kept in log.kept],
    }


def _device(read: Read) -> dict[str, str]:
    """Who kept it; the port is of today only, and no part of it."""
    return {"device_uid": read.uid, "device_name": read.name}


def _turned(log: Log) -> list[tuple[str, list[str]]]:
    """Of each record its number, and what is known of it."""
    rows = map(_row, log.kept)
    return [
        (row[0], [f"{column}: {cell}" for column, cell in zip(_COLUMNS[1:], row[1:], strict=True) if cell])
        for row in rows
    ]


def _print(read: Read) -> None:
    if not read.log.kept:
        out.print(_NOTHING)
        return
    table = Table(box=None)
    for column in _COLUMNS:
        table.add_column(column)
    for kept in read.log.kept:
        table.add_row(*map(words, _row(kept)))
    print_table(table, [(f"session {heading}", cells) for heading, cells in _turned(read.log)])


def _row(kept: Kept) -> tuple[str, ...]:
    if kept.begin is None:
        return (str(kept.number), *[""] * (len(_COLUMNS) - 2), kept.condition)
    begin = kept.begin
    kind = begin["flags"]
    who = "panel" if begin["started_by"] == record.PANEL else "host"
    what = f"{begin['prescription']}" if begin["prescription"] else f"loaded {begin['programme_crc']:08x}"
    first = (str(kept.number), _time_of(begin["unix_s"]), who, f"{what}, resistor" if kind & record.RESISTOR else what)
    if kept.end is None:
        return (*first, *[_UNKNOWN] * 6, kept.condition)
    end = kept.end
    used = [row for row in end["channels"] if row["pulses"] or row["works"]] or end["channels"][:1]
    ended = f"{end['ended']} {faults.name(end['fault'])}" if end["fault"] in faults.NAMES else end["ended"]
    measures = kind & record.MEASURES
    return (
        *first,
        f"{end['elapsed_ms'] / 60_000:.1f}",
        _each(used, "works"),
        _each(used, "pulses"),
        _each(used, "current_mean_ua", 1_000) if measures else _UNKNOWN,
        _each(used, "current_most_ua", 1_000) if measures else _UNKNOWN,
        _each(used, "charge_a_nc", 1_000_000, 2) if measures else _UNKNOWN,
        ended,
    )


def _each(rows: list[dict[str, Any]], key: str, divisor: int = 1, decimals: int = 1) -> str:
    """A value of each channel, in the unit that is so many of the record's."""
    return " / ".join(str(row[key]) if divisor == 1 else f"{row[key] / divisor:.{decimals}f}" for row in rows)


def _time_of(unix_s: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(unix_s)) if unix_s else _UNKNOWN


def fields(kept: Kept) -> dict[str, Any]:
    """Every field of a record, flat: those of a channel with its number before. None where it is not known. `page` is
    the record as the device has it, in base64, so that it can be verified once more."""
    made: dict[str, Any] = {"number": kept.number, "condition": kept.condition}
    begin = kept.begin or dict.fromkeys(name for name, _ in record.BEGIN)
    made.update({name: value for name, value in begin.items() if name not in ("number", "flags")})
    if not made["prescription"]:
        made["prescription_digest"] = None
    for key in ("prescription_digest", "before"):
        made[key] = None if made[key] is None else binascii.hexlify(made[key]).decode()
    flags = None if kept.begin is None else kept.begin["flags"]
    for name, bit in (("motor", record.MOTOR), ("resistor", record.RESISTOR), ("confirmed", record.CONFIRMED)):
        made[name] = None if flags is None else bool(flags & bit)
    measured = bool(flags and flags & record.MEASURES)
    end = kept.end or {}
    made.update({name: end.get(name) for name, _ in record.END})
    for channel in range(record.CHANNELS):
        row = end["channels"][channel] if end else {}
        for name, _ in record.CHANNEL:
            value = row.get(name) if measured or name in record.COUNTED else None
            made[f"channel_{channel}_{name}"] = None if name.startswith("impedance_") and not value else value
        for level, ms in zip(record.LEVELS_UA, row.get("levels_ms", [None] * len(record.LEVELS_UA)), strict=True):
            made[f"channel_{channel}_from_{level}_ua_ms"] = ms
    if made["unix_s"] == 0:
        made["unix_s"] = None
    if made["ended_unix_s"] == 0:
        made["ended_unix_s"] = None
    made["digest"] = binascii.hexlify(kept.digest).decode()
    made["page"] = base64.b64encode(kept.page).decode()
    return made


def _write(path: Path, reads: list[Read], force: bool) -> None:
    """All fields as CSV, read back. Raises AlreadyThere, OSError, and LinkError when the file is not what was
    written: nothing is taken off the device then."""
    rows = [{**_device(read), **fields(kept)} for read in reads for kept in read.log.kept]
    text = io.StringIO()
    writer = csv.DictWriter(text, [*_device(reads[0]), *_FIELDS], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue(), replace=force)
    with open(path, encoding="utf-8", newline="") as file:
        back = [base64.b64decode(row["page"]) for row in csv.DictReader(file)]
    if path.read_bytes() != text.getvalue().encode() or back != [kept.page for read in reads for kept in read.log.kept]:
        raise LinkError(f"{path} does not read as it was written; nothing was taken off the device")


_FIELDS = tuple(fields(Kept(0, b"", record.DAMAGED, None, None)))  # the columns of a file, also where nothing is kept
