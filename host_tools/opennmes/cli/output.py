"""What all verbs share: how they print, and how they fail."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from nmes.core.reason import Refused
from opennmes.boards import UnknownBoard
from opennmes.cli.fault import FaultError, in_words
from opennmes.cli.streams import Stream
from opennmes.client import DeviceRefused, LinkError
from opennmes.explain import explain
from opennmes.ports.errors import PortError
from opennmes.prescription import PrescriptionError

FAILED = 1
NOT_UNDERSTOOD = 2
NOT_WRITTEN = 3
NOT_MEDICAL = "OpenNMES is a research instrument, not a medical device."

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def error(text: str, details: list[str] | None = None) -> None:
    """Print an error: one line, and the details under it."""
    err.print(f"[bold red]nmes:[/] {escape(text)}", soft_wrap=True)
    for detail in details or []:
        err.print(f"  - {escape(detail)}", soft_wrap=True)


def print_json(data: object) -> None:
    """Print for machines; never coloured, never wrapped. What standard output cannot show is escaped as JSON does."""
    text = json.dumps(data, indent=2, ensure_ascii=False)
    if isinstance(sys.stdout, Stream) and not sys.stdout.can_show(text):
        text = json.dumps(data, indent=2)
    print(text, flush=True)


def only_once() -> None:
    """What is printed from here on cannot be had again: if its reader leaves, it comes out on standard error."""
    if isinstance(sys.stdout, Stream):
        sys.stdout.only_once = True


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


@contextlib.contextmanager
def reported(as_json: bool, **fields: Any) -> Iterator[None]:
    """Turn what can go wrong into a message, with `as_json` also into JSON (`fields`, error, reasons), and a status."""
    try:
        yield
    except (KeyboardInterrupt, typer.Abort):  # typer.Abort: Ctrl-C, or the end of the input, at a question
        if isinstance(sys.stdout, Stream) and sys.stdout.begun:
            sys.stdout.give_up("interrupted")  # while it was printed: the result is there
            return
        error("interrupted")
        if as_json:
            print_json({**fields, "error": "interrupted", "reasons": []})
        raise typer.Exit(FAILED) from None
    except (
        PrescriptionError, UnknownBoard, Refused, DeviceRefused, FaultError, LinkError, PortError, OSError
    ) as failure:  # fmt: skip
        status, text, details, reasons = _describe(failure)
        error(text, details)
        if as_json:
            more = {"fault": failure.fault} if isinstance(failure, FaultError) else {}
            print_json({**fields, **more, "error": text.rstrip(":"), "reasons": reasons})
        raise typer.Exit(status) from None


def _describe(failure: Exception) -> tuple[int, str, list[str], list[dict[str, Any]]]:
    """Exit status, message, details and reasons."""
    match failure:
        case PrescriptionError(path=path, problems=[problem]) if not problem.key:
            return NOT_UNDERSTOOD, f"{path} {problem}", [], problem_reasons(failure)
        case PrescriptionError(path=path, problems=problems):
            text = f"{path} cannot be understood as a prescription:"
            return NOT_UNDERSTOOD, text, [str(problem) for problem in problems], problem_reasons(failure)
        case UnknownBoard():
            return NOT_UNDERSTOOD, str(failure), [], []
        case Refused(reasons=reasons):
            return FAILED, "refused by the host's own check:", [explain(reason) for reason in reasons], reasons
        case DeviceRefused(reasons=reasons):
            return FAILED, str(failure), [explain(reason) for reason in reasons], reasons
        case FaultError(fault=fault):
            return FAILED, str(failure), in_words(fault) if fault else [], []
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
