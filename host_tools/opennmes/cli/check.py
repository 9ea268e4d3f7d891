"""nmes check: what a prescription would deliver, and whether it is accepted. Needs no board."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from nmes.core import limits
from opennmes.about import about_in_words, sources_in_words
from opennmes.boards import stage_of
from opennmes.cli.output import FAILED, NOT_MEDICAL, out, print_json, print_table, reported, words
from opennmes.prescription import Prescription
from opennmes.prescription.assessment import Assessment, assess
from opennmes.prescription.explain import explain
from opennmes.prescription.schedule import outside_dates
from opennmes.prescription.specification import specification

# figure: (name, unit, limit)
ROWS = {
    "irms_ma": ("r.m.s. current", "mA", limits.IRMS_MAX_UA / 1000),
    "iavg_ma": ("average current", "mA", limits.IAVG_MAX_UA / 1000),
    "phase_charge_uc": ("charge of a phase", "uC", None),  # depends on the width
    "charge_density_uc_cm2": ("charge density", "uC/cm2", None),
    "shannon_k": ("Shannon's k", "", limits.SHANNON_K_MAX_X100 / 100),
    "current_density_rms_ma_cm2": ("r.m.s. current density", "mA/cm2", limits.DENSITY_RMS_MAX_UA_PER_CM2 / 1000),
    "power_density_mw_cm2": ("power density", "mW/cm2", limits.POWER_DENSITY_MAX_UW_PER_CM2 / 1000),
    "energy_mj": ("energy of a pulse", "mJ", limits.ENERGY_MAX_UJ / 1000),
}
_HALVED_ON_PADS = ("current_density_rms_ma_cm2", "power_density_mw_cm2")


def check(
    file: Annotated[Path, typer.Argument(help="A prescription, a TOML file.", show_default=False)],
    board: Annotated[str, typer.Option(help="The board whose output stage it is for.")] = "pico",
    of_stage: Annotated[
        str, typer.Option("--stage", help="Another of its output stages than the usual one.", show_default=False)
    ] = "",
    with_specification: Annotated[
        bool, typer.Option("--specification", help="Add the output specification at 500, 2000 and 10000 ohm.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Check a prescription: accepted, or all the reasons why not. Needs no board.

    Example: nmes check my.toml --specification
    """
    with reported(json, accepted=False, figures=None, max_current_ma=None):
        stage = stage_of(board, of_stage or None)
        prescription = Prescription.read(file)
        assessment = assess(prescription.data, stage)
    table = None
    if with_specification and assessment.programme is not None and assessment.session_limit_ua is not None:
        table = specification(assessment.programme, stage, assessment.session_limit_ua)
    if json:
        more = {"specification": table} if with_specification else {}
        print_json({**_as_json(prescription, board, stage, assessment), **more})
    else:
        _print(prescription, f"{board} with stage {of_stage}" if of_stage else board, assessment)
        if table is not None:
            _print_specification(table)
        elif with_specification:
            out.print("no output specification: the prescription is refused")
        out.print(NOT_MEDICAL, style="dim")
    if not assessment.accepted:
        raise typer.Exit(FAILED)


def _milliamperes(current_ua: int | None) -> float | None:
    return None if current_ua is None else current_ua / 1000


def _as_json(
    prescription: Prescription, board: str, stage: dict[str, Any], assessment: Assessment
) -> dict[str, object]:
    return {
        "accepted": assessment.accepted,
        "reasons": assessment.reasons,
        "figures": assessment.worst(),
        "max_current_ma": _milliamperes(assessment.max_current_ua),
        "max_current_source": assessment.next_limit or None,
        "session_limit_ma": _milliamperes(assessment.session_limit_ua),
        "session_limit_source": assessment.session_limit or None,
        "warnings": assessment.warnings,
        "sums": assessment.sums(stage),
        "phases": [{"name": name, "figures": values} for name, values in assessment.phases()],
        "title": prescription.title,
        "about": prescription.about,
        "refused_today": outside_dates(prescription.about, datetime.date.today()),
        "digest": prescription.digest(),
        "board": board,
        "stage": stage["name"],
    }


