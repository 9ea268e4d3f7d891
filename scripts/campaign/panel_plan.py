"""A case of the panel from its seed: kept prescriptions, contacts that open and close, what hosts try meanwhile, and
what breaks when. Nobody looks at the display: a person who presses at random, in time with the device or not."""

from __future__ import annotations

import random
from typing import Any

from campaign import plan as usual
from campaign import trigger_plan
from campaign.panel_oracle import BUTTONS, DOWN, MS, PROGRAMME, START, STOP, UP

Plan = dict[str, Any]
PANEL_SEED = 500_000_000  # seeds from here on are cases of the panel
AT_EDGES, ONE_OF = 7, 8  # seeds with this remainder: trains begin at edges of the trigger input
FOR_RESISTOR, OF_SEEDS = 3, 32  # and with this one: what is kept is for a resistor
QUESTIONS = 10  # more answers do no harm, and now and then one is not seen
LEFT_US = 13_000 * MS  # longer than a button may be pressed

# Who else is there, and how often.
WHO = {"nobody": 40, "watches": 15, "meddles": 45}
# kind: how often, beside the others
KINDS = {
    "cpu_stop": 6, "sense_stuck": 3, "sense_drift": 3, "stage_strong": 3, "load_open": 6, "load_short": 4,
    "stop_bounces": 6, "power_cut": 5, "power_cut_in_write": 3, "flash_error": 3, "clock_wrap": 3, "clock_back": 3,
    "clock_ahead": 3, "temperature": 1, "supply": 1, "enable_low": 3, "memory_low": 2, "display_fails": 6,
    "display_hangs": 6,
}  # fmt: skip
# What happens to the contacts themselves.
CONTACTS = {"": 50, "stuck": 14, "chatter": 12, "short": 12, "held_at_power": 6, "noise": 6}
# What a host asks for in a session that is not its own; arming and starting never in the same case, so that no session
# is ever a host's.
MEDDLES = ("intensity", "intensity", "adjust", "pause", "stop", "load", "acknowledge", "keepalive", "self_test",
           "clear", "set", "status")  # fmt: skip


def make(seed: int) -> Plan:
    """The case of `seed`; the same everywhere."""
    die = random.Random(f"{seed} at the panel")
    kept = [_document(die, i) for i in range(die.choice((1, 1, 2)))]
    at_edges = seed % ONE_OF == AT_EDGES
    wire = random.Random(f"{seed} at the trigger input of the panel")  # a die of its own: other cases stay as they were
    if at_edges:
        kept = [_waiting(wire, kept[0])]
    if seed % OF_SEEDS == FOR_RESISTOR:
        kept = [{**each, "electrode": {**each["electrode"], "kind": "dummy"}} for each in kept]
    presses = _person(die)
    contacts_broken = _one(die, CONTACTS)
    if at_edges and wire.random() < 0.6:  # or few sessions would come as far as an edge
        contacts_broken = ""
    at_us = _in_session_us(die, presses)
    lasts = die.random() < 0.6 and contacts_broken in ("stuck", "chatter", "short")
    if lasts or (at_edges and wire.random() < 0.7):
        # In a session, and the person lets it go on: what has to end it is the panel.
        presses = [each for each in presses if not (at_us <= each[0] < at_us + LEFT_US and each[2] & (START | STOP))]
    end_us = max(at_us + LEFT_US, max(at for at, _, _ in presses)) + die.randrange(2_000, 6_000) * MS
    both = {**kept[0], "phases": [phase for each in kept for phase in each["phases"]]}
    plan: Plan = {
        "seed": seed, "end_us": end_us, "programme": both, "kept": kept, "who": _one(die, WHO),
        "contacts": _contacts(die, presses, contacts_broken, at_us, end_us),
        "broken_contacts": contacts_broken,
        "script": [], "faults": [], "recover": [], "after_boot": [], "load_ohm": die.choice((300, 500, 1_000)),
        "clock_ms": 0, "slow_us": die.randrange(1, 1 << 30),
    }  # fmt: skip
    if at_edges:
        plan.update(trigger_plan.edges(wire, end_us))
    if plan["who"] == "nobody":
        plan["faults"].append({"at_us": 0, "kind": "host_dies"})
    elif plan["who"] == "meddles":
        plan["script"] = _meddles(die, kept[0], end_us)
    for kind in die.choices(list(KINDS), list(KINDS.values()), k=die.choice((0, 0, 1, 1, 2, 3))):
        plan["faults"] += _fault(die, kind, plan)
    return plan


def _one(die: random.Random, shares: dict[str, int]) -> str:
    return die.choices(list(shares), list(shares.values()))[0]


# ---- what is kept ----


