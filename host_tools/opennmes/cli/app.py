"""The verbs of the command `nmes`."""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from opennmes import __version__
from opennmes.cli import completion
from opennmes.cli.numbers import factor
from opennmes.device.patience import wait_longer
from opennmes.visible import visible


class _Verbs(TyperGroup):
    """The verbs. What typer says of a command line that it does not understand quotes it: hidden characters too."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Each verb with the first sentence about it, whole; typer cuts it to a line."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, _first_sentence(verb.help or "")) for name, verb in self.commands.items()])

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """What is left of the command line; an empty one is answered with the help, and ends with exit status 2."""
        if not args and not ctx.resilient_parsing:  # resilient: a shell asks what could follow
            typer.echo(ctx.get_help(), err=True)
            ctx.exit(2)
        return super().parse_args(ctx, args)

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        with _quoted_visibly():
            return super().make_context(*arguments, **options)

    def invoke(self, *arguments: Any, **options: Any) -> Any:
        with _quoted_visibly():
            return super().invoke(*arguments, **options)


def _first_sentence(text: str) -> str:
    return " ".join(text.partition("\n\n")[0].split()).partition(". ")[0].rstrip(".")


@contextlib.contextmanager
def _quoted_visibly() -> Iterator[None]:
    try:
        yield
    except Exception as usage:  # the class of typer's errors has changed its place between its versions
        if hasattr(usage, "format_message") and isinstance(getattr(usage, "message", None), str):
            setattr(usage, "message", visible(getattr(usage, "message")))  # noqa: B009, B010
        raise


_MOST_PATIENCE = 1000
# Each is a module of this package with a function of the same name; the help lists them in this order.
VERBS = (
    "devices", "flash", "boards", "doctor", "programmes", "check", "plot", "verify", "run", "push", "pull", "diff",
    "remove", "select", "settings", "reset", "lock", "unlock", "sign", "status", "record", "log", "clear", "stop",
    "selftest", "calibrate", "emulate", "panel", "completion",
)  # fmt: skip
if completion.VARIABLE in os.environ:
    completion.answer()


def command(arguments: list[str]) -> Any:
    """What carries out a command line: all verbs, or the one that the line begins with, or none where the version is
    asked for. To import and make them all is half of what it takes to start."""
    first = arguments[0] if arguments else ""
    return _made() if first == "--version" else _made(first) if first in VERBS else _made(*VERBS)


@functools.cache
def _made(*verbs: str) -> Any:
    made = typer.Typer(
        name="nmes",
        cls=_Verbs,
        help=(
            "Check, run and look at prescriptions for an OpenNMES stimulator. "
            "A research instrument, not a medical device. Exit status: 0 done, 1 refused or failed, 2 usage error or "
            "invalid file, 3 done, but not all of the result could be written."
        ),
        add_completion=False,
        rich_markup_mode=None,  # what rich frames it cuts on a narrow terminal, the names of options too
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    made.callback()(_options)
    for verb in verbs:
        made.command()(getattr(importlib.import_module(f"opennmes.cli.{verb}"), verb))
    return typer.main.get_command(made)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"nmes {__version__}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
    patience: Annotated[
        str,
        typer.Option(
            metavar="N",
            envvar="NMES_PATIENCE",
            help="Wait N times as long for a device, from 1 to 1000; one that `nmes emulate` serves may need 100.",
        ),
    ] = "1",
) -> None:
    wait_longer(factor("--patience, or NMES_PATIENCE,", patience, _MOST_PATIENCE))
