"""core/dialogue.py: from a programme to a session and back, and that nothing begins without every answer."""

import unittest

import samples  # noqa: F401

from nmes.core import dialogue
from nmes.core.buttons import DOWN, HOLD_MS, PROGRAMME, START, STOP, UP
from nmes.core.dialogue import ANSWER_MS, PAUSE_MOST_MS, READ_MS, Dialogue
from nmes.core.session import ARMED, FAULT, IDLE, PAUSED, RUNNING

QUESTIONS = 3


class Talk:
    """A dialogue with its clock; what is asked for is carried out as the panel does."""

    def __init__(self):
        self.of = Dialogue(QUESTIONS)
        self.now_ms = 0
        self.state = IDLE
        self.ours = False

    def step(self, events=0, held_ms=0, after_ms=READ_MS):
        self.now_ms += after_ms
        act = self.of.step(events, held_ms, self.state, self.ours, self.now_ms)
        if act == dialogue.OPEN:
            self.of.ask(self.now_ms)
        return act

    def to_ready(self):
        self.step(START)
        for _ in range(QUESTIONS):
            self.step(START)
        return self

    def in_session(self, state=RUNNING, ours=True):
        self.state, self.ours = state, ours
        self.step()
        return self


class Preparing(unittest.TestCase):
    def test_h25_every_question_is_answered_and_start_is_held_after_it_went_down_there(self):
        talk = Talk()
        self.assertEqual((talk.step(START), talk.of.place, talk.of.at), (dialogue.OPEN, "ask", 0))
        for at in range(1, QUESTIONS):
            self.assertEqual((talk.step(START), talk.of.place, talk.of.at), ("", "ask", at))
        self.assertEqual((talk.step(START), talk.of.place), ("", "ready"))
        self.assertEqual(talk.step(0, 5_000), "")  # it has been held since the last answer
        self.assertEqual(talk.step(START, 0), "")
        self.assertEqual(talk.step(0, HOLD_MS - 1), "")
        self.assertEqual(talk.step(0, HOLD_MS), dialogue.BEGIN)
        self.assertEqual(talk.step(0, HOLD_MS + 10), "")

    def test_an_answer_before_anybody_can_have_read_the_question_is_none(self):
        talk = Talk()
        talk.step(START)
        self.assertEqual((talk.step(START, after_ms=READ_MS - 1), talk.of.at), ("", 0))
        self.assertEqual((talk.step(START, after_ms=1), talk.of.at), ("", 1))

    def test_h25_no_to_any_question_ends_it_with_nothing_begun(self):
        for no in (STOP, DOWN):
            for at in range(QUESTIONS):
                talk = Talk()
                talk.step(START)
                for _ in range(at):
                    talk.step(START)
                self.assertEqual((talk.step(no), talk.of.place, talk.of.code), ("", "told", "said_no"))
                self.assertEqual((talk.step(START), talk.of.place), (dialogue.AGAIN, "choose"))

    def test_no_in_the_end_or_another_programme_begins_anew(self):
        for button, act in ((STOP, dialogue.AGAIN), (DOWN, dialogue.AGAIN), (PROGRAMME, dialogue.NEXT)):
            talk = Talk().to_ready()
            self.assertEqual((talk.step(button), talk.of.place), (act, "choose"))
            self.assertEqual((talk.step(START), talk.of.place, talk.of.at), (dialogue.OPEN, "ask", 0))
            self.assertEqual(talk.step(0, 5_000), "")

    def test_answers_do_not_wait_for_ever(self):
        talk = Talk()
        talk.step(START)
        self.assertEqual((talk.step(after_ms=ANSWER_MS - 1), talk.of.place), ("", "ask"))
        self.assertEqual((talk.step(after_ms=1), talk.of.place), (dialogue.AGAIN, "choose"))
        talk = Talk().to_ready()
        self.assertEqual((talk.step(START, after_ms=ANSWER_MS), talk.of.place), (dialogue.AGAIN, "choose"))

    def test_up_means_nothing_before_a_session(self):
        for talk in (Talk(), Talk().to_ready()):
            place = talk.of.place
            self.assertEqual((talk.step(UP, 5_000), talk.of.place), ("", place))

    def test_a_refusal_is_told_until_a_press(self):
        talk = Talk()
        talk.of.tell("not_safe", 0)
        self.assertEqual((talk.step(), talk.of.place), ("", "told"))
        self.assertEqual((talk.step(UP), talk.of.place), (dialogue.AGAIN, "choose"))


class Sessions(unittest.TestCase):
    def test_each_button_while_it_works_and_stop_before_all(self):
        talk = Talk().to_ready().in_session()
        for button, act in (
            (UP, dialogue.RAISE),
            (DOWN, dialogue.LOWER),
            (START, dialogue.PAUSE),
            (PROGRAMME, dialogue.OTHER),
            (STOP, dialogue.END),
            (STOP | DOWN, dialogue.END),
            (UP | DOWN, dialogue.LOWER),
        ):
            self.assertEqual(talk.step(button), act)

    def test_paused_it_goes_on_or_ends_and_nothing_else(self):
        talk = Talk().to_ready().in_session().in_session(PAUSED)
        for button, act in ((UP, ""), (DOWN, ""), (PROGRAMME, ""), (START, dialogue.RESUME), (STOP, dialogue.END)):
            self.assertEqual(talk.step(button), act)

    def test_a_pause_that_nobody_ends_is_over(self):
        talk = Talk().to_ready().in_session().in_session(PAUSED)
        self.assertEqual(talk.step(after_ms=PAUSE_MOST_MS - 1), "")
        self.assertEqual(talk.step(after_ms=1), dialogue.END)

    def test_after_it_the_questions_come_again(self):
        for state in (RUNNING, PAUSED):
            talk = Talk().to_ready().in_session(state)
            talk.state, talk.ours = IDLE, False
            self.assertEqual((talk.step(), talk.of.place), ("", "ended"))
            self.assertEqual((talk.step(START), talk.of.place), (dialogue.AGAIN, "choose"))
            self.assertEqual((talk.step(START), talk.of.at), (dialogue.OPEN, 0))

    def test_in_a_host_s_session_it_stops_and_does_nothing_else(self):
        for state in (ARMED, RUNNING, PAUSED):
            talk = Talk().to_ready().in_session(state, False)
            for button in (UP, DOWN, START, PROGRAMME):
                self.assertEqual(talk.step(button, 5_000), "")
            self.assertEqual(talk.step(STOP | UP), dialogue.END)
            talk.state = IDLE
            self.assertEqual((talk.step(), talk.of.place), ("", "choose"))

    def test_a_fault_is_cleared_by_holding_start_that_went_down_since(self):
        talk = Talk().to_ready().in_session(FAULT)
        self.assertEqual(talk.step(0, 9_000), "")
        self.assertEqual(talk.step(START | 0, 0), "")
        self.assertEqual(talk.step(0, HOLD_MS), dialogue.CLEAR)
        self.assertEqual(talk.step(0, HOLD_MS + 10), "")
        for button in (UP, DOWN, STOP, PROGRAMME):
            self.assertEqual(talk.step(button), "")
        talk.state = IDLE
        self.assertEqual((talk.step(), talk.of.place), ("", "choose"))


if __name__ == "__main__":
    unittest.main()
