"""The session: a state machine on whole milliseconds. Pure: it is told the time and what the hardware did.

    IDLE -> ARMED -> RUNNING <-> PAUSED, back to IDLE by `stop`, the programme's end or a lost host;
    from each to FAULT, which only a person leaves, by name.

Every way out of RUNNING sets the intensity to zero. Whoever calls moves the hardware: `wants_output` says whether the
enable may be on, `wants_pulse` whether a pulse is to be queued now.
"""

from nmes.core import checklist, delivery, faults, limits, programme, train
from nmes.core.reason import Refused, printable, reason, refuse

IDLE = "IDLE"
ARMED = "ARMED"
RUNNING = "RUNNING"
PAUSED = "PAUSED"
FAULT = "FAULT"

STEP_MAX_UA = 1_000
STEP_EVERY_MS = 250
HOST_LOST_MS = 2_000
FADE_MS = 1_000
FAULT_TEXT_MAX = 100

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
    "intensity_ua",
    "limit_ua",
    "limit_source",
    "output_ua",
    "queued",
    "delivered",
    "cancelled",
    "underruns",
    "measured_ua",
    "impedance_ohm",
    "net_charge_nc",
)

_OURS = "OpenNMES session"
_WAITING = (ARMED, PAUSED)  # once: a tuple made in `tick` would be allocated there


