"""The same contract in virtual time, under MicroPython's Unix port: whole sessions in seconds.

Whoever started the process owns the clock. On standard input a line `@run N` lets virtual time go on by N
microseconds, or until the device has written to the link, whichever comes first; then `@at T` on standard output says
what time it is. All other lines are the link's. With NMES_PULSE_LOG set, each begun pulse becomes a line of that file:
start_us,width_a_us,gap_us,width_b_us,level_a,level_b,channel. With NMES_STORE set, what is kept over power cuts is in
the files of that name with .0 to .3, a slot each, and .flash, the sectors of the areas; without, it is forgotten.
NMES_LOAD_OHM is the load on every channel (500; a huge number is an open one): what the stage would sense of it is what
`take` hands on. NMES_STAGE_NEEDS makes the stage one that is off: the six numbers of each channel's row, in the order
of _NEEDS, that would put it right, "30000,-3,-20000,4,10000,-2;0,0,0,0,0,0".

With NMES_PANEL=1 the board has buttons, lamps, a buzzer and a display that can be reached. A line `@buttons N` on
standard input presses from then on the buttons whose bits (core/buttons.py) N has. On standard output `@page P HEX` is
a page of the display as it is now, `@lamps N` what is lit: 1 the lamp of the output, 2 ready, 4 fault, 8 the buzzer.
NMES_PANEL=0 is a board without a display, whose buttons are there. Without it nobody presses, and nothing is said.

With NMES_SIGNAL=1 the biofeedback input and the hand switch can be reached: a line `@signal MV` puts so many millivolts
at the input, -1 nothing at all, so that it floats; `@switch 1` closes the switch, `@switch 0` opens it; `@trigger 1`
lets the trigger input rise, `@trigger 0` fall. The sync output is high while phase A of channel 0 is: as the pulse log
has it. The biofeedback input also
has what the pulses couple into it: NMES_ARTEFACT_MV more from a pulse's begin until _ARTEFACT_US after its last phase.
Without NMES_SIGNAL the input floats, the switch is open and the trigger input low.
"""

import errno
import gc
import os
import sys
from array import array
from binascii import hexlify

from nmes.core import digest, pulse, pulse_check
from nmes.hal.common import ENDS, LAYOUT, LOOKAHEAD_US, OUT_BYTES, SECTOR, SLOTS, Area

_ERASED = b"\xff"
# Bytes of garbage after which it is collected. Left until memory is full, each allocation of more than a block searches
# through all of it (MicroPython 1.25, py/gc.c, gc_alloc): that was four fifths of the time.
_GARBAGE = 400_000
_KEPT = 64  # pulses: more than begin between two looks at what was measured
_SECTORS = 1 + max([max(LAYOUT[name]) for name in LAYOUT])
_FOLDER = 0x4000  # of a file's mode
# Of a row of core/calibration.py, in the order of NMES_STAGE_NEEDS.
_NEEDS = ("dac_gain_ppm", "dac_offset", "current_gain_ppm", "current_offset", "voltage_gain_ppm", "voltage_offset")
_ARTEFACT_US = 5_000
_ADC_MV = 3_300
_AT_EDGE_US = 2  # from the trigger input's edge to the record's first word: hal/rp2/trigger_input.py
_SETTLED_US = 271  # from a record's first word to phase A: the cycle sums of hal/rp2/pulse_pio.py
_digest_of_sources: list = []  # empty until it was asked for


class Load:
    """A resistor on a channel of the stage: what its sense would say in ADC counts. `needs`: the row that would put the
    channel right; without one it is."""

    def __init__(self, stage, ohm, needs=None):
        needs = needs or dict.fromkeys(_NEEDS, 0)
        self._stage = stage
        self._ohm = ohm
        self._needs = needs
        self.measures = stage["measures"]
        self.zero = stage["sense_zero"] + needs["current_offset"] if self.measures else 0  # counts without a current
        self.zero_of_voltage = stage["sense_zero"] + needs["voltage_offset"] if self.measures else 0

    def current_ua(self, code):
        """What flows in phase A at a code of the DAC."""
        stage, needs = self._stage, self._needs
        levels = max(0, code - needs["dac_offset"]) * 1_000_000 / (1_000_000 + needs["dac_gain_ppm"])
        current_ua = stage["full_scale_ua"] * levels / stage["levels"]
        return min(current_ua, 1_000 * stage["compliance_mv"] / self._ohm) if self._ohm else current_ua

    def sense(self, code, sign, seen, current, voltage):
        if not self.measures:
            return
        stage, needs = self._stage, self._needs
        current_ua = self.current_ua(code)
        ua = stage["sense_ua_per_count"] * (1 + needs["current_gain_ppm"] / 1_000_000)
        uv = 1_000 * stage["sense_mv_per_count"] * (1 + needs["voltage_gain_ppm"] / 1_000_000)
        seen[current] = self.zero + sign * round(current_ua / ua)
        seen[voltage] = self.zero_of_voltage + sign * round(current_ua * self._ohm / uv)


