"""The tables of docs/prescriptions.md, out of the keys' declarations and the library; documents.py writes them."""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "firmware"), str(ROOT / "host_tools")]

import marks  # noqa: E402 the path first
from nmes.core import phase, programme  # noqa: E402
from opennmes.about import sources_in_words  # noqa: E402
from opennmes.prescription import library, schema  # noqa: E402
from opennmes.prescription.keys import (  # noqa: E402
    SITES,
    TABLES,
    Choice,
    Date,
    Key,
    Quantity,
    Table,
    Text,
    Texts,
    bounds_in_file,
    in_file_unit,
    plain,
    zero_too,
)

# A value of each key as it stands in a file, by table; a test reads files that are made of them.
EXAMPLES = {
    "": {"title": '"Stress incontinence, 50 Hz"', "effect": '"motor"', "site": '"vagina"'},
    "patient": {"notes": '["Empty the bladder before you begin."]'},
    "schedule": {
        "sessions_per_week": "3",
        "sessions_per_day": "1",
        "sessions_most": "36",
        "hours_between": "20",
        "not_before": "2026-12-01",
        "not_after": "2027-02-28",
    },
    "electrode": {"kind": '"probe"', "area_cm2": "4.0", "max_current_ma": "60"},
    "limits": {"max_current_ma": "25"},
    "person": {"max_current_ma": "17.5"},
    "phase": {
        "name": '"work"',
        "frequency_hz": "50",
        "pulse_width_us": "200",
        "interphase_gap_us": "100",
        "work_s": "5",
        "rest_s": "10",
        "ramp_up_s": "1.5",
        "ramp_down_s": "0.5",
        "duration_min": "15",
        "second_phase_ratio": "2",
        "pulses": "40",
        "burst_pulses": "3",
        "burst_frequency_hz": "4",
        "frequency_to_hz": "20",
        "pulse_width_to_us": "150",
        "change_s": "2",
        "change": '"sweep"',
    },
    "channel": {"channel": "1", "delay_s": "0.005"},
    "trigger": {
        "source": '"signal"',
        "threshold_mv": "300",
        "hysteresis_mv": "80",
        "refractory_s": "0.8",
        "timeout_s": "20",
        "contractions": "40",
        "on_timeout": '"skip"',
    },
    "source": {
        "citation": '"Santos et al. 2009, Rev Bras Ginecol Obstet 31(9):447-452"',
        "gave": '"50 Hz, 20 min"',
        "keys": '["frequency_hz"]',
    },
}

DOCUMENT = ROOT / "docs" / "prescriptions.md"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def _head(*cells: str) -> str:
    return _row(*cells) + "|" + "---|" * len(cells) + "\n"


def keys() -> str:
    """Every key of every table."""
    return "\n".join(_keys_of(table) for table in TABLES)


def _keys_of(table: Table) -> str:
    name = f"`[[{table.name}]]`" if table.most else f"`[{table.name}]`" if table.name else "The beginning"
    most = f"up to {table.most}" if table.most else ""
    said = "; ".join(part for part in (most, table.what if table.name else "") if part)
    parts = [f"### {name}\n\n", f"{said[0].upper()}{said[1:]}.\n\n" if said else ""]
    parts.append(_head("key", "what it is", "what it can be", "when not given", "example"))
    for key, declared in table.keys.items():
        example = f"`{key} = {EXAMPLES[table.name][key]}`"
        parts.append(_row(f"`{key}`", declared.what, _values(declared), _default(declared), example))
    return "".join(parts)


def _values(declared: Key) -> str:
    match declared:
        case Quantity():
            steps = f"in steps of {plain(declared.step)}" if declared.step != 1 else "whole"
            person, dummy = _between(declared, programme.KINDS[0]), _between(declared, phase.DUMMY)
            return f"{person} {declared.unit}, {steps}" + (f"; a dummy {dummy}" if dummy != person else "")
        case Text():
            return f"a text of 1 to {declared.most} characters" + (", ASCII" if declared.ascii_only else "")
        case Choice():
            return ", ".join(f'"{choice}"' for choice in declared.choices)
        case Date():
            return "a day: 2026-12-31"
        case Texts(each=Text()):
            return f"a list of 1 to {declared.most} texts, each {_values(declared.each).removeprefix('a text ')}"
        case Texts():
            return "a list of keys"


def _between(quantity: Quantity, kind: str) -> str:
    least, most = bounds_in_file(quantity, kind)
    zero = "0, or " if zero_too(quantity) else ""
    return f"{zero}{plain(least)} to {plain(most)}"


def _default(declared: Key) -> str:
    match declared:
        case Quantity(default=int() as default):
            return in_file_unit(declared, default)
        case Choice(default=str() as default):
            return f'"{default}"'
    return "left out" if declared.optional else "refused"


def sites() -> str:
    """Where electrodes can be."""
    rows = [_row(f'"{site}"', kind, what) for site, (kind, what) in SITES.items()]
    return _head("site", "electrode", "what it is") + "".join(rows)


def left_out() -> str:
    """What the schema cannot know."""
    return "".join(f"- {each}\n" for each in schema.LEFT_OUT)


def programmes() -> str:
    """The library."""
    found = [library.find(name) for name in library.names()]
    parts = [_head("programme", "for what", "electrode", "at most", "a week")]
    for each in found:
        data, about = each.prescription.data, each.prescription.about
        electrode = f"{data['electrode']['kind']}, {plain(Decimal(data['electrode']['area_mm2']) / 100)} cm²"
        per_week = str(about.get("schedule", {}).get("sessions_per_week", ""))
        most = f"{data['max_current_ua'] / 1000:g} mA"
        parts.append(_row(f"`{each.name}`", each.purpose, f"{electrode}, {about['site']}", most, per_week))
    return "".join(parts)


def sources() -> str:
    """Where the library's numbers come from."""
    parts = []
    for name in library.names():
        lines = sources_in_words(library.find(name).prescription.about)
        parts.append(f"`{name}`:\n\n" + "".join(f"- {line}\n" for line in lines))
    return "\n".join(parts)


MADE = {"keys": keys, "sites": sites, "left out": left_out, "programmes": programmes, "sources": sources}


def written(document: str) -> str:
    """`document` with what stands between each pair of marks as the code has it."""
    for name, make in MADE.items():
        document = marks.put(document, marks.of(name, "scripts/prescription_tables.py"), f"\n{make()}\n")
    return document
