"""What all verbs share: how they print, and how they fail."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from typing import Any, NoReturn

import typer
from rich.console import Console, ConsoleDimensions
from rich.padding import Padding
from rich.status import Status
from rich.table import Table
from rich.text import Text

from nmes.core.reason import Refused
from opennmes.boards import UnknownBoard
from opennmes.cli.fault import FaultError, in_words
from opennmes.cli.streams import Stream
from opennmes.device.acceptance.wrong import PromptLost, WiresWrong, WitnessError
from opennmes.device.client import DeviceRefused, LinkError
from opennmes.device.locking import LockingError
from opennmes.files import AlreadyThere
from opennmes.ports.errors import PortError
from opennmes.prescription import PrescriptionError
from opennmes.prescription.explain import explain
from opennmes.prescription.library import UnknownProgramme
from opennmes.visible import visible

FAILED = 1
NOT_UNDERSTOOD = 2
NOT_WRITTEN = 3
NOT_MEDICAL = "OpenNMES is a research instrument, not a medical device."

# What can go wrong without a bug of ours.
FAILURES = (
    PrescriptionError, UnknownBoard, UnknownProgramme, AlreadyThere, Refused, DeviceRefused, FaultError, LinkError,
    LockingError, PortError, OSError, WitnessError, WiresWrong, PromptLost,
)  # fmt: skip

_PROBLEMS_SHOWN = 25  # of one file; who has more has another kind of file, and a screen that rolls shows only the last
_NO_WIDTH = 10_000  # columns of what is no terminal
_COLUMNS, _LINES = 80, 25  # of a terminal that does not say how large it is


class _Console(Console):
    """Text as it is: no markup, no emoji codes, no colours of its own. What is no terminal has no width."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, highlight=False, markup=False, emoji=False)

    @property
    def size(self) -> ConsoleDimensions:
        columns = os.environ.get("COLUMNS", "")
        try:
            if not self.file.isatty():
                return ConsoleDimensions(_NO_WIDTH, _LINES)
            width, height = os.get_terminal_size(self.file.fileno())
        except (OSError, ValueError):  # it is closed, or only calls itself a terminal
            width, height = 0, 0
        width = int(columns) if columns.isdecimal() and int(columns) else width or _COLUMNS
        return ConsoleDimensions(width - self.legacy_windows, height or _LINES)

    @size.setter
    def size(self, new_size: tuple[int, int]) -> None:
        raise AttributeError("the terminal has the size that it has")


out = _Console()
err = _Console(stderr=True)


def words(*parts: str | tuple[str, str]) -> Text:
    """A line of words, (words, style) among them, as a console may print it: every hidden character made visible."""
    return Text.assemble(*[visible(part) if isinstance(part, str) else (visible(part[0]), part[1]) for part in parts])


def print_table(table: Table, turned: list[tuple[str, list[str]]]) -> None:
    """Print `table` where the terminal is wide enough for it. Elsewhere `turned`: the same as blocks, each a heading
    and its lines, folded between words: a figure is never cut."""
    options = out.options.update(width=_NO_WIDTH)
    if table.__rich_measure__(out, options).maximum <= out.width:
        out.print(table)
        return
    if table.title is not None:
        out.print(table.title, style="italic")
    for heading, lines in turned:
        out.print(words(heading))
        for line in lines:
            out.print(Padding(words(line), (0, 0, 0, 2), expand=False))


def error(text: str, details: list[str] | None = None) -> None:
    """Print an error: one line, and the details under it."""
    err.print(words(("nmes:", "bold red"), f" {text}"), soft_wrap=True)
    for detail in details or []:
        err.print(words(f"  - {detail}"), soft_wrap=True)


def print_json(data: object) -> None:
    """Print for machines: ASCII, whatever else there is as JSON escapes it; never coloured, never wrapped."""
    print(json.dumps(data, indent=2), flush=True)


