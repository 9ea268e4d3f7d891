"""The campaign can fail: a firmware that was broken on purpose is found by the oracle; and the release knows nothing of
it."""

from __future__ import annotations

import importlib
import random
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
BROKEN = Path(__file__).resolve().parent / "broken"
sys.path.append(str(ROOT / "scripts"))
plan = importlib.import_module("campaign.plan")
panel_plan = importlib.import_module("campaign.panel_plan")
trigger_plan = importlib.import_module("campaign.trigger_plan")
panel_oracle = importlib.import_module("campaign.panel_oracle")
oracle = importlib.import_module("campaign.oracle")
trigger_oracle = importlib.import_module("campaign.trigger_oracle")
run = importlib.import_module("campaign.run")
result = importlib.import_module("campaign.result")
virtual = importlib.import_module("campaign.virtual")

SEEDS = (1, 2, 4, 6, 8, 14, 15, 17, 22, 23, 26, 51)
# What shows only where the right thing breaks.
SEEDS_OF = {
    "host_never_lost": (293, 306, 390),
    "deaf": (20, 23, 34),
    "others_keep_it_alive": (22, 98, 158),
    "others_may_raise": (47, 82, 96),
    "damage_is_taken_for_new": (20, 69, 121, 135),
    "forgets_the_lockout": (57, 61, 69),
    "calls_slow_phases_late": (3, 39, 41, 49),
    "panel_stop_waits_for_up": (500_000_029,),
    "panel_up_repeats": (500_000_010,),
    "panel_lets_hosts_raise": (500_000_069, 500_000_081),
    "panel_begins_without_a_hold": (500_000_004,),
    "panel_knows_no_stuck_button": (500_000_093,),
    "panel_takes_a_resistor": (500_000_035,),
    "panel_needs_no_edge": (500_000_087,),
    "panel_takes_an_edge_in_the_rest": (500_000_087,),
    "trigger_hears_itself": (700_000_003, 700_000_049),
    "trigger_knows_no_refractory_time": (700_000_049,),
    "trigger_knows_no_rest": (700_000_046,),
    "trigger_takes_hum_for_a_signal": (700_000_003,),
    "trigger_waits_on_a_bad_input": (700_000_059,),
    "trigger_is_a_spike": (700_000_003,),
}
# What a broken firmware is found as, if not as unsafe.
FOUND_AS = {
    "damage_is_taken_for_new": "undetected",
    "forgets_the_lockout": "undetected",
    "calls_slow_phases_late": "impossible",
}
MS = 1_000


def judged(cases: list[dict[str, Any]], variant: str = "") -> list[dict[str, Any]]:
    return [found for found, _ in virtual.cases(cases, BROKEN / f"{variant}.py" if variant else None)]


def test_the_firmware_as_it_is_passes_where_the_broken_ones_do_not() -> None:
    seeds = sorted({*SEEDS, *(seed for seeds in SEEDS_OF.values() for seed in seeds)})
    found = judged([virtual.made(seed) for seed in seeds])
    assert [each for each in found if result.failed(each)] == []


@pytest.mark.parametrize("variant", sorted(path.stem for path in BROKEN.glob("*.py")))
def test_a_broken_firmware_is_found(variant: str) -> None:
    found = judged([virtual.made(seed) for seed in SEEDS_OF.get(variant, SEEDS)], variant)
    word = FOUND_AS.get(variant, "unsafe")
    assert [each["seed"] for each in found if each[word]], f"nothing {word} was seen of it"


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


@pytest.mark.parametrize(
    ("said", "unsafe"),
    [
        (["ARMED", "RUNNING"], False),  # heard late: it has been started since
        (["RUNNING", "ARMED"], True),
        (["ARMED"], True),
        (["RUNNING", "FAULT"], True),
        (["FAULT", "RUNNING"], True),
    ],
)
def test_what_is_heard_in_one_reading_counts_in_its_order(said: list[str], unsafe: bool) -> None:
    notes = [[10 * MS, "sent", 1, "start", {}], [40 * MS, "enable", 1]]
    notes += [[70 * MS, "said", state, 0, ""] for state in said]
    notes += [[70 * MS, "answered", 1, "start", True, ""], [90 * MS, "enable", 0]]
    verdict = oracle.judge(oracle.Seen(case([]), notes, [], 100 * MS))
    assert any("enable at 70.0 ms, it said" in text for text in verdict.unsafe) is unsafe, verdict.unsafe


