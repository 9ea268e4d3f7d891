"""What is compared: one pulse, and the ways to make it. The programs are in methods/."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
LOADS = ("idle", "loaded")
OURS = "opennmes"
BASELINE = "nothing"


@dataclass(frozen=True)
class Asked:
    """The pulse that every method is to make, in nanoseconds."""

    width_ns: int = 250_000
    gap_ns: int = 50_000
    period_ns: int = 20_000_000


@dataclass(frozen=True)
class Method:
    """A program of methods/, and where its phases come out."""

    name: str
    title: str
    phase_b: int = 3  # phase A is GP2
    stops: tuple[str, ...] = ("polled", "soft", "hard")  # ways to stop it that are tried
    after: tuple[str, ...] = ()  # the programs of methods/ that it changes

    @property
    def program(self) -> str:
        """What is sent to the board."""
        files = [HERE / "methods" / f"{name}.py" for name in (*self.after, self.name)]
        return "\n".join(file.read_text() for file in (*files, HERE / "harness.py"))


METHODS = (
    Method("soft_timer", "soft Timer, sleep_us"),
    Method("hard_timer", "hard interrupt, ticks_us wait"),
    Method("pwm_one_slice", "PWM, one slice, one output inverted"),
    Method("pwm_two_slices", "PWM, two slices started in turn", phase_b=6),
    Method("pwm_phase", "PWM, two slices, phase set by mem32", phase_b=6),
    Method("rmt_like", "RMT-like: PIO, one word an edge by IRQ"),
    Method("pio_soft_timer", "PIO, put() from a soft Timer"),
    Method("pio_dma", "PIO fed by a finite DMA"),
    Method(OURS, "OpenNMES", stops=("guard",)),
)
# Not one of the compared: what the CPU has left with both channels at 100 Hz.
BOTH = Method("opennmes_both", "OpenNMES, both channels at 100 Hz", stops=(), after=(OURS,))
BOTH_PERIOD_NS = 10_000_000
NOTHING = Method(BASELINE, "no pulses", stops=())
