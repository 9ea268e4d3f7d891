"""What the contracts promise, row by row, and which claims of the runs bear on each: shown by pins, or not shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from opennmes.device.acceptance.bench import Found
from opennmes.measure.amplitudes import LOOK, RAMP
from opennmes.measure.claims import FAILED, PASSED, UNCLEAR, Claim

NOT_SHOWN = "not shown"

# The beginnings of the names of runs.
_SESSIONS = ("programme", "range", "two channels", "usb traffic")


@dataclass(frozen=True)
class Promise:
    """One row. `runs` and `claims` are the beginnings of names: each of the runs has to have some of the claims.
    Without claims `why` says why pins cannot show it."""

    what: str
    bound: str
    page: str
    runs: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    why: str = ""


PROMISES = (
    Promise("phase width, gap, and A against B", "exact to the engine's cycle", "docs/verify.md", _SESSIONS,
            ("phase A", "gap", "phase B", "B less A")),
    Promise("period; N pulses asked, N delivered", "exact to a cycle, no drift", "docs/verify.md", _SESSIONS,
            ("period", "rest", "time in the train", "begin of trains", "count", "distance of the channels", "clocks")),
    Promise("jitter with USB traffic", "none", "docs/safety.md", ("usb traffic",),
            ("phase A", "gap", "phase B", "period", "time in the train")),
    Promise("A and B overlap", "never", "docs/hardware.md", _SESSIONS, ("overlaps", "order")),
    Promise("outputs at boot, reset and in BOOTSEL", "low", "docs/hardware.md",
            ("boot", "reset in mid-phase", "flashing"),
            ("outputs", "the reset takes the enable", "a phase was on when the reset came", "it comes back")),
    Promise("the unused channel", "rests", "docs/verify.md", ("programme", "range"), ("rests, as it is not used",)),
    Promise("enable and pump while pulses run", "high; a steady 100 kHz wave", "docs/hardware.md", _SESSIONS,
            ("enable around", "pump, half")),
    Promise("trip input or emergency stop to enable off", "at most 1 us, without the CPU", "docs/hardware.md",
            ("interlock", "stop_loop"), ("interlock", "stop_loop", "fault after", "pulses after", "pump after")),
    Promise("host lost", "2 s, then to zero within 1 s, and stop; the lease ends", "docs/safety.md", ("host gone",),
            ("pulses", "enable", "pump")),
    Promise("stop and pause", "the running pulse ends, nothing comes after it", "docs/safety.md", ("pause and stop",),
            ("pulses", "goes on", "the running pulse", "enable", "pump")),
    Promise("soft reset with a phase high", "the pump stands still, the phase is low within 100 ms", "docs/safety.md",
            ("soft reset",), ("Ctrl-C", "maintenance", "a phase is high", "phase after", "enable", "pump", "it comes")),
    Promise("flashing while pulses run", "refused", "docs/protocol.md", ("flashing",), ("bootloader",)),
    Promise("amplitude changes between pulses only, by hand up by 1 mA per 250 ms", "never within a pulse",
            "docs/safety.md", ("levels by hand", "ramps"),
            ("amplitude within a pulse", "rise by hand", "a step of", "level after the last", "level after a step")),
    Promise("ramps and plateau", f"each pulse's level, ± {RAMP} and ± {LOOK} of 1000", "docs/prescriptions.md",
            ("ramps",), ("plateau", "ramp up", "ramp down")),
    Promise("amplitude outside a session, and before the first step", "0", "docs/safety.md", ("levels by hand",),
            ("level before", "level at", "level after stop", "level of the unused")),
    Promise("lamps and buzzer", "ready in idle; fault and buzzer in a fault", "docs/faults.md",
            ("boot", "interlock", "stop_loop"), ("lamps",)),
    Promise("an over-long phase to enable off", "limit + at most 1 us", "docs/hardware.md",
            why="no firmware that works makes one; the self-test of each arming tries the guard"),
    Promise("the CPU stands still at any instruction", "2 periods or 100 ms", "docs/safety.md",
            why="it needs a debugger"),
    Promise("the main loop is stuck", "watchdog within 1 s, then FAULT", "docs/safety.md", why="it needs a debugger"),
    Promise("an electrode comes off or is shorted", "zero within 3 pulses", "docs/safety.md",
            why="the resistor stays where it is"),
    Promise("the delivered current", "10 uA of net direct current", "docs/safety.md", why="pins have no current"),
    Promise("memory", "nothing allocated for a pulse", "docs/safety.md", why="pins do not show it"),
    Promise("a CPU that is 1.7 times slower misses nothing", "no underrun", "docs/benchmark.md",
            why="this chip is as fast as it is; what it missed would show in period and count"),
    Promise("what runs", "frozen code only, and host and board agree on its digest", "docs/safety.md",
            why="pins do not show it; the board's own word for it stands above"),
    Promise("whose session", "only its owner raises anything", "docs/safety.md", why="pins do not show it"),
    Promise("flash", "nothing written while armed; no power cut loses anything", "docs/safety.md",
            why="pins do not show it"),
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A promise and what became of it."""

    promise: Promise
    verdict: str
    measured: str
    claims: list[tuple[str, Claim]]


def rows(found: Sequence[Found]) -> list[Row]:
    """Every promise, judged by the claims that bear on it: any that failed fails it, any that is unclear leaves it so,
    and so does none at all."""
    return [_row(promise, found) for promise in PROMISES]


def _row(promise: Promise, found: Sequence[Found]) -> Row:
    if not promise.claims:
        return Row(promise, NOT_SHOWN, promise.why, [])
    bearing = [
        (run.name, claim)
        for run in found
        if run.name.startswith(promise.runs)
        for claim in run.claims
        if claim.name.startswith(promise.claims)
    ]
    verdicts = {claim.verdict for _, claim in bearing}
    lacks = [run for run in promise.runs if not any(name.startswith(run) for name, _ in bearing)]
    verdict = FAILED if FAILED in verdicts else UNCLEAR if UNCLEAR in verdicts or lacks else PASSED
    counts = [f"{sum(claim.verdict == each for _, claim in bearing)} {each}" for each in (PASSED, FAILED, UNCLEAR)
              if any(claim.verdict == each for _, claim in bearing)]  # fmt: skip
    shown = f"claims: {', '.join(counts)}" if counts else "no run showed it"
    return Row(promise, verdict, f"{shown}; nothing of {', '.join(lacks)}" if lacks and counts else shown, bearing)