def test_a_clock_that_goes_back_within_a_turn_is_no_wait() -> None:
    # Found by the campaign: the loop waited for as long as the clock had gone back.
    for back_us in (500 * MS, 10_000 * MS):
        ((found, seen),) = virtual.cases([case([{"at_us": 188 * MS, "kind": "clock_back", "us": back_us}])])
        assert (found["unsafe"], found["undetected"]) == ([], [])
        assert [kind for kind, _ in found["detection_ms"]] == ["clock_back"]
        assert next(note[3] for note in seen.of("said") if note[2] == "FAULT") == 24


def spoken(faults: list[dict[str, Any]], end_ms: int = 9_000) -> tuple[dict[str, Any], Any]:
    """A session at 3 mA, in which `faults` happen from 2 s on."""
    made = case(faults, end_us=end_ms * MS)
    made["programme"]["effect"] = "sensory"
    made["programme"]["phases"][0].update({"work_ms": 0, "rest_ms": 0})
    made["script"] += [[260, "intensity", {"channel": 0, "current_ua": ua}] for ua in (1_000, 2_000, 3_000)]
    ((found, seen),) = virtual.cases([made])
    return found, seen


WATCHED = {"at_us": 1_500 * MS, "kind": "watched", "seq": 0, "deed": "", "deed_us": 0}
DIES = {"at_us": 2_000 * MS, "kind": "host_dies"}


@pytest.mark.parametrize("others", ["watched", "echoes", "cooked", "both"])
def test_a_session_ends_when_its_host_dies_whoever_else_talks(others: str) -> None:
    faults = [WATCHED] if others in ("watched", "both") else []
    if others != "watched":
        faults.append({"at_us": 1_600 * MS, "kind": "port_echoes", "cooked": others == "cooked"})
    found, seen = spoken([*faults, DIES])
    assert not result.failed(found), found
    assert seen.enabled(2_000 * MS) and seen.pulses[-1].start_us > 3_900 * MS  # it was there, and faded
    assert not seen.enabled(5_200 * MS)


@pytest.mark.parametrize("seq", [0, 50_000])
def test_a_program_that_watches_disturbs_nothing(seq: int) -> None:
    found, seen = spoken([{**WATCHED, "seq": seq}])
    assert not result.failed(found), found
    assert seen.enabled(seen.end_us - 1)
    assert sum(note[3] == "status" and note[4] for note in seen.of("other_answered")) >= 6


@pytest.mark.parametrize("deed", ["intensity", "adjust", "start"])
def test_what_another_program_asks_for_is_not_done(deed: str) -> None:
    found, seen = spoken([{**WATCHED, "deed": deed, "deed_us": 3_000 * MS}])
    assert not result.failed(found), found
    assert [note[4] for note in seen.of("other_answered") if note[3] == deed] == [False]
    assert seen.enabled(seen.end_us - 1) and max(pulse.a_ua for pulse in seen.pulses) == 3_000


def test_another_program_may_stop_a_session() -> None:
    found, seen = spoken([{**WATCHED, "deed": "stop", "deed_us": 3_000 * MS}])
    assert not result.failed(found), found
    assert not seen.enabled(4_000 * MS)


def test_a_slow_phase_whose_last_interval_reaches_into_the_next_one_is_refused_or_runs() -> None:
    phase = {
        "width_us": 200, "gap_us": 50, "work_ms": 0, "rest_ms": 0, "ramp_up_ms": 500, "ramp_down_ms": 500,
    }  # fmt: skip
    for rate_mhz, duration_ms in ((2_000, 3_300), (1_000, 2_500), (3_000, 2_050), (1_500, 3_000)):
        made = case([], end_us=9_000 * MS)
        made["programme"].update(
            effect="sensory",
            phases=[
                {**phase, "name": "twitch", "rate_mhz": rate_mhz, "duration_ms": duration_ms},
                {**phase, "name": "tetanic", "rate_mhz": 35_000, "duration_ms": 4_000},
            ],
        )
        ((found, _),) = virtual.cases([made])
        assert not result.failed(found), found


