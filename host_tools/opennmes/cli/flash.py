"""nmes flash: OpenNMES onto a board, and read back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress

from opennmes.boards import UnknownBoard
from opennmes.cli.devices import in_words
from opennmes.cli.output import FAILED, err, error, out, print_json, reported, words
from opennmes.device import discover, drive
from opennmes.device.choose import choose
from opennmes.device.discover import BOOTSEL, BUSY, Board
from opennmes.device.drive import DriveError
from opennmes.device.flashing import FlashError, digest, image_for
from opennmes.device.flashing import flash as put_onto
from opennmes.device.prompt import PromptError
from opennmes.device.uf2 import Uf2, Uf2Error

FAILURES = (FlashError, DriveError, PromptError, Uf2Error, UnknownBoard)


def flash(
    uf2: Annotated[Path | None, typer.Argument(help="The image; without it, ours for this board.")] = None,
    stage: Annotated[
        str, typer.Option(help="For another output stage than the board's usual one: bare, a board by itself.")
    ] = "",
    port: Annotated[str | None, typer.Option(help="The board on this serial port.")] = None,
    mount: Annotated[
        Path | None, typer.Option(help="The folder of a BOOTSEL drive; with --port, where its drive will appear.")
    ] = None,
    all_boards: Annotated[bool, typer.Option("--all", help="Every board that is found.")] = False,
    verify: Annotated[bool, typer.Option("--verify", help="Only compare what is in flash with the image.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Put OpenNMES onto a board and read back what is then in flash. Store and settings stay.

    Nothing is put out meanwhile, and interrupted at any moment the board can be flashed again.
    """
    with reported(json, boards=[]):
        try:
            plan = [(board, image_for(board, uf2, stage)) for board in _chosen(port, mount, all_boards)]
        except FAILURES as failure:
            raise OSError(str(failure)) from failure
    if not verify:
        _agree(plan, yes)
    done = [_one(board, image, verify, mount) for board, image in plan]
    if json:
        print_json({"boards": done})
    else:
        for each in done:
            _say(each)
    if not all(each["verified"] for each in done):
        raise typer.Exit(FAILED)


def _chosen(port: str | None, mount: Path | None, all_boards: bool) -> list[Board]:
    if mount is not None and port is None:
        return [Board(BOOTSEL, str(mount), chip=drive.at_mount(mount).chip)]
    if port is not None:
        found = [discover.at_port(choose(port).where)]
        if found[0].kind == BUSY:
            raise FlashError(found[0].text)
        return found
    found = [board for board in discover.boards() if board.kind != BUSY]
    if not found:
        raise FlashError("no board found; hold BOOTSEL while plugging one in, or name it with --port or --mount")
    if len(found) > 1 and not all_boards:
        listed = "; ".join(in_words(board) for board in found)
        raise FlashError(f"{len(found)} boards are here; name one with --port or --mount, or say --all: {listed}")
    return found


def _agree(plan: list[tuple[Board, Uf2]], yes: bool) -> None:
    for board, image in plan:
        err.print(words(in_words(board)), soft_wrap=True)
        err.print(
            words(f"  will have {image.path}, {len(image.data)} bytes, SHA-256 {image.sha256[:16]}"), soft_wrap=True
        )
    if yes:
        return
    if not sys.stdin.isatty():
        error("nobody is at the terminal to agree; nothing was written. Say --yes to flash without being asked")
        raise typer.Exit(FAILED)
    if not typer.confirm("Nobody is connected to it, and it is to be flashed?", err=True):
        error("nothing was written")
        raise typer.Exit(FAILED)


def _one(board: Board, image: Uf2, verify: bool, mount: Path | None) -> dict[str, Any]:
    """Flash or verify one board; what went wrong becomes part of the result, so that the others go on."""
    result: dict[str, Any] = {"board": board.as_json(), "image": str(image.path), "expected": image.sha256}
    with Progress(console=err, transient=True) as bar:
        tasks: dict[str, Any] = {}

        def progress(what: str, step: int, total: int) -> None:
            task = tasks.get(what) or tasks.setdefault(what, bar.add_task(what, total=total))
            bar.update(task, completed=step, total=total)

        try:
            if verify:
                found = digest(board.where, image, progress)
                result.update({"port": board.where, "sha256": found, "verified": found == image.sha256})
            else:
                result.update(put_onto(board, image, progress, mount))
        except FAILURES as failure:
            result.update({"verified": False, "error": str(failure)})
    return result


def _say(result: dict[str, Any]) -> None:
    where, image = result["board"]["where"], result["image"]
    if "error" in result:
        error(result["error"])
    elif result["verified"]:
        out.print(words(f"{result['port']}: what is in flash is {image}, SHA-256 {result['sha256']}"), soft_wrap=True)
    else:
        error(f"{where}: what is in flash is not {image}; `nmes flash --port {where}` writes it")
