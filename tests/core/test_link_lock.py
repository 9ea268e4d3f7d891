"""The link of a locked device: what is signed for it is taken once, all else that would change it is not, and anybody
may run what is kept, watch, and stop."""

import json
import unittest
from binascii import hexlify

import samples
from bench_hal import RESISTOR, RIGHT, UNLESS_SAID, Bench, Linked
from test_link import ARGUMENTS, CHECKED, Other, begin, in_state
from test_link_prescriptions import code, listed, programmed, put, text_of
from test_lock import KEY, OTHER

from nmes.core import checklist, commands, document, faults, frame, lock, record, settings
from nmes.core.session import ARMED, FAULT, IDLE, PAUSED, RUNNING
from nmes.documents import Nothing

CTRL_C = b"\x03"
SIGNED = (
    "bootloader",
    "calibrate",
    "load",
    "lock",
    "log_clear",
    "maintenance",
    "put",
    "remove",
    "reset",
    "set",
    "uncalibrate",
    "unlock",
)
TEXT = text_of("two")
# Arguments of each that the device below carries out.
RIGHT_ONES = dict(
    ARGUMENTS,
    lock={"key": OTHER},
    put=dict(UNLESS_SAID["put"], number=2, bytes=len(TEXT), digest=document.digest(TEXT)),
)
# Who went through the checklist, when, and which version of it.
STATED = {"checked_version": checklist.VERSION, "checked_unix_s": 1_795_000_000, "checked_by": "Dr. A. Example"}


def locked(cls=Linked):
    """A device with a prescription, a name and a lock, and with its power back since."""
    bench = Linked()
    put(bench, text_of("one"))
    bench.said("set", settings={"device_name": "mine"})
    answer = bench.said("lock", key=KEY)
    assert answer["ok"], answer
    return powered(bench, cls)


def powered(bench, cls=Linked):
    """The same board with power back; what becomes of it then leaves `bench` as it is."""
    again = cls(list(bench.hal.slots))
    again.hal.flash.sectors.update({number: bytearray(data) for number, data in bench.hal.flash.sectors.items()})
    return again


def counter(bench):
    return bench.said("locked")["counter"]


def seal(cmd, at, by=KEY, uid="virtual", **arguments):
    """The fields that sign a command."""
    arguments = dict(UNLESS_SAID.get(cmd, {}), **arguments)
    return {"counter": at, "signature": lock.signature(by, uid, at, cmd, arguments)}


def signed(bench, cmd, at=None, by=KEY, **arguments):
    """The answer to a command that is signed with the counter `at` by the key `by`."""
    return bench.said(cmd, **dict(arguments, **seal(cmd, at or counter(bench), by, **arguments)))


def newest_record(bench):
    """After a session, what `log_clear` needs."""
    bench.run(RESISTOR)
    bench.turn(count=5)
    bench.said("stop")
    bench.turn(count=5)
    said = bench.said("log", after_session=0)
    return {"session": 1, "page_digest": hexlify(record.digest(document.bytes_of(said["page"]))).decode()}


def everything(bench):
    """All that a locked device keeps and has, but for how long it waits."""
    flash = programmed(bench)
    leaving = bench.link.wants_prompt, bench.link.wants_bootloader
    return bench.snapshot(), list(bench.hal.slots), flash, leaving, bench.session.programme_crc


def put_signed(bench, text, number=0, **checked):
    """put, its pieces and put_end; the last answer."""
    asked = {"number": number, "bytes": len(text), "digest": document.digest(text)}
    asked.update(checked)
    answer = signed(bench, "put", **asked)
    if answer["ok"]:
        answer = bench.said("put_piece", at=0, data=document.piece(text))
    return bench.said("put_end") if answer["ok"] else answer


