"""The records of sessions in flash: a ring of pages, one a session, each as core/record.py lays it out.

The number of a session is its place: number 1 is the first page, and behind the last comes the first again. So wear is
even, and what is oldest goes first, a sector at a time. A page that does not take what is written uses its number up;
no number is used twice.

A session's page is begun when it is armed, before anybody is, and completed when it has ended. Then the sector that
comes next is erased too, so that an arming finds it erased. Should the power be cut while a page is written: of its
first part nobody was armed, and at the next arming it becomes a page of zeros; of its second part the session counts as
not ended in order, and at the next arming it is marked so, whatever it would read as later. Whether a pause has to come
after a session says the store (core/lockout.py), which is written first; these records say what was done, and how often
(core/dose.py).

Who calls sees to it that nobody is armed; only `look`, `resumed`, `paused` and `end` touch no flash.
"""

from array import array
from binascii import hexlify

from nmes.core import record
from nmes.core.phase import DUMMY
from nmes.core.reason import printable, refuse

_PAGE = record.PAGE
_BLANK = b"\xff" * _PAGE
_ZEROS = bytes(_PAGE)
_MARK = bytes(8)
_BEGIN = 64  # bytes of the first part
_TRIES = 34  # pages, which are more than two sectors
_LEVELS = len(record.LEVELS_UA)
_LOOK_MOST_MS = 60_000  # a clock that has jumped counts for no more
_THERE = (record.BEGUN, record.ENDED, record.DAMAGED, record.NEWER)
_SOURCE = "the device's records"


