"""Files of prescriptions that hypothesis makes: whole ones, and some with one or two things done to them; and what
`nmes check` says of a file."""

from __future__ import annotations

import copy
import datetime
import functools
import json
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from nmes.core import programme
from opennmes import paths
from opennmes.cli import main
from opennmes.prescription.keys import (
    CHANNEL_KEYS,
    PHASE_KEYS,
    QUANTITIES,
    SITES,
    TABLES,
    Choice,
    Date,
    Key,
    Quantity,
    Text,
    bounds_in_file,
    zero_too,
)

LIBRARY = sorted(paths.PROGRAMMES.glob("*.toml"))


def checked(path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    """(exit status, the JSON) of `nmes check` of a file."""
    status = main(["check", str(path), "--json"])
    return status, json.loads(capsys.readouterr().out)


def toml(value: Any) -> str:
    """A value as TOML has it on one line."""
    match value:
        case dict():
            return "{" + ", ".join(f"{json.dumps(key)} = {toml(each)}" for key, each in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(toml, value)) + "]"
        case bool():
            return str(value).lower()
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case float() | Decimal() if Decimal(value).is_nan() or Decimal(value).is_infinite():
            return str(value).lower().replace("infinity", "inf")
        case Decimal():
            return format(value, "f")
        case datetime.date() | datetime.time():
            return value.isoformat()
    return str(value)


def file_of(document: dict[str, Any]) -> str:
    return "\n".join(f"{json.dumps(key)} = {toml(value)}" for key, value in document.items())


@functools.cache  # what is drawn from is made once and not at each draw
def values(declared: Key, kind: str) -> st.SearchStrategy[Any]:
    """The values that a key can have."""
    match declared:
        case Quantity():
            least, most = bounds_in_file(declared, kind)
            step = declared.step
            steps = st.integers(int(least / step), int(most / step)).map(lambda number: number * step)
            edges = st.sampled_from([least, most, *([Decimal(0)] * zero_too(declared))])
            made = st.tuples(st.one_of(steps, edges), st.booleans())
            return made.map(lambda drawn: int(drawn[0]) if drawn[1] and drawn[0] == int(drawn[0]) else drawn[0])
        case Text():
            letters = st.characters(min_codepoint=0x20, max_codepoint=0x7E if declared.ascii_only else 0x2FF)
            seen = letters.filter(lambda letter: not 0x7F <= ord(letter) < 0xA1 and letter != "\u00ad")
            return st.text(seen, min_size=1, max_size=declared.most)
        case Choice():
            return st.sampled_from(declared.choices)
        case Date():
            days = st.tuples(st.dates(datetime.date(2020, 1, 1), datetime.date(2040, 1, 1)), st.booleans())
            return days.map(lambda drawn: drawn[0].isoformat() if drawn[1] else drawn[0])
    return st.lists(values(declared.each, kind), min_size=1, max_size=min(4, declared.most), unique=True)


@st.composite
def tables(draw: st.DrawFn, keys: Any, kind: str) -> dict[str, Any]:
    """A table with what has to be in it and some of what may be."""
    made = {}
    for key, declared in keys.items():
        needed = not declared.optional and getattr(declared, "default", None) is None
        if needed or draw(st.integers(0, 3)) == 0:
            made[key] = draw(values(declared, kind))
    return made


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """A file of the right shape: one of the library, or any. Whether its values fit each other is open."""
    if draw(st.booleans()):
        file = draw(st.sampled_from(LIBRARY))
        return tomllib.loads(file.read_text(encoding="utf-8"), parse_float=Decimal)
    kind = draw(st.sampled_from(programme.KINDS))
    made: dict[str, Any] = {}
    for table in TABLES:
        if table.name == "":
            made |= draw(tables(table.keys, kind))
        elif table.name in ("electrode", "limits", "phase") or draw(st.integers(0, 2)) == 0:
            rows = [draw(tables(table.keys, kind)) for _ in range(draw(st.integers(1, min(2, table.most or 1))))]
            made[table.name] = rows if table.most else rows[0]
    made["electrode"]["kind"] = kind
    if "site" in made:
        made["site"] = draw(st.sampled_from([site for site in SITES if SITES[site][0] == kind]))
    own = [draw(st.booleans()) for _ in made.get("channel", ())]
    for channel, has_own in zip(made.get("channel", ()), own, strict=True):
        if has_own:
            channel["phase"] = [draw(tables(PHASE_KEYS, kind))]
    if own and all(own):
        del made["phase"]
    return made


ODD = st.one_of(
    st.booleans(),
    st.integers(-(10**12), 10**12),
    st.decimals(-1000, 1000, places=4),
    st.sampled_from([Decimal("nan"), Decimal("inf"), Decimal("1e-40"), Decimal(0), Decimal("250.0")]),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=5),
    st.sampled_from(["2026-12-31", "2026-02-30", "2026-12-31\n", "2026-1-1", "pads", "dummy", "vagina", "a\n"]),
    st.dates(datetime.date(1000, 1, 1)),
    st.datetimes(datetime.datetime(2020, 1, 1)),
    st.times(),
    st.lists(st.integers(0, 3), max_size=2),
    st.sampled_from([{}, {"kind": "pads"}, [{}]]).map(copy.deepcopy),
)