class TheTable(unittest.TestCase):
    def test_what_has_to_be_signed_is_this(self):
        self.assertEqual(
            sorted([name for name in commands.COMMANDS if commands.when_locked(name) == "signed"]), sorted(SIGNED)
        )
        self.assertEqual([name for name in commands.COMMANDS if commands.when_locked(name) == "never"], ["adjust"])

    def test_what_anybody_may_ask_is_free_and_a_host_s_command_that_nobody_has_thought_of_is_signed(self):
        for name in commands.COMMANDS:
            if commands.COMMANDS[name].who == commands.ANYBODY:
                self.assertEqual(commands.when_locked(name), "free")
        try:
            commands.COMMANDS["new"] = commands.COMMANDS["set"]
            self.assertEqual(commands.when_locked("new"), "signed")
        finally:
            del commands.COMMANDS["new"]

    def test_what_stands_in_a_list_is_a_command_of_a_host_and_in_no_other(self):
        for name in commands.FREE + commands.NEVER:
            self.assertEqual((commands.COMMANDS[name].who, commands.FREE.count(name) + commands.NEVER.count(name)),
                             (commands.HOST, 1))  # fmt: skip

    def test_nothing_is_signed_while_pulses_may_come(self):
        for name in SIGNED:
            self.assertEqual(set(commands.COMMANDS[name].states) - {IDLE, FAULT}, set(), name)

    def test_its_rows_say_it(self):
        for row in commands.rows():
            self.assertEqual(row["locked"], commands.when_locked(row["name"]))

    def test_counter_and_signature_come_both_or_none_and_only_where_something_is_signed(self):
        for name in commands.COMMANDS:
            right = RIGHT_ONES.get(name, {"index": 0} if name == "describe" else {})
            both = dict(right, counter=1, signature=64 * "0")
            found = sorted([reason["code"] for reason in commands.check_arguments(name, both)])
            self.assertEqual(found, [] if name in SIGNED else ["unknown", "unknown"], name)
        for wrong, wanted in (
            ({"counter": 1}, [("missing", "signature")]),
            ({"signature": 64 * "0"}, [("missing", "counter")]),
            ({"counter": 0, "signature": 64 * "0"}, [("below_range", "counter")]),
            ({"counter": 1_000_000_000, "signature": 64 * "0"}, [("above_range", "counter")]),
            ({"counter": 999_999_999, "signature": 64 * "0"}, []),
            ({"counter": True, "signature": 64 * "0"}, [("not_an_integer", "counter")]),
            ({"counter": 1, "signature": 63 * "0"}, [("not_a_text", "signature")]),
            ({"counter": 1, "signature": 65 * "0"}, [("not_a_text", "signature")]),
            ({"counter": None, "signature": None}, [("not_an_integer", "counter"), ("not_a_text", "signature")]),
        ):
            found = [(r["code"], r["parameter"]) for r in commands.check_arguments("unlock", wrong)]
            self.assertEqual(sorted(found), sorted(wanted))
        self.assertEqual(sorted(commands.SIGNATURE), ["counter", "signature"])
        self.assertEqual(commands.COMMANDS["unlock"].arguments, {})


class Locking(unittest.TestCase):
    def test_it_says_by_which_key_and_never_the_key_and_is_locked_with_power_back_too(self):
        bench = Linked()
        self.assertEqual(bench.said("identify")["locked_by"], "")
        answer = bench.said("lock", key=KEY)
        for one in (answer, bench.said("locked"), bench.said("identify"), powered(bench).said("identify")):
            self.assertEqual((one["locked_by"], one["counter"], one["wait_ms"]), ("4773d12e", 1, 0))

    def test_nothing_that_the_device_says_has_the_key_in_it(self):
        bench = locked()
        heard = []
        bench.hal.write = lambda line: bench.answers.append(bytes(line)) or heard.append(bytes(line)) or True
        bench.said("lock", key=KEY)
        for name in sorted(commands.COMMANDS):
            if name not in ("maintenance", "bootloader"):
                arguments = RIGHT_ONES.get(name, {"index": 0} if name == "describe" else {})
                bench.said(name, **arguments)
                if name in SIGNED and name not in ("unlock", "lock"):
                    signed(bench, name, **arguments)
        bench.supervisor.fail(faults.PULSE_CHECK, "x")
        bench.turn(count=3)
        bench.said("record")
        self.assertTrue(len(heard) > 30)
        self.assertFalse(KEY.encode() in b"".join(heard) or KEY[:16].encode() in b"".join(heard))

    def test_what_is_no_key_locks_nothing(self):
        bench = Linked()
        self.assertEqual(code(bench.said("lock", key="G" * 64)), "not_a_key")
        for wrong in ("", "a" * 63, "a" * 65, None, 7, ["a" * 64]):
            self.assertEqual(bench.said("lock", key=wrong)["error"], "bad_argument")
        self.assertFalse(bench.supervisor.lock.locked)

    def test_a_programme_that_is_loaded_is_forgotten_for_nobody_has_signed_it(self):
        bench = Linked()
        bench.load(RESISTOR)
        crc = bench.session.programme_crc
        bench.said("lock", key=KEY)
        self.assertEqual((bench.session.programme_crc, bench.said("arm", programme_crc=crc)["error"]), (0, "refused"))

    def test_not_while_anybody_is_armed_nor_with_a_fault(self):
        for state in (ARMED, RUNNING, PAUSED, FAULT):
            bench = in_state(state)
            self.assertEqual(bench.said("lock", key=KEY)["error"], "wrong_state")
            self.assertEqual(bench.said("unlock")["error"], "wrong_state")
            for act, arguments in ((bench.supervisor.lock_with, (KEY,)), (bench.supervisor.unlock, ())):
                self.assertEqual(samples.codes(act, *arguments), ["wrong_state"])
            self.assertFalse(bench.supervisor.lock.locked)
        for state in (ARMED, RUNNING, PAUSED):
            bench = in_state(state)
            self.assertEqual(samples.codes(bench.supervisor.use_counter, 1), ["wrong_state"])
            self.assertEqual(bench.store.get("lock"), lock.factory())

    def test_a_board_without_a_store_of_its_own_cannot_be_locked(self):
        bench = Linked()
        bench.supervisor.prescriptions = Nothing("the device's prescriptions")
        self.assertEqual(code(bench.said("lock", key=KEY)), "no_store")
        self.assertFalse(bench.supervisor.lock.locked)

    def test_an_open_one_cannot_be_unlocked_and_looks_at_no_signature(self):
        bench = Linked()
        self.assertEqual(code(bench.said("unlock")), "not_locked")
        self.assertTrue(bench.said("set", settings={"buzzer_volume": 3}, counter=7, signature=64 * "0")["ok"])
        answer = bench.said("locked")
        self.assertEqual((answer["locked_by"], answer["counter"], answer["wait_ms"]), ("", 1, 0))

    def test_a_second_key_has_to_be_signed_with_the_first(self):
        bench = locked()
        self.assertEqual(code(bench.said("lock", key=OTHER)), "unsigned")
        answer = signed(bench, "lock", key=OTHER)
        self.assertEqual((answer["locked_by"], answer["counter"]), (lock.key_id(OTHER), 2))

    def test_unlocked_it_is_open_the_counter_goes_on_and_nothing_old_is_taken_when_it_is_locked_again(self):
        bench = locked()
        old = seal_of_remove(1)
        self.assertEqual(signed(bench, "unlock", 1)["locked_by"], "")
        bench = powered(bench)
        self.assertTrue(bench.said("set", settings={"buzzer_volume": 3})["ok"])
        self.assertEqual(bench.said("lock", key=KEY)["counter"], 2)
        self.assertEqual(code(bench.said("remove", number=1, **old)), "counter_used")


