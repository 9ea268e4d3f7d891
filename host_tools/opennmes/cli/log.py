"""nmes log: the records of sessions that a device keeps."""

from __future__ import annotations

import base64
import binascii
import csv
import io
import os
import shlex
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from nmes.core import faults, record
from opennmes.cli.kept import connected, warning
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
from opennmes.cli.ports import Port
from opennmes.device.client import LinkError
from opennmes.device.records import Kept, Log, clear, log_of, problems
from opennmes.files import write_text
from opennmes.ports.interrupts import stop_on_signals

_COLUMNS = (
    "session", "begun (UTC)", "by", "prescription", "min", "contractions", "pulses",
    "mean mA", "most mA", "mC", "ended",
)  # fmt: skip
_UNKNOWN = "?"


def log(
    port: Port = None,
    csv_file: Annotated[
        Path | None,
        typer.Option("--csv", metavar="FILE", help="Write all fields of all records to this file.", show_default=False),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    wants_clear: Annotated[
        bool, typer.Option("--clear", help="Take them off the device's list, once they are in the file of --csv.")
    ] = False,
    key: KeyFile = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Show the records of the sessions that a device keeps, and whether one is missing, damaged or was changed: that is
    exit status 1.

    Example: nmes log --port virtual
    """
    if wants_clear and csv_file is None:
        not_understood("--clear takes records off the device once they are in a file: give --csv FILE too")
    if csv_file is None and (force or key is not None):
        not_understood("--force and --key are for --csv FILE and --clear")
    if csv_file is not None and not force and os.path.lexists(csv_file):
        not_understood(f"{csv_file} is there already and was left as it is; give another name, or --force")
    with reported(json, done=False, records=None):
        stop_on_signals()
        with connected(port, to_write=wants_clear) as (device, where):
            if wants_clear:
                open_for_change(device, where, key)
            with busy("reading the records of sessions"):
                found = log_of(device)
            wrong = problems(found)
            if csv_file is not None:
                _write(csv_file, found, force)
            taken = clear(device, found) if wants_clear else None
        if wants_clear:
            only_once()
        _say(found, wrong, json, None if csv_file is None else str(csv_file), taken)
        if found.few_left and not wants_clear:
            warning(
                f"after {found.left} more sessions the oldest of these is overwritten; nmes log --port "
                f"{shlex.quote(where)} --csv FILE --clear takes them"
            )
    if wrong:
        error("the records are not whole:", wrong)
        raise typer.Exit(FAILED)


def _say(found: Log, wrong: list[str], json: bool, written: str | None, taken: Kept | None) -> None:
    if json:
        print_json(
            {
                "done": True,
                "whole": not wrong,
                "problems": wrong,
                "newest": found.newest,
                "taken": taken.number if taken else found.taken,
                "left": found.left,
                "written": written,
                "cleared": taken is not None,
                "records": [fields(kept) for kept in found.kept],
            }
        )
        return
    with out:
        if found.kept:
            _print(found)
        else:
            out.print("the device keeps no record that was not taken")
        if written is not None:
            out.print(words(f"{len(found.kept)} records are in {written}, and were read back"), soft_wrap=True)
        if taken:
            digest = binascii.hexlify(taken.digest).decode()
            out.print(words(f"taken off the device up to session {taken.number}, digest {digest}"), soft_wrap=True)


def _print(found: Log) -> None:
    table = Table(box=None)
    for column in _COLUMNS:
        table.add_column(column)
    turned = []
    for kept in found.kept:
        row = _row(kept)
        table.add_row(*map(words, row))
        lines = [f"{column}: {cell}" for column, cell in zip(_COLUMNS[1:], row[1:], strict=True) if cell]
        turned.append((f"session {row[0]}", lines))
    print_table(table, turned)


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
        _each(used, "charge_a_nc", 1_000_000) if measures else _UNKNOWN,
        ended,
    )


def _each(rows: list[dict[str, Any]], key: str, divisor: int = 1) -> str:
    """A value of each channel, in the unit that is so many of the record's."""
    return " / ".join(str(row[key]) if divisor == 1 else f"{row[key] / divisor:.1f}" for row in rows)


def _time_of(unix_s: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(unix_s)) if unix_s else _UNKNOWN


def fields(kept: Kept) -> dict[str, Any]:
    """Every field of a record, flat: those of a channel with its number before. None where it is not known. `page` is
    the record as the device has it, in base64, so that it can be verified once more."""
    made: dict[str, Any] = {"number": kept.number, "condition": kept.condition}
    begin = kept.begin or dict.fromkeys(name for name, _ in record.BEGIN)
    made.update({name: value for name, value in begin.items() if name not in ("number", "flags")})
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
            made[f"channel_{channel}_{name}"] = row.get(name) if measured or name in record.COUNTED else None
        for level, ms in zip(record.LEVELS_UA, row.get("levels_ms", [None] * len(record.LEVELS_UA)), strict=True):
            made[f"channel_{channel}_from_{level}_ua_ms"] = ms
    if made["unix_s"] == 0:
        made["unix_s"] = None
    if made["ended_unix_s"] == 0:
        made["ended_unix_s"] = None
    made["digest"] = binascii.hexlify(kept.digest).decode()
    made["page"] = base64.b64encode(kept.page).decode()
    return made


def _write(path: Path, found: Log, force: bool) -> None:
    """All fields as CSV, read back. Raises AlreadyThere, OSError, and LinkError when the file is not what was
    written: nothing is taken off the device then."""
    rows = [fields(kept) for kept in found.kept]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else ["number"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue(), replace=force)
    with open(path, encoding="utf-8", newline="") as file:
        back = list(csv.DictReader(file))
    pages = [base64.b64decode(row["page"]) for row in back]
    if path.read_bytes() != text.getvalue().encode() or pages != [kept.page for kept in found.kept]:
        raise LinkError(f"{path} does not read as it was written; nothing was taken off the device")
