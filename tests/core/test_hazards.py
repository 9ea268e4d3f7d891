"""Hazards that take more than one room to make happen: the session, its supervisor and the link on the virtual HAL.

docs/traceability.md lists every hazard with its tests; a test is named after the hazard that it makes happen.
"""

import unittest

import samples
from bench_hal import RESISTOR, Bench, Linked
from samples import codes

from nmes.core import checklist, commands, faults, frame
from nmes.core.reason import Refused
from nmes.core.session import ARMED, FADE_MS, FAULT, HOST_LOST_MS, IDLE, PAUSED, RUNNING, STEP_EVERY_MS, STEP_MAX_UA
from nmes.hal.common import LOOKAHEAD_US

OPEN_OHM = 10_000_000


def armed(bench):
    bench.arm()


def running(bench):
    bench.run(ua=2_000)
    bench.turn(count=20)


def paused(bench):
    running(bench)
    bench.supervisor.pause()


def failed(bench):
    running(bench)
    bench.supervisor.fail(faults.PULSE_CHECK, "x")
    bench.turn(count=2)


STATES = ((IDLE, Bench.load), (ARMED, armed), (RUNNING, running), (PAUSED, paused), (FAULT, failed))


class TheElectrode(unittest.TestCase):
    def session(self, pulses, ua):
        """Runs until `pulses` have begun."""
        bench = Bench()
        begin = bench.session.start

        def start(now_ms):
            begin(now_ms)
            bench.session.lanes[0].intensity_ua = ua

        bench.session.start = start
        bench.run(RESISTOR, ua)
        del bench.session.start
        channel = bench.hal.channels[0]
        while channel.begun() < pulses:
            bench.turn(1)
        return bench, channel

    def off_after_three(self, bench, channel, ohm, fault):
        before = channel.begun()
        channel._load._ohm = ohm
        bench.turn(1, 1_000)
        self.assertEqual((bench.session.state, bench.session.fault), (FAULT, fault))
        self.assertEqual((channel.begun() - before, channel.queued(), bench.hal.enabled()), (3, 0, False))

    def test_h08_off_or_badly_on_at_each_pulse_is_zero_within_three(self):
        for ohm in (10_000, OPEN_OHM):
            for pulses in range(1, 41):
                bench, channel = self.session(pulses, 20_000)
                self.off_after_three(bench, channel, ohm, faults.ELECTRODE_OPEN)

    def test_h08_10_kiloohm_first_and_then_off(self):
        # 1 mA into 10 kOhm are 10 V: the stage can do that.
        for pulses in range(1, 11):
            bench, channel = self.session(pulses, 1_000)
            channel._load._ohm = 10_000
            bench.turn(1, 70)
            self.assertEqual(bench.session.state, RUNNING)
            self.off_after_three(bench, channel, OPEN_OHM, faults.ELECTRODE_OPEN)

    def test_h10_a_short_at_each_pulse_is_zero_within_three(self):
        for ohm in (0, 40):
            for pulses in range(1, 21):
                bench, channel = self.session(pulses, 20_000)
                self.off_after_three(bench, channel, ohm, faults.ELECTRODE_SHORT)

    def test_h09_it_comes_back_and_the_current_stays_zero_until_a_person_starts_from_zero(self):
        bench, channel = self.session(5, 20_000)
        supervisor = bench.supervisor
        self.off_after_three(bench, channel, OPEN_OHM, faults.ELECTRODE_OPEN)
        begun = channel.begun()
        for ohm in (500, OPEN_OHM, 500):  # it bounces
            channel._load._ohm = ohm
            for act, arguments in (
                (supervisor.start, ()),
                (supervisor.set_intensity, (1_000, 0)),
                (supervisor.arm, (bench.session.programme_crc,)),
                (supervisor.adjust, (35_000, 200, 0)),
                (supervisor.pause, ()),
            ):
                self.assertTrue(codes(act, *arguments))
                bench.turn(count=100)
        self.assertEqual((channel.begun(), bench.hal.enabled(), bench.session.state), (begun, False, FAULT))
        supervisor.clear(faults.ELECTRODE_OPEN)
        bench.turn(count=100)
        self.assertEqual((channel.begun(), bench.session.state), (begun, IDLE))
        self.assertEqual(codes(supervisor.arm, bench.session.programme_crc), ["not_acknowledged"])
        bench.arm(RESISTOR)
        supervisor.start()
        self.assertEqual(samples.first(bench.session).intensity_ua, 0)
        self.assertEqual(codes(supervisor.set_intensity, STEP_MAX_UA + 100, 0), ["step_too_large"])


