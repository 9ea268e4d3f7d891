"""nmes flash: OpenNMES onto a board, and read back."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress

from opennmes.boards import UnknownBoard
from opennmes.cli.devices import in_words
from opennmes.cli.output import FAILED, can_ask, err, error, not_understood, out, print_json, reported, words
from opennmes.cli.ports import only_one
from opennmes.device import discover, drive, witness_image
from opennmes.device.acceptance.wrong import WitnessError
from opennmes.device.choose import choose
from opennmes.device.client import DeviceRefused, LinkError
from opennmes.device.discover import BOOTSEL, BUSY, NOT_MOUNTED, WITNESS, Board
from opennmes.device.drive import DriveError
from opennmes.device.flashing import (
    A_WITNESS,
    FlashError,
    digest,
    flash_modules,
    image_for,
    make_files_anew,
    need_unlocked,
    witness_image_for,
)
from opennmes.device.flashing import flash as put_onto
from opennmes.device.modules import WEAKER, ModulesError, Plan
from opennmes.device.prompt import PromptError
from opennmes.device.uf2 import Uf2, Uf2Error, is_witness
from opennmes.ports.errors import PortError
from opennmes.ports.open import EMULATOR, VIRTUAL

FAILURES = (
    FlashError, DriveError, ModulesError, PromptError, Uf2Error, UnknownBoard, DeviceRefused, LinkError, PortError,
    WitnessError,
)  # fmt: skip


def flash(  # long: its options, what each of its three ways does, and examples
    uf2: Annotated[Path | None, typer.Argument(help="The image; without it, ours for this board.")] = None,
    stage: Annotated[
        str, typer.Option(help="For another output stage: bare, a board by itself, or reference-biofeedback.")
    ] = "",
    board_called: Annotated[
        str, typer.Option("--board", help="Which board it is: a chip in BOOTSEL does not say it. See `nmes boards`.")
    ] = "",
    port: Annotated[
        list[str] | None, typer.Option(metavar="PORT", help="The board on this serial port.", show_default=False)
    ] = None,
    mount: Annotated[
        Path | None, typer.Option(help="The folder of a BOOTSEL drive; with --port, where its drive will appear.")
    ] = None,
    all_boards: Annotated[bool, typer.Option("--all", help="Every board that is found.")] = False,
    verify: Annotated[bool, typer.Option("--verify", help="Only compare what is in flash with the image.")] = False,
    as_modules: Annotated[
        bool, typer.Option("--modules", help="Keep the board's own MicroPython; for resistors alone, see above.")
    ] = False,
    witness: Annotated[
        bool,
        typer.Option("--witness", help="The witness's image, for a board that judges another: docs/verify.md."),
    ] = False,
    files_anew: Annotated[
        bool, typer.Option("--make-files-anew", help="Only make the board's file system anew, see above.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Put OpenNMES onto a board and read back what is then in flash. Store and settings stay.

    Nothing is put out meanwhile, and interrupted at any moment the board can be flashed again.

    With --modules the firmware goes onto the file system of a stock MicroPython, 1.25 or later, as compiled modules;
    what differs is written. Such a board is for resistors alone: it refuses every prescription for a person.

    With --make-files-anew a board that has our image already gets a new, empty file system of the length that leaves
    room for the records of sessions, and nothing else is written: one of a stock MicroPython is longer, and then nobody
    is armed (not_recorded). Its files are lost; name, prescriptions, settings and all else that the device keeps stay.

    With --witness it is the image of a board that judges another one (`nmes verify --witness`). A board that has it is
    flashed and compared with it without the option too; to make it another board again, plug it in with BOOTSEL held.

    Example: nmes flash --board pico --mount RPI-RP2 --yes

    Example: nmes flash --modules --port /dev/ttyACM0 --yes
    """
    _understood(bool(uf2 or mount or board_called or stage), as_modules, files_anew, verify)
    if witness and (uf2 is not None or stage or as_modules or files_anew):
        not_understood("--witness is an image of its own: leave out the UF2, --stage, --modules and --make-files-anew")
    if uf2 is not None and stage:
        not_understood("--stage chooses one of our images, and a UF2 is named already: leave one of them out")
    named = _named(port, mount, all_boards)
    with reported(json, boards=[]):
        try:
            found = _unlocked(_chosen(named, mount, all_boards))
            no_image = as_modules or files_anew
            plan = [] if no_image else [_planned(board, uf2, stage, board_called, witness) for board in found]
            if not verify:
                _agree(plan, yes)
        except FAILURES as failure:
            raise OSError(str(failure)) from failure
    try:
        if files_anew:
            done = [_files(board, yes) for board in found]
        elif as_modules:
            done = [_modules(board, verify, yes) for board in found]
        else:
            done = [_one(board, image, verify, mount) for board, image in plan]
    except (KeyboardInterrupt, typer.Abort):
        error("interrupted; the board puts nothing out and can be flashed again: give the same command")
        if json:
            print_json({"boards": [], "error": "interrupted", "reasons": []})
        raise typer.Exit(FAILED) from None
    _print(done, json)
    if not all(each["verified"] for each in done):
        raise typer.Exit(FAILED)


