"""The link's prescriptions: put, listed, given back, selected, removed; nothing of it while anybody is armed."""

import json
import unittest

import samples
from bench_hal import RESISTOR, RIGHT, Linked
from test_link import Other, in_state

from nmes.core import checklist, clock, commands, document, frame, programme
from nmes.core.session import ARMED, FAULT, IDLE, PAUSED, RUNNING
from nmes.core.settings import NAME_MAX
from nmes.documents import documents
from nmes.hal.common import LAYOUT, Area

WRITE = ("put", "put_piece", "put_end", "remove")


def text_of(title="a", about=None, **changes):
    made = dict(RESISTOR, title=title, **changes)
    if about:
        made["about"] = about
    return json.dumps(made).encode()


def put(bench, text, number=0, digest=None, **checked):
    """The answer to the last request of a put, or to the first that is refused."""
    digest = digest or document.digest(text)
    answer = bench.said("put", number=number, bytes=len(text), digest=digest, **checked)
    for at in range(0, len(text), document.PIECE_BYTES):
        if not answer["ok"]:
            return answer
        answer = bench.said("put_piece", at=at, data=document.piece(text[at : at + document.PIECE_BYTES]))
    return bench.said("put_end") if answer["ok"] else answer


def got(bench, number):
    """What a host reads back."""
    text = b""
    while True:
        answer = bench.said("get", number=number, at=len(text))
        text += document.bytes_of(answer["data"])
        if len(text) == answer["bytes"]:
            assert document.digest(text) == answer["digest"]
            return text


def listed(bench):
    """{number: (title, condition)}."""
    found = {}
    number = 0
    while True:
        answer = bench.said("list", after=number)
        number = answer["number"]
        if not number:
            return found
        found[number] = answer["title"], answer["condition"]


def code(answer):
    """Of a refusal with one reason, its code; else the error."""
    return answer["reasons"][0]["code"] if answer.get("error") == "refused" else answer.get("error")


def programmed(bench):
    """All of the flash."""
    sectors = bench.hal.flash.sectors
    return {number: bytes(sectors[number]) for number in sectors if bytes(sectors[number]).strip(b"\xff")}


class Keeping(unittest.TestCase):
    def test_what_is_put_is_listed_given_back_and_still_there_with_power_back(self):
        bench = Linked()
        text = text_of("one", {"site": "x" * 2_000})
        answer = put(bench, text)
        self.assertEqual((answer["number"], answer["title"], answer["bytes"]), (1, "one", len(text)))
        self.assertEqual(answer["digest"], document.digest(text))
        put(bench, text_of("two"), 9)
        again = Linked(bench.hal.slots)
        again.hal.flash.sectors.update(bench.hal.flash.sectors)
        for one in (bench, again):
            self.assertEqual(listed(one), {1: ("one", "whole"), 9: ("two", "whole")})
            self.assertEqual((got(one, 1), got(one, 9)), (text, text_of("two")))
            answer = one.said("list", after=16)
            self.assertEqual((answer["number"], answer["count"], answer["free"]), (0, 2, 14))

    def test_select_is_load(self):
        bench = Linked()
        put(bench, text_of("one", {"site": "x"}))
        loaded = bench.said("load", programme=json.loads(text_of("one")))
        selected = bench.said("select", number=1)
        self.assertEqual(selected.pop("number"), 1)
        self.assertEqual((selected.pop("title"), len(selected.pop("digest"))), ("one", 64))
        for answer in (loaded, selected):
            del answer["seq"]
        self.assertEqual(selected, loaded)
        bench.said("acknowledge", **dict(zip(("checklist", "items"), RIGHT)))
        self.assertTrue(bench.said("arm", programme_crc=loaded["programme_crc"])["ok"])

    def test_a_selection_that_is_refused_leaves_the_one_before(self):
        bench = Linked()
        loaded = bench.said("load", programme=RESISTOR)
        self.assertEqual(code(bench.said("select", number=3)), "not_there")
        self.assertEqual(bench.session.programme_crc, loaded["programme_crc"])

    def test_a_removed_one_is_gone_and_one_that_is_not_there_is_said(self):
        bench = Linked()
        put(bench, text_of("one"))
        self.assertEqual(bench.said("remove", number=1)["number"], 1)
        self.assertEqual(listed(bench), {})
        for cmd, arguments in (("remove", {}), ("get", {"at": 0}), ("select", {})):
            self.assertEqual(code(bench.said(cmd, number=1, **arguments)), "not_there")

    def test_pieces_of_any_place_are_given_back_and_behind_the_end_is_none(self):
        bench = Linked()
        text = text_of("one")
        put(bench, text)
        answer = bench.said("get", number=1, at=len(text) - 1)
        self.assertEqual(document.bytes_of(answer["data"]), text[-1:])
        for beyond in (len(text), len(text) + 1, 2 * len(text)):
            (reason,) = bench.said("get", number=1, at=beyond)["reasons"]
            said = reason["code"], reason["parameter"], reason["asked"], reason["bound"]
            self.assertEqual(said, ("above_range", "at", beyond, len(text) - 1))

    def test_the_longest_fits_and_its_lines_too(self):
        bench = Linked()
        text = text_of("one", {"site": "x"})
        text = text_of("one", {"site": "x" * (1 + document.BYTES_MAX - len(text))})
        self.assertEqual(len(text), document.BYTES_MAX)
        self.assertTrue(put(bench, text)["ok"])
        self.assertEqual(got(bench, 1), text)
        self.assertEqual(put(bench, text + b" ")["error"], "bad_argument")


