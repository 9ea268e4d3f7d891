"""The verbs of the command `nmes`."""

from __future__ import annotations

import contextlib
import copy
import functools
import os
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from opennmes import __version__
from opennmes.cli import (
    boards,
    calibrate,
    check,
    clear,
    completion,
    devices,
    diff,
    doctor,
    emulate,
    flash,
    lock,
    log,
    panel,
    plot,
    programmes,
    pull,
    push,
    record,
    remove,
    reset,
    run,
    select,
    selftest,
    settings,
    sign,
    status,
    stop,
    unlock,
    verify,
)
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

app = typer.Typer(
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
app.command()(devices.devices)
app.command()(flash.flash)
app.command()(boards.boards)
app.command()(doctor.doctor)
app.command()(programmes.programmes)
app.command()(check.check)
app.command()(plot.plot)
app.command()(verify.verify)
app.command()(run.run)
app.command()(push.push)
app.command()(pull.pull)
app.command()(diff.diff)
app.command()(remove.remove)
app.command()(select.select)
app.command()(settings.settings)
app.command()(reset.reset)
app.command()(lock.lock)
app.command()(unlock.unlock)
app.command()(sign.sign)
app.command()(status.status)
app.command()(record.record)
app.command()(log.log)
app.command()(clear.clear)
app.command()(stop.stop)
app.command()(selftest.selftest)
app.command()(calibrate.calibrate)
app.command()(emulate.emulate)
app.command()(panel.panel)
app.command()(completion.completion)
if completion.VARIABLE in os.environ:
    completion.answer()


def command(arguments: list[str]) -> Any:
    """What carries out a command line, made once: of all verbs, or of the one that the line begins with. To make them
    all takes a third of what it takes to start."""
    verbs = [row.name or row.callback.__name__ for row in app.registered_commands if row.callback]
    return _made(arguments[0] if arguments and arguments[0] in verbs else "")


@functools.cache
def _made(verb: str) -> Any:
    chosen = copy.copy(app)
    if verb:
        chosen.registered_commands = [
            row for row in app.registered_commands if row.callback and (row.name or row.callback.__name__) == verb
        ]
    return typer.main.get_command(chosen)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"nmes {__version__}")
        raise typer.Exit


@app.callback()
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
