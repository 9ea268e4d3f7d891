"""The witness on the other end of a port (firmware/witness): its commands, and what it has recorded."""

from __future__ import annotations

import binascii
import json
from typing import Any

from opennmes.device.acceptance.wrong import WitnessError
from opennmes.device.patience import stretched
from opennmes.measure.captures.witness import Recording
from opennmes.measure.captures.witness_frames import JSON, Frame, Frames
from opennmes.ports.base import Port
from opennmes.ports.errors import PortError

PROTOCOL = 2
ANSWER_S = 2.0
GLANCE_S = 0.4
SLICE_S = 0.02  # so long nobody listens to it while somebody waits for the device
PUMP = "pump"
LEVEL = "level_"


class Witness:
    """`recording` is what it has said since `record`."""

    def __init__(self, port: Port) -> None:
        self.port = port
        self.identity: dict[str, Any] = {}
        self.recording: Recording | None = None
        self._frames = Frames()
        self._answers: list[dict[str, Any]] = []
        self._damaged = 0

    def hello(self) -> dict[str, Any]:
        """Who it is. Raises WitnessError when it is no witness, or one of another version."""
        self.port.write(b"\r\n")
        try:
            said = self.ask("hello")
        except WitnessError:
            raise WitnessError(self._who()) from None
        if said.get("witness") != PROTOCOL:
            raise WitnessError(
                f"{self.port.name}: the witness speaks version {said.get('witness')}, these host tools {PROTOCOL}; "
                "`nmes flash --witness` puts the firmware that belongs to them onto it (docs/verify.md)"
            )
        self.identity = said
        return said

    def is_there(self) -> bool:
        """Whether there is a witness at the port, of whatever version. Raises PortError."""
        try:
            self.identity = self.ask("hello", GLANCE_S)
        except WitnessError:
            return False
        return "witness" in self.identity

    def _who(self) -> str:
        heard = self._frames.strange
        if b'"error"' in heard or b'"event"' in heard:
            return (
                f"{self.port.name}: this is a board that runs OpenNMES and no witness: are --witness and --port "
                "swapped? Nothing was put out"
            )
        if heard:
            return f"{self.port.name}: what answers is no witness (it said {bytes(heard[-40:])!r}); choose another port"
        return (
            f"{self.port.name}: no witness answers; is it the right port, and is the witness's UF2 on that board "
            "(docs/verify.md)?"
        )

    def ask(self, command: str, patience_s: float = ANSWER_S) -> dict[str, Any]:
        """Send a command and return its answer. Raises WitnessError when none comes."""
        self._answers.clear()
        name = command.partition(" ")[0]
        for _ in range(2):
            self.port.write(b"%s %08x\n" % (command.encode(), binascii.crc32(command.encode())))
            until_s = self.port.now_s() + stretched(patience_s) / 2
            while (left_s := until_s - self.port.now_s()) > 0:
                self.poll(left_s)
                for answer in self._answers:
                    if answer.get("answer") == name:
                        return answer
                if not self.identity and b'"error"' in self._frames.strange:
                    raise WitnessError(self._who())  # a board that runs OpenNMES
        raise WitnessError(f"{self.port.name}: the witness does not answer ({name}); plug it in again and retry")

    def record(self, *, levels: bool = False) -> Recording:
        """Have it record from now on, anew; `levels`: phases and levels, and nothing else."""
        self.recording = None
        said = self.ask("record levels" if levels else "record")
        machines = self.identity["level_machines" if levels else "machines"]
        duties = frozenset(number for role, number in machines.items() if role.startswith(LEVEL))
        self.recording = Recording(machines, self.identity["gpios"], said["us"], machines.get(PUMP), duties)
        self._damaged = self._frames.damaged
        return self.recording

    def pull(self, *roles: str) -> None:
        """Have it hold these lines low, and no other."""
        said = self.ask(f"pull {','.join(roles) or '-'}")
        if set(said["pulled"]) != set(roles):
            raise WitnessError(f"{self.port.name}: the witness holds {said['pulled']} low and was asked for {roles}")

    def levels(self) -> int:
        """All its pins now, a bit each."""
        return int(self.ask("hello")["levels"])

    def poll(self, timeout_s: float = 0.0) -> None:
        """Take in what it has said."""
        for frame in self._frames.take(self.port.read(timeout_s)):
            self._heard(frame)
        if self.recording is not None and self._frames.damaged != self._damaged:
            self.recording.missing(self._frames.damaged - self._damaged)
            self._damaged = self._frames.damaged

    def _heard(self, frame: Frame) -> None:
        if frame.kind == JSON:
            try:
                said = json.loads(frame.payload)
            except ValueError:
                return
            if isinstance(said, dict):
                self._answers.append(said)
        elif self.recording is not None:
            self.recording.take(frame)


def halted(witness: Witness) -> None:
    """What it has noted is heard, and it records nothing more: nobody listens while something is worked out."""
    witness.poll()
    witness.ask("halt")


class Heard:
    """The device's port, at which the witness is listened to while anybody waits."""

    def __init__(self, port: Port, witness: Witness) -> None:
        self.port = port
        self.name = port.name
        self._witness = witness

    def write(self, data: bytes) -> None:
        """See Port."""
        self.port.write(data)

    def read(self, timeout_s: float) -> bytes:
        """See Port."""
        until_s = self.port.now_s() + timeout_s
        while True:
            left_s = until_s - self.port.now_s()
            try:
                data = self.port.read(max(0.0, min(SLICE_S, left_s)))
            finally:
                self._witness.poll()
            if data or left_s <= SLICE_S:
                return data

    def now_s(self) -> float:
        """See Port."""
        return self.port.now_s()

    def close(self) -> None:
        """See Port."""
        self.port.close()


__all__ = ["Heard", "PortError", "Witness", "WitnessError", "halted"]