def _planned(board: Board, uf2: Path | None, stage: str, called: str, witness: bool) -> tuple[Board, Uf2]:
    """A board and the image that it is to have: a witness stays one. Raises what is among FAILURES."""
    if witness or (board.kind == WITNESS and uf2 is None and not stage):
        return board, witness_image_for(board, called)
    return board, image_for(board, uf2, stage, called)


def _understood(an_image: bool, as_modules: bool, files_anew: bool, verify: bool) -> None:
    """End with status 2 where what is asked for does not go together."""
    if as_modules and an_image:
        not_understood(
            "--modules writes to the board's file system: leave the UF2, --mount and --board out, and --stage"
        )
    if files_anew and (an_image or as_modules or verify):
        not_understood(
            "--make-files-anew writes no firmware: leave out the UF2, --mount, --modules, --verify, --stage, --board"
        )


def _named(port: list[str] | None, mount: Path | None, all_boards: bool) -> str | None:
    named = only_one(port, "one board is named so; for every board that is here say --all")
    if all_boards and (named is not None or mount is not None):
        not_understood("--all means every board that is here; leave out --port and --mount")
    if named in (VIRTUAL, EMULATOR):
        not_understood(f"--port {named} is no board that could be flashed: it always runs the firmware of these tools")
    return named


def _print(done: list[dict[str, Any]], json: bool) -> None:
    if json:
        print_json({"boards": done})
        return
    for each in done:
        _say(each)


def _chosen(port: str | None, mount: Path | None, all_boards: bool) -> list[Board]:
    if mount is not None and port is None:
        return [Board(BOOTSEL, str(mount), chip=drive.at_mount(mount).chip)]
    if port is not None:
        found = [discover.at_port(choose(port).where)]
        if found[0].kind == BUSY:
            raise FlashError(found[0].text)
        return found
    found = [board for board in discover.boards() if board.kind not in (BUSY, NOT_MOUNTED)]
    found += [Board(BOOTSEL, str(new.mount), chip=new.chip) for new in ([] if found else drive.mount_by_udisks())]
    if not found:
        raise FlashError(
            "no board found; hold BOOTSEL while plugging one in, or name it with --port or --mount; where one is "
            "plugged in, `nmes doctor` looks for the reason"
        )
    if len(found) > 1 and not all_boards:
        listed = "; ".join(in_words(board) for board in found)
        raise FlashError(f"{len(found)} boards are here; name one with --port or --mount, or say --all: {listed}")
    return found


def _unlocked(found: list[Board]) -> list[Board]:
    for board in found:
        need_unlocked(board)
    return found


def _agree(plan: list[tuple[Board, Uf2]], yes: bool) -> None:
    """Raises FlashError when nobody agrees to what is to be written."""
    if not plan:
        return
    for board, image in plan:
        what = f", {A_WITNESS}" if is_witness(image) else ""
        err.print(words(in_words(board)), soft_wrap=True)
        err.print(
            words(f"  will have {image.path}{what}, {len(image.data)} bytes, SHA-256 {image.sha256[:16]}"),
            soft_wrap=True,
        )
    _ask(yes)


