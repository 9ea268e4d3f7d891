"""What happened at the pins of an emulated board, as a list of changes; kept as VCD files for PulseView and GTKWave."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from pathlib import Path

from vcd.reader import TokenKind, tokenize
from vcd.writer import VCDWriter

MODULE = "opennmes"
INTEGER_BITS = 32
UNIT_NANOS = {"s": 1e9, "ms": 1e6, "us": 1e3, "ns": 1.0, "ps": 1e-3, "fs": 1e-6}


@dataclass
class Trace:
    """Changes as (nanos, signal, value), in order of time; append only.

    A signal whose name ends in `_ua` is a signed integer, every other one is a single bit.
    """

    rows: list[tuple[int, str, int]] = field(default_factory=list)
    end_nanos: int = 0  # up to when it was watched; never before the last change

    def add(self, nanos: int, signal: str, value: int) -> None:
        """Note that `signal` has had `value` since `nanos`. Raises ValueError when time would go back."""
        if self.rows and nanos < self.rows[-1][0]:
            raise ValueError(f"{signal} at {nanos} ns comes after a change at {self.rows[-1][0]} ns")
        self.rows.append((nanos, signal, value))
        self.end_nanos = max(self.end_nanos, nanos)

    def signals(self) -> list[str]:
        """Names in the order in which they first occur."""
        return list(dict.fromkeys(signal for _, signal, _ in self.rows))

    def changes(self, signal: str) -> list[tuple[int, int]]:
        """The (nanos, value) of one signal; empty when it does not occur. Repeated values are left out."""
        found: list[tuple[int, int]] = []
        for nanos, name, value in self.rows:
            if name == signal and (not found or found[-1][1] != value):
                if found and found[-1][0] == nanos:
                    found.pop()  # a value that lasted no time was never there
                    if found and found[-1][1] == value:
                        continue
                found.append((nanos, value))
        return found

    def value_at(self, signal: str, nanos: int) -> int:
        """The value of `signal` at an instant, from that instant on; 0 before its first change."""
        changes = self.changes(signal)
        index = bisect_right(changes, nanos, key=lambda change: change[0])
        return changes[index - 1][1] if index else 0

    def write_vcd(self, path: Path) -> None:
        """Write a VCD file, 1 ns a step, from 0 to `end_nanos`; a signal starts with its first known value."""
        first: dict[str, int] = {}
        for _, signal, value in self.rows:
            first.setdefault(signal, value)
        with open(path, "w") as file, VCDWriter(file, timescale="1 ns", date="", comment="OpenNMES bench") as writer:
            variables = {}
            for signal, value in first.items():
                if signal.endswith("_ua"):
                    variables[signal] = writer.register_var(MODULE, signal, "integer", size=INTEGER_BITS, init=value)
                else:
                    variables[signal] = writer.register_var(MODULE, signal, "wire", size=1, init=value)
            for nanos, signal, value in self.rows:
                writer.change(variables[signal], nanos, value)
            writer.close(self.end_nanos)


def read_vcd(path: Path) -> Trace:
    """Read a VCD file of ours, or another's with the same signal names. Bits that are x or z count as 0.

    Raises OSError when it cannot be read and ValueError when it is not VCD.
    """
    trace = Trace()
    names: dict[str, str] = {}
    bits: dict[str, int] = {}
    nanos = 0
    unit_nanos = 1.0
    with open(path, "rb") as file:
        try:
            for token in tokenize(file):
                if token.kind is TokenKind.TIMESCALE:
                    unit_nanos = token.timescale.magnitude * UNIT_NANOS[token.timescale.unit.value]
                elif token.kind is TokenKind.VAR:
                    names[token.var.id_code] = token.var.reference
                    bits[token.var.id_code] = token.var.size
                elif token.kind is TokenKind.CHANGE_TIME:
                    nanos = round(token.time_change * unit_nanos)
                    trace.end_nanos = nanos
                elif token.kind is TokenKind.CHANGE_SCALAR:
                    scalar = token.scalar_change
                    trace.add(nanos, names[scalar.id_code], int(scalar.value == "1"))
                elif token.kind is TokenKind.CHANGE_VECTOR:
                    vector = token.vector_change
                    value = vector.value if isinstance(vector.value, int) else 0
                    size = bits[vector.id_code]
                    if value >= 1 << (size - 1) and size > 1:
                        value -= 1 << size
                    trace.add(nanos, names[vector.id_code], value)
                elif token.kind is TokenKind.CHANGE_REAL:
                    trace.add(nanos, names[token.real_change.id_code], round(token.real_change.value))
        except Exception as error:  # VCDParseError, but also whatever pyvcd stumbles over in a file that is none
            raise ValueError(f"{path} is not a VCD file: {error}") from error
    return trace
