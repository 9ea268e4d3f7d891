"""One case: its time, and from power on to its end what goes on around the firmware."""

from cable import Cable
from faulty_hal import FaultyHal, Gone
from flash import Flash
from hosts import IDENTIFY, Hosts
from injected import Injected
from person import Person
from sensor import Sensor
from surroundings import Surroundings

from nmes import app

BOOT_US = 200_000
USUAL, LISTENS = "reference", "reference-biofeedback"  # output stages


class World:
    """`now_us` is the true time. The firmware has the clock of `hal`, which a fault may set. What was seen is in
    `notes` and `pulses`."""

    def __init__(self, plan):
        self.plan = plan
        self.now_us = 0
        self.pulses = []
        self.notes = []
        self.hal = None  # of this run of the firmware
        self.death = ""  # what ended the run before, as the chip's watchdog knows it
        self.clock_us = 1_000 * plan["clock_ms"]
        self.stopped_us = 0
        self._slow = self._random = plan["slow_us"]
        self.around = Surroundings()
        self.flash = Flash(self)
        self.cable = Cable(self)
        self.hosts = Hosts(self)
        self.person = Person(self) if "kept" in plan else None  # at a panel
        self.sensor = Sensor(self) if "signal" in plan else None  # on a stage with a biofeedback input
        self._injected = Injected(self)

    def note(self, what, *more):
        self.notes.append([self.now_us, what] + list(more))

    def random(self):
        self._random = (self._random * 1_103_515_245 + 12_345) & 0x7FFFFFFF
        return self._random >> 1

    def slow_us(self):
        self._slow = (self._slow * 1_103_515_245 + 12_345) & 0x7FFFFFFF
        return (self._slow >> 8) % 5_000

    def stop_until(self, us):
        """The CPU does nothing until then."""
        self.stopped_us = max(self.stopped_us, us)

    def next_us(self):
        return min(self._injected.next_us(), self.hosts.next_us())

    def happens(self):
        """What is due now."""
        if self.now_us >= self.plan["end_us"]:
            raise self.hal.gone("end")
        if self._injected.is_due():
            self._injected.happens()
        if self.now_us >= self.hosts.next_us():
            self.hosts.look()

    def run(self):
        app.make = lambda described, stage: FaultyHal(self, described, stage)
        app.BOARD = dict(app.BOARD, stage=LISTENS if self.sensor else USUAL)
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
                self.flash.lose_power()
            self.now_us += BOOT_US
            self._injected.forget_past()
            self.stopped_us = 0
            self.clock_us = 0
            self.cable.forget()
            host = self.hosts.host
            host.later([IDENTIFY, [100, "status", {}]] + self.plan["after_boot"])
            host.recovering = False
        return {"seed": self.plan["seed"], "notes": self.notes, "pulses": self.pulses, "end_us": self.now_us}
