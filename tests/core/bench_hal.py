"""The virtual board's HAL in the hands of a test: it lets time pass, breaks things, and cuts the power."""

import samples

from nmes.core import checklist, commands, faults, frame, pulse
from nmes.core.session import LOCAL, Session
from nmes.hal import virtual
from nmes.hal.common import SLOTS
from nmes.link import Link
from nmes.recording import Recording
from nmes.store import Store

BOARD = {"name": "virtual", "supply_mv": (3_000, 5_500), "temperature_dc": (-100, 700), "pins": {"channels": ({}, {})}}
# Into a resistor no ramps are needed: every step of the current is seen.
RESISTOR = samples.programme(
    [samples.phase(work_ms=0, rest_ms=0, ramp_up_ms=0, ramp_down_ms=0)], effect="sensory", kind="dummy"
)

UNLESS_SAID = {"put": {"checked_version": 0, "checked_unix_s": 0, "checked_by": ""}}  # arguments of commands
RIGHT = checklist.VERSION, len(checklist.ITEMS)


def voltages_grow(pulses, count, percent):
    """The voltages of measured pulses become so much of what they are: so does the load."""
    for at in range(0, count * pulse.MEASURED, pulse.MEASURED):
        for place in (at + pulse.VOLTAGE_A, at + pulse.VOLTAGE_B):
            pulses[place] = 2_048 + (pulses[place] - 2_048) * percent // 100


_OF_A_CHANNEL = ("begin", "room", "put", "begun", "starved", "take")


class _ByHal:
    """A method of a channel that goes by the HAL."""

    def __init__(self, hal, name, number):
        self._hal, self._name, self._number = hal, name, number

    def __call__(self, *row):
        return getattr(self._hal, self._name)(self._number, *row)


class PowerCut(Exception):
    """The board is without power in the middle of a write."""


class BenchHal(virtual.Hal):
    """`slots` is the flash: give it to the next one and power is back. None in it is what cannot be read. `files`: what
    an older firmware kept, or why it cannot be read. `sectors`: what all else of the flash holds at the start.

    What a channel is asked goes by a method of the same name here, with its number: a test puts another in its place.
    """

    def __init__(self, slots=None, stage=samples.STAGE, sectors=None):
        super().__init__(BOARD, stage)
        self.flash.sectors.update(sectors or {})
        if slots is not None:
            slots.extend([b""] * (SLOTS - len(slots)))
            self._slots = slots
        self.slots = self._slots
        self.files = [b"", b""]
        self._safe = True
        self.opened_by = 0  # as the pins' own latches have it
        self.trip = 0
        self.stuck_high = False
        self.proven = ""
        self.currents = [load.zero for load in self._loads]
        self.temperature = 250
        self.supply = 5_000
        self.signals = []
        self.fed = 0
        self.pauses = []
        self.renewed = 0
        self.death = ""
        self.kept = []  # the state that the session was in at each write
        self.bytes_left = None  # until the power is cut, in the middle of a write
        self.flash_error = None
        self.session = None
        for number, channel in enumerate(self.channels):
            for name in _OF_A_CHANNEL:
                setattr(channel, name, _ByHal(self, name, number))

    def begin(self, channel, *row):
        return virtual.Channel.begin(self.channels[channel], *row)

    def room(self, channel):
        return virtual.Channel.room(self.channels[channel])

    def put(self, channel, *row):
        return virtual.Channel.put(self.channels[channel], *row)

    def begun(self, channel):
        return virtual.Channel.begun(self.channels[channel])

    def starved(self, channel):
        return virtual.Channel.starved(self.channels[channel])

    def take(self, channel, into):
        return virtual.Channel.take(self.channels[channel], into)

    def random(self):
        return 0x2A5F_1234  # a source that has broken down: numbers of hosts must differ all the same

    def pass_ms(self, ms):
        self.now_us += 1000 * ms
        for channel in self.channels:
            channel.advance(self.now_us)

    def signal(self, ready, fault, buzzer):
        self.signals.append((self.now_ms(), ready, fault, buzzer))

    def enabled(self):
        return super().enabled() or self.stuck_high

    def try_guard(self):
        return self.proven

    def idle_current(self, channel):
        return self.currents[channel]

    def temperature_dc(self):
        return self.temperature

    def supply_mv(self):
        return self.supply

    @property
    def safe(self):
        return self._safe

    @safe.setter
    def safe(self, safe):
        self._safe = safe
        if not safe:
            self.opened_by = self.opened_by or faults.EMERGENCY_STOP

    def is_safe(self):
        return self.safe

    def forget_openings(self):
        self.opened_by = 0 if self.safe else self.opened_by

    def opened(self):
        return self.opened_by

    def tripped(self):
        return self.trip

    def renew(self):
        self.renewed += 1

    def suspend_watchdog(self, on):
        self.pauses.append((on, self.session.state))

    def feed_watchdog(self):
        self.fed += 1

    def reset_cause(self):
        return self.death

    def read_slot(self, slot):
        if self._slots[slot] is None:
            raise OSError(5)
        return super().read_slot(slot)

    def inherited(self, slot):
        if isinstance(self.files[slot], OSError):
            raise self.files[slot]
        return self.files[slot]

    def write_slot(self, slot, data):
        self.kept.append(self.session.state if self.session else "BOOT")
        if self.flash_error:
            raise self.flash_error
        if self.bytes_left is not None:
            if self.bytes_left < len(data):
                self._slots[slot] = data[: self.bytes_left]
                self.bytes_left = 0
                raise PowerCut
            self.bytes_left -= len(data)
        self._slots[slot] = data