class TheIntensity(unittest.TestCase):
    def test_h13_a_thousand_events_a_second_raise_it_by_at_most_1_mA_every_250_ms(self):
        for seed in (1, 2, 3):
            die = samples.Die(seed)
            bench = Bench()
            bench.run(RESISTOR)
            pulses = []
            put = bench.hal.put

            def note(channel, level_a, *rest, put=put, pulses=pulses, bench=bench):
                pulses.append((bench.hal.now_ms(), level_a * 100, rest[1]))
                return put(channel, level_a, *rest)

            bench.hal.put = note
            lane = bench.session.lanes[0]
            for ms in range(4_000):
                bench.hal.pass_ms(1)
                # A host, an encoder that bounces or a key that repeats itself: mostly as much up as is allowed.
                asked = die.one_of((lane.intensity_ua + STEP_MAX_UA, lane.intensity_ua + STEP_MAX_UA, 30_000))
                if die.roll(1_500) == 0:
                    asked = 100 * die.roll(100)
                codes(bench.supervisor.set_intensity, asked, 0)
                if die.roll(300) == 0:
                    codes(bench.supervisor.adjust, 35_000, 50 + die.roll(451), 0)
                if ms % 10 == 0:
                    bench.supervisor.renew()
                    bench.supervisor.step(bench.hal.now_ms())
            self.assertEqual(bench.session.state, RUNNING)
            self.assertTrue(max([ua for _, ua, _ in pulses]) >= 4_000, "it rose")
            for i, (ms, ua, width_us) in enumerate(pulses):
                widest_us = width_us
                for later_ms, later_ua, later_us in pulses[i + 1 :]:
                    most_ua = (1 + (later_ms - ms) // STEP_EVERY_MS) * STEP_MAX_UA
                    self.assertTrue(later_ua - ua <= most_ua, str((ms, later_ms, ua, later_ua)))
                    # Wider is stronger: the charge rises no faster than by such steps of the current.
                    widest_us = max(widest_us, later_us)
                    self.assertTrue(later_ua * later_us - ua * width_us <= most_ua * widest_us)

    def test_h13_down_is_at_once(self):
        bench = Bench()
        bench.run(RESISTOR, 20_000)
        bench.turn(count=20)
        bench.supervisor.set_intensity(0, 0)
        bench.turn(1, LOOKAHEAD_US // 1_000)
        channel = bench.hal.channels[0]
        channel._measured = []
        bench.turn(1, 500)
        self.assertEqual(bench.session.delivery.set_ua, 0)


class TheLink(unittest.TestCase):
    def start(self):
        bench = Linked()
        loaded = bench.said("load", programme=samples.programme())
        bench.said("acknowledge", checklist=checklist.VERSION, items=len(checklist.ITEMS))
        bench.said("arm", programme_crc=loaded["programme_crc"])
        bench.said("start")
        return bench

    def test_h14_lines_lost_doubled_and_in_another_order_never_raise_more_than_was_asked(self):
        for seed in range(1, 21):
            die = samples.Die(seed)
            bench = self.start()
            highest_ua = asked_ua = quiet = 0
            held = []
            newest = before_ua = 0
            for _ in range(80):
                if die.roll(3) == 0:
                    asked_ua = die.one_of((asked_ua + STEP_MAX_UA, asked_ua, 0))
                    line = bench.line("intensity", channel=0, current_ua=asked_ua)
                    highest_ua = max(highest_ua, asked_ua)
                else:
                    line = bench.line("keepalive")
                fate = die.roll(4)
                lines = [b""] if fate == 0 else [line]
                if fate == 1:
                    lines = [line, line]
                elif fate == 2:
                    held.append(line)
                    lines = [held.pop(0)] if die.roll(2) else [b""]
                for one in lines:
                    bench.bytes(one)
                    session = bench.session
                    seq = frame.decode(one)["seq"] if one else 0
                    if seq >= newest:
                        newest, quiet = seq, 0
                    else:
                        self.assertEqual(samples.first(session).intensity_ua, before_ua, "an old line does nothing")
                    self.assertTrue(samples.first(session).intensity_ua <= min(highest_ua, before_ua + STEP_MAX_UA))
                    before_ua = samples.first(session).intensity_ua
                bench.alone(10, 12)
                quiet += 120
                self.assertTrue(bench.session.state == RUNNING or quiet >= HOST_LOST_MS, str(seed))
            # Now nothing comes any more.
            bench.alone(10, (HOST_LOST_MS + FADE_MS) // 10 + 1)
            self.assertEqual((bench.session.state, samples.first(bench.session).intensity_ua), (IDLE, 0))
            self.assertEqual((bench.session.ended, bench.hal.enabled()), ("host lost", False))
            # What comes too late, from the session that is over, starts nothing.
            begun = bench.hal.channels[0].begun()
            for one in held:
                bench.bytes(one)
            bench.bytes(bench.line("start"))
            bench.alone(10, 50)
            self.assertEqual((bench.session.state, bench.hal.channels[0].begun()), (IDLE, begun))

    def test_h14_a_line_that_comes_twice_is_done_once(self):
        bench = self.start()
        line = bench.line("intensity", channel=0, current_ua=1_000)
        bench.bytes(line)
        first = bench.answers[-1]
        bench.supervisor.set_intensity(500, 0)
        bench.bytes(line)
        self.assertEqual((bench.answers[-1], samples.first(bench.session).intensity_ua), (first, 500))

    def test_h14_an_old_line_that_comes_again_after_another_does_nothing(self):
        bench = self.start()
        up = bench.line("intensity", channel=0, current_ua=1_000)
        down = bench.line("intensity", channel=0, current_ua=0)
        self.assertEqual(bench.errors(up, down), [None, None])
        bench.alone(10, 50)
        before = bench.snapshot()
        self.assertEqual(bench.errors(up, up), ["old_seq", "old_seq"])
        self.assertEqual(frame.decode(bench.answers[-1])["seq"], bench.seq - 1)
        same = {"seq": bench.seq, "cmd": "keepalive", "host": bench.owner}
        self.assertEqual(bench.errors(frame.encode(same)), ["old_seq"])
        self.assertEqual(bench.snapshot(), before)
        # The last one is still the last one, and is answered again.
        self.assertEqual(bench.errors(down), [None])
        # Old lines say nothing of a host that is there now.
        for _ in range(HOST_LOST_MS // 10 + 1):
            bench.alone()
            bench.bytes(up)
        self.assertTrue(bench.session._fading_ms is not None)

    def test_h14_what_was_refused_is_old_too(self):
        bench = Linked()
        start = bench.line("start")
        self.assertEqual(bench.errors(start), ["wrong_state"])
        for cmd, arguments in (
            ("load", {"programme": samples.programme()}),
            ("acknowledge", {"checklist": checklist.VERSION, "items": len(checklist.ITEMS)}),
        ):
            loaded = bench.said(cmd, **arguments)
        bench.said("arm", programme_crc=bench.session.programme_crc)
        self.assertEqual((bench.errors(start), bench.session.state, loaded["ok"]), (["old_seq"], ARMED, True))

    def test_h14_stop_and_pause_are_done_whatever_their_number_and_begin_nothing(self):
        for cmd, state in (("pause", PAUSED), ("stop", IDLE)):
            bench = self.start()
            old = frame.encode({"seq": 0, "cmd": cmd})
            late = bench.line("intensity", channel=0, current_ua=1_000)
            bench.said("keepalive")
            self.assertEqual(bench.errors(old), [None])
            self.assertEqual(bench.session.state, state)
            self.assertEqual(bench.errors(late), ["old_seq"], "an old one does not set the count back")

    def test_h14_identify_makes_a_new_host_in_any_state_and_sets_no_other_back(self):
        for state, begin in STATES:
            bench = Linked()
            begin(bench)
            bench.seq = frame.SEQ_MAX - 1
            bench.said("keepalive")
            for seq in (100, 3):
                asked = [frame.encode({"seq": seq + i, "cmd": cmd}) for i, cmd in enumerate(("identify", "status"))]
                self.assertEqual(bench.errors(*asked), [None, None], state)
            old = frame.encode({"seq": 5, "cmd": "keepalive", "host": bench.owner})
            self.assertEqual(bench.errors(old), ["old_seq"], state)

    def lines(self, bench):
        """One of each command that would change something."""
        crc = bench.session.programme_crc
        return [
            bench.line("load", programme=samples.programme(title="other")),
            bench.line("acknowledge", checklist=checklist.VERSION, items=len(checklist.ITEMS)),
            bench.line("arm", programme_crc=crc),
            bench.line("start"),
            bench.line("intensity", channel=0, current_ua=1_000),
            bench.line("adjust", channel=0, rate_mhz=30_000, width_us=200),
            bench.line("pause"),
            bench.line("stop"),
            bench.line("clear", fault=faults.PULSE_CHECK),
            bench.line("maintenance"),
        ]

    def test_h15_damaged_lines_change_nothing_in_any_state(self):
        for at, (state, begin) in enumerate(STATES):
            die = samples.Die(100 + at)
            bench = Linked()
            begin(bench)
            self.assertEqual(bench.session.state, state)
            lines = self.lines(bench)
            before = bench.snapshot()
            answers = 0
            for count in range(4_000):
                line = die.one_of(lines)
                damaged = bytearray(line)
                for _ in range(1 + die.roll(4)):
                    # Not the newline, which only says when a line ends.
                    damaged[die.roll(len(line) - 1)] ^= 1 << die.roll(8)
                # Ctrl-C is for the prompt and no part of a line (H22).
                damaged = bytes(damaged).replace(b"\x03", b"\x02")
                kind = die.roll(8)
                if kind == 0:
                    damaged = damaged[: die.roll(len(damaged))] + b"\n"
                elif kind == 1:
                    damaged = damaged[die.roll(len(damaged)) :]
                elif kind == 2:
                    damaged = bytes([4 + die.roll(252) for _ in range(die.roll(60))]) + b"\n"
                if damaged.strip() == line.strip():
                    continue
                bench.bytes(damaged)
                bench.bytes(b"\n")
                if count % 200 == 0:
                    self.assertEqual(bench.snapshot(), before)
                answers += len(bench.answers)
                del bench.answers[:]
            self.assertEqual(bench.snapshot(), before)
            self.assertTrue(answers > 3_000, "they were read")

    def test_h15_whole_lines_that_are_no_command_change_nothing_in_any_state(self):
        junk = (None, True, -1, 1.5, "x", [], {}, 10**20, "NaN")
        for state, begin in STATES:
            bench = Linked()
            begin(bench)
            before = bench.snapshot()
            for name in sorted(commands.COMMANDS):
                arguments = commands.COMMANDS[name].arguments
                for key in list(arguments) + ["unknown"]:
                    for value in junk:
                        # All of the others are right; programme is a table, and {} is none.
                        asked = {k: {} if arguments[k][0] == "table" else arguments[k][1] for k in arguments}
                        asked[key] = value
                        self.assertFalse(bench.said(name, **asked)["ok"], str((state, name, key, value)))
            for seq in (None, -1, 2**31, 1.5, "1", True):
                bench.bytes(frame.encode({"seq": seq, "cmd": "stop"}))
            for cmd in (None, 1, "", "_do_stop", "status ", [], {}):
                bench.seq += 1
                self.assertEqual(
                    bench.errors(frame.encode({"seq": bench.seq, "cmd": cmd})), ["unknown_command"], str(cmd)
                )
            self.assertEqual(bench.snapshot(), before)

    def test_h22_the_prompt_is_not_reached_while_armed_running_or_paused(self):
        for state, begin in STATES:
            bench = Linked()
            begin(bench)
            bench.bytes(b"\n")
            before = bench.snapshot()
            # Interrupt, raw REPL, raw paste, paste mode, soft reset; what mpremote and Thonny send.
            for sent in (
                b"\r\x03\x03",
                b"\r\x01",
                b"\x05A\x01",
                b"\x05",
                b"\x02",
                b"\x04",
                b"import machine\r\x04",
                b"\x03" * 99,
            ):
                bench.bytes(sent)
                bench.bytes(b"\n")
            if state in (IDLE, FAULT):
                self.assertTrue(bench.link.wants_prompt)
                continue
            self.assertEqual(bench.snapshot(), before)
            self.assertEqual(bench.said("maintenance")["error"], "wrong_state")
            begun = bench.hal.channels[0].begun()
            bench.turn(count=20)
            self.assertEqual((bench.session.state, bench.hal.channels[0].begun() > begun), (state, state == RUNNING))


class ThePower(unittest.TestCase):
    def test_h18_a_battery_that_sags_is_a_fault_before_the_chip_resets(self):
        # A discharge to 2.9 V and the way back to 4.2 V, a value each second.
        for begin in (armed, paused):
            bench = Bench()
            begin(bench)
            for supply in range(4_200, 2_800, -50):
                bench.hal.supply = supply
                bench.turn(count=101)
                self.assertEqual(bench.session.state == FAULT, supply < 3_000, str(supply))
            self.assertEqual(bench.session.fault, faults.SUPPLY_LOW)
            self.assertEqual(codes(bench.supervisor.clear, faults.SUPPLY_LOW), ["cause_there"])
            begun = bench.hal.channels[0].begun()
            for supply in range(2_850, 4_200, 50):
                bench.hal.supply = supply
                bench.turn(count=101)
            self.assertEqual((bench.session.state, samples.first(bench.session).intensity_ua), (FAULT, 0))
            self.assertEqual((bench.hal.channels[0].begun(), bench.hal.enabled()), (begun, False))

    def test_h18_power_lost_at_any_time_comes_back_at_zero(self):
        for state, begin in STATES:
            bench = Bench()
            begin(bench)
            again = bench.again()
            again.turn(count=100)
            self.assertEqual(again.session.state, FAULT if state == FAULT else IDLE)
            self.assertEqual((again.hal.enabled(), again.hal.channels[0].begun()), (False, 0))
            self.assertTrue(codes(again.supervisor.start))
            self.assertTrue(codes(again.supervisor.arm, bench.session.programme_crc))

    def test_h18_with_a_supply_too_low_nobody_is_armed(self):
        bench = Bench()
        bench.hal.supply = 2_999
        self.assertEqual(codes(bench.arm), ["self_test"])
        self.assertEqual((bench.session.state, bench.session.fault), (FAULT, faults.SUPPLY_LOW))


class TheEmergencyStop(unittest.TestCase):
    def test_h19_open_in_every_state(self):
        for state, begin in STATES:
            bench = Bench()
            begin(bench)
            bench.hal.safe = False
            bench.hal.trip = faults.EMERGENCY_STOP if state == RUNNING else 0  # the guard looks while it is permitted
            bench.turn(count=3)
            self.assertEqual(bench.session.state, IDLE if state == IDLE else FAULT)
            self.assertEqual((bench.hal.enabled(), samples.first(bench.session).intensity_ua), (False, 0))
            self.assertEqual(codes(bench.supervisor.start), ["wrong_state"])
            self.assertEqual(codes(bench.supervisor.arm, bench.session.programme_crc), ["not_safe"])
            if state in (ARMED, RUNNING, PAUSED):
                self.assertEqual(bench.session.fault, faults.EMERGENCY_STOP)
                self.assertEqual(codes(bench.supervisor.clear, faults.EMERGENCY_STOP), ["not_safe"])
            begun = bench.hal.channels[0].begun()
            bench.hal.safe = True
            bench.turn(count=50)
            self.assertEqual((bench.hal.enabled(), bench.hal.channels[0].begun()), (False, begun))

    def test_h19_a_chip_whose_inputs_cannot_be_relied_on_is_never_armed(self):
        bench = Bench()
        bench.load()
        found = "of stepping A2, with no pull-down outside on stop_loop"
        bench.hal.unfit = lambda: found
        for _ in range(2):
            with self.assertRaises(Refused) as refused:
                bench.supervisor.arm(bench.session.programme_crc, bench.owner)
            (reason,) = refused.exception.reasons
            self.assertEqual((reason["code"], reason["asked"]), ("chip_unfit", found))
            self.assertEqual((bench.session.state, bench.hal.enabled()), (IDLE, False))
        bench.hal.unfit = lambda: ""
        bench.arm()
        self.assertEqual(bench.session.state, ARMED)

    def test_h19_a_chip_whose_inputs_cannot_be_relied_on_tests_nothing_that_moves_an_enable(self):
        bench = Bench()
        bench.hal.unfit = lambda: "of stepping A2, with no pull-down outside on stop_loop"
        moved = []
        bench.hal.try_guard = lambda: moved.append(1) or ""
        bench.hal.permit = lambda longest_us: moved.append(2)
        self.assertEqual(codes(bench.supervisor.run_self_test), ["chip_unfit"])
        self.assertEqual((moved, bench.session.state, bench.supervisor.self_test.results), ([], IDLE, []))
        bench.supervisor.fail(faults.GUARD_FAILED, "not tripped")
        self.assertEqual(codes(bench.supervisor.clear, faults.GUARD_FAILED), ["chip_unfit"])
        self.assertEqual(moved, [])
        bench.hal.unfit = lambda: ""
        bench.supervisor.clear(faults.GUARD_FAILED)
        self.assertEqual((moved, bench.session.state), ([1], IDLE))
        bench.supervisor.run_self_test()
        self.assertEqual((moved, bench.session.state), ([1, 1], IDLE))

    def test_h19_opened_and_closed_again_between_two_turns(self):
        for state, begin in STATES:
            if state not in (IDLE, ARMED, PAUSED):
                continue  # RUNNING: the guard sees it
            for cause in (faults.EMERGENCY_STOP, faults.OVER_CURRENT):
                for late in (lambda bench: bench.turn(), lambda bench: codes(bench.supervisor.start)):
                    bench = Bench()
                    begin(bench)
                    bench.hal.opened_by = cause
                    permits = []
                    bench.hal.permit = permits.append
                    late(bench)
                    self.assertEqual(permits, [])
                    wanted = (IDLE, 0) if state == IDLE else (FAULT, cause)
                    self.assertEqual((bench.session.state, bench.session.fault), wanted)
                    self.assertFalse(bench.hal.enabled())

    def test_h19_opened_while_nobody_was_armed_is_forgotten_when_it_is_closed(self):
        bench = Bench()
        bench.hal.safe = False
        bench.turn(count=3)
        bench.hal.safe = True
        bench.arm()
        bench.turn(count=3)
        bench.supervisor.start()
        bench.turn(count=3)
        self.assertEqual(bench.session.state, RUNNING)

    def test_h19_opened_and_closed_in_the_middle_of_a_start(self):
        bench = Bench()
        bench.arm()
        permit = bench.hal.permit

        def just_before(longest_us):
            bench.hal.opened_by = faults.EMERGENCY_STOP
            permit(longest_us)

        bench.hal.permit = just_before
        self.assertEqual(codes(bench.supervisor.start), ["not_safe"])
        self.assertEqual((bench.session.state, bench.session.fault), (FAULT, faults.EMERGENCY_STOP))
        self.assertEqual((bench.hal.enabled(), bench.hal.channels[0].begun()), (False, 0))

    def test_h19_opened_and_paused_before_the_next_turn(self):
        bench = Bench()
        bench.run()
        bench.turn(count=3)
        bench.hal.opened_by = faults.EMERGENCY_STOP
        bench.supervisor.pause()
        bench.turn()
        self.assertEqual((bench.session.state, bench.session.fault), (FAULT, faults.EMERGENCY_STOP))


class AFault(unittest.TestCase):
    ZEROS = ("currents", [2_200, 2_048], [2_048, 2_048])
    # What stays broken, and how it is when it is sound; what the device cannot see is not here.
    CAUSES = {
        faults.EMERGENCY_STOP: ("safe", False, True),
        faults.OVER_CURRENT: ("safe", False, True),
        faults.ELECTRODE_OPEN: ZEROS,
        faults.ELECTRODE_SHORT: ZEROS,
        faults.NET_CHARGE: ZEROS,
        faults.CURRENT_MISMATCH: ZEROS,
        faults.IDLE_CURRENT: ZEROS,
        faults.STORE_CORRUPT: ("flash_error", OSError(5), None),
        faults.ENABLE_STUCK: ("stuck_high", True, False),
        faults.GUARD_FAILED: ("proven", "lease_lost", ""),
        faults.SENSE_FAILED: ZEROS,
        faults.TEMPERATURE: ("temperature", 900, 250),
        faults.SUPPLY_LOW: ("supply", 2_500, 5_000),
        faults.MEMORY_LOW: ("memory_free", lambda: 10_000, lambda: 100_000),
    }

    def test_h23_each_one_refuses_to_arm_while_its_cause_is_there_and_needs_a_person_afterwards(self):
        for number in sorted(faults.NAMES):
            bench = Bench()
            running(bench)
            crc = bench.session.programme_crc
            name, broken, sound = self.CAUSES.get(number, ("safe", True, True))
            setattr(bench.hal, name, broken)
            bench.supervisor.fail(number, "x")
            bench.turn(count=300)
            for other in faults.NAMES:
                if other != number:
                    self.assertEqual(codes(bench.supervisor.clear, other), ["other_fault"])
            self.assertEqual((bench.session.state, bench.session.fault), (FAULT, number))
            if number in self.CAUSES:
                refused = codes(bench.supervisor.clear, number)
                self.assertTrue(refused or number == faults.STORE_CORRUPT, faults.name(number))
                self.assertEqual((bench.session.state, bench.session.fault), (FAULT, number))
                self.assertTrue(codes(bench.supervisor.arm, crc), faults.name(number))
            setattr(bench.hal, name, sound)
            bench.turn(count=300)
            self.assertEqual(bench.session.state, FAULT, "not by itself")
            self.assertTrue(codes(bench.supervisor.arm, crc), "not before it is cleared")
            self.assertTrue(codes(bench.supervisor.start))
            bench.supervisor.clear(number)
            self.assertEqual((bench.session.state, samples.first(bench.session).intensity_ua), (IDLE, 0))
            self.assertIn("not_acknowledged", codes(bench.supervisor.arm, crc))
            self.assertFalse(bench.hal.enabled())

    def test_h23_the_causes_are_all_that_the_device_looks_for(self):
        # Every fault of which the device can tell whether its cause is there has to be in the table above.
        looked_for = set(Bench().supervisor.self_test._causes) | {faults.EMERGENCY_STOP, faults.OVER_CURRENT}
        self.assertEqual(looked_for | {faults.STORE_CORRUPT}, set(self.CAUSES))


if __name__ == "__main__":
    unittest.main()
