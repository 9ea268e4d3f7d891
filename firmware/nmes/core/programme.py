"""A programme: what a prescription asks of the device, in integers. Checked as a whole before anything is armed.

As data it is a dictionary (the link carries it as JSON):

    {"title": …, "effect": "motor" | "sensory",
     "electrode": {"kind": "probe" | "pads" | "dummy", "area_mm2": …, "max_current_ua": …},
     "max_current_ua": …, "person": {"max_current_ua": …}, "phases": [{"name": …, "rate_mhz": …, …}, …],
     "channels": [{"channel": 0, "delay_us": 0}, {"channel": 1, "delay_us": …, "phases": [own, …]}],
     "trigger": {what starts the contractions instead of time: core/trigger.py}}

`channels` may be left out (then it is channel 0 alone), and so may the electrode's own maximum, `person`, the fields of
a phase that have a default in PHASE_FIELDS, `change`, and `trigger`. All channels run `phases`, save those that have
their own. The CRC-32 names the data as they were given.

A phase works and rests in turns for `duration_ms`; with `work_ms` 0 it is one continuous train. Work includes its
ramps. Work that would not end within the phase is not begun, and before another phase neither is a pulse whose interval
would not.
"""

import binascii

from nmes.core import frame, limits, pulse
from nmes.core.phase import (
    BURST_RATE_LEAST_MHZ,
    CHANGE_LEAST_MS,
    CHANGES,
    DUMMY,
    ENGINE,
    OR_ZERO,
    PHASE_FIELDS,
    RATES_TOGETHER_MOST_MHZ,
    Phase,
    bounds,
)
from nmes.core.reason import Reasons, Refused, check_int, is_int, printable, reason

KINDS = ("probe", "pads", DUMMY)
EFFECTS = ("motor", "sensory")
PHASES_MAX = 8
CHANNELS_MAX = 2
DELAY_MAX_US = 30_000_000
TITLE_MAX = 60
NAME_MAX = 20
RATIOS_MOST = 10  # the least common multiple of a channel's ratios: intensity goes in so many levels at a time
# The engine counts the rest after a train's last pulse, and the device's integers end at 30 bits.
_TAIL_MOST_MS = 900_000

_ENVELOPE = "OpenNMES envelope"
_GUARD = "guard: the session's longest phase"
_SAMPLER = "sampler: the session's shortest phase"
_TWO_SAMPLED = "sampler: two channels"
_LINK = "link: the longest line"
_TWO_SAMPLED_LEAST_US = 14  # see hal/rp2/sampler.py

AREA_MM2 = (100, 20_000)
CURRENT_UA = (1, limits.CURRENT_MAX_UA)


def _common_multiple(numbers):
    multiple = 1
    for number in numbers:
        a, b = multiple, number
        while b:
            a, b = b, a % b
        multiple = multiple // a * number
    return multiple


def _plain(made):
    return tuple([value for value in made.__dict__.values() if not isinstance(value, list)])


class Channel:
    """One channel of a programme: `phases` one after the other, from `delay_us` after the session's begin."""

    def __init__(self, index, delay_us, phases):
        self.index = index
        self.delay_us = delay_us
        self.phases = phases
        self.ratio = _common_multiple([p.ratio for p in phases])
        self.duration_ms = (delay_us + 999) // 1000 + sum([p.duration_ms for p in phases])
        self.pulses = sum([p.pulses * p.trains for p in phases])

    def facts(self):
        """What is a number of it, and how many phases there are."""
        return _plain(self) + (len(self.phases),)


def _in_order(rows):
    """The phases of a list, each knowing whether another one follows."""
    return [Phase(rows[i]["name"], rows[i], i + 1 < len(rows)) for i in range(len(rows))]