class Session:
    """One device's session on the output stage `stage` (a dictionary of boards/stages)."""

    def __init__(self, stage):
        self._stage = stage
        self.state = IDLE
        self.fault = 0
        self.fault_text = ""
        self.fault_ms = 0
        self.ended = ""
        self.programme = None
        self.programme_crc = 0
        self.limit_ua = 0
        self.limit_source = ""
        self.level_most = 0
        self.acknowledged = 0
        self.feed = None
        self.delivery = delivery.Delivery(stage)
        self._clear_run()

    def _clear_run(self):
        self.intensity_ua = 0
        self._raised_ms = None
        self._since_ms = 0
        self._before_ms = 0
        self._heard_ms = 0
        self._fading_ms = None
        self.queued = 0
        self.cancelled = 0
        self.underruns = 0
        self.output_ua = 0
        self.delivery.clear()

    def _only_in(self, *states):
        """Raise Refused in any other state. The link has asked the table of commands; this does not trust it."""
        if self.state not in states:
            refuse("wrong_state", "state", self.state, " or ".join(states), _OURS)

    # ---- what a person or the host asks ----

    def load(self, data):
        """Accept a programme (see programme.accept). Raises Refused, and then the one before stays."""
        self._only_in(IDLE)
        accepted = programme.accept(data, self._stage)
        largest_ua, source = limits.largest_current_ua(accepted, self._stage)
        self.programme_crc = programme.crc(data)
        self.programme = accepted
        if accepted.max_current_ua <= largest_ua:
            largest_ua, source = accepted.max_current_ua, "the prescription"
        self.limit_ua = largest_ua
        self.limit_source = source
        self.level_most = largest_ua * self._stage["levels"] // self._stage["full_scale_ua"]
        self.acknowledged = 0
        return accepted

    def acknowledge(self, version, items):
        """A person has confirmed all items of the checklist. Raises Refused when it is another list."""
        self._only_in(IDLE)
        if version != checklist.VERSION or items != len(checklist.ITEMS):
            bound = "version %d with %d items" % (checklist.VERSION, len(checklist.ITEMS))
            refuse("other_checklist", "checklist", "version %d with %d items" % (version, items), bound, _OURS)
        self.acknowledged = version

    def arm(self, crc, now_ms):
        """Get ready at zero. Raises Refused with all that is missing."""
        reasons = []
        if self.state != IDLE:
            reasons.append(reason("not_idle", "state", self.state, IDLE, _OURS))
        if self.programme is None:
            reasons.append(reason("no_programme", "programme_crc", crc, "a loaded programme", _OURS))
        elif crc != self.programme_crc:
            reasons.append(reason("other_programme", "programme_crc", crc, self.programme_crc, _OURS))
        if not self.acknowledged:
            reasons.append(reason("not_acknowledged", "checklist", 0, checklist.VERSION, _OURS))
        if reasons:
            raise Refused(reasons)
        self._clear_run()
        self.feed = train.Feed(self.programme)
        self.ended = ""
        self._heard_ms = now_ms
        self.state = ARMED

    def start(self, now_ms):
        """Start the programme, or go on after a pause; intensity is zero. Raises Refused."""
        self._only_in(ARMED, PAUSED)
        self.intensity_ua = 0
        self._fading_ms = None
        self._raised_ms = None
        self._since_ms = now_ms
        self._heard_ms = now_ms
        self.state = RUNNING

    def set_intensity(self, current_ua, now_ms):
        """Set the peak current: lower at once; higher by at most STEP_MAX_UA every STEP_EVERY_MS. Raises Refused."""
        self._only_in(RUNNING)
        if current_ua < 0:
            refuse("below_range", "current_ua", current_ua, 0, _OURS)
        if current_ua > self.limit_ua:
            refuse("above_limit", "current_ua", current_ua, self.limit_ua, self.limit_source)
        grain_ua = self._stage["full_scale_ua"] // self._stage["levels"]
        if current_ua % grain_ua:
            low_ua = current_ua - current_ua % grain_ua
            bound = "%d or %d" % (low_ua, low_ua + grain_ua)
            refuse("not_representable", "current_ua", current_ua, bound, "output stage " + self._stage["name"])
        if current_ua > self.intensity_ua:
            if self._fading_ms is not None:
                refuse("ending", "current_ua", current_ua, 0, _OURS)
            if current_ua - self.intensity_ua > STEP_MAX_UA:
                refuse("step_too_large", "current_ua", current_ua, self.intensity_ua + STEP_MAX_UA, _OURS)
            if self._raised_ms is not None and now_ms - self._raised_ms < STEP_EVERY_MS:
                wait_ms = STEP_EVERY_MS - (now_ms - self._raised_ms)
                refuse("step_too_soon", "current_ua", current_ua, "the same in %d ms" % wait_ms, _OURS)
            self._raised_ms = now_ms
        self.intensity_ua = current_ua

    def pause(self, now_ms):
        """Stop pulses, keep the place in the programme. Raises Refused."""
        self._only_in(RUNNING)
        self._before_ms += now_ms - self._since_ms
        self.intensity_ua = 0
        self.output_ua = 0
        self.state = PAUSED

    def stop(self, why, now_ms):
        """End the session; `why` is kept as `ended`. Harmless in IDLE; a fault stays a fault."""
        if self.state in (RUNNING, PAUSED, ARMED):
            if self.state == RUNNING:
                self.pause(now_ms)
            self.ended = why
            self.acknowledged = 0
            self.state = IDLE
        self.intensity_ua = 0
        self.output_ua = 0

    def fail(self, number, text, now_ms):
        """Latch a fault. The first one stays."""
        if self.state == RUNNING:
            self.pause(now_ms)
        first = self.state != FAULT
        self.state = FAULT
        self.intensity_ua = 0
        self.output_ua = 0
        self.acknowledged = 0
        if first:
            self.fault = number
            self.fault_text = printable(text[:FAULT_TEXT_MAX])
            self.fault_ms = now_ms
            self.ended = "fault " + faults.name(number)

    def clear(self, number):
        """A person clears the fault they name. Raises Refused when it is another."""
        self._only_in(FAULT)
        if number != self.fault:
            refuse("other_fault", "fault", number, self.fault, _OURS)
        self.fault = 0
        self.fault_text = ""
        self.state = IDLE

    # ---- what time does ----

    def heard(self, now_ms):
        """A valid line came from the host."""
        self._heard_ms = now_ms

    def tick(self, now_ms):
        """Let time pass: a lost host, the fade after it, the programme's end. Returns True when the state changed."""
        if self.state in _WAITING and now_ms - self._heard_ms >= HOST_LOST_MS:
            self.stop("host lost", now_ms)
            return True
        if self.state != RUNNING:
            return False
        if self._fading_ms is None and now_ms - self._heard_ms >= HOST_LOST_MS:
            self._fading_ms = now_ms
        if self._fading_ms is not None and now_ms - self._fading_ms >= FADE_MS:
            self.stop("host lost", now_ms)
            return True
        if self.elapsed_ms(now_ms) >= self.programme.duration_ms:
            self.stop("completed", now_ms)
            return True
        return False

    def elapsed_ms(self, now_ms):
        """The programme's clock: pauses do not count."""
        return self._before_ms + (now_ms - self._since_ms if self.state == RUNNING else 0)

    # ---- what the hardware is to do ----

    def wants_output(self):
        """Whether the output stage may be enabled."""
        return self.state == RUNNING

    def wants_pulse(self, now_ms):
        """Whether a pulse is to be queued now."""
        return self.state == RUNNING and self.feed.due(self.elapsed_ms(now_ms))

    def next_level(self, now_ms):
        """The stage's level for the next pulse: intensity, ramps and a fade; rounded down."""
        full = self.intensity_ua * self._stage["levels"] // self._stage["full_scale_ua"]
        level = self.feed.level(full)
        if self._fading_ms is not None:
            level = level * max(0, FADE_MS - (now_ms - self._fading_ms)) // FADE_MS
        self.output_ua = level * self._stage["full_scale_ua"] // self._stage["levels"]
        return level

    def took(self):
        """The pulse was queued."""
        self.feed.take()
        self.queued += 1

    def was_cancelled(self, count):
        """`count` queued pulses will not come any more."""
        if count:
            self.feed.put_back(count)
            self.cancelled += count

    def status(self, now_ms, delivered):
        """Everything that changes, keyed by STATUS_FIELDS; `delivered` is the number of pulses that began."""
        feed = self.feed
        elapsed_ms = self.elapsed_ms(now_ms)
        active = self.state in (RUNNING, PAUSED)
        values = (
            self.state,
            self.fault,
            self.fault_text,
            self.ended,
            self.programme_crc,
            self.acknowledged,
            elapsed_ms,
            self.programme.duration_ms if self.programme else 0,
            feed.phase.name if active and feed.phase else "",
            feed.part(elapsed_ms) if active else "",
            self.intensity_ua,
            self.limit_ua,
            self.limit_source,
            self.output_ua,
            self.queued,
            delivered,
            self.cancelled,
            self.underruns,
            self.delivery.measured_ua,
            self.delivery.impedance_ohm,
            self.delivery.net_nc,
        )
        return dict(zip(STATUS_FIELDS, values))
