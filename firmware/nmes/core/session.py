"""The session: a state machine on whole milliseconds. Pure: it is told the time and what the hardware did.

    IDLE -> ARMED -> RUNNING <-> PAUSED, back to IDLE by `stop`, the programme's end or a lost host;
    from each to FAULT, which only a person leaves, by name.

Every way out of RUNNING sets the intensity to zero. Whoever calls moves the hardware.
"""

import binascii

from nmes.core import calibration, checklist, delivery, faults, limits, programme, train
from nmes.core.reason import Refused, printable, reason, refuse

IDLE = "IDLE"
ARMED = "ARMED"
RUNNING = "RUNNING"
PAUSED = "PAUSED"
FAULT = "FAULT"

STEP_MAX_UA = 1_000
STEP_EVERY_MS = 250
RATE_STEP_MOST = 2  # times the rate before: from single twitches to a hard contraction is to take a second or two
HOST_LOST_MS = 2_000
FADE_MS = 1_000
OVER_MOST_MS = 1_000  # what a refill that came too late, or a pause after it, may add to a session's time
_ROUNDED_MS = 4  # a pulse's time, a delay and a lateness are rounded down, and so is the time when the engine began
FAULT_TEXT_MAX = 100

# Why a session ended by itself.
HOST_LOST = "host lost"
COMPLETED = "completed"

STATUS_FIELDS = (
    "state",
    "fault",
    "fault_text",
    "ended",
    "programme_crc",
    "acknowledged",
    "elapsed_ms",
    "duration_ms",
    "phase",
    "part",
    "limit_ua",
    "limit_source",
    "queued",
    "delivered",
    "cancelled",
    "underruns",
    "channels",
)
CHANNEL_FIELDS = (
    "channel",
    "intensity_ua",
    "output_ua",
    "rate_mhz",
    "width_us",
    "queued",
    "delivered",
    "cancelled",
    "underruns",
    "measured_ua",
    "impedance_ohm",
    "net_charge_nc",
)

# Who a session belongs to: a host by the number that `identify` gave it (1 and up), or the device's own, without one.
LOCAL = 0

_OURS = "OpenNMES session"
_ACTIVE = (RUNNING, PAUSED)
_WAITING = (ARMED, PAUSED)  # once: a tuple that `over` made would be allocated each time


def _crc(plain, before):
    """The CRC-32 of numbers, texts and tables of them, after that of what came `before`. Only good for comparing the
    same object with itself; its text is made in C, a hundredth of the time of programme.crc."""
    return binascii.crc32(repr(plain).encode(), before) & 0xFFFFFFFF


def _digest(accepted, calibrations, *facts):
    """CRC-32 of everything that pulses are generated from: a programme, the stage's calibration, and the session's own
    `facts` of both."""
    digest = _crc(facts, _crc(accepted.facts(), 0))
    for corrected in calibrations:
        digest = _crc(corrected.__dict__, digest)
    for channel in accepted.channels:
        digest = _crc(channel.facts(), digest)
        for phase in channel.phases:
            digest = _crc(phase.__dict__, digest)
    return digest


def _data_digest(data):
    """CRC-32 of the programme as it was given: of the same object, so the order of its keys does not matter."""
    digest = 0
    for key, value in data.items():
        digest = _crc(key, digest)
        for part in value if isinstance(value, (list, tuple)) else (value,):
            digest = _crc(part, digest)
    return digest


class Lane:
    """What a session keeps of one channel that its programme uses. `channel` is the programme's, or None."""

    def __init__(self, index, channel):
        self.index = index
        self.ratio = channel.ratio if channel else 1
        self.delay_us = channel.delay_us if channel else 0
        self.delay_ms = self.delay_us // 1000
        self.feed = train.Feed(channel) if channel else None
        self.intensity_ua = 0
        self.failed_ua = 0  # the intensity when the fault came
        self.output_ua = 0
        self.raised_ms = None
        # Of the last pulse, the level of phase A, and the DAC's codes for it; the highest that the limit allows.
        self.level = self.level_ratio = self.code_a = self.code_b = self.code_most = None
        self.queued = 0
        self.cancelled = 0
        self.underruns = 0
        self.slip_ms = 0  # how late its engine is because it was once fed too late, since the last start


