"""nmes completion: the script with which a shell completes the verbs and options of nmes."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

VARIABLE = "_NMES_COMPLETE"  # the script sets it when it asks nmes what could follow


class Shell(StrEnum):
    """The shells that there is a script for."""

    bash = "bash"
    zsh = "zsh"
    fish = "fish"


def completion(shell: Annotated[Shell, typer.Argument(help="Of which shell.")]) -> None:
    """Print the script that completes verbs and options when Tab is pressed.

    In bash and zsh: eval "$(nmes completion bash)", in fish: nmes completion fish | source; in the shell's own start-up
    file it is there for good.

    Example: nmes completion bash
    """
    from typer.completion import get_completion_script  # type: ignore[attr-defined]  # it is, since 0.16

    print(get_completion_script(prog_name="nmes", complete_var=VARIABLE, shell=shell.value), flush=True)


def answer() -> None:
    """Let typer answer the shell that asks through VARIABLE: it knows the three shells only after this."""
    from typer.completion import completion_init  # type: ignore[attr-defined]  # it is, since 0.16

    completion_init()
