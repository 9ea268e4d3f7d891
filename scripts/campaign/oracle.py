"""Whether what happened was safe, and whether what broke was reported.

It sees pins, currents and times, what people and the campaign did, and what the device said over the link; it knows the
prescription and what docs/safety.md promises. It knows nothing of the firmware's state, and imports nothing of it.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

# What is promised (docs/safety.md), in microseconds.
LOOKAHEAD_US = 66_000  # queued ahead, or one pulse
DEAD_CPU_US = 100_000  # or two periods
LINE_US = 1_000_000
HOST_LOST_US = 3_000_000  # 2 s, and 1 s of fading
GUARD_US = 1
TURN_US = 40_000  # two turns of the loop, each up to 15 ms, and the pulse that runs
SLEW_UA, SLEW_US = 1_000, 250_000
CLOCK_US = 2_000  # two clocks of whole milliseconds
NET_NC = 10_000  # in a second
IN_A_ROW = 3
# What is too little to be seen, or to be judged (docs/safety.md).
OPEN_SET_UA, COMPLIANCE_UA, SHORT_SET_UA, OPEN_SHARE = 5_000, 1_000, 10_000, 0.8
COMPLIANCE_UV, SHORT_OHM = 76_000_000, 50
SENSE_UA, ZERO_COUNTS, REST_COUNTS, ADC_ZERO = 55, 18, 6, 2_048  # noise of a count allowed for
OVER_SHARE, OVER_UA = 1.22, 1_050
RESET_US = 900_000
WRITE_US = 60_000
SETTLE_US = 300  # the virtual board senses a pulse when its level is set
FAULT_KEPT_US = 150_000
STATUS_US = 2_500_000  # after a boot the host asks, five times if it must
LEVEL_UA = 100
ARMED_US = 150_000  # two writes into flash, before anybody is armed
# What must not disturb a session: a port that echoes, and other programs on it that only watch, or are refused.
OTHERS = "another program's"
HOST_LOST = ("link_pulled", "host_dies")
STORE_KINDS = ("flash_corrupt", "store_damaged")
HARMLESS = ("watched", "port_echoes", "foreign_files")
REFUSED = ("wrong_state", "bad_argument", "unknown_host", "not_owner")  # a start that is answered so starts nothing
TEMPERATURE_DC, SUPPLY_MV = (-100, 700), (3_000, 5_500)

Note = list[Any]


@dataclass(frozen=True)
class Pulse:
    start_us: float
    width_a_us: float  # of the pins
    gap_us: float
    width_b_us: float
    a_ua: float  # through the load, while permission lasted
    b_ua: float
    channel: int
    set_ua: float  # by the level of phase A
    set_b_ua: float
    a_nc: float
    b_nc: float
    cut: bool  # permission ended within it

    @property
    def end_us(self) -> float:
        return self.start_us + self.width_a_us + self.gap_us + self.width_b_us

    @property
    def live(self) -> bool:
        return self.a_nc > 0 or self.b_nc > 0


@dataclass
class Verdict:
    """`impossible`: accepted, undisturbed, and yet not delivered; `injected`: every fault by its kind; `detection_us`:
    those that had to be reported and were."""

    unsafe: list[str] = field(default_factory=list)
    undetected: list[str] = field(default_factory=list)
    impossible: list[str] = field(default_factory=list)
    injected: list[str] = field(default_factory=list)
    detection_us: list[tuple[str, float]] = field(default_factory=list)


class Seen:
    """One case as the campaign saw it: `notes` are [us, what, …], `pulses` rows of pins and currents."""

    def __init__(self, plan: dict[str, Any], notes: list[Note], pulses: list[list[float]], end_us: float) -> None:
        self.plan = plan
        self.notes = notes
        self.end_us = end_us
        self.enable = [(note[0], note[2]) for note in notes if note[1] == "enable"]
        self.pulses = sorted((self._delivered(*row) for row in pulses), key=lambda pulse: pulse.start_us)
        errors = {note[2]: note[5] for note in self.of("answered")}
        # A line that comes again may be called old although it was carried out when it came first.
        again = any(note[2].startswith("link_") for note in self.of("injected"))
        refused = REFUSED if again else (*REFUSED, "old_seq")
        # What its host has asked to start, save where the device has said that nothing came of it.
        self.starts = [n for n in self.of("sent") if n[3] == "start" and errors.get(n[2]) not in refused]

    def of(self, what: str) -> Iterator[Note]:
        return (note for note in self.notes if note[1] == what)

    def adjusted(self) -> Iterator[Note]:
        """What may have set a width or a rate anew."""
        return self.of("sent")

    def high_us(self, begin: float, end: float) -> float:
        """How long the enable was high within."""
        total, since = 0.0, None
        for us, level in [*self.enable, (float("inf"), 0)]:
            if level and since is None:
                since = us
            elif not level and since is not None:
                total += max(0.0, min(end, us) - max(begin, since))
                since = None
        return total

    def enabled(self, us: float) -> bool:
        at = bisect_right(self.enable, (us, 2)) - 1
        return at >= 0 and bool(self.enable[at][1])

    def _delivered(
        self,
        start: float,
        wa: float,
        gap: float,
        wb: float,
        a: float,
        b: float,
        channel: float,
        set_a: float,
        set_b: float,
    ) -> Pulse:
        in_a = self.high_us(start, start + wa)
        in_b = self.high_us(start + wa + gap, start + wa + gap + wb)
        cut = in_a < wa or in_b < wb
        return Pulse(
            start, wa, gap, wb, a if in_a else 0, b if in_b else 0, int(channel), LEVEL_UA * set_a, LEVEL_UA * set_b,
            a * in_a / 1_000, b * in_b / 1_000, cut,
        )  # fmt: skip


def judge(seen: Seen) -> Verdict:
    verdict = Verdict(injected=[note[2] for note in seen.of("injected")])
    for rule in (shapes, _permission, _currents, slope, net_charge):
        verdict.unsafe += list(dict.fromkeys(rule(seen)))[:5]
    _detections(seen, verdict)
    verdict.impossible = list(dict.fromkeys(_impossible(seen)))[:5]
    return verdict


# ---- unsafe ----


def _phases(seen: Seen, channel: int | None = None) -> list[dict[str, Any]]:
    """Of a channel, or of all: its own, or those that all channels run."""
    programme = seen.plan["programme"]
    rows = [row for row in programme["channels"] if channel is None or row["channel"] == channel]
    return [phase for row in rows for phase in row.get("phases", programme.get("phases", ()))]


def asked_values(seen: Seen, key: str, channel: int | None = None) -> set[int]:
    """What a phase may have: as prescribed, or as the session's host has set it anew."""
    adjusted = (note[4] for note in seen.adjusted() if key in note[4])
    return {
        *(phase[key] for phase in _phases(seen, channel)),
        *(what[key] for what in adjusted if channel is None or what["channel"] == channel),
    }