class Refusing(unittest.TestCase):
    def test_what_load_refuses_is_not_kept(self):
        strong = samples.programme([samples.phase(width_us=499)], max_current_ua=99_000)
        for wrong in (strong, dict(RESISTOR, title=""), dict(RESISTOR, more=1), {}, {"about": {}}):
            bench = Linked()
            put(bench, text_of("before"), 1)
            answer = put(bench, json.dumps(wrong).encode(), 1)
            self.assertEqual(answer["error"], "refused")
            load = bench.said("load", programme=wrong)
            if "about" not in wrong:
                self.assertEqual(answer["reasons"], load["reasons"])
            self.assertEqual(listed(bench), {1: ("before", "whole")})
            self.assertEqual(bench.session.state, IDLE)

    def test_what_is_no_document_is_not_kept(self):
        for text in (b"{}x", b"[]", b"12", b'{"about":[]}', b"\xff\xfe", b"[" * 3_000, b'{"about":1}'):
            bench = Linked()
            self.assertEqual(put(bench, text)["error"], "refused", str(text[:9]))
            self.assertEqual((listed(bench), bench.session.state), ({}, IDLE))

    def test_one_for_which_there_is_no_memory_is_refused_with_its_length(self):
        def no_memory(*arguments):
            raise MemoryError

        bench = Linked()
        text = text_of()
        accept = programme.accept
        try:
            programme.accept = no_memory
            (reason,) = put(bench, text)["reasons"]
        finally:
            programme.accept = accept
        self.assertEqual((reason["code"], reason["asked"]), ("no_memory", "%d bytes" % len(text)))
        self.assertEqual((listed(bench), bench.session.state), ({}, IDLE))

    def test_a_digest_that_is_none_or_another_is_refused(self):
        bench = Linked()
        text = text_of()
        answer = put(bench, text, digest="x" * 64)
        self.assertEqual((code(answer), answer["reasons"][0]["bound"]), ("not_hexadecimal", "64 digits"))
        self.assertEqual(code(put(bench, text, digest="0" * 64)), "other_digest")
        self.assertEqual(bench.said("put", number=0, bytes=99, digest="0" * 63)["error"], "bad_argument")
        self.assertEqual(listed(bench), {})

    def test_what_is_no_base64_is_refused(self):
        bench = Linked()
        bench.said("put", number=0, bytes=300, digest="0" * 64)
        for data in (
            "====",
            "a===",
            "ab=c",
            "a b c d ",
            "\u00fc\u00fc\u00fc\u00fc",
            "abcde",
            "AAB=",
            "ab-_",
            "\n\n\n\n",
        ):
            self.assertEqual(code(bench.said("put_piece", at=0, data=data)), "not_base64", data)

    def test_a_line_that_comes_again_writes_nothing_and_is_answered_again(self):
        bench = Linked()
        text = text_of()
        for cmd, arguments in (
            ("put", {"number": 0, "bytes": len(text), "digest": document.digest(text)}),
            ("put_piece", {"at": 0, "data": document.piece(text)}),
            ("put_end", {}),
            ("remove", {"number": 1}),
        ):
            line = bench.line(cmd, **arguments)
            said = []
            for _ in range(3):
                del bench.answers[:]
                bench.bytes(line)
                said.append((bench.answers[-1], programmed(bench)))
            self.assertTrue(frame.decode(said[0][0])["ok"], cmd)
            self.assertEqual(said, 3 * said[:1])

    def test_another_host_adds_no_piece_and_ends_nothing(self):
        bench = Linked()
        text = text_of()
        bench.said("put", number=0, bytes=len(text), digest=document.digest(text))
        other = Other(bench)
        self.assertEqual(code(other.said("put_piece", at=0, data=document.piece(text))), "not_begun")
        bench.said("put_piece", at=0, data=document.piece(text))
        self.assertEqual(code(other.said("put_end")), "not_begun")
        self.assertTrue(bench.said("put_end")["ok"])


