"""Firmware onto a board: into BOOTSEL, the image onto the drive, and what is then in flash read back.

The board puts nothing out meanwhile: in BOOTSEL every pin floats, so the stage's pull-downs hold it off, and the first
thing that our firmware does is to rest its outputs. Interrupted at any moment, the board can be flashed again: BOOTSEL
is in the chip's ROM. The store and the file system lie behind the image and are not touched.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from opennmes import paths
from opennmes.boards import OURS as MACHINE
from opennmes.boards import STOCK, board_names, by_machine, has_image, load_board, machine
from opennmes.device import drive, modules, witness_image
from opennmes.device.client import Device, DeviceRefused
from opennmes.device.discover import BOOTSEL, MICROPYTHON, OURS, WITNESS, Board, at_port, micropython_ports
from opennmes.device.identity import BUILD
from opennmes.device.modules import Plan
from opennmes.device.patience import stretched
from opennmes.device.prompt import Prompt, PromptError
from opennmes.device.uf2 import Uf2, board_in, is_witness, read_uf2
from opennmes.ports.errors import PortError

Progress = Callable[[str, int, int], None]
Found = TypeVar("Found")
DRIVE_S = 20.0
PORT_S = 20.0
FREE_S = 40.0
POLL_S = 0.5
A_WITNESS = "the image of a witness"
WITNESS_BOARD = "pico"  # a witness that does not say what it is


class FlashError(Exception):
    """The board does not have the image; the message says where it stands and what to do."""


def image_for(board: Board, named: Path | None, stage: str = "", called: str = "") -> Uf2:
    """The image to flash: the file that was named, or our own for this board and output stage: the one that is named,
    else the one that it says it has, else its usual one. `called`: what a person calls the board, where it cannot say
    it itself. Raises FlashError, DriveError, Uf2Error and UnknownBoard."""
    name = board_name(board, named, called)
    wanted = stage or ("" if named else str(board.identity.get("stage", "")))
    facts = load_board(name, wanted or None)
    if not has_image(name):
        raise FlashError(
            f"{board.where}: board {name} is one that no image is made for; nothing was written. `nmes boards` lists "
            "what there is"
        )
    of_stage = "" if facts["stage"] == load_board(name)["stage"] else facts["stage"]
    image = read_uf2(named or paths.uf2(name, of_stage), facts["flash"]["firmware"][1])
    # Here, and not only when it is copied: a board that runs would be in BOOTSEL by then.
    drive.check_chip(image, facts["mcu"], board.where)
    if named is None and is_witness(image):
        raise FlashError(f"{image.path} is {A_WITNESS}, expected firmware; nothing was written: `{BUILD}` builds it")
    said = board_in(image)
    if said and said != machine(name) and (called or board.kind != BOOTSEL):
        raise FlashError(
            f"{image.path} is for the board {by_machine(said) or said.removeprefix(MACHINE)}, the one at "
            f"{board.where} is a {name}; nothing was written: leave the UF2 out to have the right one"
        )
    return image


def witness_image_for(board: Board, called: str = "") -> Uf2:
    """The witness's image for a board. Raises FlashError, DriveError, Uf2Error and UnknownBoard."""
    if board.kind == WITNESS:
        name = called or str(board.identity.get("board", WITNESS_BOARD))
    else:
        name = board_name(board, None, called or (WITNESS_BOARD if board.kind == BOOTSEL else ""))
    path, facts = paths.witness_uf2(name), load_board(name)
    if not path.is_file():
        raise FlashError(
            f"{board.where}: there is no witness's image for a {name} ({path}); nothing was written. A "
            f"{WITNESS_BOARD} alone can be a witness, and `make setup` builds its image"
        )
    image = read_uf2(path, facts["flash"]["firmware"][1])
    drive.check_chip(image, facts["mcu"], board.where)
    if not is_witness(image):
        said = board_in(image)
        what = f"firmware for a {by_machine(said) or said}" if said else "an image that OpenNMES has not made"
        raise FlashError(f"{path} is {what}, expected {A_WITNESS}; nothing was written: `{BUILD}` builds it")
    return image


def board_name(board: Board, named: Path | None = None, called: str = "") -> str:
    """Which of boards/ a board is. A chip in BOOTSEL does not say it: a person calls it `called`, or has named the
    image where several boards have that chip, and then it is the one with the least room for it. Raises FlashError when
    it cannot be told or is another than `called`, and UnknownBoard."""
    if called:
        load_board(called)
    name = _said_name(board, named, called)
    if called and called != name:
        raise FlashError(
            f"{board.where}: the board says that it is a {name}, not a {called}; nothing was written. If what was "
            "flashed onto it before was for another board, hold BOOTSEL while plugging it in, and give the command "
            "again"
        )
    return name