class Programme:
    """A programme of the right shape. Whether its currents are allowed is `limits.check`'s to say."""

    def __init__(self, data):
        self.title = data["title"]
        self.effect = data["effect"]
        self.kind = data["electrode"]["kind"]
        self.area_mm2 = data["electrode"]["area_mm2"]
        self.electrode_max_ua = data["electrode"].get("max_current_ua")  # None: not given
        self.max_current_ua = data["max_current_ua"]
        self.person_max_ua = data["person"]["max_current_ua"] if "person" in data else None
        self.trigger = data.get("trigger")
        self.phases = _in_order(data.get("phases", ()))  # of all channels, each once
        shared = list(self.phases)
        self.channels = []
        for row in data.get("channels", DEFAULT_CHANNELS):
            phases = shared
            if "phases" in row:
                phases = _in_order(row["phases"])
                self.phases += phases
            self.channels.append(Channel(row["channel"], row["delay_us"], phases))
        self.longest_us = max([p.widest_us * p.ratio for p in self.phases])
        self.shortest_us = min([p.narrowest_us for p in self.phases])
        self.duration_ms = max([c.duration_ms for c in self.channels])
        self.pulses = sum([c.pulses for c in self.channels])

    def facts(self):
        """What is a number or a text of it, and how many channels there are."""
        return _plain(self) + (len(self.channels),)


class Adjusted:
    """`of`, a programme, whose channels have other phases by now. `phases` has what is new in it: `phase` alone."""

    def __init__(self, of, phase, phases):
        self.effect = of.effect
        self.kind = of.kind
        self.area_mm2 = of.area_mm2
        self.electrode_max_ua = of.electrode_max_ua
        self.trigger = of.trigger
        self.phases = [phase]
        self.channels = [Channel(c.index, c.delay_us, own) for c, own in zip(of.channels, phases)]
        self.longest_us = of.longest_us
        self.shortest_us = of.shortest_us
        self.duration_ms = of.duration_ms


DEFAULT_CHANNELS = ({"channel": 0, "delay_us": 0},)


def _check_keys(reasons, parameter, data, wanted, phase=None, optional=()):
    if not isinstance(data, dict):
        reasons.append(reason("not_a_table", parameter, data, "a table of " + ", ".join(wanted), _ENVELOPE, phase))
        return False
    whole = True
    for key in wanted:
        if key not in data:
            reasons.append(reason("missing", parameter + key, None, "a value", _ENVELOPE, phase))
            whole = False
    for key in data:
        if key not in wanted and key not in optional:
            whole = False
            if reasons.full:
                reasons.more += 1
                continue
            reasons.append(reason("unknown", parameter + str(key), data[key], "no such field", _ENVELOPE, phase))
    return whole


def _check_current(reasons, parameter, value):
    check_int(reasons, parameter, value, CURRENT_UA[0], CURRENT_UA[1], _ENVELOPE)


def _check_text(reasons, parameter, value, most, phase=None):
    if not isinstance(value, str) or not 1 <= len(value) <= most or printable(value) != value:
        reasons.append(reason("not_a_text", parameter, value, "1 to %d printable characters" % most, _ENVELOPE, phase))


_REQUIRED = ("name",) + tuple([field for field in PHASE_FIELDS if PHASE_FIELDS[field][3] is None])
_OPTIONAL = ("change",) + tuple([field for field in PHASE_FIELDS if PHASE_FIELDS[field][3] is not None])