@st.composite
def damaged(draw: st.DrawFn) -> dict[str, Any]:
    """A file with up to two things done to it that people, editors and merges do."""
    made = copy.deepcopy(draw(documents()))
    for _ in range(draw(st.sampled_from([0, 1, 1, 1, 2]))):
        there = list(places(made))
        if there:
            _damage(draw, *draw(st.sampled_from(there)))
    return made


def places(part: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in tables and lists, however deep: what holds it, and its key or number."""
    for step in list(part) if isinstance(part, dict) else range(len(part)):
        yield part, step
        if isinstance(part[step], dict | list):
            yield from places(part[step])


def _damage(draw: st.DrawFn, part: Any, step: Any) -> None:
    number = type(part[step]) in (int, Decimal) and Decimal(part[step]).is_finite()
    ways = ["edge", "edge", "other"] if number else ["replace", "remove", "rename", "again", "long"]
    how = draw(st.sampled_from(ways))
    if number and draw(st.integers(0, 4)) == 0:
        how = draw(st.sampled_from(["replace", "remove", "rename"]))
    if how == "remove":
        del part[step]
    elif how == "rename" and isinstance(part, dict):
        other = draw(st.sampled_from([f"{step}s", step.upper(), "title", "phase", "note", *CHANNEL_KEYS]))
        part[other] = part.pop(step)
    elif how == "again" and isinstance(part, list):
        part.extend([copy.deepcopy(part[step])] * draw(st.integers(1, 9)))
    elif how == "long" and isinstance(part[step], list):
        part[step].clear()
    elif how == "long" and isinstance(part[step], str):
        part[step] = draw(st.sampled_from(["", "x", "\n", "\u00e4", "\u200b"])) * draw(st.integers(1, 241))
    elif how == "edge" and step in QUANTITIES:
        quantity = QUANTITIES[step]
        least, most = bounds_in_file(quantity, draw(st.sampled_from(programme.KINDS)))
        part[step] = draw(st.sampled_from([least, most, least - quantity.step, most + quantity.step, -least]))
    elif how == "other" and number:
        part[step] = part[step] * draw(st.sampled_from([-1, 0, 10, 1000, Decimal("0.1"), Decimal("1.001")]))
    else:
        part[step] = draw(ODD)


def complete(kind: str) -> dict[str, Any]:
    """A file that is accepted and has every key there is."""
    site = next(site for site, (wanted, _) in SITES.items() if wanted == kind)
    phase = {
        "name": "work", "frequency_hz": 10, "pulse_width_us": 100, "interphase_gap_us": 50, "work_s": 5, "rest_s": 5,
        "ramp_up_s": 1, "ramp_down_s": 1, "duration_min": 5, "second_phase_ratio": 1, "pulses": 0, "burst_pulses": 0,
        "burst_frequency_hz": 0, "frequency_to_hz": 0, "pulse_width_to_us": 0, "change_s": 0, "change": "none",
    }  # fmt: skip
    return {
        "title": "Complete",
        "effect": "motor",
        "site": site,
        "patient": {"notes": ["A note."]},
        "schedule": {
            "sessions_per_week": 1, "sessions_per_day": 1, "sessions_most": 1, "hours_between": 1,
            "not_before": "2020-01-01", "not_after": "2040-01-01",
        },
        "electrode": {"kind": kind, "area_cm2": 25, "max_current_ma": 10},
        "limits": {"max_current_ma": 10},
        "person": {"max_current_ma": 10},
        "phase": [dict(phase)],
        "channel": [{"channel": 0, "delay_s": 0}, {"channel": 1, "delay_s": 0, "phase": [dict(phase)]}],
        "source": [{"citation": "Somebody", "gave": "a number", "keys": ["frequency_hz"]}],
    }  # fmt: skip


def with_trigger(kind: str) -> dict[str, Any]:
    """A file that is accepted, on a stage that can, and has every key of a trigger; that goes with one channel."""
    made = complete(kind)
    del made["channel"]
    made["trigger"] = {
        "source": "signal", "threshold_mv": 300, "hysteresis_mv": 80, "refractory_s": 1, "timeout_s": 20,
        "contractions": 40, "on_timeout": "skip",
    }  # fmt: skip
    return made


DAYS = ["2026-12-31", "2026-02-30", "2026-12-31\n", "2026-1-1", "2026-12-311", "20261231", "0000-01-01"]
NOT_TEXTS = [5, True, [], {}, datetime.date(2026, 12, 31), Decimal("nan")]


def _tried(declared: Key, kind: str) -> list[Any]:
    """Values of a key: what it can be at its bounds, what is just beyond them, and what it can never be."""
    match declared:
        case Quantity():
            least, most = bounds_in_file(declared, kind)
            inside = [least, most, least + declared.step / 10, Decimal(int(least) + 1)]
            return [*inside, least - declared.step, most + declared.step, 0, -1, "5", *NOT_TEXTS]
        case Text():
            lengths = ["x" * length for length in (0, 1, declared.most, declared.most + 1)]
            return [*lengths, "a\n", "a\x7f", "\x9f", "~", "\u00e4", "\u200b", "\U0001f600", *NOT_TEXTS]
        case Choice():
            return [*declared.choices, "nonsense", declared.choices[0].upper(), declared.choices[0] + "\n", *NOT_TEXTS]
        case Date():
            return [*DAYS, datetime.datetime(2026, 12, 31), datetime.time(1), *NOT_TEXTS]
    each = declared.each
    texts = list(each.choices) if isinstance(each, Choice) else [f"note {n}" for n in range(declared.most)]
    lists = [texts[:1], texts, [*texts, "one more"], [texts[0], texts[0]], *[[one] for one in _tried(each, kind)]]
    return [*lists, "x", *NOT_TEXTS]


def every_change(kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The complete file with one thing changed: every key of every table to everything it could be taken for, every
    key and table left out, one more, and one too many. With the name of what was changed."""

    def changed(way: list[Any], value: Any) -> dict[str, Any]:
        made = with_trigger(kind) if way[:1] == ["trigger"] else complete(kind)
        part: Any = made
        for step in way[:-1]:
            part = part[step]
        if value is ...:
            del part[way[-1]]
        else:
            part[way[-1]] = value
        return made

    whole = complete(kind)
    ways = [([table.name, 0] if table.most else [table.name] if table.name else [], table.keys) for table in TABLES]
    for way, keys in [*ways, (["channel", 1, "phase", 0], PHASE_KEYS)]:
        for key, declared in keys.items():
            name = " ".join(map(str, [*way, key]))
            for value in [..., *_tried(declared, kind)]:
                yield name, changed([*way, key], value)
        yield " ".join(map(str, way)), changed([*way, "nonsense"], 1)
    for table in TABLES:
        if table.name:
            rows = (with_trigger(kind) if table.name == "trigger" else whole)[table.name]
            one = rows[0] if table.most else rows
            more = [[one] * table.most, [one] * (table.most + 1)] if table.most else []
            for value in [..., 5, "x", {}, [], [{}], [5], one, [one], *more]:
                yield table.name, changed([table.name], value)
    for other in programme.KINDS:
        for site in SITES:
            yield "site", {**changed(["electrode", "kind"], other), "site": site}
    for change in ("sweep", "alternate"):
        for change_s in (..., 0, Decimal("0.099"), Decimal("0.1"), 10):
            made = changed(["phase", 0, "change_s"], change_s)
            made["phase"][0] |= {"change": change, "frequency_to_hz": 5}
            yield "change_s", made
    yield "phase", {**changed(["phase"], ...), "channel": [whole["channel"][1]]}
    yield "phase", {**whole, "channel": [whole["channel"][1]]}
    yield "phase", {key: value for key, value in whole.items() if key not in ("phase", "channel")}