def _said_name(board: Board, named: Path | None, called: str) -> str:
    if board.kind == OURS:
        return str(board.identity.get("board")).removesuffix(STOCK)
    if board.kind == MICROPYTHON:
        with Prompt(board.where) as prompt:
            _, machine = prompt.version()
        name = by_machine(machine)
        if not name:
            raise FlashError(
                f"{board.where}: there is no OpenNMES for this board yet ({machine}); `nmes boards` lists others"
            )
        return name
    chip = board.chip or "rp2040"
    fitting = [name for name in board_names() if load_board(name)["mcu"] == chip]
    if called:
        if called not in fitting:
            raise FlashError(
                f"{board.where}: a {called} has no {chip.upper()}, which this board has; nothing was written. Boards "
                f"that have one: {', '.join(fitting)}"
            )
        return called
    if not fitting:
        raise FlashError(f"{board.where}: there is no OpenNMES for this chip yet; `nmes boards` lists what there is")
    if len(fitting) > 1 and named is None:
        raise FlashError(
            f"{board.where}: several boards have this chip, and in BOOTSEL it does not say which it is; name yours: "
            f"--board {' or --board '.join(fitting)}"
        )
    return min(fitting, key=lambda name: int(load_board(name)["flash"]["firmware"][1]))


def flash(
    board: Board,
    image: Uf2,
    progress: Progress,
    mount: Path | None = None,
    *,
    read_back: Callable[[str, Uf2, Progress], str] | None = None,
) -> dict[str, Any]:
    """Put `image` onto `board`; its drive appears at `mount`, where that is given. Returns what was done, for machines.
    `read_back`: the SHA-256 of what is in flash then, where the image gives no prompt.

    Raises FlashError, DriveError, PromptError, and what a device that refuses raises.
    """
    before = {found.mount for found in drive.mounted()}
    others = set(micropython_ports()) - {board.where}
    if board.kind == BOOTSEL:
        target = drive.at_mount(Path(board.where))
    else:
        into_bootsel(board)
        target = _new_drive(before, mount)
    drive.copy(image, target, lambda done, total: progress("writing", done, total))
    device = _port_again(board, others)
    try:
        found = (read_back or digest)(device, image, progress)
    except PromptError:
        _say_if_locked(device, image)
        raise
    if found != image.sha256:
        raise FlashError(
            f"{device}: what is in flash is not what was written (SHA-256 {found[:16]}…, expected "
            f"{image.sha256[:16]}…); run the same command again; if that happens twice, the board's flash is bad"
        )
    return {"port": device, "sha256": found, "bytes": len(image.data), "verified": True}


def need_unlocked(board: Board) -> None:
    """Raises FlashError for a board of ours that is locked: it gives neither BOOTSEL nor the prompt that reads back."""
    by = board.identity.get("locked_by")
    if by:
        raise FlashError(
            f"{board.where}: the board is locked with key {by}, so it is neither flashed nor read back over USB alone; "
            f"nothing was written. `nmes unlock --key FILE --port {board.where}` opens it first, and `nmes lock` locks "
            "it again"
        )


def _say_if_locked(device: str, image: Uf2) -> None:
    """Raises FlashError when what was flashed is a locked board, which gives no prompt to read back with."""
    identity = at_port(device).identity
    if identity.get("locked_by"):
        raise FlashError(
            f"{device}: {image.path} was written, and the board, which is locked with key {identity['locked_by']}, has "
            f"started with firmware {identity.get('firmware')}; that is what it says, and nothing could be read back. "
            f"`nmes unlock --key FILE --port {device}`, then `nmes flash --verify`, compares it"
        )


def flash_modules(board: Board, progress: Progress, agree: Callable[[str, Plan], None] | None) -> dict[str, Any]:
    """Put the firmware's modules onto a board with a stock MicroPython. Returns what was done, for machines.

    `agree` is told which board it is and what would change, before anything does, and raises when nobody agrees; None:
    nothing is changed, only compared. Raises ModulesError and PromptError.
    """
    with Prompt(board.where) as prompt:
        name = modules.board_of(prompt, board.where)
        wanted = modules.files(name)
        prompt.begin_files()
        plan = modules.differences(prompt, wanted, board.where)
        if agree is not None and not plan.nothing:
            agree(name, plan)
            modules.install(prompt, name, wanted, plan, board.where, progress)
    done = {"port": board.where, "sha256": modules.digest(wanted), "bytes": sum(map(len, wanted.values()))}
    if agree is None:
        return {**done, "verified": plan.nothing, "different": plan.written + list(plan.removed)}
    return {**done, "verified": True, "written": plan.written, "removed": list(plan.removed), "moved": plan.moved}


