"""What the tests of biofeedback share: a stage with the input, programmes that wait for it, and somebody at it."""

from bench_hal import Bench
from samples import UNCALIBRATED, phase, programme, stage

from nmes.triggered import Triggered

STAGE = stage(channels=1, calibration=(UNCALIBRATED,), signal_most_mv=3_200)
QUIET, TIGHT = 40, 600  # mV


def table(**changes):
    """A trigger as a programme has it."""
    made = {"source": "signal", "threshold_mv": 300, "timeout_ms": 8_000, "on_timeout": "skip"}
    made.update(changes)
    return {key: value for key, value in made.items() if value is not None}


def waiting(trigger=None, phases=None, **changes):
    """A programme of trains of 2 s, with 3 s between them at least."""
    duration_ms = changes.pop("duration_ms", 100_000)
    cycle = phase(work_ms=2_000, rest_ms=3_000, ramp_up_ms=500, ramp_down_ms=500, duration_ms=duration_ms)
    phases = phases or [cycle]
    return programme(phases, trigger=table() if trigger is None else trigger, **changes)


class Listening(Bench):
    """A bench whose stage has the input. `begins` are the ms of the session's clock at which trains began."""

    supervises = Triggered

    def __init__(self):
        super().__init__(stage=STAGE)
        self.hal._signal_mv = QUIET
        self.begins = []

    def turn(self, ms=10, count=1):
        for _ in range(count):
            before = self.trigger.begun if self.trigger else 0
            super().turn(ms)
            if self.trigger and self.trigger.begun > before:
                self.begins.append(self.session.elapsed_ms(self.hal.now_ms()))

    @property
    def trigger(self):
        return self.supervisor._trigger

    @property
    def part(self):
        return self.session.part(self.hal.now_ms())[1]

    def signal(self, mv, ms):
        """The signal is so high for so long."""
        self.hal._signal_mv = mv
        self.turn(count=ms // 10)

    def tighten(self, ms=200):
        self.signal(TIGHT, ms)
        self.hal._signal_mv = QUIET