class Unsigned(unittest.TestCase):
    def test_all_that_would_change_it_is_refused_with_one_reason_and_nothing_is_changed(self):
        for name in SIGNED:
            bench = locked()
            before = everything(bench)
            for arguments in (RIGHT_ONES.get(name, {}), dict(RIGHT_ONES.get(name, {}), counter=1, signature=64 * "0")):
                answer = bench.said(name, **arguments)
                wanted = "wrong_signature" if "counter" in arguments else "unsigned"
                self.assertEqual((code(answer), len(answer["reasons"])), (wanted, 1), name)
                self.assertEqual(everything(bench), before, name)
            self.assertEqual((bench.session.state, counter(bench)), (IDLE, 1))

    def test_a_signature_for_anything_else_is_wrong(self):
        arguments = {"number": 1}
        right = seal("remove", 1, **arguments)
        for wrong in (
            seal("remove", 1, OTHER, **arguments),
            seal("remove", 1, uid="e660583883724f32", **arguments),
            seal("remove", 1, number=2),
            seal("select", 1, **arguments),
            dict(right, counter=2),
        ):
            bench = locked()
            before = everything(bench)
            self.assertEqual(code(bench.said("remove", number=1, **wrong)), "wrong_signature")
            self.assertEqual(everything(bench), before)
        self.assertTrue(locked().said("remove", number=1, **right)["ok"])

    def test_ctrl_c_does_not_end_at_the_prompt_where_the_key_could_be_read(self):
        for state in (IDLE, FAULT):
            bench = locked()
            if state == FAULT:
                bench.supervisor.fail(faults.PULSE_CHECK, "x")
                bench.turn(count=2)
            for data in (CTRL_C, b"\r" + CTRL_C + CTRL_C + b"\x01", CTRL_C * 99):
                bench.bytes(data)
                self.assertEqual((bench.link.wants_prompt, bench.session.state), (False, state))
            bench.bytes(b"\r\n")  # ends the half line of those
            self.assertTrue(bench.said("status")["ok"])
        bench = Linked()
        bench.bytes(CTRL_C)
        self.assertTrue(bench.link.wants_prompt)

    def test_h22_ctrl_c_within_a_line_is_no_part_of_it_on_a_locked_device_too(self):
        bench = locked()
        line = bench.line("status")
        del bench.answers[:]
        bench.bytes(line[:9] + CTRL_C + line[9:])
        self.assertTrue(frame.decode(bench.answers[-1])["ok"])

    def test_what_is_nested_too_deep_to_be_signed_is_refused_and_no_fault(self):
        bench = locked()
        deep = []
        for _ in range(1_500):
            deep = [deep]
        try:
            line = bench.line("set", settings={"x": deep}, counter=1, signature=64 * "0")
        except RuntimeError:  # CPython's json cannot write it
            text = b'{"seq":%d,"cmd":"set","host":%d,"counter":1,"signature":"%s","settings":{"x":%s}}'
            bench.seq += 1
            text = text % (bench.seq, bench.owner, 64 * b"0", 1_500 * b"[" + 1_500 * b"]")
            line = b"%s %08x\n" % (text, document.binascii.crc32(text) & 0xFFFFFFFF)
        (error,) = bench.errors(line)
        self.assertTrue(error in ("refused", "not_json"), error)
        self.assertEqual(bench.session.state, IDLE)


