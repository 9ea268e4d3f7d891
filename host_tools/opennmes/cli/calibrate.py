"""nmes calibrate: put right what an output stage delivers and senses, with a resistor of known value."""

from __future__ import annotations

import contextlib
import re
import shlex
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from nmes.core import calibration as declared
from nmes.core import command_words
from nmes.core.reason import Refused, refuse
from opennmes import files
from opennmes.boards import stage_of
from opennmes.cli.kept import connected, warning
from opennmes.cli.keyfile import KeyFile, open_for_change
from opennmes.cli.keys import Gone, Keyboard, available, keyboard
from opennmes.cli.numbers import whole_number
from opennmes.cli.output import (
    busy,
    can_ask,
    err,
    not_understood,
    only_once,
    out,
    print_json,
    print_table,
    reported,
    words,
)
from opennmes.cli.ports import Port
from opennmes.cli.run import confirm
from opennmes.device.calibrating import USABLE, Guide, facts_of, need_usable
from opennmes.device.calibration import check_resistor, percent
from opennmes.device.client import Device, LinkError
from opennmes.device.readings import Readings, begun, path_of
from opennmes.ports.interrupts import stop_on_signals
from opennmes.prescription.explain import explain

STDIN = "-"
_ANSWERS_BYTES_MOST = 65_536
_LOOK_S = 0.2  # so often the session is kept alive while a person takes their time
_MILLION = 1_000_000
_VOLTS = re.compile(r"[0-9]{1,3}(\.[0-9]{1,6})?")