@pytest.mark.parametrize("place", [0.0, 0.3, 0.7, 0.999])
@pytest.mark.parametrize("slot", [0, 1])
def test_one_damaged_copy_loses_no_fault(slot: int, place: float) -> None:
    opened = {"at_us": 1_000 * MS, "kind": "stop_bounces", "us": [20 * MS]}
    damage = [{"slot": slot, "place": place, "bytes": 0, "bit": 3, "value": 0}]
    made = case(
        [opened, {"at_us": 2_000 * MS, "kind": "store_damaged", "damage": damage}], script=case([])["script"][:4]
    )
    ((found, seen),) = virtual.cases([made])
    assert not result.failed(found), found
    after = [note for note in seen.of("said") if note[0] > 2_000 * MS]
    assert after and {note[2] for note in after} == {"FAULT"}


def test_a_case_is_the_same_each_time_and_says_that_faults_are_injected() -> None:
    made = case([], script=[[10, "identify", {}]], end_us=300 * MS)
    first, second = ([seen.notes for _, seen in virtual.cases([made])] for _ in range(2))
    assert first == second
    assert plan.make(7) == plan.make(7) != plan.make(8)
    ((_, seen),) = virtual.cases([made])
    assert next(seen.of("identity"))[2:] == ["virtual, faults injected", "faults-injected"]


# ---- the panel ----

START, UP, DOWN, STOP = panel_plan.START, panel_plan.UP, panel_plan.DOWN, panel_plan.STOP
BEGUN_MS = 14_000  # by then a session of the panel is on


def at_panel(
    presses: list[tuple[int, int, int]],
    faults: tuple[dict[str, Any], ...] = (),
    variant: str = "",
    script: Any = (),
    highs_ms: Any = None,
    end_ms: int = 22_000,
) -> tuple[dict[str, Any], Any]:
    """A session of the panel, and then these presses: (ms, how long, mask). `highs_ms`: its trains of 1 s, with as much
    rest, begin at the trigger input, which is high from and to these."""
    made = panel_plan.make(panel_plan.PANEL_SEED + 1)
    kept = {**made["kept"][0], "effect": "sensory", "max_current_ua": 15_000}
    kept["channels"] = [{"channel": 0, "delay_us": 0}]
    kept["phases"] = [{**kept["phases"][0], "work_ms": 0, "rest_ms": 0, "rate_mhz": 35_000, "duration_ms": 60_000}]
    if highs_ms is not None:
        kept["phases"] = [{**kept["phases"][0], "work_ms": 1_000, "rest_ms": 1_000}]
        kept["trigger"] = {
            "source": "edge", "timeout_ms": 6_000, "on_timeout": "skip", "refractory_ms": 300, "contractions": 0,
        }  # fmt: skip
        made.update(trigger_plan.edges(random.Random(1), 0))
        made.update(edges=[[ms * MS, 1 - i % 2] for i, ms in enumerate(highs_ms)], broken_input="")
    begins = [(500 + 1_100 * i, 60, START) for i in range(11)] + [(12_600, 1_300, START)]
    contacts = [[ms * MS, mask] for at, for_ms, of in [*begins, *presses] for ms, mask in ((at, of), (at + for_ms, 0))]
    made.update(
        kept=[kept], programme=kept, contacts=contacts, broken_contacts="", faults=list(faults), end_us=end_ms * MS,
        clock_ms=0, script=list(script), load_ohm=500,
    )  # fmt: skip
    ((found, seen),) = virtual.cases([made], BROKEN / f"{variant}.py" if variant else None)
    return found, seen


UPS = [(BEGUN_MS + 1_000 + 400 * i, 100, UP) for i in range(3)]
TO_US = 21_000 * MS


