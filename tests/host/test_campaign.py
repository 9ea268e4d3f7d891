"""The campaign can fail: a firmware that was broken on purpose is found by the oracle; and the release knows nothing of
it."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
BROKEN = Path(__file__).resolve().parent / "broken"
sys.path.append(str(ROOT / "scripts"))
plan = importlib.import_module("campaign.plan")
run = importlib.import_module("campaign.run")

SEEDS = (1, 2, 4, 6, 8, 14, 15, 17, 22, 23, 26, 51)
# What shows only where the right thing breaks.
SEEDS_OF = {"host_never_lost": (279, 293), "deaf": (74, 248, 262)}
MS = 1_000


def judged(cases: list[dict[str, Any]], variant: str = "") -> list[dict[str, Any]]:
    return [found for found, _ in run.cases(cases, BROKEN / f"{variant}.py" if variant else None)]


def test_the_firmware_as_it_is_passes_where_the_broken_ones_do_not() -> None:
    seeds = sorted({*SEEDS, *(seed for seeds in SEEDS_OF.values() for seed in seeds)})
    found = judged([plan.make(seed) for seed in seeds])
    assert [
        (each["seed"], each["unsafe"], each["undetected"]) for each in found if each["unsafe"] or each["undetected"]
    ] == []


@pytest.mark.parametrize("variant", sorted(path.stem for path in BROKEN.glob("*.py")))
def test_a_broken_firmware_is_unsafe(variant: str) -> None:
    found = judged([plan.make(seed) for seed in SEEDS_OF.get(variant, SEEDS)], variant)
    assert [each["seed"] for each in found if each["unsafe"]], "nothing unsafe was seen of it"


def test_what_is_not_reported_is_seen() -> None:
    found = judged([plan.make(seed) for seed in range(1, 41)], "deaf")
    assert [each["seed"] for each in found if each["undetected"]]


def case(faults: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    """A motor session that is armed at 180 ms, which takes two writes into flash."""
    made: dict[str, Any] = plan.make(1587)
    made.update({"faults": faults, "end_us": 5_000 * MS, "clock_ms": 0, "recover": [], "after_boot": []})
    made["programme"].update({"effect": "motor", "max_current_ua": 25_000})
    made["programme"]["phases"][0].update(
        {"work_ms": 2_000, "rest_ms": 1_000, "rate_mhz": 35_000, "duration_ms": 60_000}
    )
    made["script"] = [
        [125, "load", {"programme": made["programme"]}], [10, "acknowledge", {}], [10, "arm", {}], [10, "start", {}],
    ]  # fmt: skip
    made.update(changes)
    return made


def test_a_clock_that_goes_back_within_a_turn_is_no_wait() -> None:
    # Found by the campaign: the loop waited for as long as the clock had gone back.
    for back_us in (500 * MS, 10_000 * MS):
        ((found, seen),) = run.cases([case([{"at_us": 188 * MS, "kind": "clock_back", "us": back_us}])])
        assert (found["unsafe"], found["undetected"]) == ([], [])
        assert [kind for kind, _ in found["detection_ms"]] == ["clock_back"]
        assert next(note[3] for note in seen.of("said") if note[2] == "FAULT") == 24


def test_a_case_is_the_same_each_time_and_says_that_faults_are_injected() -> None:
    made = case([], script=[[10, "identify", {}]], end_us=300 * MS)
    first, second = ([seen.notes for _, seen in run.cases([made])] for _ in range(2))
    assert first == second
    assert plan.make(7) == plan.make(7) != plan.make(8)
    ((_, seen),) = run.cases([made])
    assert next(seen.of("identity"))[2:] == ["virtual, faults injected", "faults-injected"]


def test_every_kind_of_fault_occurs_and_seeds_are_replayed_by_one_command(capsys: pytest.CaptureFixture[str]) -> None:
    kinds = {fault["kind"] for seed in range(1, 600) for fault in plan.make(seed)["faults"]}
    assert kinds == {*plan.KINDS, "load_back"} - {"clock_wrap"}  # that is how the clock begins
    assert run.replay(4) == 0
    assert '"seed": 4' in capsys.readouterr().out


def test_the_release_has_no_way_to_inject_a_fault() -> None:
    uf2 = (ROOT / "build" / "opennmes-pico.uf2").read_bytes()
    for word in (b"FaultyHal", b"faults-injected", b"faults injected", b"_do_cpu_stop"):
        assert word not in uf2, word
    assert b"supervisor.py" in uf2 or b"emergency_stop" in uf2  # the search would find something
    for path in [*(ROOT / "firmware").rglob("*.py"), *(ROOT / "boards").rglob("*.py")]:
        text = path.read_text()
        assert "campaign" not in text and "inject" not in text, path
        if path.name != "virtual.py":
            assert "getenv" not in text and "environ" not in text, path
