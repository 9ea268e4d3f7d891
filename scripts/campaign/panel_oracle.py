"""Whether what happened at the panel was safe: from pins, currents, time, and the contacts that the campaign closed.

It has bounds of its own (docs/panel.md says what is promised), and imports nothing of the firmware. A press that may
have been seen gives a permission; only one that must have been seen takes it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from campaign import oracle, trigger_oracle

START, UP, DOWN, STOP, PROGRAMME = BUTTONS = (1, 2, 4, 8, 16)
MS = 1_000
TURN_US = 15 * MS  # the longest turn of the loop: a contact that is closed for longer is seen
SURE_US = 17 * MS
STOPS_US = oracle.TURN_US  # from the turn in which it is seen to the end of the pulse that runs
LEAST_US = 19 * MS  # three turns see it, and may take so little
ALONE_US = 100 * MS  # alone for so long, and for so long before nothing: a press whatever the turns are
HOLD_US = 1_000 * MS - 2 * MS  # two clocks of whole milliseconds
ARMING_US = 1_500 * MS  # tests, and writes into flash
PRESSED_US = 120 * MS  # from a press to what it does, at most
STUCK_US, STUCK_START_US = 10_000 * MS, 30_000 * MS
CHATTER_US, CHATTER_EDGES = 2_100 * MS, 60  # in two windows of a second there is one with 20 of them
SHORT_EDGES = 6
FOUND_US = 80 * MS  # what is wrong with the contacts, found and switched off
WRITE_US = 30 * MS  # a sector is erased
BLIND_US = 2_500 * MS  # a display that fails is found by the next page: the seconds that are left count on it
LONGER_US = 2_000 * MS  # a session than its programme
STEP_UA = 1_000

Span = tuple[float, float]


class Seen(oracle.Seen):
    """A case of the panel. `starts`: when the enable rose for a person's press; each is judged by _presence."""

    def __init__(
        self, plan: dict[str, Any], notes: list[oracle.Note], pulses: list[list[float]], end_us: float
    ) -> None:
        super().__init__(plan, notes, pulses, end_us)
        self.contacts: list[tuple[float, int]] = [(0.0, 0), *((float(at), mask) for at, mask in plan["contacts"])]
        self.starts = [[us, "start"] for us, level in self.enable if level]

    def adjusted(self) -> Iterator[oracle.Note]:
        """Nobody may set another width or rate at the panel."""
        return iter(())

    def mask(self, us: float) -> int:
        at = 0
        for since, mask in self.contacts:
            if since > us:
                break
            at = mask
        return at

    @cached_property
    def spans(self) -> dict[int, list[Span]]:
        """When each button's contact was closed, without a gap."""
        found: dict[int, list[Span]] = {}
        for button in BUTTONS:
            rows, since = [], None
            for us, mask in [*self.contacts, (self.end_us, 0)]:
                if mask & button and since is None:
                    since = us
                elif not mask & button and since is not None:
                    rows.append((since, us))
                    since = None
            found[button] = rows
        return found

    @cached_property
    def blind(self) -> list[Span]:
        """While the CPU may have looked at no contact: it stood still, wrote, or the board was down."""
        rows = [(n[0], n[0] + n[3]["us"] + TURN_US) for n in self.of("injected") if n[2] == "cpu_stop"]
        rows += [(n[0], n[0] + 600 * MS) for n in self.notes if n[1] in ("boot", "down", "unwatched")]
        return rows

    def is_blind(self, begin: float, end: float) -> bool:
        return any(since < end and begin < until for since, until in self.blind)

    def alone(self, button: int, most_gap_us: float = LEAST_US) -> list[Span]:
        """When only this button's contact was closed; gaps that nobody needs to have seen are none."""
        rows: list[Span] = []
        for (us, mask), (until, _) in itertools.pairwise([*self.contacts, (self.end_us, 0)]):
            if mask != button:
                continue
            if rows and us - rows[-1][1] < most_gap_us:
                rows[-1] = (rows[-1][0], until)
            else:
                rows.append((us, until))
        return rows


class Waiting(Seen, trigger_oracle.Seen):
    """A case of the panel whose trains begin at edges of the trigger input."""

    @cached_property
    def armed(self) -> list[float]:
        return [us for us, held in _begun(self) if held]