def read_until_end(waiting, at, into):
    """Move bytes from place `at` of `waiting` on into `into`, none behind one of ENDS. Returns how many."""
    count = 0
    while count < len(into) and at + count < len(waiting):
        into[count] = waiting[at + count]
        count += 1
        if into[count - 1] in ENDS:
            break
    return count


def rows_of(text):
    """What NMES_STAGE_NEEDS says, the row of each channel."""
    return [dict(zip(_NEEDS, [int(number) for number in part.split(",")])) for part in text.split(";")]


class Channel:
    """What the pulse engine of channel `index` of `hal` does with its records, on the clock of `hal`."""

    def __init__(self, hal, index, log, load):
        self._hal = hal
        self._index = index
        self._log = log
        self._load = load
        self._record = array("H", [0] * pulse.RECORD_HALVES)
        self._seen = self._seen_load = self._seen_ohm = None  # what _sensed made last, and of which load
        self.begin(0, False)

    def begin(self, delay_us, dummy, dac_offset=0, dac_scale=pulse_check.SCALE):
        self._waiting = []
        self._measured = []  # (when its last phase ends, set and sensed, the middles of its phases)
        self._phases = []  # when they begin and end, of the last pulses
        self._now_us = 0
        self._begun = 0
        self._gone = False
        self._held = False
        self._delay_us = delay_us
        self._dummy = dummy
        self._dac_offset = dac_offset
        self._dac_scale = dac_scale
        self._free_us = 0
        self._period_us = pulse.PERIOD_MAX_US

    def start(self, now_us):
        self._gone = True
        self._free_us = now_us + self._delay_us
        self.advance(now_us)

    def put(self, level_a, level_b, width_a_us, gap_us, width_b_us, period_us, level_most, count):
        now_us = self._hal.now_us
        pulse.encode(self._record, 0, level_a, level_b, width_a_us, gap_us, width_b_us, period_us)
        if pulse_check.bad(self._record, 0, level_most, self._dummy, self._dac_offset, self._dac_scale):
            return False
        pulses = [(now_us, level_a, level_b, width_a_us, gap_us, width_b_us, period_us)]
        self._waiting += count * pulses
        self._period_us = period_us
        self.advance(now_us)
        return True

    def advance(self, now_us):
        """Begin every pulse whose time has come."""
        self._now_us = now_us
        if now_us < self._free_us or not self._gone:
            return  # most iterations end here
        while self._waiting and not self._held:
            put_us, level_a, level_b, width_a_us, gap_us, width_b_us, period_us = self._waiting[0]
            begin_us = max(put_us, self._free_us)
            if begin_us > now_us:
                return
            self._waiting.pop(0)
            self._begun += 1
            self._free_us = begin_us + period_us
            end_us = begin_us + _SETTLED_US + width_a_us + pulse.gap_delivered_us(gap_us) + width_b_us
            begin_b_us = end_us - width_b_us
            begin_a_us = begin_us + _SETTLED_US
            self._phases.append((begin_a_us, begin_a_us + width_a_us, begin_b_us, end_us))
            if len(self._phases) > _KEPT:
                self._phases.pop(0)
            if self._load.measures:
                seen = self._sensed(level_a, width_a_us, level_b, width_b_us)
                self._measured.append((end_us, seen, begin_a_us + width_a_us // 2, begin_b_us + width_b_us // 2))
            if self._log:
                gap_us = pulse.gap_delivered_us(gap_us)
                row = (begin_us + _SETTLED_US, width_a_us, gap_us, width_b_us, level_a, level_b, self._index)
                self._log.write("%d,%d,%d,%d,%d,%d,%d\n" % row)

    def _sensed(self, level_a, width_a_us, level_b, width_b_us):
        """What is set and sensed of a pulse, as `take` hands it on; the same numbers as before as long as the pulses
        and the load are the same. A load of another kind may sense something else each time."""
        seen, load = self._seen, self._load
        if (
            load is self._seen_load
            and load._ohm == self._seen_ohm
            and type(load) is Load
            and seen[0] == level_a
            and seen[1] == width_a_us
            and seen[2] == level_b
            and seen[3] == width_b_us
        ):
            return seen
        seen = array("i", [level_a, width_a_us, level_b, width_b_us] + 4 * [0] + [load.zero])
        load.sense(level_a, 1, seen, pulse.CURRENT_A, pulse.VOLTAGE_A)
        load.sense(level_b, -1, seen, pulse.CURRENT_B, pulse.VOLTAGE_B)
        self._seen, self._seen_load, self._seen_ohm = seen, load, load._ohm
        return seen

    def begun(self):
        return self._begun

    def queued(self):
        return len(self._waiting)

    def in_phase(self, at_us):
        for begin_a_us, end_a_us, begin_b_us, end_b_us in self._phases:
            if begin_a_us <= at_us < end_a_us or begin_b_us <= at_us < end_b_us:
                return True
        return False

    def reaches(self, at_us):
        """Whether a pulse is felt beside the channel."""
        return bool(self._phases) and self._phases[-1][0] - _SETTLED_US <= at_us < self._phases[-1][3] + _ARTEFACT_US

    def take(self, into):
        measured = self._measured
        if not measured or measured[0][0] > self._now_us:
            return 0
        others = [other for other in self._hal.channels if other is not self]
        both = self._hal.both
        count = 0
        while count < pulse.TAKE_MOST and measured and measured[0][0] <= self._now_us:
            _, seen, middle_a_us, middle_b_us = measured.pop(0)
            to = count * pulse.MEASURED
            for at in range(pulse.MEASURED):
                into[to + at] = seen[at]
            for other in others:
                if other.in_phase(middle_a_us):
                    into[to + pulse.VOLTAGE_A] = both
                if other.in_phase(middle_b_us):
                    into[to + pulse.VOLTAGE_B] = both
            count += 1
        return count

    def starved(self):
        return self._gone and not self._waiting and self._free_us <= self._hal.now_us

    def room(self):
        queued_us = 0
        for waiting in self._waiting:
            queued_us += waiting[6]
        most = (LOOKAHEAD_US - queued_us) // self._period_us
        return most if self._waiting else max(1, most)

    def stop(self):
        return self.halt()

    def hold(self):
        self._held = True

    def begin_held(self, now_us):
        """The edge has come."""
        self._held = False
        self._free_us = now_us + _AT_EDGE_US
        self.advance(now_us)

    def let_go(self):
        if not self._held:
            return -1
        self._held = False
        cancelled = len(self._waiting)
        self._waiting = []
        return cancelled

    def halt(self):
        self._now_us = self._free_us  # on the chip this returns when the running pulse has ended: it has been measured
        cancelled = len(self._waiting)
        self._waiting = []
        return cancelled


class Flash:
    """The sectors of a flash as rp2.Flash has them, also in the file `path` where there is one. Programming clears
    bits."""

    def __init__(self, path=None):
        self._path = path
        self.sectors = {}  # those that were ever touched
        for number in range(_SECTORS if path else 0):
            held = self._held(number)
            if held:
                self.sectors[number] = bytearray(held)

    def _held(self, number):
        try:
            with open(self._path, "rb") as file:
                file.seek(number * SECTOR)
                return file.read(SECTOR)
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise
            return b""

    def sector(self, number):
        if number not in self.sectors:
            self.sectors[number] = bytearray(_ERASED * SECTOR)
        return self.sectors[number]

    def readblocks(self, number, into, at):
        held = self.sectors.get(number)
        into[:] = held[at : at + len(into)] if held else _ERASED * len(into)

    def writeblocks(self, number, data, at):
        held = self.sector(number)
        for i in range(len(data)):
            held[at + i] &= data[i]
        self._save()

    def ioctl(self, operation, number):
        self.sectors[number] = bytearray(_ERASED * SECTOR)
        self._save()

    def _save(self):
        if self._path:
            with open(self._path, "wb") as file:
                for number in range(_SECTORS):
                    file.write(self.sector(number))


def _sources(root, folder):
    """(name, contents) of each source file in a folder of `root` and below, but of the witness, another firmware."""
    found = []
    for name in os.listdir(root + folder):
        path = "%s/%s" % (folder, name)
        if path == "/witness":
            continue
        if os.stat(root + path)[0] & _FOLDER:
            found += _sources(root, path)
        elif name.endswith(".py"):
            with open(root + path, "rb") as file:
                found.append((path[1:], file.read()))
    return found


class Hal:
    def __init__(self, board, stage):
        path = os.getenv("NMES_PULSE_LOG")
        self._log = open(path, "w") if path else None
        store = os.getenv("NMES_STORE")
        self._files = ["%s.%d" % (store, slot) for slot in range(SLOTS)] if store else None
        self._slots = [b""] * SLOTS
        self.flash = Flash(store + ".flash" if store else None)
        self._permitted = False
        self.both = stage["sense_both"] if stage["measures"] else 0
        self.now_us = 0
        self._until_us = 0
        self._granted = False
        self._wrote = False
        self._input = b""
        self._at = 0
        panel = os.getenv("NMES_PANEL")
        self._tells = panel in ("0", "1")
        self._has_display = panel == "1"
        self._pressed = self._lit = 0
        self._is_wired = os.getenv("NMES_SIGNAL") == "1"
        self._artefact_mv = int(os.getenv("NMES_ARTEFACT_MV") or 0)
        self._signal_mv = -1
        self._closed = False
        self._high = False  # the trigger input
        self._awaits_edge = False
        self._listens = self._deaf = False
        ohm = int(os.getenv("NMES_LOAD_OHM") or 500)
        needs = os.getenv("NMES_STAGE_NEEDS")
        rows = rows_of(needs) if needs else [None] * stage["channels"]
        self._loads = [Load(stage, ohm, row) for row in rows]
        count = min(stage["channels"], len(board["pins"]["channels"]))
        self.channels = [Channel(self, i, self._log, self._loads[i]) for i in range(count)]

    def now_ms(self):
        return self.now_us // 1000

    def wait_ms(self, ms):
        end_us = self.now_us + 1000 * ms
        if end_us > self._until_us or self._wrote:
            self._let_pass(end_us)
        self.now_us = end_us
        for channel in self.channels:
            channel.advance(end_us)

    def _let_pass(self, end_us):
        """Until whoever owns the clock has let it be `end_us`."""
        while self.now_us < end_us:
            if self._wrote or self.now_us >= self._until_us:
                self._yield()
            self.now_us = min(end_us, self._until_us)

    def _yield(self):
        """Say what time it is, then take what comes until time may go on."""
        if self._granted:
            sys.stdout.buffer.write(b"@at %d\n" % self.now_us)
            if self._log:
                self._log.flush()
        self._wrote = False
        while True:
            line = sys.stdin.buffer.readline()
            if not line:
                raise SystemExit  # whoever owned the clock is gone
            if line.startswith(b"@run "):
                self._until_us = self.now_us + int(line[5:])
                self._granted = True
                return
            if self._tells and line.startswith(b"@buttons "):
                self._pressed = int(line[9:])
                continue
            if self._is_wired and line.startswith(b"@signal "):
                self._signal_mv = int(line[8:])
                continue
            if self._is_wired and line.startswith(b"@switch "):
                self._closed = int(line[8:]) == 1
                continue
            if self._is_wired and line.startswith(b"@trigger "):
                self._set_trigger(int(line[9:]) == 1)
                continue
            self._input = self._input[self._at :] + line
            self._at = 0

    def all_off(self):
        self._permitted = self._deaf = self._awaits_edge = False
        self.lamp(0)
        for channel in self.channels:
            channel.halt()

    def is_safe(self):
        return True

    def forget_openings(self):
        pass

    def opened(self):
        return 0

    def permit(self, longest_us):
        self._permitted = True

    def renew(self):
        pass

    def tripped(self):
        return 0

    def enabled(self):
        return self._permitted

    def permitted(self):
        return self.enabled() and self.is_safe()

    def try_guard(self):
        return ""

    def idle_current(self, channel):
        return self._loads[channel].zero

    def idle_voltage(self):
        return self._loads[0].zero_of_voltage

    def temperature_dc(self):
        return 250

    def supply_mv(self):
        return None

    def unfit(self):
        return ""

    def memory_free(self):
        return 100_000

    def collect(self):
        pass  # memory is plenty

    def sense(self, mask, shortest_us):
        self._deaf = not self._listens

    def senses(self):
        return True

    def start(self, mask):
        for index in range(len(self.channels)):
            if mask & 1 << index:
                self.channels[index].start(self.now_us)

    def lamp(self, on):
        self._light(self._lit & ~1 | on)

    def signal(self, ready, fault, buzzer):
        self._light(self._lit & 1 | ready << 1 | fault << 2 | buzzer << 3)

    def _light(self, lit):
        if self._tells and lit != self._lit:
            sys.stdout.buffer.write(b"@lamps %d\n" % lit)
        self._lit = lit

    def buttons(self):
        return self._pressed

    def open_display(self):
        return self._has_display

    def display_page(self, page, pixels):
        if self._has_display:
            sys.stdout.buffer.write(b"@page %d %s\n" % (page, hexlify(pixels)))
        return self._has_display

    def display_answers(self):
        return self._has_display

    def listen(self, on):
        self._listens = on

    def signal_mv(self):
        mv = 0 if self._deaf else max(0, self._signal_mv)
        for channel in self.channels:
            if channel.reaches(self.now_us):
                mv += self._artefact_mv
        return min(mv, _ADC_MV)

    def signal_floats(self):
        return self._signal_mv < 0

    def switch_closed(self):
        return self._closed

    def _set_trigger(self, high):
        """The level of the trigger input, from now on."""
        rises = high and not self._high
        self._high = high
        if rises and self._awaits_edge:
            self._awaits_edge = False
            self.channels[0].begin_held(self.now_us)

    def trigger_high(self):
        return self._high

    def hold(self):
        if not self._high:
            self.channels[0].hold()
        return not self._high

    def wait_for_edge(self):
        self._awaits_edge = not self._high
        return self._awaits_edge

    def let_go(self):
        self._awaits_edge = False
        return self.channels[0].let_go()

    def watch(self, on):
        pass  # whoever owns the clock sees a board that hangs

    def suspend_watchdog(self, on):
        pass

    def feed_watchdog(self):
        pass

    def reset_cause(self):
        return ""

    def read_slot(self, slot):
        if not self._files:
            return self._slots[slot].rstrip(_ERASED)
        try:
            with open(self._files[slot], "rb") as file:
                return file.read().rstrip(_ERASED)
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise
            return b""

    def write_slot(self, slot, data):
        self._slots[slot] = data
        if self._files:
            with open(self._files[slot], "wb") as file:
                file.write(data)

    def area(self, name):
        return Area(self.flash, LAYOUT[name])

    def inherited(self, slot):
        return b""

    def firmware(self):
        try:
            from nmes_build import FIRMWARE  # beside compiled modules, as in an image
        except ImportError:
            if not _digest_of_sources:  # once: sources that are changed under a process are not what it runs
                sources = _sources(__file__[: -len("/nmes/hal/virtual.py")], "")
                _digest_of_sources.append(digest.of_files(sources))
            return _digest_of_sources[0]
        return FIRMWARE

    def identity(self):
        version = sys.implementation.version
        return "virtual", "%d.%d.%d" % (version[0], version[1], version[2])

    def open_link(self):
        if sys.implementation.name == "micropython":  # others, in tests, look after themselves
            gc.collect()
            gc.threshold(_GARBAGE)

    def close_link(self):
        pass

    def read(self, into):
        if self._at == len(self._input):
            return 0
        count = read_until_end(self._input, self._at, into)
        self._at += count
        return count

    def bootloader(self):
        raise SystemExit  # the process is the board: it leaves its port, as a chip in BOOTSEL does

    def room_out(self):
        return OUT_BYTES  # the pipe waits for its reader

    def unsent(self):
        return 0

    def random(self):
        return int.from_bytes(os.urandom(4), "little")

    def write(self, line):
        sys.stdout.buffer.write(line)
        self._wrote = True
        return True
