"""What the engine did not play is counted and told: no pulse is lost in silence."""

import unittest

import samples

from nmes.core import checklist, faults
from nmes.core.session import FAULT, IDLE, RUNNING, Session
from nmes.supervisor import Supervisor


def running():
    engine = samples.Engine()
    supervisor = Supervisor(engine, Session(samples.STAGE))
    session = supervisor.session
    session.load(samples.programme())
    session.acknowledge(checklist.VERSION, len(checklist.ITEMS))
    supervisor.arm(session.programme_crc)
    supervisor.start()
    return engine, supervisor


def go_on(engine, supervisor, ms):
    for _ in range(ms):
        engine.ms += 1
        supervisor.renew()
        supervisor.step()


class NoPulseIsLostInSilence(unittest.TestCase):
    def test_as_many_as_asked_is_a_session_in_order(self):
        engine, supervisor = running()
        go_on(engine, supervisor, 1_000)
        self.assertEqual(supervisor.session.state, RUNNING)
        supervisor.stop()
        self.assertEqual((supervisor.session.state, supervisor.session.fault), (IDLE, 0))
        self.assertTrue(len(engine.puts) > 30)

    def test_a_pulse_that_never_began_is_a_fault(self):
        # Peer defect: pulses dropped when the FIFO was full, with a line in a log (saawsm/swx output.c).
        engine, supervisor = running()
        go_on(engine, supervisor, 1_000)
        engine.loses = 1
        supervisor.stop()
        self.assertEqual((supervisor.session.state, supervisor.session.fault), (FAULT, faults.PULSE_COUNT))
        self.assertEqual(supervisor.status()["delivered"], len(engine.puts) - 1)

    def test_so_is_one_too_many(self):
        engine, supervisor = running()
        go_on(engine, supervisor, 1_000)
        engine.loses = -1
        supervisor.stop()
        self.assertEqual(supervisor.session.fault, faults.PULSE_COUNT)

    def test_a_refill_that_came_too_late_is_counted(self):
        engine, supervisor = running()
        go_on(engine, supervisor, 1_000)
        engine.is_starved = True
        go_on(engine, supervisor, 1)
        engine.is_starved = False
        go_on(engine, supervisor, 100)
        self.assertEqual((supervisor.session.state, supervisor.status()["underruns"]), (RUNNING, 1))


if __name__ == "__main__":
    unittest.main()
