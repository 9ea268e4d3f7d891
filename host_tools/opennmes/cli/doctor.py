"""nmes doctor: what is wrong here, and the command that mends it."""

from __future__ import annotations

from typing import Annotated

import typer

from opennmes.cli.output import FAILED, busy, out, print_json, reported, words
from opennmes.cli.ports import only_one

_SHOWN = {"fine": ("ok   ", "green"), "note": ("note ", "yellow"), "wrong": ("WRONG", "bold red")}


def doctor(
    port: Annotated[
        list[str] | None, typer.Option(metavar="PORT", help="Look at this serial port alone.", show_default=False)
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show what is fine too.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Find what is wrong with this computer, its ports and the boards on them; each finding says what mends it.

    Changes nothing and disturbs no session. Exit status 1 when something is wrong; a note is not.

    Example: nmes doctor --verbose
    """
    from opennmes.device.doctor import FINE, WRONG, findings

    named = only_one(port, "one port is looked at alone; without --port all are")
    with reported(json, findings=[]), busy("looking at this computer and what is plugged in"):
        found = findings(named)
    wrong = sum(finding.level == WRONG for finding in found)
    if json:
        print_json({"findings": [finding.as_json() for finding in found], "wrong": wrong})
    else:
        for finding in found:
            if finding.level == FINE and not verbose:
                continue
            out.print(words(_SHOWN[finding.level], f" {finding.topic}: {finding.text}"), soft_wrap=True)
            if finding.mend:
                out.print(words(f"      mend: {finding.mend}"), soft_wrap=True)
        fine = sum(finding.level == FINE for finding in found)
        hidden = "" if verbose else "; --verbose shows them"
        out.print(words(f"{wrong} wrong, {len(found) - wrong - fine} to note, {fine} fine{hidden}"), soft_wrap=True)
    if wrong:
        raise typer.Exit(FAILED)