# long: the verb's options, each with its help, are half of it
def calibrate(
    port: Port = None,
    ohm: Annotated[
        str | None, typer.Option(metavar="OHM", help="The resistor, 200 to 2000, as measured.", show_default=False)
    ] = None,
    tolerance: Annotated[
        str | None,
        typer.Option(metavar="PERCENT", help="How far it may be from that, at most 2.", show_default=False),
    ] = None,
    channel: Annotated[
        str | None, typer.Option(metavar="N", help="This channel alone; without, one after the other.")
    ] = None,
    answers: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="What the scope shows, volts, a line each, instead of asking; - for input."),
    ] = None,
    acknowledge: Annotated[
        bool,
        typer.Option(
            "--acknowledge", help="A person has confirmed the checklist, and nobody but the resistor is there."
        ),
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Forget what was read before, and start over.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Say what is in force, and do nothing.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Have the device forget its calibration.")] = False,
    key: KeyFile = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Calibrate a device's output stage with a resistor of known value and a scope: the current that it delivers, and
    what it senses of current and voltage, of each channel. Never with a person: only the resistor is connected.

    The device makes pulses of some amplitudes, you type the voltage that the scope shows. What you have typed is kept
    on this computer until it is done: interrupted at any step, the same command goes on. The device keeps the result.

    Example: nmes calibrate --show --port virtual
    """
    if show and undo:
        not_understood("--show and --undo are both given; --undo says what it takes away")
    only = None if channel is None else whole_number("--channel", channel)
    with reported(json, done=False):
        stop_on_signals()
        if show or undo:
            _show_or_undo(port, undo, key, json)
            return
        given = None if answers is None else _read_answers(answers)
        if given is None and not (can_ask() and available()):
            not_understood("nobody can be asked here; --answers FILE says what the scope shows, volts, a line each")
        with connected(port, to_write=True) as (device, where):
            open_for_change(device, where, key)
            stage = _stage_of(device)
            channels = _channels(stage, only)
            need_usable(device.request("calibration")["condition"], where)
            readings = _readings(device, stage, ohm, tolerance, again, may_ask=given is None)
            confirm(acknowledge)
            person = _Scripted(given) if given is not None else _AtTerminal()
            results = _calibrated(Guide(device, stage, readings, person), channels)
            there = device.request("calibration")
            readings.done(channels)
        only_once()
        if json:
            print_json(
                {"done": True, "ohm": readings.ohm, "tolerance_percent": readings.tolerance_ppm / 10_000,
                 "channels": results, "calibration": _of(there)}
            )  # fmt: skip
        else:
            _print(there)


def _calibrated(guide: Guide, channels: list[int]) -> list[dict[str, Any]]:
    """Calibrate one channel after the other, and say of each what came of it."""
    results = []
    for number in channels:
        results.append(guide.calibrate(number))
        _say(_in_a_line(results[-1]))
    return results


def _stage_of(device: Device) -> dict[str, Any]:
    """The facts of what is to be calibrated. Raises Refused."""
    stage = stage_of(device.identity["board"], device.identity["stage"])
    if not stage["measures"]:
        source = f"output stage {stage['name']}"
        refuse("not_measured", "stage", stage["name"], "an output stage that measures", source)
    return stage


def _channels(stage: dict[str, Any], only: int | None) -> list[int]:
    if only is not None and only >= stage["channels"]:
        not_understood(f"--channel is {only}; the output stage has channels 0 to {stage['channels'] - 1}")
    return [only] if only is not None else list(range(stage["channels"]))


def _readings(
    device: Device, stage: dict[str, Any], ohm: str | None, tolerance: str | None, again: bool, *, may_ask: bool
) -> Readings:
    """What was read before with the same resistor, or none. Raises Refused, LinkError and OSError."""
    path = path_of(device.identity["uid"], stage["name"], facts_of(stage))
    if again:
        path.unlink(missing_ok=True)
    there = begun(path)
    if there is None:
        if may_ask:
            ohm = ohm or _ask("The resistor in ohm, as measured (200 to 2000; 500 is good)")
            tolerance = tolerance or _ask("How far it may be from that, in percent (0.1 is good)")
        if ohm is None or tolerance is None:
            not_understood("--ohm and --tolerance say which resistor it is, as in --ohm 499 --tolerance 0.1")
        made = Readings(path, whole_number("--ohm", ohm), _tolerance_ppm(tolerance))
        check_resistor(made.ohm, made.tolerance_ppm)
        return made
    same = ohm is None or whole_number("--ohm", ohm) == there.ohm
    if not same or (tolerance is not None and _tolerance_ppm(tolerance) != there.tolerance_ppm):
        raise LinkError(
            f"a calibration of this device was begun with {there.ohm} ohm and {there.tolerance_ppm / 10_000:g} %; "
            "leave --ohm and --tolerance out to go on with that resistor, or start over with --again"
        )
    if there.count:
        read = time.strftime("%Y-%m-%d %H:%M", time.localtime(path.stat().st_mtime))
        _say(
            f"going on: {there.count} readings with {there.ohm} ohm are kept, the last of {read}; --again forgets them"
        )
    return there


def _tolerance_ppm(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,4})?", text):
        not_understood(f"--tolerance is {text!r}, which is no percentage; write it as in 0.1")
    return int(Decimal(text) * 10_000)


def _ask(text: str) -> str:
    answer: str = typer.prompt(text, err=True)
    return answer.strip()


# ---- who reads the scope ----


def _volts_uv(text: str) -> int | None:
    """A voltage, given in V, in uV; None when it is none."""
    return int(Decimal(text) * _MILLION) if _VOLTS.fullmatch(text) else None


def _read_answers(name: str) -> list[str]:
    """The lines of a file that are not empty and no comments. Raises OSError."""
    content = b"" if name == STDIN else files.read(Path(name), _ANSWERS_BYTES_MOST + 1)
    if len(content) > _ANSWERS_BYTES_MOST:
        not_understood(f"--answers is longer than {_ANSWERS_BYTES_MOST} bytes; give a file of voltages, a line each")
    text = sys.stdin.read() if name == STDIN else files.decoded(content)
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    found = [line for line in lines if line]
    for line in found:
        if _volts_uv(line) is None:
            not_understood(
                f"--answers: {line[:40]!r} is no voltage; write volts with a decimal point, as in 2.495, a line each"
            )
    return found


class _Scripted:
    """Answers that are there already."""

    may_retry = False

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def connect(self, channel: int, ohm: int) -> None:
        _say(f"channel {channel}: by --answers the resistor of {ohm} ohm is there")

    def voltage_uv(self, channel: int, asked_ua: int, number: int, count: int, wait: Callable[[float], None]) -> int:
        if not self._lines:
            refuse("no_answer", "voltage", "no line", f"one for channel {channel} at {_ma(asked_ua)}", "--answers")
        voltage_uv = _volts_uv(self._lines.pop(0))
        assert voltage_uv is not None
        _say(f"channel {channel}, reading {number} of {count}: {_ma(asked_ua)}, {voltage_uv / 1e6:g} V")
        return voltage_uv

    def refused(self, refusal: Refused) -> None:
        raise refusal

    def say(self, text: str) -> None:
        _say(text)

    def busy(self, text: str) -> contextlib.AbstractContextManager[object]:
        return busy(text)


class _AtTerminal:
    """A person at the keyboard."""

    may_retry = True

    def connect(self, channel: int, ohm: int) -> None:
        question = (
            f"Is nobody connected, and only the resistor of {ohm} ohm between the terminals of channel {channel}, with "
            "the scope across it?"
        )
        if not typer.confirm(question, err=True):
            refuse("not_connected", "resistor", "not confirmed", "only the resistor on the channel", "nmes calibrate")

    def voltage_uv(self, channel: int, asked_ua: int, number: int, count: int, wait: Callable[[float], None]) -> int:
        with keyboard() as keys:  # what was typed before is thrown away, so this comes first
            err.print(
                words(
                    f"channel {channel}, reading {number} of {count}: {_ma(asked_ua)} is set. How high is the first "
                    "phase on the scope, from the line between the pulses to its top, in volts?"
                )
            )
            while True:
                text = _line(keys, wait)
                voltage_uv = _volts_uv(text)
                if voltage_uv is not None:
                    return voltage_uv
                err.print(words(f"{text!r} is no voltage; write volts with a decimal point, as in 2.495"))

    def refused(self, refusal: Refused) -> None:
        for reason in refusal.reasons:
            err.print(words(("that cannot be", "yellow"), f": {explain(reason)}. Look again"), soft_wrap=True)

    def say(self, text: str) -> None:
        _say(text)

    def busy(self, text: str) -> contextlib.AbstractContextManager[object]:
        return busy(text)


def _line(keys: Keyboard | None, wait: Callable[[float], None]) -> str:
    """What a person types until Enter, shown as they type it; the session goes on meanwhile."""
    if keys is None:
        raise LinkError("nobody can type here: this program is in the background")
    text = ""
    while True:
        try:
            pressed = keys.read(_LOOK_S)
        except Gone:
            raise LinkError("the terminal is gone: nobody can type what the scope shows") from None
        for key in pressed:
            if key in ("\r", "\n"):
                sys.stderr.write("\n")
                return text.strip()
            if key in ("\x7f", "\b"):
                if text:
                    text = text[:-1]
                    sys.stderr.write("\b \b")
            elif len(key) == 1 and key.isprintable():
                text += key
                sys.stderr.write(key)
        sys.stderr.flush()
        wait(_LOOK_S / 10)


def _say(text: str) -> None:
    err.print(words(text), soft_wrap=True)


def _ma(current_ua: int) -> str:
    return f"{current_ua / 1_000:g} mA"


def _in_a_line(result: dict[str, Any]) -> str:
    before, after = percent(result["error_before_ppm"]), percent(result["error_after_ppm"])
    return (
        f"channel {result['channel']} is calibrated: at {_ma(result['control_ua'])} the current was {before} off, "
        f"and now measured {after}"
    )


# ---- what is in force ----


def _show_or_undo(port: list[str] | None, undo: bool, key: Path | None, json: bool) -> None:
    with connected(port, to_write=False) as (device, where):
        there = device.request("calibration")
        if undo:
            open_for_change(device, where, key)
            device.request("uncalibrate")
            now = device.request("calibration")
            if now["condition"] != "none":
                raise LinkError(f"{where}: the device still keeps a calibration ({now['condition']}); report this")
    only_once()
    if there["condition"] not in USABLE and not undo:
        command = f"nmes calibrate --undo --port {shlex.quote(where)}"
        warning(f"what the device keeps is not applied ({there['condition']}), and nobody is armed; {command}")
    if json:
        print_json({"done": True, "undone": undo, "calibration": _of(now if undo else there), "before": _of(there)})
    elif not undo:
        _print(there)
    elif there["condition"] == "none":
        out.print("the device kept no calibration; the stage's own values are in force")
    else:
        _print(there, "taken away")
        out.print("the stage's own values are in force")


def _of(there: dict[str, Any]) -> dict[str, Any]:
    return {key: there[key] for key in declared.FIELDS}


def _print(there: dict[str, Any], what: str = "in force") -> None:
    made = "" if there["unix_s"] is None else time.strftime(", made %Y-%m-%d %H:%M UTC", time.gmtime(there["unix_s"]))
    name = {"whole": f"calibration {there['digest']}{made}", "none": "not calibrated, the stage's own values"}
    title = f"{name.get(there['condition'], there['condition'])}, {what}"
    keys = list(declared.ROW)
    channels = sorted(there["rows"])
    table = Table("", *[f"channel {channel}" for channel in channels], title=title)
    lines = []
    for key in keys:
        values = [_value(key, there["rows"][channel].get(key)) for channel in channels]
        table.add_row(*map(words, (command_words.ROW[key], *values)))
        lines.append((command_words.ROW[key], [f"channel {c}: {v}" for c, v in zip(channels, values, strict=True)]))
    with out:
        print_table(table, lines)


def _value(key: str, value: int | None) -> str:
    if value is None:
        return "not measured"
    return percent(value) if key.endswith("_ppm") else f"{value:+d} counts"