def test_a_session_of_the_panel_is_as_its_presses_and_is_stopped_by_one() -> None:
    found, seen = at_panel([*UPS, (18_000, 100, STOP)])
    assert not result.failed(found), found
    assert seen.enabled(17_990 * MS) and not seen.enabled(18_040 * MS)
    assert max(pulse.a_ua for pulse in seen.pulses) == 3_000


@pytest.mark.parametrize(
    ("variant", "presses", "words"),
    [
        ("panel_stop_waits_for_up", [(17_000, 600, UP | STOP)], "stop was pressed"),
        ("panel_up_repeats", [(17_000, 1_500, UP)], "the presses of UP come to"),
    ],
)
def test_a_broken_panel_is_seen_for_what_it_is(variant: str, presses: Any, words: str) -> None:
    found, _ = at_panel(presses, variant=variant)
    assert any(words in text for text in found["unsafe"]), found
    found, _ = at_panel(presses)
    assert not result.failed(found), found


def test_a_host_that_raises_in_the_session_of_the_panel_is_seen() -> None:
    script = [[16_000, "intensity", {"channel": 0, "current_ua": 1_000}]]
    found, seen = at_panel([], variant="panel_lets_hosts_raise", script=script)
    assert any("the presses of UP come to 0 uA" in text for text in found["unsafe"]), found
    found, seen = at_panel([], script=script)
    assert not result.failed(found) and seen.enabled(TO_US), found
    assert [note[4:] for note in seen.of("answered") if note[3] == "intensity"] == [[False, "not_owner"]]


@pytest.mark.parametrize("kind", ["display_fails", "display_hangs"])
def test_a_session_goes_on_without_its_display_and_cannot_be_raised(kind: str) -> None:
    later = [(18_500, 100, UP), (19_000, 100, DOWN)]
    found, seen = at_panel([*UPS, *later], ({"at_us": 16_300 * MS, "kind": kind},))
    assert not result.failed(found), found
    last = [pulse.a_ua for pulse in seen.pulses if pulse.start_us > 19_500 * MS]
    assert seen.enabled(TO_US) and set(last) == {2_000}


HIGHS_MS = [13_000, 13_100, 15_500, 15_600, 16_800, 16_900, 18_000, 18_100, 20_500, 20_600]


def test_a_train_of_the_panel_begins_at_an_edge_and_not_in_the_rest_nor_in_a_pause() -> None:
    presses = [(15_700, 100, UP), (19_200, 100, START)]
    found, seen = at_panel(presses, highs_ms=HIGHS_MS)
    assert not result.failed(found), found
    begun_us = [train[0].start_us - 271 for train in seen.trains]  # phase A comes so much later
    assert [ms * MS <= us <= ms * MS + 3 for ms, us in zip((15_500, 18_000), begun_us, strict=True)] == [True] * 2
    assert {pulse.a_ua > 0 for pulse in seen.trains[1]} == {True, False}, "it rises from zero on a ramp"


def test_an_edge_while_the_cpu_stands_still_begins_what_lies_ready_and_nothing_else() -> None:
    stops = {"at_us": 15_480 * MS, "kind": "cpu_stop", "us": 40 * MS}
    found, seen = at_panel([], (stops,), highs_ms=HIGHS_MS[:4])
    assert not result.failed(found), found
    assert [train[0].start_us // MS for train in seen.trains] == [15_500]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"edges": []}, "no edge began it"),
        ({"edges": [[15_499 * MS, 1], [15_600 * MS, 0], [18_000 * MS, 1]]}, "no edge began it"),
        ({"rest_ms": 2_000}, "at an edge before 18497"),
        ({"work_ms": 900}, "has 35 pulses, a work 32"),
    ],
)
def test_a_train_of_the_panel_without_a_cause_is_seen(change: dict[str, Any], words: str) -> None:
    found, seen = at_panel([], highs_ms=HIGHS_MS)
    assert not result.failed(found) and len(seen.trains) == 3, found
    other = panel_oracle.Waiting({**seen.plan, **change}, seen.notes, [], seen.end_us)
    other.phase = {**other.phase, **change}
    other.pulses = seen.pulses
    assert any(words in text for text in panel_oracle.judge(other).unsafe), panel_oracle.judge(other).unsafe


