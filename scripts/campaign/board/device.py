"""The campaign's board, under MicroPython's Unix port: the whole firmware, a HAL that breaks things, and a host.

Each line of standard input is a case (campaign/plan.py makes them), each line of standard output what was seen of it.
An argument names a file that is executed first: a firmware that was broken on purpose, to see that it is found.

`World.now_us` is the true time. The firmware has the HAL's clock, which a fault may set. Nothing of this is part of
the firmware, and `identify` says so.
"""

import json
import sys
from collections import OrderedDict

import board

board.BOARD = dict(board.BOARD, name="virtual, faults injected")

from nmes import app  # noqa: E402
from nmes.core import checklist, faults, frame  # noqa: E402
from nmes.hal import virtual  # noqa: E402
from nmes.hal.common import SLOTS, WATCHDOG_MS  # noqa: E402

COPIES = (0, 1)  # the slots that hold what is kept
LEASE_US = 90_000  # of hal/rp2/guard.py
FLASH_US = 30_000  # a write
PROGRAM_US = 3_000  # of pages that are blank, without an erase
BOOT_US = 200_000
HOST_US = 5_000  # it looks so often
RESEND_US = 300_000
TRIES = 5
KEEPALIVE_US = 500_000
ADC_MOST = 4_095
NOISE = 3  # counts: 0, 1 or 2 less than one
WATCH_US = 1_000_000
# The stage that is really there, whatever the firmware takes it for.
REAL = {
    "measures": True,
    "full_scale_ua": 100_000,
    "levels": 1_000,
    "compliance_mv": 80_000,
    "sense_zero": 2_048,
    "sense_ua_per_count": 55,
    "sense_mv_per_count": 45,
}


class Gone(BaseException):
    """The chip stops in the middle of what it does: `why` is "power", "watchdog timer", "end"."""

    def __init__(self, why):
        super().__init__(why)
        self.why = why


