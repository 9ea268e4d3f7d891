"""A case of the trigger from its seed: a session whose contractions wait for a person, what the person's muscle and
hand do, what the pulses couple into the input, and what breaks when."""

from __future__ import annotations

import random
from typing import Any

from campaign import plan as usual
from campaign.trigger_oracle import FLOATS, MS, SATURATED_MV

Plan = dict[str, Any]
TRIGGER_SEED = 700_000_000  # seeds from here on are cases of the trigger
REST_MV = (0, 20, 60, 120)

# What is wrong with the input itself, and how often. One that floats from the begin lets nobody arm.
INPUTS = {"": 55, "floats": 12, "floats_shortly": 8, "saturates": 12, "saturates_shortly": 7, "floats_at_start": 6}
SWITCHES = {"": 70, "stuck": 15, "chatters": 10, "closed_at_start": 5}
# What the person does: a whole contraction, one that is too weak, spikes, a trembling at the threshold, a long one, and
# one after the other as fast as hands or muscles can.
DEEDS = {"whole": 60, "weak": 10, "spikes": 12, "trembles": 10, "long": 8, "fast": 20}


def make(seed: int) -> Plan:
    """The case of `seed`; the same everywhere."""
    die = random.Random(f"{seed} at the trigger")
    trigger = _trigger(die)
    by_signal = trigger["source"] == "signal"
    learns = by_signal and not trigger.get("threshold_mv")
    programme = _programme(die, trigger)
    end_us = die.randrange(30_000 if learns else 9_000, 45_000 if learns else 22_000) * MS
    script = _session(die, programme, end_us)
    refractory_us = trigger.get("refractory_ms", 500) * MS
    plan: Plan = {
        "seed": seed, "end_us": end_us, "programme": programme, "script": script, "faults": [], "recover": [],
        "load_ohm": die.choice((300, 500, 1_000)), "clock_ms": 0, "slow_us": die.randrange(1, 1 << 30),
        "after_boot": [], "broken_input": "", "signal": [[0, die.choice(REST_MV)]], "switch": [],
        "artefact_mv": die.choice((0, 500, 2_000)),
        # The muscle answers, and the amplifier recovers, within the refractory time.
        "answer_mv": die.choice((0, 700, 1_500)), "answer_us": max(0, refractory_us - 20 * MS),
    }  # fmt: skip
    if by_signal:
        threshold_mv = trigger.get("threshold_mv") or 500
        plan["broken_input"] = _one(die, INPUTS)
        plan["signal"] = _signal(die, threshold_mv, trigger.get("hysteresis_mv", 50), plan)
    else:
        plan["broken_input"] = _one(die, SWITCHES)
        plan["switch"] = _switch(die, plan)
        if seed % 2:  # the same contact, at the trigger input
            trigger["source"], plan["edges"], plan["switch"] = "edge", plan["switch"], []
    if die.random() < 0.5:
        again = [[20, "load", {"programme": programme}], [20, "acknowledge", {}], [20, "arm", {}], [20, "start", {}]]
        plan["recover"] = [[die.randrange(50, 1_500), "clear", {}], *again, *_raise(2)]
        plan["after_boot"] = again
    kinds = die.choices(list(usual.KINDS), list(usual.KINDS.values()), k=die.choice((0, 0, 1, 1, 2)))
    blind = any(kind.startswith("sense_") for kind in kinds)
    for kind in kinds:
        if not (blind and kind.startswith("stage_")):
            plan["faults"] += usual.make_fault(die, kind, plan)
    return plan


def edges(die: random.Random, end_us: int) -> Plan:
    """What a case has whose trains begin at edges of the trigger input, and that input's changes: as bad, and with as
    many bounces, as a switch's."""
    made: Plan = {"broken_input": _one(die, SWITCHES), "end_us": end_us}
    rows = _switch(die, made)
    return {
        **made, "edges": rows, "signal": [[0, 0]], "switch": [], "artefact_mv": 0, "answer_mv": 0, "answer_us": 0,
    }  # fmt: skip


def _one(die: random.Random, shares: dict[str, int]) -> str:
    return die.choices(list(shares), list(shares.values()))[0]


# ---- what is prescribed, and what the host does ----


def _trigger(die: random.Random) -> dict[str, Any]:
    made: dict[str, Any] = {
        "source": die.choice(("signal", "signal", "signal", "switch")),
        "timeout_ms": die.choice((1_000, 2_500, 6_000)), "on_timeout": die.choice(("skip", "skip", "begin")),
        "refractory_ms": die.choice((300, 500, 1_500)), "contractions": die.choice((0, 0, 0, 2)),
    }  # fmt: skip
    if made["source"] == "signal":
        made["hysteresis_mv"] = die.choice((20, 50, 100))
        made["threshold_mv"] = 0 if die.random() < 0.15 else die.choice((200, 500, 1_200))
    return made


def _programme(die: random.Random, trigger: dict[str, Any]) -> dict[str, Any]:
    phase = {
        "name": "help", "rate_mhz": 1_000 * die.choice((20, 35, 50, 80)), "width_us": die.randrange(100, 301, 10),
        "gap_us": die.choice((0, 50, 100)), "work_ms": die.choice((1_000, 1_500, 2_000)),
        "rest_ms": die.choice((0, 0, 500, 2_000)), "ramp_up_ms": 500, "ramp_down_ms": 500, "duration_ms": 60_000,
    }  # fmt: skip
    return {
        "title": "trigger", "effect": "sensory", "electrode": {"kind": "pads", "area_mm2": 10_000},
        "max_current_ua": 15_000, "phases": [phase], "channels": [{"channel": 0, "delay_us": 0}], "trigger": trigger,
    }  # fmt: skip


