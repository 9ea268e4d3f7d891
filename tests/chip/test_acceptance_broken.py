"""Firmwares that are broken on purpose, on the emulated chip: the run of the acceptance list that has to see it does.

They are those of tests/host/broken that pins can show, and some more: what is broken is put over the frozen firmware at
the prompt, and then the firmware is started as its main.py does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from two_boards import TwoBoards

from opennmes.device.acceptance import runs
from opennmes.device.acceptance.accept import carried_out
from opennmes.device.acceptance.bench import Bench, Found
from opennmes.device.client import Device
from opennmes.emulator.pico import EmulatedPico
from opennmes.emulator.repl import Repl, hide_main
from opennmes.measure.claims import FAILED

START = """
import micropython
micropython.kbd_intr(-1)
from nmes.app import run
run()
"""
# The generator's place in the way of every pulse.
PUT = """
from nmes.hal.rp2.generator import Generator
_put = Generator.put
def put(self, a, b, width_a, gap, width_b, period, most, count):
    return _put(self, a, b, %s, most, count)
Generator.put = put
from nmes import channel_run, supervisor
supervisor.OFF_CLOCK_MS = channel_run.OFF_CLOCK_MS = 1000000
"""
# The same for levels, which nobody measures meanwhile.
LEVELS = """
from nmes.core import delivery
delivery.Delivery.judge = lambda self, pulses, now_ms, count: 0
from nmes.hal.rp2.generator import Generator
_put = Generator.put
def put(self, a, b, *rest):
    return _put(self, %s, *rest)
Generator.put = put
"""
PULSES = runs.plain("broken", rate_mhz=100_000, width_us=200)


def pulses(bench: Bench) -> list[Found]:
    return [runs.session_of(bench, "broken", "broken", PULSES)]


# What is broken; the run that has to see it; and the claim that fails. Where the firmware objects to itself before a
# pulse is on the pins, the run cannot be carried out.
ITSELF = "it could be carried out"
BROKEN: dict[str, tuple[str, Callable[[Bench], list[Found]], str]] = {
    "a microsecond too narrow": (PUT % "width_a - 1, gap, width_b - 1, period", pulses, "phase A"),
    "width_doubled": (PUT % "2 * width_a, gap, 2 * width_b, period", pulses, ITSELF),
    "unequal_phases": (PUT % "width_a, gap, width_b - 1, period", pulses, ITSELF),
    "no gap": (PUT % "width_a, 1, width_b, period", pulses, "gap"),
    "too_close": (PUT % "width_a, gap, width_b, period * 9 // 10", pulses, "period"),
    "a microsecond too slow": (PUT % "width_a, gap, width_b, period + 1", pulses, "clocks"),
    "a stop that leaves the engine running": (
        """
from nmes.hal.rp2.generator import Generator
Generator.stop = lambda self: 0
from nmes.hal.rp2.hal import Hal
Hal.all_off = lambda self: None
from nmes import supervisor
supervisor.Supervisor.fail = lambda self, number, text: None
""",
        runs.pause_and_stop,
        "pulses after stop",
    ),
    "a plateau that is too high": (LEVELS % "a and a + 5, b and b + 5", runs.ramps, "plateau"),
    "a plateau of phase B that is too low": (LEVELS % "a, max(b - 4, 0)", runs.ramps, ITSELF),
    "a ramp that is twice as fast": (
        """
from nmes.core import train
_envelope = train.envelope
def envelope(phase, t_ms, full):
    return _envelope(phase, 2 * t_ms if t_ms < phase.ramp_up_ms // 2 else max(t_ms, phase.ramp_up_ms), full)
train.envelope = envelope
""",
        runs.ramps,
        "ramp up",
    ),
    "a level that is left when it stops": (
        """
from machine import Pin
from nmes.hal.rp2.hal import Hal
_all_off = Hal.all_off
def all_off(self):
    _all_off(self)
    Pin(5, Pin.OUT, value=1)
Hal.all_off = all_off
""",
        runs.levels_by_hand,
        "level after stop",
    ),
    "a step of 2 mA is taken": (
        "from nmes.core import session\nsession.STEP_MAX_UA = 2000\n", runs.levels_by_hand, "a step of 2 mA at once"
    ),
    "host_never_lost": (
        "from nmes.core import session\nsession.HOST_LOST_MS = 1000000000\n", runs.host_gone, "pulses without a host"
    ),
    "goes on in a fault": (
        "from nmes import supervisor\nsupervisor.Supervisor.fail = lambda self, number, text: None\n",
        runs.interlock,
        "fault after interlock",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def prompted(uf2: Any, share: Callable[[EmulatedPico], None]) -> TwoBoards:
    """Two boards, the one that is judged at MicroPython's prompt."""
    boards = TwoBoards(uf2, prepared=hide_main)
    Repl(boards.pico).run("1")
    share(boards.pico)
    return boards


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_firmware_is_caught(name: str, prompted: TwoBoards, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Device, "tells_time", False)
    code, run, claim = BROKEN[name]
    Repl(prompted.pico).start(code + START)
    # The table of commands may be another then: the host does not mind here.
    monkeypatch.setattr("nmes.core.commands.crc", lambda: None)
    monkeypatch.setattr(Device, "connect", _connect)
    bench = prompted.connected()
    judged = {each.name: each for found in carried_out(bench, run) for each in found.claims}
    text = "\n".join(map(str, judged.values()))
    assert claim in judged and judged[claim].verdict == FAILED, text


def test_the_same_way_of_starting_it_is_right_without_anything_broken(
    prompted: TwoBoards, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Device, "tells_time", False)
    Repl(prompted.pico).start(PUT % "width_a, gap, width_b, period" + START)
    (found,) = pulses(prompted.connected())
    assert {each.verdict for each in found.claims} == {"passed"}


def _connect(self: Device) -> dict[str, Any]:
    self.identity = self.introduce()
    return self.identity