def _check_phase(reasons, data, label, kind, followed):
    if not _check_keys(reasons, label + ".", data, _REQUIRED, label, _OPTIONAL):
        return
    name = data["name"]
    _check_text(reasons, "name", name, NAME_MAX, label)
    if isinstance(name, str):
        label = name
    whole = True
    for field in PHASE_FIELDS:
        given = data.get(field, bounds(field, kind)[3])
        if field in OR_ZERO and is_int(given) and given == 0:
            continue
        least, most, source, _ = bounds(OR_ZERO.get(field, field), kind)
        whole &= check_int(reasons, field, given, least, most, source, label)
    change = data.get("change", "none")
    if change not in CHANGES:
        reasons.append(reason("not_a_choice", "change", change, " or ".join(CHANGES), ENGINE, label))
        whole = False
    if not whole or not _pattern_fits(reasons, data, change, label):
        return
    phase = Phase(name, data, followed)
    dummy = kind == DUMMY
    ramps_ms = phase.ramp_up_ms + phase.ramp_down_ms
    if phase.span_ms < ramps_ms:
        reasons.append(reason("ramps_do_not_fit", "work_ms", phase.span_ms, ramps_ms, _ENVELOPE, label))
    if not phase.work_ms and phase.rest_ms:
        reasons.append(reason("rest_without_work", "rest_ms", phase.rest_ms, 0, _ENVELOPE, label))
    if phase.work_ms and phase.work_ms < 1_000 and not dummy:
        reasons.append(reason("below_range", "work_ms", phase.work_ms, 1_000, _ENVELOPE, label))
    if phase.trains < 1:
        reasons.append(reason("work_does_not_fit", "duration_ms", phase.duration_ms, phase.train_ms, _ENVELOPE, label))
    if phase.pulses > phase.pulses_in_time:
        reasons.append(reason("pulses_do_not_fit", "pulses", phase.pulses, phase.pulses_in_time, ENGINE, label))
    if phase.trains > 1 and phase.busy_us > phase.cycle_ms * 1000:
        # The last pulse of a train needs its whole period, or each train would begin later than the one before.
        least_ms = (phase.busy_us + 999) // 1000 - phase.work_ms
        reasons.append(reason("trains_overlap", "rest_ms", phase.rest_ms, least_ms, ENGINE, label))
    if phase.train_ms - phase.span_ms > _TAIL_MOST_MS:
        most_ms = phase.span_ms + _TAIL_MOST_MS
        reasons.append(reason("above_range", "duration_ms", phase.duration_ms, most_ms, ENGINE, label))
    if phase.ratio * phase.widest_us > pulse.WIDTH_MAX_US:
        most = pulse.WIDTH_MAX_US // phase.widest_us
        reasons.append(reason("second_phase_too_long", "ratio", phase.ratio, most, ENGINE, label))


def _pattern_fits(reasons, data, change, label):
    """Whether bursts and changes are whole, and one of them at most. What is not could not be walked through."""
    before = len(reasons)
    burst, burst_rate_mhz = data.get("burst_pulses", 0), data.get("burst_rate_mhz", 0)
    changes = {field: data.get(field, 0) for field in ("rate_to_mhz", "width_to_us", "change_ms")}
    if change == "none":
        for field, value in changes.items():
            if value:
                reasons.append(reason("without_change", field, value, "sweep or alternate", ENGINE, label))
    else:
        if burst:
            reasons.append(reason("burst_and_change", "burst_pulses", burst, 0, ENGINE, label))
        if not changes["rate_to_mhz"] and not changes["width_to_us"]:
            reasons.append(reason("change_of_nothing", "change", change, "another rate or width", ENGINE, label))
        if changes["change_ms"] < CHANGE_LEAST_MS:
            reasons.append(reason("below_range", "change_ms", changes["change_ms"], CHANGE_LEAST_MS, ENGINE, label))
    if burst or burst_rate_mhz:
        if burst < 2:
            reasons.append(reason("below_range", "burst_pulses", burst, 2, ENGINE, label))
        if burst_rate_mhz < BURST_RATE_LEAST_MHZ:
            reasons.append(reason("below_range", "burst_rate_mhz", burst_rate_mhz, BURST_RATE_LEAST_MHZ, ENGINE, label))
        elif pulse.period_us(burst_rate_mhz) < burst * pulse.period_us(data["rate_mhz"]):
            most_mhz = data["rate_mhz"] // max(1, burst)
            reasons.append(reason("bursts_overlap", "burst_rate_mhz", burst_rate_mhz, most_mhz, ENGINE, label))
    return len(reasons) == before


def _check_phases(reasons, phases, parameter, kind):
    if not isinstance(phases, (list, tuple)) or not 1 <= len(phases) <= PHASES_MAX:
        reasons.append(reason("not_a_list", parameter, None, "1 to %d phases" % PHASES_MAX, _ENVELOPE))
        return
    for index in range(len(phases)):
        _check_phase(reasons, phases[index], "%s[%d]" % (parameter, index), kind, index + 1 < len(phases))


