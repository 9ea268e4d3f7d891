"""core/hosts.py by itself: whom a device remembers, and what it said to each last."""

import unittest

from nmes.core import frame
from nmes.core.hosts import Hosts

RANDOM = 0x1234


class TheHosts(unittest.TestCase):
    def numbers(self, hosts, count, kept=()):
        return [hosts.identify(RANDOM, 10, kept) for _ in range(count)]

    def known(self, hosts, numbers):
        return [hosts._of(number) is not None for number in numbers]

    def test_numbers_follow_from_what_nobody_foresees_and_never_come_twice(self):
        hosts = Hosts()
        numbers = self.numbers(hosts, 50)
        self.assertEqual(numbers[:3], [RANDOM ^ 1, RANDOM ^ 2, RANDOM ^ 3])
        self.assertEqual(len(set(numbers)), 50)
        self.assertTrue(all(0 < number <= frame.HOST_MAX for number in numbers))
        self.assertEqual(Hosts().identify(1, 0, ()), 1 ^ 2, "0 is nobody's number")

    def test_four_are_remembered_and_who_was_heard_longest_ago_is_forgotten(self):
        hosts = Hosts()
        numbers = self.numbers(hosts, 4)
        self.assertEqual(self.known(hosts, numbers), [True] * 4)
        hosts.find(numbers[0])
        numbers += self.numbers(hosts, 1)
        self.assertEqual(self.known(hosts, numbers), [True, False, True, True, True])
        numbers += self.numbers(hosts, 1)
        self.assertEqual(self.known(hosts, numbers), [True, False, False, True, True, True])

    def test_one_that_is_to_be_kept_is_kept_and_the_next_is_forgotten(self):
        hosts = Hosts()
        numbers = self.numbers(hosts, 4)
        more = [hosts.identify(RANDOM, 0, (numbers[0], numbers[1])) for _ in range(3)]
        self.assertEqual(self.known(hosts, numbers), [True, True, False, False])
        self.assertEqual(self.known(hosts, more), [False, True, True])
        for _ in range(3):
            hosts.identify(RANDOM, 0, (numbers[0], numbers[1], more[1], more[2]))
        self.assertEqual(self.known(hosts, numbers[:2] + more[1:]), [True] * 4)

    def test_it_is_found_by_its_whole_number_and_only_so(self):
        hosts = Hosts()
        number = hosts.identify(0, 7, ())
        self.assertEqual((number, hosts.find(1).seq), (1, 7))
        for other in (True, 1.0, "1", None, [], 2):
            self.assertEqual(hosts.find(other), None)
        self.assertEqual(len(hosts._known), 1)

    def test_a_line_that_comes_again_gets_its_answer_and_no_other_does(self):
        hosts = Hosts()
        host = hosts.find(hosts.identify(RANDOM, 0, ()))
        for seal in (0, 1, 500):
            self.assertEqual(host.answer_again(seal), None)
        host.answered(500, b"yes")
        self.assertEqual([host.answer_again(seal) for seal in (499, 500, 501)], [None, b"yes", None])


if __name__ == "__main__":
    unittest.main()