class Signed(unittest.TestCase):
    def test_each_command_is_carried_out_and_uses_its_counter_which_is_kept(self):
        for name in SIGNED:
            bench = locked()
            arguments = newest_record(bench) if name == "log_clear" else RIGHT_ONES.get(name, {})
            answer = signed(bench, name, 1, **arguments)
            self.assertTrue(answer["ok"], name)
            if name == "put":
                self.assertEqual(counter(bench), 1)
                continue
            self.assertEqual(powered(bench, Bench).store.get("lock")["counter"], 1, name)

    def test_nothing_is_taken_twice_in_whatever_line_and_after_a_power_cut_neither(self):
        for name in SIGNED:
            if name in ("put", "maintenance", "bootloader"):
                continue
            bench = locked()
            arguments = newest_record(bench) if name == "log_clear" else RIGHT_ONES.get(name, {})
            asked = dict(arguments, **seal(name, 1, **arguments))
            self.assertTrue(bench.said(name, **asked)["ok"])
            if name == "unlock":
                bench.said("lock", key=KEY)
            elif name == "lock":
                arguments = {"key": KEY}
                asked = dict(arguments, counter=2, signature=lock.signature(OTHER, "virtual", 2, name, arguments))
                self.assertTrue(bench.said(name, **asked)["ok"])
                asked["signature"] = lock.signature(KEY, "virtual", 2, name, arguments)
            for one in (bench, powered(bench)):
                before = everything(one)
                self.assertEqual(code(one.said(name, **asked)), "counter_used", name)
                self.assertEqual(code(Other(one).said(name, **asked)), "counter_used", name)
                self.assertEqual(everything(one), before)

    def test_a_line_that_comes_again_is_answered_again_and_carried_out_once(self):
        bench = locked()
        line = bench.line("remove", number=1, **seal_of_remove(1))
        del bench.answers[:]
        for _ in range(3):
            bench.bytes(line)
        self.assertEqual([frame.decode(answer)["ok"] for answer in bench.answers], 3 * [True])
        self.assertEqual(counter(bench), 2)

    def test_counters_may_be_left_out_and_then_they_are_used_too(self):
        bench = locked()
        self.assertTrue(signed(bench, "set", 9, settings={"buzzer_volume": 3})["ok"])
        for number in (1, 8, 9):
            self.assertEqual(code(bench.said("remove", number=1, **seal_of_remove(number))), "counter_used")
        self.assertEqual(code(bench.said("remove", number=1, **seal_of_remove(1_010))), "counter_ahead")
        self.assertTrue(bench.said("remove", number=1, **seal_of_remove(1_009))["ok"])

    def test_a_command_that_is_refused_for_another_reason_has_used_its_counter(self):
        bench = locked()
        self.assertEqual(code(bench.said("remove", number=5, **seal("remove", 1, number=5))), "not_there")
        self.assertEqual(counter(bench), 2)

    def test_what_is_no_right_request_uses_nothing(self):
        bench = locked()
        other = Other(bench)
        made = seal("set", 1, settings={"buzzer_volume": 3})
        self.assertEqual(bench.said("set", settings=3, **made)["error"], "bad_argument")
        self.assertEqual(bench.said("set", host=7, settings={"buzzer_volume": 3}, **made)["error"], "unknown_host")
        bench.said("select", number=1)
        bench.said("acknowledge", **CHECKED)
        bench.said("arm", programme_crc=bench.session.programme_crc)
        self.assertEqual(other.said("set", settings={"buzzer_volume": 3}, **made)["error"], "not_owner")
        self.assertEqual(bench.said("set", settings={"buzzer_volume": 3}, **made)["error"], "wrong_state")
        bench.said("stop")
        self.assertEqual(counter(bench), 1)
        self.assertTrue(bench.said("set", settings={"buzzer_volume": 3}, **made)["ok"])

    def test_a_factory_reset_needs_the_key_at_each_step_and_leaves_the_lock(self):
        bench = locked()
        token = signed(bench, "reset", token=0)["token"]
        self.assertEqual(code(bench.said("reset", token=token)), "unsigned")
        self.assertEqual((listed(bench), bench.supervisor.settings()["device_name"]), ({1: ("one", "whole")}, "mine"))
        while signed(bench, "reset", token=token)["left"]:
            pass
        again = powered(bench)
        self.assertEqual((listed(again), again.supervisor.settings()), ({}, settings.factory()))
        self.assertTrue(again.supervisor.lock.locked)

    def test_a_token_from_before_the_lock_resets_nothing(self):
        bench = Linked()
        put(bench, text_of("one"))
        token = bench.said("reset", token=0)["token"]
        bench.said("lock", key=KEY)
        self.assertEqual(code(bench.said("reset", token=token)), "unsigned")
        self.assertEqual(len(listed(bench)), 1)

    def test_signed_it_goes_to_the_prompt_and_into_bootsel(self):
        for name in ("maintenance", "bootloader"):
            bench = locked()
            self.assertTrue(signed(bench, name)["ok"])
            self.assertEqual((bench.link.wants_prompt, bench.link.wants_bootloader), (True, name == "bootloader"))

    def test_with_a_fault_too(self):
        bench = locked()
        bench.supervisor.fail(faults.PULSE_CHECK, "x")
        bench.turn(count=2)
        self.assertEqual(code(bench.said("bootloader")), "unsigned")
        self.assertTrue(signed(bench, "bootloader")["ok"])
        self.assertEqual(powered(bench, Bench).store.get("lock")["counter"], 1)