def _check_channels(reasons, channels, kind):
    """Returns whether any channel runs the programme's common phases."""
    if not isinstance(channels, (list, tuple)) or not 1 <= len(channels) <= CHANNELS_MAX:
        reasons.append(reason("not_a_list", "channels", None, "1 to %d channels" % CHANNELS_MAX, ENGINE))
        return True
    common, seen = False, []
    for index in range(len(channels)):
        row, label = channels[index], "channels[%d]" % index
        if not _check_keys(reasons, label + ".", row, ("channel", "delay_us"), None, ("phases",)):
            common = True
            continue
        check_int(reasons, label + ".channel", row["channel"], 0, CHANNELS_MAX - 1, ENGINE)
        check_int(reasons, label + ".delay_us", row["delay_us"], 0, DELAY_MAX_US, ENGINE)
        if row["channel"] in seen:
            reasons.append(reason("twice", label + ".channel", row["channel"], "each channel once", ENGINE))
        seen.append(row["channel"])
        if "phases" in row:
            _check_phases(reasons, row["phases"], label + ".phases", kind)
        else:
            common = True
    return common


def _check_whole(reasons, made):
    """What no phase can say for itself."""
    for phase in made.phases:
        shortest_us = pulse.shortest_period_us(
            phase.widest_us, phase.gap_us, phase.widest_us * phase.ratio, made.longest_us
        )
        if phase.shortest_period_us < shortest_us:
            most_mhz = 1_000_000_000 // shortest_us
            reasons.append(reason("pulse_does_not_fit", "rate_mhz", phase.fastest_mhz, most_mhz, ENGINE, phase.name))
    if len(made.channels) > 1 and made.shortest_us < _TWO_SAMPLED_LEAST_US:
        bound_us = _TWO_SAMPLED_LEAST_US
        reasons.append(reason("narrower_than_sampled", "width_us", made.shortest_us, bound_us, _TWO_SAMPLED))
    together_mhz = sum([max([phase.fastest_mhz for phase in channel.phases]) for channel in made.channels])
    if together_mhz > RATES_TOGETHER_MOST_MHZ and len(made.channels) > 1:
        bound_mhz = RATES_TOGETHER_MOST_MHZ
        reasons.append(reason("rates_too_fast_together", "rate_mhz", together_mhz, bound_mhz, ENGINE))
    for channel in made.channels:
        if channel.ratio > RATIOS_MOST:
            reasons.append(reason("ratios_differ", "ratio", channel.ratio, "a common multiple of at most 10", ENGINE))


def load_request(data, seq, host):
    """The request that brings `data` to the device."""
    return {"seq": seq, "cmd": "load", "host": host, "programme": data}


def _check_line(reasons, data):
    """What no line can carry never reaches the device, whoever sends it with whatever numbers."""
    bytes_asked = frame.length(load_request(data, frame.SEQ_MAX, frame.HOST_MAX))
    if bytes_asked > frame.LINE_MAX:
        bound = "%d bytes: fewer phases, or shorter names" % frame.LINE_MAX
        reasons.append(reason("too_large", "programme", "%d bytes" % bytes_asked, bound, _LINK))


def parse(data):
    """Make a Programme of its data. Raises Refused with every reason found; decides shape, not currents."""
    reasons = Reasons()
    wanted: tuple = ("title", "effect", "electrode", "max_current_ua")
    if not isinstance(data, dict) or "channels" not in data or "phases" in data:
        wanted += ("phases",)
    if _check_keys(reasons, "", data, wanted, None, ("phases", "channels", "person", "trigger")):
        _check_text(reasons, "title", data["title"], TITLE_MAX)
        if data["effect"] not in EFFECTS:
            reasons.append(reason("not_a_choice", "effect", data["effect"], " or ".join(EFFECTS), _ENVELOPE))
        electrode = data["electrode"]
        kind = None
        if _check_keys(reasons, "electrode.", electrode, ("kind", "area_mm2"), None, ("max_current_ua",)):
            kind = electrode["kind"]
            if kind not in KINDS:
                reasons.append(reason("not_a_choice", "electrode.kind", kind, " or ".join(KINDS), _ENVELOPE))
            check_int(reasons, "electrode.area_mm2", electrode["area_mm2"], AREA_MM2[0], AREA_MM2[1], _ENVELOPE)
            if "max_current_ua" in electrode:
                _check_current(reasons, "electrode.max_current_ua", electrode["max_current_ua"])
        _check_current(reasons, "max_current_ua", data["max_current_ua"])
        if "person" in data and _check_keys(reasons, "person.", data["person"], ("max_current_ua",)):
            _check_current(reasons, "person.max_current_ua", data["person"]["max_current_ua"])
        common = _check_channels(reasons, data["channels"], kind) if "channels" in data else True
        if "phases" in data:
            _check_phases(reasons, data["phases"], "phases", kind)
            if not common:
                reasons.append(reason("unused", "phases", data["phases"], "a channel that runs them", _ENVELOPE))
        elif common:
            reasons.append(reason("missing", "phases", None, "a value", _ENVELOPE))
        if "trigger" in data:
            from nmes.core import trigger  # few programmes have one, and a stock MicroPython has little room

            trigger.check(reasons, data["trigger"])
    if reasons:
        raise Refused(reasons)
    _check_line(reasons, data)
    made = Programme(data)
    _check_whole(reasons, made)
    if made.trigger:
        trigger.check_whole(reasons, made, _TWO_SAMPLED_LEAST_US)
    if reasons:
        raise Refused(reasons)
    return made