def _print(prescription: Prescription, board: str, assessment: Assessment) -> None:
    verdict = ("accepted", "bold green") if assessment.accepted else ("refused", "bold red")
    out.print(words(f"{prescription.title}: ", verdict, f" for board {board}"), soft_wrap=True)
    for reason in assessment.reasons:
        out.print(words(f"  - {explain(reason)}"), soft_wrap=True)
    for warning in assessment.warnings:
        out.print(words("  ", ("warning", "yellow"), f": {explain(warning)}"), soft_wrap=True)
    if refused := outside_dates(prescription.about, datetime.date.today()):
        out.print(words("  ", ("today", "yellow"), f": nmes run refuses it: {explain(refused)}"), soft_wrap=True)
    sources = [f"source: {line}" for line in sources_in_words(prescription.about)]
    for line in about_in_words(prescription.about) + sources:
        out.print(words(line), soft_wrap=True)
    asked = assessment.programme
    if asked is not None and assessment.max_current_ua is not None:
        minutes = asked.duration_ms / 60_000
        out.print(
            f"{asked.kind}, {asked.area_mm2 / 100:g} cm2, {asked.effect}, at most {asked.max_current_ua / 1000:g} mA, "
            f"{minutes:g} min, {asked.pulses} pulses"
        )
        if len(asked.channels) > 1 or asked.channels[0].index:
            rows = [f"{c.index} ({c.delay_us / 1e6:g} s later)" if c.delay_us else f"{c.index}" for c in asked.channels]
            out.print("channels " + ", ".join(rows) + ": limits hold for each, and for the sum of both")
        if asked.trigger:
            out.print(started_by(asked.trigger))
        _print_figures(assessment, asked.kind == "pads")
        if asked.kind == "pads":
            text = "* for the whole pad; judged as if half of it had come off, so the limit here is half"
            out.print(text, soft_wrap=True)
        out.print(
            words(
                f"Largest current that electrode and output allow: {assessment.max_current_ua // 100 / 10:g} mA; "
                f"next limit: {assessment.next_limit}"
                if assessment.max_current_ua
                else "No current at all is accepted with this"
            ),
            soft_wrap=True,
        )
        if assessment.session_limit_ua is not None:
            out.print(
                words(f"A session may go up to {assessment.session_limit_ua / 1000:g} mA: {assessment.session_limit}"),
                soft_wrap=True,
            )


def started_by(trigger: dict[str, Any]) -> str:
    """What starts the contractions, in a line."""
    by = {
        "switch": "by the hand switch",
        "signal": "by the signal",
        "edge": "at a rising edge of the trigger input",
    }[trigger["source"]]
    if trigger["source"] == "signal":
        asked_mv = trigger.get("threshold_mv")
        by += f" at {asked_mv} mV" if asked_mv else " at a threshold that is learned"
    then = "by itself" if trigger["on_timeout"] == "begin" else "not at all"
    return f"each work starts {by}; {then} when nothing has come for {trigger['timeout_ms'] / 1000:g} s"


def _print_specification(made: dict[str, Any]) -> None:
    area = f"{made['electrode_area_cm2']:g} cm2"
    for phase in made["phases"]:
        title = f"Output specification, channel {phase['channel']}, phase {phase['phase']}, "
        _print_rows(f"{title}at {made['current_ma']:g} mA, electrode of {area}", phase["rows"])
    _print_rows("The whole unit", made["unit"])
    out.print(words(made["statement"]), soft_wrap=True)


def _print_rows(title: str, rows: list[dict[str, Any]]) -> None:
    table = Table("", "", "unit", title=words(title), title_justify="left")
    for row in rows:
        table.add_row(*map(words, (row["row"], _value(row), row["unit"])))
    print_table(table, [(f"{row['row']}: {_value(row)} {row['unit']}".rstrip(), []) for row in rows])


def _value(row: dict[str, Any]) -> str:
    if "at_ohm" in row:
        return ", ".join(f"{value:.4g} @{ohm}" for ohm, value in row["at_ohm"].items())
    return f"{row['value']:.4g}" if isinstance(row["value"], float) else str(row["value"])


def _print_figures(assessment: Assessment, pads: bool) -> None:
    assert assessment.programme is not None
    phases = assessment.phases()
    title = f"At {assessment.programme.max_current_ua / 1000:g} mA into {limits.LOAD_OHM} ohm"
    table = Table(title=title, title_justify="left")
    table.add_column("per phase")
    table.add_column("limit", justify="right")
    for name, _ in phases:
        table.add_column(words(name), justify="right")
    table.add_column("unit")
    turned = []
    for key, (name, unit, limit) in ROWS.items():
        halved = pads and key in _HALVED_ON_PADS
        if pads and key == "shannon_k":
            limit = None
        if key == "phase_charge_uc":
            narrowest_us = min(phase.widest_us for phase in assessment.programme.phases)
            by_width_nc = limits.CHARGE_BASE_NC + limits.CHARGE_PER_US_NC * narrowest_us
            limit = min(limits.CHARGE_MAX_NC, by_width_nc) / 1000
        label = name + (" *" if halved else "")
        shown = "" if limit is None else f"{limit / 2 if halved else limit:g}"
        figures = [f"{values[key]:.4g}" for _, values in phases]
        table.add_row(label, shown, *figures, unit)
        heading = f"{label}, limit {shown} {unit}".rstrip() if shown else label
        lines = [f"{name}: {figure} {unit}" for (name, _), figure in zip(phases, figures, strict=True)]
        turned.append((heading, lines))
    print_table(table, turned)