def test_a_trigger_input_that_stays_high_ends_the_session_of_the_panel_and_one_that_does_not_care_is_seen() -> None:
    found, seen = at_panel([], highs_ms=[15_500], end_ms=32_000)
    assert [text for text in found["impossible"] if "fault 31" in text] and not found["unsafe"], found
    assert seen.enabled(25_400 * MS) and not seen.enabled(27_000 * MS)
    found, _ = at_panel([], variant="trigger_waits_on_a_bad_input", highs_ms=[15_500], end_ms=32_000)
    assert any("closed from" in text for text in found["unsafe"]), found


def test_the_cases_of_the_panel_have_every_kind_and_are_the_same_each_time() -> None:
    made = [panel_plan.make(panel_plan.PANEL_SEED + i) for i in range(300)]
    assert made[:5] == [panel_plan.make(panel_plan.PANEL_SEED + i) for i in range(5)]
    kinds = {fault["kind"] for each in made for fault in each["faults"]}
    assert kinds >= set(panel_plan.KINDS) - {"clock_wrap"}
    assert {each["broken_contacts"] for each in made} == set(panel_plan.CONTACTS)
    assert {each["who"] for each in made} == set(panel_plan.WHO)
    assert [i for i, each in enumerate(made) if "edges" in each] == list(
        range(panel_plan.AT_EDGES, 300, panel_plan.ONE_OF)
    )
    resistors = [i for i, each in enumerate(made) if each["programme"]["electrode"]["kind"] == "dummy"]
    assert resistors == list(range(panel_plan.FOR_RESISTOR, 300, panel_plan.OF_SEEDS))
    at_edges = [panel_plan.make(panel_plan.PANEL_SEED + i) for i in range(panel_plan.AT_EDGES, 600, panel_plan.ONE_OF)]
    assert {each["broken_input"] for each in at_edges} == set(trigger_plan.SWITCHES)
    first, second = ([seen.notes for _, seen in virtual.cases(made[:1])] for _ in range(2))
    assert first == second


# ---- the trigger ----


def waiting(source: str, rows: list[list[int]], end_ms: int = 9_000, **changes: Any) -> tuple[dict[str, Any], Any]:
    """A session that waits for a signal of 500 mV, for the switch or for an edge: a work of 1 s, a rest of 2 s."""
    made = trigger_plan.make(trigger_plan.TRIGGER_SEED + 1)
    trigger = {"source": source, "timeout_ms": 6_000, "on_timeout": "skip", "refractory_ms": 300, "contractions": 0}
    if source == "signal":
        trigger.update({"threshold_mv": 500, "hysteresis_mv": 50})
    changes, asked = {**changes}, changes.pop("asked", {})
    made["programme"]["trigger"] = {**trigger, **asked}
    made["programme"]["phases"][0].update({"rate_mhz": 50_000, "work_ms": 1_000, "rest_ms": 2_000})
    made["script"] = [
        [100, "load", {"programme": made["programme"]}], [10, "acknowledge", {}], [10, "arm", {}], [10, "start", {}],
    ]  # fmt: skip
    rows = [[ms * MS, value] for ms, value in rows]
    made.update(
        signal=rows if source == "signal" else [[0, 0]], switch=rows if source == "switch" else [],
        edges=rows if source == "edge" else [], faults=[],
        end_us=end_ms * MS, broken_input="", recover=[], after_boot=[], answer_mv=0, artefact_mv=2_000, clock_ms=0,
    )  # fmt: skip
    made.update(changes)
    ((found, seen),) = virtual.cases([made])
    return found, seen


