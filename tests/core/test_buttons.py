"""core/buttons.py: what counts as a press, what acts at once, and which contacts are a fault."""

import unittest

import samples

from nmes.core import buttons, faults
from nmes.core.buttons import ALL, DOWN, PROGRAMME, START, STOP, UP, Buttons


class Contacts:
    """Buttons that have been open since the power came; `seen` is every press that counted, with its turn."""

    def __init__(self, settled=True):
        self.keys = Buttons()
        self.turn = 0
        self.seen = []
        if settled:
            self.see(0, 5)

    def see(self, mask, turns=1):
        for _ in range(turns):
            self.turn += 1
            events = self.keys.step(mask, 10 * self.turn)
            if events:
                self.seen.append((events, self.turn))
        return self

    def events(self):
        return [event for event, _ in self.seen]


class Presses(unittest.TestCase):
    def test_each_counts_once_however_long_it_is_held(self):
        for button in (START, UP, PROGRAMME, STOP):
            keys = Contacts().see(button, 200).see(0, 10).see(button, 10)
            self.assertEqual(keys.events(), [button, button])

    def test_what_takes_away_acts_in_the_turn_in_which_it_is_first_seen_and_the_rest_in_the_third(self):
        for button, turns in ((DOWN, 1), (STOP, 1), (START, 3), (UP, 3), (PROGRAMME, 3)):
            keys = Contacts()
            begun = keys.turn
            keys.see(button, 3)
            self.assertEqual(keys.seen, [(button, begun + turns)])

    def test_one_turn_of_noise_is_a_press_of_nothing_that_gives(self):
        for button in (START, UP, PROGRAMME):
            self.assertEqual(Contacts().see(button, 2).see(0, 5).events(), [])
        for button in (DOWN, STOP):
            self.assertEqual(Contacts().see(button, 1).see(0, 5).events(), [button])

    def test_h26_a_press_that_was_too_short_to_settle_does_not_keep_the_next_one_from_acting(self):
        for button in (DOWN, STOP):
            keys = Contacts().see(button).see(0, 3)
            begun = keys.turn
            self.assertEqual(keys.see(button, 5).seen[-1], (button, begun + 1))

    def test_a_bounce_is_no_second_press(self):
        for button in (START, UP, DOWN, STOP, PROGRAMME):
            keys = Contacts()
            for mask in (button, 0, button, 0, 0, button, button, button, button, 0, button, 0, 0, 0, 0):
                keys.see(mask)
            self.assertEqual(keys.events(), [button])

    def test_down_alone_comes_again_while_it_is_held(self):
        keys = Contacts().see(DOWN, 126)
        self.assertEqual([turn - keys.seen[0][1] for _, turn in keys.seen], [0, 50, 75, 100, 125])

    def test_both_at_once_are_down(self):
        self.assertEqual(Contacts().see(UP | DOWN, 20).see(0, 9).events(), [DOWN])
        self.assertEqual(Contacts().see(UP).see(UP | DOWN, 20).see(UP, 20).see(0, 9).events(), [DOWN])
        self.assertEqual(Contacts().see(DOWN).see(UP | DOWN, 20).see(DOWN, 20).events()[0], DOWN)

    def test_h26_two_at_once_are_never_more_than_what_takes_away(self):
        for mask in range(ALL + 1):
            keys = Contacts().see(mask, 20).see(0, 9)
            if mask & (mask - 1):
                self.assertEqual([e & ~(DOWN | STOP) for e in keys.events()], [0] * len(keys.events()))
                self.assertEqual(keys.events()[:1], [mask & (DOWN | STOP)] if mask & (DOWN | STOP) else [])

    def test_letting_go_of_one_of_two_is_no_press_of_the_other(self):
        self.assertEqual(Contacts().see(UP | PROGRAMME, 10).see(UP, 50).see(0, 9).events(), [])

    def test_held_counts_from_the_press_of_that_button_alone(self):
        keys = Contacts().see(START, 2)
        self.assertEqual(keys.keys.held_ms(START, 10 * keys.turn), 0)
        keys.see(START, 98)
        self.assertEqual(keys.keys.held_ms(START, 10 * keys.turn), 990)
        self.assertEqual(keys.keys.held_ms(UP, 10 * keys.turn), 0)
        keys.see(START | UP)
        self.assertEqual(keys.keys.held_ms(START, 10 * keys.turn), 0)


