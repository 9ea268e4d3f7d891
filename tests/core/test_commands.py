"""core/commands.py: one table for both ends; no argument that it does not declare comes through."""

import binascii
import json
import unittest

from nmes.core import checklist, commands, fault_words, faults, programme, session, trigger
from nmes.core.command_words import FIELDS, WORDS
from nmes.core.commands import COMMANDS, ERRORS, check_arguments

STATES = (session.IDLE, session.ARMED, session.RUNNING, session.PAUSED, session.FAULT)
JUNK = (
    None,
    True,
    False,
    1.0,
    0.5,
    float("nan"),
    float("inf"),
    "1",
    "",
    [],
    [1],
    {},
    {"a": 1},
    -1,
    2**32,
    2**70,
    -(2**70),
)


def right(name):
    """Arguments that the table allows."""
    made = {"object": lambda least: {}, "int": lambda least: least, "text": lambda least: "x" * least}
    return {key: made[kind](least) for key, (kind, least, _) in COMMANDS[name].arguments.items()}


def codes(name, request):
    return {(r["code"], r["parameter"]) for r in check_arguments(name, request)}


class TheTable(unittest.TestCase):
    def test_both_interpreters_have_the_same(self):
        # Golden: whoever changes the table changes this number, and PROTOCOL when an old host would misread it.
        self.assertEqual(commands.crc(), TABLE_CRC)

    def test_every_bit_of_its_number_counts(self):
        version = commands.PROTOCOL
        last_bits = set()
        try:
            for commands.PROTOCOL in range(64):
                said = [commands.PROTOCOL] + commands.rows()
                text = b"".join([programme.canonical(part) for part in said])
                self.assertEqual(commands.crc(), binascii.crc32(text) & 0xFFFFFFFF)
                last_bits.add(commands.crc() & 1)
        finally:
            commands.PROTOCOL = version
        self.assertEqual(last_bits, {0, 1})

    def test_rows_survive_json_and_come_in_one_order(self):
        rows = commands.rows()
        self.assertEqual(json.loads(json.dumps(rows)), rows)
        self.assertEqual([row["name"] for row in rows], sorted(COMMANDS))

    def test_every_row_is_whole(self):
        self.assertEqual(sorted(WORDS), sorted(COMMANDS))
        for row in commands.rows():
            self.assertTrue(row["states"] and row["fields"] and WORDS[row["name"]].endswith("."), row["name"])
            for state in row["states"]:
                self.assertIn(state, STATES)
            for key, (kind, least, most) in row["arguments"].items():
                self.assertTrue(kind in ("int", "object", "text"), key)
                self.assertTrue(kind == "object" or 0 <= least <= most)
                self.assertFalse(key in ("seq", "cmd"))

    def test_the_status_says_each_thing_that_may_start_a_contraction(self):
        self.assertEqual(FIELDS["source"].replace(" or", ",").split(", "), list(trigger.SOURCES))

    def test_every_row_fits_into_a_line(self):
        for row in commands.rows():
            self.assertTrue(len(json.dumps(row)) < 2_500, row["name"])

    def test_stop_and_status_are_always_allowed(self):
        for name in ("stop", "status", "identify", "describe"):
            self.assertEqual(sorted(COMMANDS[name].states), sorted(STATES))

    def test_what_can_lead_to_output_is_allowed_in_one_state_only(self):
        self.assertEqual(COMMANDS["load"].states, (session.IDLE,))
        self.assertEqual(COMMANDS["acknowledge"].states, (session.IDLE,))
        self.assertEqual(COMMANDS["arm"].states, (session.IDLE,))
        self.assertEqual(set(COMMANDS["start"].states), {session.ARMED, session.PAUSED})
        self.assertEqual(COMMANDS["intensity"].states, (session.RUNNING,))
        self.assertEqual(COMMANDS["adjust"].states, (session.RUNNING, session.PAUSED))
        self.assertEqual(COMMANDS["clear"].states, (session.FAULT,))

    def test_the_self_test_moves_the_enables_and_so_is_made_with_nobody_armed_only(self):
        self.assertEqual(COMMANDS["run_self_test"].states, (session.IDLE,))
        self.assertEqual(COMMANDS["run_self_test"].who, commands.HOST)

    def test_the_prompt_is_not_reached_while_armed(self):
        self.assertEqual(COMMANDS["maintenance"].states, (session.IDLE,))

    def test_the_index_of_describe_reaches_every_row(self):
        self.assertTrue(COMMANDS["describe"].arguments["index"][2] >= len(COMMANDS) - 1)

    def test_acknowledge_and_clear_reach_what_there_is(self):
        arguments = COMMANDS["acknowledge"].arguments
        self.assertTrue(
            checklist.VERSION <= arguments["checklist"][2] and len(checklist.ITEMS) <= arguments["items"][2]
        )
        _, least, most = COMMANDS["clear"].arguments["fault"]
        for number in faults.NAMES:
            self.assertTrue(least <= number <= most)

    def test_every_error_says_what_it_means(self):
        for code in ("too_long", "no_crc", "bad_crc", "not_json", "not_an_object", "bad_seq", "refused", "internal"):
            self.assertTrue(len(ERRORS[code]) > 10)


