"""core/settings.py, and the link's settings and factory reset: absolute, all or none, and never while armed."""

import json
import unittest

import samples
from bench_hal import RESISTOR, Bench, Linked
from test_link import Other, in_state
from test_link_prescriptions import code, listed, put, text_of

from nmes.core import command_words, faults, frame, limits, settings
from nmes.core.session import ARMED, FAULT, IDLE, PAUSED, RUNNING


def set_to(bench, **changes):
    return bench.said("set", settings=changes)


def powered(bench, cls=Linked):
    """The same board with power back."""
    again = cls(bench.hal.slots)
    again.hal.flash.sectors.update(bench.hal.flash.sectors)
    return again


class TheTable(unittest.TestCase):
    def test_a_new_device_s_settings_can_all_be_so(self):
        self.assertEqual(settings.check(settings.factory()), [])
        self.assertTrue(settings.are_whole(settings.factory()))
        self.assertEqual(settings.own_most_ua(settings.factory()), 2 * [limits.CURRENT_MAX_UA])

    def test_each_has_its_words_apart(self):
        self.assertEqual(set(command_words.SETTINGS), set(settings.SETTINGS))

    def test_each_has_bounds_that_are_exact(self):
        for name, (kind, least, most, _) in settings.SETTINGS.items():
            self.assertTrue(command_words.SETTINGS[name] and kind in ("int", "text"))
            make = (lambda value: value) if kind == "int" else (lambda value: "x" * value)
            for value, wrong in ((least, 0), (most, 0), (least - 1, 1), (most + 1, 1)):
                if kind == "text" and value < 0:
                    continue
                self.assertEqual(len(settings.check({name: make(value)})), wrong, "%s %d" % (name, value))

    def test_what_is_no_setting_or_no_value_is_named(self):
        for name, value, wanted in (
            ("volume", 1, "unknown"),
            (1, 1, "unknown"),
            ("own_max_0_ua", "1", "not_an_integer"),
            ("own_max_0_ua", True, "not_an_integer"),
            ("own_max_0_ua", 1.5, "not_an_integer"),
            ("own_max_0_ua", None, "not_an_integer"),
            ("device_name", 1, "not_a_text"),
            ("device_name", "a\nb", "not_a_text"),
            ("device_name", None, "not_a_text"),
        ):
            (reason,) = settings.check({name: value})
            self.assertEqual(reason["code"], wanted)
            self.assertEqual(json.loads(json.dumps(reason)), reason)

    def test_a_table_with_one_missing_or_one_more_is_not_whole(self):
        for name in settings.SETTINGS:
            some = settings.factory()
            del some[name]
            self.assertFalse(settings.are_whole(some))
        self.assertFalse(settings.are_whole(dict(settings.factory(), more=1)))
        for junk in (None, [], 1, "x"):
            self.assertFalse(settings.are_whole(junk))


class Setting(unittest.TestCase):
    def test_what_is_set_is_said_and_still_there_with_power_back(self):
        bench = Linked()
        self.assertEqual(bench.said("settings")["settings"], settings.factory())
        wanted = dict(settings.factory(), device_name="left room", buzzer_volume=3)
        answer = set_to(bench, device_name="left room", buzzer_volume=3)
        self.assertEqual(answer["settings"], wanted)
        for one in (bench, powered(bench)):
            self.assertEqual(one.said("settings")["settings"], wanted)

    def test_all_or_none(self):
        bench = Linked()
        answer = set_to(bench, device_name="x", buzzer_volume=11, volume=1)
        self.assertEqual((answer["error"], len(answer["reasons"])), ("refused", 2))
        self.assertEqual(powered(bench).said("settings")["settings"], settings.factory())

    def test_not_while_anybody_is_armed_and_not_with_a_fault(self):
        for state in (ARMED, RUNNING, PAUSED, FAULT):
            bench = in_state(state)
            before = list(bench.hal.slots)
            self.assertEqual(set_to(bench, buzzer_volume=3)["error"], "wrong_state", state)
            for changes in ({"buzzer_volume": 3}, {"volume": 3}):  # and the state is told, whatever is to be set
                self.assertEqual(samples.codes(bench.supervisor.set, changes), ["wrong_state"])
            self.assertEqual((bench.supervisor.settings(), bench.hal.slots), (settings.factory(), before))
            self.assertEqual("error" in bench.said("settings"), state != FAULT)

    def test_h16_what_cannot_be_written_is_refused_and_a_fault_and_anybody_may_stop(self):
        bench = Linked()
        bench.hal.flash_error = OSError(5)
        self.assertEqual(code(set_to(bench, buzzer_volume=3)), "not_kept")
        self.assertEqual((bench.session.state, bench.session.fault), (FAULT, faults.STORE_CORRUPT))
        self.assertTrue(bench.said("stop")["ok"])

    def test_h16_a_power_cut_at_any_byte_of_it_leaves_the_old_ones_or_the_new_ones(self):
        class Cut(Exception):
            pass

        whole = Linked()
        set_to(whole, device_name="before")
        before = list(whole.hal.slots)
        seen = set()
        for left in range(3_000):
            bench = Bench(list(before))
            bench.hal.bytes_left = left
            done = True
            try:
                bench.supervisor.set({"device_name": "after"})
            except Exception as cut:
                if type(cut).__name__ != "PowerCut":
                    raise
                done = False
            again = Bench(bench.hal.slots)
            self.assertEqual(again.session.state, IDLE)
            seen.add((done, again.supervisor.settings()["device_name"]))
            if done:
                break
        self.assertEqual(seen, {(False, "before"), (False, "after"), (True, "after")})