class Broken(unittest.TestCase):
    def caused(self, keys):
        return faults.name(keys.keys.cause), keys.keys.text

    def test_pressed_when_the_power_comes_is_stuck_and_counts_for_nothing(self):
        for button, name in zip((START, UP, DOWN, STOP, PROGRAMME), buttons.NAMES):
            keys = Contacts(settled=False).see(button, 5)
            self.assertEqual(self.caused(keys), ("button_stuck", name + ": pressed when the power came"))
            self.assertTrue(set(keys.events()) <= {DOWN, STOP})

    def test_pressed_for_ten_seconds_is_stuck_but_start_has_thirty(self):
        for button, turns in ((UP, 1_001), (DOWN, 1_001), (STOP, 1_001), (PROGRAMME, 1_001), (START, 3_001)):
            keys = Contacts().see(button, turns - 1)
            self.assertEqual(keys.keys.cause, 0)
            keys.see(button)
            self.assertEqual(keys.keys.cause, faults.BUTTON_STUCK)

    def test_h26_one_that_opens_and_closes_all_the_time_chatters(self):
        for period in (1, 2, 3, 4):
            keys = Contacts()
            for _ in range(100):
                keys.see(UP, period).see(0, period)
            self.assertEqual(self.caused(keys), ("button_chatter", "up: opens and closes all the time"))

    def test_nobody_who_presses_quickly_chatters(self):
        keys = Contacts()
        for _ in range(40):
            keys.see(UP, 7).see(0, 7)
        self.assertEqual((keys.keys.cause, keys.events()), (0, [UP] * 40))

    def test_h26_two_that_always_close_and_open_together_touch_and_give_nothing(self):
        for pair, taken in ((START | UP, 0), (UP | DOWN, DOWN), (DOWN | STOP, DOWN | STOP), (STOP | PROGRAMME, STOP)):
            keys = Contacts()
            for _ in range(3):
                self.assertEqual(keys.keys.cause, 0)
                keys.see(pair, 10).see(0, 20)
            text = buttons.names(pair) + ": always close and open together"
            self.assertEqual(self.caused(keys), ("button_short", text))
            self.assertEqual(keys.events(), [taken] * 3 if taken else [])

    def test_two_that_are_pressed_together_sometimes_do_not_touch(self):
        keys = Contacts()
        for _ in range(20):
            keys.see(UP | DOWN, 10).see(0, 20).see(UP, 10).see(0, 10)
        self.assertEqual(keys.keys.cause, 0)

    def test_the_cause_goes_when_all_have_been_open_for_a_second(self):
        keys = Contacts().see(UP, 1_001).see(0, 99)
        self.assertEqual(keys.keys.cause, faults.BUTTON_STUCK)
        keys.see(0, 2)
        self.assertEqual(keys.keys.cause, 0)
        self.assertEqual(keys.see(UP, 5).events(), [UP, UP])

    def test_it_is_quiet_when_nothing_is_pressed_and_nothing_is_due(self):
        keys = Contacts(settled=False)
        self.assertFalse(keys.keys.quiet)
        self.assertTrue(keys.see(0, 5).keys.quiet)
        self.assertFalse(keys.see(UP).keys.quiet)
        self.assertFalse(keys.see(0).keys.quiet)
        self.assertTrue(keys.see(0, 5).keys.quiet)

    def test_a_turn_in_which_all_is_well_allocates_nothing(self):
        keys = Buttons()
        for turn in range(10):
            keys.step(0, 10 * turn)
        seen = 0
        samples.heap_lock()
        try:
            for turn in range(10, 60):
                seen += keys.step(UP if 20 < turn < 30 else DOWN if turn == 40 else 0, 10 * turn)
        finally:
            samples.heap_unlock()
        self.assertEqual(seen, UP + DOWN)


class Names(unittest.TestCase):
    def test_each_bit_has_its_name(self):
        self.assertEqual([buttons.names(1 << i) for i in range(5)], list(buttons.NAMES))
        self.assertEqual(buttons.names(UP | STOP), "up and stop")
        self.assertEqual(START | UP | DOWN | STOP | PROGRAMME, ALL)


if __name__ == "__main__":
    unittest.main()
