"""core/lock.py: HMAC-SHA-256 as the standard has it, and a lock that takes what is signed for it, once."""

import unittest

import samples

from nmes.core import lock
from nmes.core.lock import Lock
from nmes.core.reason import Refused

KEY = "00112233445566778899aabbccddeeff" * 2
OTHER = "f" * 64
UID = "e660583883724f32"

# RFC 4231, section 4: key, text, HMAC-SHA-256. It has the fifth cut short to 16 bytes.
RFC_4231 = (
    (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (b"Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    (b"\xaa" * 20, b"\xdd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    (bytes(range(1, 26)), b"\xcd" * 50, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
    (b"\x0c" * 20, b"Test With Truncation", "a3b6167473100ee06e0c796c2955552bfa6f7c0a6a8aef8b93f860aab0cd20c5"),
    (
        b"\xaa" * 131,
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ),
    (
        b"\xaa" * 131,
        b"This is a test using a larger than block-size key and a larger than block-size data. The key needs to be "
        b"hashed before being used by the HMAC algorithm.",
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
    ),
)


class Kept:
    """In the place of the store. `puts`: what was put there, in order."""

    def __init__(self, key="", counter=0):
        self.lock = {"key": key, "counter": counter}
        self.puts = []

    def get(self, key):
        assert key == "lock"
        return self.lock

    def put(self, key, value):
        assert key == "lock"
        self.lock = value
        self.puts.append((value["key"], value["counter"]))


def locked(counter=0, key=KEY):
    return Lock(Kept(key, counter), UID)


def refused(act, *arguments):
    """(code, bound) of the reason, or None."""
    try:
        act(*arguments)
    except Refused as error:
        (reason,) = error.reasons
        return reason["code"], reason["bound"]
    return None


def signed(counter, name="remove", arguments=None, key=KEY, uid=UID):
    return lock.signature(key, uid, counter, name, {"number": 1} if arguments is None else arguments)


def check(one, counter, given, now_ms=0, name="remove", arguments=None):
    """What `check` refuses, by its code; None."""
    found = refused(one.check, name, {"number": 1} if arguments is None else arguments, counter, given, now_ms)
    return found and found[0]


class Hmac(unittest.TestCase):
    def test_it_is_that_of_rfc_4231(self):
        for key, text, wanted in RFC_4231:
            self.assertEqual(lock.binascii.hexlify(lock.hmac_sha256(key, text)).decode(), wanted)

    def test_a_key_as_long_as_a_block_is_used_as_it_is_and_a_longer_one_as_its_hash(self):
        # As CPython's hmac, which is OpenSSL's, has them.
        for length, wanted in (
            (63, "031e7f31fa690d4d7e39698aa240b66d3c8705b13c107f23e26c46845e06e921"),
            (64, "641d21a27db22a6a1e8bc28f948eee3c9e7c855f3e74f1fdf67f026e0e4fe70e"),
            (65, "03b31bdc10d1463cc050380fe3b8ddbc053dfb2f31c33564cefadfed4badba01"),
        ):
            made = lock.hmac_sha256(bytes(range(length)), b"text")
            self.assertEqual(lock.binascii.hexlify(made).decode(), wanted)

    def test_two_that_differ_anywhere_are_not_the_same(self):
        whole = bytes(range(32))
        self.assertTrue(lock.same(whole, bytes(range(32))))
        self.assertTrue(lock.same(b"", b""))
        for at in range(32):
            for bit in range(8):
                changed = bytearray(whole)
                changed[at] ^= 1 << bit
                self.assertFalse(lock.same(whole, bytes(changed)))
                self.assertFalse(lock.same(bytes(changed), whole))
        for other in (whole[:-1], whole + b"\x00", b""):
            self.assertFalse(lock.same(whole, other))
            self.assertFalse(lock.same(other, whole))

    def test_two_differences_do_not_make_up_for_each_other(self):
        self.assertFalse(lock.same(b"\x01\x01", b"\x00\x00"))
        self.assertFalse(lock.same(b"\x00\x03", b"\x03\x00"))
        self.assertFalse(lock.same(b"\x03\x01", b"\x00\x02"))


class Keys(unittest.TestCase):
    def test_64_digits_in_lower_case_are_a_key_and_nothing_else_is(self):
        for text in (KEY, OTHER, "0" * 64, "0123456789abcdef" * 4):
            self.assertTrue(lock.is_key(text), text)
        for text in (
            "",
            "0" * 63,
            "0" * 65,
            "0" * 63 + "g",
            "A" * 64,
            "0" * 63 + "\n",
            " " + "0" * 63,
            None,
            0,
            64 * [0],
        ):
            self.assertFalse(lock.is_key(text), repr(text))

    def test_it_is_called_by_the_first_eight_digits_of_its_sha_256(self):
        self.assertEqual(lock.key_id(KEY), "4773d12e")  # echo 0011... | xxd -r -p | sha256sum
        self.assertEqual((lock.key_id(""), lock.key_id(lock.LOST)), ("", "lost"))

    def test_the_sizes_are_these(self):
        self.assertEqual((lock.KEY_DIGITS, lock.SIGNATURE_DIGITS, lock.KEY_ID_DIGITS), (64, 64, 8))
        self.assertEqual((lock.COUNTERS, lock.AHEAD_MOST), ((1, 999_999_999), 1_000))
        self.assertEqual((lock.WAIT_FIRST_MS, lock.WAIT_MOST_MS), (1_000, 64_000))


class WhatIsSigned(unittest.TestCase):
    def test_both_ends_sign_this_text(self):
        # Golden: a signature that a clinic has made must be good for the next firmware too.
        arguments = {"number": 1, "bytes": 400, "digest": "0" * 64}
        self.assertEqual(
            lock.text_to_sign(UID, 7, "put", arguments),
            b"OpenNMES signed 1\ne660583883724f32\n7\nput\n"
            b"8c46553ad1892f4c8d03ec0285236aa977006b9309dbdc87e3576002b3e127bf\n",
        )
        self.assertEqual(
            lock.signature(KEY, UID, 7, "put", arguments),
            "4af3dbab4aee4481707b6c2914b07cf512c76a0e08563ca3a81b520cba93e326",
        )

    def test_another_key_device_counter_command_or_argument_is_another_signature(self):
        made = {
            signed(1),
            signed(2),
            signed(11),
            signed(1, key=OTHER),
            signed(1, uid=UID[:-1]),
            signed(1, uid="0" + UID[1:]),
            signed(1, name="select"),
            signed(1, arguments={"number": 2}),
            signed(1, arguments={"number": "1"}),
            signed(1, arguments={"numbe": 1}),
            signed(1, arguments={}),
            signed(1, arguments={"number": 1, "x": None}),
            signed(1, arguments={"number": True}),
            signed(1, arguments={"number": [1]}),
        }
        self.assertEqual(len(made), 14)

    def test_the_order_of_arguments_is_none_of_it(self):
        one, other = {}, {}
        for key in "abcdef":
            one[key] = 1
        for key in "fedcba":
            other[key] = 1
        self.assertEqual(signed(1, arguments=one), signed(1, arguments=other))

    def test_what_cannot_be_written_is_refused_by_name(self):
        deep = []
        for _ in range(20_000):
            deep = [deep]
        self.assertEqual(refused(lock.text_to_sign, UID, 1, "set", {"settings": deep})[0], "not_signable")
        if not samples.MICROPYTHON:  # which has no half characters
            self.assertEqual(refused(lock.text_to_sign, UID, 1, "set", {"settings": "\ud800"})[0], "not_signable")


class Taking(unittest.TestCase):
    def test_without_a_key_it_is_open_and_says_so(self):
        one = Lock(Kept(), UID)
        self.assertFalse(one.locked)
        self.assertEqual(one.state(0), {"locked_by": "", "counter": 1, "wait_ms": 0})

    def test_with_one_it_says_which_and_not_what_it_is(self):
        one = locked(41)
        self.assertTrue(one.locked)
        self.assertEqual(one.state(0), {"locked_by": "4773d12e", "counter": 42, "wait_ms": 0})
        self.assertEqual(tuple(sorted(one.state(0))), tuple(sorted(lock.FIELDS)))

    def test_what_is_signed_is_taken_and_uses_nothing_up_before_it_is_used(self):
        one = locked()
        for _ in range(3):
            self.assertEqual(check(one, 1, signed(1)), None)
        self.assertEqual(one._store.puts, [])
        one.use(1)
        self.assertEqual(one._store.puts, [(KEY, 1)])
        self.assertEqual(refused(one.check, "remove", {"number": 1}, 1, signed(1), 0), ("counter_used", 2))
        self.assertEqual(refused(one.use, 1), ("counter_used", 2))
        self.assertEqual(one._store.puts, [(KEY, 1)])

    def test_what_is_not_signed_is_refused_with_the_name_of_the_key_and_costs_no_wait(self):
        one = locked()
        found = refused(one.check, "remove", {"number": 1}, None, None, 0)
        self.assertEqual(found, ("unsigned", "signed with key 4773d12e"))
        self.assertEqual(refused(one.use, None), ("unsigned", "signed with key 4773d12e"))
        self.assertEqual((one.state(0)["wait_ms"], one._store.puts), (0, []))

    def test_every_wrong_signature_is_refused(self):
        right = signed(5)
        for at in range(64):
            digit = "0" if right[at] != "0" else "1"
            self.assertEqual(check(locked(), 5, right[:at] + digit + right[at + 1 :]), "wrong_signature")
        for wrong in ("", right[:-1], right + "0", right.upper(), "\u00fc" * 64, "\u00fc" * 32, 64 * "0", KEY):
            self.assertEqual(check(locked(), 5, wrong), "wrong_signature")
        if not samples.MICROPYTHON:
            self.assertEqual(check(locked(), 5, 64 * "\ud800"), "wrong_signature")
        for other in (
            signed(5, key=OTHER),
            signed(5, uid="virtual"),
            signed(6),
            signed(5, name="select"),
            signed(5, arguments={"number": 2}),
        ):
            self.assertEqual(check(locked(), 5, other), "wrong_signature")

    def test_a_wrong_one_is_told_which_key_device_and_counter_are_meant(self):
        found = refused(locked().check, "remove", {"number": 1}, 5, 64 * "0", 0)
        self.assertEqual(found, ("wrong_signature", "that of key 4773d12e, device %s and counter 5" % UID))

    def test_a_counter_is_taken_up_to_a_thousand_ahead(self):
        for used in (0, 7, 500_000):
            for counter, wanted in (
                (used, ("counter_used", used + 1)),
                (used + 1, None),
                (used + 1_000, None),
                (used + 1_001, ("counter_ahead", used + 1_000)),
            ):
                one = locked(used)
                self.assertEqual(
                    refused(one.check, "remove", {"number": 1}, counter, signed(counter), 0),
                    wanted,
                    str((used, counter)),
                )
                self.assertEqual(refused(one.use, counter), wanted)
                self.assertEqual(one._store.lock["counter"], counter if wanted is None else used)

    def test_all_counters_below_one_that_was_used_are_used(self):
        one = locked()
        one.use(9)
        for counter in range(10):
            self.assertEqual(refused(one.use, counter), ("counter_used", 10))
        one.use(10)

    def test_a_wrong_signature_tells_nothing_of_the_counter_and_a_right_old_one_costs_no_wait(self):
        self.assertEqual(check(locked(9), 3, 64 * "0"), "wrong_signature")
        one = locked(9)
        self.assertEqual((check(one, 3, signed(3)), one.state(0)["wait_ms"]), ("counter_used", 0))

    def test_a_lost_key_takes_nothing_and_looks_at_nothing(self):
        one = locked(key=lock.LOST)
        self.assertTrue(one.locked)
        self.assertEqual(one.state(0)["locked_by"], "lost")
        for given in (None, 64 * "0", signed(1)):
            self.assertEqual((check(one, 1, given), one.state(0)["wait_ms"]), ("key_lost", 0))


class SlowingDown(unittest.TestCase):
    def test_each_wrong_one_doubles_the_wait_up_to_64_s(self):
        one, now_ms = locked(), 5_000
        for wait_ms in (1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 64_000, 64_000):
            self.assertEqual(check(one, 1, 64 * "0", now_ms), "wrong_signature")
            self.assertEqual(one.state(now_ms)["wait_ms"], wait_ms)
            self.assertEqual(one.state(now_ms + 1)["wait_ms"], wait_ms - 1)
            for early_ms in (0, 1, wait_ms - 1):
                self.assertEqual(check(one, 1, signed(1), now_ms + early_ms), "sign_later")
                self.assertEqual(check(one, 1, 64 * "0", now_ms + early_ms), "sign_later")
            self.assertEqual(one.state(now_ms)["wait_ms"], wait_ms)
            now_ms += wait_ms
            self.assertEqual(one.state(now_ms)["wait_ms"], 0)
            self.assertEqual(one.state(now_ms + 1)["wait_ms"], 0)

    def test_how_long_is_said_in_whole_seconds_and_never_less(self):
        one = locked()
        check(one, 1, 64 * "0", 0)
        check(one, 1, 64 * "0", 1_000)
        for now_ms, left_s in ((1_000, 2), (1_001, 2), (1_999, 2), (2_000, 1), (2_999, 1)):
            found = refused(one.check, "remove", {"number": 1}, 1, signed(1), now_ms)
            self.assertEqual(found, ("sign_later", "in %d s, after a wrong signature" % left_s))

    def test_after_the_wait_a_right_one_is_taken_and_the_next_wrong_one_waits_shortly(self):
        one = locked()
        check(one, 1, 64 * "0", 0)
        check(one, 1, 64 * "0", 1_000)
        self.assertEqual(check(one, 1, signed(1), 3_000), None)
        self.assertEqual(check(one, 1, 64 * "0", 3_000), "wrong_signature")
        self.assertEqual(one.state(3_000)["wait_ms"], 1_000)

    def test_what_is_not_signed_is_refused_as_such_meanwhile(self):
        one = locked()
        check(one, 1, 64 * "0", 0)
        self.assertEqual(check(one, None, None, 10), "unsigned")


class Changing(unittest.TestCase):
    def test_it_is_locked_with_a_key_and_the_counter_goes_on(self):
        for before in ("", KEY, lock.LOST):
            one = Lock(Kept(before, 12), UID)
            one.close(OTHER)
            self.assertEqual(one._store.lock, {"key": OTHER, "counter": 12})

    def test_what_is_no_key_locks_nothing_and_is_not_said_again(self):
        for wrong in ("", "0" * 63, "G" * 64):
            one = Lock(Kept(), UID)
            self.assertEqual(refused(one.close, wrong), ("not_a_key", "64 digits of 0 to 9 and a to f"))
            self.assertEqual(one._store.puts, [])
            with self.assertRaises(Refused) as raised:
                one.close(wrong)
            self.assertEqual(raised.exception.reasons[0]["asked"], len(wrong))

    def test_it_is_opened_and_the_counter_goes_on_so_nothing_signed_before_is_ever_taken_again(self):
        one = locked(12)
        one.open()
        self.assertEqual(one._store.lock, {"key": "", "counter": 12})
        self.assertEqual(refused(one.open), ("not_locked", "a locked device"))
        one.close(KEY)
        self.assertEqual(check(one, 12, signed(12)), "counter_used")

    def test_what_was_kept_is_never_changed_in_place(self):
        new = lock.factory()
        for act in (lambda one: one.close(KEY), lambda one: one.use(1)):
            kept = Kept()
            kept.lock = new
            act(Lock(kept, UID))
            self.assertEqual(new, {"key": "", "counter": 0})


class WhatCanHaveBeenKept(unittest.TestCase):
    def test_a_lock_is_whole_with_a_key_none_or_a_lost_one_and_a_counter(self):
        for key in ("", KEY, lock.LOST):
            for counter in (0, 1, 999_999_999):
                self.assertTrue(lock.is_whole({"key": key, "counter": counter}))
            for counter in (-1, 1_000_000_000, True, 1.0, "1", None):
                self.assertFalse(lock.is_whole({"key": key, "counter": counter}))
        for key in ("x", "LOST", "0" * 63, KEY.upper()[:-1] + "F", None, 0, True, []):
            self.assertFalse(lock.is_whole({"key": key, "counter": 0}))
        self.assertTrue(lock.is_whole(lock.factory()))
        for junk in (None, [], "key", {}, {"key": ""}, {"counter": 0}, {"key": "", "counter": 0, "more": 0}):
            self.assertFalse(lock.is_whole(junk))

    def test_without_any_copy_it_is_locked_and_its_key_is_lost(self):
        self.assertEqual(lock.most_careful([]), {"key": "lost", "counter": 0})

    def test_of_several_copies_a_key_counts_more_than_none_a_newer_one_more_and_the_highest_counter_always(self):
        def row(key, counter):
            return {"key": key, "counter": counter}

        for one, other, wanted in (
            (row("", 4), row("", 7), row("", 7)),
            (row(KEY, 4), row("", 7), row(KEY, 7)),
            (row(KEY, 7), row("", 4), row(KEY, 7)),
            (row(KEY, 4), row(OTHER, 5), row(OTHER, 5)),
            (row(OTHER, 4), row(KEY, 5), row(KEY, 5)),
            (row(lock.LOST, 0), row("", 5), row(lock.LOST, 5)),
        ):
            self.assertEqual(lock.most_careful([one, other]), wanted)
            self.assertEqual(lock.most_careful([other, one]), wanted)
            self.assertEqual(lock.most_careful([one]), one)


if __name__ == "__main__":
    unittest.main()