def period_of(rate_mhz: int) -> float:
    """From the begin of a pulse to that of the next, in us."""
    return 1e9 / rate_mhz


def shapes(seen: Seen) -> Iterator[str]:
    """Each pulse by itself, and its distance to the one before."""
    of_channel = {
        channel: (
            asked_values(seen, "width_us", channel),
            {phase.get("ratio", 1) for phase in _phases(seen, channel)},
            period_of(max(asked_values(seen, "rate_mhz", channel), default=1_000)) - 2,
        )
        for channel in {pulse.channel for pulse in seen.pulses}
    }
    starts = [note[0] for note in seen.starts]
    last: dict[int, Pulse] = {}
    for pulse in seen.pulses:
        at = f"at {pulse.start_us / 1e3:.1f} ms, channel {pulse.channel}"
        widths, ratios, least_us = of_channel[pulse.channel]
        if not any(abs(pulse.width_a_us - width) < 0.5 for width in widths):
            yield f"{at}: phase A of {pulse.width_a_us} us, asked {sorted(widths)}"
        if not any(abs(pulse.width_a_us * ratio - pulse.width_b_us) <= 0.1 for ratio in ratios) and not pulse.cut:
            yield f"{at}: phases of {pulse.width_a_us} and {pulse.width_b_us} us"
        if pulse.set_ua * pulse.width_a_us != pulse.set_b_ua * pulse.width_b_us and not pulse.cut:
            yield f"{at}: phases set to {pulse.set_ua} and {pulse.set_b_ua} uA"
        before = last.get(pulse.channel)
        # A new engine begins at a start: it may be sooner than a period after the last pulse.
        started = before and bisect_right(starts, before.start_us) < bisect_right(starts, pulse.start_us)
        if before and not started and pulse.start_us - before.start_us < least_us and (pulse.live or before.live):
            yield f"{at}: {pulse.start_us - before.start_us:.0f} us after the one before"
        if before and pulse.start_us < before.end_us:
            yield f"{at}: begins within the one before"
        last[pulse.channel] = pulse


