"""What all verbs share: how they print, and how they fail."""

from __future__ import annotations

import contextlib
import json
import signal
from collections.abc import Iterator
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from nmes.core.reason import Refused
from opennmes.boards import UnknownBoard
from opennmes.client import DeviceRefused, LinkError
from opennmes.explain import explain
from opennmes.ports.errors import PortError
from opennmes.ports.interrupts import ENDING
from opennmes.prescription import PrescriptionError

FAILED = 1
NOT_UNDERSTOOD = 2
NOT_MEDICAL = "OpenNMES is a research instrument, not a medical device."

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def error(text: str, details: list[str] | None = None) -> None:
    """Print an error: one line, and the details under it."""
    err.print(f"[bold red]nmes:[/] {escape(text)}", soft_wrap=True)
    for detail in details or []:
        err.print(f"  - {escape(detail)}", soft_wrap=True)


def print_json(data: object) -> None:
    """Print for machines; never coloured, never wrapped."""
    print(json.dumps(data, indent=2, ensure_ascii=False), flush=True)


def not_understood(text: str) -> NoReturn:
    """End with an error about the command line."""
    error(text)
    raise typer.Exit(NOT_UNDERSTOOD)


@contextlib.contextmanager
def reported(as_json: bool, **fields: Any) -> Iterator[None]:
    """Turn what can go wrong into a message, with `as_json` also into JSON (`fields`, error, reasons), and a status."""
    try:
        yield
    except KeyboardInterrupt:
        error("interrupted")
        raise typer.Exit(FAILED) from None
    except (PrescriptionError, UnknownBoard, Refused, DeviceRefused, LinkError, PortError, OSError) as failure:
        status, text, details, reasons = _describe(failure)
        error(text, details)
        if as_json:
            print_json({**fields, "error": text.rstrip(":"), "reasons": reasons})
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


def stop_on_signals() -> None:
    """Let the signals that end a program do what Ctrl-C does, so that a session is stopped in order."""
    for number in ENDING:
        signal.signal(number, signal.default_int_handler)