def _document(die: random.Random, index: int) -> dict[str, Any]:
    motor = die.random() < 0.3
    trains = motor or die.random() < 0.4
    work_ms = die.choice((2_000, 4_000)) if trains else 0
    phase = {
        "name": f"on {index}", "rate_mhz": 1_000 * die.choice((10, 20, 35, 50, 80)),
        "width_us": die.randrange(100, 301, 10), "gap_us": die.choice((0, 50, 100)), "work_ms": work_ms,
        "rest_ms": work_ms, "ramp_up_ms": 500, "ramp_down_ms": 500,
        "duration_ms": die.choice((15_000, 60_000, 600_000)),
    }  # fmt: skip
    two = index == 0 and die.random() < 0.25
    return {
        "title": f"panel {index}", "effect": "motor" if motor else "sensory",
        "electrode": {"kind": "pads", "area_mm2": 10_000}, "max_current_ua": die.choice((3_000, 15_000, 25_000)),
        "phases": [phase], "channels": [{"channel": i, "delay_us": 0} for i in ((0, 1) if two else (0,))],
    }  # fmt: skip


def _waiting(die: random.Random, document: dict[str, Any]) -> dict[str, Any]:
    """The same with trains that begin at an edge; the stage that has such an input has one channel."""
    rests_ms = (2_000, 3_000) if document["effect"] == "motor" else (0, 500, 2_000)
    phase = {**document["phases"][0], "work_ms": die.choice((1_000, 2_000)), "rest_ms": die.choice(rests_ms)}
    trigger = {
        "source": "edge", "timeout_ms": die.choice((1_000, 6_000)), "on_timeout": die.choice(("skip", "skip", "begin")),
        "refractory_ms": die.choice((300, 500)), "contractions": die.choice((0, 0, 0, 2)),
    }  # fmt: skip
    return {**document, "phases": [phase], "channels": [{"channel": 0, "delay_us": 0}], "trigger": trigger}


# ---- the person ----

Press = tuple[int, int, int]  # when it begins, for how long, which buttons


def _person(die: random.Random) -> list[Press]:
    """Some times from the questions to a session, with presses of all kinds in it."""
    presses: list[Press] = []
    at = die.randrange(300, 1_500) * MS

    def press(mask: int, for_ms: int, then_ms: int) -> None:
        nonlocal at
        presses.append((at, for_ms * MS, mask))
        at += (for_ms + then_ms) * MS

    for _ in range(die.choice((1, 1, 2))):
        if die.random() < 0.3:
            press(START, die.choice((1_200, 2_000)), 1_200)  # clears what may be cleared
        press(START, 80, 1_100)
        for _ in range(QUESTIONS + die.choice((0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, -1))):
            press(START, die.choice((65, 100, 200)), die.choice((1_050, 1_150)))
        if die.random() < 0.08:
            press(die.choice((STOP, START | STOP, START | UP, START | PROGRAMME)), 1_300, 200)
        press(START, die.choice((300, 900, *[1_600] * 9, 3_000)), die.choice((50, 300, 800)))
        for _ in range(die.choice((10, 25, 40))):
            _any_press(die, press)
        if die.random() < 0.7:
            press(STOP, die.choice((30, 100, 1_000)), 1_500)
            press(STOP, 80, 300)  # from what it came to back to the programmes
    return presses


def _in_session_us(die: random.Random, presses: list[Press]) -> int:
    """Where a session may be, or anywhere."""
    begun = [at + for_us for at, for_us, mask in presses if mask == START and for_us >= 1_500 * MS]
    if begun and die.random() < 0.8:
        return begun[0] + die.randrange(0, 800) * MS
    return die.randrange(2_000 * MS, presses[-1][0])


def _any_press(die: random.Random, press: Any) -> None:
    """One of those in a session: mostly up, now and then something that nobody should do."""
    kind = die.choices(("up", "one", "together", "long", "quick"), (60, 20, 6, 6, 8))[0]
    if kind == "up":
        press(UP, die.choice((60, 100, 200)), die.choice((150, 260, 400, 900)))
    elif kind == "one":
        press(
            die.choice((DOWN, DOWN, DOWN, PROGRAMME, PROGRAMME, START, STOP)),
            die.choice((60, 100, 400)),
            die.choice((100, 500)),
        )
    elif kind == "together":
        press(sum(die.sample(BUTTONS, die.choice((2, 2, 3)))), die.choice((50, 300, 2_000)), 300)
    elif kind == "long":
        press(die.choice(BUTTONS), die.randrange(1_000, 5_000), 300)
    else:
        for _ in range(die.choice((3, 8))):
            press(die.choice(BUTTONS), die.choice((4, 9, 16, 25)), die.choice((4, 12, 30)))


# ---- the contacts ----


def _contacts(die: random.Random, presses: list[Press], broken: str, at_us: int, end_us: int) -> list[list[int]]:
    """[us, mask] at each change: the presses with their bounces, and what is broken about the contacts."""
    edges: list[tuple[int, int, int]] = []  # when, button, closed
    bouncing = die.random() < 0.7
    for begin, for_us, mask in presses:
        together = die.random() < 0.5  # as a person does not: in the same microsecond
        for button in (button for button in BUTTONS if mask & button):
            skew = 0 if together else die.randrange(0, 30) * MS
            bounces = [die.randrange(200, 3_000) for _ in range(die.choice((0, 2, 4)) if bouncing else 0)]
            for at, level in ((begin + skew, 1), (begin + skew + for_us, 0)):
                edges += [(at + sum(bounces[:i]), button, level ^ i % 2) for i in range(len(bounces) + 1)]
    edges += _broken(die, broken, at_us, end_us)
    return _joined(edges, _shorted(die, broken, at_us), end_us)