def seal_of_remove(number):
    return {"counter": number, "signature": lock.signature(KEY, "virtual", number, "remove", {"number": 1})}


class Prescriptions(unittest.TestCase):
    def test_a_signed_one_is_kept_and_its_counter_used_when_it_is(self):
        bench = locked()
        self.assertEqual(put_signed(bench, TEXT)["number"], 2)
        for one in (bench, powered(bench)):
            self.assertEqual((listed(one)[2], counter(one)), (("two", "whole"), 2))

    def test_one_that_was_interrupted_can_be_sent_again_with_the_same_signature(self):
        bench = locked()
        made = seal("put", 1, **RIGHT_ONES["put"])
        for _ in range(3):
            self.assertTrue(bench.said("put", **dict(RIGHT_ONES["put"], **made))["ok"])
            bench.said("put_piece", at=0, data=document.piece(TEXT))
            bench = powered(bench)
        self.assertEqual(counter(bench), 1)
        bench.said("put", **dict(RIGHT_ONES["put"], **made))
        bench.said("put_piece", at=0, data=document.piece(TEXT))
        self.assertTrue(bench.said("put_end")["ok"])
        self.assertEqual(code(bench.said("put", **dict(RIGHT_ONES["put"], **made))), "counter_used")

    def test_another_text_number_or_length_than_was_signed_is_a_wrong_signature(self):
        for changed in ({"number": 3}, {"bytes": len(TEXT) + 1}, {"digest": 64 * "0"}):
            bench = locked()
            asked = dict(RIGHT_ONES["put"], **seal("put", 1, **RIGHT_ONES["put"]))
            asked.update(changed)
            self.assertEqual(code(bench.said("put", **asked)), "wrong_signature")

    def test_h25_who_went_through_the_checklist_is_signed_with_it(self):
        bench = locked()
        self.assertEqual(put_signed(bench, TEXT, **STATED)["number"], 2)
        row = bench.said("list", after=1)
        self.assertEqual({key: row[key] for key in STATED}, STATED)

    def test_h25_a_statement_that_was_not_signed_is_a_wrong_signature_and_nothing_is_kept(self):
        signed_as = dict(RIGHT_ONES["put"], **STATED)
        for name in ("checked_version", "checked_unix_s", "checked_by"):
            for asked, changed in (
                (signed_as, {name: {"checked_by": "Somebody else"}.get(name, 1_796_000_000)}),
                (signed_as, UNLESS_SAID["put"]),  # none where one was signed
                (RIGHT_ONES["put"], STATED),  # and one where none was
            ):
                bench = locked()
                if name == "checked_version" and name in changed:
                    changed = dict(changed, checked_version=checklist.VERSION + 1)
                line = dict(asked, **seal("put", 1, **asked))
                line.update(changed)
                self.assertEqual(code(bench.said("put", **line)), "wrong_signature", (name, changed))
                self.assertEqual((len(listed(bench)), counter(bench)), (1, 1))

    def test_h25_the_end_of_a_put_states_nothing(self):
        bench = locked()
        bench.said("put", **dict(RIGHT_ONES["put"], **seal("put", 1, **RIGHT_ONES["put"])))
        bench.said("put_piece", at=0, data=document.piece(TEXT))
        self.assertEqual(code(bench.said("put_end", **STATED)), "bad_argument")
        self.assertTrue(bench.said("put_end")["ok"])
        self.assertEqual(bench.said("list", after=1)["checked_by"], "")

    def test_a_text_that_is_not_the_one_that_was_signed_is_not_kept_and_uses_nothing(self):
        bench = locked()
        bench.said("put", **dict(RIGHT_ONES["put"], **seal("put", 1, **RIGHT_ONES["put"])))
        bench.said("put_piece", at=0, data=document.piece(TEXT.replace(b"two", b"2wo")))
        self.assertEqual(code(bench.said("put_end")), "other_digest")
        self.assertEqual((len(listed(bench)), counter(bench)), (1, 1))

    def test_one_that_load_would_refuse_is_not_kept_and_uses_nothing(self):
        bench = locked()
        answer = put_signed(bench, json.dumps(dict(RESISTOR, title="")).encode())
        self.assertEqual((answer["error"], len(listed(bench)), counter(bench)), ("refused", 1, 1))

    def test_another_host_s_put_end_uses_nothing(self):
        bench = locked()
        bench.said("put", **dict(RIGHT_ONES["put"], **seal("put", 1, **RIGHT_ONES["put"])))
        bench.said("put_piece", at=0, data=document.piece(TEXT))
        self.assertEqual(code(Other(bench).said("put_end")), "not_begun")
        self.assertEqual(counter(bench), 1)
        self.assertTrue(bench.said("put_end")["ok"])

    def test_one_that_was_begun_before_the_device_was_locked_is_not_taken(self):
        bench = Linked()
        bench.said("put", **RIGHT_ONES["put"])
        bench.said("put_piece", at=0, data=document.piece(TEXT))
        bench.said("lock", key=KEY)
        self.assertEqual(code(bench.said("put_end")), "unsigned")
        self.assertEqual(listed(bench), {})

    def test_one_that_was_begun_with_the_key_before_is_not_taken(self):
        for unlocks in (False, True):
            bench = locked()
            bench.said("put", **dict(RIGHT_ONES["put"], **seal("put", 5, **RIGHT_ONES["put"])))
            bench.said("put_piece", at=0, data=document.piece(TEXT))
            if unlocks:
                self.assertTrue(signed(bench, "unlock")["ok"])
                bench.said("lock", key=OTHER)
            else:
                self.assertTrue(signed(bench, "lock", key=OTHER)["ok"])
            self.assertEqual(code(bench.said("put_end")), "unsigned")
            self.assertEqual(len(listed(bench)), 1)

    def test_one_whose_counter_was_used_meanwhile_is_not_taken(self):
        bench = locked()
        bench.said("put", **dict(RIGHT_ONES["put"], **seal("put", 1, **RIGHT_ONES["put"])))
        bench.said("put_piece", at=0, data=document.piece(TEXT))
        self.assertTrue(signed(bench, "set", 1, settings={"buzzer_volume": 3})["ok"])
        self.assertEqual(code(bench.said("put_end")), "counter_used")
        self.assertEqual(len(listed(bench)), 1)


