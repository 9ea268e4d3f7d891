"""VCD: what PulseView, GTKWave and our own emulated board write."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
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
OURS = "OpenNMES bench"  # in the comment of measure/trace.py: every edge is there, to the nanosecond
# sigrok's comment: "Acquisition with 4/8 channels at 24 MHz".
_SIGROK = re.compile(r"channels at ([0-9.]+ ?[kMG]?Hz)")


class VcdCapture:
    """A VCD file. Raises OSError when it cannot be read and CaptureError when it is not VCD."""

    form = "VCD"

    def __init__(self, path: Path) -> None:
        self.path = path
        self._variables: dict[str, VarDecl] = {}
        unit_ps, comments = self._read_header()
        self._unit_ps = unit_ps
        self.signals: Sequence[str] = tuple(self._variables)
        self.sampling = _sampling(comments, unit_ps)

    def edges(self, wanted: Sequence[str]) -> Iterator[Edge]:
        """See Capture. An x or a z before the first value of a signal is before the capture's begin; later it is an
        error, as no analyser writes one."""
        places: dict[str, list[int]] = {}
        bits = {variable.id_code: variable.size for variable in self._variables.values()}
        for place, name in enumerate(wanted):
            if name not in self._variables:
                raise no_signal(self.path, name, self.signals)
            variable = self._variables[name]
            places.setdefault(variable.id_code, []).append(place)
        clock = Clock(self.path)
        unknown = set(range(len(wanted)))
        values = [0] * len(wanted)
        now_ps = 0
        with open(self.path, "rb") as file:
            for token in self._tokens(file):
                if token.kind is TokenKind.CHANGE_TIME:
                    now_ps = clock.moved(token.time_change * self._unit_ps, f"line {token.span.start.line}")
                    continue
                try:
                    change = _change(token, bits)
                except (KeyError, ValueError, OverflowError):
                    where = f"{self.path}, line {token.span.start.line}"
                    raise CaptureError(
                        f"{where}: a value of no signal that it declares; save the capture again"
                    ) from None
                if change is None or change[0] not in places:
                    continue
                code, value = change
                for place in places[code]:
                    if value is None:
                        if place in unknown:
                            continue
                        raise CaptureError(
                            f'{self.path}, line {token.span.start.line}: the signal "{wanted[place]}" is neither 0 nor '
                            "1 there; a capture of pins has no such value: leave this signal out, or capture again"
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

    def _read_header(self) -> tuple[int, str]:
        unit_ps, comments, names = 0, "", []
        scopes: list[str] = []
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
                elif token.kind is TokenKind.ENDDEFINITIONS:
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


def _change(token: Token, bits: dict[str, int]) -> tuple[str, int | None] | None:
    """(signal, its value, None for x and z); None for what is no change. Raises KeyError for an unknown signal."""
    if token.kind is TokenKind.CHANGE_SCALAR:
        scalar = token.scalar_change
        return _known(scalar.id_code, bits), int(scalar.value) if scalar.value in ("0", "1") else None
    if token.kind is TokenKind.CHANGE_VECTOR:
        vector = token.vector_change
        code = _known(vector.id_code, bits)
        if not isinstance(vector.value, int):
            return code, None
        size = bits[code]
        negative = size > 1 and vector.value >= 1 << (size - 1)
        return code, vector.value - (1 << size) if negative else vector.value
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
