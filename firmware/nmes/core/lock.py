"""A clinic's lock: a locked device takes what would change it only when that is signed with the clinic's key.

A signature is the HMAC-SHA-256 (RFC 2104, FIPS 180-4) of five lines: what this is, the UID of the device, the counter,
the name of the command, and the SHA-256 of its arguments. So it is good for one device, for one command with these
very arguments, and once: a device takes a counter only above the last one that it has taken, and keeps that before it
carries anything out. The counter survives locking, unlocking and a factory reset.

Wrong signatures are answered more slowly each time: until the wait is over none is looked at, right or wrong. A power
cut forgets the wait, which leaves a guess for each start of the device: against 256 bits neither matters. The wait is
bounded, so nobody can keep the clinic out for long by guessing.

Which commands need a signature stands in core/commands.py; who looks that it is there is nmes/link.py. A key that was
lost, because all places of the flash that had it are damaged, is LOST: nothing can be signed with it, and the device
stays locked.
"""

import binascii
import hashlib

from nmes.core import programme
from nmes.core.reason import is_int, refuse

KEY_DIGITS = 64  # hexadecimal: 32 bytes, as many as SHA-256 has (RFC 2104, section 3)
SIGNATURE_DIGITS = 64
KEY_ID_DIGITS = 8
COUNTERS = (1, 999_999_999)  # more than the flash can keep one after the other
AHEAD_MOST = 1_000  # a counter with a digit too much must not use up all those before it
WAIT_FIRST_MS = 1_000
WAIT_MOST_MS = 64_000
LOST = "lost"
FIELDS = ("locked_by", "counter", "wait_ms")  # of what anybody may know

_PURPOSE = "OpenNMES signed 1"
_BLOCK = 64  # bytes of SHA-256
_INNER = 0x36  # RFC 2104, section 2
_OUTER = 0x5C
_DIGITS = "0123456789abcdef"
_SOURCE = "the device's lock"


def factory():
    """The lock of a new device: none. `key` is hexadecimal digits, "" without a lock; `counter` the last one used."""
    return {"key": "", "counter": 0}


def is_key(text):
    """Whether a text is a key as it is kept and sent; a signature looks alike."""
    return isinstance(text, str) and len(text) == KEY_DIGITS and not [c for c in text if c not in _DIGITS]


def is_whole(kept):
    """Whether this is a lock that can have been kept."""
    if not isinstance(kept, dict) or sorted(kept) != ["counter", "key"]:
        return False
    counter = kept["counter"]
    return (kept["key"] in ("", LOST) or is_key(kept["key"])) and is_int(counter) and 0 <= counter <= COUNTERS[1]


def most_careful(locks):
    """The lock that counts where all but some old copies of it are lost: with a key rather than without, the newest
    key, and the highest counter. LOST without any copy."""
    if not locks:
        return {"key": LOST, "counter": 0}
    key = max([(bool(one["key"]), one["counter"], one["key"]) for one in locks])[2]
    return {"key": key, "counter": max([one["counter"] for one in locks])}


def key_id(key):
    """What a key is called: digits of its SHA-256, from which it cannot be found. "" without one."""
    if not is_key(key):
        return key
    return binascii.hexlify(hashlib.sha256(binascii.unhexlify(key)).digest()).decode()[:KEY_ID_DIGITS]


def hmac_sha256(key, text):
    """The 32 bytes of HMAC-SHA-256 (RFC 2104)."""
    if len(key) > _BLOCK:
        key = hashlib.sha256(key).digest()
    key = key + bytes(_BLOCK - len(key))
    inner = hashlib.sha256(bytes([byte ^ _INNER for byte in key]) + text).digest()
    return hashlib.sha256(bytes([byte ^ _OUTER for byte in key]) + inner).digest()


def same(one, other):
    """Whether two byte strings are equal, in a time that does not tell where they differ."""
    if len(one) != len(other):
        return False
    different = 0
    for at in range(len(one)):
        different |= one[at] ^ other[at]
    return not different