class Records:
    """`area`: the sectors, as nmes.hal.Area has them; at least one. `newest`: the number of the last session, 0: none.
    `due`: `flush` has something to do. `lost`: the end of a session could not be written."""

    def __init__(self, area):
        self._area = area
        self._a_sector = area.sector_bytes // _PAGE  # pages
        self.pages = area.count * self._a_sector
        self._page = bytearray(_PAGE)  # what was read last
        self._made = bytearray(_PAGE)  # what is to be programmed
        self._levels = [array("I", [0] * _LEVELS) for _ in range(record.CHANNELS)]  # ms at each, of this session
        self._most = array("I", [0] * record.CHANNELS)
        self._last = array("I", [0] * record.CHANNELS)  # the level at the last look
        self._looked_ms = 0
        self._pauses = 0
        self._begun_ms = 0
        self._open = 0  # the session that has begun and not ended
        self._ended = 0  # the one whose end is made and not written
        self._taken = -1  # the last one that a host has taken; below zero: not looked for
        self.power_on = 0  # of the sessions in this time of power; 0: none yet
        self.lost = False
        self._find()

    # ---- where the ring is ----

    def _find(self):
        """Find the newest session, and where the next goes."""
        self.newest = self._next = 0
        for sector in range(self._area.count):
            self.newest = max(self.newest, self._first_in(sector))
        for number in range(self.newest + 1, self._end_of_sector(self.newest) if self.newest else 0):
            if self._is_there(number):
                self.newest = number
        self._next = self.newest + 1
        self.due = not self._is_ready()

    def _first_in(self, sector):
        """The number of the first session in a sector; 0 when there is none."""
        for page in range(self._a_sector):
            if not self._read(sector, page * _PAGE):
                continue
            number = record.number_of(self._page)
            if number and self._place(number) == sector * self._a_sector + page:
                return number
            if self._page == _BLANK:
                break  # what lies behind an erased page waits to be erased
        return 0

    def _is_ready(self):
        """Go on to the next number whose page can be programmed. False when its sector has to be erased first."""
        while True:
            page = self._place(self._next) % self._a_sector
            if not page:
                sector = self._sector(self._next)
                if not self._is_erased(sector, 1):
                    return False
                if self._is_erased(sector):
                    return True
            elif self._holds(self._next) == record.BLANK:
                return True
            self._next += 1

    def _place(self, number):
        return (number - 1) % self.pages

    def _sector(self, number):
        return self._place(number) // self._a_sector

    def _end_of_sector(self, number):
        """The first number behind the sector of a session."""
        return (number - 1) // self._a_sector * self._a_sector + self._a_sector + 1

    def _oldest(self):
        """The first number whose sector has not been used again."""
        return max(1, self._end_of_sector(self._next) - self.pages)

    def _holds(self, number):
        """What the page of a session holds (core/record.py); DAMAGED where it cannot be read, BLANK where it is of
        another."""
        if not self._read(self._sector(number), self._place(number) % self._a_sector * _PAGE):
            return record.DAMAGED
        found = record.condition(self._page)
        if found in (record.BEGUN, record.ENDED, record.NEWER) and record.number_of(self._page) != number:
            return record.BLANK if number < self._next else record.DAMAGED
        return found

    def _is_there(self, number):
        return self._holds(number) in _THERE and record.number_of(self._page) == number

    # ---- a session ----

    def begin(self, session, by, kept, unix_s, now_ms, confirmed=False):
        """A session is to begin, armed by `by`: from here on it has a record. `kept`: the row of its prescription on
        the device (core/document.py), None without one; `unix_s`: None where it is not known; `confirmed`: see
        core/dose.py. Returns its number; 0 where no page takes it, and then only a resistor may be connected: raises
        Refused for a person."""
        self.tidy()
        if not self.power_on:
            self.power_on = 1 + self._last_power_on()
        number = self._write_begin(self._values(session, by, kept, unix_s, now_ms, confirmed))
        if not number and session.programme.kind != DUMMY:
            refuse("not_recorded", "session", "no page", "a page of flash that takes what is written", _SOURCE)
        self._open = number
        self._begun_ms = self._looked_ms = now_ms
        self._pauses = 0
        for channel in range(record.CHANNELS):
            self._most[channel] = self._last[channel] = 0
            for level in range(_LEVELS):
                self._levels[channel][level] = 0
        return number

    def _values(self, session, by, kept, unix_s, now_ms, confirmed):
        """Those of record.BEGIN, without the number and the digest of the record before."""
        programme = session.programme
        flags = record.MOTOR if programme.effect == "motor" else 0
        flags |= record.RESISTOR if programme.kind == DUMMY else 0
        flags |= record.CONFIRMED if confirmed else 0
        flags |= record.MEASURES if session.measures else 0
        return [
            0,
            record.fits(self.power_on, "H"),
            record.fits(now_ms // 1_000, "I"),
            unix_s or 0,
            record.fits(by, "I"),
            record.fits(session.acknowledged, "H"),
            kept.number if kept else 0,
            kept.digest[: record.PRESCRIPTION_BYTES] if kept else _ZEROS[: record.PRESCRIPTION_BYTES],
            session.programme_crc,
            record.fits(-(-programme.duration_ms // 1_000), "H"),
            record.fits(session.limit_ua // 10, "H"),
            flags,
            record.NO_DIGEST,
            kept.checked_version() if kept else 0,
        ]

    def _last_power_on(self):
        if not self.newest or not self._is_there(self.newest):
            return 0
        return record.begin_of(self._page)["power_on"]

    def tidy(self):
        """What is due is written, and what a power cut left half written is made what it counts as."""
        self.flush()
        if self.newest and self._holds(self.newest) == record.BEGUN and not record.is_cut(self._page):
            self._mark(self.newest, record.CUT_AT)
        last = self._next - 1
        if last > self.newest and self._holds(last) == record.DAMAGED and self._page[_BEGIN:] == _BLANK[_BEGIN:]:
            self._program(last, _ZEROS)

    def _write_begin(self, values):
        """The number under which it is kept; 0 when no page takes it."""
        values[record.BEFORE] = self._digest_before()
        for _ in range(_TRIES):
            if not self._is_ready() and not self._erase():
                self._next += self._a_sector
                continue
            number = values[0] = self._next
            if number > record.NUMBERS[1]:
                break
            self._next += 1
            record.put_begin(self._made, values)
            if self._program(number, self._made):
                self.newest = number
                return number
            self._program(number, _ZEROS)
        return 0

    def _digest_before(self):
        """That of the last record; of one that is damaged as it reads now."""
        for number in range(self._next - 1, self._oldest() - 1, -1):
            if self._holds(number) in _THERE:
                return record.digest(self._page)
        return record.NO_DIGEST

    def resumed(self, now_ms):
        """Pulses begin, or go on."""
        self._looked_ms = now_ms

    def look(self, session, now_ms):
        """Four times a second while pulses come: the time at each level. Allocates nothing."""
        took_ms = now_ms - self._looked_ms
        self._looked_ms = now_ms
        if not 0 <= took_ms <= _LOOK_MOST_MS:
            return
        for lane in session.lanes:
            channel = lane.index
            level = record.level_of(lane.intensity_ua)
            self._levels[channel][level] += took_ms
            self._last[channel] = level
            if lane.intensity_ua > self._most[channel]:
                self._most[channel] = lane.intensity_ua

    def was_set(self, channel, current_ua):
        """An intensity, which may be another before the next look."""
        self._most[channel] = max(self._most[channel], current_ua)

    def paused(self, session, now_ms):
        """The session is about to pause."""
        self.look(session, now_ms)
        self._pauses += 1

    def is_open(self):
        """Whether a session has begun and its end is not made."""
        return self._open != 0

    def cancel(self, session, unix_s, now_ms):
        """Nobody was armed after all."""
        self._make_end(session, (), (), "not armed", 0, unix_s, now_ms)

    def end(self, session, delivered, unix_s, now_ms):
        """The session has ended, with so many pulses of each lane: make the rest of its record, which `flush` writes.
        Does nothing when none has begun, however often it is asked."""
        ended = "fault" if session.state == "FAULT" else session.ended
        self._make_end(session, session.lanes, delivered, ended, session.elapsed_ms(now_ms), unix_s, now_ms)

    def _make_end(self, session, lanes, delivered, ended, elapsed_ms, unix_s, now_ms):
        number, self._open = self._open, 0
        if not number:
            return
        values = (
            record.fits(elapsed_ms, "I"),
            record.fits(-(-(now_ms - self._begun_ms) // 1_000), "I"),
            unix_s or 0,
            record.fits(self._pauses, "H"),
            record.fits(sum([lane.underruns for lane in lanes]), "H"),
            session.fault if session.state == "FAULT" else 0,
            (_ascii(ended) + _ZEROS)[: record.ENDED_BYTES],
        )
        unused = [0] * 5 + 2 * [0 if session.measures else record.NOT_MEASURED] + [0] * (6 + _LEVELS)
        channels = [unused for _ in range(record.CHANNELS)]
        for lane, pulses in zip(lanes, delivered):
            channels[lane.index] = self._channel(session, lane, pulses, elapsed_ms)
        self._holds(number)
        self._made[:] = self._page
        record.put_end(self._made, values, channels)
        self._ended = number
        self.due = True

    def _channel(self, session, lane, pulses, elapsed_ms):
        """Its row of record.CHANNEL, with the time at each level: what has passed since the last look was spent at the
        level that it found."""
        made, levels = session.deliveries[lane.index], self._levels[lane.index]
        levels[self._last[lane.index]] += max(0, elapsed_ms - sum(levels))
        account = made.account()
        known = account["measured"] is not None

        def of(key, code, unknown=0):
            return record.fits(account[key], code) if known else unknown

        row = [
            record.fits(pulses, "I"),
            record.fits(made.driven, "I"),
            of("missed", "I"),
            of("charge_a_nc", "Q"),
            of("charge_b_nc", "Q"),
            of("current_mean_ua", "I", record.NOT_MEASURED),
            of("current_most_ua", "I", record.NOT_MEASURED),
            self._most[lane.index],
            record.fits(lane.feed.works(lane.queued - lane.cancelled - pulses), "H"),
        ]
        row += [of("impedance_%s_ohm" % which, "H") for which in ("first", "last", "least", "most")]
        return row + [record.fits(ms // record.LEVEL_MS, "H") for ms in levels]

    # ---- what is written while nobody is armed ----

    def flush(self):
        """Write the end of the session that has ended, and erase the sector that comes next. Raises nothing: an end
        that cannot be written is `lost`, and its record says that the session was not ended in order."""
        number, self._ended = self._ended, 0
        self.due = False
        if number and not self._program(number, self._made):
            self.lost = True
        if not self._is_ready():
            self._erase()

    def take(self, number, digest):
        """A host has all records up to `number`, whose digest this is; what came after it stays. Raises Refused unless
        that is one that no host has taken."""
        self.tidy()
        first = max(self.taken() + 1, self._oldest())
        if not first <= number <= self.newest or not self._is_there(number):
            there = "sessions %d to %d" % (first, self.newest) if first <= self.newest else "no session"
            refuse("no_such_record", "session", number, there, _SOURCE)
        found = record.digest(self._page)
        if found != digest:
            refuse("other_record", "page_digest", _digits(digest), _digits(found), _SOURCE)
        if not self._mark(number, record.TAKEN_AT):
            refuse("worn", "flash", "session %d" % number, "what is written, read back", _SOURCE)
        self._taken = number

    # ---- what there is ----

    def taken(self):
        """The last session that a host has taken, 0: none."""
        if self._taken < 0:
            self._taken = 0
            mark = bytearray(len(_MARK))
            for number in range(self.newest, self._oldest() - 1, -1):
                at = self._place(number) % self._a_sector * _PAGE + record.TAKEN_AT
                if self._read(self._sector(number), at, mark) and mark != _BLANK[: len(_MARK)]:
                    if self._is_there(number) and record.is_taken(self._page):
                        self._taken = number
                        break
        return self._taken

    def left(self):
        """How many sessions find room before one is overwritten that no host has taken."""
        first = max(self.taken() + 1, self._oldest())
        return self._end_of_sector(first) - self._a_sector + self.pages - self._next

    def are_few(self):
        """Whether it is time for a host to take them."""
        return self.newest > self.taken() and self.left() < record.FEW

    def after(self, number):
        """(number, page) of the first record behind a number that no host has taken; number 0: none. The page, good
        until something else is read, is empty where it cannot be read."""
        for other in range(max(number, self.taken(), self._oldest() - 1) + 1, self.newest + 1):
            if self._holds(other) in _THERE:
                return other, self._page
        return 0, b""

    def back(self, wanted=None):
        """The sessions from the newest on, taken ones too: (BEGUN, ENDED, DAMAGED or NEWER; record.BEGIN of the first
        two; record.END of ENDED, but for those of which `wanted(begin)` is not true)."""
        self.tidy()
        for number in range(self._next - 1, self._oldest() - 1, -1):
            found = self._holds(number)
            if found in _THERE:
                begin = record.begin_of(self._page) if found in record.SESSIONS else None
                ended = found == record.ENDED and (wanted is None or wanted(begin))
                yield found, begin, record.end_of(self._page) if ended else None

    # ---- the flash ----

    def _read(self, sector, at, into=None):
        try:
            self._area.read(sector, at, into or self._page)
        except OSError:
            return False
        return True

    def _program(self, number, page):
        """Program the page of a session; whether it reads back so."""
        sector, at = self._sector(number), self._place(number) % self._a_sector * _PAGE
        try:
            self._area.program(sector, at, page)
        except OSError:
            return False
        return self._read(sector, at) and self._page == page

    def _mark(self, number, at):
        self._holds(number)
        self._made[:] = self._page
        self._made[at : at + len(_MARK)] = _MARK
        return self._program(number, self._made)

    def _is_erased(self, sector, first=0):
        """Whether its pages are, from the `first` one on."""
        for page in range(first, self._a_sector):
            if not self._read(sector, page * _PAGE) or self._page != _BLANK:
                return False
        return True

    def _erase(self):
        """Erase the sector of the next session. Whether it is erased then."""
        sector = self._sector(self._next)
        try:
            self._area.erase(sector)
        except OSError:
            return False
        return self._is_erased(sector)


def _digits(digest):
    """The first ones of a digest, hexadecimal."""
    return hexlify(digest[:8]).decode()


def _ascii(text):
    """`text` as printable ASCII."""
    return bytes([code if code < 0x7F else 0x3F for code in map(ord, printable(text))])