class Free(unittest.TestCase):
    def test_anybody_runs_what_is_kept_watches_and_stops(self):
        bench = locked()
        self.assertTrue(bench.said("clock", unix_s=1_800_000_000, back=0)["ok"])
        self.assertTrue(bench.said("run_self_test")["ok"])
        crc = bench.said("select", number=1)["programme_crc"]
        bench.said("acknowledge", **dict(zip(("checklist", "items"), RIGHT)))
        for name, arguments in (
            ("arm", {"programme_crc": crc}),
            ("keepalive", {}),
            ("start", {}),
            ("intensity", {"channel": 0, "current_ua": 1_000}),
            ("pause", {}),
            ("start", {}),
            ("status", {}),
            ("locked", {}),
            ("self_test", {}),
            ("record", {}),
            ("stop", {}),
            ("list", {"after": 0}),
            ("get", {"number": 1, "at": 0}),
            ("settings", {}),
            ("describe", {"index": 0}),
        ):
            self.assertTrue(bench.said(name, **arguments)["ok"], name)
            bench.turn(10, 30)
        self.assertEqual((bench.session.state, counter(bench)), (IDLE, 1))

    def test_anybody_clears_a_fault(self):
        bench = locked()
        bench.supervisor.fail(faults.PULSE_CHECK, "x")
        bench.turn(count=2)
        self.assertTrue(bench.said("clear", fault=faults.PULSE_CHECK)["ok"])

    def test_rate_and_width_of_what_was_signed_are_not_adjusted_and_the_session_goes_on(self):
        bench = locked()
        bench.said("select", number=1)
        bench.said("acknowledge", **CHECKED)
        bench.said("arm", programme_crc=bench.session.programme_crc)
        bench.said("start")
        bench.turn(10, 5)
        before = bench.snapshot()
        self.assertEqual(code(bench.said("adjust", **ARGUMENTS["adjust"])), "only_unlocked")
        self.assertEqual((bench.snapshot(), bench.session.state), (before, RUNNING))
        open_one = begin(Linked())
        self.assertTrue(open_one.said("adjust", **ARGUMENTS["adjust"])["ok"])

    def test_h02_stop_is_always_allowed_whatever_signature_stands_beside_it_or_waits(self):
        bench = locked()
        signed(bench, "unlock", by=OTHER)
        self.assertTrue(bench.said("locked")["wait_ms"] > 0)
        self.assertTrue(bench.said("stop")["ok"])


