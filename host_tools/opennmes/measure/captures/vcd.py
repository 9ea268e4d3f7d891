"""VCD: what PulseView, GTKWave and our own emulated board write."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from functools import partial
from io import BufferedReader
from pathlib import Path

from vcd.reader import Token, TokenKind, VarDecl, tokenize

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

_UNIT_PS = {"s": 10**12, "ms": 10**9, "us": 10**6, "ns": 10**3, "ps": 1}
# What a scalar or a digit of a vector can be: 0 and 1, else unknown (IEEE 1800, and VHDL's).
_STATES = b"01xXzZuUwWhHlL-"
_SCALARS = {bytes([state]): {b"0"[0]: 0, b"1"[0]: 1}.get(state) for state in _STATES}
# What no line and no time of an analyser comes near; more is left to pyvcd, which needs no line in memory.
_LINE_MOST, _DIGITS_MOST = 65_536, 30
_TIME = ""  # as the code of a change: what follows happens at another time
_CHANGES = (
    TokenKind.CHANGE_TIME,
    TokenKind.CHANGE_SCALAR,
    TokenKind.CHANGE_VECTOR,
    TokenKind.CHANGE_REAL,
    TokenKind.CHANGE_STRING,
)
Change = tuple[int, str, int | None]  # in which line, of which signal, to what; None is neither 0 nor 1
OURS = "OpenNMES bench"  # in the comment of measure/trace.py: every edge is there, to the nanosecond
# sigrok's comment: "Acquisition with 4/8 channels at 24 MHz".
_SIGROK = re.compile(r"channels at ([0-9.]+ ?[kMG]?Hz)")


class VcdCapture:
    """A VCD file. Raises OSError when it cannot be read and CaptureError when it is not VCD."""

    form = "VCD"

    def __init__(self, path: Path) -> None:
        self.path = path
        self._variables: dict[str, VarDecl] = {}
        self._defined_in_line = 0  # the last one of the declarations; 0 when nothing ends them
        unit_ps, comments = self._read_header()
        self._unit_ps = unit_ps
        self.signals: Sequence[str] = tuple(self._variables)
        self.sampling = _sampling(comments, unit_ps)

    def edges(self, wanted: Sequence[str]) -> Iterator[Edge]:
        """See Capture. An x or a z before the first value of a signal is before the capture's begin; later it is an
        error, as no analyser writes one."""
        places: dict[str, list[int]] = {}
        for place, name in enumerate(wanted):
            if name not in self._variables:
                raise no_signal(self.path, name, self.signals)
            places.setdefault(self._variables[name].id_code, []).append(place)
        clock = Clock(self.path)
        unknown = set(range(len(wanted)))
        values = [0] * len(wanted)
        now_ps = 0
        for line, code, value in self._changes():
            if code == _TIME and value is not None:
                now_ps = clock.moved(value * self._unit_ps, "line", line)
                continue
            for place in places.get(code, ()):
                if value is None:
                    if place in unknown:
                        continue
                    raise CaptureError(
                        f'{self.path}, line {line}: the signal "{wanted[place]}" is neither 0 nor 1 there; a capture '
                        "of pins has no such value: leave this signal out, or capture again"
                    )
                values[place] = value
                if not unknown:
                    yield now_ps, place, value
                elif place in unknown:
                    unknown.remove(place)
                    if not unknown:
                        yield from [(now_ps, each, values[each]) for each in range(len(wanted))]
        if unknown:
            name = wanted[min(unknown)]
            raise CaptureError(f'{self.path}: the signal "{name}" has no value anywhere in it; capture it again')
        yield clock.now_ps, END, 0

    def _changes(self) -> Iterator[Change]:
        """Every change. Lines as analysers write them are read here, the rest of the file from the first other one on
        by pyvcd: with it a second at 24 MHz takes minutes."""
        bits = {variable.id_code: variable.size for variable in self._variables.values()}
        with open(self.path, "rb") as file:
            unusual = yield from _usual(file, self._defined_in_line, bits)
        if not unusual:
            return
        with open(self.path, "rb") as file:
            for token in self._tokens(file):
                line = token.span.start.line
                if line < unusual:
                    continue
                try:
                    change = _change(token, bits)
                except (KeyError, ValueError, OverflowError):
                    raise CaptureError(
                        f"{self.path}, line {line}: a value of no signal that it declares; save the capture again"
                    ) from None
                if change is not None:
                    yield line, *change

    def _read_header(self) -> tuple[int, str]:
        unit_ps, comments, names = 0, "", []
        scopes: list[str] = []
        first_change = 0  # the line of a value or a time among the declarations
        with open(self.path, "rb") as file:
            for token in self._tokens(file):
                if token.kind is TokenKind.TIMESCALE:
                    unit = token.timescale.unit.value
                    if unit not in _UNIT_PS:
                        raise CaptureError(
                            f"{self.path}: its times are in {unit}, finer than any capture of pins; save it again with "
                            "a timescale of 1 ps or more"
                        )
                    unit_ps = int(token.timescale.magnitude) * _UNIT_PS[unit]
                elif token.kind is TokenKind.COMMENT:
                    comments += token.comment + "\n"
                elif token.kind is TokenKind.SCOPE:
                    scopes.append(token.scope.ident)
                elif token.kind is TokenKind.UPSCOPE and scopes:
                    scopes.pop()
                elif token.kind is TokenKind.VAR:
                    names.append((".".join(scopes), token.var))
                elif token.kind in _CHANGES:
                    first_change = first_change or token.span.start.line
                elif token.kind is TokenKind.ENDDEFINITIONS:
                    if first_change:
                        raise CaptureError(
                            f"{self.path}, line {first_change}: a value or a time before $enddefinitions, which ends "
                            "what the file declares; save the capture again"
                        )
                    self._defined_in_line = token.span.end.line
                    break
        if not unit_ps or not names:
            lacks = "timescale" if not unit_ps else "signal"
            raise CaptureError(f"{self.path} is no whole VCD file, it has no {lacks}; save the capture again")
        often = Counter(variable.reference for _, variable in names)
        for scope, variable in names:
            name = variable.reference if often[variable.reference] == 1 else f"{scope}.{variable.ref_str}".lstrip(".")
            if self._variables.setdefault(name, variable).id_code != variable.id_code:
                raise two_alike(self.path, name)
        return unit_ps, comments

    def _tokens(self, file: BufferedReader) -> Iterator[Token]:
        try:
            yield from tokenize(file)
        except (CaptureError, OSError):
            raise
        except Exception as error:  # VCDParseError, but also whatever pyvcd stumbles over in a file that is none
            raise CaptureError(f"{self.path} is not a VCD file: {in_a_line(error)}; save the capture again") from error


def _usual(file: BufferedReader, defined_in_line: int, bits: dict[str, int]) -> Generator[Change, None, int]:
    """The changes behind the declarations, up to the first line that is not as usual: times, bits and vectors of
    signals in `bits` with nothing but spaces between them. Returns that line; 0 when there is none."""
    if not defined_in_line:
        return 1
    codes = {code.encode(): code for code in bits}
    scalars = {state + code: (name, value) for code, name in codes.items() for state, value in _SCALARS.items()}
    for number, line in enumerate(iter(partial(file.readline, _LINE_MOST), b""), start=1):
        if len(line) == _LINE_MOST:
            return number
        if number < defined_in_line:
            continue
        words = line.split()
        if number == defined_in_line:
            if words[-2:] not in ([b"$enddefinitions", b"$end"], [b"$end"]):
                return number
            continue
        if words in ([b"$dumpvars"], [b"$end"]):
            continue
        found: list[tuple[str, int | None]] = []
        vector: bytes | None = None
        for word in words:
            if vector is not None:
                if word not in codes:
                    return number
                known = not vector.translate(None, b"01")
                found.append((codes[word], _signed(int(vector, 2), bits[codes[word]]) if known else None))
                vector = None
            elif (scalar := scalars.get(word)) is not None:
                found.append(scalar)
            elif word[:1] == b"#":
                digits = word[1:]
                if not digits.isdigit() or len(digits) > _DIGITS_MOST:
                    return number
                found.append((_TIME, int(digits)))
            elif word[:1] in (b"b", b"B"):
                vector = word[1:]
                if not vector or vector.translate(None, _STATES):
                    return number
            else:
                return number
        if vector is not None:
            return number
        for code, value in found:
            yield number, code, value
    return 0


def _signed(value: int, size: int) -> int:
    return value - (1 << size) if size > 1 and value >= 1 << (size - 1) else value


def _change(token: Token, bits: dict[str, int]) -> tuple[str, int | None] | None:
    """(signal, its value, None for x and z); None for what is no change. Raises KeyError for an unknown signal."""
    if token.kind is TokenKind.CHANGE_TIME:
        return _TIME, token.time_change
    if token.kind is TokenKind.CHANGE_SCALAR:
        scalar = token.scalar_change
        return _known(scalar.id_code, bits), int(scalar.value) if scalar.value in ("0", "1") else None
    if token.kind is TokenKind.CHANGE_VECTOR:
        vector = token.vector_change
        code = _known(vector.id_code, bits)
        if not isinstance(vector.value, int):
            return code, None
        return code, _signed(vector.value, bits[code])
    if token.kind is TokenKind.CHANGE_REAL:
        real = token.real_change
        return _known(real.id_code, bits), round(real.value)
    return None


def _known(code: str, bits: dict[str, int]) -> str:
    if code not in bits:
        raise KeyError(code)
    return code


def _sampling(comments: str, unit_ps: int) -> Sampling:
    if OURS in comments:
        return Sampling(PS_PER_S / unit_ps, unit_ps, "an emulated board's trace, which has every edge")
    if (found := _SIGROK.search(comments)) and (rate_hz := hertz(found[1])):
        return Sampling(rate_hz, unit_ps, "the comment in the file")
    return Sampling(None, unit_ps, "")