class OwnMaximum(unittest.TestCase):
    def test_h01_it_bounds_the_session_and_is_named_and_a_higher_one_of_the_prescription_does_not_count(self):
        bench = Linked()
        set_to(bench, own_max_0_ua=12_000)
        for one in (bench, powered(bench)):
            answer = one.said("load", programme=RESISTOR)
            self.assertEqual(answer["largest_current_ua"], 12_000)
            self.assertIn("channel 0", answer["largest_source"])
            one.run(RESISTOR, 0)
            one.turn(10, 30)
            for lane in one.session.lanes:
                lane.intensity_ua = 11_500
            (reason,) = one.said("intensity", channel=0, current_ua=12_100)["reasons"]
            self.assertEqual((reason["code"], reason["bound"]), ("above_limit", 12_000))
            self.assertIn("own maximum", reason["source"])
            self.assertTrue(one.said("intensity", channel=0, current_ua=12_000)["ok"])

    def test_h20_only_the_channels_that_are_used_count_and_of_two_the_least(self):
        for used, wanted_ua in (((0,), 12_000), ((1,), 9_000), ((0, 1), 9_000)):
            bench = Linked()
            set_to(bench, own_max_0_ua=12_000, own_max_1_ua=9_000)
            channels = [{"channel": channel, "delay_us": 0} for channel in used]
            answer = bench.said("load", programme=dict(RESISTOR, channels=channels))
            self.assertEqual(answer["largest_current_ua"], wanted_ua)
            self.assertIn("channel %d" % (0 if wanted_ua == 12_000 else 1), answer["largest_source"])

    def test_a_tighter_one_of_the_prescription_stays_the_limit(self):
        bench = Linked()
        set_to(bench, own_max_0_ua=25_000)
        answer = bench.said("load", programme=dict(RESISTOR, person={"max_current_ua": 7_000}))
        self.assertEqual((answer["largest_current_ua"], answer["largest_source"]), (7_000, limits.PERSON))

    def test_h01_setting_one_takes_a_loaded_programme_away_so_none_runs_with_the_limit_before(self):
        bench = Linked()
        bench.load(RESISTOR)
        crc = bench.session.programme_crc
        set_to(bench, own_max_0_ua=1_000)
        self.assertEqual(bench.said("arm", programme_crc=crc)["error"], "refused")
        self.assertEqual(bench.session.state, IDLE)

    def test_without_one_nothing_has_changed(self):
        self.assertEqual(Linked().said("load", programme=RESISTOR)["largest_source"], "the prescription")


class Reset(unittest.TestCase):
    def full(self):
        bench = Linked()
        for title in ("one", "two", "three"):
            put(bench, text_of(title))
        set_to(bench, device_name="mine", own_max_0_ua=5_000)
        return bench

    def test_it_forgets_settings_and_prescriptions_and_no_fault_nor_pause(self):
        bench = self.full()
        bench.store.put("locked_ms", 1_234_567)
        bench.store.flush()
        token = bench.said("reset", token=0)["token"]
        self.assertEqual([bench.said("reset", token=token)["left"] for _ in range(3)], [2, 1, 0])
        for one in (bench, powered(bench)):
            self.assertEqual((listed(one), one.supervisor.settings()), ({}, settings.factory()))
        self.assertEqual(powered(bench, Bench).store.get("locked_ms"), 1_234_567)
        self.assertEqual(code(bench.said("reset", token=token)), "other_token")
        self.assertEqual(bench.said("load", programme=RESISTOR)["largest_source"], "the prescription")

    def test_h23_the_record_of_a_fault_stays(self):
        bench = self.full()
        bench.store.put("fault", None)
        token = bench.said("reset", token=0)["token"]
        bench.supervisor.fail(faults.PULSE_CHECK, "x")
        bench.turn(count=2)
        self.assertEqual(bench.said("reset", token=token)["error"], "wrong_state")
        record = bench.supervisor.record()
        self.assertEqual(record["fault"], faults.PULSE_CHECK)
        self.assertEqual(len(listed(bench)), 3)

    def test_without_the_token_that_it_was_given_nobody_resets_anything(self):
        bench = self.full()
        self.assertEqual(code(bench.said("reset", token=7)), "other_token")
        token = bench.said("reset", token=0)["token"]
        other = Other(bench)
        for wrong in (1, token + 1 if token < frame.HOST_MAX else token - 1, frame.HOST_MAX - 1):
            self.assertEqual(code(bench.said("reset", token=wrong)), "other_token")
        self.assertEqual(code(other.said("reset", token=token)), "other_token")
        self.assertEqual((len(listed(bench)), bench.supervisor.settings()["device_name"]), (3, "mine"))

    def test_each_token_is_a_number_that_a_frame_can_carry_and_never_0_whatever_is_drawn(self):
        for drawn in (0, 1, 7, frame.HOST_MAX - 1, frame.HOST_MAX, frame.HOST_MAX + 1, 2 * frame.HOST_MAX):
            bench = self.full()
            bench.hal.random = lambda drawn=drawn: drawn
            token = bench.said("reset", token=0)["token"]
            self.assertEqual(token, 1 + drawn % frame.HOST_MAX)
            self.assertTrue(1 <= token <= frame.HOST_MAX)
            self.assertTrue(bench.said("reset", token=token)["ok"])

    def test_not_while_anybody_is_armed(self):
        for state in (ARMED, RUNNING, PAUSED, FAULT):
            bench = in_state(state)
            self.assertEqual(bench.said("reset", token=0)["error"], "wrong_state")

    def test_a_new_device_has_nothing_to_reset(self):
        bench = Linked()
        token = bench.said("reset", token=0)["token"]
        before = list(bench.hal.slots)
        self.assertEqual(bench.said("reset", token=token)["left"], 0)
        self.assertEqual(bench.hal.slots, before)


if __name__ == "__main__":
    unittest.main()
