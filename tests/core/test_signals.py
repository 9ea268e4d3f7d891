"""core/signals.py and panel.py: lamps and buzzer say where the session is and which fault it has."""

import unittest

import samples
from bench_hal import Bench

from nmes.core import faults, signals
from nmes.core.session import ARMED, FAULT, IDLE, PAUSED, RUNNING
from nmes.panel import Panel


def read(on, step_ms=10):
    """The number that a person reads from `on(ms)` between two pauses: long ones are ten, short ones one."""
    ms = number = length_ms = dark_ms = 0
    while dark_ms < 1_200:  # begin at a pause
        dark_ms = 0 if on(ms) else dark_ms + step_ms
        ms += step_ms
    while not on(ms):
        ms += step_ms
    dark_ms = 0
    while dark_ms < 1_200:
        if on(ms):
            length_ms += step_ms
            dark_ms = 0
        else:
            if length_ms:
                number += 10 if length_ms > 450 else 1
            length_ms = 0
            dark_ms += step_ms
        ms += step_ms
    return number


class Blinking(unittest.TestCase):
    def test_every_number_can_be_read(self):
        for number in list(faults.NAMES) + [9, 10, 19, 30, 99]:
            self.assertEqual(read(lambda ms, number=number: signals.blink(number, ms)), number)

    def test_each_state_has_its_lamp(self):
        for ms in (0, 400, 10_000):
            self.assertEqual(signals.shown(IDLE, 0, ms), signals.READY_BIT)
            self.assertEqual(signals.shown(RUNNING, 0, ms), 0)
        for state in (ARMED, PAUSED):
            seen = [signals.shown(state, 0, ms) for ms in (0, 499, 500, 999, 1_000)]
            self.assertEqual(seen, [signals.READY_BIT, signals.READY_BIT, 0, 0, signals.READY_BIT])

    def test_the_buzzer_falls_silent_after_a_minute_and_the_lamp_does_not(self):
        bits = [signals.shown(FAULT, 5, ms) for ms in range(0, 120_000, 100)]
        self.assertTrue(signals.FAULT_BIT | signals.BUZZER_BIT in bits[:600] and signals.FAULT_BIT in bits[600:])
        self.assertFalse([one for one in bits[600:] if one & signals.BUZZER_BIT])


class ThePanel(unittest.TestCase):
    def test_it_shows_a_fault_s_number_from_when_it_happened(self):
        bench = Bench()
        panel = Panel(bench.hal, bench.supervisor)
        panel.step(bench.hal.now_ms())
        self.assertEqual(bench.hal.signals, [(0, 1, 0, 0)])
        bench.turn(count=50)
        bench.supervisor.fail(faults.ELECTRODE_SHORT, "x")
        lit = []
        for _ in range(1_500):
            bench.turn()
            panel.step(bench.hal.now_ms())
            lit.append(bench.hal.signals[-1][2])
        self.assertEqual(bench.hal.signals[1], (510, 0, 1, 1))
        self.assertEqual(read(lambda ms: lit[ms // 10]), faults.ELECTRODE_SHORT)

    def test_it_writes_only_what_changes_and_allocates_nothing(self):
        bench = Bench()
        panel = Panel(bench.hal, bench.supervisor)
        bench.run()
        panel.step(bench.hal.now_ms())
        count = len(bench.hal.signals)
        now_ms = bench.hal.now_ms()
        bench.hal.now_ms = lambda: now_ms
        samples.heap_lock()
        try:
            for _ in range(5):
                panel.step(bench.hal.now_ms())
        finally:
            samples.heap_unlock()
        self.assertEqual(len(bench.hal.signals), count)


if __name__ == "__main__":
    unittest.main()
