"""The emulated device alone: display and buttons on the real firmware, a person who presses, and no host."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import processes
import pytest
import terminals
from sessions import OUTPUTS, rises

from nmes.core import buttons, checklist
from opennmes.device.client import Device
from opennmes.device.prescriptions import push
from opennmes.emulator.pico import EmulatedPico
from opennmes.emulator.stage import OutputStage
from opennmes.measure import pulses as measure
from opennmes.ports.emulator import EmulatedFace, EmulatedPort
from opennmes.ports.face import click, wait_until
from opennmes.ports.lamps import Lamps
from opennmes.ports.reading import UNKNOWN, lines
from opennmes.prescription import Prescription

SHORT = """
title = "Short"
site = "abdomen"

[electrode]
kind = "pads"
area_cm2 = 25

[limits]
max_current_ma = 20

[[phase]]
name = "work"
frequency_hz = 50
pulse_width_us = 250
interphase_gap_us = 50
work_s = 3
rest_s = 3
ramp_up_s = 0.5
ramp_down_s = 0.5
duration_min = 0.2
"""
# Its period is no multiple of the main loop's 10 ms, so pulses meet a page in every place.
LONG = SHORT.replace("_s = 3", "_s = 10").replace("_min = 0.2", "_min = 1").replace("_hz = 50", "_hz = 64")
LONG_PERIOD_NS = 15_625_000
PERIOD_NS, PULSES_OF_A_TRAIN, TRAINS = 20_000_000, 150, 2
READ_S = 1.05  # a question has to be there for a second
HOLD_S = 1.5
BOUNCE_MS = 5


class Alone:
    """A device that a clinic has given a prescription, since power-on, with nobody at its port."""

    def __init__(self, uf2: Path, board: dict[str, Any], stage: dict[str, Any], prescription: str = SHORT) -> None:
        self.pico = EmulatedPico(uf2)
        self.stage = OutputStage(self.pico, board, stage)
        self.face = EmulatedFace(self.pico, board, bounce_ms=BOUNCE_MS)
        device = Device(EmulatedPort(self.pico))
        device.tells_time = False
        device.connect()
        push(device, Prescription.from_text(prescription, Path("its.toml")))
        self.sees("Choose programme", 3)  # without a press
        self.pico.hard_reset()
        # The display has power all the time, and shows what it did until the firmware clears it.
        assert wait_until(self.face, lambda: not self.text().strip(), 3), self.text()
        self.sees("start: go on", 3)  # its last row: the buttons have been looked at by then

    def text(self) -> str:
        return "\n".join(lines(self.face.pixels()))

    def sees(self, words: str, seconds: float) -> None:
        """Wait until the display says so, whole."""
        assert wait_until(self.face, lambda: words in self.text() and UNKNOWN not in self.text(), seconds), self.text()

    def prepare(self) -> None:
        """Choose the programme and say of each question that it is so."""
        click(self.face, buttons.START)
        self.sees("Whole checklist", 1)
        self.face.wait(READ_S)
        click(self.face, buttons.START)
        for number in range(1, len(checklist.STOP) + 1):
            self.sees(f"Question {number} of {len(checklist.STOP)}", 1)
            self.face.wait(READ_S)
            click(self.face, buttons.START)
        self.sees("hold start:", 1)

    def begin(self) -> None:
        """All of that, then hold start until the session runs, at zero."""
        self.prepare()
        click(self.face, buttons.START, HOLD_S)
        self.sees("Work", 3)
        assert self.large() == "0"

    def large(self) -> str:
        return self.text().split("\n")[1]

    def up_to(self, ma: int) -> None:
        for level in range(int(self.large()) + 1, ma + 1):
            click(self.face, buttons.UP)
            self.sees(f"\n{level}\nmA", 1)

    def pulses(self) -> list[measure.Pulse]:
        return measure.pulses(self.stage.finish(), 0)

    def moved(self, since_ns: int) -> list[str]:
        return [signal for signal in OUTPUTS if any(nanos > since_ns for nanos in rises(self.stage, signal))]


@pytest.fixture(scope="module")
def chosen(
    uf2: Path, board: dict[str, Any], reference_stage: dict[str, Any], share: Callable[[EmulatedPico], None]
) -> Alone:
    """The programme is on the display."""
    alone = Alone(uf2, board, reference_stage)
    share(alone.pico)
    return alone


@pytest.fixture(scope="module")
def working(
    uf2: Path, board: dict[str, Any], reference_stage: dict[str, Any], share: Callable[[EmulatedPico], None]
) -> Alone:
    """A session of the panel's has just been raised to 3 mA, in a train of ten seconds."""
    alone = Alone(uf2, board, reference_stage, LONG)
    alone.begin()
    alone.up_to(3)
    share(alone.pico)
    return alone


def spaced(pulses: list[measure.Pulse]) -> list[int]:
    """From the beginning of each pulse to that of the next one, in ns."""
    return [after.start_nanos - before.start_nanos for before, after in itertools.pairwise(pulses)]


