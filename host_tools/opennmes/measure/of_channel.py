"""Judges one channel of a capture: its phases, their order, their times, their number."""

from __future__ import annotations

import itertools

from opennmes.measure import names, ramps
from opennmes.measure.case import Case, Worst
from opennmes.measure.claims import FAILED, PASSED, UNCLEAR, Claim, Durations, counted, us_in_words
from opennmes.measure.expected import ExpectedChannel
from opennmes.measure.matching import PAUSE_LEAST_PS
from opennmes.measure.placing import Placed, due_of_silent, ends_within, known_ps, span_ps
from opennmes.measure.seen import PS_PER_US, SeenChannel, SeenPulse


def of_channel(case: Case, asked: ExpectedChannel) -> list[Claim]:
    """All claims of a channel that the prescription uses."""
    each = case.placed.get(asked.index)
    if each is None:
        return [_nothing(case, asked)]
    return [
        *_shapes(case, each),
        _overlap(case, each),
        _order(case, each),
        *_times(case, each),
        _count(case, each),
        ramps.claim(each.index, each.channel, case.expected, list(each.pairs()), case.seen.begin_ps),
    ]


def _nothing(case: Case, asked: ExpectedChannel) -> Claim:
    seen = case.seen.channels.get(asked.index)
    words = counted(len(asked.pulses), "pulse")
    if seen is None or not seen.has_a:
        role = f"{names.PHASE_A}_{asked.index}"
        why = f"{role} is not in the capture, and without it nothing can be said: --signal {role}=NAME"
        return Claim("all of it", asked.index, words, "not captured", "", UNCLEAR, why=why)
    if seen.cut is not None:
        why = "the capture has a pulse that began before it, and no other: capture for longer"
        return Claim("count", asked.index, words, "part of one", "", UNCLEAR, why=why)
    other = next(iter(case.placed.values()), None)
    if other is None:
        why = "no pulse came: was the session started, and are the signals the right ones?"
        return Claim("count", asked.index, words, "0", "0", UNCLEAR, why=why)
    if due := due_of_silent(asked, other, case.bounds):
        why = f"no pulse came, and channel {other.index} has some: {due} were due in the capture"
        return Claim("count", asked.index, words, "0", "0", FAILED, why=why)
    why = "none was due in the capture" if case.part else "the capture ends before its first pulse"
    return Claim("count", asked.index, words, "0", "0", PASSED if case.part else UNCLEAR, why=why)