class Arguments(unittest.TestCase):
    def test_the_right_ones_are_accepted_by_every_command(self):
        for name in COMMANDS:
            self.assertEqual(check_arguments(name, right(name)), [])
            request = right(name)
            request.update({"seq": 1, "cmd": name})
            self.assertEqual(check_arguments(name, request), [])

    def test_every_missing_one_is_named(self):
        for name in COMMANDS:
            for key in COMMANDS[name].arguments:
                request = right(name)
                del request[key]
                self.assertEqual(codes(name, request), {("missing", key)})

    def test_every_unknown_one_is_named(self):
        for name in COMMANDS:
            for key in ("extra", "", "Seq", "channels"):
                request = right(name)
                request[key] = 1
                self.assertEqual(codes(name, request), {("unknown", key)})

    def test_the_bounds_are_exact(self):
        for name in COMMANDS:
            for key, (kind, least, most) in COMMANDS[name].arguments.items():
                if kind != "int":
                    continue
                for value, wanted in (
                    (least, set()),
                    (most, set()),
                    (least - 1, {("below_range", key)}),
                    (most + 1, {("above_range", key)}),
                ):
                    request = right(name)
                    request[key] = value
                    self.assertEqual(codes(name, request), wanted, (name, key, value))

    def test_a_text_is_as_long_as_the_table_says(self):
        texts = 0
        for name in COMMANDS:
            for key, (kind, least, most) in COMMANDS[name].arguments.items():
                if kind != "text":
                    continue
                texts += 1
                for length, wanted in ((least, 0), (most, 0), (most + 1, 1), (least - 1, 1))[: 4 if least else 3]:
                    request = right(name)
                    request[key] = "x" * length
                    found = [("not_a_text", key)] * wanted
                    self.assertEqual(codes(name, request), set(found), (name, key, length))
        self.assertTrue(texts >= 2)

    def test_h20_channel_minus_1_and_2_and_more_are_refused(self):
        # Peer defect: an array indexed before the range was checked (PedroLopes/openEMSstim EMSSystem.cpp).
        for channel in (-1, 2, 3, 255, 256, 2**32):
            self.assertTrue(check_arguments("intensity", {"channel": channel, "current_ua": 0}))

    def test_junk_of_every_kind_is_refused_in_every_argument(self):
        for name in COMMANDS:
            for key, (kind, least, most) in COMMANDS[name].arguments.items():
                for value in JUNK:
                    if kind == "object" and isinstance(value, dict):
                        continue
                    if kind == "text" and isinstance(value, str) and least <= len(value) <= most:
                        continue
                    request = right(name)
                    request[key] = value
                    (reason,) = check_arguments(name, request)
                    self.assertEqual(reason["parameter"], key)
                    self.assertEqual(set(reason), {"code", "parameter", "asked", "bound", "source", "phase"})
                    self.assertTrue(json.loads(json.dumps(reason)) == reason)

    def test_what_json_of_the_device_lets_through_is_refused(self):
        self.assertEqual(codes("status", {1: 2}), {("unknown", "1")})
        self.assertEqual(codes("status", {None: 2}), {("unknown", "None")})

    def test_of_many_wrong_ones_the_first_eight_are_told_and_all_others_counted(self):
        for name in ("status", "intensity", "load"):
            for envelope in ((), ("seq",), ("seq", "cmd", "host")):
                for unknown in (7, 8, 9, 10, 200):
                    request = right(name)
                    request.update(dict.fromkeys(envelope, 1))
                    request.update({"x%d" % number: 1 for number in range(unknown)})
                    reasons = check_arguments(name, request)
                    self.assertEqual(len(reasons), min(8, unknown))
                    self.assertEqual(len(reasons) + reasons.more, unknown, (name, envelope, unknown))

    def test_missing_ones_count_among_the_eight(self):
        reasons = check_arguments("adjust", {"x%d" % number: 1 for number in range(20)})
        self.assertEqual([r["code"] for r in reasons], ["missing"] * 3 + ["unknown"] * 5)
        self.assertEqual(reasons.more, 15)


class Checklist(unittest.TestCase):
    def test_it_has_a_version_and_every_item_is_a_line_of_its_own(self):
        self.assertTrue(checklist.VERSION >= 1)
        self.assertEqual(len(set(checklist.ITEMS)), len(checklist.ITEMS))
        self.assertEqual(len(checklist.ITEMS), len(checklist.STOP) + len(checklist.WAIT) + len(checklist.CARE))
        for item in checklist.ITEMS:
            self.assertTrue(isinstance(item, str) and 10 < len(item) < 120, item)

    def test_a_changed_text_needs_a_new_version(self):
        # Change both together: a session's record keeps only the version.
        text = "\n".join(checklist.ITEMS).encode()
        self.assertEqual((checklist.VERSION, binascii.crc32(text) & 0xFFFFFFFF), (3, CHECKLIST_CRC))


class Faults(unittest.TestCase):
    def test_every_fault_says_what_happened_and_what_to_do(self):
        names = set()
        self.assertEqual(sorted(fault_words.WORDS), sorted(faults.NAMES))
        for number in faults.NAMES:
            happened, to_do, clinician = fault_words.WORDS[number]
            self.assertTrue(1 <= number <= 99 and faults.name(number) == faults.NAMES[number])
            self.assertTrue(happened.endswith(".") and to_do.endswith(".") and clinician.endswith("."))
            names.add(faults.NAMES[number])
        self.assertEqual(len(names), len(faults.NAMES))

    def test_every_fault_has_one_constant_and_every_constant_its_fault(self):
        constants = {}
        for constant in dir(faults):
            if constant == constant.upper() and isinstance(getattr(faults, constant), int):
                constants[getattr(faults, constant)] = constant.lower()
        self.assertEqual(constants, {number: faults.name(number) for number in faults.NAMES})

    def test_a_record_s_time_is_from_zero_to_what_31_bits_hold(self):
        self.assertEqual(faults.AT_MS, (0, 2**31 - 1))

    def test_an_unknown_number_has_a_name_too(self):
        self.assertEqual(faults.name(77), "number_77")


TABLE_CRC = 1_904_713_780
CHECKLIST_CRC = 3_234_335_121

if __name__ == "__main__":
    unittest.main()