def _raise(steps: int) -> list[Any]:
    return [[256, "intensity", {"channel": 0, "current_ua": 1_000 * step}] for step in range(1, steps + 1)]


def _session(die: random.Random, programme: dict[str, Any], end_us: int) -> list[Any]:
    script: list[Any] = [
        [die.randrange(0, 200), "load", {"programme": programme}],
        [10, "acknowledge", {}], [10, "arm", {}], [die.choice((10, 500)), "start", {}], *_raise(die.choice((2, 6, 12))),
    ]  # fmt: skip
    left_ms = end_us // MS - 5_000
    while left_ms > 0:
        wait_ms = die.randrange(500, 4_000)
        left_ms -= wait_ms
        deed = die.choices(
            (
                [wait_ms, "status", {}],
                [wait_ms, "pause", {}],
                [wait_ms, "stop", {}],
                [wait_ms, "intensity", {"channel": 0, "current_ua": die.randrange(0, 4) * 1_000}],
            ),
            (60, 15, 5, 20),
        )[0]
        script.append(deed)
        if deed[1] == "pause" and die.random() < 0.8:
            script.append([die.choice((50, 400, 2_000)), "start", {}])
        elif deed[1] == "stop" and die.random() < 0.6:
            script += [[300, "acknowledge", {}], [10, "arm", {}], [50, "start", {}], *_raise(2)]
    return script


# ---- the person ----

Rows = list[list[int]]


def _signal(die: random.Random, threshold_mv: int, hysteresis_mv: int, plan: Plan) -> Rows:
    """[us, mV] at each change."""
    rest_mv = min(die.choice(REST_MV), threshold_mv - hysteresis_mv - 30)
    at = 0
    rows: Rows = [[0, max(0, rest_mv)]]

    def put(mv: int, ms: int) -> None:
        nonlocal at
        for _ in range(max(1, ms // 20)):  # it is never quite still
            rows.append([at, max(0, mv + die.randrange(-8, 9))])
            at += min(ms, 20) * MS

    while at < plan["end_us"]:
        put(rest_mv, die.choice((100, 300, 600, 2_000)))
        deed, top_mv = _one(die, DEEDS), threshold_mv + die.choice((20, 200, 900))
        if deed in ("whole", "long"):
            for part in range(1, 5):
                put(rest_mv + (top_mv - rest_mv) * part // 5, 20)
            put(top_mv, 6_000 if deed == "long" else die.randrange(60, 3_000))
        elif deed == "weak":
            put(threshold_mv - 15, die.randrange(100, 2_000))
        elif deed == "spikes":
            for _ in range(die.randrange(2, 8)):
                put(top_mv, die.choice((1, 5, 15)))
                put(rest_mv, die.choice((15, 40)))
        elif deed == "trembles":
            for _ in range(die.randrange(10, 40)):
                put(threshold_mv + 15, 20)
                put(threshold_mv - hysteresis_mv // 2, 20)
        else:
            for _ in range(die.randrange(5, 25)):
                put(top_mv, die.choice((40, 70)))
                put(rest_mv, die.choice((40, 70)))
    return _broken(die, rows, plan)


def _broken(die: random.Random, rows: Rows, plan: Plan) -> Rows:
    """The same with what is wrong with the input."""
    what, end_us = plan["broken_input"], plan["end_us"]
    if not what:
        return rows
    mv = SATURATED_MV + die.choice((0, 100)) if what.startswith("saturates") else FLOATS
    begin = 0 if what == "floats_at_start" else die.randrange(2_000 * MS, end_us - 2_000 * MS)
    lasts = die.choice((100, 500, 900)) * MS if what.endswith("shortly") else die.choice((3_000 * MS, end_us))
    before = [row for row in rows if row[0] < begin]
    after = [row for row in rows if row[0] >= begin + lasts]
    back = [[begin + lasts, before[-1][1] if before else rows[0][1]]] if begin + lasts < end_us else []
    return [*before, [begin, mv], *back, *after]


def _switch(die: random.Random, plan: Plan) -> Rows:
    """[us, closed] at each change of the contact."""
    what, end_us = plan["broken_input"], plan["end_us"]
    at = 0
    rows: Rows = []

    def press(closed_us: int, open_us: int) -> None:
        nonlocal at
        for level, us in ((1, closed_us), (0, open_us)):
            bounces = [die.randrange(200, 2_000) for _ in range(die.choice((0, 0, 2, 4)))]
            rows.extend([at + sum(bounces[:i]), level ^ i % 2] for i in range(len(bounces) + 1))
            at += max(us, sum(bounces) + 1)

    if what == "closed_at_start":
        press(die.choice((1_000, 14_000)) * MS, 500 * MS)
    at += die.randrange(1_000, 3_000) * MS
    stuck_us = die.randrange(2_000 * MS, end_us) if what == "stuck" else end_us
    while at < end_us:
        if at >= stuck_us:
            press(die.choice((11_000 * MS, end_us)), 500 * MS)
            stuck_us = end_us
        elif what == "chatters" and die.random() < 0.4:
            for _ in range(die.randrange(5, 40)):
                press(die.choice((3, 9, 25)) * MS, die.choice((3, 9, 25)) * MS)
        else:
            press(die.choice((60, 150, 400, 3_000)) * MS, die.choice((60, 300, 1_500, 4_000)) * MS)
    return [row for row in rows if row[0] < end_us]