class Bench:
    """A supervisor on a BenchHal."""

    owner = LOCAL  # who acknowledges, arms and is heard
    supervises = Recording

    def __init__(self, slots=None, death="", stage=samples.STAGE, sectors=None):
        self.stage = stage
        self.hal = BenchHal(slots, stage, sectors)
        self.hal.death = death
        self.session = self.hal.session = Session(stage)
        self.store = Store(self.hal, self.hal.inherited)
        self.supervisor = self.supervises(self.hal, self.session, self.store, BOARD, stage)

    def load(self, data=None):
        self.session.load(data or samples.programme())
        self.session.acknowledge(*RIGHT, self.owner)

    def arm(self, data=None):
        self.load(data)
        self.supervisor.arm(self.session.programme_crc, self.owner)

    def run(self, data=None, ua=0):
        self.arm(data)
        self.supervisor.start()
        for lane in self.session.lanes:
            lane.intensity_ua = ua

    def turn(self, ms=10, count=1):
        for _ in range(count):
            self.hal.pass_ms(ms)
            self.supervisor.renew(self.owner)
            self.supervisor.step(self.hal.now_ms())

    def again(self, death=""):
        """The same board after a reset, or with power back."""
        return Bench(self.hal.slots, death)


class Linked(Bench):
    """A bench with the link on it, and a host that has identified. `answers` are the lines that the device wrote."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.answers = []
        self.seq = 0
        self.hal.write = lambda line: self.answers.append(bytes(line)) or True
        self.link = Link(self.hal, self.supervisor, BOARD, self.stage)
        self.owner = self.said("identify")["host"]

    def bytes(self, data):
        """They arrive, and the link takes them; no time passes."""
        self.hal._input = self.hal._input[self.hal._at :] + data
        self.hal._at = 0
        turns = 2 * len(self.hal._input) + 10
        while (self.link.has_line or self.hal._at < len(self.hal._input)) and not self.link.wants_prompt:
            self.link.step(self.hal.now_ms())
            turns -= 1
            if turns == 0:
                raise AssertionError("the link takes nothing")

    def line(self, cmd, **arguments):
        self.seq += 1
        request = {"seq": self.seq, "cmd": cmd}
        request.update(UNLESS_SAID.get(cmd, {}))
        if cmd in commands.COMMANDS and commands.COMMANDS[cmd].who == commands.HOST:
            request["host"] = self.owner
        request.update(arguments)
        return frame.encode(request)

    def said(self, cmd, **arguments):
        """The device's answer to a command."""
        line = self.line(cmd, **arguments)
        del self.answers[:]
        self.bytes(line)
        for answer in self.answers:
            answer = frame.decode(answer)
            if answer.get("seq") == self.seq:
                return answer
        raise AssertionError("no answer to " + cmd)

    def errors(self, *lines):
        """What the device says to each of these lines: an error, or None."""
        del self.answers[:]
        for line in lines:
            self.bytes(line)
        return [answer.get("error") for answer in map(frame.decode, self.answers) if "ok" in answer]

    def alone(self, ms=10, count=1):
        """Time passes, and no host is heard."""
        for _ in range(count):
            self.hal.pass_ms(ms)
            self.supervisor.step(self.hal.now_ms())
            self.link.step(self.hal.now_ms())

    def snapshot(self):
        status = self.supervisor.status()
        feeds = [(lane.feed.phase.rate_mhz, lane.feed.phase.width_us) for lane in self.session.lanes]
        return str((sorted(status.items()), feeds, self.hal._permitted, self.session.limit_ua, self.link.wants_prompt))
