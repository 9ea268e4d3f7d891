"""The records of sessions through the link, on a supervisor: begun before anybody is armed, and what a session did."""

import json
import unittest
from binascii import hexlify

import samples
from bench_hal import RESISTOR, RIGHT, Linked
from test_link_lock import KEY, signed
from test_link_prescriptions import code, put

from nmes.core import document, faults, frame, record
from nmes.core.dose import HOUR_S
from nmes.core.lockout import LOCKOUT_MS
from nmes.core.session import ARMED, COMPLETED, IDLE, RUNNING
from nmes.hal.common import LAYOUT

T = 1_800_000_000


def records(bench):
    """[(number, condition, BEGIN, END)] as a host has them."""
    found, number = [], 0
    while True:
        said = bench.said("log", after_session=number)
        number = said["session"]
        if not number:
            return found
        page = document.bytes_of(said["page"])
        what = record.condition(page)
        end = record.end_of(page) if what == record.ENDED else None
        found.append((number, what, record.begin_of(page), end))


def again(bench):
    """With power back."""
    return Linked(bench.hal.slots, "", bench.stage, bench.hal.flash.sectors)


def checked(bench):
    bench.said("acknowledge", **dict(zip(("checklist", "items"), RIGHT)))


def select(bench, number=1):
    """Everything up to the arming of a prescription that the device keeps. Returns the answer to `arm`."""
    loaded = bench.said("select", number=number)
    checked(bench)
    return bench.said("arm", programme_crc=loaded["programme_crc"])


def rest(bench, ms=20):
    bench.turn(ms)
    bench.turn(10)


