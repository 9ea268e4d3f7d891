"""The hardware, and nothing of sessions. `rp2` moves pins, `virtual` does the same in virtual time.

A board names its HAL; `make(board, stage)` gives an object with this contract:

    now_ms()                     milliseconds since power on; never wraps
    wait_ms(ms)                  let time pass, doing nothing
    rest()                       everything off, now, from whatever state: enable low, phases low, level zero. Needs no
                                 memory
    is_safe()                    True when emergency stop and over-current comparator both allow output now
    forget_openings(), opened()  0, or the fault for which the safe line is open, or was since they were forgotten,
                                 however shortly
    permit(longest_us)           the output stage's permission, under guard: for phases of at most `longest_us`, for as
                                 long as `renew` comes every few ms; `rest` ends it
    renew()                      the program is alive
    tripped()                    0, or the fault (core/faults.py) for which the guard took permission away
    enabled()                    True when the static enable is there, as read back from its pin
    proof()                      "" when the guard takes permission away for every cause that can be made up at rest,
                                 else the first for which it does not. Only the enables move, and they end low
    idle_current(channel), idle_voltage()
                                 counts of the sense, now; only while nothing is sampled, and so are the next two
    temperature_dc()             the chip's temperature in tenths of a degree Celsius
    supply_mv()                  the board's supply, or None where it is not measured
    memory_free()                bytes of the heap that are free, garbage collected. Takes 15 ms
    collect()                    collect the garbage. Takes as long
    sense(mask, shortest_us)     the phases of these channels (bit 0: channel 0), of which none is shorter than
                                 `shortest_us`, are sampled from now on, that much / 2 after they begin; until `rest`
    senses()                     True when samples go on coming
    begin(channel, delay_us, dummy, dac_offset, dac_scale)
                                 the generator ready: empty queue, counts at zero, level zero. When it is let go it
                                 rests for `delay_us` first, exact to a cycle; dummy: nobody is connected. dac_*: the
                                 channel's calibration, for the second checker; without them it is told of none
    go(mask)                     let the generators of these channels go (bit 0: channel 0), all in the same cycle
    room(channel)                how many more pulses may be queued now; bounded in time, see LOOKAHEAD_US
    put(channel, level_a, level_b, width_a_us, gap_us, width_b_us, period_us, level_most, count)
                                 queue `count` equal pulses; False, and nothing queued, when the second checker found
                                 them bad
    begun(channel)               how many pulses have begun since `begin`
    queued(channel)              how many are queued that have not begun
    starved(channel)             True when the engine rests because it was given nothing
    take(channel, into)          the pulses that have been measured and not been taken, the oldest first, into `into`,
                                 an array of core.pulse.TAKE_MOST pulses of MEASURED integers each: what was set and the
                                 counts of current and voltage in each phase. Returns how many; more stay for the next
    stop(channel)                nothing after the running pulse; returns how many queued pulses were cancelled
    read()                       one byte of the link, or -1 when there is none
    write(line)                  bytes to the link; never waits. False, and nothing sent, when the host takes too little
    room_out()                   how many bytes `write` takes now
    unsent()                     how many bytes of what was written the host has not read
    random()                     a whole number of at least 30 bits, another one each time
    open_link(), close_link()    take the link from the MicroPython prompt, give it back
    bootloader()                 restart into the chip's own boot loader (BOOTSEL), to be flashed; only at rest
    lamp(on)                     the yellow lamp: output is on
    signal(ready, fault, buzzer)
                                 the other lamps, and the buzzer
    watch(on)                    the watchdog: from now on `feed` has to come within WATCHDOG_MS, or all is reset. Off:
                                 no more, and this run of the program has ended in order: for the prompt, and for
                                 nothing else
    unwatched(on)                on: what comes next may take seconds; off: it is over. Only with every output at rest
    feed()                       every check of this turn has passed
    died()                       "" when the run before this one ended in order or with the power, else by what
    recall(slot)                 the bytes that a slot (0 to SLOTS - 1) holds over resets and power cuts, without erased
                                 ones (0xFF) behind them; empty when it is erased. Raises OSError when it cannot be read
    keep(slot, data)             keep these bytes there. Flash: nothing else runs meanwhile. Raises OSError, but not for
                                 everything that can go wrong: read it back
    area(name)                   the sectors of flash that LAYOUT has under that name, as an Area
    inherited(slot)              the same of slot 0 and 1 as firmware up to 0.1.0 kept them, in files; never written
    identity()                   (mcu's unique id as hex, MicroPython's version)
    firmware()                   the digest of the firmware's own sources (core/digest.py)
"""

# What may be queued ahead of the running pulse, so that a dead CPU is at rest soon: at most this much time, and at
# least one pulse whatever the period. With the running pulse: 2 periods or 100 ms, whichever is longer.
LOOKAHEAD_US = 66_000

# So much of what a host has not read yet is kept: the longest line (core/frame.py), and as much again for what is said
# unasked.
OUT_BYTES = 8_192

# Slots to keep something in. One damaged place of the flash never reaches 0 and 1 both, nor 2 and 3.
SLOTS = 4

# The store's flash: 32 sectors of 4 KiB, the least that can be erased, of 16 pages, the least that can be programmed.
# Whose each is, once. The slots' are in their order, and in both of the blocks of 64 KiB, which are the most that one
# command of the flash erases. What keeps sessions is still to be written.
SECTOR = 4_096
PAGE = 256
LAYOUT = {
    "slots": (0, 16, 1, 17),
    "prescriptions": (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 18, 19, 20, 21),
    "calibration": (22, 23),
    "sessions": (24, 25, 26, 27, 28, 29, 30, 31),
}

# A program that is stuck for so long is reset. One turn of the loop takes tens of milliseconds.
WATCHDOG_MS = 900


_ERASE = 6  # the ioctl of MicroPython's block devices


class Area:
    """Some sectors of the flash, from 0 on, behind nothing but read, erase and program.

    `flash` is what rp2.Flash is: readblocks(sector, into, at), writeblocks(sector, data, at) which programs without
    erasing, and ioctl(6, sector) which erases. Nothing else runs while it erases (up to 400 ms) or programs (3 ms). It
    raises OSError, but not for everything that can go wrong: whoever writes reads back.
    """

    page_bytes = PAGE
    sector_bytes = SECTOR

    def __init__(self, flash, sectors):
        self._flash = flash
        self._sectors = sectors
        self.count = len(sectors)

    def read(self, sector, at, into):
        """Fill `into` with what the sector holds from byte `at` on."""
        self._flash.readblocks(self._sectors[sector], into, at)

    def program(self, sector, at, page):
        """Clear the bits of a page, `at` its first byte, that are 0 in `page`; no bit is set."""
        self._flash.writeblocks(self._sectors[sector], page, at)

    def erase(self, sector):
        """Set every bit of the sector."""
        self._flash.ioctl(_ERASE, self._sectors[sector])


def make(board, stage):
    """The HAL of a board (boards/*/board.py) with an output stage (boards/stages). Raises ValueError for another."""
    if board["hal"] == "rp2":
        from nmes.hal.rp2.hal import Hal as Rp2Hal

        return Rp2Hal(board, stage)
    if board["hal"] == "virtual":
        from nmes.hal.virtual import Hal as VirtualHal

        return VirtualHal(board, stage)
    raise ValueError("board %s names the HAL %s; known: rp2, virtual" % (board["name"], board["hal"]))
