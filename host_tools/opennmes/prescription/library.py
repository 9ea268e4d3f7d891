"""The library: prescriptions that come with the package, to be looked at, written out and edited."""

from __future__ import annotations

import contextlib
import difflib
from dataclasses import dataclass
from pathlib import Path

from opennmes import paths
from opennmes.files import AlreadyThere, write_text
from opennmes.prescription import Prescription, schema


class UnknownProgramme(Exception):
    """There is no such programme; the message says which are near, and how to see them all."""


@dataclass(frozen=True)
class Programme:
    """One prescription of the library; `purpose` is the comment that its file begins with."""

    name: str
    text: str
    purpose: str
    prescription: Prescription


def names() -> list[str]:
    """The names of all programmes."""
    return sorted(path.stem for path in paths.PROGRAMMES.glob("*.toml"))


def find(name: str) -> Programme:
    """The programme of this name. Raises UnknownProgramme."""
    if name not in names():
        asked = name.lower().removesuffix(".toml").replace("_", "-").replace(" ", "-")
        near = [known for known in names() if asked and asked in known]
        near = near or difflib.get_close_matches(asked, names(), 3)
        near = near or [known for known in names() if difflib.get_close_matches(asked, known.split("-"), 1)]
        meant = f"did you mean {' or '.join(near)}? " if near else ""
        raise UnknownProgramme(f'there is no programme "{name}"; {meant}`nmes programmes` lists all')
    path = paths.PROGRAMMES / f"{name}.toml"
    text = path.read_text(encoding="utf-8")
    comment = [line[2:] for line in text.split("\n\n")[0].splitlines() if line.startswith("# ")]
    return Programme(name, text, " ".join(comment), Prescription.from_text(text, path))


def write(programme: Programme, path: Path, *, replace: bool) -> Path:
    """Write a programme out as the file `path`, whole or not at all, and beside it the schema that its first line
    names, unless one is there. Returns where the schema is. Raises AlreadyThere without `replace`, and OSError."""
    beside = path.parent / schema.FILE.name
    if path.is_dir():
        raise AlreadyThere(f"{path} is a folder; give the name of a file in it: {path / programme.name}.toml")
    write_text(path, programme.text, replace=replace)
    with contextlib.suppress(AlreadyThere):  # another file's, maybe another version's: no part of what the file means
        write_text(beside, schema.FILE.read_text(encoding="utf-8"), replace=replace)
    return beside