class Load(virtual.Load):
    """The load, and what the stage and its sense make of it."""

    def __init__(self, world, ohm):
        super().__init__(REAL, ohm)
        self._world = world
        self._zero = REAL["sense_zero"]
        self._die = 1
        self.strong = 1_000  # delivered, per 1000 of what was set
        self.weak_b = 1_000
        self.stuck = None  # what the ADC says of every current
        self.drift = None  # (since us, counts a second)
        self.rest = 0  # counts, between pulses
        self.real = [0, 0]

    @property
    def ohm(self):
        return self._ohm

    @ohm.setter
    def ohm(self, ohm):
        self._ohm = ohm

    @property
    def zero(self):  # of the record's last field: the current between the pulses
        return self._read(self._zero + self.rest)

    @zero.setter
    def zero(self, counts):
        pass

    def _read(self, counts):
        if self.stuck is not None:
            return self.stuck
        if self.drift:
            counts += (self._world.now_us - self.drift[0]) * self.drift[1] // 1_000_000
        self._die = (self._die * 1_103_515_245 + 12_345) & 0x7FFFFFFF
        return max(0, min(ADC_MOST, counts + (self._die >> 8) % NOISE - 1))

    def sense(self, level, sign, seen, current, voltage):
        stage = self._stage
        set_ua = stage["full_scale_ua"] * level // stage["levels"] * self.strong // 1_000
        if sign < 0:
            set_ua = set_ua * self.weak_b // 1_000
        uv = min(set_ua * self._ohm, 1_000 * stage["compliance_mv"])
        is_ua = min(set_ua, uv // self._ohm) if self._ohm else set_ua
        self.real[0 if sign > 0 else 1] = is_ua
        seen[current] = self._read(self._zero + sign * round(is_ua / stage["sense_ua_per_count"]))
        seen[voltage] = self._zero + sign * round(uv / 1_000 / stage["sense_mv_per_count"])


class Pins:
    """Stands where the virtual board's pulse log does."""

    def __init__(self, world):
        self._world = world

    def write(self, row):
        start, width_a, gap, width_b, level_a, level_b, channel = [int(field) for field in row.split(",")]
        real = self._world.hal.channels[channel]._load.real
        self._world.pulses.append((start, width_a, gap, width_b, real[0], real[1], channel, level_a, level_b))

    def flush(self):
        pass


class FaultyHal(virtual.Hal):
    """The virtual board with a guard, a watchdog, and what the world does to it."""

    def __init__(self, world, described, stage):
        super().__init__(described, stage)
        self.world = world
        world.hal = self
        self._log = Pins(world)
        while len(world.loads) < len(self.channels):
            world.loads.append(Load(world, world.plan["load_ohm"]))
        for channel, load in zip(self.channels, world.loads):
            channel._load, channel._log = load, self._log
        self.now_us = self._boot_us = world.now_us
        self.clock_us = world.clock_us
        self._lease_us = 0
        self._trip = 0
        self._watching = False
        self._paused = False
        self._fed_us = 0
        self._dead = False
        self._died, world.death = world.death, ""
        self._slots = world.slots
        self._files = None
        self._stops = [channel.stop for channel in self.channels]
        for number, channel in enumerate(self.channels):
            channel.stop = self._stop_of(number)

    def _stop_of(self, channel):
        return lambda: self.stop(channel)

    # ---- time ----

    def now_ms(self):
        return (self.now_us - self._boot_us + self.clock_us) // 1_000

    def wait_ms(self, ms):
        if self._dead:
            return
        self.pass_us(1_000 * ms + self.world.slow_us())

    def pass_us(self, us):
        world = self.world
        end_us = self.now_us + us
        while True:
            at_us = min(max(end_us, world.stopped_us), world.next_us())
            self._hardware(at_us)
            if at_us < world.next_us():
                return
            world.happens()

    def _hardware(self, until_us):
        """What goes on without the CPU."""
        if self._permitted and until_us >= self._lease_us:
            self._advance(self._lease_us)
            self.trip(faults.LEASE_LOST)
        died_us = self._fed_us + 1_000 * WATCHDOG_MS
        if self._watching and not self._paused and until_us >= died_us:
            self._advance(died_us)
            raise self.gone("watchdog timer")
        self._advance(until_us)

    def _advance(self, us):
        self.now_us = self.world.now_us = max(us, self.now_us)
        for channel in self.channels:
            channel.advance(self.now_us)

    def gone(self, why):
        """From here on the firmware moves nothing: its pins float, whatever its code still does on the way out."""
        self._enable(False)
        for channel in self.channels:
            channel._waiting = []
        self._dead = True
        return Gone(why)

    # ---- guard ----

    def _enable(self, on):
        if self._dead:
            return
        if on != self._permitted:
            self.world.note("enable", int(on))
        self._permitted = on

    def trip(self, cause):
        if self._permitted:
            self._enable(False)
            self._trip = self._trip or cause

    def permit(self, longest_us):
        self._trip = 0
        self._lease_us = self.now_us + LEASE_US
        self._enable(True)
        if not self.world.safe:
            self.trip(faults.EMERGENCY_STOP)

    def renew(self):
        self._lease_us = self.now_us + LEASE_US

    def rest(self):
        self._enable(False)
        if not self._dead:
            super().rest()

    def stop(self, channel):
        """Returns when the running pulse has ended, as on the chip."""
        for pulse in self.world.pulses[-len(self.channels) :]:
            end_us = pulse[0] + pulse[1] + pulse[2] + pulse[3]
            if pulse[6] == channel and end_us > self.now_us and not self._dead:
                self._hardware(end_us)
        return self._stops[channel]()

    def is_safe(self):
        return self.world.safe

    def forget_openings(self):
        self.world.opened = not self.world.safe

    def opened(self):
        return faults.EMERGENCY_STOP if self.world.opened else 0

    def tripped(self):
        return self._trip

    def enabled(self):
        return self._permitted and not self.world.reads_low

    # ---- sense ----

    def idle_current(self, channel):
        load = self.channels[channel]._load
        return load._read(load._zero)

    def temperature_dc(self):
        return self.world.temperature

    def supply_mv(self):
        return self.world.supply

    # ---- watchdog and flash ----

    def watch(self, on):
        if not self._dead:
            self._watching, self._fed_us = on, self.now_us

    def unwatched(self, on):
        self.world.note("unwatched", int(on))
        self._paused = on
        self._fed_us = self.now_us

    def feed(self):
        self._fed_us = self.now_us

    def died(self):
        return self._died

    def recall(self, slot):
        return self._slots[slot].rstrip(b"\xff")  # erased bytes and these are one

    def keep(self, slot, data):
        world = self.world
        if self._dead:
            return
        if world.flash_errors:
            world.flash_errors -= 1
            world.note("write_failed")
            raise OSError(5)
        world.writes += 1
        world.whole[slot] = False
        before = self._slots[slot]
        part = 500
        if world.cut_at_write and world.writes >= world.cut_at_write[0]:
            part = world.cut_at_write[1]
            world.cut_at_write = None
            world.note("injected", "power_cut_in_write")
            world.note("cut")
            self._slots[slot] = (data + before[len(data) :])[: len(data) * part // 1_000]
            raise self.gone("power")
        self._slots[slot] = data[: len(data) // 2]  # a cut that comes while it is being written
        self.pass_us(FLASH_US if before else PROGRAM_US)
        self._slots[slot] = data
        world.whole[slot] = True

    def identity(self):
        return "faults-injected", super().identity()[1]

    # ---- link ----

    def random(self):
        return self.world.random()

    def read(self, into):
        world = self.world
        count = 0 if self._dead else virtual.read_until_end(world.to_device, world.taken, into)
        world.taken += count
        if world.before_death:
            world.before_death = max(0, world.before_death - count)
            if not world.before_death:
                world.note("drained")
        return count

    def write(self, line):
        if not self._dead:
            self.world.device_says(bytes(line))
        return True


def request(command, arguments, seq, number):
    """The line of a request. `number` is what `identify` has answered as this host's, where hosts have numbers."""
    message = OrderedDict([("seq", seq), ("cmd", command)])  # first, as the host tools write it
    message.update(arguments)
    if number is not None and command != "identify":
        message["host"] = number
    return frame.encode(message)


def shown(arguments):
    return {key: value for key, value in arguments.items() if key in ("channel", "current_ua", "rate_mhz", "width_us")}


IDENTIFY = [0, "identify", {}]


class Host:
    """Sends the plan's commands, one after the other, as a person would with the host tools."""

    def __init__(self, world, script):
        self._world = world
        self._number = None
        self.dead = False
        self._script = [IDENTIFY] + list(script)
        self._line = None
        self._received = b""
        self._sent_us = world.now_us
        self._due_us = world.now_us
        self._tries = 0
        self._seq = world.seq
        self._crc = 0
        self.recovering = False

    def later(self, script):
        """Forget what was planned and do this."""
        if self.dead:
            script = []
        self._script = list(script)
        self._line = None
        self._due_us = self._world.now_us

    def step(self):
        now_us = self._world.now_us
        if self.dead:
            return
        if self._line is not None:
            if now_us - self._sent_us < RESEND_US:
                return
            self._tries += 1
            if self._tries < TRIES:
                self._send()
                return
            self._line = None
        if self._script and now_us >= self._due_us + 1_000 * self._script[0][0]:
            _, command, arguments = self._script.pop(0)
            self._begin(command, arguments)
        elif now_us - self._sent_us >= KEEPALIVE_US:
            self._begin("keepalive", {})

    def _begin(self, command, arguments):
        world = self._world
        self._seq = world.seq = world.seq + 1
        if command == "raw":  # a line with a good CRC that the host tools would not send
            envelope = str(self._seq) if self._number is None else '%d, "host": %d' % (self._seq, self._number)
            text = arguments["text"].replace("SEQ", envelope).encode()
            self._line = b"%s %08x\n" % (text, __import__("binascii").crc32(text) & 0xFFFFFFFF)
        else:
            if command == "arm":
                arguments = {"programme_crc": self._crc}
            elif command == "acknowledge":
                arguments = {"checklist": checklist.VERSION, "items": len(checklist.ITEMS)}
            self._line = request(command, arguments, self._seq, self._number)
        self._command = command
        self._tries = 0
        world.note("sent", self._seq, command, shown(arguments))
        self._send()

    def _send(self):
        self._sent_us = self._world.now_us
        self._world.host_says(self._line)

    def hear(self, message):
        if self.dead:
            return
        if message.get("seq") == self._seq and "ok" in message and self._line is not None:
            self._line = None
            if self._command != "keepalive":
                self._due_us = self._world.now_us
            self._crc = message.get("programme_crc", self._crc)
            self._number = message.get("host", self._number)
            if message.get("error") == "unknown_host":
                self._script.insert(0, IDENTIFY)
            self._world.note("answered", self._seq, self._command, message["ok"], message.get("error", ""))
        fault = message.get("fault")
        if fault and "state" in message and "at_ms" not in message and not self.recovering:
            self.recovering = True
            again = self._world.plan["recover"]
            if again:
                self.later([[again[0][0], "clear", {"fault": fault}]] + again[1:])


class Watcher:
    """A second program on the same port: `identify` and `status` once a second, under numbers of its own; and once, if
    the plan says so, a deed that only the session's host may do."""

    def __init__(self, world, seq, deed, deed_us):
        self._world = world
        self._seq = seq
        self._command = ""
        self._number = None
        self._deed = deed
        self._deed_us = deed_us
        self._due_us = world.now_us

    def step(self):
        world = self._world
        if world.now_us < self._due_us:
            return
        self._send("identify", {})
        self._due_us = world.now_us + WATCH_US

    def _next(self):
        """What it asks when it has been told who is there."""
        world = self._world
        if not self._deed or world.now_us < self._deed_us:
            return "status", {}
        deed, self._deed = self._deed, ""
        channel = world.plan["programme"]["channels"][0]
        phase = channel.get("phases", world.plan["programme"].get("phases"))[0]
        index = channel["channel"]
        arguments = {
            "intensity": {"channel": index, "current_ua": world.asked_ua(index) + 1_000},
            "adjust": {"channel": index, "rate_mhz": phase["rate_mhz"], "width_us": max(50, phase["width_us"] - 5)},
        }
        return deed, arguments.get(deed, {})

    def _send(self, command, arguments):
        self._seq += 1
        self._command = command
        self._world.note("other_sent", self._seq, command, shown(arguments))
        self._world.host_says(request(command, arguments, self._seq, self._number))

    def hear(self, message):
        if message.get("seq") != self._seq or "ok" not in message:
            return
        self._world.note("other_answered", self._seq, self._command, message["ok"], message.get("error", ""))
        self._number = message.get("host", self._number)
        if self._command == "identify":
            self._send(*self._next())


class World:
    """One case."""

    def __init__(self, plan):
        self.plan = plan
        self.now_us = 0
        self.pulses = []
        self.notes = []
        self.slots = [b""] * SLOTS
        self.whole = [False] * SLOTS  # written to its end, and as it was written
        self.death = ""
        self.clock_us = 1_000 * plan["clock_ms"]
        # What stays broken when the power goes.
        self.loads = []
        self.temperature = 250
        self.supply = 5_000
        self.reads_low = False
        self.safe = True
        self.opened = False  # or was since it was last forgotten: the pin's own latch
        self.stopped_us = 0
        self.writes = 0
        self.cut_at_write = None
        self.flash_errors = 0
        self.damage = ()
        self.hal = None
        self.seq = 100
        self.to_device = b""
        self.taken = 0  # of it
        self._to_host = b""
        self._late = None  # a line that waits to be overtaken
        self._damage = []  # (direction, what, how many, at)
        self.pulled = False
        self.before_death = 0  # bytes on the line when its host died, that the device has not read yet
        self._watcher = None
        self._echo = b""  # what a newline comes back as, where the port echoes
        self._received = b""
        self._slow = self._random = plan["slow_us"]
        self._events = sorted(plan["faults"], key=lambda event: event["at_us"])
        self._host_us = 0
        self.host = Host(self, plan["script"])

    def note(self, what, *more):
        self.notes.append([self.now_us, what] + list(more))

    def random(self):
        self._random = (self._random * 1_103_515_245 + 12_345) & 0x7FFFFFFF
        return self._random >> 1

    def slow_us(self):
        self._slow = (self._slow * 1_103_515_245 + 12_345) & 0x7FFFFFFF
        return (self._slow >> 8) % 5_000

    # ---- what happens, and when ----

    def next_us(self):
        return min(self._events[0]["at_us"] if self._events else self.plan["end_us"], self._host_us)

    def happens(self):
        if self.now_us >= self.plan["end_us"]:
            raise self.hal.gone("end")
        if self._events and self.now_us >= self._events[0]["at_us"]:
            event = self._events.pop(0)
            self.note("injected", event["kind"], {key: event[key] for key in event if key not in ("kind", "at_us")})
            getattr(self, "_do_" + event["kind"])(event)
        if self.now_us >= self._host_us:
            self._host_us = self.now_us + HOST_US
            self._hosts_hear()
            self.host.step()
            if self._watcher:
                self._watcher.step()

    def _hosts_hear(self):
        """All programs on a port hear what the device says."""
        taken, self._to_host = self._to_host, b""
        *lines, self._received = (self._received + taken).split(b"\n")
        for line in lines:
            try:
                message = frame.decode(line)
            except frame.BadFrame:
                continue
            self.host.hear(message)
            if self._watcher:
                self._watcher.hear(message)

    def asked_ua(self, channel):
        """What the session's host has asked for last."""
        asked = [note[4] for note in self.notes if note[1] == "sent" and note[3] == "intensity"]
        return ([0] + [what["current_ua"] for what in asked if what["channel"] == channel])[-1]

    def _damages(self, event):
        self._damage.append([event["towards"], event["kind"], event["bytes"], event["bit"]])

    _do_link_lost = _do_link_doubled = _do_link_flipped = _do_link_reordered = _damages

    def _do_link_overtaken(self, event):
        self._damage.append(["device", "link_overtaken", 1, 0])

    def _do_link_pulled(self, event):
        self.pulled = True
        self.before_death = len(self.to_device) - self.taken

    def _do_watched(self, event):
        self._watcher = Watcher(self, event["seq"], event["deed"], event["deed_us"])

    def _do_port_echoes(self, event):
        self._echo = b"\r\n" if event["cooked"] else b"\n"

    def _do_host_dies(self, event):
        self.host.dead = True
        self.before_death = len(self.to_device) - self.taken

    def _do_not_a_number(self, event):
        self.host._script.insert(0, [0, "raw", {"text": event["text"]}])

    def _do_cpu_stop(self, event):
        self.stopped_us = max(self.stopped_us, self.now_us + event["us"])

    def _do_sense_stuck(self, event):
        self.loads[event["channel"]].stuck = event["counts"]

    def _do_sense_drift(self, event):
        self.loads[event["channel"]].drift = (self.now_us, event["counts_per_s"])

    def _do_sense_rest(self, event):
        self.loads[event["channel"]].rest = event["counts"]

    def _do_stage_strong(self, event):
        self.loads[event["channel"]].strong = event["per_mille"]

    def _do_stage_unequal(self, event):
        self.loads[event["channel"]].weak_b = event["per_mille"]

    def _set_load(self, event):
        self.loads[event["channel"]].ohm = event["ohm"]

    _do_load_open = _do_load_short = _do_load_10k = _do_load_back = _set_load

    def _do_stop_bounces(self, event):
        self.safe = not self.safe
        if not self.safe:
            self.opened = True
            self.hal.trip(faults.EMERGENCY_STOP)
        if event["us"]:
            left = event["us"]
            self._events.insert(0, {"at_us": self.now_us + left[0], "kind": "stop_bounces", "us": left[1:]})
            self._events.sort(key=lambda event: event["at_us"])

    def _do_power_cut(self, event):
        # `corrupt`: a bit at a third of the slot; `damage`: anywhere, and of any length.
        third = [{"slot": slot, "place": 1 / 3, "bytes": 0, "bit": 4} for slot in event.get("corrupt", ())]
        self.damage = event.get("damage", third)
        self.note("cut")
        raise self.hal.gone("power")

    _do_flash_corrupt = _do_store_damaged = _do_power_cut

    def _do_power_cut_in_write(self, event):
        self.notes.pop()  # it is injected when there is a write
        self.cut_at_write = (self.writes + event["write"], event["per_mille"])

    def _do_flash_error(self, event):
        self.flash_errors = event["count"]

    def _do_clock_back(self, event):
        self.hal.clock_us -= event["us"]

    def _do_clock_ahead(self, event):
        self.hal.clock_us += event["us"]

    def _do_temperature(self, event):
        self.temperature = event["dc"]

    def _do_supply(self, event):
        self.supply = event["mv"]

    def _do_enable_low(self, event):
        self.reads_low = True

    # ---- the link ----

    def _damaged(self, towards, line):
        if self.pulled:
            return b""
        for damage in self._damage:
            if damage[0] != towards or not line:
                continue
            self._damage.remove(damage)
            _, kind, count, bit = damage
            at = bit * 7 % len(line)
            end = min(len(line), at + count)
            if kind == "link_lost":
                line = line[:at] + line[end:]
            elif kind == "link_doubled":
                line = line[:end] + line[at:end] + line[end:] if count < 200 else line + line
            elif kind == "link_flipped":
                flipped = bytearray(line)
                for i in range(at, end):
                    flipped[i] ^= 1 << bit % 8
                line = bytes(flipped)
            elif kind == "link_reordered":
                line = line[:at] + bytes(reversed(line[at:end])) + line[end:]
            elif kind == "link_overtaken":
                self._late = [line, 3]
                self.note("held", line.decode())
                line = b""
            break
        return line

    def host_says(self, line):
        sent = self._damaged("device", line)
        if self._echo:
            sent = (sent + sent).replace(b"\n", self._echo)
        self.to_device = self.to_device[self.taken :] + sent
        self.taken = 0
        if self._late:
            self._late[1] -= 1
            if not self._late[1]:
                self.to_device += self._late[0]
                self._late = None

    def device_says(self, line):
        message = frame.decode(line)
        if "state" in message and "at_ms" not in message:  # the record of a fault tells of another time
            self.note("said", message["state"], message.get("fault", 0), message.get("ended", ""))
        if "largest_current_ua" in message:
            self.note("accepted", message["largest_current_ua"])
        if message.get("board"):
            self.note("identity", message["board"], message["uid"])
        if self._echo and not self.pulled:
            self.to_device += line.replace(b"\n", self._echo)
        self._to_host += self._damaged("host", line)

    # ---- from power on to the end ----

    def run(self):
        app.make = lambda described, stage: FaultyHal(self, described, stage)
        while self.now_us < self.plan["end_us"]:
            self.note("boot")
            try:
                app.run()
                self.hal.gone("prompt")
                why = "prompt"
            except Gone as gone:
                why = gone.why
            if why == "end":
                break
            self.note("down", why)
            self.death = why if why == "watchdog timer" else ""
            if why == "power":
                self._break_store()
            self.now_us += BOOT_US
            self._events = [event for event in self._events if event["at_us"] > self.now_us]
            self.stopped_us = 0
            self.clock_us = 0
            self.to_device = b""
            self.taken = 0
            self._late = None
            self.host.later([IDENTIFY, [100, "status", {}]] + self.plan["after_boot"])
            self.host.recovering = False
        return {"seed": self.plan["seed"], "notes": self.notes, "pulses": self.pulses, "end_us": self.now_us}

    def _break_store(self):
        """While there is no power. Noted when no copy is left that was whole and is as it was."""
        were = list(self.slots)
        had = True in [self.whole[slot] for slot in COPIES]
        for damage in self.damage:
            self._damage_slot(damage["slot"] % SLOTS, damage)
        self.whole = [self.whole[slot] and self.slots[slot] == were[slot] for slot in range(SLOTS)]
        if self.damage and had and True not in [self.whole[slot] for slot in COPIES]:
            self.note("corrupted")
        self.damage = ()

    def _damage_slot(self, slot, damage):
        data = bytearray(self.slots[slot])
        at = int(damage["place"] * len(data))
        if data and not damage["bytes"]:
            data[at] ^= 1 << damage["bit"]
        for i in range(at, min(len(data), at + damage["bytes"])):
            data[i] = damage["value"]
        self.slots[slot] = bytes(data)


def main():
    if len(sys.argv) > 1:
        with open(sys.argv[1]) as file:
            exec(file.read(), globals())
    for line in sys.stdin:
        print(json.dumps(World(json.loads(line)).run()))


if __name__ == "__main__":
    main()
