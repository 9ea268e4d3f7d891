"""The witness's own firmware on an emulated Pico: what it says is what its pins did, it pulls low and never drives
high, and what it could not keep up with it says."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from rp2040py.gpio_pin import GPIOPinState

from opennmes.boards import load_board
from opennmes.device.acceptance.wrong import WitnessError
from opennmes.device.identity import witness as digest
from opennmes.device.uf2 import read_uf2
from opennmes.device.witness import PROTOCOL, Witness
from opennmes.emulator.pico import EmulatedPico
from opennmes.emulator.virtual_witness import _Level
from opennmes.measure.captures.witness import CYCLE_PS, WINDOW_CYCLES, Recording
from opennmes.ports.emulator import EmulatedPort

GO = 25
BOARD = load_board("pico")
PHASE_A, ENABLE, PUMP = BOARD["pins"]["channels"][0]["phase_a"], BOARD["pins"]["enable"], BOARD["pins"]["pump"]
INTERLOCK = BOARD["pins"]["interlock"]
CYCLE_NS = CYCLE_PS // 1000
PIO0_RXF0 = 0x5020_0020


class Bench:
    """A witness, asked who it is, with nothing at its pins but what the tests drive."""

    def __init__(self, uf2: Path) -> None:
        self.pico = EmulatedPico(uf2)
        self.pico.loopback([GO])  # a real pad can be read back
        self.go_ns: list[int] = []
        self.pico.watch(GO, lambda level: self.go_ns.append(self.pico.nanos) if level else None)
        self.witness = Witness(EmulatedPort(self.pico))
        self.witness.hello()
        self.made: dict[int, list[tuple[int, int]]] = {}

    def drive(self, pin: int, level: int) -> None:
        self.pico.set_input(pin, level)
        self.made.setdefault(pin, []).append((self.pico.nanos, level))

    def said(self, seconds: float = 0.03) -> Recording:
        """What it has said, after some more time."""
        self.pico.run_for(round(seconds * 1e9))
        self.witness.poll()
        assert self.witness.recording is not None
        return self.witness.recording

    def late(self, role: str, pin: int) -> list[int]:
        """By how many cycles each change was seen late, by the clock that begins with GO."""
        edges, made = self.said().edges(role), self.made[pin]
        assert [level for _, level in edges] == [level for _, level in made]
        # GO passes the loop-back of the emulator, two cycles, before anybody sees it.
        go_ps = (self.go_ns[-1] + 2 * CYCLE_NS) * 1000
        return [-((ns * 1000 - go_ps - ps) // CYCLE_PS) for (ps, _), (ns, _) in zip(edges, made, strict=True)]


@pytest.fixture(scope="module")
def booted(witness_uf2: Path, share: Callable[[EmulatedPico], None]) -> Bench:
    bench = Bench(witness_uf2)
    share(bench.pico)
    return bench


def test_it_says_who_it_is_and_by_which_firmware(booted: Bench) -> None:
    said = booted.witness.identity
    assert (said["witness"], said["board"], said["digest"]) == (PROTOCOL, "pico", digest())
    assert said["cpu_hz"] == 1_000_000_000 // CYCLE_NS
    assert said["gpios"]["phase_a_0"] == PHASE_A and len(said["machines"]) == len(said["level_machines"]) == 8


def test_changes_of_pins_in_both_blocks_are_told_to_the_cycle_and_on_one_clock(booted: Bench) -> None:
    booted.witness.record()
    die = random.Random(1)
    for _ in range(60):
        for pin in (PHASE_A, ENABLE):
            booted.pico.run_for(die.choice((100, 400, 1_000, die.randrange(1_000, 200_000))))
            booted.drive(pin, len(booted.made.get(pin, [])) % 2 ^ 1)
        booted.witness.poll()
    late = booted.late("phase_a_0", PHASE_A) + booted.late("enable", ENABLE)
    # Where a change falls into a cycle 0 to 1, the round up to 2, and up to 1 more right after a rise.
    assert min(late) >= 0 and max(late) <= 3
    assert booted.said().lost == []


def test_a_pin_that_is_high_when_it_begins_is_high_from_the_begin(booted: Bench) -> None:
    booted.pico.set_input(ENABLE, 1)
    booted.witness.record()
    assert booted.said().level("enable", 100 * CYCLE_PS) == 1


def test_the_pump_is_told_as_stretches_with_its_shortest_and_longest_half(booted: Bench) -> None:
    booted.witness.record()
    for number in range(1_000):
        booted.drive(PUMP, number % 2 ^ 1)
        booted.pico.run_for(5_000)
    booted.pico.run_for(2_000_000)
    for number in range(10):
        booted.drive(PUMP, number % 2 ^ 1)
        booted.pico.run_for(10_000)
    said = booted.said()
    assert said.lost == [] and [wave.halves for wave in said.waves] == [999, 9]
    first, second = said.waves
    made = booted.made[PUMP]
    for wave, begin, end in ((first, 0, 999), (second, 1_000, 1_009)):
        assert abs(wave.end_ps - wave.begin_ps - (made[end][0] - made[begin][0]) * 1000) <= 3 * CYCLE_PS
        halves = [(b[0] - a[0]) * 1000 for a, b in zip(made[begin:end], made[begin + 1 : end + 1], strict=True)]
        assert abs(wave.least_ps - min(halves)) <= 3 * CYCLE_PS and abs(wave.most_ps - max(halves)) <= 3 * CYCLE_PS


def test_the_real_pump_for_a_while_is_one_stretch_and_nothing_is_lost(booted: Bench) -> None:
    booted.witness.record()
    for number in range(20_000):  # 0.1 s, more than its ring holds
        booted.pico.set_input(PUMP, number % 2 ^ 1)
        booted.pico.run_for(5_000)
    said = booted.said()
    assert said.lost == [] and [wave.halves for wave in said.waves] == [19_999]


def test_levels_are_counted_in_windows_beside_the_phases_and_then_changes_are_told_again(booted: Bench) -> None:
    booted.witness.record(levels=True)
    pins = BOARD["pins"]["channels"][0]
    exact = {pins["level_a"]: _Level(), pins["level_b"]: _Level()}
    go = booted.go_ns[-1] + 2 * CYCLE_NS
    booted.drive(PHASE_A, 1)
    for _ in range(1_250):  # 10 ms
        for name, level, cycles in (("level_a", 1, 0), ("level_b", 1, 0), ("level_a", 0, 237), ("level_b", 0, 264)):
            booted.pico.run_for(cycles * CYCLE_NS)
            booted.pico.set_input(pins[name], level)
            exact[pins[name]].change((booted.pico.nanos - go) / CYCLE_NS, level)
        booted.pico.run_for((1_000 - 501) * CYCLE_NS)
    booted.drive(PHASE_A, 0)
    said = booted.said(0.02)
    assert said.lost == [] and len(said.plateaus) == 4
    for role, gpio in (("level_a_0", pins["level_a"]), ("level_b_0", pins["level_b"])):
        heard = said.plateaus[said.pins[role]]
        counts = [high for _, number, least, most in exact[gpio].take(heard[-1].end * WINDOW_CYCLES + 3)
                  for high in [(least + most) / 2] * number]  # fmt: skip
        assert len(counts) == heard[-1].end > 800 and max(counts) > 200 and counts[-1] == 0
        offs = [abs(counts[at] - high) for each in heard for at in range(each.first, each.end)
                for high in (each.least, each.most)]  # fmt: skip
        # Each of a window's six edges to a look: these come when an instruction ends, and not each 1000 cycles.
        assert max(offs) <= 6 and sum(offs) / len(offs) < 1
    assert [each.most for each in said.plateaus[said.pins["level_a_1"]]] == [0]
    assert max(booted.late("phase_a_0", PHASE_A)) <= 3
    booted.made.clear()
    booted.witness.record()
    for level in (1, 0):
        booted.drive(ENABLE, level)
        booted.pico.run_for(100_000)
    assert max(booted.late("enable", ENABLE)) <= 3 and booted.said().lost == []


def test_what_was_written_over_before_it_was_read_is_told(booted: Bench) -> None:
    booted.witness.record()
    booted.pico.halt_cpu()  # the longest of all pauses: here until the ring has come round
    for number in range(1_200):
        booted.pico.set_input(PHASE_A, number % 2 ^ 1)
        booted.pico.run_for(1_000)
    booted.pico.mcu.core.waiting = False
    booted.pico.mcu.core.enabled_interrupts = 0xFFFF_FFFF
    assert any("written over" in text and text.startswith("phase_a_0") for text in booted.said(0.1).lost)


def test_a_machine_that_had_to_wait_is_told(booted: Bench) -> None:
    booted.witness.record()
    booted.pico.run_for(1_000_000)
    for channel in booted.pico.mcu.dma.channels:  # nobody takes what the machines say
        channel.write_uint32(0x10, 0)
    for number in range(12):
        booted.pico.set_input(PHASE_A, number % 2 ^ 1)
        booted.pico.run_for(1_000)
    assert any("had to wait" in text and text.startswith("phase_a_0") for text in booted.said(0.1).lost)


def test_it_pulls_low_and_lets_go_and_never_drives_high(booted: Bench) -> None:
    gpio = booted.pico.mcu.gpio
    states: dict[int, set[GPIOPinState]] = {}
    for pin in (INTERLOCK, BOARD["pins"]["stop_loop"], booted.witness.identity["gpios"]["run"]):
        states[pin] = {gpio[pin].value}
        gpio[pin].add_listener(lambda state, _before, pin=pin: states[pin].add(state))
    booted.witness.pull("interlock")
    assert gpio[INTERLOCK].value is GPIOPinState.LOW
    booted.witness.pull("stop_loop", "run")
    assert gpio[INTERLOCK].value is not GPIOPinState.LOW
    booted.witness.pull()
    assert not any(GPIOPinState.HIGH in seen for seen in states.values())
    assert all(GPIOPinState.LOW in seen for seen in states.values())


def test_it_says_what_is_in_its_flash_and_goes_into_bootsel(booted: Bench, witness_uf2: Path) -> None:
    image = read_uf2(witness_uf2, 1 << 21)
    for at, count in ((0, 5_000), (len(image.data) - 4_097, 4_097)):
        said = booted.witness.ask(f"sha256 {at} {count}", 10.0)["sha256"]
        assert said == hashlib.sha256(image.data[at : at + count]).hexdigest()
    with pytest.raises(WitnessError):
        booted.witness.ask("sha256 0 x", 0.2)
    booted.witness.hello()
    booted.witness.pull("interlock")
    booted.witness.ask("bootloader")
    assert booted.pico.run_until(lambda: booted.pico.in_bootsel, 500_000_000)


def test_every_other_wire_is_an_input_whatever_comes_over_usb(booted: Bench) -> None:
    for junk in (b"\x03\x04\x02\x01", b"hello\r\n", b"pull interlock 00000000\r\n", b'{"seq":1,"cmd":"identify"}\n',
                 b"x" * 500 + b"\n"):  # fmt: skip
        booted.witness.port.write(junk)
    booted.pico.run_for(20_000_000)
    booted.witness.hello()
    gpios = booted.witness.identity["gpios"].values()
    assert [pin for pin in gpios if booted.pico.mcu.gpio[pin].value in (GPIOPinState.LOW, GPIOPinState.HIGH)] == []