class SlowingDown(unittest.TestCase):
    def test_each_wrong_one_takes_twice_as_long_and_a_right_one_is_not_looked_at_meanwhile(self):
        bench = locked()
        for wait_s in (1, 2, 4, 8, 16, 32, 64, 64):
            self.assertEqual(code(wrong(bench)), "wrong_signature")
            self.assertEqual(bench.said("locked")["wait_ms"], 1_000 * wait_s)
            bench.hal.pass_ms(1_000 * wait_s - 1)
            self.assertEqual((code(wrong(bench)), code(signed(bench, "unlock"))), ("sign_later", "sign_later"))
            bench.hal.pass_ms(1)
        self.assertTrue(signed(bench, "unlock")["ok"])

    def test_a_power_cut_forgets_the_wait_and_nothing_else(self):
        bench = locked()
        wrong(bench)
        again = powered(bench)
        self.assertEqual((again.said("locked")["wait_ms"], counter(again)), (0, 1))


def wrong(bench):
    return bench.said("remove", number=1, counter=1, signature=64 * "0")


def failing_after(hal, good):
    """From now on flash takes `good` more writes, and none after them."""
    write_slot = hal.write_slot
    left = [good]

    def fails(slot, data):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(5)
        write_slot(slot, data)

    hal.write_slot = fails


class ABadFlash(unittest.TestCase):
    def test_h16_a_counter_that_cannot_be_kept_carries_nothing_out_and_is_a_fault(self):
        for name in ("set", "remove", "unlock", "load", "bootloader", "maintenance"):
            bench = locked()
            bench.hal.flash_error = OSError(5)
            arguments = RIGHT_ONES.get(name, {})
            made = lock.signature(KEY, "virtual", 1, name, arguments)
            before = everything(bench)[1:]
            answer = bench.said(name, **dict(arguments, counter=1, signature=made))
            self.assertEqual((code(answer), bench.session.fault), ("not_kept", faults.STORE_CORRUPT), name)
            self.assertEqual(everything(bench)[1:], before, name)
            self.assertTrue(bench.supervisor.lock.locked)
            self.assertTrue(bench.said("stop")["ok"])

    def test_h16_what_is_answered_with_ok_is_there_with_power_back_whichever_write_fails(self):
        for fresh, ask, by in (
            (Linked, lambda bench: bench.said("lock", key=KEY), lock.key_id(KEY)),
            (locked, lambda bench: signed(bench, "unlock"), ""),
        ):
            done = 0
            for good in range(12):
                bench = fresh()
                failing_after(bench.hal, good)
                answer = ask(bench)
                if answer["ok"]:
                    done += 1
                    self.assertEqual(powered(bench).said("locked")["locked_by"], by)
                else:
                    self.assertEqual((code(answer), bench.session.fault), ("not_kept", faults.STORE_CORRUPT))
            self.assertTrue(0 < done < 12)

    def test_h16_a_prescription_whose_counter_cannot_be_kept_is_not_kept(self):
        bench = locked()
        bench.said("put", **dict(RIGHT_ONES["put"], **seal("put", 1, **RIGHT_ONES["put"])))
        bench.said("put_piece", at=0, data=document.piece(TEXT))
        bench.hal.flash_error = OSError(5)
        self.assertEqual(code(bench.said("put_end")), "not_kept")
        self.assertEqual(listed(powered(bench)), {1: ("one", "whole")})

    def test_h16_with_a_damaged_store_nothing_signed_is_carried_out_for_no_counter_can_be_kept(self):
        bench = locked()
        bench.hal.slots[0] = bench.hal.slots[1] = b"x"
        again = powered(bench)
        self.assertEqual((again.session.fault, counter(again)), (faults.STORE_CORRUPT, 1))
        self.assertEqual(code(again.said("bootloader")), "unsigned")
        self.assertEqual(code(signed(again, "bootloader")), "not_kept")
        self.assertFalse(again.link.wants_prompt)
        again.bytes(CTRL_C)
        self.assertFalse(again.link.wants_prompt)
        self.assertTrue(again.said("clear", fault=faults.STORE_CORRUPT)["ok"])
        self.assertEqual(code(again.said("remove", number=1)), "unsigned")
        self.assertTrue(again.said("remove", number=1, **seal_of_remove(counter(again)))["ok"])

    def test_h16_a_key_that_is_lost_locks_for_good_and_anybody_runs_and_stops_all_the_same(self):
        bench = locked()
        for slot in range(4):
            bench.hal.slots[slot] = b"x"
        again = powered(bench)
        again.said("clear", fault=faults.STORE_CORRUPT)
        for one in (again, powered(again)):
            self.assertEqual(one.said("identify")["locked_by"], "lost")
            for name in SIGNED:
                arguments = RIGHT_ONES.get(name, {})
                for more in ({}, {"counter": 1, "signature": lock.signature(KEY, "virtual", 1, name, arguments)}):
                    self.assertEqual(code(one.said(name, **dict(arguments, **more))), "key_lost", name)
            self.assertTrue(one.said("select", number=1)["ok"] and one.said("stop")["ok"])
            one.bytes(CTRL_C)
            self.assertFalse(one.link.wants_prompt)