class BeforeAndAfter(unittest.TestCase):
    def test_a_session_is_recorded_before_it_is_armed_and_nothing_is_written_until_it_is_over(self):
        bench = Linked()
        states = []
        write = bench.hal.flash.writeblocks

        def noted(number, data, at):
            states.append(bench.session.state)
            write(number, data, at)

        bench.hal.flash.writeblocks = noted
        bench.arm(RESISTOR)
        self.assertEqual((bench.session.state, states), (ARMED, [IDLE]))
        self.assertEqual([row[:2] for row in records(again(bench))], [(1, record.BEGUN)])
        bench.said("start")
        bench.turn(count=50)
        bench.said("stop")
        bench.turn(count=20)
        self.assertEqual(states, [IDLE, IDLE])
        self.assertEqual([row[:2] for row in records(bench)], [(1, record.ENDED)])

    def test_what_it_did_stands_in_it(self):
        bench = Linked()
        bench.said("clock", unix_s=T, back=0)
        bench.arm(RESISTOR)
        bench.said("start")
        lane = bench.session.lanes[0]
        for ua, turns in ((0, 100), (4_000, 200), (12_000, 300)):
            lane.intensity_ua = ua
            bench.turn(count=turns)
        bench.said("pause")
        bench.turn(count=100)
        bench.said("start")
        lane.intensity_ua = 4_000
        bench.turn(count=100)
        account = bench.said("stop")["account"]
        bench.turn(count=20)
        ((_, _, begin, end),) = records(bench)
        self.assertEqual((begin["started_by"], begin["checklist"], begin["prescription"]), (bench.owner, RIGHT[0], 0))
        self.assertEqual(begin["programme_crc"], bench.session.programme_crc)
        self.assertEqual(begin["flags"], record.RESISTOR | record.MEASURES)
        self.assertEqual((end["ended"], end["fault"], end["pauses"]), ("stopped", 0, 1))
        self.assertEqual(end["elapsed_ms"], account["elapsed_ms"])
        self.assertTrue(7_900 < end["took_s"] * 1_000 < 9_100, str(end["took_s"]))
        self.assertTrue(0 <= begin["unix_s"] - T <= 1 and 0 <= end["ended_unix_s"] - begin["unix_s"] - 8 <= 1)
        made, unused = end["channels"]
        self.assertEqual(made["pulses"], account["delivered"])
        for key in ("charge_a_nc", "charge_b_nc", "current_mean_ua", "current_most_ua", "missed"):
            self.assertEqual(made[key], account["channels"][0][key], key)
        for key in ("first", "last", "least", "most"):
            self.assertEqual(made["impedance_%s_ohm" % key], account["channels"][0]["impedance_%s_ohm" % key])
        self.assertEqual((made["set_most_ua"], made["works"]), (12_000, 1))
        # Seen four times a second: nearly as long at each level as it was set.
        for level, wanted_ms in ((0, 1_000), (1, 3_000), (3, 3_000)):
            self.assertTrue(abs(made["levels_ms"][level] - wanted_ms) <= 600, str(made["levels_ms"]))
        self.assertTrue(abs(sum(made["levels_ms"]) - end["elapsed_ms"]) < 100 * len(record.LEVELS_UA))
        self.assertEqual(unused["pulses"] + unused["driven"] + sum(unused["levels_ms"]), 0)

    def test_one_that_was_armed_and_never_started_has_no_pulse(self):
        bench = Linked()
        bench.arm(RESISTOR)
        bench.said("stop")
        rest(bench)
        ((_, what, _, end),) = records(bench)
        self.assertEqual((what, end["ended"], end["elapsed_ms"]), (record.ENDED, "stopped", 0))
        self.assertEqual(end["channels"][0]["works"], 0)

    def test_of_a_fault_the_number_and_of_a_lost_host_the_reason(self):
        bench = Linked()
        bench.run(RESISTOR)
        bench.turn(count=30)
        bench.supervisor.fail(faults.PULSE_CHECK, "x")
        bench.turn(count=30)
        bench.said("clear", fault=faults.PULSE_CHECK)
        bench.run(RESISTOR)
        bench.alone(10, 400)
        said = [(end["ended"], end["fault"]) for _, _, _, end in records(bench)]
        self.assertEqual(said, [("fault", faults.PULSE_CHECK), ("host lost", 0)])

    def test_a_self_test_that_fails_leaves_one_that_was_not_armed(self):
        bench = Linked()
        bench.load(RESISTOR)
        bench.hal.proven = "lease"
        bench.said("arm", programme_crc=bench.session.programme_crc)
        bench.turn(count=20)
        ((_, what, _, end),) = records(bench)
        self.assertEqual((what, end["ended"], end["fault"]), (record.ENDED, "not armed", bench.session.fault))

    def test_an_arming_that_is_refused_at_once_leaves_none(self):
        bench = Linked()
        bench.said("load", programme=RESISTOR)
        bench.said("arm", programme_crc=bench.session.programme_crc)
        rest(bench)
        self.assertEqual(records(bench), [])

    def test_h16_without_power_in_a_session_it_was_not_ended_in_order_and_the_pause_begins(self):
        bench = Linked()
        bench.run()
        bench.turn(count=100)
        back = again(bench)
        self.assertEqual([row[:2] for row in records(back)], [(1, record.BEGUN)])
        back.load()
        answer = back.said("arm", programme_crc=back.session.programme_crc)
        self.assertEqual(code(answer), "locked_out")
        back.hal.pass_ms(LOCKOUT_MS)
        self.assertTrue(back.said("arm", programme_crc=back.session.programme_crc)["ok"])
        self.assertEqual([row[:2] for row in records(again(back))], [(1, record.BEGUN), (2, record.BEGUN)])

    def ended_in_this_turn(self, data=RESISTOR):
        """A session that the programme's end has ended in the turn of the main loop in which the link comes next."""
        bench = Linked()
        bench.run(data, 4_000)
        while bench.session.state == RUNNING:
            bench.turn()
        self.assertEqual(bench.session.ended, COMPLETED)
        return bench

    def test_h16_a_session_is_recorded_and_counted_whatever_a_host_asks_in_the_turn_of_its_end(self):
        times = {"work_ms": 2_000, "rest_ms": 3_000, "ramp_up_ms": 500, "ramp_down_ms": 500, "duration_ms": 2_500}
        short = samples.programme([samples.phase(**times)])
        rows = {str(number): samples.UNCALIBRATED for number in range(2)}
        asked = (
            ("set", {"settings": {"language": 1}}),
            ("calibrate", {"rows": dict(rows, **{"0": dict(samples.UNCALIBRATED, dac_offset=1)})}),
            ("uncalibrate", {}),
            ("lock", {"key": KEY}),
            ("load", {"programme": RESISTOR}),
            ("log", {"after_session": 0}),
            ("log_clear", {"session": 1, "page_digest": 32 * "0"}),
            ("arm", {"programme_crc": 1}),
            ("maintenance", {}),
        )
        for name, arguments in asked:
            bench = self.ended_in_this_turn(short)
            bench.said(name, **arguments)
            bench.turn(count=20)
            ((_, what, _, end),) = records(again(bench))
            self.assertEqual((name, what, end and end["ended"]), (name, record.ENDED, COMPLETED))
            self.assertTrue(end["elapsed_ms"] >= 2_000 and end["channels"][0]["pulses"] > 50, name)
            self.assertEqual((name, bench.supervisor.locked_out_ms() > 0), (name, True))

    def test_h16_of_a_fault_too(self):
        for name, arguments in (
            ("clear", {"fault": faults.ELECTRODE_OPEN}),
            ("uncalibrate", {}),
            ("log", {"after_session": 0}),
            ("bootloader", {}),
        ):
            bench = Linked()
            bench.run(None, 4_000)
            bench.turn(count=100)
            bench.supervisor.fail(faults.ELECTRODE_OPEN, "a test")
            bench.said(name, **arguments)
            bench.turn(count=20)
            ((_, what, _, end),) = records(again(bench))
            self.assertEqual((name, what, end["fault"]), (name, record.ENDED, faults.ELECTRODE_OPEN))
            self.assertTrue(end["elapsed_ms"] >= 1_000 and end["channels"][0]["pulses"] > 20, name)
            self.assertEqual((name, bench.supervisor._lockout._store.get("used_ms") > 900), (name, True))

    def test_what_the_host_reads_in_the_turn_of_the_end_is_the_whole_record(self):
        for data in (RESISTOR, None):
            bench = Linked()
            bench.run(data)
            bench.turn(count=100)
            bench.said("stop")
            ((_, what, _, _),) = records(bench)
            self.assertEqual(what, record.ENDED)

    def test_looking_allocates_nothing(self):
        from samples import heap_lock, heap_unlock

        bench = Linked()
        bench.run(RESISTOR, 4_000)
        bench.turn(count=10)
        now_ms = bench.hal.now_ms()
        heap_lock()
        try:
            bench.supervisor.records.look(bench.session, now_ms)
        finally:
            heap_unlock()