def _ends(seen: Seen) -> Iterator[tuple[float, float, str]]:
    """(when something ended permission, how long it may take, what)."""
    period_us = period_of(min(asked_values(seen, "rate_mhz")))
    # A host that reads "armed" and "running" in one go has heard late that it was armed: it has been started since.
    heard_last = {note[0]: note[2] for note in seen.of("said")}
    for note in seen.notes:
        us, what = note[0], note[1]
        if what in ("answered", "other_answered") and note[3] in ("stop", "pause") and note[4]:
            yield us, 0, note[3] if what == "answered" else f"{OTHERS} {note[3]}"
        elif what == "said" and note[2] != "RUNNING" and (note[2] == "FAULT" or heard_last[us] != "RUNNING"):
            yield us, 0, f"it said {note[2]}"
        elif what in ("cut", "down"):
            yield us, 0, "power cut or reset"
        elif what == "injected" and note[2] == "stop_bounces":
            yield us, GUARD_US, "emergency stop"
        elif what == "injected" and note[2] == "cpu_stop":
            bound = max(DEAD_CPU_US, 2 * period_us)
            if note[3]["us"] > bound:
                yield us, bound, "stopped CPU"
        elif what == "injected" and note[2] in HOST_LOST:
            # Whoever else talks meanwhile: the session's host is the only one that keeps it alive.
            # What had arrived by then is read some bytes a turn, and its last line counts when it has been: so long has
            # it waited, and no longer than LINE_US.
            waited_us = next((n[0] - us for n in seen.of("drained") if n[0] >= us), 0)
            bound = HOST_LOST_US + max(LOOKAHEAD_US, period_us) + TURN_US
            yield us, bound + min(waited_us, LINE_US), "lost host"


def _permission(seen: Seen) -> Iterator[str]:
    """No current, and no enable, without a person who has started."""
    starts = [note[0] for note in seen.starts]
    first = starts[0] if starts else float("inf")
    tests = _self_tests(seen) if seen.plan.get("self_test_moves") else []
    high = [(us, end) for (us, level), (end, _) in itertools.pairwise([*seen.enable, (seen.end_us, 0)]) if level]
    for begin, end in high:
        if any(sent <= begin and end <= answered for sent, answered in tests):
            continue
        if begin < first:
            yield f"enable at {begin / 1e3:.1f} ms before a start"
        for us, bound, what in _ends(seen):
            next_start = next((start for start in starts if start >= us), float("inf"))
            since, until = max(begin, us + bound), min(end, next_start)
            if since < until - 0.5 and not _started_late(seen, us, begin, what):
                yield f"enable at {since / 1e3:.1f} ms, {what} at {us / 1e3:.1f} ms"
    for pulse in seen.pulses:
        if pulse.live and pulse.start_us < first:
            yield f"current at {pulse.start_us / 1e3:.1f} ms before a start"


def _self_tests(seen: Seen) -> list[tuple[float, float]]:
    """While a board arms it moves its enable, with nothing behind it."""
    answered = {note[2]: note[0] for note in seen.of("answered")}
    return [(n[0], answered.get(n[2], seen.end_us)) for n in seen.of("sent") if n[3] == "arm"]