class Cut(BaseException):
    """The board is without power in the middle of a write: nothing of the firmware goes on."""


def cut_at(bench, left):
    """From now on so many bytes reach the flash, in slots and sectors, and then the power is cut. What is returned goes
    on counting those that are left."""
    hal, whole = bench.hal, [left]

    def write_slot(slot, data):
        if whole[0] < len(data):
            hal._slots[slot] = data[: whole[0]]
            raise Cut
        whole[0] -= len(data)
        hal._slots[slot] = data

    program = hal.flash.writeblocks

    def writeblocks(sector, data, at):
        count = min(whole[0], len(data))
        program(sector, bytes(data[:count]) + b"\xff" * (len(data) - count), at)
        whole[0] -= count
        if count < len(data):
            raise Cut

    hal.write_slot, hal.flash.writeblocks = write_slot, writeblocks
    return whole


class APowerCut(unittest.TestCase):
    def outcomes(self, prepare, cmd, found, **arguments):
        """{(answered, what `found` says then of the board with power back, the counter that is used)} of a command, cut
        at many of the bytes that it writes, and at most of the last."""
        before = locked()

        def outcome(left):
            bench = prepare(powered(before))
            whole = cut_at(bench, left)
            answer = None
            try:
                answer = bench.said(cmd, **arguments)
            except Cut:
                pass
            again = powered(bench)
            self.assertEqual((again.session.state, again.supervisor.lock.locked), (IDLE, True))
            seen.add((bool(answer), found(again), again.store.get("lock")["counter"]))
            return left - whole[0]

        seen = set()
        total = outcome(50_000)
        for left in list(range(0, total, 97)) + list(range(total - 256, total, 7)):
            outcome(left)
        return seen

    def test_h16_at_any_byte_of_a_signed_setting_leaves_old_or_new_and_new_only_with_the_counter_used(self):
        asked = dict(settings={"device_name": "new"}, **seal("set", 1, settings={"device_name": "new"}))
        seen = self.outcomes(
            lambda bench: bench, "set", lambda bench: bench.supervisor.settings()["device_name"], **asked
        )
        self.assertEqual(seen, {(False, "mine", 0), (False, "mine", 1), (False, "new", 1), (True, "new", 1)})

    def test_h16_at_any_byte_of_a_signed_removal(self):
        seen = self.outcomes(
            lambda bench: bench, "remove", lambda bench: len(listed(bench)), number=1, **seal_of_remove(1)
        )
        self.assertEqual(seen, {(False, 1, 0), (False, 1, 1), (False, 0, 1), (True, 0, 1)})

    def test_h16_at_any_byte_of_the_end_of_a_signed_put(self):
        def put_all(bench):
            bench.said("put", **dict(RIGHT_ONES["put"], **seal("put", 1, **RIGHT_ONES["put"])))
            bench.said("put_piece", at=0, data=document.piece(TEXT))
            return bench

        seen = self.outcomes(put_all, "put_end", lambda bench: len(listed(bench)))
        self.assertEqual(seen, {(False, 1, 0), (False, 1, 1), (False, 2, 1), (True, 2, 1)})


if __name__ == "__main__":
    unittest.main()