class Given(unittest.TestCase):
    def test_records_are_given_in_idle_and_fault_and_to_nobody_in_a_session(self):
        bench = Linked()
        bench.run(RESISTOR)
        self.assertEqual(bench.said("log", after_session=0)["error"], "wrong_state")
        bench.supervisor.fail(faults.PULSE_CHECK, "x")
        bench.turn(count=20)
        self.assertEqual(bench.said("log", after_session=0)["session"], 1)
        self.assertEqual(bench.said("log", after_session=1)["session"], 0)
        answer = bench.said("log_clear", session=1, page_digest=32 * "0")
        self.assertEqual(answer["error"], "wrong_state")

    def session(self, bench):
        bench.run(RESISTOR)
        bench.turn(count=10)
        bench.said("stop")
        rest(bench)

    def digest(self, bench, number):
        """That of a session's record, as a host says it."""
        said = bench.said("log", after_session=number - 1)
        self.assertEqual(said["session"], number)
        return hexlify(record.digest(document.bytes_of(said["page"]))).decode()

    def test_what_a_host_has_not_read_it_cannot_clear(self):
        bench = Linked()
        self.session(bench)
        digest = self.digest(bench, 1)
        for number, wrong, wanted in (
            (1, 32 * "0", "other_record"),
            (2, digest, "no_such_record"),
            (1, 32 * "x", "not_hexadecimal"),
        ):
            self.assertEqual(code(bench.said("log_clear", session=number, page_digest=wrong)), wanted)
        self.assertEqual(len(records(bench)), 1)

    def test_what_came_since_the_host_has_read_stays(self):
        bench = Linked()
        self.session(bench)
        self.session(bench)
        digest = self.digest(bench, 2)
        self.session(bench)  # which the host does not know of
        answer = bench.said("log_clear", session=2, page_digest=digest)
        self.assertEqual((answer["ok"], answer["taken"]), (True, 2))
        for one in (bench, again(bench)):
            self.assertEqual([row[0] for row in records(one)], [3])
        self.assertEqual(code(bench.said("log_clear", session=2, page_digest=digest)), "no_such_record")
        digest = self.digest(bench, 3)
        self.assertTrue(bench.said("log_clear", session=3, page_digest=digest)["ok"])
        self.assertEqual((records(bench), records(again(bench))), ([], []))
        self.assertEqual(bench.said("log", after_session=0)["newest"], 3)

    def test_on_a_locked_device_it_has_to_be_signed(self):
        bench = Linked()
        self.session(bench)
        said = bench.said("log", after_session=0)
        digest = hexlify(record.digest(document.bytes_of(said["page"]))).decode()
        bench.said("lock", key=KEY)
        self.assertEqual(code(bench.said("log_clear", session=1, page_digest=digest)), "unsigned")
        self.assertEqual(len(records(bench)), 1)
        self.assertTrue(signed(bench, "log_clear", session=1, page_digest=digest)["ok"])
        self.assertEqual(records(bench), [])

    def test_h16_when_few_are_left_it_is_said_after_each_session_until_a_host_has_them(self):
        bench = Linked()
        self.session(bench)
        bench.supervisor.records._next = 16 * len(LAYOUT["sessions"]) - record.FEW - 1
        lefts = []
        for _ in range(4):
            del bench.answers[:]
            bench.run(RESISTOR)
            bench.alone(10, 10)
            bench.supervisor.stop()
            bench.alone(10, 20)
            events = [event for event in map(frame.decode, bench.answers) if event.get("event") == "warning"]
            lefts.append([(event["warning"], event["sessions_left"]) for event in events])
        self.assertEqual(lefts[:2], [[], []])
        self.assertEqual(lefts[2:], [[("few_records", record.FEW - 1)], [("few_records", record.FEW - 2)]])


