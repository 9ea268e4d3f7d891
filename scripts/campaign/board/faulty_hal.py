"""A HAL that breaks things: the virtual board with a guard, a lease, a watchdog and a flash."""

from nmes.core import faults
from nmes.hal import virtual
from nmes.hal.common import WATCHDOG_MS

LEASE_US = 90_000  # of hal/rp2/guard.py


class Gone(BaseException):
    """The chip stops in the middle of what it does: `why` is "power", "watchdog timer", "end"."""

    def __init__(self, why):
        super().__init__(why)
        self.why = why


class FaultyHal(virtual.Hal):
    """The virtual board with a guard, a watchdog, and what the world does to it."""

    def __init__(self, world, described, stage):
        super().__init__(described, stage)
        self.world = world
        world.hal = self
        world.around.connect(world, self.channels)
        self.now_us = self._boot_us = world.now_us
        self.clock_us = world.clock_us
        self._lease_us = 0
        self._trip = 0
        self._watching = False
        self._paused = False
        self._fed_us = 0
        self._dead = False
        self._died, world.death = world.death, ""
        self._files = None
        if world.sensor:
            self._high = world.sensor.high()
        if world.person:
            self.flash = world.person.sectors
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
        """The trigger input's edges are the chip's own: no CPU is asked."""
        edge = self.world.sensor and self.world.sensor.next_edge(us)
        while edge:
            self._moves(edge[0])
            self._set_trigger(edge[1] == 1)
            edge = self.world.sensor.next_edge(us)
        self._moves(us)

    def _moves(self, us):
        self.now_us = self.world.now_us = max(us, self.now_us)
        for channel in self.channels:
            channel.advance(self.now_us)

    def gone(self, why):
        """From here on the firmware moves nothing: its pins float, whatever its code still does on the way out."""
        self._enable(False)
        for channel in self.channels:
            channel._waiting = []
        self._awaits_edge = False
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
        if not self.world.around.safe:
            self.trip(faults.EMERGENCY_STOP)

    def renew(self):
        self._lease_us = self.now_us + LEASE_US

    def all_off(self):
        self._enable(False)
        if not self._dead:
            super().all_off()

    def stop(self, channel):
        """Returns when the running pulse has ended, as on the chip."""
        for pulse in self.world.pulses[-len(self.channels) :]:
            end_us = pulse[0] + pulse[1] + pulse[2] + pulse[3]
            if pulse[6] == channel and end_us > self.now_us and not self._dead:
                self._hardware(end_us)
        return self._stops[channel]()

    def is_safe(self):
        return self.world.around.safe

    def forget_openings(self):
        self.world.around.opened = not self.world.around.safe

    def opened(self):
        return faults.EMERGENCY_STOP if self.world.around.opened else 0

    def tripped(self):
        return self._trip

    def enabled(self):
        return self._permitted and not self.world.around.reads_low

    # ---- sense ----

    def idle_current(self, channel):
        load = self.channels[channel]._load
        return load._read(load._zero)

    def temperature_dc(self):
        return self.world.around.temperature

    def supply_mv(self):
        return self.world.around.supply

    # ---- the biofeedback input ----

    def signal_mv(self):
        sensor = self.world.sensor
        return 0 if self._deaf or not sensor else sensor.mv(self.channels[0])

    def signal_floats(self):
        return self.world.sensor is None or self.world.sensor.floats()

    def switch_closed(self):
        return self.world.sensor is not None and self.world.sensor.closed()

    # ---- watchdog and flash ----

    def watch(self, on):
        if not self._dead:
            self._watching, self._fed_us = on, self.now_us

    def suspend_watchdog(self, on):
        self.world.note("unwatched", int(on))
        self._paused = on
        self._fed_us = self.now_us

    def feed_watchdog(self):
        self._fed_us = self.now_us

    def reset_cause(self):
        return self._died

    def read_slot(self, slot):
        return self.world.flash.read_slot(slot)

    def write_slot(self, slot, data):
        if not self._dead:
            self.world.flash.write_slot(self, slot, data)

    def identity(self):
        return "faults-injected", super().identity()[1]

    # ---- panel ----

    def buttons(self):
        return self.world.person.buttons() if self.world.person else 0

    def open_display(self):
        return self.world.person is not None and not self._dead and self.world.person.open_display()

    def display_page(self, page, pixels):
        return self.world.person is not None and not self._dead and self.world.person.display_page(page, pixels)

    def display_answers(self):
        return self.world.person is not None and not self._dead and self.world.person.display_answers()

    def memory_free(self):
        person = self.world.person
        return super().memory_free() if person is None or person.memory is None else person.memory

    # ---- link ----

    def random(self):
        return self.world.random()

    def read(self, into):
        return 0 if self._dead else self.world.cable.device_reads(into)

    def write(self, line):
        if not self._dead:
            self.world.cable.device_says(bytes(line))
        return True
