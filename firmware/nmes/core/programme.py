"""A programme: what a prescription asks of the device, in integers. Checked as a whole before anything is armed.

As data it is a dictionary (the link carries it as JSON):

    {"title": …, "effect": "motor" | "sensory", "electrode": {"kind": "probe" | "pads", "area_mm2": …},
     "max_current_ua": …, "phases": [{"name": …, "rate_mhz": …, …}, …]}

A phase works and rests in turns for `duration_ms`; with `work_ms` 0 it is one continuous train. Work includes its
ramps. Work that would not end within the phase is not begun.
"""

import binascii

from nmes.core import limits, pulse
from nmes.core.reason import Refused, check_int, printable, reason

KINDS = ("probe", "pads")
EFFECTS = ("motor", "sensory")
PHASES_MAX = 8
TITLE_MAX = 60
NAME_MAX = 20

_ENVELOPE = "OpenNMES envelope"
_ENGINE = "pulse engine"

# field: (least, most, where the bounds come from). All are required; the host fills in defaults when it reads a file.
PHASE_FIELDS = {
    "rate_mhz": (1_000, 150_000, _ENVELOPE),
    "width_us": (50, 500, _ENVELOPE),
    "gap_us": (0, 200, _ENVELOPE),
    "work_ms": (0, 30_000, _ENVELOPE),
    "rest_ms": (0, 120_000, _ENVELOPE),
    "ramp_up_ms": (500, 5_000, _ENVELOPE),
    "ramp_down_ms": (500, 5_000, _ENVELOPE),
    "duration_ms": (1_000, 3_600_000, _ENVELOPE),
}
AREA_MM2 = (100, 20_000)
CURRENT_UA = (1, 100_000)


