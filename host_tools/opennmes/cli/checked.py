"""The option --checked-by of the verbs that state who went through the checklist, and the question where it is not
given."""

from __future__ import annotations

from typing import Annotated

import typer

from nmes.core.reason import printable
from nmes.core.settings import NAME_MAX
from opennmes.cli.kept import warning
from opennmes.cli.output import can_ask, not_understood

_QUESTION = "Who has gone through the whole checklist with the person? (a name; Enter alone: it is not stated)"

CheckedBy = Annotated[
    str | None,
    typer.Option(
        "--checked-by",
        metavar="NAME",
        help="Who has gone through the whole checklist (docs/safety.md) with the person: kept with the prescription, "
        'and shown. Without, a terminal asks; "" is not stated.',
        show_default=False,
    ),
]


def who_checked(said: str | None) -> str:
    """Who has, from the command line, or from the person at the terminal; empty: that is not stated."""
    if said is not None:
        return _name(said)
    if can_ask():
        return _name(typer.prompt(_QUESTION, default="", show_default=False, err=True))
    warning(
        "nobody is stated to have gone through the checklist with the person, and there is no terminal to ask at: "
        '--checked-by NAME states who has, --checked-by "" that it is not stated'
    )
    return ""


def _name(text: str) -> str:
    """A name as the device takes it."""
    name = text.strip()
    if printable(name) != name or len(name) > NAME_MAX:
        not_understood(f"--checked-by has at most {NAME_MAX} printable characters")
    return name