class ABoardWithoutSectors(unittest.TestCase):
    def test_it_lists_none_and_refuses_each_request_for_what_it_is(self):
        bench = Linked()
        bench.supervisor.prescriptions = bench.link._prescriptions = documents(Area(None, ()))
        self.assertEqual(listed(bench), {})
        self.assertEqual(code(put(bench, text_of())), "no_store")
        self.assertEqual(code(bench.said("put_piece", at=0, data=document.piece(text_of()))), "not_begun")
        self.assertEqual(code(bench.said("put_end")), "not_begun")
        for cmd in ("remove", "select"):
            self.assertEqual(code(bench.said(cmd, number=1)), "not_there")
        self.assertEqual(code(bench.said("get", number=1, at=0)), "not_there")


class NobodyIsArmed(unittest.TestCase):
    def test_while_somebody_is_nothing_is_written_and_nothing_read(self):
        text = text_of()
        for state in (ARMED, RUNNING, PAUSED, FAULT):
            bench = in_state(state)
            before = programmed(bench)
            asked = (
                ("put", {"number": 0, "bytes": len(text), "digest": document.digest(text)}),
                ("put_piece", {"at": 0, "data": "eHh4"}),
                ("put_end", {}),
                ("remove", {"number": 1}),
                ("select", {"number": 1}),
            )
            for cmd, arguments in asked:
                self.assertEqual(bench.said(cmd, **arguments)["error"], "wrong_state", state + cmd)
            for cmd, arguments in (("list", {"after": 0}), ("get", {"number": 1, "at": 0})):
                error = bench.said(cmd, **arguments).get("error")
                self.assertEqual(error == "wrong_state", state != FAULT, state + cmd)
            self.assertEqual((programmed(bench), bench.session.state), (before, state))

    def test_the_supervisor_asks_for_itself(self):
        for state in (ARMED, RUNNING, PAUSED, FAULT):
            bench = in_state(state)
            self.assertEqual(samples.codes(bench.supervisor.write, lambda: 1 // 0), ["wrong_state"])

    def test_a_put_that_a_session_comes_between_goes_on_after_it(self):
        bench = Linked()
        text = text_of("one", {"site": "x" * 900})
        bench.said("put", number=0, bytes=len(text), digest=document.digest(text))
        bench.said("put_piece", at=0, data=document.piece(text[:768]))
        bench.run(RESISTOR)
        self.assertEqual(bench.said("put_piece", at=768, data="eHh4")["error"], "wrong_state")
        bench.said("stop")
        bench.said("put_piece", at=768, data=document.piece(text[768:]))
        self.assertEqual(bench.said("put_end")["number"], 1)

    def test_the_watchdog_waits_for_each_write_and_for_no_more(self):
        bench = Linked()
        put(bench, text_of())
        self.assertEqual([on for on, _ in bench.hal.pauses], 3 * [True, False])
        self.assertEqual({state for _, state in bench.hal.pauses}, {IDLE})


class ABadFlash(unittest.TestCase):
    def test_h16_a_flash_that_fails_is_a_refusal_by_name_and_no_fault_and_anybody_may_stop(self):
        def fails(*arguments):
            raise OSError(5)

        for method in ("readblocks", "writeblocks", "ioctl"):
            bench = Linked()
            put(bench, text_of())
            for number in LAYOUT["prescriptions"]:
                if number not in programmed(bench):
                    bench.hal.flash.sector(number)[5] = 0  # has to be erased first
            setattr(bench.hal.flash, method, fails)
            answers = [put(bench, text_of("two")), bench.said("remove", number=1), bench.said("select", number=1)]
            answers += [bench.said("list", after=0), bench.said("get", number=1, at=0)]
            for answer in answers:
                self.assertTrue(answer["ok"] or answer["error"] == "refused", method)
            self.assertTrue(code(answers[0]) in ("worn", "worn_out"), method)
            self.assertEqual((bench.session.state, bench.said("stop")["ok"]), (IDLE, True))

    def test_h16_a_damaged_one_is_listed_and_keeps_nobody_from_another_or_from_a_session(self):
        bench = Linked()
        put(bench, text_of("one"))
        put(bench, text_of("two"))
        bench.hal.flash.sectors[min(programmed(bench))][300] ^= 1
        again = Linked(bench.hal.slots)
        again.hal.flash.sectors.update(bench.hal.flash.sectors)
        self.assertEqual(again.session.state, IDLE)
        self.assertEqual(sorted(condition for _, condition in listed(again).values()), ["damaged", "whole"])
        for number in (1, 2):
            answer = again.said("select", number=number)
            self.assertTrue(answer["ok"] or code(answer) == "damaged")
        again.run(RESISTOR)
        self.assertEqual(again.session.state, RUNNING)

    def test_h16_memory_that_runs_out_is_a_refusal_and_what_was_kept_stays(self):
        def no_memory(*arguments):
            raise MemoryError

        bench = Linked()
        put(bench, text_of("one"), 1)
        for module, name in ((programme, "accept"), (document.json, "loads")):
            if module is document.json and samples.MICROPYTHON:
                continue
            whole = getattr(module, name)
            text = text_of("two")
            bench.said("put", number=1, bytes=len(text), digest=document.digest(text))
            bench.said("put_piece", at=0, data=document.piece(text))
            line = bench.line("put_end")
            del bench.answers[:]
            calls = []

            def once(*arguments, whole=whole, calls=calls, name=name):
                calls.append(1)
                if name == "loads" and len(calls) == 1:
                    return whole(*arguments)  # the line itself
                raise MemoryError

            try:
                setattr(module, name, once)
                bench.bytes(line)
            finally:
                setattr(module, name, whole)
            self.assertEqual(code(frame.decode(bench.answers[-1])), "no_memory", name)
            self.assertEqual((listed(bench), bench.session.state), ({1: ("one", "whole")}, IDLE))


class TheTable(unittest.TestCase):
    def test_only_hosts_write_and_only_in_idle(self):
        for name in WRITE + ("select",):
            self.assertEqual((commands.COMMANDS[name].who, commands.COMMANDS[name].states), (commands.HOST, (IDLE,)))

    def test_reading_is_anybody_s_while_nobody_is_armed(self):
        for name in ("list", "get"):
            self.assertEqual(
                (commands.COMMANDS[name].who, commands.COMMANDS[name].states), (commands.ANYBODY, (IDLE, FAULT))
            )


class WhoWentThroughTheChecklist(unittest.TestCase):
    T = 1_795_000_000

    def of(self, bench, number=1):
        answer = bench.said("list", after=number - 1)
        self.assertEqual(answer["number"], number)
        return answer["checked_version"], answer["checked_unix_s"], answer["checked_by"]

    def stated(self, by="Dr. Müller", version=checklist.VERSION, unix_s=T):
        return {"checked_by": by, "checked_version": version, "checked_unix_s": unix_s}

    def test_h25_who_when_and_which_version_stay_with_the_prescription_over_a_power_cut(self):
        bench = Linked()
        bench.said("clock", unix_s=self.T + 1_000_000, back=0)  # the statement has a time of its own
        self.assertTrue(put(bench, text_of(), **self.stated())["ok"])
        for one in (bench, Linked(bench.hal.slots, "", bench.stage, bench.hal.flash.sectors)):
            self.assertEqual(self.of(one), (checklist.VERSION, self.T, "Dr. Müller"))

    def test_h25_what_was_not_stated_is_not_made_up(self):
        bench = Linked()
        put(bench, text_of())
        self.assertEqual(self.of(bench), (0, None, ""))
        put(bench, text_of(), number=1, **self.stated(unix_s=0))  # and nobody knows the time
        self.assertEqual(self.of(bench), (checklist.VERSION, None, "Dr. Müller"))
        put(bench, text_of(), number=1)  # the statement was of the push before
        self.assertEqual(self.of(bench), (0, None, ""))

    def test_what_is_stated_by_half_or_of_another_list_is_refused_and_nothing_is_kept(self):
        for by, version, unix_s, wanted in (
            ("", checklist.VERSION, self.T, "not_a_text"),
            ("a\nb", checklist.VERSION, self.T, "not_a_text"),
            ("A", 0, self.T, "other_checklist"),
            ("", 0, self.T, "other_checklist"),
            ("A", checklist.VERSION + 1, self.T, "other_checklist"),
            ("A" * (NAME_MAX + 1), checklist.VERSION, self.T, "bad_argument"),
            ("A", checklist.VERSION, 1, "below_range"),  # 1970
            ("A", checklist.VERSION, clock.UNIX_S[0] - 1, "below_range"),
            ("A", checklist.VERSION, clock.UNIX_S[1] + 1, "bad_argument"),
        ):
            bench = Linked()
            self.assertEqual(code(put(bench, text_of(), **self.stated(by, version, unix_s))), wanted)
            self.assertEqual(listed(bench), {})

    def test_a_statement_is_of_its_own_put_and_of_no_other(self):
        bench = Linked()
        asked = {"number": 1, "bytes": len(text_of()), "digest": document.digest(text_of())}
        bench.said("put", **dict(asked, **self.stated()))
        self.assertTrue(put(bench, text_of(), number=2)["ok"])  # and the one before was never ended
        self.assertEqual(self.of(bench, 2), (0, None, ""))

    def test_the_longest_name_has_room_beside_any_title_of_which_it_has_and_else_it_is_refused(self):
        longest = "\u00e4" * NAME_MAX  # two bytes each
        for title, fits in (("t" * 60, True), ("\u20ac" * 36, True), ("\u20ac" * 37, False), ("\u20ac" * 60, False)):
            bench = Linked()
            answer = put(bench, text_of(title), **self.stated(longest))
            self.assertEqual((title, answer["ok"]), (title, fits))
            if fits:
                self.assertEqual((self.of(bench)[2], listed(bench)[1][0]), (longest, title))
            else:
                self.assertEqual((code(answer), listed(bench)), ("not_a_text", {}))
                self.assertTrue(put(bench, text_of(title))["ok"])
                self.assertEqual((self.of(bench)[2], listed(bench)[1][0]), ("", title))


if __name__ == "__main__":
    unittest.main()
