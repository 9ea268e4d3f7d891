"""What nobody has thought of: an exception anywhere in a command is a fault, the output is off, the host is told."""

import unittest

from bench_hal import RESISTOR, Linked
from test_link import ARGUMENTS, FOR_HOSTS, in_state

from nmes import link
from nmes.core import commands, faults
from nmes.core.session import FAULT


class Odd(Exception):
    pass


class AnExceptionInACommand(unittest.TestCase):
    def check(self, cmd, error, state):
        bench = in_state(state)

        def breaks(request):
            raise error

        setattr(bench.link, "_do_" + cmd, breaks)
        answer = bench.said(cmd, **dict({"index": 0} if cmd == "describe" else {}, **ARGUMENTS.get(cmd, {})))
        self.assertEqual((answer["ok"], answer["error"], answer["text"]), (False, "internal", repr(error)), cmd)
        if state != FAULT:
            self.assertEqual((bench.session.fault, bench.session.fault_text), (faults.INTERNAL_ERROR, repr(error)))
        self.assertEqual(
            (bench.session.state, bench.hal.enabled(), bench.hal.channels[0].queued()), (FAULT, False, 0), cmd
        )

    def test_h02_of_whatever_kind_it_is_a_fault_and_told(self):
        for cmd in commands.COMMANDS:
            if cmd == "load":
                continue  # beside its line there is nothing of a session in it
            for state in commands.COMMANDS[cmd].states:
                for error in (ValueError("x"), KeyError("x"), OSError(5), Odd("x")):
                    self.check(cmd, error, state)

    def test_h02_in_load_too(self):
        bench = Linked()
        bench.link._do_load = lambda request: 1 // 0
        self.assertEqual(bench.said("load", programme=RESISTOR)["error"], "internal")
        self.assertEqual((bench.session.state, bench.session.fault), (FAULT, faults.INTERNAL_ERROR))

    def test_memory_that_runs_out_is_one_unless_the_command_changes_nothing(self):
        for cmd in FOR_HOSTS + ["pause", "stop"]:
            for state in commands.COMMANDS[cmd].states[:1]:
                if cmd not in link._CHANGE_NOTHING and state != FAULT:
                    self.check(cmd, MemoryError("x"), state)


if __name__ == "__main__":
    unittest.main()
