"""One method under one load on an emulated Pico: runs it, pulls its emergency stops, returns its figures."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmark.catalogue import Asked, Method
from benchmark.figures import Figures, edges
from opennmes.boards import load_board
from opennmes.emulator.branch import branch
from opennmes.emulator.pico import SYNCHRONISER_NANOS, BenchError, EmulatedPico
from opennmes.emulator.repl import Repl, hide_main
from opennmes.measure.trace import Trace

PHASE_A = 2
ENABLE = 10
# Rounds of the main program: half a simulated second of each load.
ROUNDS = {"idle": 100, "loaded": 35}
# Inputs that are pulled low for each way to stop (harness.py; for the guard both wires of the board's interlock).
STOP_PINS = {"polled": (16,), "soft": (17,), "hard": (18,), "guard": ()}
# When in a period a stop is pulled, one period after the other: in and around both phases, and through the rest.
STOP_AT_US = (10, 3_100, 120, 8_700, 245, 12_900, 275, 16_100, 310, 19_700, 430, 5_500, 540, 14_300, 560, 10_900, 1_500)
STOP_PATIENCE_NANOS = 60_000_000
LATE_EDGE_NANOS = 2_000_000  # how long after permission a pulse may still end
DEATH_NANOS = 250_000_000  # how long a train is watched after its program has died


def run(uf2: Path, method: Method, load: str, asked: Asked) -> Figures:
    """The figures of one run. Raises BenchError when the program fails."""
    begin_wall = time.monotonic()
    pico = EmulatedPico(uf2)
    hide_main(pico)
    repl = Repl(pico)
    pins = load_board("pico")["pins"]
    stop_pins = {**STOP_PINS, "guard": (pins["stop_loop"], pins["interlock"])}
    for each in stop_pins.values():
        for pin in each:
            pico.set_input(pin, 1)
    # On silicon PIO reads back what the chip drives; on the emulated chip it takes a wire.
    pico.loopback([channel[phase] for channel in pins["channels"] for phase in ("phase_a", "phase_b")])
    trace = watch(pico, PHASE_A, method.phase_b, ENABLE)
    repl.run(method.program)
    micropython = repl.run("import sys; print('%d.%d.%d' % sys.implementation.version[:3], end='')")
    repl.start(f"run({load == 'loaded'}, {ROUNDS[load]})")
    stops: dict[str, list[int]] = {}
    off_nanos = 0
    if method.stops:
        stops = _try_stops(pico, trace, {way: stop_pins[way] for way in method.stops}, asked)
        off_nanos = branch(lambda: _nanos_after_death(pico, trace, asked))
    printed = repl.finish(timeout_s=5.0)
    trace.end_nanos = pico.nanos
    _check_permission(trace)
    found = edges(trace, asked)
    rounds_us, allocated, all_us = (int(each) for each in printed.rpartition("#")[2].split(","))
    return {
        **found,
        "stops_ns": stops,
        "off_ns": off_nanos,
        "rounds_us": rounds_us,
        "bytes": allocated,
        "bytes_over_us": all_us,
        "micropython": micropython,
        "simulated_s": pico.nanos / 1e9,
        "wall_s": round(time.monotonic() - begin_wall, 1),
    }


def watch(pico: EmulatedPico, phase_a: int, phase_b: int, enable: int) -> Trace:
    """A trace of one channel and of permission, from now on."""
    trace = Trace()

    def note(signal: str) -> Callable[[int], None]:
        return lambda level: trace.add(pico.nanos, signal, level)

    for signal, pin in (("ch0_a", phase_a), ("ch0_b", phase_b), ("enable", enable)):
        trace.add(pico.nanos, signal, pico.level(pin))
        pico.watch(pin, note(signal))
    return trace


def _try_stops(
    pico: EmulatedPico, trace: Trace, ways: dict[str, tuple[int, ...]], asked: Asked
) -> dict[str, list[int]]:
    """How long each way took from its input to permission gone, at each instant of STOP_AT_US."""
    if not pico.run_until(lambda: _up(trace, "enable") is not None, 2_000_000_000):
        raise BenchError("the program never gave permission")
    permitted = _up(trace, "enable") or 0
    if not pico.run_until(lambda: _up(trace, "ch0_a", permitted) is not None, 2 * asked.period_ns):
        raise BenchError("there is no pulse")
    first = _up(trace, "ch0_a", permitted) or 0
    took: dict[str, list[int]] = {way: [] for way in ways}
    for number, at_us in enumerate(STOP_AT_US, start=1):
        pico.run_for(first + number * asked.period_ns + 1_000 * at_us - pico.nanos)
        if not pico.level(ENABLE):
            raise BenchError("permission fell before all stops were tried")
        for way, pins in ways.items():
            took[way].append(branch(partial(stop_nanos, pico, partial(_pull, pico, pins))))
    return took


def _nanos_after_death(pico: EmulatedPico, trace: Trace, asked: Asked) -> int:
    """How long the output goes on when the main program ends by an exception; DEATH_NANOS when it does not end."""
    begin = pico.nanos
    pico.write(b"\x03")
    pico.run_for(DEATH_NANOS)
    ends = [DEATH_NANOS] + [nanos - begin for nanos, value in trace.changes("enable") if nanos > begin and not value]
    last = max(nanos for nanos, signal, _ in trace.rows if signal != "enable")
    at_rest = not (trace.value_at("ch0_a", pico.nanos) or trace.value_at("ch0_b", pico.nanos))
    if at_rest and pico.nanos - last > 2 * asked.period_ns:
        ends.append(max(0, last - begin))
    return min(ends)


def _up(trace: Trace, signal: str, since: int = 0) -> int | None:
    return next((nanos for nanos, name, value in trace.rows if name == signal and value and nanos >= since), None)


def _check_permission(trace: Trace) -> None:
    """Raises BenchError when there was no permission, or when it fell while pulses went on."""
    rose = _up(trace, "enable")
    last = max(nanos for nanos, signal, _ in trace.rows if signal != "enable")
    fell = [nanos for nanos, value in trace.changes("enable") if rose is not None and nanos > rose and not value]
    if rose is None or (fell and last - fell[0] > LATE_EDGE_NANOS):
        raise BenchError("permission fell while the pulses went on: the figures would be of another output")


def _pull(pico: EmulatedPico, pins: tuple[int, ...]) -> None:
    for pin in pins:
        pico.set_input(pin, 0)


def stop_nanos(pico: EmulatedPico, pull: Callable[[], None], enable: int = ENABLE) -> int:
    """From `pull` to the fall of `enable`; STOP_PATIENCE_NANOS when it does not fall."""
    begin = pico.nanos
    fell: list[int] = []

    def changed(level: int) -> None:
        if not level:
            fell.append(pico.nanos)
            pico.driver.stop()

    pico.watch(enable, changed)
    pull()
    pico.run_until(lambda: bool(fell), STOP_PATIENCE_NANOS)
    # The emulator's inputs have no synchroniser.
    return fell[0] - begin + SYNCHRONISER_NANOS if fell else STOP_PATIENCE_NANOS