class NoRoom(unittest.TestCase):
    def test_h12_where_nothing_can_be_recorded_no_person_is_armed_and_a_resistor_is(self):
        for without in ("records", "flash"):
            bench = Linked()
            if without == "records":
                bench.supervisor.records = None
                self.assertEqual(code(bench.said("log", after_session=0)), "no_records")
                self.assertEqual(code(bench.said("log_clear", session=1, page_digest=32 * "0")), "no_records")
            else:
                bench.hal.flash.writeblocks = lambda number, data, at: None
            bench.load()
            answer = bench.said("arm", programme_crc=bench.session.programme_crc)
            self.assertEqual((code(answer), bench.session.state), ("not_recorded", IDLE))
            bench.run(RESISTOR)
            bench.turn(count=20)
            self.assertEqual(bench.session.state, RUNNING)
            bench.said("stop")
            rest(bench)
            self.assertEqual(bench.session.state, IDLE)

    def test_a_refusal_for_that_leaves_no_pause_behind(self):
        bench = Linked()
        write = bench.hal.flash.writeblocks
        bench.hal.flash.writeblocks = lambda number, data, at: None
        bench.load()
        bench.said("arm", programme_crc=bench.session.programme_crc)
        bench.hal.flash.writeblocks = write
        self.assertTrue(bench.said("arm", programme_crc=bench.session.programme_crc)["ok"])


