"""In mid-train: load on the CPU, strangers on the port, a CPU that stops, every kind of reset.

Booting and starting takes most of the time, so the tests share running sessions: each goes on from there in a branch.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from failures import branch
from mpremote import transport_serial
from mpremote.transport import TransportError
from starting import begin

from nmes.core import frame
from opennmes.device.client import ACTIVE, Device, DeviceRefused
from opennmes.emulator.pico import EmulatedPico
from opennmes.emulator.repl import Repl, hide_main, show_main
from opennmes.emulator.stage import OutputStage
from opennmes.measure import pulses as measure
from opennmes.ports.emulator import EmulatedPort, EmulatedPortWithStage

CURRENT_UA = 1_000
WIDTH_NS, GAP_NS = 500_000, 100_000
WHOLE = {(WIDTH_NS, GAP_NS, WIDTH_NS)}
DELAY_NS = 300_000  # of channel 1: at 400 us both are in phase A, at 700 us one in each, at 1000 us both in phase B
BOTH_IN_A_NS, A_AND_B_NS, BOTH_IN_B_NS = 400_000, 700_000, 1_000_000
MS = 1_000_000
OUTPUTS = ("ch0_a", "ch0_b", "ch1_a", "ch1_b", "enable", "permit")

PIO0, PIO1, DMA = 0x50200, 0x50300, 0x50000  # as RP2040.peripherals names them
PIO0_CTRL = 0x5020_0000
PIO_FLEVEL, PIO_TXF0, PIO_TXF3 = 0x0C, 0x10, 0x1C
DMA_CTRL, DMA_ABORT = 0x10, 0x444
DMA_CHANNEL_MASK = 0x3F


def programme(rate_mhz: int) -> dict[str, Any]:
    return {
        "title": "mid-train", "effect": "sensory", "electrode": {"kind": "dummy", "area_mm2": 10_000},
        "max_current_ua": 20_000,
        "phases": [
            {"name": "on", "rate_mhz": rate_mhz, "width_us": WIDTH_NS // 1000, "gap_us": GAP_NS // 1000, "work_ms": 0,
             "rest_ms": 0, "ramp_up_ms": 0, "ramp_down_ms": 0, "duration_ms": 60_000},
        ],
        "channels": [{"channel": 0, "delay_us": 0}, {"channel": 1, "delay_us": DELAY_NS // 1000}],
    }  # fmt: skip


@dataclass
class Running:
    """A session that delivers on both channels; `next_ns` is when channel 0's next pulse begins."""

    pico: EmulatedPico
    stage: OutputStage
    port: EmulatedPort
    device: Device
    period_ns: int
    asked_at: int = 0  # where HOOK takes its orders

    @property
    def next_ns(self) -> int:
        first = self.rises("ch0_a")[0]
        return first + -((first - self.pico.nanos) // self.period_ns) * self.period_ns

    def rises(self, signal: str) -> list[int]:
        return [nanos for nanos, value in self.stage.finish().changes(signal) if value]

    def falls(self, signal: str, since_ns: int) -> list[int]:
        return [nanos for nanos, value in self.stage.finish().changes(signal) if not value and nanos >= since_ns]

    def run_to(self, nanos: int) -> None:
        self.pico.run_for(nanos - self.pico.nanos)

    def ask(self, what: int, go: int = 0) -> None:
        self.pico.mcu.write_uint32(self.asked_at + 4, go)
        self.pico.mcu.write_uint32(self.asked_at, what)


def started(pico: EmulatedPico, stage: OutputStage, port: EmulatedPort, rate_mhz: int) -> Running:
    """Load, confirm, arm, start, a current on both channels; up to shortly before a pulse is queued."""
    device = Device(port)
    device.connect()
    begin(device, programme(rate_mhz))
    for channel in (0, 1):
        device.set_intensity(CURRENT_UA, channel)
    running = Running(pico, stage, port, device, 10**12 // rate_mhz)
    pico.run_for(80 * MS)  # pulses that were queued at zero
    running.run_to(running.next_ns + (3 * MS if rate_mhz == 100_000 else -100 * MS))
    return running


@pytest.fixture(scope="module")
def flashed(uf2: Path, request: pytest.FixtureRequest) -> Iterator[Running]:
    """The firmware as it is flashed, running at the rate that the test asks for."""
    port = EmulatedPortWithStage(uf2)
    yield started(port.stage._pico, port.stage, port, request.param)
    port.close()


at_100_hz = pytest.mark.parametrize("flashed", [100_000], indirect=True, ids=["100 Hz"])
at_both = pytest.mark.parametrize("flashed", [100_000, 1_000], indirect=True, ids=["100 Hz", "1 Hz"])

# The firmware with one thing added: in the loop's wait it does what the bench asks for.
HOOK = """
import framebuf, gc, machine
from array import array
from machine import Pin, SPI
from uctypes import addressof
from nmes.app import run
from nmes.hal.rp2.hal import Hal
asked = array("I", [0, 0, 0])  # what, when, and how often the display was drawn
spi = SPI(0, 4_000_000, sck=Pin(18), mosi=Pin(19), miso=Pin(16))
pixels = bytearray(1024)
display = framebuf.FrameBuffer(pixels, 128, 64, framebuf.MONO_VLSB)
wait_ms = Hal.wait_ms

def draw():
    display.fill(0)
    display.text("%d" % asked[2], 0, 0)
    display.fill_rect(0, 16, asked[2] & 127, 48, 1)
    spi.write(pixels)
    asked[2] += 1

def leave():
    raise ValueError("in mid-train")

def nothing(self):
    pass

def leave_untidily():
    Hal.all_off = nothing
    leave()

def soft_reset_untidily():
    Hal.all_off = nothing
    machine.soft_reset()

def watchdog():
    # What the firmware is given is cut short, so that it ends in mid-phase; 0x40058004 is LOAD.
    machine.mem32[0x40058004] = 2
    while True:
        pass

deeds = (machine.soft_reset, soft_reset_untidily, leave, leave_untidily, machine.reset, watchdog)

def wait(self, ms):
    what = asked[0]
    if what == 1:
        draw()
        gc.collect()
    elif what:
        while not asked[1]:
            pass
        asked[0] = 0
        deeds[what - 2]()
    wait_ms(self, ms)

Hal.wait_ms = wait
print(addressof(asked))
"""
DISPLAY, SOFT_RESET, SOFT_RESET_UNTIDY, EXCEPTION, EXCEPTION_UNTIDY, RESET, WATCHDOG = range(1, 8)


class Display:
    """Takes bytes from the SPI at its speed; rp2040py's own is done at once."""

    def __init__(self, pico: EmulatedPico) -> None:
        self.count = 0
        self._spi = pico.mcu.spi[0]
        self._done = pico.mcu.clock.create_alarm(lambda: self._spi.complete_transmit(0))
        self._spi.on_transmit = self._begin

    def _begin(self, _value: int) -> None:
        self.count += 1
        self._done.schedule(8e9 / self._spi.clock_frequency)


@pytest.fixture(scope="module")
def hooked(uf2: Path, board: dict[str, Any], reference_stage: dict[str, Any]) -> Running:
    """The firmware with HOOK, running at 100 Hz; from its next reset on it is as it was flashed."""
    pico = EmulatedPico(uf2)
    hide_main(pico)
    stage = OutputStage(pico, board, reference_stage)
    asked_at = int(Repl(pico).run(HOOK))
    show_main(pico)
    pico.write(b"\x02run()\r\n")  # at the friendly prompt: after a soft reset from the raw one no main.py would start
    pico.run_for(300 * MS)
    pico.read()
    running = started(pico, stage, EmulatedPort(pico), 100_000)
    running.asked_at = asked_at
    return running


def assert_exact(running: Running, until_ns: int | None = None) -> None:
    """Every pulse so far is whole, in its place to the nanosecond, and no phase pins were ever high together."""
    trace = running.stage.finish()
    found = [measure.pulses(trace, channel) for channel in (0, 1)]
    for channel, pulses in enumerate(found):
        assert {(p.width_a_ns, p.gap_ns, p.width_b_ns) for p in pulses} == WHOLE
        starts = [p.start_nanos for p in pulses]
        assert {later - sooner for sooner, later in itertools.pairwise(starts)} == {running.period_ns}
        assert starts[0] == running.rises("ch0_a")[0] + channel * DELAY_NS
        assert max(p.current_a_ua for p in pulses) == CURRENT_UA
        assert all(p.current_b_ua == -p.current_a_ua for p in pulses)
        assert measure.overlaps(trace, channel) == 0
    assert running.stage.shoot_throughs == []


def assert_counted(running: Running) -> dict[str, Any]:
    """End the session: what the device counted is what came out. Returns its account."""
    account: dict[str, Any] = running.device.stop()["account"]
    status = running.device.status()
    assert (status["state"], status["fault"], account["underruns"]) == ("IDLE", 0, 0), status["fault_text"]
    for row in status["channels"]:
        pulses = measure.pulses(running.stage.finish(), row["channel"])
        assert row["delivered"] == row["queued"] - row["cancelled"] == len(pulses)
    made = account["channels"][0]
    assert (made["measured"], made["missed"]) == (status["channels"][0]["delivered"], 0)
    return account


class Tap:
    """Calls back after the nth access of a kind to a peripheral, and after every one when `nth` is 0."""

    def __init__(
        self,
        running: Running,
        key: int,
        kind: str,
        offset: int,
        heard: Callable[[], None],
        nth: int = 0,
        mask: int = -1,
    ) -> None:
        peripherals = running.pico.mcu.peripherals
        self._peripheral = peripherals[key]
        self._kind, self._offset, self._mask, self._nth, self._heard = kind, offset, mask, nth, heard
        self._count = 0
        peripherals[key] = self

    def _hear(self, kind: str, offset: int) -> None:
        if kind == self._kind and offset & self._mask == self._offset:
            self._count += 1
            if self._nth in (0, self._count):
                self._heard()

    def read_uint32(self, offset: int) -> int:
        value: int = self._peripheral.read_uint32(offset)
        self._hear("read", offset)
        return value

    def write_uint32_atomic(self, offset: int, value: int, atomic_type: int) -> None:
        self._peripheral.write_uint32_atomic(offset, value, atomic_type)
        self._hear("write", offset)


# ---- load ----


def test_every_edge_is_exact_under_collections_traffic_and_a_display(hooked: Running) -> None:
    def work() -> tuple[int, int, int, int]:
        pico = hooked.pico
        display = Display(pico)
        renewed_ns: list[int] = []
        Tap(hooked, PIO1, "write", PIO_TXF3, lambda: renewed_ns.append(pico.nanos))
        hooked.ask(DISPLAY)
        begin_ns, lines, answered = pico.nanos, 0, b""
        while pico.nanos < begin_ns + 400 * MS:
            while pico.unsent < 256:  # there is always another line to take
                lines += 1
                cmd = "keepalive" if lines % 8 else "status"
                hooked.device.exchange.seq += 1
                pico.write(frame.encode({"seq": hooked.device.exchange.seq, "cmd": cmd, "host": hooked.device._host}))
            pico.run_for(10 * MS)
            answered += pico.read()
        turns = [later - sooner for sooner, later in itertools.pairwise(renewed_ns)]
        hooked.ask(0)
        while pico.unsent:
            hooked.port.read(0.05)
        drawn = pico.mcu.read_uint32(hooked.asked_at + 8)  # now that what was being drawn has been counted
        assert_counted(hooked)
        assert_exact(hooked)
        return answered.count(b'"ok"'), drawn, display.count, max(turns)

    answers, drawn, count, turn_ns = branch(work)
    print(f"{answers} answers, {drawn} collections, {count} bytes of pixels, a turn at most {turn_ns / MS} ms")
    assert answers >= 4 and drawn >= 6 and count == 1024 * drawn


# ---- strangers on the port ----


@at_100_hz
def test_h22_mpremote_does_not_get_in_and_changes_nothing(flashed: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def work() -> None:
        # mpremote's own code, on the emulated port and in the board's time.
        class Clock:
            monotonic = staticmethod(flashed.port.now_s)
            sleep = staticmethod(lambda seconds: flashed.pico.run_for(round(seconds * 1e9)))

        class Serial:
            write = staticmethod(flashed.pico.write)
            read = staticmethod(flashed.pico.read)
            inWaiting = staticmethod(lambda: flashed.pico.unread)

        monkeypatch.setattr(transport_serial, "time", Clock)
        mpremote = transport_serial.SerialTransport.__new__(transport_serial.SerialTransport)
        mpremote.serial, mpremote.is_pty, mpremote.use_raw_paste = Serial, False, True
        for soft_reset in (True, False):
            with pytest.raises(TransportError, match="could not enter raw repl"):
                mpremote.enter_raw_repl(soft_reset=soft_reset, timeout_overall=0.1)
        # And one that does not look at the answers.
        for sent in (
            b"\r\x03\x03",
            b"\r\x01",
            b"\x04",
            b"\x05A\x01",
            b"import machine; machine.reset()\x04",
            b"\r\x02",
        ):
            flashed.pico.write(sent)
            flashed.pico.run_for(10 * MS)
        before = len(flashed.rises("ch0_a"))
        assert flashed.device.status()["state"] == "RUNNING"
        assert len(flashed.rises("ch0_a")) > before and flashed.stage.powered
        assert_counted(flashed)
        assert_exact(flashed)
        assert flashed.pico.resets == 0

    branch(work)


@at_100_hz
def test_h14_a_port_that_closes_and_opens_changes_nothing_until_the_host_is_lost(flashed: Running) -> None:
    def work() -> None:
        pico, device = flashed.pico, flashed.device
        flashed.run_to(flashed.next_ns + BOTH_IN_A_NS)
        pico.cdc.set_control_lines(dtr=False, rts=False)
        pico.run_for(60 * MS)
        pico.cdc.set_control_lines(dtr=True, rts=True)
        asked_ns = pico.nanos  # the device counts from what it heard, not from its answer
        assert device.status()["state"] == "RUNNING"
        pico.cdc.set_control_lines(dtr=False, rts=False)
        pico.run_for(3_100 * MS)
        trace = flashed.stage.finish()
        assert trace.value_at("enable", pico.nanos) == 0
        assert_exact(flashed)
        found = measure.pulses(trace, 0)
        assert 2_900 * MS < found[-1].start_nanos - asked_ns < 3_100 * MS
        fading = [p.current_a_ua for p in found if p.start_nanos > asked_ns + 1_900 * MS]
        assert fading == sorted(fading, reverse=True) and fading[0] == CURRENT_UA and fading[-1] == 0
        pico.cdc.set_control_lines(dtr=True, rts=True)
        status = device.status()
        assert (status["state"], status["ended"], status["underruns"]) == ("IDLE", "host lost", 0)
        assert status["delivered"] == len(found) + len(measure.pulses(trace, 1))

    branch(work)


# ---- a CPU that stops ----


Moment = Callable[[Running], None]


def after(micros: int) -> Moment:
    """So long after where the session stands: anywhere in a turn of the loop."""
    return lambda running: running.pico.run_for(micros * 1000)


def at(micros: int) -> Moment:
    """So long after channel 0's next pulse begins."""
    return lambda running: running.run_to(running.next_ns + micros * 1000)


def tapped(key: int, kind: str, offset: int, nth: int = 1, mask: int = -1, line: str = "") -> Moment:
    """At the nth access to a peripheral; `line` makes the firmware do it if it does not come by itself."""

    def run(running: Running) -> None:
        hit: list[bool] = []

        def heard() -> None:
            hit.append(True)
            running.pico.halt_cpu()
            running.pico.driver.stop()

        Tap(running, key, kind, offset, heard, nth, mask)
        if line:
            running.device.exchange.seq += 1
            running.pico.write(
                frame.encode({"seq": running.device.exchange.seq, "cmd": line, "host": running.device._host})
            )
        assert running.pico.run_until(lambda: bool(hit), 300 * MS)

    return run


def starting(running: Running) -> None:
    """The first pulses are queued, the guard has given permission, the machines are not yet let go."""
    running.device.request("pause")
    tapped(PIO0, "write", PIO_TXF0, 4, line="start")(running)  # its rest before the first pulse, and three words


WATCHED_FOR_TWO_PERIODS = "third word fed"  # at 1 Hz that takes long
MOMENTS: dict[str, Moment] = {
    **{f"{micros} us into a turn": after(micros) for micros in (0, 3_100, 5_300, 7_900, 13_100)},
    "40 ms later": after(40_000),
    "settling": at(-100),
    "phase A begins": at(0),
    "mid-phase A": at(250),
    "both channels in phase A": at(400),
    "gap": at(550),
    "A on one, B on the other": at(700),
    "mid-phase B": at(850),
    "phase B ends": at(1_100),
    "rest": at(4_000),
    "before a put": tapped(PIO0, "read", PIO_FLEVEL),
    "in a put, the record in the list": tapped(DMA, "read", DMA_CTRL, mask=DMA_CHANNEL_MASK),
    "in a put, the chain looked at": tapped(DMA, "read", DMA_CTRL, 2, mask=DMA_CHANNEL_MASK),
    "first word fed": tapped(PIO0, "write", PIO_TXF0),
    "second word fed": tapped(PIO0, "write", PIO_TXF0, 2),
    "third word fed": tapped(PIO0, "write", PIO_TXF0, 3),
    "in a stop": tapped(DMA, "write", DMA_ABORT, line="stop"),
    "in a start": starting,
}


@at_both
@pytest.mark.parametrize("moment", MOMENTS)
def test_h05_a_cpu_that_stops_is_at_rest_within_100_ms(flashed: Running, moment: str) -> None:
    def work() -> tuple[float, int]:
        MOMENTS[moment](flashed)
        pico, stage = flashed.pico, flashed.stage
        pico.halt_cpu()
        stopped_at, hung_ns = pico.mcu.core.pc, pico.nanos
        for channel in (0, 1):
            on = [stage.trace.value_at(f"ch{channel}_{phase}", hung_ns) for phase in "ab"]
            assert abs(stage.current_ua(channel)) == CURRENT_UA * sum(on)
        pico.run_for(110 * MS)
        assert pico.mcu.core.pc == stopped_at
        if moment == WATCHED_FOR_TWO_PERIODS:
            pico.run_for(2 * flashed.period_ns)  # at 1 Hz the watchdog ends it on the way
        trace = stage.finish()
        off_ns = max(nanos for nanos, value in trace.changes("enable") if not value)
        assert off_ns - hung_ns < 100 * MS and not stage.powered
        for channel in (0, 1):
            # What was queued comes out whole, no pulse is cut, and no current is left over.
            found = measure.pulses(trace, channel)
            assert {(p.width_a_ns, p.gap_ns, p.width_b_ns) for p in found} == WHOLE
            assert {abs(p.current_a_ua) for p in found} <= {0, CURRENT_UA}
            assert found[-1].start_nanos - hung_ns < 100 * MS
            assert measure.summary(trace, channel)["net_charge_nc"] == 0
            assert [trace.value_at(f"ch{channel}_{phase}", off_ns) for phase in "ab"] == [0, 0]
        assert stage.shoot_throughs == []
        return (off_ns - hung_ns) / MS, len([nanos for nanos in flashed.rises("ch0_a") if nanos > hung_ns])

    print(moment, branch(work))


# ---- resets ----

DEATHS = {  # what dies: the order for HOOK
    "soft reset": SOFT_RESET,
    # The pump alone ends this one: MicroPython stops generator and guard and leaves their pins high.
    "soft reset without tidying up": SOFT_RESET_UNTIDY,
    "exception": EXCEPTION,
    "machine.reset": RESET,
    "watchdog": WATCHDOG,
    "RUN pin": 0,
}


def die(running: Running, order: int, moment_ns: int) -> int:
    """Die so long after a pulse begins; returns when the order came, and for the watchdog when the enable fell."""
    running.ask(order)
    running.run_to(running.next_ns + running.period_ns + moment_ns)  # in the loop's wait by then
    running.ask(order, go=1)
    died_ns = running.pico.nanos
    if not order:
        running.pico.hard_reset()
    if order == WATCHDOG:
        assert running.pico.run_until(lambda: running.pico.resets == 1, MS)
        return max(nanos for nanos, value in running.stage.finish().changes("enable") if not value)
    return died_ns


def machines_stop(running: Running) -> int:
    """Run until MicroPython's soft reset has stopped the pulse machines; returns when, to 2 us."""
    since_ns = running.pico.nanos
    while running.pico.mcu.read_uint32(PIO0_CTRL) & 0xF:
        running.pico.run_for(2_000)
        assert running.pico.nanos - since_ns < MS
    return running.pico.nanos


def untidy_way_out_ns(running: Running) -> int:
    """How long the program takes from the order to the soft reset that stops the machines: some 0.5 ms of Python."""

    def work() -> int:
        died_ns = die(running, SOFT_RESET_UNTIDY, 0)
        return machines_stop(running) - died_ns

    return branch(work)


def in_phase(running: Running) -> Iterator[tuple[int, int, int]]:
    """(channel, begin, end) of every time without a break in which current flowed in one direction."""
    for channel in (0, 1):
        changes = running.stage.finish().changes(f"ch{channel}_current_ua")
        for (rose, current_ua), (fell, _) in itertools.pairwise(changes):
            if current_ua:
                yield channel, rose, fell


def assert_waits_for_a_person(running: Running, died_ns: int) -> None:
    """The board is up again as it was flashed, and nothing moves until somebody arms and starts."""
    pico = running.pico
    pico.boot()
    pico.run_for(150 * MS)
    pico.read()
    device = Device(EmulatedPort(pico))
    device.connect()
    status = device.status()
    assert status["state"] not in ACTIVE and not any(row["intensity_ua"] for row in status["channels"])
    with pytest.raises(DeviceRefused):
        device.start()
    assert [signal for signal in OUTPUTS if running.rises(signal)[-1] > died_ns + MS] == []


@pytest.mark.parametrize("moment_ns", [BOTH_IN_A_NS, A_AND_B_NS, BOTH_IN_B_NS])
@pytest.mark.parametrize("death", DEATHS)
def test_h05_a_death_in_mid_phase_is_off_within_a_millisecond_and_stays_off(
    hooked: Running, reference_stage: dict[str, Any], death: str, moment_ns: int
) -> None:
    order = DEATHS[death]
    hold_ns = 1000 * reference_stage["pump_hold_us"] if order == SOFT_RESET_UNTIDY else 0  # nobody drops the enable

    untidy = order == SOFT_RESET_UNTIDY
    sooner_ns = untidy_way_out_ns(hooked) if untidy else 0

    def work() -> tuple[float, float]:
        died_ns = die(hooked, order, moment_ns - sooner_ns)
        if untidy:
            died_ns = machines_stop(hooked)
        hooked.pico.run_for(20 * MS)
        phases = list(in_phase(hooked))
        cut = [(begin, end) for _, begin, end in phases if begin < died_ns <= end]
        assert len(cut) == 2  # both channels were in phase
        assert max(end for _, _, end in phases) - died_ns < MS
        assert max(end - begin for _, begin, end in phases) <= WIDTH_NS + hold_ns
        off_ns = died_ns + hold_ns if hold_ns else hooked.falls("enable", died_ns)[0]
        assert [begin for _, begin, _ in phases if begin > off_ns] == []
        assert [hooked.stage.current_ua(channel) for channel in (0, 1)] == [0, 0] and not hooked.stage.powered
        assert hooked.stage.shoot_throughs == []
        if moment_ns == BOTH_IN_A_NS:
            if order == EXCEPTION:
                hooked.pico.write(b"\x04")  # MicroPython's prompt stands; a person resets
            assert_waits_for_a_person(hooked, died_ns)
        return max(end for _, end in cut) - died_ns, max(end - begin for begin, end in cut)

    off_ns, longest_ns = branch(work)
    print(f"off after {off_ns / 1000} us, longest phase {longest_ns / 1000} us")


def test_h05_an_exception_that_leaves_everything_running_is_off_within_100_ms(hooked: Running) -> None:
    def work() -> None:
        died_ns = die(hooked, EXCEPTION_UNTIDY, BOTH_IN_A_NS)
        hooked.pico.run_for(100 * MS)
        assert not hooked.stage.powered and hooked.stage.finish().value_at("enable", died_ns + 100 * MS) == 0
        assert_exact(hooked)  # what was queued comes out whole, and then no more

    branch(work)