class Session:
    """One device's session on the output stage `stage` (a dictionary of boards/stages).

    `lanes` are the channels that the programme uses, by their number; counts are those of all.
    """

    def __init__(self, stage):
        self._stage = stage
        self.state = IDLE
        self.fault = 0
        self.fault_text = ""
        self.fault_ms = 0
        self.failed_in = IDLE  # the state that the fault came in
        self.ended = ""
        self.lasted_ms = 0  # how far the programme had come when the last session ended; kept when it is forgotten
        self.programme = None
        self.programme_crc = 0
        self._data = None
        self.own_most_ua = ()  # of each channel, as the device's settings say it
        self._digest = 0
        self._data_digest = 0
        self.limit_ua = 0
        self.limit_source = ""
        self.level_most = 0
        self.acknowledged = 0
        self.acknowledged_by = None
        self.owner = None  # while ARMED, RUNNING or PAUSED: who armed it
        self.measures = stage["measures"]
        self._level_ua = calibration.level_ua(stage)
        self.calibrate(calibration.nominal(stage))

    def calibrate(self, rows):
        """The stage needs these corrections from now on, {number of the channel as a text: row}, as
        core/calibration.check allows. A loaded programme is forgotten."""
        self._only_in(IDLE, FAULT)
        stage = self._stage
        channels = range(len(stage["calibration"]))
        made = delivery.Delivery if self.measures else delivery.Unmeasured
        calibrations = [calibration.Calibration(stage, c, rows[str(c)]) for c in channels]
        self.deliveries = [made(stage, c, calibrations[c]) for c in channels]
        self.calibrations = calibrations
        self._forget()

    def _clear_run(self, channels=()):
        self.lanes = [Lane(channel.index, channel) for channel in channels]
        self._first = self.lanes[0] if self.lanes else Lane(0, None)
        self._since_ms = 0
        self._before_ms = 0
        self._heard_ms = 0
        self._fading_ms = None
        self.late_ms = 0  # how much later than on the programme's clock pulses come, since the last start
        for made in self.deliveries:
            made.clear(shared=bool(self.lanes[1:]))

    @property
    def delivery(self):
        """The delivery report of the first channel."""
        return self.deliveries[self._first.index]

    @property
    def queued(self):
        """Pulses that were given to the engines."""
        return sum([lane.queued for lane in self.lanes])

    @property
    def cancelled(self):
        """Those of them that were taken back."""
        return sum([lane.cancelled for lane in self.lanes])

    def _zero(self):
        for lane in self.lanes:
            lane.intensity_ua = 0
            lane.output_ua = 0

    def resolution_ua(self, channel):
        """The step of the intensity of a programme's channel: a level of the stage, times the ratio of the phases."""
        return channel.ratio * self._level_ua

    def _only_in(self, *states):
        """Raise Refused in any other state. The link has asked the table of commands; this does not trust it."""
        if self.state not in states:
            refuse("wrong_state", "state", self.state, " or ".join(states), _OURS)

    # ---- what a person or the host asks ----

    def load(self, data):
        """Accept a programme (see programme.accept). Raises Refused, and then the one before stays."""
        self._only_in(IDLE)
        accepted = programme.accept(data, self._stage)
        limit_ua, limit_source = limits.session_limit(accepted, self._stage, self.own_most_ua)
        level_most = limit_ua // self._level_ua
        crc = programme.crc(data)
        digests = _data_digest(data), _digest(accepted, self.calibrations, limit_ua, limit_source, level_most, crc)
        # Whatever was to fail for want of memory has failed by now.
        self.limit_ua, self.limit_source, self.level_most = limit_ua, limit_source, level_most
        self.programme, self.programme_crc, self._data = accepted, crc, data
        self._data_digest, self._digest = digests
        self._acknowledge(0, None)
        return accepted

    def _acknowledge(self, version, by):
        self.acknowledged = version
        self.acknowledged_by = by

    def intact(self):
        """Whether memory still holds what was accepted, and what was made of it then. Either half takes some 50 ms for
        the longest programme (tests/chip/test_longest_programme.py). Without a programme nothing can have changed."""
        if self.programme is None and self._data is None:
            return True
        return _data_digest(self._data) == self._data_digest and self.unchanged()

    def unchanged(self):
        """The second half of `intact`: compares only what pulses are generated from."""
        of_limit = self.limit_ua, self.limit_source, self.level_most
        return _digest(self.programme, self.calibrations, *of_limit, self.programme_crc) == self._digest

    def forget(self):
        """No programme any more."""
        self._only_in(IDLE)
        self._forget()

    def _forget(self):
        self.programme = self._data = None
        self.programme_crc = self.limit_ua = self.level_most = 0
        self.limit_source = ""
        self._clear_run()

    def acknowledge(self, version, items, by=LOCAL):
        """The person at `by` has confirmed all items of the checklist. Raises Refused when it is another list."""
        self._only_in(IDLE)
        if version != checklist.VERSION or items != len(checklist.ITEMS):
            bound = "version %d with %d items" % (checklist.VERSION, len(checklist.ITEMS))
            refuse("other_checklist", "checklist", "version %d with %d items" % (version, items), bound, _OURS)
        self._acknowledge(version, by)

    def may_arm(self, crc, by=LOCAL):
        """Whether `by` may arm. Raises Refused with all that is missing."""
        reasons = []
        if self.state != IDLE:
            reasons.append(reason("not_idle", "state", self.state, IDLE, _OURS))
        if self.programme is None:
            reasons.append(reason("no_programme", "programme_crc", crc, "a loaded programme", _OURS))
        elif crc != self.programme_crc:
            reasons.append(reason("other_programme", "programme_crc", crc, self.programme_crc, _OURS))
        if self._stage["for_people"]:  # to the others nobody is connected, and nobody can be
            if not self.acknowledged:
                reasons.append(reason("not_acknowledged", "checklist", 0, checklist.VERSION, _OURS))
            elif self.acknowledged_by != by:
                bound = "acknowledged by the host that arms; another host did"
                reasons.append(reason("not_acknowledged", "checklist", self.acknowledged, bound, _OURS))
        if reasons:
            raise Refused(reasons)

    def arm(self, crc, now_ms, by=LOCAL):
        """Get ready at zero; the session belongs to `by`. Raises Refused with all that is missing."""
        self.may_arm(crc, by)
        self._clear_run(self.programme.channels)
        for lane in self.lanes:
            lane.code_most = self.calibrations[lane.index].code(self.level_most)
        self.ended = ""
        self.owner = by
        self._heard_ms = now_ms
        self.state = ARMED

    def start(self, now_ms):
        """Start the programme, or go on after a pause; intensity is zero. Raises Refused."""
        self._only_in(ARMED, PAUSED)
        self._zero()
        for lane in self.lanes:
            lane.raised_ms = None
            lane.slip_ms = 0
        self._fading_ms = None
        self._since_ms = now_ms
        self._heard_ms = now_ms
        self.state = RUNNING

    def began(self, now_ms):
        """The engine has just begun: the programme's clock goes from here."""
        self._since_ms = now_ms

    def waits_us(self):
        """Start delays in us, in the order of `lanes`. If any would lie in the past, all are shifted until the earliest
        is 0: the channels keep their distance."""
        waits = []
        for lane in self.lanes:
            at_us = lane.feed.next_us()
            waits.append(0 if at_us is None else at_us + lane.delay_us - 1000 * self._before_ms)
        early_us = min([0] + waits)
        self.late_ms = -early_us // 1000
        return [wait_us - early_us for wait_us in waits]

    def lane(self, index):
        """The lane of channel `index`. Raises Refused when the programme does not use it."""
        for lane in self.lanes:
            if lane.index == index:
                return lane
        bound = " or ".join([str(lane.index) for lane in self.lanes])
        raise Refused([reason("channel_not_used", "channel", index, bound, "the prescription")])

    def set_intensity(self, current_ua, now_ms, index=0):
        """Set the peak current: lower at once; higher by at most STEP_MAX_UA every STEP_EVERY_MS. Raises Refused."""
        self._only_in(RUNNING)
        lane = self.lane(index)
        if current_ua < 0:
            refuse("below_range", "current_ua", current_ua, 0, _OURS)
        if current_ua > self.limit_ua:
            refuse("above_limit", "current_ua", current_ua, self.limit_ua, self.limit_source)
        resolution_ua = self.resolution_ua(lane)
        if current_ua % resolution_ua:
            low_ua = current_ua - current_ua % resolution_ua
            bound = "%d or %d" % (low_ua, low_ua + resolution_ua)
            refuse("not_representable", "current_ua", current_ua, bound, "output stage " + self._stage["name"])
        if current_ua > lane.intensity_ua:
            if self._fading_ms is not None:
                refuse("ending", "current_ua", current_ua, 0, _OURS)
            if current_ua - lane.intensity_ua > STEP_MAX_UA:
                refuse("step_too_large", "current_ua", current_ua, lane.intensity_ua + STEP_MAX_UA, _OURS)
            self._not_too_soon("current_ua", current_ua, lane, now_ms)
            lane.raised_ms = now_ms
        lane.intensity_ua = current_ua

    def _not_too_soon(self, parameter, asked, lane, now_ms):
        if lane.raised_ms is not None and now_ms - lane.raised_ms < STEP_EVERY_MS:
            wait_ms = STEP_EVERY_MS - (now_ms - lane.raised_ms)
            refuse("step_too_soon", parameter, asked, "wait %d ms before the next step" % wait_ms, _OURS)

    def adjust(self, rate_mhz, width_us, now_ms, index=0):
        """Set rate and phase width of the phase that the channel's next pulse belongs to, see train.Feed.change. The
        programme stays as it was accepted. Returns how many pulses of the channel come before. Raises Refused.

        A wider pulse is a stronger one: the charge of a phase may rise by as much as a step of the intensity would make
        it. So are more of them: the rate may rise to RATE_STEP_MOST times what it was. Neither sooner after another
        step.
        """
        self._only_in(RUNNING, PAUSED)
        lane = self.lane(index)
        feed = lane.feed
        if feed.phase is None:
            refuse("nothing_left", "channel", index, "a pulse that is not queued yet", _OURS)
        if self.state == RUNNING and self._fading_ms is not None:
            refuse("ending", "channel", index, "a session with its host", _OURS)

        def planned(phase):
            return [each.feed.planned(phase if each is lane else None) for each in self.lanes]

        accepted, stage = self.programme, self._stage
        phase = programme.adjust(accepted, feed.phase, rate_mhz, width_us, planned, stage, self.limit_ua)
        was_us, was_mhz = feed.phase.width_us, feed.phase.rate_mhz
        raises = lane.intensity_ua > 0 and (width_us > was_us or rate_mhz > was_mhz)
        if raises:
            if lane.intensity_ua * (width_us - was_us) > STEP_MAX_UA * was_us:
                most_us = was_us + STEP_MAX_UA * was_us // lane.intensity_ua
                refuse("step_too_large", "width_us", width_us, most_us, _OURS, phase.name)
            if rate_mhz > RATE_STEP_MOST * was_mhz:
                refuse("step_too_large", "rate_mhz", rate_mhz, RATE_STEP_MOST * was_mhz, _OURS, phase.name)
            what = ("width_us", width_us) if width_us > was_us else ("rate_mhz", rate_mhz)
            self._not_too_soon(*what, lane, now_ms)
        number = feed.change(phase)
        if number < 0:
            refuse("nothing_left", "rate_mhz", rate_mhz, "a pulse that is not queued yet", _OURS, phase.name)
        if raises:
            lane.raised_ms = now_ms
        return number

    def pause(self, now_ms):
        """Stop pulses, keep the place in the programme. Raises Refused."""
        self._only_in(RUNNING)
        self._before_ms += now_ms - self._since_ms
        self._zero()
        self.state = PAUSED

    def stop(self, why, now_ms):
        """End the session; `why` is kept as `ended`. Harmless in IDLE; a fault stays a fault."""
        if self.state in (RUNNING, PAUSED, ARMED):
            if self.state == RUNNING:
                self.pause(now_ms)
            self.ended = why
            self.lasted_ms = self._before_ms
            self._acknowledge(0, None)
            self.owner = None
            self.state = IDLE
        self._zero()

    def fail(self, number, text, now_ms):
        """Latch a fault. The first one stays. `text` may be an exception. What needs memory comes last: raises
        MemoryError without it, and then only texts are missing."""
        first = self.state != FAULT
        if first:
            if self.state == RUNNING:
                self._before_ms += now_ms - self._since_ms
            self.failed_in = self.state
            self.state = FAULT
            self.fault = number
            self.fault_ms = now_ms
            self.fault_text = ""
            for lane in self.lanes:
                lane.failed_ua = lane.intensity_ua
        self._zero()
        self._acknowledge(0, None)
        self.owner = None
        if first:
            self.ended = "fault"
            self.ended = "fault " + faults.name(number)
            self.fault_text = printable((text if isinstance(text, str) else repr(text))[:FAULT_TEXT_MAX])

    def fails_too(self, text):
        """Something else is wrong while a fault is latched: said before the fault's own text, once. Returns whether it
        is new."""
        if self.fault_text.startswith(text):
            return False
        self.fault_text = printable(("%s; %s" % (text, self.fault_text))[:FAULT_TEXT_MAX])
        return True

    def clear(self, number):
        """A person clears the fault they name. Raises Refused when it is another."""
        self._only_in(FAULT)
        if number != self.fault:
            refuse("other_fault", "fault", number, self.fault, _OURS)
        self.fault = 0
        self.fault_text = ""
        self.state = IDLE

    # ---- what time does ----

    def heard(self, now_ms, by=LOCAL):
        """`by` is there and works. It only counts of the owner."""
        if by == self.owner:
            self._heard_ms = now_ms

    def over(self, now_ms):
        """Let time pass: a lost host and the fade after it, the programme's end. Returns "", or why the session has to
        be stopped now."""
        if self.state == RUNNING:
            if self._fading_ms is None:
                if now_ms - self._heard_ms >= HOST_LOST_MS:
                    self._fading_ms = now_ms
            elif now_ms - self._fading_ms >= FADE_MS:
                return HOST_LOST
            elapsed_ms = self._before_ms + now_ms - self._since_ms
            return COMPLETED if elapsed_ms >= self.programme.duration_ms and elapsed_ms >= self._end_ms() else ""
        if self.state in _WAITING and now_ms - self._heard_ms >= HOST_LOST_MS:
            return HOST_LOST
        return ""

    def _end_ms(self):
        """When the programme is over: after its time, and when its last pulses have begun, which may be late: by
        OVER_MOST_MS at most."""
        duration_ms = self.programme.duration_ms
        end_ms = duration_ms
        for lane in self.lanes:
            late_ms, feed = self.late_ms + lane.slip_ms, lane.feed
            if feed.phase is None:
                end_ms = max(end_ms, feed.last_ms + lane.delay_ms + late_ms + _ROUNDED_MS)
            elif late_ms:
                end_ms = max(end_ms, duration_ms + late_ms)
        return min(end_ms, duration_ms + OVER_MOST_MS)

    def elapsed_ms(self, now_ms):
        """The programme's clock: pauses do not count."""
        return self._before_ms + (now_ms - self._since_ms if self.state == RUNNING else 0)

    # ---- what the hardware is to do ----

    def prepare(self, now_ms, clock_ms, lane, most):
        """Set the DAC's codes of a lane for its next pulse: intensity, ramps and a fade, rounded down to a multiple of
        the pulse's ratio, so that phase B has a level too. `clock_ms` is the programme's clock as the lane's channel
        has it. Returns how many pulses from that one on, at most `most`, are due and like it; 0, and nothing is set,
        when none is due. Allocates nothing."""
        feed = lane.feed
        count = feed.alike(lane.intensity_ua // self._level_ua, clock_ms, most)
        if not count:
            return 0
        level, ratio = feed.level, feed.phase.ratio
        if self._fading_ms is not None:
            level = level * max(0, FADE_MS - (now_ms - self._fading_ms)) // FADE_MS
        level -= level % ratio
        if level != lane.level or ratio != lane.level_ratio:
            self.set_level(lane, level, ratio)
        return count

    def set_level(self, lane, level, ratio):
        """The codes of a lane's pulses are those of another level of phase A now."""
        corrected = self.calibrations[lane.index]
        lane.code_b = corrected.code(level, ratio)
        lane.code_a = corrected.times(lane.code_b, ratio)
        lane.level = level
        lane.output_ua = level * self._level_ua
        lane.level_ratio = ratio

    def lag_ms(self, now_ms, lane):
        """How long ago the next pulse to be queued should have begun, slips apart; below zero: how long it is until
        then."""
        feed = lane.feed
        if feed.phase is None:
            return 0
        return self.elapsed_ms(now_ms) - lane.delay_ms - self.late_ms - lane.slip_ms - feed.next_ms()

    def was_cancelled(self, count, lane):
        """`count` queued pulses of a lane will not come any more."""
        if count:
            lane.feed.put_back(count)
            lane.cancelled += count

    def part(self, now_ms, state=None):
        """Where the first channel is in the programme, or was in another state: (name of the phase, part of its
        cycle)."""
        feed = self._first.feed
        if (state or self.state) not in _ACTIVE or not feed:
            return "", ""
        return feed.phase.name if feed.phase else "", feed.part(self.elapsed_ms(now_ms) - self._first.delay_ms)

    def status(self, now_ms, delivered):
        """Everything that changes, keyed by STATUS_FIELDS; `delivered` is the number of pulses that began, by lane.

        Phase and part are those of the first channel, counts those of all; `channels` has what each channel does, with
        rate and width of its phase as they are set now.
        """
        # Written as dictionaries, which MicroPython makes in their size: made of pairs they grow by a few places at a
        # time, and a status takes three times as long.
        channels = []
        queued = begun_of_all = cancelled = underruns = 0
        for lane, begun in zip(self.lanes, delivered):
            begun_of_all += begun
            queued += lane.queued
            cancelled += lane.cancelled
            underruns += lane.underruns
            channels.append(self._status_of(lane, begun))
        phase, part = self.part(now_ms)
        return {
            "state": self.state,
            "fault": self.fault,
            "fault_text": self.fault_text,
            "ended": self.ended,
            "programme_crc": self.programme_crc,
            "acknowledged": self.acknowledged,
            "elapsed_ms": self.elapsed_ms(now_ms),
            "duration_ms": self.programme.duration_ms if self.programme else 0,
            "phase": phase,
            "part": part,
            "limit_ua": self.limit_ua,
            "limit_source": self.limit_source,
            "queued": queued,
            "delivered": begun_of_all,
            "cancelled": cancelled,
            "underruns": underruns,
            "channels": channels,
        }

    def _status_of(self, lane, begun):
        """The same of one lane, keyed by CHANNEL_FIELDS."""
        now = lane.feed.phase if lane.feed and self.state in _ACTIVE else None
        made = self.deliveries[lane.index]
        made.update()
        return {
            "channel": lane.index,
            "intensity_ua": lane.intensity_ua,
            "output_ua": lane.output_ua,
            "rate_mhz": now.rate_mhz if now else 0,
            "width_us": now.width_us if now else 0,
            "queued": lane.queued,
            "delivered": begun,
            "cancelled": lane.cancelled,
            "underruns": lane.underruns,
            "measured_ua": made.measured_ua,
            "impedance_ohm": made.impedance_ohm,
            "net_charge_nc": made.net_nc,
        }
