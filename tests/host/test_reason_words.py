"""core/reason_words.py: every reason code that the source can give has its phrase, and every figure its unit."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from nmes.core import calibration, faults, phase, reason_words, settings
from opennmes.boards import load_board
from opennmes.prescription.explain import explain
from opennmes.prescription.keys import QUANTITIES

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [*(ROOT / "firmware").rglob("*.py"), *(ROOT / "host_tools").rglob("*.py")]
MAKERS = ("reason", "refuse", "_reason")


class Made(NamedTuple):
    """A call that makes a reason."""

    where: str
    codes: tuple[str, ...]
    arguments: tuple[ast.expr, ...]  # parameter, asked, bound


def called(node: ast.AST) -> str:
    function = node.func if isinstance(node, ast.Call) else None
    return function.id if isinstance(function, ast.Name) else ""


def strings(node: ast.AST) -> set[str]:
    """Texts that an expression can be: itself, or either side of a condition."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return {node.value}
    return strings(node.body) | strings(node.orelse) if isinstance(node, ast.IfExp) else set()


def given_elsewhere(module: ast.Module, name: str) -> set[str]:
    """What a variable of a module can hold that is a code: it was assigned, or stands first in a row of four."""
    found: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == [name]:
            found |= strings(node.value)
        if isinstance(node, ast.Tuple) and len(node.elts) == 4:
            found |= {text for text in strings(node.elts[0]) if re.fullmatch(r"[a-z_]+", text)}
    return found


def made_in(path: Path) -> Iterator[Made]:
    """Every call of a source that makes a reason; but for those within the makers themselves."""
    text = path.read_text()
    if not any(f"{maker}(" in text for maker in MAKERS):
        return
    module = ast.parse(text)
    within = {
        id(node)
        for maker in ast.walk(module)
        if isinstance(maker, ast.FunctionDef) and maker.name in MAKERS
        for node in ast.walk(maker)
    }
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and called(node) in MAKERS and id(node) not in within:
            code, *arguments = node.args
            codes = strings(code) or given_elsewhere(module, ast.unparse(code))
            yield Made(f"{path.relative_to(ROOT)}:{node.lineno}", tuple(sorted(codes)), tuple(arguments[:3]))


MADE = [made for path in SOURCES for made in made_in(path)]
CODES = {code for made in MADE for code in made.codes}


def test_there_are_as_many_codes_as_there_were_and_none_hides_in_a_variable() -> None:
    assert len(CODES) > 100
    assert [made.where for made in MADE if not made.codes] == []


def test_every_code_has_a_phrase() -> None:
    assert sorted(CODES - set(reason_words.PHRASES)) == []


def test_every_phrase_has_a_code() -> None:
    assert sorted(set(reason_words.PHRASES) - CODES) == []


@pytest.mark.parametrize("code", reason_words.PHRASES)
def test_a_phrase_can_be_filled_in_and_goes_on_a_sentence(code: str) -> None:
    phrase = reason_words.PHRASES[code]
    assert set(re.findall(r"{(\w+)}", phrase)) <= {"asked", "bound"}
    assert re.match(r"[a-z{`]", phrase) and not phrase.endswith("."), "NAME phrase (source)"


def test_a_code_of_another_version_is_told_with_all_that_was_said() -> None:
    odd = {"code": "new", "parameter": "thing_ua", "asked": 1_500, "bound": "text", "source": "x", "phase": None}
    assert explain(odd) == "thing_ua is refused with the code new: asked was 1.5 mA, expected is text (x)"


def test_the_pins_that_a_phrase_names_are_those_of_the_pico() -> None:
    pins = load_board("pico")["pins"]
    assert re.findall(r"GP\d+", reason_words.PHRASES["not_safe"]) == [
        f"GP{pins['stop_loop']}",
        f"GP{pins['interlock']}",
    ]


# ---- figures and units ----

# What may stand after a figure, or before one that only numbers something.
AFTER = {
    "%", "Hz", "V", "bytes", "channels", "characters", "cm2", "codes", "counts", "degC", "digits", "items",
    "levels", "mA", "mA/cm2", "mJ", "mV", "mW/cm2", "min", "more", "ms", "of", "ohm", "phases", "ppm", "printable",
    "pulses", "s", "sectors", "sessions", "times", "uA", "uC", "us",
}  # fmt: skip
BEFORE = {"channel", "channels", "checker", "counter", "most", "of", "rule", "sector", "session", "version"}
# Parameters whose values are texts, tables or nothing; faults by their names are such too.
WORDS = {
    "--ohm", "--tolerance", "arguments", "calibration", "channels", "checked_by", "chip", "command", "change",
    "current", "current sense", "device_name", "digest", "display", "effect", "electrode.kind", "flash", "intensity",
    "kind", "lock", "name", "not_after", "not_before", "page_digest", "phase", "phases", "prescription", "programme",
    "reasons", "resistor", "rows", "interlock", "schedule", "session", "settings", "signature", "stage", "start",
    "state", "title", "trigger", "voltage",
}  # fmt: skip
# Texts that are given with their unit.
WITH_UNIT = ("_ma", "percent", "how", "unit")


def reason(code: str, parameter: str, asked: object, bound: object) -> dict[str, Any]:
    return {"code": code, "parameter": parameter, "asked": asked, "bound": bound, "source": "x", "phase": None}


def unit_of(parameter: str) -> str | None:
    """The unit of a parameter's figures, "" for what is only numbered; None where nothing says it."""
    field = parameter.rpartition(".")[2]
    for quantity in QUANTITIES.values():
        if quantity.field == field:
            return quantity.unit
    for end, (unit, _) in reason_words.UNITS.items():
        if field.endswith(end):
            return unit
    return "" if field in reason_words.NUMBERED else reason_words.COUNTED.get(field)