def judge(seen: Seen) -> oracle.Verdict:
    verdict = oracle.Verdict(injected=[note[2] for note in seen.of("injected")])
    if seen.plan["broken_contacts"]:
        verdict.injected.append("contacts_" + seen.plan["broken_contacts"])
    for rule in (_resistor, _presence, _ended, _raised, _too_long, oracle.shapes, oracle.slope, oracle.net_charge):
        verdict.unsafe += list(dict.fromkeys(rule(seen)))[:5]
    for note in seen.of("injected"):
        us, kind, what = note[0], note[2], note[3] if len(note) > 3 else {}
        # After a reset nobody asks here; what is still on is _ended's.
        # A write at rest lasts longer than the shortest of these: nobody can see that the clock went back within it.
        hidden = kind == "clock_back" and what["us"] <= WRITE_US and not seen.enabled(us)
        if kind in oracle.MUST and kind != "cpu_stop" and not hidden and not oracle.in_fault(seen, us):
            onset = oracle.MUST[kind](seen, us, what)
            if onset is not None and not seen.is_blind(*onset):
                oracle.reported(seen, verdict, kind, *onset)
    verdict.impossible = list(dict.fromkeys(_impossible(seen)))[:5]
    if isinstance(seen, Waiting):
        verdict.unsafe += trigger_oracle.uncaused(seen)
        if seen.plan["broken_input"]:
            verdict.injected.append("input_" + seen.plan["broken_input"])
            verdict.impossible = []  # a fault is what it may come to
    return verdict


def _high(seen: Seen) -> list[Span]:
    rows = itertools.pairwise([*seen.enable, (seen.end_us, 0)])
    return [(us, until) for (us, level), (until, _) in rows if level]


# ---- what ends a session ----


def _sure_stops(seen: Seen) -> Iterator[float]:
    for begin, end in seen.spans[STOP]:
        if end - begin >= SURE_US and not seen.is_blind(begin, begin + SURE_US):
            yield begin


def _sure_pauses(seen: Seen) -> Iterator[float]:
    """START was pressed, and nothing else for a while before and then."""
    for begin, end in seen.spans[START]:
        quiet = all(not seen.mask(us) for us, _ in seen.contacts if begin - ALONE_US <= us < begin)
        quiet = quiet and not seen.mask(begin - ALONE_US) and not seen.is_blind(begin - ALONE_US, begin + ALONE_US)
        alone = all(mask == START for us, mask in seen.contacts if begin <= us < begin + ALONE_US)
        if end - begin >= ALONE_US and quiet and alone:
            yield begin


def _sure_contacts(seen: Seen) -> Iterator[tuple[float, str]]:
    """What is wrong with the contacts, from when on that must be known."""
    for button in BUTTONS:
        most_us = STUCK_START_US if button == START else STUCK_US
        for begin, end in seen.spans[button]:
            if end - begin > most_us:
                yield begin + most_us, f"button {button} stuck since {begin / MS:.0f} ms"
        edges = [edge for span in seen.spans[button] for edge in span]
        for first, last in zip(edges, edges[CHATTER_EDGES:], strict=False):
            between = [at for at in edges if first <= at <= last]
            if last - first <= CHATTER_US and all(b - a >= SURE_US for a, b in itertools.pairwise(between)):
                yield last, f"button {button} chatters since {first / MS:.0f} ms"
                break
    run: list[float] = []
    pair = before = 0
    last = -1e9
    for us, mask in seen.contacts:
        changed, before = mask ^ before, mask
        two = changed.bit_count() == 2 and us - last >= SURE_US
        run = [*run, us] if two and changed == pair and run else [us] if two else []
        pair, last = changed, us
        if len(run) == SHORT_EDGES and not seen.is_blind(run[0], us):
            yield us, f"buttons {pair} are one since {run[0] / MS:.0f} ms"


def _ends(seen: Seen, pauses: bool = True) -> Iterator[tuple[float, float, str]]:
    """(when something ended permission, how long it may take, what)."""
    period_us = oracle.period_of(min(oracle.asked_values(seen, "rate_mhz")))
    for us in _sure_stops(seen):
        yield us, TURN_US + STOPS_US, "stop was pressed"
    for us in _sure_pauses(seen) if pauses else ():
        yield us, 3 * TURN_US + STOPS_US, "start was pressed"
    for us, what in _sure_contacts(seen):
        yield us, FOUND_US, what
    for note in seen.notes:
        us, what = note[0], note[1]
        if what == "answered" and note[3] == "stop" and note[4]:
            yield us, 0, "a host stopped it"
        elif what == "said" and note[2] == "FAULT":
            yield us, 0, "it said FAULT"
        elif what in ("cut", "down"):
            yield us, 0, "power cut or reset"
        elif what == "injected" and note[2] == "stop_bounces":
            yield us, oracle.GUARD_US, "emergency stop"
        elif what == "injected" and note[2] == "cpu_stop":
            bound = max(oracle.DEAD_CPU_US, 2 * period_us)
            if note[3]["us"] > bound:
                yield us, bound, "stopped CPU"


