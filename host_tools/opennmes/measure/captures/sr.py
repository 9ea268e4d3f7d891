"""sigrok sessions (.sr), which PulseView saves: a zip with `metadata` and the samples in `logic-1-1`, `logic-1-2`, …"""

from __future__ import annotations

import configparser
import functools
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from opennmes.measure.captures.base import (
    END,
    PS_PER_S,
    CaptureError,
    Clock,
    Edge,
    Sampling,
    hertz,
    in_a_line,
    no_signal,
    two_alike,
)

METADATA = "metadata"
_DEVICE = "device 1"
_PROBE = re.compile(r"probe([0-9]{1,3})")
_READ_BYTES = 1 << 20
_QUIET = 4_096  # samples
_METADATA_MOST = 1 << 20
_WIDEST = 8  # bytes a sample: 64 channels
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)


class SrCapture:
    """A session file. Raises OSError when it cannot be read and CaptureError when it is no whole session."""

    form = "sigrok session"

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with zipfile.ZipFile(path) as archive:
                names = archive.namelist()
                text = self._metadata(archive) if METADATA in names else ""
        except (*_DAMAGED, UnicodeDecodeError) as error:
            raise self._damaged(error) from error
        if not text:
            raise CaptureError(
                f"{path} is a zip file, but no sigrok session: it has no `{METADATA}`. A .sal of Logic 2 is to be "
                "exported: File, Export Data, CSV, digital channels"
            )
        described = configparser.RawConfigParser(strict=False)
        try:
            described.read_string(text)
            row = dict(described[_DEVICE])
        except (configparser.Error, KeyError) as error:
            raise self._damaged(error) from error
        self._rate_hz = round(hertz(row.get("samplerate", "")))
        self._bytes = int(row["unitsize"]) if row.get("unitsize", "").isdecimal() else 0
        if not self._rate_hz or not 1 <= self._bytes <= _WIDEST:
            lacks = "samplerate" if not self._rate_hz else "unitsize"
            raise CaptureError(
                f"{path}: its metadata have no {lacks} that could be understood: capture logic channels with PulseView "
                "or sigrok-cli and save the session again"
            )
        self._bits: dict[str, int] = {}
        for key, name in row.items():
            if (found := _PROBE.fullmatch(key)) and 1 <= int(found[1]) <= 8 * self._bytes:
                if name in self._bits:
                    raise two_alike(path, name)
                self._bits[name] = int(found[1]) - 1
        self.signals: Sequence[str] = tuple(sorted(self._bits, key=lambda name: self._bits[name]))
        self._chunks = self._in_order(row.get("capturefile", "logic-1"), names)
        self.sampling = Sampling(self._rate_hz, 1, "the session's metadata")

    def _metadata(self, archive: zipfile.ZipFile) -> str:
        if archive.getinfo(METADATA).file_size > _METADATA_MOST:
            raise zipfile.BadZipFile("its metadata are too long")
        return archive.read(METADATA).decode()

    def edges(self, wanted: Sequence[str]) -> Iterator[Edge]:
        """See Capture."""
        for name in wanted:
            if name not in self._bits:
                raise no_signal(self.path, name, self.signals)
        bits = [self._bits[name] for name in wanted]
        mask = sum(1 << bit for bit in set(bits))
        clock = Clock(self.path)
        before: int | None = None
        total = 0
        for at, value in self._changes(mask):
            if value is None:
                total = at
                break
            ps = clock.moved(at * PS_PER_S // self._rate_hz, "sample", at)
            for place, bit in enumerate(bits):
                level = value >> bit & 1
                if before is None or level != before >> bit & 1:
                    yield ps, place, level
            before = value
        if before is None:
            raise CaptureError(f"{self.path} has no samples: capture again, and save when the capture is over")
        yield clock.moved((total - 1) * PS_PER_S // self._rate_hz, "sample", total - 1), END, 0

    def _changes(self, mask: int) -> Iterator[tuple[int, int | None]]:
        """(number of the sample, what the masked bits are from it on); at last (how many samples there are, None)."""
        lanes = [lane for lane in range(self._bytes) if mask >> 8 * lane & 0xFF] or [0]
        tables = {lane: bytes(value & mask >> 8 * lane & 0xFF for value in range(256)) for lane in lanes}
        now = dict.fromkeys(lanes, -1)
        number = 0
        for data in self._samples():
            count = len(data) // self._bytes
            if len(lanes) == 1:
                (lane,) = lanes
                for at, value in _runs(data[lane :: self._bytes].translate(tables[lane]), now[lane]):
                    now[lane] = value
                    yield number + at, value << 8 * lane
            else:
                found = [
                    (at, lane, value)
                    for lane in lanes
                    for at, value in _runs(data[lane :: self._bytes].translate(tables[lane]), now[lane])
                ]
                found.sort()
                for place, (at, lane, value) in enumerate(found):
                    now[lane] = value
                    if place + 1 == len(found) or found[place + 1][0] != at:
                        yield number + at, sum(now[each] << 8 * each for each in lanes)
            number += count
        yield number, None

    def _samples(self) -> Iterator[bytes]:
        """All samples, in pieces of whole ones."""
        left = b""
        try:
            with zipfile.ZipFile(self.path) as archive:
                for name in self._chunks:
                    with archive.open(name) as chunk:
                        while piece := chunk.read(_READ_BYTES):
                            left += piece
                            whole = len(left) // self._bytes * self._bytes
                            yield left[:whole]
                            left = left[whole:]
        except _DAMAGED as error:
            raise self._damaged(error) from error
        if left:
            raise self._damaged(ValueError("the last sample is not whole"))

    def _in_order(self, base: str, names: list[str]) -> list[str]:
        if base in names:
            return [base]
        numbers = sorted(int(name[len(base) + 1 :]) for name in names if re.fullmatch(rf"{re.escape(base)}-\d+", name))
        if not numbers or numbers != list(range(1, len(numbers) + 1)):
            raise self._damaged(ValueError(f"of {base}-1, {base}-2, … it has {numbers or 'none'}"))
        return [f"{base}-{number}" for number in numbers]

    def _damaged(self, error: Exception) -> CaptureError:
        return CaptureError(f"{self.path} is no whole sigrok session ({in_a_line(error)}): save the capture again")


@functools.cache
def _other(value: int) -> re.Pattern[bytes]:
    """A byte that is another than this one: found at the speed of C."""
    return re.compile(b"[^" + re.escape(bytes([value])) + b"]", re.DOTALL)


@functools.cache
def _quiet(value: int) -> bytes:
    return bytes([value]) * _QUIET


def _runs(data: bytes, value: int) -> Iterator[tuple[int, int]]:
    """(place, value) where a byte is another than the one before; `value` is the one before the first, -1 for none."""
    at = 0
    if value < 0 and data:
        value = data[0]
        yield 0, value
    while value >= 0:
        while data.startswith(_quiet(value), at):  # what stays the same for long is compared at once
            at += _QUIET
        found = _other(value).search(data, at)
        if found is None:
            return
        at = found.start()
        value = data[at]
        yield at, value