def make_files_anew(board: Board, agree: Callable[[list[str]], None]) -> dict[str, Any]:
    """Make the file system of a board with our image anew, as long as the board's facts say, so that the records of
    sessions have their place. What the device keeps lies elsewhere and stays. Returns what was done, for machines;
    nothing is, where the file system has that length already.

    `agree` is told what lies in it and is lost, before anything is, and raises when nobody agrees. Raises FlashError
    and PromptError.
    """
    if board.kind != OURS or str(board.identity.get("board", "")).endswith(STOCK):
        raise FlashError(
            f"{board.where}: no board with our own image runs there, and only that has records beside its files; "
            "nothing was changed. `nmes flash` puts it there"
        )
    facts = load_board(board_name(board))["flash"]
    reached, (begin, length) = facts["store"][0], facts["files"]
    done: dict[str, Any] = {"port": board.where, "bytes": length, "made": False, "verified": True}
    with Prompt(board.where) as prompt:
        prompt.begin_files()
        prompt.begin_flash()
        longer = prompt.has_file_system(begin - reached, sum(facts["records"]) - begin)
        if not longer and prompt.has_file_system(begin - reached, length):
            return done
        agree(prompt.top_level())
        prompt.make_file_system(begin - reached, length)
        if not prompt.has_file_system(begin - reached, length):
            raise FlashError(
                f"{board.where}: the file system does not read back; run the same command again; if that happens "
                "twice, the board's flash is bad"
            )
    return {**done, "made": True}


def into_bootsel(board: Board) -> None:
    """Send a board that runs into BOOTSEL. Ours refuses while somebody is armed: raises DeviceRefused."""
    if board.kind == WITNESS:
        witness_image.into_bootsel(board.where)
    elif board.kind != OURS or not _by_command(board):
        Prompt(board.where).bootloader()


def _by_command(board: Board) -> bool:
    """Ask the firmware; False when it is too old to know how."""
    from opennmes.ports.serial import SerialPort

    port = SerialPort(board.where)
    try:
        device = Device(port)
        device.introduce()
        device.request("bootloader")
    except DeviceRefused as refused:
        if refused.error != "unknown_command":
            raise
        return False
    finally:
        port.close()
    return True


def digest(device: str, image: Uf2, progress: Progress) -> str:
    """SHA-256 of what is in flash where `image` belongs."""
    with Prompt(device) as prompt:
        return prompt.sha256_of_flash(
            image.start, len(image.data), lambda done, total: progress("reading back", done, total)
        )


def _new_drive(before: set[Path], mount: Path | None) -> drive.Drive:
    """The drive that was not there before; the one at `mount`, where that is given. Raises FlashError."""

    def new() -> list[drive.Drive]:
        if mount is not None:
            return [drive.at_mount(mount)] if drive.is_at(mount) else []
        return [found for found in drive.mounted() or drive.mount_by_udisks() if found.mount not in before]

    found = _looked_for(new, wait_s := stretched(DRIVE_S))
    if len(found) == 1:
        return found[0]
    if found:
        raise FlashError("several chips went into BOOTSEL at once; name the folder of one with --mount")
    raise FlashError(
        f"the board was sent into BOOTSEL and no drive came{f' at {mount}' if mount else ''} within {wait_s:g} s; "
        "mount the disk RPI-RP2 by hand, then run `nmes flash --mount FOLDER`"
    )


def _port_again(board: Board, others: set[str]) -> str:
    """The port of the board that has just been flashed: the one that it had, or the one that was not there before.
    Raises FlashError."""

    def new() -> list[str]:
        found = set(micropython_ports()) - others
        if board.kind != BOOTSEL and Path(board.where).exists():
            found.add(board.where)
        return list(found) if len(found) == 1 else []  # of several nobody can tell which is its own

    found = _looked_for(new, wait_s := stretched(PORT_S))
    if found:
        _wait_until_free(found[0])
        return found[0]
    raise FlashError(
        f"the image was written and the board has not come back within {wait_s:g} s; unplug it, plug it in again, then "
        "run `nmes flash --verify`"
    )


def _wait_until_free(device: str) -> None:
    """Wait until a port can be opened that has just come: ModemManager has each new one for some seconds. Raises
    FlashError."""
    if not _looked_for(lambda: [] if _busy(device) else [device], stretched(FREE_S)):
        raise FlashError(
            f"{_busy(device)}. The image was written; what is in flash has not been compared: when the port can be "
            f"opened, run `nmes flash --verify --port {device}`"
        )


def _busy(device: str) -> str:
    """Why a port cannot be opened; "" when it can."""
    from opennmes.ports.serial import SerialPort

    try:
        SerialPort(device).close()
    except PortError as busy:
        return str(busy)
    return ""


def _looked_for(look: Callable[[], list[Found]], wait_s: float) -> list[Found]:
    """What `look` finds, as soon as it finds anything; nothing after `wait_s`."""
    until_s = time.monotonic() + wait_s
    while time.monotonic() < until_s:
        if found := look():
            return found
        time.sleep(POLL_S)
    return []
