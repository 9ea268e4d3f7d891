"""A bench with the panel on it: presses, and what the display was given."""

import json

from bench_hal import Linked
from samples import STAGE, phase, programme
from test_link_prescriptions import put

from nmes.core import access, buttons
from nmes.panel import Panel
from nmes.patient import Patient

# Twenty trains of 2 s with 3 s between them.
CYCLES = programme([phase(work_ms=2_000, rest_ms=3_000, ramp_up_ms=500, ramp_down_ms=500, duration_ms=100_000)])


def text_of(data):
    """A prescription as a device keeps it."""
    return json.dumps(data).encode()


class Screen:
    """What the HAL of a display was told, and what is seen of it: `pages` while it `is_on`."""

    def __init__(self):
        self.pages = {}
        self.is_on = False
        self.asked = []  # when it was told again what it needs to be on
        self.written = []  # (page, when)
        self.opened = 0
        self.there = True

    def lose_power(self):
        """Shortly, so that it answers as before."""
        self.is_on = False
        self.pages = dict.fromkeys(range(8), b"Z" * 128)


class Paneled(Linked):
    stage_of_it = STAGE

    def __init__(self, slots=None, kept=(CYCLES,), panel=True, sectors=None):
        super().__init__(slots, "", self.stage_of_it, sectors)
        self.mask = 0
        self.screen = Screen()
        hal = self.hal
        hal.buttons = lambda: self.mask
        hal.open_display = self._open
        hal.display_page = self._page
        hal.display_answers = self._answers
        self.collected = []
        hal.collect = lambda: self.collected.append(hal.now_ms())
        self.link.guests = access.GUESTS
        for data in kept:
            put(self, text_of(data))
        if panel:
            self.power()

    def power(self):
        """The panel as it is when the power comes."""
        self.patient = Patient(self.hal, self.supervisor, Panel(self.hal, self.supervisor))
        self.turns(20)

    def powered(self):
        """The same board with power back, and nobody who says what time it is."""
        return Paneled(self.hal.slots, (), sectors=self.hal.flash.sectors)

    def _open(self):
        self.screen.opened += 1
        self.screen.is_on = self.screen.there
        return self.screen.there

    def _answers(self):
        self.screen.asked.append(self.hal.now_ms())
        self.screen.is_on = self.screen.there
        return self.screen.there

    def _page(self, page, pixels):
        if self.screen.there:
            self.screen.pages[page] = bytes(pixels)
            self.screen.written.append((page, self.hal.now_ms()))
        return self.screen.there

    @property
    def rows(self):
        """What is shown, as texts."""
        return self.patient._display._shown.rows

    @property
    def place(self):
        return self.patient._dialogue.place

    def turns(self, count=1, ms=10):
        """Turns of the main loop without its link. A host that has a session is there."""
        for _ in range(count):
            self.hal.pass_ms(ms)
            if self.session.owner:
                self.supervisor.renew(self.session.owner)
            now_ms = self.hal.now_ms()
            self.supervisor.step(now_ms)
            self.patient.step(now_ms)

    def press(self, *names, turns=8, after=8):
        """Press these buttons for some turns, and let go."""
        self.mask = sum([1 << buttons.NAMES.index(name) for name in names])
        self.turns(turns)
        self.mask = 0
        self.turns(after)

    def answer(self):
        """From a programme that is shown to where START has to be held."""
        self.press("start")
        while self.place == "ask":
            self.turns(100)
            self.press("start")

    def begin(self):
        """A session of the panel."""
        self.answer()
        self.press("start", turns=110)

    def level(self, lane=0):
        return self.session.lanes[lane].intensity_ua if self.session.lanes else 0