def _broken(die: random.Random, broken: str, at: int, end_us: int) -> list[tuple[int, int, int]]:
    """Edges that no person makes; level 2: it stays closed, -1: that is over."""
    button = die.choice(BUTTONS)
    if broken == "stuck":
        button = die.choice((UP, UP, DOWN, PROGRAMME, START, STOP))
        ends = die.choice((end_us, at + die.randrange(500, 40_000) * MS, at + LEFT_US))
        return [(at, button, 2), (ends, button, -1)]
    if broken == "held_at_power":
        return [(0, button, 2), (die.randrange(100, 3_000) * MS, button, -1)]
    if broken == "chatter":
        each_us = die.choice((3, 20, 25, 40)) * MS
        return [(at + i * each_us, button, 2 if i % 2 == 0 else -1) for i in range(2 * die.choice((5, 40, 80)))]
    if broken == "noise":  # pulses of the stage on the wires: short, on any contact
        noise = []
        for _ in range(20):
            begin = die.randrange(12_000_000, max(13_000_000, end_us))
            of = die.choice(BUTTONS)
            noise += [(begin, of, 2), (begin + die.randrange(100, 12_000), of, -1)]
        return noise
    return []


def _shorted(die: random.Random, broken: str, at_us: int) -> tuple[int, int] | None:
    """Two neighbours, and from when on what closes one closes both."""
    if broken != "short":
        return None
    which = die.randrange(len(BUTTONS) - 1)
    return BUTTONS[which] | BUTTONS[which + 1], die.choice((0, at_us, at_us))


def _joined(edges: list[tuple[int, int, int]], short: tuple[int, int] | None, end_us: int) -> list[list[int]]:
    pressed, stuck = 0, 0
    rows: list[list[int]] = []
    for at, button, level in sorted(edges, key=lambda edge: edge[0]):
        if level in (2, -1):
            stuck = stuck | button if level == 2 else stuck & ~button
        else:
            pressed = pressed | button if level else pressed & ~button
        mask = pressed | stuck
        if short and at >= short[1] and mask & short[0]:
            mask |= short[0]
        if rows and rows[-1][0] == at:
            rows[-1][1] = mask
        elif (rows[-1][1] if rows else 0) != mask:
            rows.append([at, mask])
    return [row for row in rows if row[0] < end_us]


# ---- hosts, and what breaks ----


def _meddles(die: random.Random, document: dict[str, Any], end_us: int) -> list[Any]:
    commands = (*MEDDLES, die.choice(("arm", "start")))
    phase = document["phases"][0]
    arguments: dict[str, dict[str, Any]] = {
        "intensity": {"channel": 0, "current_ua": 1_000 * die.choice((1, 1, 2, 2, 3, 5))},
        "adjust": {"channel": 0, "rate_mhz": phase["rate_mhz"], "width_us": die.randrange(50, phase["width_us"])},
        "load": {"programme": document}, "clear": {"fault": die.randrange(1, 31)},
        "set": {"settings": {"language": die.choice((0, 1))}},
    }  # fmt: skip
    first_ms = die.choice((500, 13_000, 16_000, 16_000, 16_000))  # mostly when there is a session
    script: list[Any] = [[first_ms, "status", {}]]
    for _ in range((end_us // MS - first_ms) // 400):
        name = die.choice(commands)
        # A stop is what it may do: now and then only, or no session would last.
        if name == "stop" and die.random() < 0.8:
            name = "intensity"
        script.append([die.randrange(20, 700), name, arguments.get(name, {})])
    return script


def _fault(die: random.Random, kind: str, plan: Plan) -> list[dict[str, Any]]:
    # From the first questions on; where a session may be, more often.
    at_us = die.choice((die.randrange(1_000_000, plan["end_us"] - 800_000), die.randrange(13_500_000, 18_000_000)))
    fault = {"at_us": min(at_us, plan["end_us"] - 800_000), "kind": kind}
    if kind == "memory_low":
        return [{**fault, "bytes": die.choice((0, 2_000))}]
    if kind in ("display_fails", "display_hangs"):
        back = die.choice((0, 0, 1_000, 8_000))
        again = [{"at_us": fault["at_us"] + back * MS, "kind": "display_back"}] if back else []
        return [fault, *again]
    made = usual.make_fault(die, kind, plan)
    if made and kind not in ("power_cut_in_write", "flash_error"):
        shift = fault["at_us"] - made[0]["at_us"]
        made = [{**each, "at_us": each["at_us"] + shift} for each in made]
    return made