def parameters(node: ast.expr) -> set[str]:
    """The names that a parameter can have, where the source says it."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return strings(node.right)
    return strings(node)


def filled(node: ast.expr) -> str | None:
    """A text with 7 for what is filled into it; None where it is no text."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod) and isinstance(node.left, ast.Constant):
        return str(node.left.value).replace("%d %s", "7 s").replace("%d", "7").replace("%s", "x")
    if isinstance(node, ast.JoinedStr):
        return "".join(_part(part) for part in node.values)
    return None


def _part(part: ast.expr) -> str:
    if isinstance(part, ast.Constant):
        return str(part.value)
    assert isinstance(part, ast.FormattedValue)
    return "counts" if ast.unparse(part.value).partition("(")[0] in WITH_UNIT else "7"


def without_unit(text: str) -> list[str]:
    """The figures of a text that have neither a unit nor a noun that says what they number."""
    text = re.sub(r"-?[0-9.]+ (?:to|or|and) (?=-?[0-9])", "", text)  # "4 or 4.1 mA": the last one's is both's
    words = re.sub(r"[(),;:]|\.(?= |$)", " ", text).split()
    return [
        word
        for before, word, after in zip(["", *words], words, [*words[1:], ""], strict=False)
        if re.fullmatch(r"-?[0-9][0-9.]*", word) and after not in AFTER and before not in BEFORE
    ]


def test_every_parameter_that_has_figures_has_a_unit_or_is_only_numbered() -> None:
    named = {name for made in MADE for name in parameters(made.arguments[0])}
    named |= {*phase.PHASE_FIELDS, *phase.DUMMY_FIELDS, *settings.SETTINGS, *calibration.ROW}
    assert len(named) > 60
    assert sorted(name for name in named if unit_of(name) is None and name.rpartition(".")[2] not in WORDS) == []


@pytest.mark.parametrize("code", reason_words.PHRASES)
def test_no_sentence_of_a_code_shows_a_figure_without_its_unit(code: str) -> None:
    for made in MADE:
        if code not in made.codes:
            continue
        for parameter in parameters(made.arguments[0]) or {"width_us"}:
            if unit_of(parameter) == "":
                continue
            figures = parameter.rpartition(".")[2] not in WORDS
            values = [filled(node) or (12 if figures else "x") for node in made.arguments[1:]]
            said = explain(reason(code, parameter, *values))
            assert without_unit(said.replace(reason_words.NAMES.get(parameter, parameter), "x", 1)) == [], made.where


def test_no_text_that_is_made_for_a_reason_has_a_figure_without_its_unit() -> None:
    """What a variable brings into a reason: assigned before, or found and expected by a check of the self-test."""
    for path in {ROOT / made.where.partition(":")[0] for made in MADE} | {ROOT / "firmware/nmes/selftest.py"}:
        for node in ast.walk(ast.parse(path.read_text())):
            texts: list[ast.expr] = []
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in ("bound", "asked", "found", "expected"):
                texts = [node.value]
            if isinstance(node, ast.Return) and path.name == "selftest.py" and isinstance(node.value, ast.Tuple):
                texts = node.value.elts
            for text in map(filled, texts):
                alone = re.fullmatch("7( (to|or|and) 7)*", text or "")  # explain brings the parameter's unit
                assert alone or without_unit(text or "") == [], (path.name, text)


@pytest.mark.parametrize(
    ("parameter", "asked", "bound", "says"),
    [
        ("current_ua", 4_050, "4000 or 4100", "intensity is 4.05 mA, which cannot be delivered exactly; the nearest"),
        ("current_ua", 4_050, "4000 or 4100", "are 4 or 4.1 mA (x)"),
    ],
)
def test_integers_in_a_text_get_the_unit_too(parameter: str, asked: int, bound: str, says: str) -> None:
    assert says in explain(reason("not_representable", parameter, asked, bound))


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (
            reason("rates_too_fast_together", "rate_mhz", 400_000, 300_000),
            "frequency_hz of both channels added is 400 Hz; at most 300 Hz is possible (x)",
        ),
        (
            reason("not_an_integer", "rate_mhz", 1.5, "500 to 500000"),
            "frequency_hz is 1.5; it has to be a whole number within 0.5 to 500 Hz (x)",
        ),
        (reason("not_acknowledged", "checklist", 0, 3), "checklist has to be confirmed first: version 3 (x)"),
        (
            reason("wrong_state", "state", "RUNNING", "IDLE or FAULT"),
            "state of the device is RUNNING; this is possible in IDLE or FAULT only: see `nmes status` (x)",
        ),
        (
            reason("not_safe", "interlock", "open", "emergency stop closed and no over-current"),
            "interlock is open: close the emergency stop (GP13 of a Pico), then look at the over-current comparator "
            "(GP12); expected emergency stop closed and no over-current (x)",
        ),
        (
            reason("self_test", faults.name(faults.TEMPERATURE), "800", "-100 to 700 0.1 degC"),
            "temperature failed in the device's self-test: found 80 degC, expected -10 to 70 degC (x)",
        ),
        (
            reason("cause_there", faults.name(faults.SUPPLY_LOW), "2900", "3000 to 5500 mV"),
            "supply_low is still there: found 2900 mV, expected 3000 to 5500 mV (x)",
        ),
    ],
)
def test_a_refusal_reads_as_a_sentence_with_its_units(made: dict[str, Any], says: str) -> None:
    assert explain(made) == says
