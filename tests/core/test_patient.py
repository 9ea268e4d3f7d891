"""patient.py: a session of the panel on the virtual HAL, from the list of programmes to its end, and all that ends it
or keeps it from beginning."""

import unittest

import samples
from bench_hal import RESISTOR
from panel_bench import CYCLES, Paneled, text_of
from test_link_prescriptions import put

from nmes.core import access, buttons, checklist, commands, faults, record
from nmes.core.dialogue import PAUSE_MOST_MS
from nmes.core.session import ARMED, COMPLETED, FAULT, IDLE, LOCAL, PAUSED, RUNNING
from nmes.hal.common import LAYOUT
from nmes.patient import LATE_MS, PAUSED_TOO_LONG

TENS = samples.programme([samples.phase(work_ms=0, rest_ms=0, duration_ms=100_000)], title="TENS", effect="sensory")
TWO = dict(CYCLES, title="Two", channels=[{"channel": 0, "delay_us": 0}, {"channel": 1, "delay_us": 0}])


class ASession(unittest.TestCase):
    def test_from_the_first_question_to_the_end_of_the_programme_without_a_host(self):
        bench = Paneled()
        self.assertEqual(bench.rows[:2], ["Choose programme", "1 of 1"])
        bench.answer()
        self.assertEqual((bench.session.state, bench.place), (IDLE, "ready"))
        bench.press("start", turns=110)
        self.assertEqual((bench.session.state, bench.session.owner, bench.level()), (RUNNING, LOCAL, 0))
        bench.press("up")
        self.assertEqual(bench.level(), 1_000)
        bench.turns(11_000)
        self.assertEqual((bench.session.state, bench.session.ended, bench.place), (IDLE, COMPLETED, "ended"))
        self.assertEqual((bench.rows[0], bench.rows[5]), ("Finished", "most 1 mA"))
        self.assertEqual((bench.hal.enabled(), bench.session.fault), (False, 0))
        bench.press("up")
        self.assertEqual((bench.place, bench.rows[5]), ("choose", "last 1 mA"))

    def test_h13_as_last_time_is_the_last_session_that_came_to_its_end_and_stays_without_power(self):
        bench = Paneled(kept=(TENS, dict(TENS, about={"told": "another"})))
        self.assertEqual(bench.rows[2:6], ["TENS", "", "", ""])
        bench.begin()
        bench.press("up", after=30)
        bench.press("up", after=30)
        bench.press("down")
        bench.turns(11_000)
        bench.press("up")
        for one in (bench, bench.powered()):
            self.assertEqual((one.place, one.rows[5]), ("choose", "last 2 mA"))
            one.press("programme")  # the same programme in another prescription
            self.assertEqual((one.rows[1], one.rows[5]), ("2 of 2", ""))
            one.press("programme")
            self.assertEqual((one.rows[1], one.rows[5]), ("1 of 2", "last 2 mA"))
            one.answer()
            self.assertEqual((one.place, one.rows[4]), ("ready", "last 2 mA"))
            one.press("start", turns=110)
            self.assertEqual((one.session.state, one.level(), one.rows[5]), (RUNNING, 0, "mA last 2"))
            for _ in range(4):
                one.press("up", after=30)
            one.press("stop")  # it hurt
            self.assertEqual((one.place, one.rows[5]), ("ended", "most 4 mA"))
            one.turns(100)
            one.press("up")
            self.assertEqual((one.place, one.rows[5]), ("choose", "last 2 mA"))

    def test_h13_what_was_reached_in_one_programme_is_never_shown_with_another(self):
        bench = Paneled(kept=(CYCLES, TENS))
        bench.begin()
        bench.press("up")
        self.assertEqual(bench.level(), 1_000)
        bench.supervisor.fail(faults.ELECTRODE_OPEN, "a test")
        bench.turns(20)
        bench.press("start", turns=120)
        bench.press("programme")
        self.assertEqual((bench.place, bench.rows[2]), ("choose", "TENS"))
        bench.press("start")
        bench.press("stop")
        bench.turns(100)
        bench.press("up")
        self.assertEqual((bench.place, bench.rows[1:6]), ("choose", ["2 of 2", "TENS", "", "", ""]))

    def test_the_record_has_an_intensity_that_was_there_for_less_than_a_look(self):
        bench = Paneled(kept=(TENS,))
        bench.begin()
        bench.press("up", turns=4, after=0)
        self.assertEqual(bench.level(), 1_000)
        bench.press("stop", turns=2)
        ((_, _, end),) = list(bench.supervisor.records.back())
        self.assertEqual(end["channels"][0]["set_most_ua"], 1_000)

    def test_what_was_done_is_never_more_than_the_programme_and_no_second_that_was_not_whole(self):
        short = dict(CYCLES, phases=[dict(CYCLES["phases"][0], duration_ms=12_000)])
        bench = Paneled(kept=(short,))
        bench.begin()
        bench.turns(50)
        bench.session.late_ms = 35  # its pulses
        bench.turns(1_300)
        self.assertEqual((bench.session.ended, bench.rows[0], bench.rows[4]), (COMPLETED, "Finished", "0:12 done"))
        self.assertTrue(bench.session.elapsed_ms(bench.hal.now_ms()) > 12_000, "the test is about that")
        bench = Paneled(kept=(short,))
        bench.begin()
        while bench.session.elapsed_ms(bench.hal.now_ms()) < 4_950:
            bench.turns()
        bench.press("stop")
        self.assertEqual((bench.rows[0], bench.rows[4]), ("Stopped", "0:04 done"))
        bench.said("set", settings={"language": 1})  # and nothing is loaded any more
        bench.turns(110)
        self.assertEqual((bench.place, bench.rows[4]), ("ended", "0:04 gemacht"))

    def test_what_was_done_is_shown_whatever_a_host_asks_in_the_turn_of_the_end(self):
        short = dict(CYCLES, phases=[dict(CYCLES["phases"][0], duration_ms=12_000)])
        for name, arguments in (("set", {"settings": {"own_max_0_ua": 9_000}}), ("load", {"programme": TENS})):
            bench = Paneled(kept=(short,))
            bench.begin()
            bench.press("up")
            while True:
                bench.hal.pass_ms(10)
                bench.supervisor.step(bench.hal.now_ms())
                if bench.session.state == IDLE:
                    break
                bench.patient.step(bench.hal.now_ms())
            self.assertTrue(bench.said(name, **arguments)["ok"])
            bench.patient.step(bench.hal.now_ms())
            bench.turns(20)
            self.assertEqual((bench.rows[0], bench.rows[4:6]), ("Finished", ["0:12 done", "most 1 mA"]))

    def test_a_self_test_of_a_third_of_a_second_is_not_a_late_turn(self):
        bench = Paneled()
        bench.answer()
        proof = bench.hal.try_guard

        def slow():
            bench.hal.pass_ms(LATE_MS + 100)
            return proof()

        bench.hal.try_guard = slow
        bench.press("start", turns=110)
        self.assertEqual((bench.session.state, bench.session.fault, bench.place), (RUNNING, 0, "working"))
        bench.turns(1, ms=LATE_MS + 300)
        self.assertEqual(bench.session.fault, faults.LOOP_LATE)

    def test_h25_without_the_hold_or_without_one_answer_nothing_begins(self):
        bench = Paneled()
        bench.answer()
        bench.press("start", turns=90)
        bench.turns(200)
        self.assertEqual((bench.session.state, bench.place), (IDLE, "ready"))
        bench.press("stop")
        bench.press("start", turns=500)
        self.assertEqual((bench.session.state, bench.place), (IDLE, "ask"))

    def test_h02_whoever_lets_go_while_the_device_tests_itself_gets_nothing(self):
        for mask in (0, buttons.START | buttons.UP, buttons.STOP):
            bench = Paneled()
            bench.answer()
            proof = bench.hal.try_guard
            pressed = []

            def lets_go(bench=bench, mask=mask, proof=proof, pressed=pressed):
                pressed.append(bench.mask)
                bench.mask = mask
                return proof()

            bench.hal.try_guard = lets_go
            bench.mask = buttons.START
            bench.turns(110)
            self.assertEqual(pressed, [buttons.START])
            self.assertEqual((bench.session.state, bench.session.ended, bench.place), (IDLE, "not begun", "told"))
            self.assertEqual((bench.session.queued, bench.hal.enabled(), bench.rows[6]), (0, False, "let_go"))

    def test_h25_who_went_through_the_whole_checklist_is_shown_before_the_questions_and_no_is_no(self):
        bench = Paneled(kept=(), panel=False)
        put(bench, text_of(TENS))
        stated = {"checked_version": checklist.VERSION, "checked_unix_s": 1_795_000_000}
        put(bench, text_of(CYCLES), checked_by="Dr. Anna Schmidt", **stated)
        bench.power()
        bench.press("start")
        self.assertEqual(bench.rows[:4], ["Whole checklist", "not stated who", "went through it", "with you"])
        self.assertEqual((bench.place, bench.rows[6:]), ("ask", ["start: go on", "stop: not now"]))
        bench.press("programme")
        bench.press("start")
        self.assertEqual(bench.rows[:4], ["Whole checklist", "version 3, with", "Dr. Anna Schmidt", ""])
        self.assertEqual(bench.rows[4:], ["on 2026-11-18", "", "start: true", "stop: not true"])
        bench.turns(100)
        bench.press("stop")
        self.assertEqual((bench.place, bench.rows[6]), ("told", "said_no"))
        again = bench.powered()
        again.press("programme")
        again.press("start")
        self.assertEqual(again.rows[2:5], ["Dr. Anna Schmidt", "", "on 2026-11-18"])
        again.turns(100)
        again.press("start")
        self.assertEqual((again.place, again.rows[0]), ("ask", "Question 1 of 9"))

    def test_h26_up_is_a_milliampere_a_press_and_only_while_the_muscle_works(self):
        bench = Paneled()
        bench.begin()
        bench.press("up", turns=30)  # held: once
        self.assertEqual(bench.level(), 1_000)
        bench.press("up", turns=8, after=20)
        self.assertEqual(bench.level(), 2_000)
        while bench.session.elapsed_ms(bench.hal.now_ms()) < 2_500:
            bench.turns()
        bench.press("up")
        self.assertEqual((bench.level(), bench.rows[5:]), (2_000, ["Up only while it", "works", "only_in_work"]))
        bench.turns(200)
        self.assertEqual(bench.rows[6][:4], "Rest")
        bench.press("down")
        self.assertEqual(bench.level(), 1_000)
        bench.press("down", "up")
        self.assertEqual(bench.level(), 0)
        bench.press("down")
        self.assertEqual((bench.level(), bench.session.state), (0, RUNNING))

    def test_h13_two_steps_too_soon_and_one_beyond_the_limit_are_refused_and_told(self):
        bench = Paneled(kept=(dict(TENS, max_current_ua=2_000),))
        bench.begin()
        bench.press("up", turns=4, after=4)
        bench.press("up", turns=4, after=4)
        self.assertEqual((bench.level(), bench.rows[7]), (1_000, "step_too_soon"))
        bench.turns(30)
        bench.press("up", after=30)
        self.assertEqual(bench.level(), 2_000)
        bench.press("up")
        self.assertEqual((bench.level(), bench.rows[7]), (2_000, "above_limit"))
        bench.turns(300)
        self.assertEqual(bench.rows[6], "Running")

    def test_a_step_is_what_can_be_delivered_exactly_and_no_more_than_a_milliampere(self):
        bench = Paneled(kept=(dict(TENS, phases=[dict(TENS["phases"][0], ratio=3)]),))
        bench.begin()
        bench.press("up", after=30)
        self.assertEqual(bench.level(), 900)
        self.assertEqual(bench.patient._display._shown.large, ("0.9",))

    def test_pause_and_on_from_zero(self):
        bench = Paneled()
        bench.begin()
        bench.press("up")
        bench.press("start")
        self.assertEqual((bench.session.state, bench.hal.enabled(), bench.rows[0]), (PAUSED, False, "Paused"))
        bench.turns(5_000)
        self.assertEqual(bench.session.state, PAUSED)
        bench.press("start")
        self.assertEqual((bench.session.state, bench.level()), (RUNNING, 0))

    def test_h12_a_pause_that_nobody_ends_is_over(self):
        bench = Paneled()
        bench.begin()
        bench.press("start")
        bench.turns(PAUSE_MOST_MS // 10 - 20)
        self.assertEqual(bench.session.state, PAUSED)
        bench.turns(20)
        self.assertEqual((bench.session.state, bench.session.ended), (IDLE, PAUSED_TOO_LONG))

    def test_the_programme_button_is_the_other_channel_while_it_works_and_moves_no_current(self):
        bench = Paneled(kept=(TWO,))
        bench.begin()
        bench.press("up")
        bench.press("programme")
        self.assertEqual((bench.level(0), bench.level(1)), (1_000, 0))
        self.assertEqual(bench.rows[5], " 1: mA  >2: mA  ")
        bench.press("up")
        bench.press("programme")
        bench.press("down")
        self.assertEqual((bench.level(0), bench.level(1)), (0, 1_000))

    def test_another_programme_is_chosen_at_rest_and_asks_everything_again(self):
        bench = Paneled(kept=(CYCLES, TENS))
        self.assertEqual(bench.rows[1], "1 of 2")
        bench.answer()
        bench.press("programme")
        self.assertEqual((bench.place, bench.rows[1], bench.rows[2]), ("choose", "2 of 2", "TENS"))
        bench.press("start", turns=120)
        self.assertEqual((bench.place, bench.session.state), ("ask", IDLE))
        bench.press("programme")
        bench.press("programme")
        self.assertEqual(bench.rows[1], "2 of 2")

    def test_h16_when_few_records_are_left_the_programmes_say_who_has_to_see_the_device_until_a_host_took_them(self):
        for language, words in enumerate(("Show your clinic", "Praxis zeigen")):
            bench = Paneled(kept=(TENS,))
            bench.said("set", settings={"language": language})
            bench.turns(110)
            self.assertFalse(words in bench.rows)
            bench.begin()
            bench.supervisor.records._next = 16 * len(LAYOUT["sessions"]) - record.FEW + 2
            bench.press("stop", after=120)
            bench.press("stop")
            self.assertEqual((bench.place, bench.rows[0], bench.rows[2]), ("choose", words, "TENS"))
            records = bench.supervisor.records
            records._taken = records.newest  # a host has them
            bench.turns(110)
            self.assertEqual((bench.place, words in bench.rows), ("choose", False))

    def test_h16_few_records_are_said_after_power_on_too(self):
        bench = Paneled(kept=(TENS,))
        bench.begin()
        bench.press("stop", after=120)
        again = bench.powered()
        self.assertEqual(again.rows[0], "Choose programme")
        again.supervisor.records._next = 16 * len(LAYOUT["sessions"]) - record.FEW + 2
        again.turns(110)
        self.assertEqual((again.place, again.rows[0]), ("choose", "Show your clinic"))

    def test_the_default_prescription_is_offered_first_in_the_language_that_is_set(self):
        bench = Paneled(kept=(CYCLES, TENS), panel=False)
        bench.said("set", settings={"default_prescription": 2, "language": 1})
        bench.power()
        self.assertEqual(bench.rows[:3], ["Programm wählen", "2 von 2", "TENS"])
        bench.said("set", settings={"language": 0})
        bench.turns(110)
        self.assertEqual(bench.rows[:3], ["Choose programme", "2 of 2", "TENS"])

    def test_what_a_host_keeps_changes_or_removes_is_seen_without_a_press(self):
        bench = Paneled(kept=())
        put(bench, text_of(TENS))
        bench.turns(150)
        self.assertEqual((bench.place, bench.rows[1], bench.rows[2]), ("choose", "1 of 1", "TENS"))
        put(bench, text_of(CYCLES))
        bench.turns(150)
        self.assertEqual((bench.rows[1], bench.rows[2]), ("1 of 2", "TENS"))
        put(bench, text_of(TWO), number=1)
        bench.turns(150)
        self.assertEqual((bench.rows[1], bench.rows[2]), ("1 of 2", "Two"))
        bench.said("remove", number=1)
        bench.turns(150)
        self.assertEqual((bench.rows[1], bench.rows[2]), ("1 of 1", CYCLES["title"]))
        bench.said("remove", number=2)
        bench.turns(150)
        self.assertEqual(bench.rows[1], "No programme")

    def test_h25_a_press_before_the_change_is_seen_opens_nothing_that_nobody_has_read(self):
        bench = Paneled(kept=(CYCLES,))
        put(bench, text_of(TENS), number=1)
        bench.press("start")
        self.assertEqual((bench.place, bench.patient._dialogue.code), ("told", "other_digest"))
        bench = Paneled(kept=())
        put(bench, text_of(TENS))
        bench.press("start")
        self.assertEqual((bench.place, bench.patient._dialogue.code), ("told", "no_programme"))
        bench.turns(150)
        bench.press("up")
        self.assertEqual((bench.place, bench.rows[2]), ("choose", "TENS"))

    def test_the_flash_is_not_read_while_nothing_is_changed(self):
        bench = Paneled()
        bench.supervisor.prescriptions._rows = None  # whoever looks fails
        bench.turns(500)
        self.assertEqual((bench.place, bench.session.fault), ("choose", 0))

    def test_h16_one_that_is_damaged_says_so_where_programmes_are_chosen(self):
        bench = Paneled(kept=(CYCLES, TENS))
        bench.hal.flash.sectors[LAYOUT["prescriptions"][0]][300] ^= 1
        bench.press("programme")
        bench.press("programme")
        self.assertEqual(bench.rows[:6], ["Choose programme", "1 of 2", "Programme is", "damaged", "stress", ""])
        bench.press("start")
        self.assertEqual((bench.place, bench.rows[2:4]), ("told", ["Programme is", "damaged"]))

    def test_without_a_prescription_nothing_can_be_chosen(self):
        bench = Paneled(kept=())
        what_to_do = ["A clinician has", "to put one onto", "the device"]
        self.assertEqual((bench.rows[1], bench.rows[3:6]), ("No programme", what_to_do))
        bench.press("start")
        self.assertEqual((bench.place, bench.rows[0], bench.rows[2:5]), ("told", "No programme", what_to_do))
        self.assertEqual(bench.rows[6], "no_programme")

    def test_garbage_is_collected_in_a_turn_of_its_own_while_it_runs(self):
        bench = Paneled()
        bench.begin()
        before = len(bench.collected)
        bench.turns(6_000)
        self.assertTrue(1 <= len(bench.collected) - before <= 10)


class StopAndDown(unittest.TestCase):
    def test_h26_stop_acts_in_the_turn_in_which_it_is_seen_in_every_state(self):
        for with_other in (0, buttons.UP, buttons.START | buttons.PROGRAMME, buttons.ALL):
            for paused in (False, True):
                bench = Paneled()
                bench.begin()
                bench.press("up")
                if paused:
                    bench.press("start")
                bench.mask = buttons.STOP | with_other
                bench.turns(1)
                self.assertEqual((bench.session.state, bench.session.ended, bench.level()), (IDLE, "stopped", 0))
                self.assertEqual(bench.hal.enabled(), False)

    def test_down_acts_in_the_turn_in_which_it_is_seen_and_goes_on_while_it_is_held(self):
        bench = Paneled(kept=(TENS,))
        bench.begin()
        for _ in range(5):
            bench.press("up", after=30)
        bench.mask = buttons.DOWN
        bench.turns(1)
        self.assertEqual(bench.level(), 4_000)
        bench.turns(50)
        self.assertEqual(bench.level(), 3_000)
        bench.turns(75)
        self.assertEqual(bench.level(), 0)

    def test_stop_is_stop_in_a_host_s_session_too(self):
        bench = Paneled()
        bench.arm(TENS)
        bench.supervisor.start()
        for state in (RUNNING,):
            self.assertEqual(bench.session.state, state)
        for button in ("up", "down", "start", "programme"):
            bench.session.lanes[0].intensity_ua = 3_000
            bench.press(button)
            self.assertEqual((bench.session.state, bench.level()), (RUNNING, 3_000))
        bench.mask = buttons.STOP
        bench.turns(1)
        self.assertEqual((bench.session.state, bench.session.ended), (IDLE, "stopped"))


class ProofOfLife(unittest.TestCase):
    def running(self):
        bench = Paneled()
        bench.begin()
        bench.press("up")
        return bench

    def check(self, bench, fault):
        self.assertEqual((bench.session.state, faults.name(bench.session.fault)), (FAULT, fault))
        self.assertEqual((bench.hal.enabled(), bench.level(), bench.session.owner), (False, 0, None))

    def test_it_is_kept_alive_by_its_turns_and_not_by_any_host(self):
        bench = self.running()
        bench.turns(500)
        self.assertEqual(bench.session.state, RUNNING)
        for _ in range(30):  # the panel's turns do not come any more; hosts do
            for _ in range(10):
                bench.hal.pass_ms(10)
                bench.supervisor.step(bench.hal.now_ms())
            bench.said("status")
        self.assertEqual((bench.session.state, bench.hal.enabled()), (IDLE, False))

    def test_h05_a_turn_of_the_panel_that_comes_too_late_is_a_fault_running_and_paused(self):
        for paused in (False, True):
            for late_ms, state in ((LATE_MS, PAUSED if paused else RUNNING), (LATE_MS + 1, FAULT)):
                bench = self.running()
                if paused:
                    bench.press("start")
                until_ms = bench.patient._due_ms + late_ms
                while bench.hal.now_ms() + 10 < until_ms:
                    bench.hal.pass_ms(10)
                    bench.supervisor.step(bench.hal.now_ms())
                bench.turns(1, ms=until_ms - bench.hal.now_ms())
                self.assertEqual(bench.session.state, state)
                if state == FAULT:
                    self.check(bench, "loop_late")

    def test_h26_a_button_that_is_stuck_chatters_or_touches_its_neighbour_ends_it(self):
        bench = self.running()
        bench.mask = buttons.UP
        bench.turns(1_010)
        self.check(bench, "button_stuck")
        bench = self.running()
        for _ in range(60):
            bench.mask ^= buttons.UP
            bench.turns(2)
        self.check(bench, "button_chatter")
        bench = self.running()
        for _ in range(3):
            bench.press("up", "programme")
        self.check(bench, "button_short")

    def test_h26_one_pressed_when_the_power_comes_is_a_fault_and_no_session(self):
        bench = Paneled(panel=False)
        bench.mask = buttons.START
        bench.power()
        self.check(bench, "button_stuck")
        self.assertEqual(bench.rows[0], "Fault 28")
        bench.turns(300)
        self.assertEqual(bench.session.state, FAULT)  # it is still pressed: that is no person who clears it
        bench.mask = 0
        bench.turns(150)
        bench.press("start", turns=120)
        self.assertEqual((bench.session.state, bench.place), (IDLE, "choose"))

    def test_a_host_cannot_clear_it_while_the_button_is_pressed(self):
        bench = Paneled(panel=False)
        bench.mask = buttons.UP
        bench.power()
        refused = bench.said("clear", fault=faults.BUTTON_STUCK)
        self.assertEqual((refused["ok"], refused["reasons"][0]["code"]), (False, "cause_there"))
        self.assertEqual(refused["reasons"][0]["parameter"], "button_stuck")
        bench.turns(1)
        self.check(bench, "button_stuck")
        bench.mask = 0
        bench.turns(50)
        self.assertEqual(bench.said("clear", fault=faults.BUTTON_STUCK)["reasons"][0]["code"], "cause_there")
        bench.turns(100)
        self.assertEqual(bench.said("clear", fault=faults.BUTTON_STUCK)["state"], IDLE)
        bench.turns(200)
        self.assertEqual((bench.session.state, bench.place), (IDLE, "choose"))

    def test_a_host_that_names_another_fault_is_told_so_whatever_is_pressed(self):
        bench = Paneled(panel=False)
        bench.mask = buttons.UP
        bench.power()
        self.assertEqual(bench.said("clear", fault=faults.SUPPLY_LOW)["reasons"][0]["code"], "other_fault")

    def test_another_fault_is_not_cleared_either_while_a_button_would_bring_its_own(self):
        bench = Paneled()
        bench.supervisor.fail(faults.SUPPLY_LOW, "a test")
        bench.mask = buttons.UP
        bench.turns(1_010)
        refused = bench.said("clear", fault=faults.SUPPLY_LOW)
        self.assertEqual(refused["reasons"][0]["parameter"], "button_stuck")
        self.check(bench, "supply_low")

    def test_an_exception_of_the_panel_is_a_fault(self):
        from test_app import app  # the turn of the main loop

        bench = self.running()
        bench.patient._buttons.step = None
        bench.mask = buttons.UP
        bench.hal.wait_ms = lambda ms: None
        app._turn(bench.hal, bench.supervisor, (bench.supervisor, bench.patient))
        self.check(bench, "internal_error")


class Faults(unittest.TestCase):
    def faulty(self, number):
        bench = Paneled()
        bench.begin()
        bench.supervisor.fail(number, "a test")
        bench.turns(110)
        return bench

    def test_h23_every_fault_is_shown_with_its_number_and_only_some_are_cleared_here(self):
        for number in faults.NAMES:
            bench = self.faulty(number)
            self.assertEqual(bench.rows[0], "Fault %d" % number)
            bench.press("start", turns=120)
            cleared = number in access.CLEARED_AT_PANEL
            self.assertEqual((bench.session.state, number), (IDLE if cleared else FAULT, number))
            if not cleared:
                self.assertEqual(bench.rows[7], "clinic_only")

    def test_h15_an_electrode_that_is_off_is_asked_for_as_large_as_an_intensity_with_the_fault_s_number(self):
        bench = self.faulty(faults.ELECTRODE_OPEN)
        self.assertEqual((bench.rows[0], bench.patient._display._shown.large), ("Fault 11", ("Electrode?",)))
        self.assertEqual(bench.rows[5:], ["It is off, dry", "or not connected", "then hold start"])
        bench.hal.safe = False
        bench.supervisor.clear = lambda number: bench.supervisor._need_closed_interlock()
        bench.press("start", turns=120)
        self.assertEqual((bench.rows[0], bench.patient._display._shown.large), ("Fault 11", ()))
        self.assertEqual(bench.rows[7], "not_safe")
        bench.turns(300)
        self.assertEqual(bench.patient._display._shown.large, ("Electrode?",))

    def test_a_cause_that_is_still_there_is_told(self):
        bench = self.faulty(faults.EMERGENCY_STOP)
        bench.hal.safe = False
        bench.press("start", turns=120)
        self.assertEqual((bench.session.state, bench.rows[7]), (FAULT, "not_safe"))

    def test_h23_start_held_since_before_the_fault_clears_nothing(self):
        bench = Paneled()
        bench.begin()
        bench.press("start")
        bench.mask = buttons.START
        bench.turns(20)
        bench.supervisor.fail(faults.ELECTRODE_OPEN, "a test")
        bench.turns(500)
        self.assertEqual(bench.session.state, FAULT)


class Refusals(unittest.TestCase):
    def test_what_keeps_a_session_from_beginning_is_told_with_its_code_and_nothing_is_armed(self):
        def opens(bench):
            bench.hal.safe = False

        def locks(bench):
            bench.supervisor._lockout._lock(bench.hal.now_ms())

        def loads_another(bench):
            bench.said("load", programme=TENS)

        def hides(bench):
            bench.screen.there = False
            bench.patient._display._dirty = 1
            bench.patient._display.due = True
            bench.turns(3)

        for happens, code in (
            (opens, "not_safe"),
            (locks, "locked_out"),
            (loads_another, "other_programme"),
            (hides, "no_display"),
        ):
            bench = Paneled()
            bench.answer()
            happens(bench)
            bench.press("start", turns=120)
            self.assertEqual((bench.session.state, bench.place, bench.patient._dialogue.code), (IDLE, "told", code))
            if happens != hides:
                self.assertEqual(bench.rows[6], code)
            self.assertEqual(bench.hal.enabled(), False)
        bench = Paneled()
        bench.answer()
        locks(bench)
        bench.press("start", turns=120)
        self.assertEqual(bench.rows[5], "in 30 min")

    def test_a_prescription_that_was_changed_since_it_was_shown_is_not_loaded(self):
        bench = Paneled()
        put(bench, text_of(dict(CYCLES, max_current_ua=9_000)), number=1)
        bench.press("start")
        self.assertEqual((bench.place, bench.rows[6], bench.session.programme), ("told", "other_digest", None))
        bench.turns(100)
        bench.press("up")
        bench.press("start")
        self.assertEqual(bench.place, "ask")

    def test_h01_one_for_a_resistor_is_not_begun_here_and_a_host_begins_it(self):
        bench = Paneled(kept=(dict(RESISTOR, title="Bench"), TENS))
        self.assertEqual(bench.rows[2], "Bench")
        bench.press("start")
        self.assertEqual((bench.place, bench.session.programme), ("told", None))
        self.assertEqual(bench.rows[2:7], ["Not for people.", "Ask your clinic", "", "", "for_resistor"])
        bench.turns(100)
        bench.begin()
        self.assertEqual((bench.session.state, list(bench.supervisor.records.back())), (IDLE, []))
        self.assertEqual(bench.hal.enabled(), False)
        bench.turns(100)
        bench.press("down")
        self.assertEqual(bench.place, "choose")
        bench.press("programme")
        bench.begin()
        self.assertEqual((bench.session.state, bench.session.programme.title), (RUNNING, "TENS"))
        bench.press("stop")
        chosen = bench.said("select", number=1)
        bench.said("acknowledge", checklist=checklist.VERSION, items=len(checklist.ITEMS))
        self.assertTrue(bench.said("arm", programme_crc=chosen["programme_crc"])["ok"])
        self.assertEqual((bench.session.state, bench.session.programme.title), (ARMED, "Bench"))

    def test_h25_what_a_host_loads_puts_there_or_removes_while_the_questions_are_asked_is_never_begun(self):
        ruled = dict(TENS, about={"schedule": {"sessions_most": 1}})

        def loads_the_same(bench):
            bench.said("load", programme=TENS)  # without a schedule: the host would judge it

        def selects_the_same_under_another_number(bench):
            bench.said("select", number=2)

        def pushes_another_schedule(bench):
            put(bench, text_of(dict(TENS, about={"schedule": {"not_after": "2020-01-01"}})), number=1)

        def removes_it(bench):
            bench.said("remove", number=1)

        def sets_the_person_s_own_maximum(bench):
            bench.said("set", settings={"own_max_0_ua": 5_000})

        for happens, code in (
            (loads_the_same, "other_programme"),
            (selects_the_same_under_another_number, "other_programme"),
            (pushes_another_schedule, "other_digest"),
            (removes_it, "not_there"),
            (sets_the_person_s_own_maximum, "other_programme"),
        ):
            for answered in (False, True):
                bench = Paneled(kept=(ruled, dict(TENS, about={"told": "another"})))
                if answered:
                    bench.answer()
                    happens(bench)
                else:
                    bench.press("start")
                    happens(bench)
                    while bench.place == "ask":
                        bench.turns(100)
                        bench.press("start")
                bench.press("start", turns=120)
                told = (happens, bench.session.state, bench.place, bench.patient._dialogue.code)
                self.assertEqual(told, (happens, IDLE, "told", code))
                self.assertEqual(list(bench.supervisor.records.back()), [])

    def test_what_was_loaded_and_chosen_again_begins_with_its_own_schedule(self):
        ruled = dict(TENS, about={"schedule": {"sessions_most": 1}})
        bench = Paneled(kept=(ruled,))
        bench.answer()
        bench.said("load", programme=TENS)
        bench.press("start", turns=120)
        bench.turns(100)
        bench.press("up")
        bench.begin()
        self.assertEqual((bench.session.state, bench.supervisor.kept.schedule), (RUNNING, {"sessions_most": 1}))
        bench.press("stop")

    def test_a_self_test_that_fails_is_a_fault_and_nobody_is_armed(self):
        bench = Paneled()
        bench.answer()
        bench.hal.proven = "an open line"
        bench.press("start", turns=120)
        self.assertEqual((bench.session.state, bench.session.fault), (FAULT, faults.GUARD_FAILED))


def scheduled(**rules):
    """A sensory prescription with a schedule: there is no other pause after it."""
    return dict(TENS, about={"schedule": rules})


class TheSchedule(unittest.TestCase):
    def after_a_session(self, **rules):
        bench = Paneled(kept=(scheduled(**rules),))
        bench.begin()
        bench.turns(11_000)
        self.assertEqual((bench.session.ended, bench.place), (COMPLETED, "ended"))
        bench.press("up")
        return bench

    def told(self, bench):
        return bench.place, bench.rows[5], bench.rows[6]

    def test_h12_too_soon_too_many_or_all_is_told_with_the_time_to_wait(self):
        for rules, told in (
            ({"hours_between": 24}, ("told", "in 24 h 0 min", "too_soon_again")),
            ({"sessions_per_day": 1}, ("told", "in 24 h 0 min", "too_many")),
            ({"sessions_most": 1}, ("told", "", "all_done")),
        ):
            bench = self.after_a_session(**rules)
            bench.begin()
            self.assertEqual((self.told(bench), bench.session.state), (told, IDLE))

    def test_h12_of_several_rules_the_longest_wait_is_told(self):
        bench = self.after_a_session(hours_between=1, sessions_per_day=1, sessions_per_week=3)
        bench.begin()
        self.assertEqual((self.told(bench), bench.session.state), (("told", "in 24 h 0 min", "too_many"), IDLE))

    def test_h12_without_a_clock_the_person_says_whether_the_time_has_passed_and_holds_start_again(self):
        bench = self.after_a_session(hours_between=24, sessions_per_week=1).powered()
        bench.begin()
        self.assertEqual((bench.session.state, bench.place, bench.rows[0]), (IDLE, "time", "Time not known"))
        self.assertEqual(bench.rows[1:4], ["Fewer than 1", "sessions in the", "last 7 days"])
        bench.turns(100)
        bench.press("start")
        self.assertEqual(bench.rows[1:4], ["The last session", "was 24 hours ago", "or more"])
        bench.turns(100)
        bench.press("start", turns=300)
        self.assertEqual((bench.session.state, bench.place), (IDLE, "ready"))
        bench.press("start", turns=110)
        self.assertEqual(bench.session.state, RUNNING)

    def test_h12_no_is_no_and_asks_everything_again(self):
        bench = self.after_a_session(hours_between=24).powered()
        bench.begin()
        bench.turns(100)
        bench.press("stop")
        self.assertEqual((bench.place, bench.rows[6]), ("told", "too_soon_again"))
        bench.turns(100)
        bench.press("up")
        bench.begin()
        self.assertEqual((bench.session.state, bench.place), (IDLE, "time"))

    def test_h12_days_are_for_the_clock_alone(self):
        bench = Paneled(kept=(scheduled(not_before="2026-01-01", not_after="2026-12-31"),))
        bench.begin()
        self.assertEqual((bench.session.state, self.told(bench)), (IDLE, ("told", "", "clock_unknown")))
        bench.said("clock", unix_s=1_795_000_000, back=0)
        bench.turns(100)
        bench.press("up")
        bench.begin()
        self.assertEqual(bench.session.state, RUNNING)

    def test_a_session_of_the_panel_has_its_record(self):
        bench = self.after_a_session(sessions_most=9)
        ((_, begin, end),) = list(bench.supervisor.records.back())
        self.assertEqual((begin["started_by"], begin["prescription"], end["ended"]), (LOCAL, 1, COMPLETED))
        self.assertEqual(begin["checked_version"], 0)
        put(bench, text_of(TENS), number=1, checked_by="A", checked_version=checklist.VERSION)
        bench.turns(110)
        bench.begin()
        self.assertEqual(next(bench.supervisor.records.back())[1]["checked_version"], checklist.VERSION)


class HostsMeanwhile(unittest.TestCase):
    def test_h14_a_host_that_comes_during_a_session_of_the_panel_may_watch_and_stop_it_and_nothing_else(self):
        arguments = {
            "load": {"programme": {}},
            "acknowledge": {"checklist": 3, "items": 1},
            "arm": {"programme_crc": 0},
            "intensity": {"channel": 0, "current_ua": 0},
            "adjust": {"channel": 0, "rate_mhz": 50_000, "width_us": 200},
            "clear": {"fault": 1},
            "describe": {"index": 0},
            "counts": {"channel": 0},
            "select": {"number": 1},
            "set": {"settings": {"language": 1}},
            "put": {"number": 0, "bytes": 2, "digest": "0" * 64},
            "put_piece": {"at": 0, "data": "aaaa"},
            "remove": {"number": 1},
            "list": {"after": 0},
            "get": {"number": 1, "at": 0},
            "clock": {"unix_s": 1_800_000_000, "back": 0},
            "lock": {"key": "0" * 64},
            "calibrate": {"rows": {}},
            "reset": {"token": 0},
            "log": {"after_session": 0},
            "log_clear": {"session": 1, "page_digest": "0" * 32},
        }
        bench = Paneled()
        bench.begin()
        bench.press("up")
        for name in sorted(commands.COMMANDS):
            if name == "stop":
                continue
            answer = bench.said(name, **arguments.get(name, {}))
            allowed = name in access.GUESTS
            reads = allowed and RUNNING in commands.COMMANDS[name].states
            self.assertEqual((name, answer["ok"]), (name, reads))
            if not allowed:
                self.assertEqual((name, answer["error"]), (name, "not_owner"))
            self.assertEqual((bench.session.state, bench.session.owner, bench.level()), (RUNNING, LOCAL, 1_000))
        bench.turns(300)
        self.assertEqual(bench.session.state, RUNNING)
        self.assertTrue(bench.said("stop")["ok"])
        self.assertEqual((bench.session.state, bench.hal.enabled()), (IDLE, False))

    def test_paused_a_host_cannot_go_on(self):
        bench = Paneled()
        bench.begin()
        bench.press("start")
        self.assertEqual(bench.said("start")["error"], "not_owner")
        self.assertEqual(bench.session.state, PAUSED)

    def test_while_a_host_has_a_session_the_panel_begins_none(self):
        bench = Paneled()
        bench.answer()
        bench.arm(TENS)
        self.assertEqual((bench.session.state, bench.session.owner), (ARMED, bench.owner))
        for _ in range(3):
            bench.press("start", turns=120)
        self.assertEqual((bench.session.state, bench.session.owner, bench.place), (ARMED, bench.owner, "foreign"))
        bench.supervisor.stop()
        bench.turns(2)
        self.assertEqual(bench.place, "choose")
        bench.press("start", turns=120)
        self.assertEqual((bench.session.state, bench.place), (IDLE, "ask"))


def shows(bench):
    """Whether each page of the display has what the firmware wants it to show."""
    display = bench.patient._display
    return all(bench.screen.pages[page] == bytes(display._pages[page]) for page in range(8))


class TheDisplayMeanwhile(unittest.TestCase):
    def test_h27_a_display_that_fails_or_hangs_is_dropped_and_the_session_goes_on_but_not_up(self):
        bench = Paneled()
        bench.begin()
        bench.press("up")
        bench.screen.there = False
        opened = bench.screen.opened
        bench.turns(300)
        self.assertEqual((bench.session.state, bench.level(), bench.screen.opened), (RUNNING, 1_000, opened))
        while bench.session.part(bench.hal.now_ms())[1] != "work":
            bench.turns()
        bench.turns(20)
        bench.press("up")
        self.assertEqual((bench.level(), bench.patient._code), (1_000, "no_display"))
        bench.press("down")
        self.assertEqual(bench.level(), 0)
        bench.screen.there = True
        bench.press("stop")
        self.assertEqual(bench.session.state, IDLE)
        bench.turns(600)
        self.assertEqual(bench.screen.opened, opened + 1)
        self.assertTrue(bench.patient._display.there)

    def test_h27_one_that_died_a_moment_ago_is_known_at_the_press_and_not_by_the_next_page(self):
        bench = Paneled(kept=(TENS,))
        bench.begin()
        bench.press("up", after=30)
        self.assertEqual(bench.level(), 1_000)
        bench.turns()
        bench.screen.there = False
        self.assertTrue(bench.patient._display.there, "no page was due")
        bench.mask = buttons.UP
        bench.turns(buttons.SAMPLES)
        self.assertEqual((bench.level(), bench.patient._code), (1_000, "no_display"))

    def test_h27_one_that_died_while_start_was_held_begins_nothing(self):
        bench = Paneled()
        bench.answer()
        bench.mask = buttons.START
        bench.turns(50)
        bench.screen.there = False
        bench.turns(70)
        self.assertEqual((bench.session.state, bench.place), (IDLE, "told"))
        self.assertEqual(bench.patient._dialogue.code, "no_display")

    def test_h27_what_is_answered_without_a_display_is_no_answer(self):
        for questions in (1, 5, 10):
            bench = Paneled()
            bench.press("start")
            for _ in range(questions):
                bench.turns(100)
                bench.press("start")
            bench.screen.there = False
            bench.turns(100)
            self.assertEqual(bench.place, "ask" if questions < 10 else "ready")  # nothing was to be drawn
            bench.patient._display._dirty = 1
            bench.patient._display.due = True
            bench.turns(2)
            for _ in range(10):
                bench.press("start", turns=120)
                bench.turns(100)
                self.assertTrue(bench.place in ("told", "choose"), bench.place)
            self.assertEqual(bench.session.state, IDLE)

    def test_a_page_a_turn_and_none_when_nothing_changes(self):
        bench = Paneled()
        turns = [when for _, when in bench.screen.written]
        self.assertEqual(len(turns), len(set(turns)))
        self.assertEqual(sorted(bench.screen.pages), list(range(8)))
        before = len(bench.screen.written)
        bench.turns(1_000)
        self.assertEqual(len(bench.screen.written), before)
        bench.begin()
        before = len(bench.screen.written)
        bench.turns(1_000)
        self.assertTrue(len(bench.screen.written) - before <= 2 * 11 + 8, "two rows a second, and all of them again")

    def test_h27_one_that_lost_its_power_is_seen_again_before_long_and_at_each_press_that_raises(self):
        # It answers as before, and is dark: SSD1306 and SH1106 come up switched off, with noise in their memory.
        bench = Paneled(kept=(TENS,))
        bench.begin()
        bench.turns(100)
        for seconds in (12, 12):
            bench.screen.lose_power()
            bench.turns(100 * seconds)
            self.assertTrue(bench.screen.is_on and shows(bench))
        bench.screen.lose_power()
        bench.press("up", turns=buttons.SAMPLES + 1, after=8)
        self.assertEqual(bench.level(), 1_000)
        self.assertTrue(bench.screen.is_on and shows(bench), "what was raised is read within a tenth of a second")

    def test_h27_at_rest_a_press_brings_it_back_and_a_minute_does(self):
        bench = Paneled()
        bench.screen.lose_power()
        bench.turns(6_200)
        self.assertTrue(bench.screen.is_on and shows(bench))
        bench.screen.lose_power()
        bench.press("programme", after=20)
        self.assertTrue(bench.screen.is_on and shows(bench))

    def test_a_display_is_told_again_so_seldom_that_it_costs_next_to_nothing(self):
        bench = Paneled()
        bench.turns(6_500)
        self.assertEqual(len(bench.screen.asked), 1)
        bench.begin()
        before = len(bench.screen.asked)
        bench.turns(3_050)
        self.assertEqual(len(bench.screen.asked) - before, 3)
        self.assertEqual(len({when for _, when in bench.screen.written}), len(bench.screen.written), "a page a turn")

    def test_h27_without_a_display_no_session_begins(self):
        bench = Paneled(panel=False)
        bench.screen.there = False
        bench.power()
        bench.press("start")
        self.assertEqual((bench.place, bench.patient._dialogue.code), ("told", "no_display"))

    def test_a_turn_at_rest_and_one_while_it_runs_allocate_nothing(self):
        bench = Paneled()
        for begun in (False, True):
            if begun:
                bench.begin()
                bench.press("up")
                bench.turns(30)
            patient, hal = bench.patient, bench.hal
            hal.pass_ms(10)
            patient.step(hal.now_ms())
            hal.now_us += 10_000
            now_ms = hal.now_ms()
            samples.heap_lock()
            try:
                for _ in range(5):
                    patient.step(now_ms)
            finally:
                samples.heap_unlock()


class TheTable(unittest.TestCase):
    def test_what_the_link_lets_and_what_the_table_says_are_the_same(self):
        for name in commands.COMMANDS:
            command, act = commands.COMMANDS[name], access.OF_COMMAND.get(name, access.WATCH)
            states, parties = access.ACTS[act]
            self.assertTrue(set(command.states) <= set(states), name)
            hosts = (access.OWNER, access.HOST)
            self.assertEqual((name, [h in parties[access.HOSTS] for h in hosts]), (name, self.of(command)))
            self.assertEqual((name, access.HOST in parties[access.NOBODYS]), (name, IDLE in states or FAULT in states))
            self.assertFalse(access.OWNER in parties[access.PANELS])

    def of(self, command):
        armed = set(command.states) & {ARMED, RUNNING, PAUSED}
        if command.who == commands.ANYBODY:
            return [True, True]
        return [bool(armed), False]

    def test_whose_a_session_is(self):
        self.assertEqual(
            [access.whose(owner) for owner in (None, LOCAL, 1)], [access.NOBODYS, access.PANELS, access.HOSTS]
        )

    def test_nobody_but_the_owner_raises_starts_or_adjusts(self):
        for act in (access.START, access.RAISE, access.LOWER, access.ADJUST, access.KEEP):
            for owner, who in ((LOCAL, access.HOST), (1, access.PANEL), (1, access.HOST), (None, access.PANEL)):
                for state in (IDLE, ARMED, RUNNING, PAUSED, FAULT):
                    self.assertFalse(access.may(who, act, state, owner), (act, owner, who))


if __name__ == "__main__":
    unittest.main()