def text_to_sign(uid, counter, name, arguments):
    """The bytes that are signed. Raises Refused when the arguments are nested deeper than can be written."""
    try:
        made = programme.canonical(arguments)
    except (RuntimeError, ValueError):  # too deep for the stack; half a character
        refuse("not_signable", "arguments", name, "arguments that the command takes", _SOURCE)
    contents = binascii.hexlify(hashlib.sha256(made).digest()).decode()
    return ("%s\n%s\n%d\n%s\n%s\n" % (_PURPOSE, uid, counter, name, contents)).encode()


def signature(key, uid, counter, name, arguments):
    """The signature, as hexadecimal digits, that lets the device `uid` carry out a command with these arguments."""
    made = hmac_sha256(binascii.unhexlify(key), text_to_sign(uid, counter, name, arguments))
    return binascii.hexlify(made).decode()


class Lock:
    """The lock of the device `uid`. `store` keeps "lock" (nmes/store.py); whoever changes it has that written."""

    def __init__(self, store, uid):
        self._store = store
        self._uid = uid
        self._wait_ms = WAIT_FIRST_MS  # after the next wrong signature
        self._until_ms = 0

    @property
    def locked(self):
        """Whether there is a key, be it lost."""
        return bool(self._store.get("lock")["key"])

    def state(self, now_ms):
        """What anybody may know: by which key, the next counter, and how long no signature is looked at."""
        kept = self._store.get("lock")
        wait_ms = max(0, self._until_ms - now_ms)
        return dict(zip(FIELDS, (key_id(kept["key"]), kept["counter"] + 1, wait_ms)))

    def check(self, name, arguments, counter, given, now_ms):
        """Raises Refused unless `given` is the signature for this command. Nothing is used up by it."""
        key = self._store.get("lock")["key"]
        if not is_key(key):
            refuse("key_lost", "signature", given, "a key that is not lost", _SOURCE)
        if given is None:
            refuse("unsigned", "signature", name, "signed with key %s" % key_id(key), _SOURCE)
        if now_ms < self._until_ms:
            left_s = -(-(self._until_ms - now_ms) // 1_000)
            refuse("sign_later", "signature", name, "in %d s, after a wrong signature" % left_s, _SOURCE)
        right = signature(key, self._uid, counter, name, arguments)
        if not is_key(given) or not same(right.encode(), given.encode()):
            self._until_ms = now_ms + self._wait_ms
            self._wait_ms = min(2 * self._wait_ms, WAIT_MOST_MS)
            bound = "that of key %s, device %s and counter %d" % (key_id(key), self._uid, counter)
            refuse("wrong_signature", "signature", given, bound, _SOURCE)
        self._wait_ms = WAIT_FIRST_MS
        self._need_next(counter)

    def use(self, counter):
        """From now on this counter, and each below it, is used. Raises Refused when it is already; None was never
        signed for."""
        kept = self._store.get("lock")
        if counter is None:
            refuse("unsigned", "signature", "put_end", "signed with key %s" % key_id(kept["key"]), _SOURCE)
        self._need_next(counter)
        self._store.put("lock", {"key": kept["key"], "counter": counter})

    def _need_next(self, counter):
        used = self._store.get("lock")["counter"]
        if counter <= used:
            refuse("counter_used", "counter", counter, used + 1, _SOURCE)
        if counter > used + AHEAD_MOST:
            refuse("counter_ahead", "counter", counter, used + AHEAD_MOST, _SOURCE)

    def close(self, key):
        """Lock with this key, in place of another. Raises Refused when it is none."""
        if not is_key(key):
            refuse("not_a_key", "key", len(key), "%d digits of 0 to 9 and a to f" % KEY_DIGITS, _SOURCE)
        self._store.put("lock", {"key": key, "counter": self._store.get("lock")["counter"]})

    def open(self):
        """No lock any more. Raises Refused when there is none."""
        if not self.locked:
            refuse("not_locked", "lock", "none", "a locked device", _SOURCE)
        self._store.put("lock", {"key": "", "counter": self._store.get("lock")["counter"]})
