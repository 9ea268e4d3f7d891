"""Saleae's digital CSV, of Logic 2 (`Time [s],Channel 0,…`) and of the Logic before it (`Time[s], Channel 0, …`)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TextIO

from opennmes.measure.captures.base import END, PS_PER_S, CaptureError, Clock, Edge, Sampling, no_signal, two_alike

_LOOK_AT = 1_000  # rows, to see with how many decimals times are written
_HOW = "export digital channels as CSV, with times in seconds and without ISO 8601 time stamps"


class SaleaeCapture:
    """A CSV file. Raises OSError when it cannot be read and CaptureError when it is none of Saleae's."""

    form = "Saleae CSV"

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._open() as file:
            header = file.readline()
            self._comma = "\t" if "\t" in header else ","
            names = [name.strip().strip('"') for name in header.split(self._comma)]
            if names[0].replace(" ", "").lower() != "time[s]" or len(names) < 2:
                raise CaptureError(
                    f"{path}: its first line is {header.strip()[:60]!r}, expected `Time [s],Channel 0,…`; {_HOW}"
                )
            for name in names:
                if names.count(name) > 1:
                    raise two_alike(path, name)
            self.signals: Sequence[str] = tuple(names[1:])
            quantum_ps = PS_PER_S
            for number, row in enumerate(itertools.islice(file, _LOOK_AT), 2):
                if row.strip():
                    _, decimals = self._time(row.split(self._comma)[0], number)
                    quantum_ps = min(quantum_ps, max(1, PS_PER_S // 10**decimals))
        self.sampling = Sampling(None, quantum_ps, "")

    def edges(self, wanted: Sequence[str]) -> Iterator[Edge]:
        """See Capture. What comes after the last row is not in such a file: it ends there."""
        for name in wanted:
            if name not in self.signals:
                raise no_signal(self.path, name, self.signals)
        columns = [1 + self.signals.index(name) for name in wanted]
        clock = Clock(self.path)
        before: list[str] | None = None
        with self._open() as file:
            file.readline()
            for number, row in enumerate(file, 2):
                if not row.strip():
                    continue
                fields = [field.strip() for field in row.split(self._comma)]
                if len(fields) != 1 + len(self.signals):
                    raise CaptureError(
                        f"{self.path}, line {number}: {len(fields)} fields, expected {1 + len(self.signals)}; the file "
                        "is damaged or not whole: export it again"
                    )
                ps = clock.moved(self._time(fields[0], number)[0], "line", number)
                values = [fields[column] for column in columns]
                for place, value in enumerate(values):
                    if value not in ("0", "1"):
                        raise CaptureError(f"{self.path}, line {number}: {value[:20]!r} is neither 0 nor 1; {_HOW}")
                    if before is None or value != before[place]:
                        yield ps, place, int(value)
                before = values
        if before is None:
            raise CaptureError(f"{self.path} has no samples: capture again, then {_HOW}")
        yield clock.now_ps, END, 0

    def _open(self) -> TextIO:
        return open(self.path, encoding="utf-8-sig", errors="replace")  # an error in it is no number

    def _time(self, text: str, line: int) -> tuple[int, int]:
        """A time in picoseconds, and how many decimals it was written with. Raises CaptureError."""
        try:
            time = Decimal(text.strip().strip('"'))
            if not time.is_finite() or abs(time) > 10**12:
                raise InvalidOperation
        except InvalidOperation:
            raise CaptureError(f"{self.path}, line {line}: {text.strip()[:40]!r} is no time in s; {_HOW}") from None
        exponent = time.as_tuple().exponent
        assert isinstance(exponent, int)
        return round(time * PS_PER_S), min(12, max(0, -exponent))
