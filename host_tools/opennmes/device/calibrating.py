"""The guided calibration of a device: one channel after the other, each reading kept as soon as a person has given it.

Nothing is in force before all readings of a channel make a row that nmes.core.calibration allows; then the row is
written, read back and tried on one more amplitude, and what does not put the current right is taken back. However it
ends, the session is stopped, and the next time it goes on where it was.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from nmes.core import calibration as declared
from nmes.core import digest, session
from nmes.core.reason import Refused
from opennmes.device.calibration import (
    Counts,
    Reading,
    amplitudes_ua,
    check_counts,
    check_verified,
    check_voltage,
    fit,
    programme,
    zeros,
)
from opennmes.device.client import STOP_PATIENCE_S, Device, DeviceRefused, LinkError
from opennmes.device.readings import Channel, Readings
from opennmes.ports.errors import PortError

SAMPLES = 8  # pulses of which the counts are summed up
SETTLE_S = 0.2  # after the last step
USABLE = ("none", "whole")
_EVERY_S = 0.05  # two periods and more: another pulse each time
_TRIES = 100


class Person(Protocol):
    """Who reads the scope."""

    may_retry: bool  # a reading that makes no sense is asked for again

    def connect(self, channel: int, ohm: int) -> None:
        """Have the resistor, and nothing else, between the terminals of a channel. Raises when it is not there."""

    def voltage_uv(self, channel: int, asked_ua: int, number: int, count: int, wait: Callable[[float], None]) -> int:
        """The peak of phase A across the resistor. `wait(seconds)` has to be called while a person takes their time:
        it keeps the session alive, and raises when it has ended."""

    def say(self, text: str) -> None:
        """What they should know."""

    def refused(self, refusal: Refused) -> None:
        """What was given makes no sense."""

    def busy(self, text: str) -> contextlib.AbstractContextManager[object]:
        """What the device does meanwhile."""


def facts_of(stage: dict[str, Any]) -> str:
    """The digest of what of a stage is corrected."""
    made: str = digest.of_facts(declared.facts(stage))
    return made


class Guide:
    """Calibrates the channels of a connected device whose stage is `stage` (with its board). `readings` is what was
    read before. Raises Refused, DeviceRefused, LinkError, PortError and OSError."""

    def __init__(self, device: Device, stage: dict[str, Any], readings: Readings, person: Person) -> None:
        self._device = device
        self._stage = stage
        self._readings = readings
        self._ohm = readings.ohm
        self._person = person
        self._zeros = 1, 0  # of the channel that runs: samples of the current sense, and the sum of their counts
        self._amplitudes_ua, self._control_ua = amplitudes_ua(stage, readings.ohm)

    @property
    def count(self) -> int:
        """How many readings a channel needs."""
        return len(self._amplitudes_ua) + 2

    def calibrate(self, number: int) -> dict[str, Any]:
        """Calibrate one channel, or finish it. Returns what came of it."""
        channel = self._readings.channel(number)
        if channel.verified is None:
            self._person.connect(number, self._ohm)
            if channel.row is None:
                self._zero(number)
                self._read_all(number, channel)
            self._write_row(number, channel)
            self._verify(number, channel)
        return self._result(number, channel)

    def _zero(self, number: int) -> None:
        """Put zeros right that would keep the device from making a pulse. They stay, whatever comes after: the device
        has measured them by itself, with nothing driven."""
        rows = self._device.request("calibration")["rows"]
        changed = zeros(self._device.request("zeros"), rows[str(number)], self._stage, number)
        if changed:
            self._person.say(f"channel {number}: the zero of its sense is off, and is put right first")
            self._set({**rows, str(number): {**rows[str(number)], **changed}})

    def _read_all(self, number: int, channel: Channel) -> None:
        there = {reading.asked_ua for reading in channel.readings}
        left = [asked_ua for asked_ua in self._amplitudes_ua if asked_ua not in there]
        if left or channel.control is None:
            with self._running(number):
                for asked_ua in left:
                    channel.readings.append(self._read(number, asked_ua, len(channel.readings) + 1))
                    self._readings.keep()
                if channel.control is None:
                    channel.control = self._read(number, self._control_ua, self.count - 1)
                    self._readings.keep()
        try:
            channel.row = fit(channel.readings, self._stage, self._ohm, number)
        except Refused:
            self._forget(number)  # the same readings would be refused again
            raise
        self._readings.keep()

    def _write_row(self, number: int, channel: Channel) -> None:
        """Have the device keep the channel's row, unless it does already, and read it back."""
        before = self._device.request("calibration")
        if channel.rows_before is None:
            channel.rows_before = {key: before[key] for key in declared.FIELDS}
            self._readings.keep()  # from here on it may be in force
        if before["rows"][str(number)] != channel.row:
            self._set({**before["rows"], str(number): channel.row})

    def _set(self, rows: dict[str, Any]) -> None:
        self._device.request("calibrate", rows=rows)
        there = self._device.request("calibration")
        if (there["condition"], there["rows"]) != ("whole", rows):
            raise LinkError(
                f"{self._device.port.name}: the device keeps another calibration than it was sent; "
                "`nmes calibrate --undo` takes it away: do that, do not use this device, and report it"
            )

    def _verify(self, number: int, channel: Channel) -> None:
        assert channel.control is not None
        with self._running(number):
            verified = self._read(number, self._control_ua, self.count)
        try:
            check_verified(channel.control, verified, self._stage, self._ohm, number)
        except Refused:
            self._take_back(channel)
            self._forget(number)
            raise
        channel.verified = verified
        self._readings.keep()

    def _take_back(self, channel: Channel) -> None:
        before = channel.rows_before
        assert before is not None
        if before["condition"] == "whole":
            self._set(before["rows"])
        else:
            self._device.request("uncalibrate")

    def _forget(self, number: int) -> None:
        self._readings.channels[number] = Channel()
        self._readings.keep()

    def _result(self, number: int, channel: Channel) -> dict[str, Any]:
        assert channel.control is not None and channel.verified is not None and channel.row is not None
        return {
            "channel": number,
            "row": channel.row,
            "control_ua": channel.verified.asked_ua,
            "error_before_ppm": channel.control.error_ppm(self._ohm),
            "error_after_ppm": channel.verified.error_ppm(self._ohm),
            "readings": [reading.as_json() for reading in channel.readings],
        }

    # ---- the session ----

    @contextlib.contextmanager
    def _running(self, number: int) -> Iterator[None]:
        """The channel has pulses, at zero; afterwards the session is over, whatever happened."""
        device = self._device
        with self._person.busy("starting"):
            answer = device.request("zeros")
            self._zeros = answer["samples"], answer["current"][number]
            most_ua = max(*self._amplitudes_ua, self._control_ua)
            loaded = device.load(programme(number, most_ua))
            device.acknowledge()
        try:
            device.arm(loaded["programme_crc"])
            device.start()
            yield
        except BaseException:
            # The device stops by itself 2 s after the last line; what ended the session is on its way up.
            with contextlib.suppress(PortError, LinkError, DeviceRefused):
                self._stop()
            raise
        self._stop()

    def _stop(self) -> None:
        self._device.request("stop", patience_s=STOP_PATIENCE_S)

    def _read(self, channel: int, asked_ua: int, number: int) -> Reading:
        device = self._device
        with self._person.busy(f"channel {channel}: raising to {asked_ua / 1_000:g} mA"):
            device.raise_to(asked_ua, channel)
            self._wait(SETTLE_S)
            counts = self._sample(channel)
        check_counts(counts, self._stage, self._ohm, channel)
        while True:
            voltage_uv = self._person.voltage_uv(channel, asked_ua, number, self.count, self._wait)
            try:
                check_voltage(voltage_uv, counts, self._stage, channel)
            except Refused as refusal:
                if not self._person.may_retry:
                    raise
                self._person.refused(refusal)
            else:
                return Reading(asked_ua, counts, voltage_uv)

    def _sample(self, channel: int) -> Counts:
        """Of so many pulses, each measured after the one before, and set alike."""
        found: list[dict[str, Any]] = []
        for _ in range(_TRIES):
            try:
                answer = self._device.request("counts", channel=channel)
            except DeviceRefused:
                self._wait(0)  # says why it has ended
                raise
            if found and answer["code_a"] != found[-1]["code_a"]:
                found = []
            if answer["code_a"] is not None and (not found or answer["measured"] > found[-1]["measured"]):
                found.append(answer)
            if len(found) == SAMPLES:
                return Counts.of(found, *self._zeros)
            self._wait(_EVERY_S)
        raise LinkError(
            f"{self._device.port.name}: of {_TRIES} looks at channel {channel} only {len(found)} saw another pulse; "
            "report this"
        )

    def _wait(self, seconds: float) -> None:
        """Let time pass; raises when the session is over."""
        device = self._device
        device.wait(seconds)
        if device.state != session.RUNNING:
            status = device.status()
            fault = (
                f"fault {status['fault']}, {status['fault_text']}; `nmes record` says more" if status["fault"] else ""
            )
            raise LinkError(
                f"{device.port.name}: the session has ended ({fault or status['ended'] or device.state}). What was "
                "read is kept: nmes calibrate goes on where it was"
            )


def need_usable(condition: str, port: str) -> None:
    """Raises LinkError when what the device keeps of a calibration cannot be used."""
    if condition not in USABLE:
        raise LinkError(
            f"{port}: the device keeps a calibration that is not applied ({condition}); "
            "`nmes calibrate --undo` takes it away, then begin"
        )
