"""The only one that arms: moves the hardware as the session says, and ends it when the two disagree."""

from nmes.calibrated import Calibrated
from nmes.channel_run import LATE_MS, OFF_CLOCK_MS, ChannelRun
from nmes.core import calibration, faults, settings
from nmes.core.clock import Clock
from nmes.core.lock import Lock
from nmes.core.lockout import Lockout
from nmes.core.phase import DUMMY
from nmes.core.reason import Refused, refuse
from nmes.core.session import ARMED, COMPLETED, FAULT, HOST_LOST, IDLE, LOCAL, PAUSED, RUNNING
from nmes.core.trend import FINE, STOP, WARN, Trend
from nmes.documents import documents, need_sectors
from nmes.selftest import SelfTest

TELL_TURNS = 10  # at most so long does a write wait for what the host is just being told
# Pulses are judged in every second turn, and in every turn while something is wrong with the last one. In every fourth
# turn it is seen whether all of them were measured.
_JUDGE_EVERY = 2
_COUNT_EVERY = 4
_WATCH_CLOCK_MS = 250
_LOOK_MS = 1_000  # at temperature and supply, while somebody is armed and nothing is sampled
_MEMORY_MS = 10_000
_ZERO_SAMPLES = 16

_MAY_WRITE = (IDLE, FAULT)
_WAITING = (ARMED, PAUSED)
# Faults that the interlock tells the end of.
_OF_THE_INTERLOCK = (faults.EMERGENCY_STOP, faults.OVER_CURRENT)
_STILL_HIGH = "the enable reads high"