def _ended(seen: Seen) -> Iterator[str]:
    """Nothing of what went on before goes on behind an end; what begins then is judged by _presence."""
    high = _high(seen)
    for us, bound, what in _ends(seen):
        for begin, end in high:
            if begin < us and end > us + bound + 0.5:
                yield f"enable at {(us + bound) / MS:.1f} ms, {what} at {us / MS:.1f} ms"
        for pulse in seen.pulses:
            since = next((begin for begin, end in high if begin <= pulse.start_us < end), us)
            if pulse.live and pulse.start_us > us + bound and since < us:
                yield f"a pulse at {pulse.start_us / MS:.1f} ms, {what} at {us / MS:.1f} ms"
                break


# ---- what begins one ----


def _held(seen: Seen, us: float) -> bool:
    """START was held alone for a second until shortly before, and is held."""
    ahead_us = sum(n[3]["us"] for n in seen.of("injected") if n[2] == "clock_ahead" and n[0] <= us)
    for begin, end in seen.alone(START):
        unseen_us = _unseen_us(seen, begin, us)
        held_us = min(end, us) - begin + ahead_us + unseen_us
        if begin <= us and end >= us - ARMING_US and held_us >= HOLD_US and end >= us - TURN_US - unseen_us:
            return True
    return False


def _wait_us(seen: Seen, begin: float) -> float:
    """For how long a press has to last at least."""
    return 0 if seen.is_blind(begin - PRESSED_US, begin + LEAST_US) else LEAST_US


def _unseen_us(seen: Seen, begin: float, end: float) -> float:
    return sum(max(0, min(end, until) - max(begin, since)) for since, until in seen.blind)


def _pressed(seen: Seen, us: float) -> bool:
    for begin, end in seen.alone(START):
        least_us = _wait_us(seen, begin)
        if end - begin >= least_us and begin + least_us <= us <= begin + PRESSED_US + _unseen_us(seen, begin, us):
            return True
    return False


def _begun(seen: Seen) -> list[tuple[float, bool]]:
    """Each rise of the enable, and whether START was held for it."""
    return [(begin, _held(seen, begin)) for begin, _ in _high(seen)]


def _presence(seen: Seen) -> Iterator[str]:
    """A session begins with START held, and goes on after a pause with START pressed."""
    ends = [(us, what) for us, _, what in _ends(seen, pauses=False)]
    held_at = None
    for rise, held in _begun(seen):
        if held:
            held_at = rise
            stopped = [us for us in _sure_stops(seen) if rise - HOLD_US < us < rise - TURN_US]
            if stopped:
                yield f"enable at {rise / MS:.1f} ms, stop was pressed at {stopped[-1] / MS:.1f} ms"
            continue
        at = f"enable at {rise / MS:.1f} ms"
        if held_at is None:
            yield f"{at}, and START was not held"
            continue
        if not _pressed(seen, rise):
            yield f"{at}, and nobody pressed START"
        ended = [(us, what) for us, what in ends if held_at + TURN_US < us < rise - TURN_US]
        if ended:
            yield f"{at}, {ended[0][1]} at {ended[0][0] / MS:.1f} ms, and START was not held since"
    for pulse in seen.pulses:
        if pulse.live and not any(begin <= pulse.start_us < end for begin, end in _high(seen)):
            yield f"current at {pulse.start_us / MS:.1f} ms without a permission"


def _resistor(seen: Seen) -> Iterator[str]:
    """Nothing begins at the panel where all that is kept is for a resistor. No case has both kinds."""
    if all(each["electrode"]["kind"] == "dummy" for each in seen.plan["kept"]):
        for begin, _ in _high(seen):
            yield f"enable at {begin / MS:.1f} ms, and what is kept is for a resistor"