class TheSchedule(unittest.TestCase):
    def kept(self, schedule, made=RESISTOR):
        bench = Linked()
        text = json.dumps(dict(made, about={"schedule": schedule})).encode()
        self.assertEqual(put(bench, text, 1)["number"], 1)
        return bench

    def run_it(self, bench, seconds=400):
        self.assertTrue(select(bench)["ok"])
        bench.said("start")
        bench.turn(count=10)
        elapsed = bench.session._before_ms
        bench.session._before_ms = elapsed + 1_000 * seconds
        bench.said("stop")
        rest(bench)

    def test_h12_of_a_prescription_that_is_kept_it_holds_and_of_one_that_a_host_loads_the_host_judges(self):
        bench = self.kept({"hours_between": 2})
        self.run_it(bench)
        self.assertEqual(code(select(bench)), "too_soon_again")
        self.assertEqual(bench.session.state, IDLE)
        self.assertEqual(len(records(bench)), 1)
        loaded = bench.said("load", programme=RESISTOR)
        checked(bench)
        self.assertTrue(bench.said("arm", programme_crc=loaded["programme_crc"])["ok"])
        bench.said("stop")  # without a pulse it does not count
        rest(bench)
        bench.turn(2 * HOUR_S * 1_000)
        self.assertEqual(code(select(bench)), None)

    def test_what_is_loaded_afterwards_has_no_schedule_and_what_was_refused_keeps_the_one_before(self):
        bench = self.kept({"not_after": "2026-12-31"})
        bench.said("select", number=1)
        bench.said("load", programme=dict(RESISTOR, title=7))
        checked(bench)
        answer = bench.said("arm", programme_crc=bench.session.programme_crc)
        self.assertEqual(code(answer), "clock_unknown")
        bench.said("load", programme=RESISTOR)
        checked(bench)
        self.assertTrue(bench.said("arm", programme_crc=bench.session.programme_crc)["ok"])

    def test_h12_over_a_power_cut_it_is_refused_until_a_host_says_the_time_or_enough_of_it_has_passed(self):
        bench = self.kept({"hours_between": 2})
        bench.said("clock", unix_s=T, back=0)
        self.run_it(bench)
        back = again(bench)
        self.assertEqual(code(select(back)), "clock_unknown")
        back.said("clock", unix_s=T + HOUR_S, back=0)
        self.assertEqual(code(select(back)), "too_soon_again")
        back.said("clock", unix_s=T + 3 * HOUR_S, back=0)
        self.assertTrue(select(back)["ok"])
        other = again(bench)
        other.hal.pass_ms(2 * HOUR_S * 1_000)
        self.assertTrue(select(other)["ok"])

    def test_h12_a_person_at_the_device_may_confirm_what_it_cannot_know_and_that_is_recorded(self):
        bench = self.kept({"hours_between": 2})
        self.run_it(bench)
        back = again(bench)
        loaded = back.said("select", number=1)
        back.session.acknowledge(*RIGHT, 0)
        back.supervisor.arm(loaded["programme_crc"], 0, confirmed=True)
        self.assertEqual(back.session.state, ARMED)
        last = records(again(back))[-1]
        self.assertEqual(last[2]["flags"] & record.CONFIRMED, record.CONFIRMED)
        self.assertEqual(last[2]["started_by"], record.PANEL)
        self.assertEqual(last[2]["prescription"], 1)

    def test_h12_a_session_that_was_cut_counts(self):
        bench = self.kept({"sessions_most": 1})
        self.assertTrue(select(bench)["ok"])
        self.assertEqual(code(select(again(bench))), "all_done")

    def test_h12_a_schedule_that_is_not_understood_is_not_run(self):
        for schedule in ({"sessions_a_month": 1}, [1], "often"):
            bench = self.kept(schedule)
            self.assertFalse(select(bench)["ok"])
        self.assertTrue(select(self.kept({}))["ok"])

    def test_h12_clearing_the_records_gives_nobody_another_session(self):
        bench = self.kept({"sessions_most": 1})
        self.run_it(bench)
        page = document.bytes_of(bench.said("log", after_session=0)["page"])
        self.assertTrue(bench.said("log_clear", session=1, page_digest=hexlify(record.digest(page)).decode())["ok"])
        self.assertEqual(code(select(again(bench))), "all_done")