class Supervisor:
    """Brings `session`, `hal` and `store` together. Every output goes through here."""

    def __init__(self, hal, session, store, board, stage):
        self._hal = hal
        self.self_test = SelfTest(hal, session, board, stage)
        self._store = store
        self.prescriptions = documents(hal.area("prescriptions"))
        self.session = session
        self._stage = stage
        self.kept = None  # see `load`
        self.calibrated = Calibrated(hal.area("calibration"), stage, hal.identity()[0])
        self._rows = self.calibrated.rows  # in force
        session.calibrate(self._rows)
        self._on = False  # the engine runs
        self._runs = []  # of each lane of the session
        self._turn = 0  # counted while pulses come
        now_ms = hal.now_ms()
        self._turn_ms = self._clock_ms = self._look_ms = self._memory_ms = now_ms
        self._trends = [Trend() for _ in session.deliveries]
        self._warning = 0
        self.warned = 0  # trend.WARN: the load of channel _warning has grown by half; see nmes/recording.py too
        self._lockout = Lockout(store, now_ms)
        self.clock = Clock()
        self.lock = Lock(store, hal.identity()[0])
        session.own_most_ua = settings.own_most_ua(store.get("settings"))
        self.lost = False  # something that is to be kept could not be written, and has not been since
        self._held = 0  # turns that a write has waited
        self._bare = dict.fromkeys(faults.RECORD_FIELDS)  # a record that needs no memory any more
        self._begin()

    def _begin(self):
        """A fault that nobody has cleared is still there; a run that did not end in order is one."""
        record = self._store.get("fault")
        cause = self._hal.reset_cause()
        if record:
            self.session.fail(record["fault"], record["fault_text"], record["at_ms"])
        elif self._store.newer:
            self.fail(faults.STORE_NEWER, "nothing that this firmware knows was found")
        elif self._store.damaged:
            self.fail(faults.STORE_CORRUPT, "nothing whole was found")
        elif cause:
            self.fail(faults.WATCHDOG_RESET, cause)

    # ---- what the link and the panel ask ----

    def load(self, data, kept=None):
        """Accept a programme; `kept`: the row (core/document.py) of the prescription on the device that it is of.
        Raises Refused."""
        loaded = self._unhurried(self.session.load, data)
        self.kept = kept
        return loaded

    def write(self, act, *arguments):
        """Carry out what erases or programs flash for a person who waits for it. Raises Refused unless the device is
        idle, and then nothing is written."""
        if self.session.state != IDLE:
            refuse("wrong_state", "state", self.session.state, IDLE, "store")
        return self._unhurried(act, *arguments)

    def settings(self):
        """What is set, keyed as in core/settings.py."""
        return self._store.get("settings")

    def set(self, changes):
        """Set some settings, and keep them. Raises Refused, and nothing is changed, unless the device is idle and all
        can be so; and, with a fault, when they could not be written. A loaded programme is forgotten: its limit may be
        another now."""
        session = self.session
        if session.state != IDLE:
            refuse("wrong_state", "state", session.state, IDLE, "settings")
        reasons = settings.check(changes)
        if reasons:
            raise Refused(reasons)
        kept = dict(self.settings())
        kept.update(changes)
        session.forget()
        self._store.put("settings", kept)
        session.own_most_ua = settings.own_most_ua(kept)
        self._write(self._store.flush)
        self._need_kept()

    def lock_with(self, key):
        """Lock the device with a clinic's key, or with another one. A loaded programme is forgotten: nobody has signed
        it. Raises Refused as `set` does, and where prescriptions cannot be kept."""
        session = self.session
        if session.state != IDLE:
            refuse("wrong_state", "state", session.state, IDLE, "lock")
        need_sectors(self.prescriptions)
        self.lock.close(key)
        session.forget()
        self._write(self._store.flush)
        self._need_kept()

    def unlock(self):
        """Take the lock away. Raises Refused as `set` does, and when there is none."""
        if self.session.state != IDLE:
            refuse("wrong_state", "state", self.session.state, IDLE, "lock")
        self.lock.open()
        self._write(self._store.flush)
        self._need_kept()

    def use_counter(self, counter):
        """A signed command is about to be carried out: its counter is used from now on, whatever comes of it, and that
        is kept first. Raises Refused, and then the command must not be carried out."""
        if self.session.state not in _MAY_WRITE:
            refuse("wrong_state", "state", self.session.state, IDLE, "lock")
        self.lock.use(counter)
        self._write(self._store.flush)
        if self.lost or self._store.damaged:
            refuse("not_kept", "counter", counter, "a store that can be written", "store")

    def calibrate(self, rows, by):
        """Correct the stage by these rows, {number of the channel as a text: row}, and keep them. Raises Refused, and
        then those before are in force, unless the device is idle and core/calibration.check allows them. Where they are
        others than those in force a loaded programme is forgotten."""
        reasons = calibration.check(rows, self._stage)
        if reasons:
            raise Refused(reasons)
        unix_s = self.clock.unix_s(self._hal.now_ms())
        try:
            self.write(self.calibrated.keep, rows, unix_s, by)
        finally:
            self._apply_calibration()

    def uncalibrate(self):
        """Forget the rows that are kept, and correct the stage by its own. Raises Refused while somebody is armed, and
        when they cannot be forgotten. With a fault too: a wrong zero would keep its fault from being cleared."""
        if self.session.state not in _MAY_WRITE:
            refuse("wrong_state", "state", self.session.state, " or ".join(_MAY_WRITE), "calibration")
        self._close_lockout(self._hal.now_ms())  # the session that has failed is forgotten too
        try:
            self._unhurried(self.calibrated.forget)
        finally:
            self._apply_calibration()

    def zeros(self):
        """What the senses say while nothing is driven, and so nothing can flow: (samples, the sum of their counts of
        each channel's current, that of the voltage). Raises Refused while somebody is armed."""
        if self.session.state not in _MAY_WRITE:
            refuse("wrong_state", "state", self.session.state, " or ".join(_MAY_WRITE), "calibration")
        hal = self._hal
        turns = range(_ZERO_SAMPLES)
        current = [sum([hal.idle_current(c) for _ in turns]) for c in range(len(self.session.calibrations))]
        return _ZERO_SAMPLES, current, sum([hal.idle_voltage() for _ in turns])

    def _apply_calibration(self):
        if self.calibrated.rows != self._rows:
            self._rows = self.calibrated.rows
            self.session.calibrate(self._rows)

    def reset(self):
        """One step back to what a new device keeps: its settings, then each prescription. The record of the fault, the
        pause after a session and the lock stay. Returns how many steps are left. Raises Refused as `set` does."""
        new = settings.factory()
        if self.settings() != new:
            self.set(new)
        return self.write(self.prescriptions.erase_next)

    def arm(self, crc, by=LOCAL):
        """Get ready at zero; the session belongs to `by`. Raises Refused with all that is missing."""
        now_ms = self._hal.now_ms()
        self._need_closed_interlock()
        self._need_fit_chip()
        self.calibrated.need_usable()
        self.session.may_arm(crc, by)
        self._lockout.open(self.session.programme, now_ms)
        armed = False
        try:
            self._write(self._store.flush)  # nothing is written from here on until the session is over
            self._need_kept()
            self._test_self()
            self._hal.forget_openings()  # the self-test makes some up
            self._need_closed_interlock()
            self._arm(crc, by)
            armed = True
        finally:
            if not armed:
                self._lockout.cancel()

    def _arm(self, crc, by):
        """Everything of this session at its begin. What needs memory comes before anybody is armed."""
        session, channels = self.session, self._hal.channels
        used = [channel.index for channel in session.programme.channels]
        runs = [ChannelRun(session, channels[index], session.deliveries[index]) for index in used]
        session.arm(crc, self._hal.now_ms(), by)
        self._runs = runs
        for i in range(len(runs)):
            runs[i].lane = session.lanes[i]
        for trend in self._trends:
            trend.clear()
        self.warned = 0

    def _need_kept(self):
        """What could not be written is a fault, and then nothing may move."""
        session = self.session
        if session.state == FAULT:
            refuse("not_kept", faults.name(session.fault), session.fault_text, "a store that can be written", "store")

    def run_self_test(self):
        """Test everything as before arming: what fails is a fault. Raises Refused while the interlock is open, and with
        a chip on which nobody may be armed."""
        self._need_closed_interlock()
        self._need_fit_chip()
        self._fails_self_test()
        self._hal.forget_openings()  # the self-test makes some up

    def _test_self(self):
        """Raises Refused, and then there is a fault."""
        if self._fails_self_test():
            name, _, found, expected = self.self_test.results[-1]
            refuse("self_test", name, found, expected, "self-test")

    def _fails_self_test(self):
        fault = self.self_test.run()
        if fault:
            _, _, found, expected = self.self_test.results[-1]
            self.fail(fault, "self-test: %s; expected %s" % (found, expected))
        return fault

    def start(self):
        """Start the programme, or go on after a pause. Raises Refused when the interlock has been opened since arming,
        or memory is not what was accepted, and then there is a fault."""
        hal, session = self._hal, self.session
        if session.state in _WAITING:
            self._need_unopened()
            self._need_unchanged()
        session.start(hal.now_ms())
        self._on = True
        waits_us = session.waits_us()
        mask = sum([1 << lane.index for lane in session.lanes])
        if session.measures:
            hal.sense(mask, session.programme.shortest_us)
        is_dummy = session.programme.kind == DUMMY
        for run, wait_us in zip(self._runs, waits_us):
            run.begin(wait_us, is_dummy, session.calibrations[run.lane.index])
        hal.permit(session.programme.longest_us)
        self._need_unopened()  # until the guard watched
        hal.lamp(1)
        # Each engine has a full queue before any of them goes.
        now_ms = hal.now_ms()
        session.began(now_ms)
        for run in self._runs:
            if self._on:
                self._fill(run, now_ms)
        if session.state == RUNNING:
            hal.start(mask)
            now_ms = hal.now_ms()
            session.began(now_ms)
            self.fill(now_ms)  # before the link takes its time for an answer
            self._turn_ms = self._clock_ms = now_ms

    def set_intensity(self, current_ua, channel):
        """Set the peak current of a channel. Raises Refused."""
        self.session.set_intensity(current_ua, self._hal.now_ms(), channel)

    def locked_out_ms(self):
        """How long it is until the next motor session may begin."""
        return self._lockout.left_ms(self._hal.now_ms())

    def adjust(self, rate_mhz, width_us, channel):
        """Set rate and width of a channel's phase. Returns how many pulses come before. Raises Refused."""
        return self.session.adjust(rate_mhz, width_us, self._hal.now_ms(), channel)

    def pause(self):
        """Nothing after the running pulse; keeps the place."""
        self.session.pause(self._hal.now_ms())
        self._off()

    def stop(self, why="stopped"):
        """Nothing after the running pulse; the session is over."""
        now_ms = self._hal.now_ms()
        self.session.stop(why, now_ms)
        self._off()
        self._close_lockout(now_ms)

    def fail(self, number, text):
        """Latch a fault; `text` says what happened, or is an exception. The output is off before anything else, and the
        state is FAULT then, whatever of the rest goes wrong."""
        was_on = self._on
        self._on = False
        try:
            self._hal.all_off()
        finally:
            self._latch(number, text, was_on)

    def _latch(self, number, text, was_on):
        session = self.session
        first = session.state != FAULT
        try:
            session.fail(number, text, self._hal.now_ms())
            if was_on:
                self._count()
                self._count_missed()
            if first:
                self._store.put("fault", self._record_now())
        except Exception:
            pass  # memory is short, or something is broken: at the next turn _rest_turn keeps what needs no memory
        finally:
            if session.state != FAULT:
                session.fail(number, "", self._turn_ms)

    def _record_now(self):
        session = self.session
        record = {key: value for key, value in self.status().items() if key in faults.RECORD_FIELDS}
        record.update({"at_ms": self._fault_at_ms(), "state": session.failed_in})
        made = session.delivery  # of the first channel; status() has brought it up to date
        record["measured_ua"], record["impedance_ohm"] = made.measured_ua, made.impedance_ohm
        record["net_charge_nc"] = made.net_nc
        record["intensity_ua"] = [lane.failed_ua for lane in session.lanes]
        record.update(zip(("phase", "part"), session.part(session.fault_ms, session.failed_in)))
        return record

    def _fault_at_ms(self):
        return min(max(faults.AT_MS[0], self.session.fault_ms), faults.AT_MS[1])

    def _keep_fault(self):
        """A fault of which no record could be made is kept by its number and time."""
        if self._store.get("fault"):
            return
        session, bare = self.session, self._bare
        bare["fault"] = session.fault
        bare["fault_text"] = session.fault_text
        bare["at_ms"] = self._fault_at_ms()
        self._store.put("fault", bare)

    def settle(self):
        """Write all that is due, before the program is left. Returns whether it may be left: nobody is armed. A store
        that fails is no reason not to stop; `lost` tells of it."""
        if self.session.state not in _MAY_WRITE:
            return False
        try:
            self._keep_due(self._hal.now_ms())
            self._write(self._store.flush)
            self._write(self._store.flush)  # the fault, should that have failed
        except Exception as error:
            self.lost = True
            self.fail(faults.STORE_CORRUPT, error)
        return True

    def warning(self):
        """What `warned` is about."""
        trend = self._trends[self._warning]
        return {
            "warning": faults.name(faults.IMPEDANCE_RISE),
            "channel": self._warning,
            "ohm": trend.ohm,
            "first_ohm": trend.first_ohm,
        }

    def clear(self, number):
        """A person clears the fault that they name. Raises Refused when it is another, or its cause is still there."""
        session = self.session
        if session.state == FAULT and number == session.fault:
            if number in _OF_THE_INTERLOCK:
                self._need_closed_interlock()
            if number == faults.GUARD_FAILED:
                self._need_fit_chip()  # the guard is tried, and that moves the enables
            if self._store.newer:
                refuse("cause_there", faults.name(number), "newer", "written by this firmware or an older one", "store")
            for cause in (number, faults.ENABLE_STUCK):
                remains = self.self_test.remains(cause)
                if remains:
                    refuse("cause_there", faults.name(cause), remains[0], remains[1], "self-test")
            self._close_lockout(self._hal.now_ms())  # should no turn have done it, while it is known how it ended
        session.clear(number)
        if number == faults.MEMORY_DAMAGED:
            session.forget()
        if self._store.damaged:
            self._store.begin_anew()
        self._store.put("fault", None)
        self._write(self._store.flush)

    def record(self):
        """What is kept of the fault, keyed by faults.RECORD_FIELDS; without a fault all of it is None."""
        return self._store.get("fault") or dict.fromkeys(faults.RECORD_FIELDS)

    def recorded(self, request):
        """What the link answers to `log` and `log_clear`. Raises Refused: see nmes/recording.py."""
        refuse("no_records", "session", "none", "records", "records")

    def _unhurried(self, act, *arguments):
        """`act` may take seconds: a programme with many sweeps 2 s for each, a worn flash 0.4 s for each sector that is
        erased. The watchdog lets it only with nobody armed and the enable seen to be low."""
        at_rest = self.session.state in _MAY_WRITE and not self._hal.enabled()
        if at_rest:
            self._hal.suspend_watchdog(True)
        try:
            return act(*arguments)
        finally:
            if at_rest:
                self._hal.suspend_watchdog(False)

    def _write(self, write):
        if not self._store.due:
            return
        try:
            self._unhurried(write)
            self.lost = self.lost and self._store.due
        except (OSError, ValueError, MemoryError) as error:
            self.lost = True
            self.fail(faults.STORE_CORRUPT, error)

    def _need_closed_interlock(self):
        if not self._hal.is_safe():
            self._refuse_open()

    def _need_fit_chip(self):
        """What the interlock says can be relied on."""
        unfit = self._hal.unfit()
        if unfit:
            refuse("chip_unfit", "chip", unfit, "a later stepping, or a pull-down on each of them", "hardware")

    def _refuse_open(self):
        refuse("not_safe", "interlock", "open", "emergency stop closed and no over-current", "hardware")

    def _need_unchanged(self):
        """The self-test has asked before arming, but a pause may be long."""
        if not self.session.unchanged():
            self.fail(faults.MEMORY_DAMAGED, "not the programme that was accepted")
            refuse("memory_damaged", "programme", "changed", "as it was accepted", "self-test")

    def _need_unopened(self):
        if not self._passes_line():
            self._refuse_open()

    def _passes_line(self):
        """Armed or paused, and nobody watches the line but its latch: an opening is a fault, however short."""
        cause = self._hal.opened()
        if cause:
            self.fail(cause, "the interlock was opened")
        return not cause

    def _off(self):
        """After the running pulse no more pulses, then no permission. The counts must agree."""
        if not self._on:
            return
        self._on = False
        hal = self._hal
        cancelled = [run.stop() for run in self._runs]
        cause = self._permission_lost()  # since the turn's checks; rest makes the guard forget it
        self._count()
        hal.all_off()
        if cause:
            self._fail_permission(cause)
        self._turn = 0
        self._judge(hal.now_ms())
        self._count_missed()
        for run, count in zip(self._runs, cancelled):
            if not run.agrees(count):
                lane = run.lane
                asked = lane.queued - lane.cancelled
                self.fail(faults.PULSE_COUNT, "channel %d: asked %d, began %d" % (lane.index, asked, run.delivered))

    def _count(self):
        for run in self._runs:
            run.count()

    def _judge(self, now_ms):
        """Judge what has been measured since the last time, of each channel whose turn it is. True unless that was a
        fault. Allocates nothing."""
        if not self.session.measures:
            return True
        turn = self._turn
        for run in self._runs:
            if turn % _JUDGE_EVERY and not run.delivery.suspects:
                continue
            cause = run.judge(now_ms, turn == 0)
            if cause:
                self._fail_delivery(cause, run.lane.index)
                return False
        return True

    def _count_missed(self):
        if self.session.measures:
            for run in self._runs:
                run.count_missed()

    def _fail_delivery(self, cause, channel):
        delivery = self.session.deliveries[channel]
        delivery.update()
        texts = (channel, delivery.set_ua, delivery.measured_ua, delivery.impedance_ohm, delivery.net_nc)
        self.fail(cause, "channel %d: set %d uA, measured %d uA, last load %d ohm, net %d nC" % texts)

    # ---- what time does ----

    def step(self, now_ms):
        """One turn of the loop: checks, then time and pulses."""
        if not self._passes(now_ms):
            return
        self._hal.feed_watchdog()
        session = self.session
        over = session.over(now_ms)
        if session.state == RUNNING and over != HOST_LOST:
            self.fill(now_ms)  # at the end too: what a late turn has left to give is late, and given
        if over and session.state != FAULT:
            session.stop(over, now_ms)
            self._off()
            self._close_lockout(now_ms)  # before a host can ask for anything that makes the session forgotten
        elif session.state in _MAY_WRITE:
            self._rest_turn(now_ms)

    def _rest_turn(self, now_ms):
        """Nobody is armed: what is to be kept is written. Flash takes up to 400 ms in which nothing else runs, so a
        write comes after the turn of a fault, and when the host has been told of it or takes too long to listen."""
        self._keep_due(now_ms)
        if not self._store.due:
            self._held = 0
        elif self._hal.unsent() and self._held < TELL_TURNS:
            self._held += 1
        else:
            self._held = 0
            self._write(self._store.flush)

    def _keep_due(self, now_ms):
        """Give the store what it has to write."""
        if self.session.state == FAULT:
            self._keep_fault()
        if self._lockout.is_open():
            self._close_lockout(now_ms)
        self._lockout.tick(now_ms)

    def _close_lockout(self, now_ms):
        """The session that has ended counts for what it delivered: without a pulse not at all. Counted once, however
        often this is asked."""
        session = self.session
        delivered_ms = session.elapsed_ms(now_ms) if session.queued > session.cancelled else 0
        self._lockout.close(session.ended == COMPLETED, delivered_ms, now_ms)

    def _passes(self, now_ms):
        """Every check of a turn; what fails becomes the fault. Nothing here allocates while all is well."""
        took_ms = now_ms - self._turn_ms
        self._turn_ms = now_ms
        state = self.session.state
        if took_ms < 0 and state != FAULT:
            self.fail(faults.CLOCK_WRONG, "back by %d ms" % -took_ms)
            return False
        if not self._on:
            return self._stays_at_rest() if state == FAULT else self._passes_at_rest(now_ms, state)
        cause = self._permission_lost()
        if cause:
            self._fail_permission(cause)
            return False
        if took_ms > LATE_MS:
            self.fail(faults.LOOP_LATE, "main loop took %d ms; limit %d ms" % (took_ms, LATE_MS))
            return False
        self._turn = (self._turn + 1) % _COUNT_EVERY
        if not self._judge(now_ms):
            return False
        if now_ms - self._clock_ms >= _WATCH_CLOCK_MS:
            self._clock_ms = now_ms
            if not self._passes_slowly(now_ms):
                return False
        self._hal.renew()
        return True

    def _permission_lost(self):
        """0, or the fault for which the enable is low or has to be; negative when the guard has not seen it."""
        hal = self._hal
        cause = hal.tripped()
        if not cause and not hal.permitted():
            cause = hal.tripped() or -(hal.opened() or faults.ENABLE_STUCK)  # it may just have fallen
        return cause

    def _fail_permission(self, cause):
        text = "seen by the guard"
        if cause < 0:
            text = "low, and the guard did not do it" if cause == -faults.ENABLE_STUCK else "not seen by the guard"
        self.fail(abs(cause), text)

    def _stays_at_rest(self):
        """In FAULT an enable that reads high is put to rest again every turn, and said beside the fault. True."""
        if self._hal.enabled():
            self._hal.all_off()
            record = self._store.get("fault")
            if self.session.fault != faults.ENABLE_STUCK and self.session.fails_too(_STILL_HIGH) and record:
                self._store.put("fault", dict(record, fault_text=self.session.fault_text))
        return True

    def _passes_at_rest(self, now_ms, state):
        """While nothing is permitted."""
        if self._hal.enabled():
            self.fail(faults.ENABLE_STUCK, "high, and nobody has permitted anything")
            return False
        if state in _WAITING and not self._passes_line():
            return False
        if now_ms - self._memory_ms >= _MEMORY_MS:
            self._memory_ms = now_ms
            return self._passes_test(faults.MEMORY_LOW)
        if state in _WAITING and now_ms - self._look_ms >= _LOOK_MS:
            self._look_ms = now_ms
            return self._passes_test(faults.TEMPERATURE) and self._passes_test(faults.SUPPLY_LOW)
        return True

    def _passes_test(self, fault):
        remains = self.self_test.remains(fault)
        if remains:
            self.fail(fault, "%s; expected %s" % remains)
        return not remains

    def _passes_slowly(self, now_ms):
        """A few times a second: the pulses against the clock, and what the load has become."""
        session = self.session
        for run in self._runs:
            if not self._keeps_time(run, now_ms):
                return False
            lag_ms = session.lag_ms(now_ms, run.lane)
            if lag_ms > OFF_CLOCK_MS:
                self._fail_clock(run, lag_ms)
                return False
        if not session.measures:
            return True
        if not self._hal.senses():
            self.fail(faults.SENSE_FAILED, "the ADC stands still")
            return False
        for run in self._runs:
            if not self._passes_trend(run.lane.index):
                return False
        return True

    def _passes_trend(self, channel):
        delivery, trend = self.session.deliveries[channel], self._trends[channel]
        delivery.update()
        found = trend.see(delivery.impedance_ohm, delivery.measured_ua)
        if found == STOP:
            self.fail(
                faults.IMPEDANCE_RISE, "channel %d: %d ohm, at first %d ohm" % (channel, trend.ohm, trend.first_ohm)
            )
            return False
        if found != FINE and not self.warned:
            self.warned = WARN
            self._warning = channel
        return True

    def _keeps_time(self, run, now_ms):
        """True unless the engine of a channel rests when it should not, and that was a fault. Allocates nothing."""
        off_ms = run.off_clock_ms(now_ms)
        if off_ms:
            self._fail_clock(run, off_ms)
        return not off_ms

    def _fail_clock(self, run, lag_ms):
        text = "pulses of channel %d are %d ms late" if lag_ms > 0 else "pulses of channel %d are %d ms early"
        self.fail(faults.CLOCK_WRONG, text % (run.lane.index, abs(lag_ms)))

    def fill(self, now_ms):
        """Queue what is due, of no lane after a fault. Allocates nothing."""
        for run in self._runs:
            if now_ms >= run.fill_ms and self._on:
                self._fill(run, now_ms)

    def _fill(self, run, now_ms):
        if self._keeps_time(run, now_ms) and not run.fill(now_ms):
            lane = run.lane
            self.fail(faults.PULSE_CHECK, "level %d, width %d us" % (lane.level, lane.feed.width_us))

    def status(self):
        """The session's status, with what the hardware counted."""
        if self._on:
            self._count()
        return self.session.status(self._hal.now_ms(), [run.delivered for run in self._runs])

    def renew(self, by=LOCAL):
        """`by` has asked for something new. It keeps a session alive that is its own."""
        self.session.heard(self._hal.now_ms(), by)