def _started_late(seen: Seen, us: float, begin: float, what: str) -> bool:
    """The person's start was under way when it said that it was at rest, when another program had it pause, or when the
    emergency stop bounced: it goes on at zero if the line is closed when it is carried out."""
    heard_late_us = seen.plan.get("report_us", 0) if what.startswith("it said") else 0
    if not what.startswith(("it said", "emergency stop", OTHERS)) or what == "it said FAULT":
        return False
    if begin < us - heard_late_us:
        return False
    return any(
        start[0] <= us and all(answer[0] > us for answer in seen.of("answered") if answer[2] == start[2])
        for start in seen.starts
    )


def _limits(seen: Seen) -> int:
    """Of the session: the prescription's, or the device's own if that was lower."""
    return min([int(seen.plan["programme"]["max_current_ua"]), *(int(note[2]) for note in seen.of("accepted"))])


def exempt(seen: Seen, pulse: Pulse) -> bool:
    """A stage that delivers more than it was set to is judged by whether and when that is reported."""
    return any(pulse.start_us >= note[0] for note in seen.of("injected") if note[2] == "stage_strong")


def _currents(seen: Seen) -> Iterator[str]:
    """Never above the limit, nor above what the person has set: the highest that was asked since the last answer."""
    limit_ua = _limits(seen)
    period_us = period_of(min(asked_values(seen, "rate_mhz")))
    queued_us = max(LOOKAHEAD_US, period_us) + period_us + TURN_US
    asked: dict[int, list[tuple[float, float, int]]] = {}  # channel: (from, until, uA)
    answers = {note[2]: note for note in seen.of("answered")}
    for note in seen.of("sent"):
        if note[3] != "intensity":
            continue
        channel, ua = note[4]["channel"], note[4]["current_ua"]
        answer = answers.get(note[2])
        rows = asked.setdefault(channel, [])
        if answer and answer[4]:  # this one holds: those before it are over, after what is queued
            rows[:] = [(begin, min(until, answer[0] + queued_us), value) for begin, until, value in rows]
            rows.append((note[0], float("inf"), ua))
        elif not answer:
            rows.append((note[0], float("inf"), ua))
    for pulse in seen.pulses:
        if not pulse.live:
            continue
        ua = pulse.set_ua if exempt(seen, pulse) else max(pulse.a_ua, pulse.b_ua, pulse.set_ua)
        at = f"at {pulse.start_us / 1e3:.1f} ms, channel {pulse.channel}"
        if ua > limit_ua:
            yield f"{at}: {ua} uA above the session's limit {limit_ua} uA"
        most = max(
            (value for begin, until, value in asked.get(pulse.channel, ()) if begin <= pulse.start_us <= until),
            default=0,
        )
        if ua > most:
            yield f"{at}: {ua} uA, set {most} uA"


