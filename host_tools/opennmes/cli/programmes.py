"""nmes programmes: the library of prescriptions: list, show with sources, write out as a file to edit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from opennmes.about import about_in_words, sources_in_words
from opennmes.cli.output import NOT_MEDICAL, not_understood, out, print_json, print_table, reported, words
from opennmes.prescription import library
from opennmes.prescription.keys import PHASE, in_file, in_file_unit, plain
from opennmes.prescription.library import Programme

_COLUMNS = ("name", "title", "electrode", "Hz", "us", "on/off s", "min", "a week", "at most mA")


def programmes(
    name: Annotated[str | None, typer.Argument(help="A programme of the library.", show_default=False)] = None,
    write: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write it out as a file to edit.", show_default=False)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file that is there.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """List the library of prescriptions, show one with its sources, or write it out as a file to edit.

    Example: nmes programmes stress-incontinence-35hz
    """
    if write is not None and name is None:
        not_understood("--write needs the name of a programme; `nmes programmes` lists them")
    if force and write is None:
        not_understood("--force goes with --write FILE")
    with reported(json):
        if name is None:
            _list([library.find(each) for each in library.names()], json)
            return
        found = library.find(name)
        if write is None:
            _show(found, json)
            return
        schema = library.write(found, write, replace=force)
    if json:
        print_json({"name": found.name, "written": str(write), "schema": str(schema)})
        return
    out.print(words(f"{found.name} is written to {write}, and {schema} lets editors complete it"), soft_wrap=True)
    out.print(words(f"edit it, then: nmes check {write}"), soft_wrap=True)


def _list(found: list[Programme], json: bool) -> None:
    if json:
        print_json({"programmes": [{"name": each.name, **_in_short(each)} for each in found]})
        return
    table = Table()
    for column in _COLUMNS:
        table.add_column(column, justify="left" if column in _COLUMNS[:3] else "right")
    turned = []
    for each in found:
        row = _row(each)
        table.add_row(*map(words, row))
        lines = [f"{column}: {cell}" for column, cell in zip(_COLUMNS[1:], row[1:], strict=True) if cell]
        turned.append((each.name, lines))
    print_table(table, turned)
    out.print("nmes programmes NAME shows one with its sources, --write FILE makes a file of it")
    out.print(NOT_MEDICAL, style="dim")


def _in_short(programme: Programme) -> dict[str, Any]:
    prescription = programme.prescription
    return {
        "title": prescription.title,
        "purpose": programme.purpose,
        "effect": prescription.data["effect"],
        "electrode": prescription.data["electrode"]["kind"],
        "site": prescription.about.get("site"),
        "max_current_ma": prescription.data["max_current_ua"] / 1000,
        "schedule": prescription.about.get("schedule", {}),
        "digest": prescription.digest(),
    }


def _row(programme: Programme) -> tuple[str, ...]:
    data = programme.prescription.data
    phases = data["phases"]
    week = programme.prescription.about.get("schedule", {}).get("sessions_per_week", "")
    duration = sum(in_file(PHASE["duration_min"], phase["duration_ms"]) for phase in phases)
    return (
        programme.name,
        programme.prescription.title,
        data["electrode"]["kind"],
        ", ".join(_from_to(phase, "frequency_hz", "frequency_to_hz") for phase in phases),
        ", ".join(_from_to(phase, "pulse_width_us", "pulse_width_to_us") for phase in phases),
        ", ".join(_work_and_rest(phase) for phase in phases),
        plain(duration) if duration else "",
        str(week),
        f"{data['max_current_ua'] / 1000:g}",
    )


def _from_to(phase: dict[str, Any], key: str, to_key: str) -> str:
    values = [phase[PHASE[each].field] for each in (key, to_key) if phase.get(PHASE[each].field)]
    return "/".join(plain(in_file(PHASE[key], value)) for value in values)


def _work_and_rest(phase: dict[str, Any]) -> str:
    if not phase["work_ms"]:
        return "continuous"
    return f"{phase['work_ms'] / 1000:g}/{phase['rest_ms'] / 1000:g}"


def _show(programme: Programme, json: bool) -> None:
    prescription = programme.prescription
    if json:
        shown = {"name": programme.name, **_in_short(programme), "document": prescription.document()}
        print_json({**shown, "toml": programme.text})
        return
    data, about = prescription.data, prescription.about
    electrode = data["electrode"]
    lines = [
        f"{programme.name}: {prescription.title}",
        programme.purpose,
        f"{data['effect']}, {electrode['kind']} of {electrode['area_mm2'] / 100:g} cm2, "
        f"at most {data['max_current_ua'] / 1000:g} mA"
        + (f", channels {' and '.join(str(row['channel']) for row in data['channels'])}" if "channels" in data else ""),
        *about_in_words(about),
        *[f'phase "{phase["name"]}": {_phase_in_words(phase)}' for phase in data["phases"]],
    ]
    for line in lines:
        out.print(words(line), soft_wrap=True)
    if "sources" in about:
        out.print("where the numbers come from, in brackets which follow it:")
        for line in sources_in_words(about):
            out.print(words(f"  - {line}"), soft_wrap=True)
    out.print(words(f"nmes programmes {programme.name} --write FILE makes a file of it to edit"), soft_wrap=True)
    out.print(NOT_MEDICAL, style="dim")


def _phase_in_words(phase: dict[str, Any]) -> str:
    parts = [
        f"{key.rpartition('_')[0].replace('_', ' ')} {in_file_unit(quantity, phase[quantity.field])}"
        for key, quantity in PHASE.items()
        if phase.get(quantity.field)
    ]
    return ", ".join(parts + ([str(phase["change"])] if "change" in phase else []))
