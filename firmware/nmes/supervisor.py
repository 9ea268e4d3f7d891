"""The only one that arms: moves the hardware as the session says, and ends it when the two disagree."""

from array import array

from nmes.core import faults, pulse
from nmes.core.reason import refuse
from nmes.core.session import RUNNING

CHANNEL = 0


class Supervisor:
    """Brings `session` and `hal` together. Every output goes through here."""

    def __init__(self, hal, session):
        self._hal = hal
        self.session = session
        self._on = False  # the engine runs
        self._delivered = 0
        self._before = 0  # delivered before the engine last began
        self._mid_train = False
        self._seen = array("i", [0] * pulse.MEASURED)
        self._judged = 0  # pulses judged since the engine last began

    # ---- what the link and the panel ask ----

    def arm(self, crc):
        """Get ready at zero. Raises Refused with all that is missing."""
        if not self._hal.is_safe():
            refuse("not_safe", "safe_line", "open", "emergency stop closed and no over-current", "hardware")
        self.session.arm(crc, self._hal.now_ms())
        self._before = self._delivered = 0

    def start(self):
        """Start the programme, or go on after a pause. Raises Refused when the emergency stop is open."""
        if not self._hal.is_safe():
            refuse("not_safe", "safe_line", "open", "emergency stop closed and no over-current", "hardware")
        self.session.start(self._hal.now_ms())
        self._mid_train = False
        self._before = self._delivered
        self._judged = 0
        self._on = True
        self._hal.begin(CHANNEL, self.session.programme.shortest_us)
        self._hal.permit(self.session.programme.longest_us)
        self._hal.lamp(1)

    def set_intensity(self, current_ua):
        """Set the peak current. Raises Refused."""
        self.session.set_intensity(current_ua, self._hal.now_ms())

    def pause(self):
        """Nothing after the running pulse; keeps the place."""
        self.session.pause(self._hal.now_ms())
        self._off()

    def stop(self, why="stopped"):
        """Nothing after the running pulse; the session is over."""
        self.session.stop(why, self._hal.now_ms())
        self._off()

    def fail(self, number, text):
        """Latch a fault; the output is off before anything else."""
        self._hal.rest()
        was_on = self._on
        self._on = False
        self.session.fail(number, text, self._hal.now_ms())
        if was_on:
            self._count()
            self._count_missed()

    def _off(self):
        """After the running pulse no more pulses, then no permission. The counts must agree."""
        if not self._on:
            return
        self._on = False
        session = self.session
        session.was_cancelled(self._hal.stop(CHANNEL))
        self._count()
        self._hal.rest()
        cause = self._judge(self._hal.now_ms())
        if cause:
            self._fail_delivery(cause)
        self._count_missed()
        if session.queued != self._delivered + session.cancelled:
            self.fail(faults.PULSE_COUNT, "asked %d, began %d" % (session.queued - session.cancelled, self._delivered))

    def _count(self):
        self._delivered = self._before + self._hal.begun(CHANNEL)

    def _judge(self, now_ms):
        """Judge what has been measured since the last time. 0, or a fault. Nothing here allocates."""
        hal, delivery = self._hal, self.session.delivery
        ended = hal.begun(CHANNEL) - 1  # asked first: what has ended by now has been measured by then
        while hal.sampled(CHANNEL) > 0:
            hal.take(CHANNEL, self._seen)
            self._judged += 1
            cause = delivery.judge(self._seen, now_ms)
            if cause:
                return cause
        if hal.sampled(CHANNEL) < 0:
            return 0  # no sense on this channel: the account says that nothing was measured
        return delivery.lacking(ended - self._judged)

    def _count_missed(self):
        if self._hal.sampled(CHANNEL) >= 0:
            self.session.delivery.miss(self._delivered - self._before - self._judged)

    def _fail_delivery(self, cause):
        delivery = self.session.delivery
        texts = (delivery.set_ua, delivery.measured_ua, delivery.impedance_ohm, delivery.net_nc)
        self.fail(cause, "set %d uA, measured %d uA, last load %d ohm, net %d nC" % texts)

    # ---- what time does ----

    def step(self):
        """One turn of the loop: time, then pulses."""
        now_ms = self._hal.now_ms()
        if self._on:
            cause = self._hal.tripped()
            if cause:
                self.fail(cause, "seen by the guard")
                return
            cause = self._judge(now_ms)
            if cause:
                self._fail_delivery(cause)
                return
            self._hal.renew()
        if self.session.tick(now_ms):
            self._off()
        elif self.session.state == RUNNING:
            self.feed(now_ms)

    def feed(self, now_ms):
        """Queue what is due. Nothing here allocates."""
        hal, session = self._hal, self.session
        if self._mid_train and hal.starved(CHANNEL):
            session.underruns += 1  # the refill came too late; the engine rested instead
        self._mid_train = False
        while session.wants_pulse(now_ms) and hal.room(CHANNEL) > 0:
            phase = session.feed.phase
            width_us = phase.width_us
            calibration = session.delivery.calibration
            level = calibration.code(session.next_level(now_ms))
            level_most = calibration.code(session.level_most)
            if not hal.put(CHANNEL, level, level, width_us, phase.gap_us, width_us, phase.period_us, level_most):
                self.fail(faults.PULSE_CHECK, "level %d, width %d us" % (level, width_us))
                return
            session.took()
        self._mid_train = session.feed.in_train()

    def status(self):
        """The session's status, with what the hardware counted."""
        if self._on:
            self._count()
        return self.session.status(self._hal.now_ms(), self._delivered)

    def renew(self):
        """The host was heard."""
        self.session.heard(self._hal.now_ms())