def _ask(yes: bool, question: str = "Nobody is connected to it, and it is to be flashed?") -> None:
    """Raises FlashError when nobody agrees."""
    if yes:
        return
    if not can_ask():
        raise FlashError(
            "nobody is at the terminal to agree; nothing was written. Say --yes to flash without being asked"
        )
    if not typer.confirm(question, err=True):
        raise FlashError("nothing was written: nobody agreed")


def _one(board: Board, image: Uf2, verify: bool, mount: Path | None) -> dict[str, Any]:
    """Flash or verify one board; what went wrong becomes part of the result, so that the others go on."""
    result: dict[str, Any] = {"board": board.as_json(), "image": str(image.path), "expected": image.sha256}
    with _bar() as progress:
        try:
            if verify:
                read = witness_image.digest if board.kind == WITNESS else digest
                found = read(board.where, image, progress)
                result.update({"port": board.where, "sha256": found, "verified": found == image.sha256})
            else:
                read_back = witness_image.digest if is_witness(image) else None
                result.update(put_onto(board, image, progress, mount, read_back=read_back))
        except FAILURES as failure:
            result.update({"verified": False, "error": str(failure)})
    return result


def _modules(board: Board, verify: bool, yes: bool) -> dict[str, Any]:
    """The same with modules."""
    result: dict[str, Any] = {"board": board.as_json(), "image": "the firmware's modules"}

    def agree(name: str, plan: Plan) -> None:
        err.print(words(in_words(board)), soft_wrap=True)
        err.print(words(f"  will be a {name} for resistors alone, and refuse every prescription for a person:"))
        for reason in WEAKER:
            err.print(words(f"  - {reason}"), soft_wrap=True)
        err.print(
            words("  `nmes flash` without --modules writes our own image, which has none of this"), soft_wrap=True
        )
        for path, aside in plan.moved.items():
            err.print(words(f"  {path} of yours will be called {aside}"), soft_wrap=True)
        err.print(words(f"  {len(plan.written)} files are written, {len(plan.removed)} removed"), soft_wrap=True)
        _ask(yes)

    try:
        if board.kind == BOOTSEL:
            raise FlashError(f"{board.where}: a chip in BOOTSEL runs no MicroPython; leave --modules out")
        with _bar() as progress:
            result.update(flash_modules(board, progress, None if verify else agree))
    except FAILURES as failure:
        result.update({"verified": False, "error": str(failure)})
    return result


def _files(board: Board, yes: bool) -> dict[str, Any]:
    """Make the file system of one board anew."""
    result: dict[str, Any] = {"board": board.as_json()}

    def agree(names: list[str]) -> None:
        err.print(words(in_words(board)), soft_wrap=True)
        lost = ", ".join(names) if names else "nothing that can be read"
        err.print(words(f"  will have an empty file system; lost is what is in it: {lost}"), soft_wrap=True)
        err.print(words("  name, prescriptions, settings and records stay: they are not in it"), soft_wrap=True)
        _ask(yes, "Its file system is to be made anew?")

    try:
        result.update(make_files_anew(board, agree))
    except FAILURES as failure:
        result.update({"verified": False, "error": str(failure)})
    return result


@contextlib.contextmanager
def _bar() -> Iterator[Callable[[str, int, int], None]]:
    """How far it is, by what is being done."""
    bar = Progress(console=err, transient=True)
    tasks: dict[str, Any] = {}

    def progress(what: str, step: int, total: int) -> None:
        bar.start()  # not before there is something: a question may come first
        if what not in tasks:
            tasks[what] = bar.add_task(what, total=total)
        bar.update(tasks[what], completed=step, total=total)

    try:
        yield progress
    finally:
        bar.stop()


def _say(result: dict[str, Any]) -> None:
    where, image = result["board"]["where"], result.get("image", "")
    if "error" in result:
        error(result["error"])
    elif "made" in result:
        made = "has a new, empty file system, and room" if result["made"] else "had a file system that leaves room"
        out.print(words(f"{where}: {made} for the records of sessions"), soft_wrap=True)
    elif result["verified"]:
        out.print(words(f"{result['port']}: what is in flash is {image}, SHA-256 {result['sha256']}"), soft_wrap=True)
    else:
        option = "--modules " if "different" in result else ""
        error(f"{where}: what is in flash is not {image}; `nmes flash {option}--port {where}` writes it")
