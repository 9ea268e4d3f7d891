"""The two boards of an acceptance: the one that is judged, and the witness that looks at its pins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nmes.core import programme, session
from nmes.core.calibration import Calibration
from opennmes.device.acceptance.wrong import WitnessError
from opennmes.device.client import Device, DeviceRefused
from opennmes.device.patience import stretched
from opennmes.device.witness import Heard, Witness, halted
from opennmes.measure import amplitudes, names, verify, witnessed
from opennmes.measure.captures.witness import SAMPLING, Recording
from opennmes.measure.claims import NOT_CAPTURED, Claim
from opennmes.measure.expected import Expected
from opennmes.measure.seen import PS_PER_US, Seen, Stretch, read
from opennmes.ports.base import Port
from opennmes.ports.errors import PortError
from opennmes.prescription.timetable import timetable

MOST_PPM = 100.0
CURRENT_UA = 1_000  # the first step from zero: enough for a stage that measures
PULLED_S = 0.01
BACK_S = 15.0


@dataclass
class Found:
    """What a run has found. For the picture: `seen`, `expected` and `report` are of a session that was judged by its
    prescription; `recording` and `around_ps`, a moment of it, of anything else."""

    name: str
    title: str
    claims: list[Claim] = field(default_factory=list)
    seen: Seen | None = None
    expected: Expected | None = None
    report: verify.Report | None = None
    recording: Recording | None = None
    around_ps: int | None = None


class Bench:
    """`open_port` opens the device's port, again after each reset. `quick`: sessions as short as they can be judged."""

    def __init__(
        self, witness: Witness, open_port: Callable[[], Port], stage: Mapping[str, Any], *, quick: bool = False
    ) -> None:
        self.witness = witness
        self.stage = stage
        self.quick = quick
        self._open_port = open_port
        self.port: Heard
        self.device: Device

    # ---- the board ----

    def connect(self) -> dict[str, Any]:
        """Open the device's port and find out who is there. Raises PortError and LinkError."""
        self.port = Heard(self._open_port(), self.witness)
        self.device = Device(self.port)
        return self.device.connect()

    def back(self) -> bool:
        """Connect again after a reset. Returns whether the board came back."""
        until_s = self.witness.port.now_s() + stretched(BACK_S)
        while True:
            try:
                self.connect()
                return True
            except PortError:
                if self.witness.port.now_s() >= until_s:
                    return False
                self.let_pass(0.2)

    def let_pass(self, seconds: float) -> None:
        """Nobody says anything to the device."""
        until_s = self.witness.port.now_s() + seconds
        while (left_s := until_s - self.witness.port.now_s()) > 0:
            self.witness.poll(min(0.02, left_s))

    def reset(self) -> None:
        """By the wire to its reset; its port is gone then."""
        self.witness.pull("run")
        self.let_pass(PULLED_S)
        self.witness.pull()
        self.port.close()

    # ---- sessions ----

    def record(self, *, levels: bool = False) -> Recording:
        """Record from now on; `levels`: phases and levels, and nothing else."""
        return self.witness.record(levels=levels)

    @property
    def recording(self) -> Recording:
        """What has been recorded."""
        assert self.witness.recording is not None
        return self.witness.recording

    def now_ps(self) -> int:
        """The witness's time now, after all that was done before."""
        return self.recording.ps_of(int(self.witness.ask("hello")["us"]))

    def begin(self, data: dict[str, Any], current_ua: int = CURRENT_UA) -> int:
        """Load, confirm, arm and start a session into the resistor, a step above zero on each channel. Returns when it
        began."""
        device = self.device
        loaded = device.load(data)
        device.acknowledge()
        device.arm(loaded["programme_crc"])
        begin_ps = self.now_ps()
        device.start()
        for row in loaded["channels"]:
            if current_ua:
                device.set_intensity(current_ua, row["channel"])
        return begin_ps

    def raise_to(self, currents_ua: dict[int, int]) -> None:
        """Raise channels step by step. Raises DeviceRefused when the session ends meanwhile."""
        device = self.device
        while any(device.intensities.get(index, 0) < ua for index, ua in currents_ua.items()):
            device.steps_towards(currents_ua)
            if device.state != session.RUNNING:
                index, ua = next(iter(currents_ua.items()))
                device.set_intensity(ua, index)  # refused, and its reasons say why the session has ended

    def judged(self, data: dict[str, Any], begin_ps: int, end_ps: int, found: Found) -> None:
        """Judge the pins from an instant to another by what was loaded, as a part of its session."""
        self.let_pass(0.03)  # what the witness has noted and not said yet
        halted(self.witness)
        expected = timetable(programme.parse(data), self.stage)
        capture = self.recording.between(begin_ps, end_ps)
        roles = {role: role for role in capture.signals if role in names.ROLES}
        seen = read(capture, roles, SAMPLING, expected, MOST_PPM)
        if self.recording.pump is not None:
            seen.pump = _stretches(self.recording, expected.pump_half_us, begin_ps, end_ps)
        report = verify.verify(seen, expected, most_ppm=MOST_PPM, part=True)
        found.seen, found.expected, found.report = seen, expected, report
        found.claims += [claim for claim in report.claims if claim.verdict != NOT_CAPTURED]
        if self.recording.duties:  # which a run judges itself, as it knows the intensity
            for index, channel in seen.channels.items():
                channel.pulses = amplitudes.with_levels(self.recording, index, channel.pulses)

    def kept(self, found: Found, around_ps: int | None = None) -> Found:
        """The same; where the witness has lost anything nothing is clear."""
        halted(self.witness)
        if found.report is None:
            found.recording, found.around_ps = self.recording, around_ps
        if self.recording.lost:
            found.claims = [witnessed.unclear(claim, self.recording.lost[0]) for claim in found.claims]
        return found

    def codes(self) -> dict[int, Callable[[int], int]]:
        """What the DAC gets for a level, by channel, as the board is calibrated."""
        rows = self.device.request("calibration")["rows"]
        channels = range(self.stage["channels"])
        return {index: Calibration(self.stage, index, rows.get(str(index))).code for index in channels}

    def clear(self) -> str:
        """Clear the fault. Returns its name, "" for none."""
        status = self.device.status()
        if status["fault"]:
            self.device.clear(status["fault"])
        return str(status["fault_text"]) if status["fault"] else ""


def _stretches(recording: Recording, half_us: int, begin_ps: int, end_ps: int) -> list[Stretch]:
    """The pump's waves whose halves are all as they should be."""
    low_ps, high_ps = half_us * PS_PER_US * (1 - MOST_PPM / 1e6), half_us * PS_PER_US * (1 + MOST_PPM / 1e6)
    step_ps = SAMPLING.step_ps + _HALF_STEP_PS
    return [
        Stretch(max(begin_ps, wave.begin_ps), min(end_ps, wave.end_ps), wave.least_ps, wave.most_ps)
        for wave in recording.waves
        if wave.end_ps > begin_ps and wave.begin_ps < end_ps
        and wave.halves and wave.least_ps >= low_ps - step_ps and wave.most_ps <= high_ps + step_ps
    ]  # fmt: skip


_HALF_STEP_PS = 8_000  # whether a half was a high or a low one is not said with its rounds

__all__ = ["Bench", "DeviceRefused", "Found", "WitnessError"]
