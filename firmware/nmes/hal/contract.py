"""What a HAL offers: `make(board, stage)` gives a Hal, whose `channels` are Channels.

Nothing runs here. The classes are for readers, and for tests/architecture, which holds every HAL to them: the same
names and the same arguments. Bounds that both sides know are in hal/common.py.
"""


class Channel:
    """The pulse engine of one channel of the output stage, and what is measured of its pulses."""

    def begin(self, delay_us, dummy, dac_offset, dac_scale):
        """Get ready: empty queue, counts at zero, level zero. When Hal.start starts the engine it rests for `delay_us`
        first, exact to a cycle. `dummy`: nobody is connected, and the second checker is told so. `dac_offset` and
        `dac_scale`: the channel's calibration, for the second checker; without them it is told of none."""

    def room(self):
        """How many more pulses may be queued now; bounded in time, see LOOKAHEAD_US (hal/common.py)."""

    def put(self, level_a, level_b, width_a_us, gap_us, width_b_us, period_us, level_most, count):
        """Queue `count` equal pulses. Returns False, and nothing is queued, when the second checker found them bad."""

    def begun(self):
        """How many pulses have begun since `begin`."""

    def queued(self):
        """How many pulses are queued that have not begun."""

    def starved(self):
        """True when the engine rests because its queue is empty: an underrun, if pulses were due."""

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
        """Wait, and do nothing but send what was written."""

    def memory_free(self):
        """Bytes of the heap that are free, garbage collected. Takes 15 ms."""

    def collect(self):
        """Collect the garbage. Takes 15 ms too."""

    # ---- the output ----

    def all_off(self):
        """Everything off, now, from whatever state: enable low, phases low, level zero. Allocates nothing."""

    def permit(self, longest_us):
        """Give the output stage's permission, under guard: for phases of at most `longest_us`, for as long as `renew`
        comes every few ms. `all_off` ends it."""

    def renew(self):
        """Renew the permission: the firmware is alive. Allocates nothing."""

    def tripped(self):
        """0, or the fault (core/faults.py) for which the guard took permission away. Allocates nothing."""

    def enabled(self):
        """True when the static enable is there, as read back from its pin. Allocates nothing."""

    def permitted(self):
        """True while the enable is there, emergency stop and comparator allow it, all as read from their pins: what the
        guard sees to, seen once more without it. Allocates nothing."""

    def unfit(self):
        """An empty text, or why nobody may be armed with this very chip: an erratum of its stepping that the board does
        not make up for."""

    def try_guard(self):
        """Self-test of the guard, by every cause that can be made up at rest. Returns the first that failed to trip it,
        in words, or an empty text. Only the enables move, and they end low."""

    def is_safe(self):
        """True when emergency stop and over-current comparator both allow output now."""

    def forget_openings(self):
        """From now on `opened` tells of any opening of the interlock."""

    def opened(self):
        """0, or the fault for which the interlock is open, or was since `forget_openings`, however shortly."""

    def start(self, mask):
        """Start the engines of these channels (bit 0: channel 0), all in the same cycle."""

    # ---- senses ----

    def sense(self, mask, shortest_us):
        """From now until `all_off`, sample each phase of these channels (bit 0: channel 0) `shortest_us` / 2 after it
        begins. No phase of the session is shorter than that."""

    def senses(self):
        """True while samples keep coming. Allocates nothing."""

    def idle_current(self, channel):
        """Counts of a channel's current sense, now. This and the next three only while nothing is sampled."""

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

    def display_answers(self):
        """Whether the display that was opened answers at this moment. Where it does it is on, even if it lost its power
        since, and what it shows is what `display_page` has from now on. Takes up to 6 ms, 1 ms where it does. Returns
        False as `display_page` does. Allocates nothing."""

    # ---- a stage with a biofeedback input ("signal_most_mv" among its facts) has these too ----

    def listen(self, on):
        """On: from the next `sense` on the biofeedback input is sampled beside the senses, every 8 us. Off: it is not,
        and phases may be as short as without it."""

    def signal_mv(self):
        """Millivolts at the biofeedback input, as they were within the last 12 us. Right only while no pulse is on its
        way: the stage's own edges reach the input. Allocates nothing."""

    def signal_floats(self):
        """True when nothing drives the biofeedback input: it follows the chip's own pull-ups. Takes 1 ms, only while no
        pulse is on its way. Allocates nothing."""

    def switch_closed(self):
        """True while the hand switch is closed, bouncing included. Allocates nothing."""

    def trigger_high(self):
        """True while the trigger input is high. Allocates nothing."""

    def hold(self):
        """Hold the engine of channel 0, which has to be starved: what is queued from now on waits. Returns False, and
        nothing is changed, when it cannot be held for an edge, because the input is high. Allocates nothing."""

    def wait_for_edge(self):
        """From now on the chip itself begins what is held, at the next rising edge of the trigger input: phase A comes
        after the same time, to a cycle of the engine. Returns False when the input is high: then it does not, and
        `let_go` has to come. Allocates nothing."""

    def let_go(self):
        """Nothing waits for an edge any more: what is held is cancelled, and the engine as before `hold`. Returns how
        many pulses were cancelled; -1, and nothing is done, when the edge has come. Allocates nothing."""

    # ---- the watchdog ----

    def watch(self, on):
        """On: start the watchdog; from now on `feed_watchdog` has to come within WATCHDOG_MS, or the chip is reset.
        Off: stop it, because this run of the firmware has ended in order: for the prompt, and for nothing else."""

    def suspend_watchdog(self, on):
        """On: suspend the watchdog, because what comes next may take seconds. Off: resume it. Only with every output at
        rest."""

    def feed_watchdog(self):
        """Feed the watchdog: every check of this iteration has passed. Allocates nothing."""

    def reset_cause(self):
        """What ended the run before this one abnormally, in words (the watchdog, a reset by software). An empty text
        when it ended in order or with the power."""

    # ---- what is kept over resets and power cuts ----

    def read_slot(self, slot):
        """Read a slot (0 to SLOTS - 1). Returns its bytes, without erased ones (0xFF) behind them; empty when it is
        erased. Raises OSError when it cannot be read."""

    def write_slot(self, slot, data):
        """Write these bytes into a slot. Flash: nothing else runs meanwhile. Raises OSError, but not for everything
        that can go wrong: read it back."""

    def area(self, name):
        """The sectors of flash that LAYOUT has under that name, as an Area."""

    def inherited(self, slot):
        """What slot 0 or 1 held as firmware up to 0.1.0 kept them, in files; never written."""

    # ---- who this is ----

    def identity(self):
        """(the chip's unique id as hex, MicroPython's version)."""

    def firmware(self):
        """The digest of the firmware's own sources (core/digest.py)."""

    def random(self):
        """A random whole number of at least 30 bits."""

    # ---- the link ----

    def open_link(self):
        """Take the link from the MicroPython prompt: Ctrl-C becomes a byte like any other."""

    def close_link(self):
        """Give the link back to the prompt."""

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
