"""The readings of a calibration that has been begun, kept on this computer until it is over: one file for each device
and stage. What a person has read once is not asked again, whatever happens in between."""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from opennmes.device.calibration import Reading
from opennmes.device.client import LinkError

VERSION = 1


@dataclass
class Channel:
    """Of one channel: what was read so far, what was in force before a row was written, and what the row was found to
    do."""

    readings: list[Reading] = field(default_factory=list)
    control: Reading | None = None  # before the row
    row: dict[str, int] | None = None
    rows_before: dict[str, Any] | None = None  # the answer to `calibration`; not None: the row was, or may be, written
    verified: Reading | None = None  # with the row

    def as_json(self) -> dict[str, Any]:
        """As the file has it."""
        return {
            "readings": [reading.as_json() for reading in self.readings],
            "control": self.control and self.control.as_json(),
            "row": self.row,
            "rows_before": self.rows_before,
            "verified": self.verified and self.verified.as_json(),
        }

    @staticmethod
    def of(data: dict[str, Any]) -> Channel:
        """The channel that `as_json` made this of. Raises KeyError, TypeError or AttributeError for anything else."""
        return Channel(
            [Reading.of(reading) for reading in data["readings"]],
            data["control"] and Reading.of(data["control"]),
            data["row"],
            data["rows_before"],
            data["verified"] and Reading.of(data["verified"]),
        )


@dataclass
class Readings:
    """`path` is the file; what is read is there as soon as `keep` returns."""

    path: Path
    ohm: int
    tolerance_ppm: int
    channels: dict[int, Channel] = field(default_factory=dict)

    def channel(self, number: int) -> Channel:
        """What was read of a channel; nothing at first."""
        return self.channels.setdefault(number, Channel())

    @property
    def count(self) -> int:
        """How many a person has read."""
        return sum(
            len(each.readings) + (each.control is not None) + (each.verified is not None)
            for each in self.channels.values()
        )

    def keep(self) -> None:
        """Write the file: it is the old one or the new one. Raises OSError."""
        data = {
            "version": VERSION,
            "ohm": self.ohm,
            "tolerance_ppm": self.tolerance_ppm,
            "channels": {str(number): each.as_json() for number, each in self.channels.items()},
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.path.parent, suffix=".new")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(data, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, self.path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise

    def done(self, numbers: list[int]) -> None:
        """These channels are calibrated: forget what was read of them, and the file with the last. Raises OSError."""
        for number in numbers:
            del self.channels[number]
        if self.channels:
            self.keep()
        else:
            self.path.unlink(missing_ok=True)


def path_of(uid: str, stage: str, facts: str) -> Path:
    """The file for a device by its unique id, and for its stage by name and by the digest of its facts."""
    # Not above: whoever runs a prescription does without.
    import platformdirs

    safe = "-".join(re.sub("[^A-Za-z0-9_.]", "_", part) for part in (uid, stage, facts))
    return platformdirs.user_state_path("opennmes") / "calibration" / f"{safe}.json"


def begun(path: Path) -> Readings | None:
    """What was read before, None when nothing was. Raises LinkError when the file makes no sense."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        data = json.loads(text)
        if data["version"] != VERSION:
            raise ValueError(f"version {data['version']}")
        channels = {int(number): Channel.of(each) for number, each in data["channels"].items()}
        return Readings(path, int(data["ohm"]), int(data["tolerance_ppm"]), channels)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LinkError(
            f"{path}: the readings of a calibration that was begun cannot be read ({error!r}); "
            "`nmes calibrate --again` starts over"
        ) from None