def test_a_patients_whole_session_with_no_host_to_its_end(chosen: Alone) -> None:
    since = chosen.pico.nanos
    chosen.prepare()
    assert chosen.moved(since) == [] and chosen.face.lamps() == Lamps(ready=True)
    click(chosen.face, buttons.START, HOLD_S)
    chosen.sees("Work", 3)
    assert chosen.large() == "0" and chosen.face.lamps().output
    chosen.up_to(3)
    chosen.sees("Rest", 4)
    click(chosen.face, buttons.UP)
    chosen.sees("Up only while it", 1)
    chosen.sees("Work", 5)
    assert chosen.large() == "3"
    click(chosen.face, buttons.DOWN)
    chosen.sees("\n2\nmA", 1)
    chosen.sees("Finished", 12)
    chosen.sees("press a button", 1)  # the last row: a page comes a turn
    assert "most 3 mA" in chosen.text()
    assert chosen.face.lamps() == Lamps(ready=True)
    # What the pins did: every pulse of both trains, to the cycle, and nothing afterwards.
    pulses = chosen.pulses()
    assert len(pulses) == TRAINS * PULSES_OF_A_TRAIN
    trains = (pulses[:PULSES_OF_A_TRAIN], pulses[PULSES_OF_A_TRAIN:])
    assert {gap for train in trains for gap in spaced(train)} == {PERIOD_NS}
    assert {(pulse.width_a_ns, pulse.gap_ns, pulse.width_b_ns) for pulse in pulses} == {(250_000, 50_000, 250_000)}
    assert 2_900 <= max(pulse.current_a_ua for pulse in pulses) <= 3_100
    ended = chosen.pico.nanos
    chosen.face.wait(0.5)
    assert chosen.moved(ended) == [] and chosen.pico.level(10) == 0
    assert chosen.face.oled.controller.complaints == {}


def test_the_display_moves_no_pulse_by_a_cycle(working: Alone) -> None:
    # Each page is sent while pulses run, some of it while a phase is on the pins; how many are, the image decides.
    since = working.pico.nanos
    for _ in range(2):
        working.up_to(6)
        for level in range(5, -1, -1):
            click(working.face, buttons.DOWN)
            working.sees(f"\n{level}\nmA", 1)
    pulses = [pulse for pulse in working.pulses() if pulse.start_nanos > since]
    sent = [span for span in working.face.oled.transmissions if span[0] > since]
    during = [
        pulse
        for pulse in pulses
        if any(begin < pulse.start_nanos + 550_000 and end > pulse.start_nanos for begin, end in sent)
    ]
    assert len(pulses) > 100 and len(sent) > 60 and during
    assert set(spaced(pulses)) == {LONG_PERIOD_NS}
    assert {(pulse.width_a_ns, pulse.gap_ns, pulse.width_b_ns) for pulse in pulses} == {(250_000, 50_000, 250_000)}


@pytest.mark.parametrize("fault", ["answers", "holds"])
def test_a_display_that_fails_in_a_session_costs_no_pulse_and_down_and_stop_still_act(
    working: Alone, fault: str
) -> None:
    since = working.pico.nanos
    setattr(working.face.oled, fault, fault == "holds")
    working.face.wait(1.1)  # the countdown changes every second, and its page is not taken
    pulses = [pulse for pulse in working.pulses() if pulse.start_nanos > since]
    assert len(pulses) >= 69 and set(spaced(pulses)) == {LONG_PERIOD_NS}
    level = pulses[-1].current_a_ua
    click(working.face, buttons.UP)
    working.face.wait(0.3)
    assert working.pulses()[-1].current_a_ua <= level, "what nobody can see is not raised"
    click(working.face, buttons.DOWN)
    working.face.wait(0.3)
    assert 900 < level - working.pulses()[-1].current_a_ua < 1_100
    working.face.press(buttons.STOP)
    assert wait_until(working.face, lambda: working.pico.level(10) == 0, 0.1)
    stopped = working.pico.nanos
    working.face.press(0)
    working.face.wait(0.5)
    assert working.moved(stopped) == [] and working.face.lamps() == Lamps(ready=True)


@pytest.mark.parametrize("button", [buttons.STOP, buttons.STOP | buttons.UP, buttons.ALL])
def test_stop_ends_the_session_within_a_turn_and_a_pulse_however_it_bounces(working: Alone, button: int) -> None:
    pressed = working.pico.nanos
    working.face.press(button)
    assert wait_until(working.face, lambda: working.pico.level(10) == 0, 0.1)
    last = max(pulse.start_nanos for pulse in working.pulses())
    assert last - pressed < 30_000_000
    working.face.press(0)
    working.sees("Stopped", 2)


def test_nmes_panel_gives_the_emulated_board_a_prescription_and_says_nothing_of_the_time_before(
    uf2: Path, tmp_path: Path
) -> None:
    # The display once showed what it had shown before the power was cut, and a press then was one at power-on.
    (tmp_path / "short.toml").write_text(SHORT)
    done = processes.ran(
        "panel", tmp_path / "short.toml", "--emulate", "--text", "--uf2", uf2, shell="<<END\nstart\nEND\n", new=True
    )
    assert done.returncode == 0, done.stderr
    said = [
        line
        for line in done.stdout.splitlines()
        if line.startswith(("No programme", "Choose", "Whole", "Question", "Fault"))
    ]
    assert said == ["Choose programme", "Whole checklist"]


def test_nmes_panel_shows_the_emulated_board_and_presses_its_buttons(uf2: Path) -> None:
    with terminals.at_terminal(
        "panel", "--emulate", "--uf2", uf2, columns=130, shows_output=True, LINES="40"
    ) as person:
        person.sees("the emulated board, ")
        person.sees("ready lamp: ON")
        # Held for 1.5 s of the board's time: a press of 0.15 s may be over before a busy machine has drawn it.
        person.sees("buttons pressed: start", start=person.press("h"))
        person.press("q")
        assert person.ends() == 0