@pytest.mark.parametrize(("source", "on"), [("signal", 700), ("switch", 1)])
def test_a_person_has_the_trains_that_were_wanted_and_no_more(source: str, on: int) -> None:
    rows = [[0, 0], [1_000, on], [1_200, 0], [2_500, on], [2_700, 0], [5_000, on], [5_200, 0]]
    found, seen = waiting(source, rows)
    assert not result.failed(found), found
    begun = [train[0].start_us / MS for train in seen.trains]
    assert len(begun) == 2 and 1_020 < begun[0] < 1_060 and 5_020 < begun[1] < 5_060, "the second was within the rest"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"signal": [[0, 0]]}, "nobody wanted it"),
        ({"signal": [[0, 0], [1_000 * MS, 499]]}, "nobody wanted it"),
        ({"signal": [[0, 0], [1_000 * MS, 3_200]]}, "nobody wanted it"),
        ({"signal": [[0, 0], [1_000 * MS, -1]]}, "nobody wanted it"),
        ({"signal": [[0, 700]]}, "had never let go"),
        ({"signal": [[0, 0], [1_000 * MS, 700], [1_010 * MS, 0]]}, "nobody wanted it"),
    ],
)
def test_a_train_without_a_cause_is_seen(change: dict[str, Any], words: str) -> None:
    found, seen = waiting("signal", [[0, 0], [1_000, 700], [1_200, 0]])
    assert not result.failed(found) and len(seen.trains) == 1, found
    other = trigger_oracle.Seen({**seen.plan, **change}, seen.notes, [], seen.end_us)
    other.pulses = seen.pulses
    assert any(words in text for text in trigger_oracle.judge(other).unsafe)


def test_a_train_of_a_host_begins_at_the_edge_itself_and_one_that_a_turn_of_the_loop_begins_is_seen() -> None:
    rows = [[0, 0], [1_000, 1], [1_200, 0], [2_500, 1], [2_700, 0], [5_000, 1], [5_200, 0]]
    found, seen = waiting("edge", rows)
    assert not result.failed(found), found
    assert [train[0].start_us // MS for train in seen.trains] == [1_000, 5_000], "the second was within the rest"
    moved = [[us - 1 * MS, level] for us, level in seen.plan["edges"]]
    other = trigger_oracle.Seen({**seen.plan, "edges": moved}, seen.notes, [], seen.end_us)
    other.pulses = seen.pulses
    assert sum("no edge began it" in text for text in trigger_oracle.judge(other).unsafe) == 2


def test_what_has_come_when_the_time_was_over_has_a_cause_and_before_it_has_not() -> None:
    found, seen = waiting("signal", [[0, 0]], asked={"on_timeout": "begin", "timeout_ms": 2_500})
    assert not result.failed(found) and len(seen.trains) == 2, found
    for changed in ({"timeout_ms": 2_600}, {"on_timeout": "skip"}):
        seen.trigger.update(changed)
        assert any("nobody wanted it" in text for text in trigger_oracle.judge(seen).unsafe), changed


def test_the_cases_of_the_trigger_have_every_kind_and_are_the_same_each_time() -> None:
    made = [trigger_plan.make(trigger_plan.TRIGGER_SEED + i) for i in range(300)]
    assert made[:5] == [trigger_plan.make(trigger_plan.TRIGGER_SEED + i) for i in range(5)]
    kinds = {fault["kind"] for each in made for fault in each["faults"]}
    assert kinds >= set(plan.KINDS) - {"clock_wrap"}
    assert {each["broken_input"] for each in made} == {*trigger_plan.INPUTS, *trigger_plan.SWITCHES}
    assert {each["programme"]["trigger"]["source"] for each in made} == {"signal", "switch", "edge"}
    first, second = ([seen.notes for _, seen in virtual.cases(made[:1])] for _ in range(2))
    assert first == second


def test_every_kind_of_fault_occurs_and_seeds_are_replayed_by_one_command(capsys: pytest.CaptureFixture[str]) -> None:
    kinds = {fault["kind"] for seed in range(1, 600) for fault in plan.make(seed)["faults"]}
    # That is how the clock begins.
    assert kinds == {*plan.KINDS, *plan.KINDS_BEYOND, "load_back"} - {"clock_wrap"}
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
