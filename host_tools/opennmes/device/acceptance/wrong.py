"""What keeps an acceptance from beginning, beside what ports and devices raise."""

from __future__ import annotations


class WitnessError(Exception):
    """There is no witness that could be used; the message says what to do. Nothing was put out."""


class PromptLost(Exception):
    """The board is not at its prompt, or said an error."""


class WiresWrong(Exception):
    """The walk has found wires that are wrong, each a line of `wrong`; nothing was armed."""

    def __init__(self, wrong: list[str]) -> None:
        count = f"{len(wrong)} things are" if len(wrong) > 1 else "something is"
        super().__init__(f"{count} wrong with the wires; nothing was armed. docs/verify.md has the picture of them")
        self.wrong = wrong
        for line in wrong:
            self.add_note(f"- {line}")
