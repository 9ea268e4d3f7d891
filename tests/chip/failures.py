"""What a failed chip test leaves behind: the trace of each board that moved in it, as a VCD and as a picture.

They lie in build/failures/, in a folder of the test's name, which is removed when the test begins. The body of a test
runs in a copy of the process, and so may parts of it (`branch`): the copy in which it failed is the one that has the
trace, so that copy writes. What it wrote stands in TOLD, and from there in the test's report.
"""

from __future__ import annotations

import contextlib
import functools
import re
import shutil
import weakref
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from opennmes.emulator import branch as emulator_branch
from opennmes.emulator.stage import OutputStage
from opennmes.emulator.wires import Wires

T = TypeVar("T")

LAST_NANOS = 50_000_000  # of the trace, for the picture
TOLD = "told.txt"
NOTHING = "no board with recorded pins was in this test, or the copy of the process that had it is gone: no trace\n"

_recorders: list[weakref.ref[OutputStage | Wires]] = []  # in the order in which they were made
_item: pytest.Item | None = None  # the test that runs
_before: dict[int, int] = {}  # a recorder's number: the time of its board when this test began


def _remember(kind: Any) -> None:
    made = kind.__init__

    @functools.wraps(made)
    def remembered(self: Any, *arguments: Any, **options: Any) -> None:
        made(self, *arguments, **options)
        _recorders.append(weakref.ref(self))

    kind.__init__ = remembered


_remember(OutputStage)
_remember(Wires)


def branch(work: Callable[[], T], most_s: float | None = None) -> T:
    """As opennmes.emulator.branch; a copy in which `work` fails leaves its traces behind."""

    def kept() -> T:
        try:
            return work()
        except BaseException:
            leave_behind()
            raise

    return emulator_branch.branch(kept, most_s)


def leave_behind() -> None:
    """Write the traces of this process, unless a copy of it has; what goes wrong with that is told and not raised."""
    if _item is None or (folder_of(_item) / TOLD).exists():
        return
    folder, told = folder_of(_item), ""
    with contextlib.suppress(OSError):
        try:
            for number, recorder in enumerate(_recorders_of(_item), start=1):
                folder.mkdir(parents=True, exist_ok=True)
                told += _write(recorder, folder / f"pins{'' if number == 1 else f'-{number}'}.vcd")
        except Exception as error:  # the test's own failure is what people have to see
            told += f"a trace could not be written: {type(error).__name__}: {error}\n"
        if told:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / TOLD).write_text(told)


def _alive() -> Iterator[tuple[int, OutputStage | Wires]]:
    """Each recorder that is still there, and its number."""
    for number, each in enumerate(_recorders):
        if (recorder := each()) is not None:
            yield number, recorder


def _recorders_of(item: pytest.Item) -> list[OutputStage | Wires]:
    """Those whose boards have moved since the test began, and those that its fixtures gave it."""
    given = [getattr(value, "stage", value) for value in getattr(item, "funcargs", {}).values()]
    return [
        each
        for number, each in _alive()
        if each.finish().end_nanos != _before.get(number) or any(each is value for value in given)
    ]


def _write(recorder: OutputStage | Wires, vcd: Path) -> str:
    """Write one board's trace and picture. Returns what a person has to know of them."""
    trace, pico = recorder.finish(), recorder._pico
    trace.write_vcd(vcd)
    picture = vcd.with_suffix(".png")
    begin_ns = max(0, trace.end_nanos - LAST_NANOS)
    shown = f"from {begin_ns / 1e9:.9f} s to {trace.end_nanos / 1e9:.9f} s"
    from failure_picture import save  # not above: its library is as large as all else that the tests of the chip import

    save(trace, begin_ns, vcd.parent.name, f"the pins {shown}", picture)
    return (
        f"the board stood at {trace.end_nanos / 1e9:.9f} s since power-on, after {pico.resets} resets, "
        f"with a CPU factor of {pico.driver.cpu_factor:g}\n"
        f"  {vcd}: its whole trace\n"
        f"  {picture}: {shown}\n"
    )


# ---- what pytest calls; tests/chip/conftest.py has these by name ----


def folder_of(item: pytest.Item) -> Path:
    """Where a test leaves things behind; parameters stand in the name as far as a name can have them."""
    name = f"{item.path.stem}.{item.name}"
    plain = re.sub(r"[^A-Za-z0-9_.]+", "-", name).strip("-")
    if plain != name:
        plain = f"{plain[:100]}-{zlib.crc32(name.encode()):08x}"
    return item.config.rootpath / "build" / "failures" / plain


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test begins: what its last failure left is removed, and where the boards stand is noted."""
    global _item
    _item = item
    shutil.rmtree(folder_of(item), ignore_errors=True)
    _before.clear()
    _before.update({number: each.finish().end_nanos for number, each in _alive()})


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """The report of a test that failed says where its traces are."""
    report: Any = yield
    if report.failed:
        leave_behind()
        told = folder_of(item) / TOLD
        chosen = f", with {item.callspec.params}" if hasattr(item, "callspec") else ""
        report.sections.append(
            (
                "What the chip left behind",
                (told.read_text() if told.exists() else NOTHING)
                + f"the emulator takes no seed: pytest '{item.nodeid}' does the same to the nanosecond{chosen}",
            )
        )
    elif report.when == "call":
        shutil.rmtree(folder_of(item), ignore_errors=True)  # of parts that were meant to fail
    return report  # type: ignore[no-any-return]