def _shapes(case: Case, each: Placed) -> list[Claim]:
    bounds = case.bounds
    a, gap, b = Durations(bounds), Durations(bounds), Durations(bounds)
    ratio = next((p.width_b_us // p.width_a_us for p in each.asked), 1)
    equal = Durations(bounds, steps=1 + max(p.width_b_us // p.width_a_us for p in each.asked))
    least_ps = most_ps = 0
    end_ps = case.seen.end_ps
    for number, (pulse, asked) in enumerate(each.pairs()):
        for found, span, us in ((a, pulse.a, asked.width_a_us), (b, pulse.b, asked.width_b_us)):
            if (ps := known_ps(span, us, bounds, end_ps)) is not None:
                found.add(ps, us, number)
        if pulse.a and pulse.b and pulse.a[1] is not None:
            gap.add(pulse.b[0] - pulse.a[1], asked.gap_us, number)
        a_ps, b_ps = span_ps(pulse.a), span_ps(pulse.b)
        if a_ps is not None and b_ps is not None:
            times = asked.width_b_us // asked.width_a_us
            equal.add(b_ps - times * a_ps, 0, number)
            least_ps, most_ps = min(least_ps, b_ps - times * a_ps), max(most_ps, b_ps - times * a_ps)
    lacks_b = "" if each.seen.has_b else f"phase_b_{each.index} is not in the capture"
    against = "B less A" if ratio == 1 else "B less A times the ratio"
    compared = case.durations(each, against, equal, lacks_b)
    return [
        case.durations(each, "phase A", a),
        case.durations(each, "gap", gap, lacks_b),
        case.durations(each, "phase B", b, lacks_b),
        compared,
    ]


def _overlap(case: Case, each: Placed) -> Claim:
    if not each.seen.whole:
        why = f"phase_b_{each.index} is not in the capture"
        return Claim("overlaps of A and B", each.index, "0", "not captured", "0", UNCLEAR, why=why)
    overlaps = each.seen.overlaps
    shorter = f"shorter than {us_in_words(case.seen.sampling.period_ps)} would not be seen"
    if not overlaps:
        return Claim("overlaps of A and B", each.index, "0", "0", "0", PASSED, len(each.seen.pulses), shorter)
    at_ps, most_ps = max(overlaps, key=lambda overlap: overlap[1])
    near = min(each.seen.pulses, key=lambda pulse: abs(pulse.start_ps - at_ps), default=None)
    if near is not None:
        case.look_at(float("inf"), Worst(each.index, near, None, "both phases at once"))
    why = f"both phases were high at once, for up to {us_in_words(most_ps)}"
    measured = str(len(overlaps))
    return Claim(
        "overlaps of A and B", each.index, "0", measured, "0", FAILED, len(each.seen.pulses), why, case.at_s(at_ps)
    )


def _order(case: Case, each: Placed) -> Claim:
    """Phase A, then phase B, from the first pulse of the capture to the last; after a rest as well."""
    name, asked_words = "order: A, then B", "each pulse"
    if not each.seen.whole:
        why = f"phase_b_{each.index} is not in the capture"
        return Claim(name, each.index, asked_words, "not captured", "", UNCLEAR, why=why)
    asked_by = dict(each.matching.pairs)
    wrong: list[tuple[int, SeenPulse, str]] = []
    for i, pulse in enumerate(each.seen.pulses):
        if pulse.a is None:
            wrong.append((i, pulse, "B without A"))
        elif pulse.b is None:
            asked = each.asked[asked_by[i]] if i in asked_by else None
            if asked is None or not ends_within(pulse, asked, case.bounds, case.seen.end_ps):
                wrong.append((i, pulse, "A without B"))
    count = len(each.seen.pulses)
    if wrong:
        i, pulse, text = wrong[0]
        asked = each.asked[asked_by[i]] if i in asked_by else None
        case.look_at(1e9, Worst(each.index, pulse, asked, text))
        swapped = _look_swapped(case, each)
        hint = f"; phase_a_{each.index} and phase_b_{each.index} look swapped" if swapped else ""
        why = f"{text} in {len(wrong)} of {count}{hint}"
        return Claim(
            name, each.index, asked_words, f"{count - len(wrong)} of {count}", "", FAILED, count, why,
            case.at_s(pulse.start_ps),
        )  # fmt: skip
    if cut_wrong := each.cut_is_wrong(case.bounds):
        return Claim(name, each.index, asked_words, "", "", FAILED, count, cut_wrong, 0.0)
    if each.seen.cut is not None and each.cut_asked() is None:
        why = "the capture begins in a pulse that the prescription does not have before its first one"
        return Claim(name, each.index, asked_words, "", "", UNCLEAR, count, why, 0.0)
    return Claim(name, each.index, asked_words, f"{count} of {count}", "", PASSED, count)


def _look_swapped(case: Case, each: Placed) -> bool:
    """Whether each phase B comes first, and its phase A a gap later."""
    longest_ps = 1.01 * max(pulse.gap_us for pulse in each.asked) * PS_PER_US + case.bounds.step_ps
    turned = sum(
        first.a is None and first.b is not None and first.b[1] is not None and second.a is not None
        and second.a[0] - first.b[1] <= longest_ps
        for first, second in itertools.pairwise(each.seen.pulses)
    )  # fmt: skip
    return turned * 4 > len(each.seen.pulses)


def _times(case: Case, each: Placed) -> list[Claim]:
    """Each pulse against the one before, the first of its train, and the first of all."""
    kinds = {name: Durations(case.bounds) for name in ("period", "rest", "time in the train", "begin of trains")}
    train = first = 0  # numbers of pairs
    for number in range(1, len(each.matching.pairs)):
        asked = each.pair(number)[1]
        if number in each.pauses:
            train = first = number
            continue

        def since(name: str, other: int, number: int = number) -> None:
            (now, asked_now), (then, asked_then) = each.pair(number), each.pair(other)
            kinds[name].add(now.start_ps - then.start_ps, asked_now.at_us - asked_then.at_us, number)

        if asked.train == each.pair(number - 1)[1].train:
            since("period", number - 1)
            if train < number - 1:
                since("time in the train", train)
        else:
            since("rest", number - 1)
            if first < number - 1:
                since("begin of trains", first)
            train = number
    if len(each.asked) > 1 and not any(durations.judged for durations in kinds.values()):
        why = "there is one pulse only: capture for longer"
        return [Claim("period", each.index, "", "none", "", UNCLEAR, why=why)]
    return [case.durations(each, name, durations) for name, durations in kinds.items() if durations.judged]


def _count(case: Case, each: Placed) -> Claim:
    matching, bounds = each.matching, case.bounds
    total, seen = len(each.asked), len(each.seen.pulses)
    first, last = matching.pairs[0][1] + 1, matching.pairs[-1][1] + 1
    asked_words = f"{total}" if last - first + 1 == total else f"{last - first + 1} ({first} to {last} of {total})"
    failed: list[str] = []
    unclear: list[str] = []
    at_ps: int | None = None
    if matching.extra:
        extra = each.seen.pulses[matching.extra[0]]
        at_ps = extra.start_ps
        text = f"{counted(len(matching.extra), 'pulse')} too many"
        if _after_the_end(case, each, extra):
            unclear.append(f"{text}, long after the programme's end: was another session begun? Capture one alone")
        else:
            failed.append(text)
        case.look_at(1e6, Worst(each.index, extra, None, "a pulse that was not asked"))
    if matching.missing:
        failed.append(f"{counted(len(matching.missing), 'pulse')} missing")
        if at_ps is None:
            at_ps = _after_missing(each)
    others = [other for other in case.placed.values() if other is not each]
    before, after = each.lacks_before(bounds), each.lacks_after(bounds)
    for lacks, where, impossible, question in (
        (before, "before the first one", each.begins_too_late, "was the session paused then?"),
        (after, "after the last one", each.ends_too_soon, "was the session stopped?"),
    ):
        if not lacks:
            continue
        text = f"{counted(lacks, 'pulse')} due {where} did not come"
        if reason := impossible(others, bounds):
            failed.append(f"{text} {reason}")
        else:
            unclear.append(f"{text}: {question}")
    if case.paused:
        unclear.append("nothing came for a while, and then it went on: was the session paused?")
    if each.seen.cut is not None and each.cut_asked() is None:
        unclear.append("the capture begins in a pulse that has no place in the prescription")
    if not (each.from_the_first_to_the_last or case.part or before or after):
        unclear.append(
            "not the whole session is in the capture; --part judges what is there"
            if last - first + 1 < total
            else "the capture ends, or begins, in a pulse"
        )
    verdict = FAILED if failed else UNCLEAR if unclear else PASSED
    why = "; ".join(failed + unclear)
    if verdict == PASSED and not each.from_the_first_to_the_last:
        why = "a part of the session"
    at_s = None if at_ps is None else case.at_s(at_ps)
    return Claim("count", each.index, asked_words, f"{seen}", "0", verdict, seen, why, at_s)


def _after_the_end(case: Case, each: Placed, pulse: SeenPulse) -> bool:
    """Whether a pulse comes so long after the programme's end that it may be of another session."""
    last, at = each.pair(-1)
    if each.matching.pairs[-1][1] < len(each.asked) - 1:
        return False
    left_us = max(0, case.expected.duration_us - at.at_us)
    return pulse.start_ps > last.start_ps + left_us * PS_PER_US * case.bounds.high + PAUSE_LEAST_PS


def _after_missing(each: Placed) -> int | None:
    lacking = each.matching.missing[0]
    return next((each.seen.pulses[i].start_ps for i, k in each.matching.pairs if k > lacking), None)


def of_unused(case: Case, index: int, channel: SeenChannel) -> Claim:
    """Whether a channel that the prescription does not use stayed at rest."""
    count = len(channel.pulses) + (channel.cut is not None)
    why = f"the prescription does not use channel {index}" if count else ""
    at_s = case.at_s(channel.pulses[0].start_ps) if channel.pulses else None
    if channel.pulses:
        case.look_at(1e9, Worst(index, channel.pulses[0], None, "a pulse on a channel that is not used"))
    if not count and not channel.whole:
        why = "one of its phases is not in the capture"
    verdict = FAILED if count else PASSED
    return Claim("rests, as it is not used", index, "0", str(count), "0", verdict, 0, why, at_s)
