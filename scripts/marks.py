"""The parts of a document that a script makes: each stands between two lines of its own, its marks."""

from __future__ import annotations


def of(part: str, script: str) -> tuple[str, str]:
    """The marks of a part that a script makes."""
    return f"<!-- {part}: {script} -->", f"<!-- end of {part} -->"


def put(document: str, marks: tuple[str, str], made: str) -> str:
    """`document` with `made`, whole lines, between its marks. Raises ValueError unless each is there once, in this
    order: what is behind them is not lost."""
    begin, end = marks
    if document.count(begin) != 1 or document.count(end) != 1 or document.index(end) < document.index(begin):
        raise ValueError(f"{begin} and {end} have to stand in the document once, in this order")
    before, after = document[: document.index(begin)], document[document.index(end) + len(end) :]
    return f"{before}{begin}\n{made}{end}{after}"
