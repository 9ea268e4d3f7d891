"""A device as its user has it: what a wait lets through, and what it costs to have one at hand."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import Any

import pytest

from opennmes.emulator.pico import BenchError
from opennmes.ports.emulator import EmulatedFace
from opennmes.ports.errors import PortError
from opennmes.ports.lamps import Lamps


class Pico:
    """Lets time pass; `meanwhile` is what happens in the middle of it."""

    def __init__(self, meanwhile: Any) -> None:
        self.nanos = 0
        self._meanwhile = meanwhile

    def run_for(self, nanos: int) -> None:
        self._meanwhile()
        self.nanos += nanos


def face_of(pico: Pico) -> EmulatedFace:
    face = object.__new__(EmulatedFace)
    face.pico = pico  # type: ignore[assignment]
    return face


def test_ctrl_c_tears_no_slice_of_the_emulator_apart_and_is_heard_after_it() -> None:
    pico = Pico(lambda: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        face_of(pico).wait(5)
    assert pico.nanos == 20_000_000


@pytest.mark.parametrize("seconds", [0.0, 1e-12, 0.05, 0.15, 1.5])
def test_a_wait_is_never_shorter_than_asked_for_and_by_less_than_a_nanosecond_longer(seconds: float) -> None:
    pico = Pico(lambda: None)
    face_of(pico).wait(seconds)
    assert 0 <= pico.nanos - seconds * 1e9 < 1


def test_an_emulated_board_that_dies_is_a_port_that_is_gone() -> None:
    def dies() -> None:
        raise BenchError("it died")

    with pytest.raises(PortError, match="it died"):
        face_of(Pico(dies)).wait(1)


def test_the_bits_of_the_virtual_board_are_the_lamps_in_their_order() -> None:
    assert [Lamps.of_bits(1 << place) for place in range(4)] == [
        Lamps(output=True), Lamps(ready=True), Lamps(fault=True), Lamps(buzzer=True),
    ]  # fmt: skip
    assert Lamps.of_bits(0) == Lamps() and Lamps.of_bits(15) == Lamps(True, True, True, True)
    for bits in (-1, 16):
        with pytest.raises(ValueError, match="there are 4"):
            Lamps.of_bits(bits)


def test_no_verb_loads_the_emulated_chip_or_a_terminal_s_pictures_before_it_needs_them() -> None:
    asked = (
        "from opennmes.cli import app; import sys; app.command([]); "
        "print(sorted({'rp2040py', 'textual', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
