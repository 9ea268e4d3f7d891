"""What a HAL offers: `make(board, stage)` gives a Hal, whose `channels` are Channels.

Nothing runs here. The classes are for readers, and for tests/architecture, which holds every HAL to them: the same
names and the same arguments. Bounds that both sides know are in hal/common.py.
"""


class Channel:
    """The pulse engine of one channel of the output stage, and what is measured of its pulses."""

    def begin(self, delay_us, dummy, dac_offset, dac_scale):
        """Get ready: empty queue, counts at zero, level zero. When Hal.go lets the engine go it rests for `delay_us`
        first, exact to a cycle. `dummy`: nobody is connected, and the second checker is told so. `dac_offset` and
        `dac_scale`: the channel's calibration, for the second checker; without them it is told of none."""

    def room(self):
        """How many more pulses may be queued now; bounded in time, see LOOKAHEAD_US."""

    def put(self, level_a, level_b, width_a_us, gap_us, width_b_us, period_us, level_most, count):
        """Queue `count` equal pulses. Returns False, and nothing is queued, when the second checker found them bad."""

    def begun(self):
        """How many pulses have begun since `begin`."""

    def queued(self):
        """How many pulses are queued that have not begun."""

    def starved(self):
        """True when the engine rests because it was given nothing."""

    def take(self, into):
        """Move pulses that have been measured, the oldest first, into `into`: an array of core.pulse.TAKE_MOST pulses
        of MEASURED numbers each, what was set and the counts of current and voltage in each phase. Returns how many;
        more stay for the next time. Allocates nothing."""

    def stop(self):
        """Nothing after the running pulse. Returns how many queued pulses were cancelled."""


class Hal:
    """The hardware of a board: its `channels`, from 0 on, and everything else. What must not allocate says so."""

    # ---- time and memory ----

    def now_ms(self):
        """Milliseconds since power on; never wraps."""

    def wait_ms(self, ms):
        """Let time pass, doing nothing but send what was written."""

    def memory_free(self):
        """Bytes of the heap that are free, garbage collected. Takes 15 ms."""

    def collect(self):
        """Collect the garbage. Takes as long."""

    # ---- the output ----

    def rest(self):
        """Everything off, now, from whatever state: enable low, phases low, level zero. Allocates nothing."""

    def permit(self, longest_us):
        """Give the output stage's permission, under guard: for phases of at most `longest_us`, for as long as `renew`
        comes every few ms. `rest` ends it."""

    def renew(self):
        """The program is alive. Allocates nothing."""

    def tripped(self):
        """0, or the fault (core/faults.py) for which the guard took permission away. Allocates nothing."""

    def enabled(self):
        """True when the static enable is there, as read back from its pin. Allocates nothing."""

    def proof(self):
        """Show the guard every cause that can be made up at rest. Returns the first for which it does not take
        permission away, or "". Only the enables move, and they end low."""

    def is_safe(self):
        """True when emergency stop and over-current comparator both allow output now."""

    def forget_openings(self):
        """From now on `opened` tells of any opening of the safe line."""

    def opened(self):
        """0, or the fault for which the safe line is open, or was since `forget_openings`, however shortly."""

    def go(self, mask):
        """Let the engines of these channels go (bit 0: channel 0), all in the same cycle."""

    # ---- senses ----

    def sense(self, mask, shortest_us):
        """The phases of these channels (bit 0: channel 0), of which none is shorter than `shortest_us`, are sampled
        from now on, that much / 2 after they begin; until `rest`."""

    def senses(self):
        """True when samples go on coming. Allocates nothing."""

    def idle_current(self, channel):
        """Counts of a channel's current sense, now. As the next three only while nothing is sampled."""

    def idle_voltage(self):
        """Counts of the voltage sense, now."""

    def temperature_dc(self):
        """The chip's temperature in tenths of a degree Celsius."""

    def supply_mv(self):
        """The board's supply, or None where it is not measured."""

    # ---- people ----

    def lamp(self, on):
        """The yellow lamp: output is on."""

    def signal(self, ready, fault, buzzer):
        """The other lamps, and the buzzer."""

    # ---- a board with a panel ("panel" in its pins) has these too ----

    def buttons(self):
        """The buttons that are pressed, as bits of core/buttons.py. Allocates nothing."""

    def open_display(self):
        """Look for the display, and get it ready, blank. Takes up to 60 ms: only with every output at rest. Returns
        whether there is one; one that was dropped may be there again."""

    def display_page(self, page, pixels):
        """Show 128 columns of 8 pixels, each a byte whose lowest bit is the upper one, on page 0 (top) to 7. Takes up
        to 6 ms. Returns False, and then nothing is shown before `open_display`, when there is no display or it does not
        take them. Allocates nothing."""

    # ---- the watchdog ----

    def watch(self, on):
        """On: from now on `feed` has to come within WATCHDOG_MS, or all is reset. Off: no more, and this run of the
        program has ended in order: for the prompt, and for nothing else."""

    def unwatched(self, on):
        """On: what comes next may take seconds; off: it is over. Only with every output at rest."""

    def feed(self):
        """Every check of this turn has passed. Allocates nothing."""

    def died(self):
        """ "" when the run before this one ended in order or with the power, else by what it ended."""

    # ---- what is kept over resets and power cuts ----

    def recall(self, slot):
        """The bytes that a slot (0 to SLOTS - 1) holds, without erased ones (0xFF) behind them; empty when it is
        erased. Raises OSError when it cannot be read."""

    def keep(self, slot, data):
        """Keep these bytes in a slot. Flash: nothing else runs meanwhile. Raises OSError, but not for everything that
        can go wrong: read it back."""

    def area(self, name):
        """The sectors of flash that LAYOUT has under that name, as an Area."""

    def inherited(self, slot):
        """What slot 0 or 1 held as firmware up to 0.1.0 kept them, in files; never written."""

    # ---- who this is ----

    def identity(self):
        """(mcu's unique id as hex, MicroPython's version)."""

    def firmware(self):
        """The digest of the firmware's own sources (core/digest.py)."""

    def random(self):
        """A whole number of at least 30 bits, another one each time."""

    # ---- the link ----

    def open_link(self):
        """Take the link from the MicroPython prompt."""

    def close_link(self):
        """Give it back."""

    def read(self, into):
        """Move bytes that have come over the link into `into`: as many as there are and find room, but none behind one
        of ENDS. Returns how many. Never waits. Allocates nothing."""

    def write(self, line):
        """Copy bytes to what is sent over the link; never waits. Returns False, and nothing is sent, when the host
        takes too little."""

    def room_out(self):
        """How many bytes `write` takes now."""

    def unsent(self):
        """How many bytes of what was written the host has not read."""

    def bootloader(self):
        """Restart into the chip's own boot loader (BOOTSEL), to be flashed; only at rest."""
