"""docs/commands.md: every verb of nmes, its options, and the examples that stand in its docstring.

A line of a verb's docstring that begins with `Example:` is a command line that works as it stands, which
tests/host/test_commands_page.py tries, in a folder with what FILES lists. `Example (exit status 1, ...):` and
`Example (until Ctrl-C):` say how else it may end.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from typing import Any

from opennmes.cli import app

HEAD = """\
# The verbs of nmes

Exit status: 0 done, 1 refused or failed, 2 usage error or invalid file, 3 done, but not all of the result could be
written (a full disk, a closed output, a trace). What standard output does not take comes out on standard error, whole.
A reader who leaves, as in `nmes check FILE | head -1`, changes no status; the account of a session then comes out on
standard error too. When standard error or its terminal goes while a session runs, the session is stopped; under `nohup`
it goes on.

`--json` prints what a program is to read, on standard output; messages for people go to standard error. Numbers have a
decimal point, no comma and no other digits than 0 to 9. `--port PORT` may be left out when just one board is here: see
[run.md](run.md).
Colours are left out where the output is no terminal, and with `NO_COLOR`. Tab completes verbs and options once the
shell has been told: see `nmes completion`. `nmes --patience N VERB`, or NMES_PATIENCE=N, waits N times as long for a
device; it is for boards that `nmes emulate` serves, not for one with somebody connected: what got lost is then sent
again that much later, all but a stop.

In the examples `my.toml` is a prescription of your own, `capture.vcd` what a logic analyser saw of it, `mine.key` a
clinic's key, `/dev/ttyACM0` a board's port (`COM3` on Windows; `nmes devices` lists them) and `RPI-RP2` the folder of a
BOOTSEL drive. `--port virtual` and
`--port emulator` are boards that need no hardware. The virtual one is a new one each time; with NMES_VIRTUAL_STORE set
to the path of files that it may write it keeps its things in them, as a board does, and here it keeps `my.toml` as 1.

Made from the verbs by `python scripts/documents.py`; each example is run by a test.
"""
_EXAMPLE = re.compile(r"Example(?: \((?P<how>[^)]*)\))?: (?P<line>nmes .*)")


@dataclass(frozen=True)
class Example:
    """A command line from a docstring: `status` is how it ends, None for what runs until Ctrl-C."""

    verb: str
    line: str
    how: str

    @property
    def status(self) -> int | None:
        """The exit status that the line has."""
        if self.how == "until Ctrl-C":
            return None
        found = re.match(r"exit status (\d)", self.how)
        return int(found[1]) if found else 0


def verbs() -> dict[str, Any]:
    """Every verb, in the order of `nmes --help`."""
    return dict(app.command([]).commands)


def examples(verb: str, command: Any) -> list[Example]:
    """The examples in a verb's docstring."""
    found = _EXAMPLE.finditer(inspect.getdoc(command.callback) or "")
    return [Example(verb, match["line"].strip(), match["how"] or "") for match in found]


def commands_md() -> str:
    """docs/commands.md."""
    found = verbs()
    parts = [HEAD, "\n| verb | |\n|---|---|\n"]
    parts += [f"| [`{verb}`](#nmes-{verb}) | {summary(command)} |\n" for verb, command in found.items()]
    for verb, command in found.items():
        parts += _verb(verb, command)
    return "".join(parts)


def summary(command: Any) -> str:
    """The first sentence about a verb, as it stands in the list of verbs."""
    return _text(command)[0].partition(". ")[0].rstrip(".")


def _text(command: Any) -> list[str]:
    """The paragraphs of a verb's docstring, without its examples."""
    text = _EXAMPLE.sub("", inspect.getdoc(command.callback) or "")
    return [" ".join(paragraph.split()) for paragraph in text.split("\n\n") if paragraph.strip()]


def _verb(verb: str, command: Any) -> list[str]:
    parts = [f"\n## nmes {verb}\n"]
    parts += [f"\n{_escaped(paragraph)}\n" for paragraph in _text(command)]
    rows = [_row(parameter) for parameter in command.params if parameter.name != "help"]
    if rows:
        parts += ["\n| | |\n|---|---|\n", *rows]
    shown = examples(verb, command)
    if shown:
        lines = [each.line + (f"  # {each.how}" if each.how else "") for each in shown]
        parts += ["\n```sh\n", *(f"{line}\n" for line in lines), "```\n"]
    return parts


def _row(parameter: Any) -> str:
    is_option = parameter.param_type_name == "option"
    name = ", ".join(f"`{option}`" for option in parameter.opts) if is_option else f"`{parameter.name.upper()}`"
    needed = "" if not parameter.required else " Needed." if is_option else ""
    default = parameter.default
    shown = isinstance(default, str | int) and not isinstance(default, bool) and default != ""
    return f"| {name} | {_escaped(parameter.help or '')}{needed}{f' Without it: `{default}`.' if shown else ''} |\n"


def _escaped(text: str) -> str:
    return text.replace("|", r"\|").replace("<", r"\<")