def _too_long(seen: Seen) -> Iterator[str]:
    """Never longer than the longest programme, pauses apart."""
    most_us = MS * max(sum(phase["duration_ms"] for phase in each["phases"]) for each in seen.plan["kept"])
    total = 0.0
    for (begin, end), (_, held) in zip(_high(seen), _begun(seen), strict=True):
        total = end - begin + (0 if held else total)
        if total > most_us + LONGER_US:
            yield f"on for {total / MS:.0f} ms at {end / MS:.1f} ms, the programme has {most_us / MS:.0f} ms"


# ---- how much flows ----


def _sightless(seen: Seen) -> Iterator[Span]:
    """When the display was known to be none: until a session begins with it back."""
    since = None
    for note in seen.of("injected"):
        if note[2] in ("display_fails", "display_hangs") and since is None:
            since = note[0] + BLIND_US
        elif note[2] == "display_back" and since is not None:
            begins = [us for us, held in _begun(seen) if held and us > note[0]]
            if since < note[0]:
                yield since, begins[0] if begins else seen.end_us
            since = None
    if since is not None:
        yield since, seen.end_us


def _raised(seen: Seen) -> Iterator[str]:
    """From zero at each rise of the enable, by 1 mA for each press of UP that may have been seen, and by nothing else;
    down by 1 mA with each press of DOWN that must have been, where there is one channel."""
    one = len(seen.plan["programme"]["channels"]) == 1
    sightless = list(_sightless(seen))
    limit_ua = max(each["max_current_ua"] for each in seen.plan["kept"])
    ups = [begin + _wait_us(seen, begin) for begin, end in seen.alone(UP) if end - begin >= _wait_us(seen, begin)]
    steps = [(us, STEP_UA) for us in ups if not any(a <= us < b for a, b in sightless)]
    downs = [span for span in _apart(seen.spans[DOWN]) if span[1] - span[0] >= SURE_US and not seen.is_blind(*span)]
    # Where nobody can say which of an UP and a DOWN acted first, the DOWN takes nothing.
    steps += [
        (begin, -STEP_UA)
        for begin, _ in downs
        if one and not any(abs(us - begin) <= 4 * TURN_US for us, by_ua in steps if by_ua > 0)
    ]
    caps = _caps(steps, [begin for begin, _ in _high(seen)])
    late_us = 4 * TURN_US + oracle.queued_before(seen)  # what was queued before has the current of then
    first = 0
    for pulse in seen.pulses:
        if not pulse.live:
            continue
        while first + 1 < len(caps) and caps[first + 1][0] <= pulse.start_us - late_us:
            first += 1
        now = [row for row in caps[first:] if row[0] <= pulse.start_us]
        since = max((i for i, row in enumerate(now) if row[2]), default=0)
        allowed_ua = max((row[1] for row in now[since:]), default=0)
        strong = oracle.exempt(seen, pulse)
        ua = pulse.set_ua if strong else max(pulse.a_ua, pulse.b_ua, pulse.set_ua)
        where = f"at {pulse.start_us / MS:.1f} ms, channel {pulse.channel}"
        if ua > limit_ua:
            yield f"{where}: {ua} uA above the limit {limit_ua} uA"
        if ua > allowed_ua:
            yield f"{where}: {ua} uA, the presses of UP come to {allowed_ua} uA"


def _caps(steps: list[tuple[float, int]], rises: list[float]) -> list[tuple[float, int, bool]]:
    """(since when, at most how much, whether the enable has risen then)."""
    rows = []
    cap_ua = 0
    for us, by_ua in sorted([*steps, *((rise, 0) for rise in rises)]):
        cap_ua = max(0, cap_ua + by_ua) if by_ua else 0
        rows.append((us, cap_ua, not by_ua))
    return rows


def _apart(spans: list[Span]) -> list[Span]:
    """Presses of a button: bounces are none of their own."""
    rows: list[Span] = []
    for begin, end in spans:
        if rows and begin - rows[-1][1] < ALONE_US:
            rows[-1] = (rows[-1][0], end)
        else:
            rows.append((begin, end))
    return rows


# ---- undisturbed ----


def _impossible(seen: Seen) -> Iterator[str]:
    """With sound contacts and nothing broken there is no fault but of buttons, for what a person may do to them."""
    if seen.plan["broken_contacts"] or any(note[2] != "host_dies" for note in seen.of("injected")):
        return
    for note in seen.of("said"):
        if note[2] == "FAULT" and note[3] not in (28, 29, 30):
            yield f"undisturbed, and fault {note[3]} at {note[0] / MS:.1f} ms"
            return
    for note in seen.of("down"):
        yield f"undisturbed, and down ({note[2]}) at {note[0] / MS:.1f} ms"
