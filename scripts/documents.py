"""Documents that are made from the code: `python scripts/documents.py` writes them, tests/host checks them."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "firmware"), str(ROOT / "host_tools")]

import boards_page  # noqa: E402 the path first
import commands_page  # noqa: E402
import limits_table  # noqa: E402
import panel_table  # noqa: E402
import prescription_tables  # noqa: E402
import protocol_page  # noqa: E402
from nmes.core import fault_words, faults  # noqa: E402
from opennmes.prescription import schema  # noqa: E402

FAULTS_HEAD = """\
# Faults

A fault switches the output off and latches. The first one is kept with its time and what was measured (`record`), over
resets and power cuts too, until a person clears it by its number; where the device can see that the cause is still
there, it refuses. With a host: `nmes record --port PORT`, then `nmes clear --port PORT NUMBER`.

Without a host the red lamp blinks the number, and the buzzer sounds along for a minute: a long one for each ten, a
short one for each one. Long, short, short is 12.

Made from `faults.py` and `fault_words.py` of `firmware/nmes/core` by `python scripts/documents.py`.

| number | name | what happened | what the person does | what the clinician does |
|---|---|---|---|---|
"""


def faults_md() -> str:
    """docs/faults.md."""
    rows = [
        f"| {number} | `{faults.name(number)}` | {' | '.join(words)} |\n"
        for number, words in sorted(fault_words.WORDS.items())
    ]
    return FAULTS_HEAD + "".join(rows)


TRACE_HEAD = """\
# Hazards, controls, code, tests

Twenty-nine hazards, what holds against each, where that stands in the code, and the tests that make the hazard happen.
What only hardware can control says what the stage, the cable or the housing must do; that hardware does not exist yet.
A test with `[chip]` runs the real firmware on an emulated RP2040; none has run on hardware.

Made from `docs/hazards.toml` and the names of the tests by `python scripts/documents.py`. A test is named after the
hazard that it triggers (`test_h08_...`); `tests/host/test_traceability.py` fails when a hazard has no test and is not
hardware's alone, when code that is named is gone, or when this page is old.
"""


def hazards() -> dict[int, dict[str, Any]]:
    """The rows of docs/hazards.toml by their number."""
    with open(ROOT / "docs" / "hazards.toml", "rb") as file:
        return {int(name[1:]): row for name, row in tomllib.load(file).items()}


def declared(body: list[ast.stmt], within: str = "") -> set[str]:
    """Functions, classes, methods and constants that the statements of a module declare."""
    names: set[str] = set()
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(within + node.name)
            if isinstance(node, ast.ClassDef):
                names |= declared(node.body, f"{within}{node.name}.")
        elif isinstance(node, ast.Assign):
            names |= {within + target.id for target in node.targets if isinstance(target, ast.Name)}
    return names


def tests_of_hazards(root: Path = ROOT / "tests") -> dict[int, list[str]]:
    """The tests of each hazard, as pytest names them, without the folder `tests`."""
    found: dict[int, list[str]] = {}
    for path in sorted(root.glob("*/test_*.py")):
        text = path.read_text()
        if "test_h" not in text:  # most have none, and to parse all takes a second
            continue
        for name in sorted(declared(ast.parse(text).body)):
            match = re.fullmatch(r"(?:\w+\.)?test_h(\d\d)_\w+", name)
            if match:
                test = f"{path.relative_to(root).as_posix()}::{name.replace('.', '::')}"
                found.setdefault(int(match[1]), []).append(test)
    return found


def traceability_md() -> str:
    """docs/traceability.md."""
    tests = tests_of_hazards()
    rows = sorted(hazards().items())
    parts = [TRACE_HEAD, "\n| hazard | control | code | tests | and hardware |\n|---|---|---|---|---|\n"]
    for number, row in rows:
        controls = "; ".join(row["controls"])
        modules = sorted({place.partition(":")[0].removeprefix("firmware/") for place in row["code"]})
        only = "alone" if row.get("hardware_only") else "yes" if "hardware" in row else ""
        count = len(tests.get(number, ()))
        parts.append(f"| H{number} {row['hazard']} | {controls} | {', '.join(modules)} | {count} | {only} |\n")
    for number, row in rows:
        parts.append(f"\n## H{number}: {row['hazard']}\n\nHarm: {row['harm']}.\n")
        if "hardware" in row:
            alone = "Hardware alone" if row.get("hardware_only") else "Hardware"
            parts.append(f"\n**{alone}:** {row['hardware']}\n")
        if row["code"]:
            parts.append(f"\nCode: {', '.join(f'`{place}`' for place in row['code'])}.\n")
        if number in tests:
            parts.append("\n")
            parts += [f"- {'[chip] ' if test.startswith('chip/') else ''}`{test}`\n" for test in tests[number]]
    return "".join(parts)


if __name__ == "__main__":
    DOCS = ROOT / "docs"
    (DOCS / "commands.md").write_text(commands_page.commands_md(), encoding="utf-8")
    (DOCS / "faults.md").write_text(faults_md(), encoding="utf-8")
    (DOCS / "protocol.md").write_text(protocol_page.protocol_md(), encoding="utf-8")
    (DOCS / "traceability.md").write_text(traceability_md(), encoding="utf-8")
    schema.FILE.write_text(schema.text(), encoding="utf-8")
    for made in (boards_page, prescription_tables, panel_table, limits_table):
        made.DOCUMENT.write_text(made.written(made.DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