def accept(data, stage):
    """Parse and check `data` for the output stage `stage` (a dictionary of boards/stages). The one way to acceptance.

    Returns the Programme. Raises Refused with every reason.
    """
    parsed = parse(data)
    reasons = limits.check(parsed, stage, parsed.max_current_ua)
    if reasons:
        raise Refused(reasons)
    return parsed


def adjust(running, old, rate_mhz, width_us, planned, stage, current_ua):
    """The phase `old` of `running`, an accepted programme, with another rate and width. `planned(phase)` are the phases
    of each of the programme's channels if it were so.

    Accepted like a programme, with peaks of `current_ua`; and guard and sampler, which know the session's longest and
    shortest phase, must be right for it. Raises Refused with every reason.
    """
    reasons = Reasons()
    if old.change != "none" or old.burst_pulses:
        reasons.append(reason("not_plain", "phase", old.name, "a phase without bursts and changes", ENGINE, old.name))
        raise Refused(reasons)
    fields = dict(old.fields)
    fields["rate_mhz"] = rate_mhz
    fields["width_us"] = width_us
    _check_phase(reasons, fields, old.name, running.kind, old.followed)
    if reasons:
        raise Refused(reasons)
    phase = Phase(old.name, fields, old.followed)
    if fields.get("pulses") and rate_mhz != old.rate_mhz:
        # Its ramps are laid out for the time that so many pulses take.
        reasons.append(reason("exact_number", "rate_mhz", rate_mhz, old.rate_mhz, ENGINE, old.name))
    if width_us * phase.ratio > running.longest_us:
        most_us = running.longest_us // phase.ratio
        reasons.append(reason("wider_than_guarded", "width_us", width_us, most_us, _GUARD, old.name))
    if width_us < running.shortest_us:
        reasons.append(reason("narrower_than_sampled", "width_us", width_us, running.shortest_us, _SAMPLER, old.name))
    whole = Adjusted(running, phase, planned(phase))
    _check_whole(reasons, whole)
    reasons.extend(limits.check(whole, stage, current_ua))
    if reasons:
        raise Refused(reasons)
    return phase


def canonical(data):
    """The text, in UTF-8, whose CRC-32 names a programme: the same on both sides, whatever order JSON kept the keys in.

    A text carries its length in characters, because the interpreters quote and escape differently.
    """
    pieces = [b""]
    spell(data, pieces.append)
    return b"".join(pieces)


def spell(data, take, before=b""):
    """Give `before` and the canonical text piece by piece to `take`: a small heap has no room for all of it at once."""
    # All in bytes: each str that is made is looked for among all names that a board knows, which takes it 60 us.
    if isinstance(data, str):
        take(before + b"%d:" % len(data))
        take(data.encode())
    elif type(data) is int:  # True is none: it has a word
        take(before + b"%d" % data)
    elif isinstance(data, dict):
        before += b"{"
        for key in sorted(data):
            spell(key, take, before)
            spell(data[key], take)
            before = b","
        take(b"}" if data else before + b"}")
    elif isinstance(data, (list, tuple)):
        before += b"["
        for item in data:
            spell(item, take, before)
            before = b","
        take(b"]" if data else before + b"]")
    else:
        take(before + str(data).encode())


def crc(data, found=0):
    """The CRC-32 that names a programme; with `found` that of what came before, the one of both."""

    def take(piece):
        nonlocal found
        found = binascii.crc32(piece, found)

    spell(data, take)
    return found & 0xFFFFFFFF