class Phase:
    """One phase of a programme; attributes are the fields of PHASE_FIELDS and `name`."""

    def __init__(self, name, fields):
        self.name = name
        self.rate_mhz = fields["rate_mhz"]
        self.width_us = fields["width_us"]
        self.gap_us = fields["gap_us"]
        self.work_ms = fields["work_ms"]
        self.rest_ms = fields["rest_ms"]
        self.ramp_up_ms = fields["ramp_up_ms"]
        self.ramp_down_ms = fields["ramp_down_ms"]
        self.duration_ms = fields["duration_ms"]
        self.period_us = pulse.period_us(self.rate_mhz)
        # One train lasts `train_ms`; a new one starts every `cycle_ms`; `trains` of them fit.
        if self.work_ms:
            self.train_ms = self.work_ms
            self.cycle_ms = self.work_ms + self.rest_ms
        else:
            self.train_ms = self.cycle_ms = self.duration_ms
        self.trains = max(0, (self.duration_ms - self.train_ms) // self.cycle_ms + 1)
        # Pulses start at 0, 1, 2 … periods, all before the train's end, and no more than the rate asks for: where the
        # period is rounded down one more would fit.
        fit = (self.train_ms * 1000 - 1) // self.period_us + 1
        self.pulses = min(fit, (self.train_ms * self.rate_mhz + 999_999) // 1_000_000)


class Programme:
    """A programme of the right shape. Whether its currents are allowed is `limits.check`'s to say."""

    def __init__(self, data):
        self.title = data["title"]
        self.effect = data["effect"]
        self.kind = data["electrode"]["kind"]
        self.area_mm2 = data["electrode"]["area_mm2"]
        self.max_current_ua = data["max_current_ua"]
        self.phases = [Phase(p["name"], p) for p in data["phases"]]
        self.longest_us = max([p.width_us for p in self.phases])
        self.shortest_us = min([p.width_us for p in self.phases])
        self.duration_ms = sum([p.duration_ms for p in self.phases])
        self.pulses = sum([p.pulses * p.trains for p in self.phases])


def _check_keys(reasons, parameter, data, wanted, phase=None):
    if not isinstance(data, dict):
        reasons.append(reason("not_a_table", parameter, data, "a table of " + ", ".join(wanted), _ENVELOPE, phase))
        return False
    whole = True
    for key in wanted:
        if key not in data:
            reasons.append(reason("missing", parameter + key, None, "a value", _ENVELOPE, phase))
            whole = False
    for key in data:
        if key not in wanted:
            reasons.append(reason("unknown", parameter + str(key), data[key], "no such field", _ENVELOPE, phase))
            whole = False
    return whole


def _check_text(reasons, parameter, value, most, phase=None):
    if not isinstance(value, str) or not 1 <= len(value) <= most or printable(value) != value:
        reasons.append(reason("not_a_text", parameter, value, "1 to %d printable characters" % most, _ENVELOPE, phase))


def _check_phase(reasons, data, index):
    label = "phases[%d]" % index
    if not _check_keys(reasons, label + ".", data, ("name",) + tuple(PHASE_FIELDS), label):
        return
    name = data["name"]
    _check_text(reasons, "name", name, NAME_MAX, label)
    if isinstance(name, str):
        label = name
    whole = True
    for field, (least, most, source) in PHASE_FIELDS.items():
        whole &= check_int(reasons, field, data[field], least, most, source, label)
    if not whole:
        return
    phase = Phase(name, data)
    ramps_ms = phase.ramp_up_ms + phase.ramp_down_ms
    if phase.train_ms < ramps_ms:
        reasons.append(reason("ramps_do_not_fit", "work_ms", phase.train_ms, ramps_ms, _ENVELOPE, label))
    if not phase.work_ms and phase.rest_ms:
        reasons.append(reason("rest_without_work", "rest_ms", phase.rest_ms, 0, _ENVELOPE, label))
    if phase.work_ms and phase.work_ms < 1_000:
        reasons.append(reason("below_range", "work_ms", phase.work_ms, 1_000, _ENVELOPE, label))
    if phase.trains < 1:
        reasons.append(reason("work_does_not_fit", "duration_ms", phase.duration_ms, phase.train_ms, _ENVELOPE, label))
    if phase.trains > 1 and phase.pulses * phase.period_us > phase.cycle_ms * 1000:
        # The last pulse of a train needs its whole period, or each train would begin later than the one before.
        least_ms = (phase.pulses * phase.period_us + 999) // 1000 - phase.work_ms
        reasons.append(reason("trains_overlap", "rest_ms", phase.rest_ms, least_ms, _ENGINE, label))
    shortest_us = pulse.shortest_period_us(phase.width_us, phase.gap_us, phase.width_us)
    if phase.period_us < shortest_us:
        reasons.append(
            reason("pulse_does_not_fit", "rate_mhz", phase.rate_mhz, 1_000_000_000 // shortest_us, _ENGINE, label)
        )


def parse(data):
    """Make a Programme of its data. Raises Refused with every reason found; decides shape, not currents."""
    reasons: list = []
    if _check_keys(reasons, "", data, ("title", "effect", "electrode", "max_current_ua", "phases")):
        _check_text(reasons, "title", data["title"], TITLE_MAX)
        if data["effect"] not in EFFECTS:
            reasons.append(reason("not_a_choice", "effect", data["effect"], " or ".join(EFFECTS), _ENVELOPE))
        electrode = data["electrode"]
        if _check_keys(reasons, "electrode.", electrode, ("kind", "area_mm2")):
            if electrode["kind"] not in KINDS:
                reasons.append(
                    reason("not_a_choice", "electrode.kind", electrode["kind"], " or ".join(KINDS), _ENVELOPE)
                )
            check_int(reasons, "electrode.area_mm2", electrode["area_mm2"], AREA_MM2[0], AREA_MM2[1], _ENVELOPE)
        check_int(reasons, "max_current_ua", data["max_current_ua"], CURRENT_UA[0], CURRENT_UA[1], _ENVELOPE)
        phases = data["phases"]
        if not isinstance(phases, (list, tuple)) or not 1 <= len(phases) <= PHASES_MAX:
            reasons.append(reason("not_a_list", "phases", None, "1 to %d phases" % PHASES_MAX, _ENVELOPE))
        else:
            for index in range(len(phases)):
                _check_phase(reasons, phases[index], index)
    if reasons:
        raise Refused(reasons)
    return Programme(data)


def accept(data, stage):
    """Parse and check `data` for the output stage `stage` (a dictionary of boards/stages). The one way to acceptance.

    Returns the Programme. Raises Refused with every reason.
    """
    parsed = parse(data)
    reasons = limits.check(parsed, stage, parsed.max_current_ua)
    if reasons:
        raise Refused(reasons)
    return parsed


def canonical(data):
    """The text whose CRC-32 names a programme: the same on both sides, whatever order JSON kept the keys in.

    A text carries its length, because the interpreters quote and escape differently.
    """
    if isinstance(data, dict):
        return "{" + ",".join([canonical(key) + canonical(data[key]) for key in sorted(data)]) + "}"
    if isinstance(data, (list, tuple)):
        return "[" + ",".join([canonical(item) for item in data]) + "]"
    if isinstance(data, str):
        return "%d:%s" % (len(data), data)
    return str(data)


def crc(data):
    """The CRC-32 that names a programme."""
    return binascii.crc32(canonical(data).encode()) & 0xFFFFFFFF