def only_once() -> None:
    """What is printed from here on cannot be had again: if its reader leaves, it comes out on standard error."""
    if isinstance(sys.stdout, Stream):
        sys.stdout.only_once = True


def busy(text: str) -> Status:
    """On a terminal, a spinner while something takes its time; in ASCII, which every terminal can show."""
    return err.status(words(text), spinner="line")


def can_ask() -> bool:
    """Whether a person can be asked: there is a terminal, and the question can be seen."""
    try:
        at_terminal = sys.stdin is not None and sys.stdin.isatty()
    except ValueError:  # closed
        return False
    return at_terminal and (not isinstance(sys.stderr, Stream) or sys.stderr.working)


def not_understood(text: str) -> NoReturn:
    """End with an error about the command line."""
    error(text)
    raise typer.Exit(NOT_UNDERSTOOD)


def _forget_what_was_being_printed() -> None:
    """An interrupted console keeps its text and would print it before the next one; the stream has it already."""
    for console in (out, err):
        console.begin_capture()
        console.end_capture()


@contextlib.contextmanager
def reported(as_json: bool, **fields: Any) -> Iterator[None]:
    """Turn what can go wrong into a message, with `as_json` also into JSON (`fields`, error, reasons), and a status."""
    try:
        yield
    except (KeyboardInterrupt, typer.Abort):  # typer.Abort: Ctrl-C, or the end of the input, at a question
        _forget_what_was_being_printed()
        if isinstance(sys.stdout, Stream) and sys.stdout.begun:
            sys.stdout.give_up("interrupted")  # while it was printed: the result is there
            return
        error("interrupted")
        if as_json:
            print_json({**fields, "error": "interrupted", "reasons": []})
        raise typer.Exit(FAILED) from None
    except FAILURES as failure:
        status, text, details, reasons = described(failure)
        error(text, details)
        if as_json:
            more = {"fault": failure.fault} if isinstance(failure, FaultError) else {}
            print_json({**fields, **more, "error": text.rstrip(":"), "reasons": reasons})
        raise typer.Exit(status) from None


def described(failure: Exception) -> tuple[int, str, list[str], list[dict[str, Any]]]:
    """Exit status, message, details and reasons."""
    match failure:
        case PrescriptionError(path=path, problems=[problem]) if not problem.key:
            comma = "," if problem.line else ""
            return NOT_UNDERSTOOD, f"{path}{comma} {problem}", [], problem_reasons(failure)
        case PrescriptionError(path=path, problems=problems):
            text = f"{path} cannot be understood as a prescription:"
            more = [f"and {len(problems) - _PROBLEMS_SHOWN} more"] if len(problems) > _PROBLEMS_SHOWN else []
            return NOT_UNDERSTOOD, text, [*map(str, problems[:_PROBLEMS_SHOWN]), *more], problem_reasons(failure)
        case UnknownBoard() | UnknownProgramme():
            return NOT_UNDERSTOOD, str(failure), [], []
        case Refused(reasons=reasons):
            return FAILED, "refused by the host's own check:", [explain(reason) for reason in reasons], reasons
        case DeviceRefused(reasons=reasons):
            return FAILED, str(failure), [explain(reason) for reason in reasons], reasons
        case FaultError(fault=fault):
            return FAILED, str(failure), in_words(fault) if fault else [], []
        case WiresWrong(wrong=wrong):
            return FAILED, str(failure), wrong, []
        case OSError(filename=str() as name, strerror=str() as why):
            return FAILED, f"{name}: {why}", [], []
        case _:
            return FAILED, str(failure), [], []


def problem_reasons(failure: PrescriptionError) -> list[dict[str, Any]]:
    """A file's problems in the form of reasons, with the line where it is known."""
    return [
        {
            "code": problem.code,
            "parameter": problem.key,
            "asked": None,
            "bound": problem.text,
            "source": f"{failure.path}" + (f", line {problem.line}" if problem.line else ""),
            "phase": None,
        }
        for problem in failure.problems
    ]
