"""One channel while a session runs: its pulses are queued ahead of their time, and what was measured is judged."""

from array import array

from nmes.core import faults
from nmes.core.pulse import MEASURED, TAKE_MOST

# A turn that takes longer is late: the queue is empty after 66 ms, the lease over after 90.
LATE_MS = 80
# How far pulses and clock may be apart, beside what is queued: 2 % of what 1.5 s of a train are.
OFF_CLOCK_MS = 30
# So often is a queue filled up, because a look that finds nothing to do costs as much as a pulse; and sooner where the
# next pulse that is not queued would come in less than _KEEP_MS by then.
_FILL_EVERY_MS = 20
_KEEP_MS = 40
_MORE = 8  # pulses that can begin and end while those before are judged

_taken = array("H", [0] * (MEASURED * TAKE_MOST))  # measured pulses, while they are judged: one for all


class ChannelRun:
    """A `lane` of `session` on `channel`, the pulse engine (hal/contract.py), with `delivery`, its account."""

    def __init__(self, session, channel, delivery):
        self._session = session
        self.lane = None  # whoever arms the session sets it
        self._channel = channel
        self.delivery = delivery
        self.delivered = 0  # pulses of this session that have begun
        self._before = 0  # those before the engine last began
        self.judged = 0  # of the pulses since then

    def begin(self, delay_us, dummy, corrected):
        """The engine begins anew, from zero: see hal/contract.py; `corrected` is the channel's calibration."""
        self._before = self.delivered
        self.judged = 0
        self.mid_train = False  # more pulses must come
        self.fill_ms = 0  # when the queue is looked at next
        self._rested_at = -1  # how many were queued when the engine was last found to rest too long
        self._channel.begin(delay_us, dummy, corrected.dac_offset, corrected.dac_scale)

    def count(self):
        """Bring `delivered` up to date."""
        self.delivered = self._before + self._channel.begun()

    def count_missed(self):
        """What has begun and was not judged will not be any more."""
        self.delivery.miss(self.delivered - self._before - self.judged)

    def judge(self, now_ms, counting):
        """Judge what has been measured since the last time. Returns 0, or a fault. `counting`: see whether all that has
        ended was measured too. Allocates nothing."""
        channel, delivery = self._channel, self.delivery
        ended = 0
        if counting:
            ended = channel.begun() - 1  # asked first: what has ended by now has been measured by then
        count = TAKE_MOST
        while count == TAKE_MOST:
            count = channel.take(_taken)
            if count:
                cause = delivery.judge(_taken, now_ms, count)
                if cause:
                    self.judged += delivery.judged
                    return cause
                self.judged += count
        if not counting:
            return 0
        if self.judged > ended + _MORE:
            return faults.PULSE_COUNT  # more came out than was begun
        return delivery.lacking(ended - self.judged)

    def off_clock_ms(self, now_ms):
        """Note it when the engine rests because its refill comes too late: all that follows is so much later. Once a
        refill: what does not come at all is for the clock to find. Returns 0; or, when it rests although there was time
        enough or for longer than a turn may take, by how much pulses are late, below zero early. Allocates nothing."""
        if not self._channel.starved():
            return 0
        lane = self.lane
        lag_ms = self._session.lag_ms(now_ms, lane)
        if lane.queued == self._rested_at or not self.mid_train and lag_ms <= 0:
            return 0
        if not -OFF_CLOCK_MS <= lag_ms <= LATE_MS:
            return lag_ms
        self._rested_at = lane.queued
        lane.underruns += 1
        lane.slip_ms = max(0, lane.slip_ms + lag_ms)
        return 0

    def fill(self, now_ms):
        """Queue what is due. Returns False when the second checker has refused a pulse. Allocates nothing."""
        session, lane, channel = self._session, self.lane, self._channel  # four at once would be a tuple on the heap
        feed = lane.feed
        self.fill_ms = now_ms + _FILL_EVERY_MS
        clock_ms = session.elapsed_ms(now_ms) - lane.delay_ms
        room = channel.room()
        while room > 0:
            count = session.prepare(now_ms, clock_ms, lane, room)
            if not count:
                break
            phase, width_us = feed.phase, feed.width_us
            if not channel.put(
                lane.code_a,
                lane.code_b,
                width_us,
                phase.gap_us,
                width_us * phase.ratio,
                feed.interval_us,
                lane.code_most,
                count,
            ):
                return False
            feed.take(count)
            lane.queued += count
            room -= count
        if feed.phase is None:
            self.mid_train = False
            return True
        self.mid_train = feed.taken
        spare_ms = feed.begin_ms + feed.t_ms - clock_ms - _KEEP_MS
        if spare_ms < _FILL_EVERY_MS:
            self.fill_ms = now_ms + spare_ms
        return True

    def stop(self):
        """Nothing after the running pulse. Returns how many queued pulses were cancelled."""
        return self._channel.stop()

    def agrees(self, cancelled):
        """Take `cancelled` pulses back. Whether every pulse that was queued has begun or was cancelled."""
        lane = self.lane
        self._session.was_cancelled(cancelled, lane)
        return lane.queued == self.delivered + lane.cancelled