def slope(seen: Seen) -> Iterator[str]:
    """From zero at each start, and anywhere: no steeper by hand than a step every 250 ms. What the programme's own ramp
    adds is below a bound that knows it only where trains begin, so within trains this is judged from plateaus."""
    starts = [note[0] for note in seen.starts]
    for channel in {pulse.channel for pulse in seen.pulses}:
        phases = _phases(seen, channel)
        if not phases:
            continue  # _currents says so: nobody has set it
        trains = len(phases) > 1 or phases[0]["work_ms"] > 0
        least: list[tuple[float, float]] = []  # (us, bound at that time), what later pulses are judged by
        last_start = -1.0
        for pulse in seen.pulses:
            if pulse.channel != channel or not pulse.live:
                continue
            at = bisect_right(starts, pulse.start_us) - 1
            start = starts[at] if at >= 0 else 0.0
            if start != last_start:
                least, last_start = [(start, 0.0)], start
            for us, value in least:
                # The first step may come at once, and each clock is right to a millisecond.
                steps = 1 + int((pulse.start_us - us + CLOCK_US) // SLEW_US)
                if pulse.set_ua > value + steps * SLEW_UA:
                    yield (
                        f"at {pulse.start_us / 1e3:.1f} ms, channel {channel}: {pulse.set_ua} uA, "
                        f"{value:.0f} uA at {us / 1e3:.1f} ms: steeper than 1 mA each 250 ms"
                    )
                    break
            ramp_over = pulse.start_us - start > 1_000 * phases[0]["ramp_up_ms"] + 400_000
            if not trains and ramp_over and not _faded(seen, pulse, phases[0]):
                least = [*least[-200:], (pulse.start_us - queued_before(seen), float(pulse.set_ua))]


def queued_before(seen: Seen) -> float:
    """A pulse has the current of when it was queued."""
    return max(LOOKAHEAD_US, period_of(min(asked_values(seen, "rate_mhz")))) + TURN_US


def _faded(seen: Seen, pulse: Pulse, phase: dict[str, Any]) -> bool:
    """Near the end of a train, or while the host is lost, the ramp goes down."""
    lost = any(note[0] < pulse.start_us for note in seen.of("injected") if note[2] in HOST_LOST)
    return lost or bool(phase["duration_ms"] < 30_000)


def net_charge(seen: Seen) -> Iterator[str]:
    """Over any second, beside one pulse that was cut and the pulses of the turn in which it is found."""
    for channel in {pulse.channel for pulse in seen.pulses}:
        live = [pulse for pulse in seen.pulses if pulse.channel == channel and pulse.live]
        begin, net, one = 0, 0.0, max((abs(p.a_nc - p.b_nc) for p in live), default=0.0)
        slack = max((p.a_nc for p in live if p.cut), default=0.0)
        period_us = period_of(max(asked_values(seen, "rate_mhz")))
        late = one * (2 + TURN_US // period_us)
        for pulse in live:
            net += pulse.a_nc - pulse.b_nc
            while live[begin].start_us < pulse.start_us - 1e6:
                net -= live[begin].a_nc - live[begin].b_nc
                begin += 1
            if abs(net) > NET_NC + slack + late:
                yield f"at {pulse.start_us / 1e3:.1f} ms, channel {channel}: net {net:.0f} nC in a second"


# ---- undetected ----


def _said_fault(seen: Seen, since: float) -> float | None:
    """When the device first said after `since` that it is in FAULT."""
    return next((note[0] for note in seen.of("said") if note[0] >= since and note[2] == "FAULT"), None)


def in_fault(seen: Seen, us: float) -> bool:
    """Whether the last that was said before is a fault."""
    said = [note for note in seen.of("said") if note[0] < us]
    return bool(said) and said[-1][2] == "FAULT"


def _down(seen: Seen, begin: float, end: float) -> bool:
    return any(begin <= note[0] <= end for note in seen.notes if note[1] in ("cut", "down"))


def _detections(seen: Seen, verdict: Verdict) -> None:
    for note in seen.of("injected"):
        us, kind, what = note[0], note[2], note[3] if len(note) > 3 else {}
        if kind == "not_a_number":
            _refused(seen, verdict, us, kind, "raw")
        elif kind == "temperature" or kind == "supply":
            _refused(seen, verdict, us, kind, "arm")
        elif kind in HOST_LOST:
            _host_lost(seen, verdict, us, kind)
        elif not in_fault(seen, us):
            onset = MUST[kind](seen, us, what) if kind in MUST else None
            if onset is not None:
                reported(seen, verdict, kind, *onset)
    for note in seen.of("corrupted"):
        if not _before(seen, note[0] + STATUS_US, HOST_LOST):  # somebody has to ask after a boot
            reported(seen, verdict, _damaged_by(seen, note[0]), note[0], note[0] + STATUS_US)
    for note in seen.of("write_failed"):
        # What happens in the first turn after a boot is said when somebody asks.
        booted = any(note[0] - WRITE_US <= boot[0] <= note[0] for boot in seen.of("boot"))
        if not in_fault(seen, note[0]) and not (booted and _before(seen, note[0] + STATUS_US, HOST_LOST)):
            reported(seen, verdict, "flash_error", note[0], note[0] + (STATUS_US if booted else TURN_US))
    for cut in seen.of("cut"):
        _kept(seen, verdict, cut[0])
        _locked(seen, verdict, cut[0])


def reported(seen: Seen, verdict: Verdict, kind: str, onset_us: float, due_us: float) -> None:
    """A fault that shows from `onset_us` on has to be said until `due_us`, unless the session ended before."""
    stopped = sum(note[3]["us"] for note in seen.of("injected") if note[2] == "cpu_stop" and note[0] < due_us)
    due_us += stopped if kind != "cpu_stop" else 0
    # A write into flash lets the loop wait, and happens only at rest.
    writes = [note[0] for note in seen.of("unwatched") if onset_us - WRITE_US <= note[0] <= due_us]
    due_us += WRITE_US if writes and not seen.enabled(onset_us) else 0
    again = any(onset_us <= start[0] <= due_us for start in seen.starts)
    if seen.enabled(due_us) and due_us < seen.end_us and not again:
        verdict.unsafe.append(f"{kind} from {onset_us / 1e3:.1f} ms on, enable high at {due_us / 1e3:.1f} ms")
    due_us += seen.plan.get("report_us", 0)
    said = _said_fault(seen, onset_us)
    if said is not None and said <= due_us:
        verdict.detection_us.append((kind, said - onset_us))
    elif due_us < seen.end_us and not _down(seen, onset_us, due_us if kind not in STORE_KINDS else onset_us - 1):
        verdict.undetected.append(f"{kind} from {onset_us / 1e3:.1f} ms on, not reported at {due_us / 1e3:.1f} ms")


def _refused(seen: Seen, verdict: Verdict, us: float, kind: str, command: str) -> None:
    for sent in seen.of("sent"):
        if sent[0] < us or sent[3] != command:
            continue
        answer = next((note for note in seen.of("answered") if note[2] == sent[2]), None)
        if answer and answer[4] and not _down(seen, us, answer[0]):
            verdict.undetected.append(f"{kind}: {command} at {sent[0] / 1e3:.1f} ms was answered with ok")
        elif answer:
            verdict.detection_us.append((kind, answer[0] - sent[0]))
        return


def _host_lost(seen: Seen, verdict: Verdict, us: float, kind: str) -> None:
    if seen.enabled(us):
        fell = next((at for at, level in seen.enable if at > us and not level), None)
        if fell is not None:
            verdict.detection_us.append((kind, fell - us))


def _kept(seen: Seen, verdict: Verdict, cut_us: float) -> None:
    """A fault that was said well before the power was cut, and that nobody cleared, is there afterwards."""
    cleared = [note[0] for note in seen.of("answered") if note[3] == "clear" and note[0] <= cut_us]
    clearing = [note[0] for note in seen.of("sent") if note[3] == "clear" and note[0] <= cut_us]
    said = [note for note in seen.of("said") if note[0] <= cut_us]
    if not said or said[-1][2] != "FAULT" or cleared[-1:] > [said[-1][0]] or clearing[-1:] > [said[-1][0] - 1]:
        return
    if any(note[0] <= cut_us for note in seen.of("write_failed")):
        return
    first = next((n[0] for n in reversed(said) if n[2] != "FAULT"), 0.0)
    since = next(n[0] for n in said if n[2] == "FAULT" and n[0] >= first)
    if _down(seen, since, min(since + FAULT_KEPT_US, cut_us - 1)):
        return  # before it was written
    after = next((note for note in seen.of("said") if note[0] > cut_us), None)
    if cut_us - since > FAULT_KEPT_US and after is not None and after[2] != "FAULT":
        verdict.undetected.append(
            f"the fault of {since / 1e3:.1f} ms was forgotten in the power cut at {cut_us / 1e3:.1f} ms"
        )


def _damaged_by(seen: Seen, us: float) -> str:
    return next(str(n[2]) for n in reversed(seen.notes) if n[0] <= us and n[1] == "injected" and n[2] in STORE_KINDS)


def _locked(seen: Seen, verdict: Verdict, cut_us: float) -> None:
    """A motor session that the power was cut in counts as a whole one: no other is armed in the half hour after it,
    whatever has happened to what was kept."""
    programme = seen.plan["programme"]
    armed = [note[0] for note in seen.of("answered") if note[0] <= cut_us and note[3] == "arm" and note[4]]
    motor = programme["effect"] == "motor" and programme["electrode"]["kind"] != "dummy"
    if not motor or not armed or cut_us - armed[-1] < ARMED_US or not seen.enabled(cut_us - 1):
        return
    for note in seen.of("answered"):
        if note[0] > cut_us and note[3] == "arm" and note[4]:
            verdict.undetected.append(
                f"armed at {note[0] / 1e3:.1f} ms after a motor session that was cut at {cut_us / 1e3:.1f} ms"
            )


# ---- accepted, undisturbed, and yet impossible ----


def _impossible(seen: Seen) -> Iterator[str]:
    """What a device has accepted it can do: with nothing broken, it ends in no fault, in no reset, and in no lost host
    while its host is there."""
    if any(note[2] not in HARMLESS for note in seen.of("injected")) or not any(seen.of("accepted")):
        return
    for note in seen.of("said"):
        if note[2] == "FAULT":
            yield f"accepted and undisturbed, and fault {note[3]} at {note[0] / 1e3:.1f} ms"
            return
        if note[4] == "host lost":
            yield f"ended for a lost host by {note[0] / 1e3:.1f} ms, and its host was there"
            return
    for note in seen.of("host"):
        yield f"accepted and undisturbed, and the host tools gave up at {note[0] / 1e3:.1f} ms: {note[2]}"
    for note in seen.of("down"):
        yield f"accepted and undisturbed, and down ({note[2]}) at {note[0] / 1e3:.1f} ms"


# From when on a fault shows, and when it has to be reported; None: it need not be.

Onset = tuple[float, float] | None


def _row(
    seen: Seen,
    us: float,
    what: dict[str, Any],
    shows: Callable[[Pulse], bool],
    count: int = IN_A_ROW,
    until: float = float("inf"),
) -> Onset:
    """`count` pulses in a row, of the channel that it happened on, that show it."""
    run: list[Pulse] = []
    for pulse in seen.pulses:
        if pulse.channel != what.get("channel", 0) or pulse.start_us < us + SETTLE_US or pulse.cut:
            continue
        if pulse.start_us > until:
            return None
        run = [*run, pulse] if shows(pulse) else []
        if len(run) == count:
            return run[0].start_us, run[-1].end_us + TURN_US
    return None


def _until_other(seen: Seen, us: float, kinds: tuple[str, ...]) -> float:
    return next((n[0] for n in seen.of("injected") if n[0] > us and n[2] in kinds), float("inf"))


LOADS = (
    "load_open",
    "load_short",
    "load_10k",
    "load_back",
    "sense_stuck",
    "stage_strong",
    "stage_unequal",
    "sense_drift",
)


def _load(seen: Seen, us: float, what: dict[str, Any]) -> Onset:
    if _before(seen, us, ("sense_stuck", "sense_drift", "stage_strong", "stage_unequal")):
        return None
    ohm = what["ohm"]
    until = _until_other(seen, us, LOADS)

    others = [pulse for pulse in seen.pulses if pulse.channel != what.get("channel", 0)]

    def shows(pulse: Pulse) -> bool:
        lacks = pulse.set_ua >= OPEN_SET_UA and min(pulse.a_ua, pulse.b_ua) < 0.98 * OPEN_SHARE * pulse.set_ua
        if lacks or any(other.start_us < pulse.end_us and pulse.start_us < other.end_us for other in others):
            return lacks  # both in phase: the voltage is nobody's
        if ohm < SHORT_OHM:
            return pulse.set_ua > SHORT_SET_UA
        return pulse.set_ua >= COMPLIANCE_UA and pulse.set_ua * ohm > 1.01 * COMPLIANCE_UV

    return _row(seen, us, what, shows, until=until)


def _before(seen: Seen, us: float, kinds: tuple[str, ...]) -> bool:
    return any(note[0] < us and note[2] in kinds for note in seen.of("injected"))


def _stuck(seen: Seen, us: float, what: dict[str, Any]) -> Onset:
    if _before(seen, us, LOADS):
        return None
    until = _until_other(seen, us, LOADS)
    if abs(what["counts"] - ADC_ZERO) > REST_COUNTS:
        return _row(seen, us, what, lambda _: True, 2, until)
    return _row(seen, us, what, lambda pulse: pulse.set_ua >= OPEN_SET_UA, until=until)


def _drift(seen: Seen, us: float, what: dict[str, Any]) -> Onset:
    if _before(seen, us, ("sense_stuck", "sense_drift", "sense_rest")):
        return None
    seen_us = us + REST_COUNTS * 1e6 / abs(what["counts_per_s"])
    return _row(seen, seen_us, what, lambda _: True, 2, _until_other(seen, us, LOADS))


def _rest(seen: Seen, us: float, what: dict[str, Any]) -> Onset:
    shows = abs(what["counts"]) > REST_COUNTS and not _before(seen, us, LOADS)
    return _row(seen, us, what, lambda _: True, 2, _until_other(seen, us, LOADS)) if shows else None


def _strong(seen: Seen, us: float, what: dict[str, Any]) -> Onset:
    if _before(seen, us, LOADS):
        return None

    def shows(pulse: Pulse) -> bool:
        is_ua = min(pulse.a_ua, pulse.b_ua)
        if pulse.set_ua >= OPEN_SET_UA and max(pulse.a_ua, pulse.b_ua) < 0.98 * OPEN_SHARE * pulse.set_ua:
            return True
        return is_ua - OVER_UA > OVER_SHARE * pulse.set_ua

    return _row(seen, us, what, shows, until=_until_other(seen, us, LOADS))


def _unequal(seen: Seen, us: float, what: dict[str, Any]) -> Onset:
    if _before(seen, us, LOADS):
        return None
    until = _until_other(seen, us, LOADS)
    own = [pulse for pulse in seen.pulses if pulse.channel == what.get("channel", 0) and pulse.live]
    live = [pulse for pulse in own if us <= pulse.start_us < until]
    begin, net = 0, 0.0
    for pulse in live:
        net += pulse.a_nc - pulse.b_nc
        while live[begin].start_us < pulse.start_us - 0.95e6:
            net -= live[begin].a_nc - live[begin].b_nc
            begin += 1
        if net > 1.1 * NET_NC:
            return live[begin].start_us, pulse.end_us + TURN_US
    return None


def _stopped(seen: Seen, us: float, what: dict[str, Any]) -> Onset:
    unwatched = [note[2] for note in seen.of("unwatched") if note[0] <= us]
    if what["us"] > RESET_US + TURN_US and unwatched[-1:] != [1]:
        asked = not _before(seen, us + RESET_US + STATUS_US, HOST_LOST)
        return (us, us + RESET_US + STATUS_US) if asked else None
    if seen.enabled(us) and what["us"] >= 95_000:
        return us, us + what["us"] + TURN_US
    return None


def _opened(seen: Seen, us: float, what: dict[str, Any]) -> Onset:
    fell = any(us <= at <= us + 2 * GUARD_US and not level for at, level in seen.enable)
    said = [note[2] for note in seen.notes if note[0] < us and note[1] in ("said", "down")][-1:]
    return (us, us + TURN_US) if fell or (said in (["ARMED"], ["PAUSED"]) and not _stopping(seen, us)) else None


def _stopping(seen: Seen, us: float) -> bool:
    """A stop was under way: nobody was armed any more, or would not have been when it was looked at."""
    answered = {note[2]: note[0] for note in seen.of("answered")}
    return any(note[3] == "stop" and note[0] <= us <= answered.get(note[2], us) + TURN_US for note in seen.of("sent"))


def _back(seen: Seen, us: float, what: dict[str, Any]) -> Onset:
    return us, us + TURN_US


def _ahead(seen: Seen, us: float, what: dict[str, Any]) -> Onset:
    return (us, us + TURN_US) if seen.enabled(us) else None


MUST: dict[str, Callable[[Seen, float, dict[str, Any]], Onset]] = {
    "load_open": _load, "load_short": _load, "load_10k": _load, "sense_stuck": _stuck, "sense_drift": _drift,
    "sense_rest": _rest, "stage_strong": _strong, "stage_unequal": _unequal, "cpu_stop": _stopped,
    "stop_bounces": _opened, "clock_back": _back, "clock_ahead": _ahead, "enable_low": _ahead,
}  # fmt: skip
