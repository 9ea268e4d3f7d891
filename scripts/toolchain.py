#!/usr/bin/env python3
"""Build what OpenNMES runs on: MicroPython's Unix port and the UF2 of a board.

MicroPython, the Pico SDK and TinyUSB come as source packages from Debian 13 (trixie), through apt's own
signature checks and a private apt root: nothing of the system's package lists changes, and no mirror is named
here because apt already knows one. Everything lands in a cache outside the checkout, in folders named after a
hash of what went in, so a second run builds nothing.

Only the standard library is used: this runs before there is a virtual environment.

    scripts/toolchain.py unix          prints the path of the `micropython` binary
    scripts/toolchain.py uf2 BOARD [STAGE]   prints the path of the UF2 with our firmware frozen in
    scripts/toolchain.py witness BOARD prints the path of the UF2 of the witness that judges a board (docs/verify.md)
    scripts/toolchain.py stock         prints the path of a UF2 of MicroPython alone, for tests
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "firmware"), str(ROOT / "host_tools")]

from opennmes import boards, paths  # noqa: E402 of the standard library alone
from opennmes.device import identity, numbers  # noqa: E402 of the standard library alone
from opennmes.device import uf2 as uf2_file  # noqa: E402 of the standard library alone

SUITE = "trixie"
# Upstream versions decide what the emulated chip does, so they are pinned; Debian's own revision may move.
SOURCES = {"micropython": "1.25.0", "mbedtls": "3.6"}
BINARIES = {"pico-sdk-source": "2.1.1", "tinyusb-source": "0.18.0"}
# What the Pico SDK calls the chip of a board; the RP2350 has RISC-V cores too, which we do not use.
PLATFORMS = {"rp2040": "rp2040", "rp2350": "rp2350-arm-s"}
# Raised by hand when a build step below changes what comes out of it.
RECIPE = "1"
DEFINITION = "boards/rp2"  # MicroPython's board definition, one for all of ours
# The date that an image says it was built on, in seconds: that of MicroPython 1.25.0. With the day of the build in it
# no two people would have the same image.
DATE = "1744675200"


class BuildError(Exception):
    """A step failed; the message says which, where its log is and what to do."""


def cache() -> Path:
    """The cache folder: $OPENNMES_CACHE, else the user's cache directory."""
    base = os.environ.get("OPENNMES_CACHE")
    if base:
        return Path(base)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "opennmes"


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Two builds at once (test workers, two terminals) wait for each other instead of colliding."""
    cache().mkdir(parents=True, exist_ok=True)
    with open(cache() / f"{name}.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"  {name}: waiting for another one on this computer to end")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run(what: str, command: list[str], *, log: Path, cwd: Path | None = None, **env: str) -> None:
    """Run `command` with a line of progress; on failure show the end of its log.

    Raises BuildError when it cannot be started or exits non-zero.
    """
    started = last = time.monotonic()
    tty = sys.stderr.isatty()
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "LC_ALL": "C", **env}
    with open(log, "w") as out:
        try:
            process = subprocess.Popen(
                command, cwd=cwd, env=environment, text=True, errors="replace", stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
        except OSError as error:
            raise BuildError(f"{what}: cannot start {command[0]} ({error.strerror}); run `make setup` first") from error
        assert process.stdout is not None
        for lines, line in enumerate(process.stdout, 1):
            out.write(line)
            now = time.monotonic()
            if now - last >= (0.2 if tty else 15):
                last = now
                percent = re.search(r"\[ *(\d+%)\]", line)
                state = f"  {what}: {percent[1] if percent else f'{lines} lines'}, {now - started:.0f} s"
                print(f"\r{state}\033[K" if tty else state, end="" if tty else "\n", file=sys.stderr, flush=True)
        status = process.wait()
    if tty:
        print("\r\033[K", end="", file=sys.stderr)
    if status:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise BuildError(f"{what} failed with status {status}; the end of {log}:\n{tail}")
    say(f"  {what}: done in {time.monotonic() - started:.0f} s")


def build_once(folder: Path, make: Callable[[Path], None]) -> Path:
    """Make `folder` by calling make(scratch) unless it exists; a half-made one never counts."""
    with locked(folder.name):
        if not folder.exists():
            scratch = folder.with_name(folder.name + ".part")
            shutil.rmtree(scratch, ignore_errors=True)
            scratch.mkdir(parents=True)
            make(scratch)
            scratch.rename(folder)
    return folder


def digest(*parts: str | bytes) -> str:
    mixed = hashlib.sha256()
    for part in parts:
        mixed.update(part.encode() if isinstance(part, str) else part)
        mixed.update(b"\0")
    return mixed.hexdigest()[:16]


def tree_digest(*folders: Path, without: Path | None = None) -> str:
    parts: list[str | bytes] = []
    for folder in folders:
        for path in sorted(p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts):
            if without in path.parents:
                continue
            parts += [path.relative_to(ROOT).as_posix(), path.read_bytes()]
    return digest(*parts)


# ---- sources ----------------------------------------------------------------------------------------------


def debian_mirror() -> str:
    """The mirror this machine's apt is set up with.

    Raises BuildError when apt is missing or knows no Debian mirror.
    """
    try:
        listed = subprocess.run(
            ["apt-get", "indextargets", "--format", "$(CODENAME) $(REPO_URI)", "Created-By: Packages"],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
    except (OSError, subprocess.CalledProcessError) as error:
        raise BuildError(
            "apt-get did not answer: MicroPython is built from Debian's source packages, so this needs Debian or "
            "Ubuntu. Elsewhere install `micropython` yourself and set MICROPYTHON to its path (see README.md)."
        ) from error
    for line in listed.splitlines():
        codename, _, uri = line.partition(" ")
        if codename == release():
            return uri
    raise BuildError(f"apt knows no mirror for {release()!r}; run `apt-get update` as root once, then try again")


def release() -> str:
    """The code name of the system, "" when it has none."""
    return next(iter(re.findall(r"^VERSION_CODENAME=(\S+)", Path("/etc/os-release").read_text(), re.M)), "")


def private_apt(apt: Path, suite: str, kinds: tuple[str, ...]) -> list[str]:
    """Options for an apt-get that knows `suite` alone, checked with Debian's own keys, apart from the system's lists:
    all of it is in the folder `apt`, which is made, with `download` in it. `kinds`: of "deb" and "deb-src"."""
    for folder in ("lists/partial", "archives/partial", "download"):
        (apt / folder).mkdir(parents=True)
    mirror = debian_mirror()
    keys = "/usr/share/keyrings/debian-archive-keyring.gpg"
    if not Path(keys).exists():
        raise BuildError(f"{keys} is missing; run: apt-get install debian-archive-keyring")
    (apt / "sources.list").write_text("".join(f"{kind} [signed-by={keys}] {mirror} {suite} main\n" for kind in kinds))
    return [
        "-o", f"Dir::Etc::SourceList={apt}/sources.list", "-o", "Dir::Etc::SourceParts=/dev/null",
        "-o", f"Dir::State::Lists={apt}/lists", "-o", f"Dir::Cache={apt}", "-o", f"Dir::Cache::archives={apt}/archives",
        "-o", "APT::Sandbox::User=", "-o", "APT::Get::List-Cleanup=0",
    ]  # fmt: skip


def fetch_sources(target: Path) -> None:
    """Download and unpack the pinned source packages into `target`/{micropython,mbedtls,pico-sdk,tinyusb}."""
    apt = target / "apt"
    options = private_apt(apt, SUITE, ("deb", "deb-src"))
    log, download = cache() / "logs", apt / "download"
    run(f"package lists of Debian {SUITE}", ["apt-get", *options, "update"], log=log / "apt-update.log")
    run(
        "sources of MicroPython and mbedTLS", ["apt-get", *options, "source", "--download-only", *SOURCES],
        cwd=download, log=log / "apt-source.log",
    )  # fmt: skip
    run(
        "sources of the Pico SDK and TinyUSB", ["apt-get", *options, "download", *BINARIES],
        cwd=download, log=log / "apt-download.log",
    )  # fmt: skip
    for name, version in SOURCES.items():
        (archive,) = download.glob(f"{name}_*.orig.tar.*")
        if not archive.name.startswith(f"{name}_{version}"):
            raise BuildError(f"Debian {SUITE} now offers {archive.name}, but {name} {version} is pinned in {__file__}")
        with tarfile.open(archive) as tar:
            tar.extractall(apt / name)  # Debian's own, checked by apt; Debian 12's Python knows no filter yet
        (unpacked,) = (apt / name).iterdir()
        unpacked.rename(target / name)
    for name, version in BINARIES.items():
        (deb,) = download.glob(f"{name}_*.deb")
        if not deb.name.startswith(f"{name}_{version}"):
            raise BuildError(f"Debian {SUITE} now offers {deb.name}, but {name} {version} is pinned in {__file__}")
        run(f"unpacking {name}", ["dpkg-deb", "-x", str(deb), str(apt / name)], log=log / f"{name}.log")
    shutil.move(next(apt.glob("pico-sdk-source/usr/src/pico-sdk*")), target / "pico-sdk")
    shutil.move(next(apt.glob("tinyusb-source/usr/src/tinyusb*")), target / "tinyusb")
    shutil.rmtree(apt)
    # The package leaves these three folders of ports/rp2's build empty and names micropython-lib, which we do not use.
    lib = target / "micropython" / "lib"
    for name in ("pico-sdk", "tinyusb", "mbedtls"):
        shutil.rmtree(lib / name, ignore_errors=True)
        (lib / name).symlink_to(Path("..") / ".." / name)
    (lib / "micropython-lib").mkdir(exist_ok=True)
    (lib / "micropython-lib" / "README.md").touch()


def sources() -> Path:
    key = digest(RECIPE, SUITE, repr(sorted({**SOURCES, **BINARIES}.items())))
    return build_once(cache() / f"sources-{key}", fetch_sources)


# ---- builds -----------------------------------------------------------------------------------------------

JOBS = f"-j{os.cpu_count() or 1}"


def toolchain_key() -> str:
    """What decides a build besides our own files: sources, recipe and compilers."""

    def version(tool: str) -> str:
        try:
            return subprocess.run([tool, "-dumpfullversion"], capture_output=True, text=True).stdout
        except OSError:
            return "none"

    return digest(sources().name, DATE, version("cc"), version("arm-none-eabi-gcc"))


# No TLS, no btree, no threads, nothing frozen: the smallest VM that still has asyncio's C half and unittest's needs.
# With -O2 and AS_ON_BOARDS the virtual board takes less than half the time that it takes as MicroPython builds it: for
# size, with each frame above 11 words from the heap, and with the places of 128 names kept.
UNIX_FLAGS = (
    "MICROPY_SSL_MBEDTLS=0", "MICROPY_PY_SSL=0", "MICROPY_PY_BTREE=0", "MICROPY_PY_THREAD=0", "FROZEN_MANIFEST=",
    "COPT=-O2 -DNDEBUG",
)  # fmt: skip


AS_ON_BOARDS = ("MICROPY_OPT_MAP_LOOKUP_CACHE_SIZE", "VM_MAX_STATE_ON_STACK")  # what the Unix port has like the boards


def as_on_boards() -> str:
    """The compiler's options for it, as the boards' header has it."""
    header = (ROOT / DEFINITION / "mpconfigboard.h").read_text()
    values = dict(re.findall(r"^#define (\w+) +(.*)$", header, re.M))
    return " ".join(f'-D{name}="{values[name]}"' for name in AS_ON_BOARDS)


def unix_micropython() -> Path:
    """The `micropython` of the Unix port, built once of the sources of the boards' own. Returns its path."""
    tree = patched("rp2040", "unix")
    flags = (*UNIX_FLAGS, f"CFLAGS_EXTRA={as_on_boards()}")

    def make(target: Path) -> None:
        port = tree / "micropython" / "ports" / "unix"
        run(
            "MicroPython, Unix port", ["make", JOBS, "-C", str(port), f"BUILD={target}/build", *flags],
            log=cache() / "logs" / "unix.log",
        )  # fmt: skip
        shutil.move(target / "build" / "micropython", target / "micropython")
        shutil.rmtree(target / "build")

    return build_once(cache() / f"unix-{digest(toolchain_key(), tree.name, *flags)}", make) / "micropython"


def mpy_cross() -> Path:
    """MicroPython's cross compiler, built inside the sources, where the ports' own build looks for it."""
    folder = sources() / "micropython" / "mpy-cross"
    binary = folder / "build" / "mpy-cross"
    with locked("mpy-cross"):
        if not binary.exists():
            run("mpy-cross", ["make", JOBS, "-C", str(folder)], log=cache() / "logs" / "mpy-cross.log")
    return binary


def patches(*kinds: str) -> list[Path]:
    """What is changed in MicroPython's sources for a chip, and for the port "unix", in the order in which it is
    applied."""
    folder = ROOT / DEFINITION / "patches"
    folders = [folder, *(folder / kind for kind in kinds)]
    return sorted((patch for each in folders for patch in each.glob("*.patch")), key=lambda patch: patch.name)


def apply(patch: Path, micropython: Path) -> None:
    """Change the sources in the folder `micropython`. Raises BuildError when they are not those that `patch` is for."""
    try:
        run(
            f"patch {patch.stem}",
            ["patch", "--batch", "--forward", "--fuzz=0", "--no-backup-if-mismatch", "-p1", "-d", str(micropython),
             "-i", str(patch)],
            log=cache() / "logs" / "patch.log",
        )  # fmt: skip
    except BuildError as error:
        raise BuildError(
            f"{patch} does not apply to MicroPython {SOURCES['micropython']}: write it anew for these sources, or "
            f"remove it when they have what it is for\n{error}"
        ) from error


def patched(*kinds: str) -> Path:
    """The sources as sources() has them, with the patches() of these kinds applied to MicroPython. Raises
    BuildError."""
    changes = patches(*kinds)
    original = sources()
    mpy_cross()

    def make(target: Path) -> None:
        for name in ("pico-sdk", "tinyusb", "mbedtls"):
            (target / name).symlink_to(original / name)
        shutil.copytree(original / "micropython", target / "micropython", symlinks=True)
        for patch in changes:
            apply(patch, target / "micropython")

    # A patch's name too: it decides the order.
    texts = (part for patch in changes for part in (patch.name, patch.read_bytes()))
    return build_once(cache() / f"patched-{digest(original.name, *texts)}", make)


def check_size(board: str, size: int) -> None:
    """Raises BuildError when a firmware of `size` bytes reaches into the flash behind it, which holds the store."""
    _, room = boards.load_board(board)["flash"]["firmware"]
    if size > room:
        raise BuildError(
            f"the firmware for {board} has {size} bytes, and the store begins after {room} (boards/{board}/board.py); "
            "make the firmware smaller: a larger one would be erased by what it keeps"
        )


def board_facts(board: str, stage: str) -> str:
    """The text of the module `board` for an image that drives `stage`, "" for its usual one. Raises BuildError when the
    board does not drive such a stage."""
    try:
        return boards.as_module(boards.load_board(board, stage or None))
    except boards.UnknownBoard as error:
        raise BuildError(str(error)) from error


def board_header(board: str) -> str:
    """What MicroPython's C has to know of a board: its name, and how much of the flash rp2.Flash() reaches, which is
    all from the store on."""
    parts = boards.load_board(board)["flash"]
    storage = boards.about(board)["flash_bytes"] - parts["store"][0]
    name = boards.OURS + boards.load_board(board)["title"]
    return f'#define MICROPY_HW_BOARD_NAME "{name}"\n#define MICROPY_HW_FLASH_STORAGE_BYTES ({storage})\n'


def write_changed(path: Path, text: str) -> None:
    """Make `path` hold `text`; one that does is not touched, so that nothing that was made of it is made again."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def uf2(board: str, stage: str = "") -> Path:
    """The UF2 of `boards/<board>` with our firmware frozen in, for its usual output stage or another. Returns its path.

    A change of our Python rebuilds in seconds: the compiled port is kept, the same for all boards of a chip, and only
    the frozen part is made again. Raises BuildError when there is no such board or stage, or a build step fails.
    """
    if not boards.has_image(board):
        known = filter(boards.has_image, boards.board_names())
        raise BuildError(f"{board} is no board that a UF2 is made for; those are: {', '.join(known)}")
    described = board_facts(board, stage)
    # And with it everything frozen.
    frozen = tree_digest(ROOT / "firmware", ROOT / "boards" / "stages", ROOT / DEFINITION, without=paths.witness())
    ours = digest(frozen, described, board_header(board))

    def make(target: Path) -> None:
        build_image(board, described, ROOT / "firmware", target)

    name = "-".join(filter(None, ("uf2", board, stage)))
    return build_once(cache() / f"{name}-{digest(toolchain_key(), ours)}", make) / "firmware.uf2"


def witness_uf2(board: str) -> Path:
    """The UF2 of a witness, a board as well, that judges a board with the pins of `boards/<board>`. Returns its path.
    Raises BuildError."""
    described = board_facts(board, "")
    frozen = tree_digest(paths.witness(), ROOT / "boards" / "stages", ROOT / DEFINITION)
    ours = digest(frozen, described, board_header(board))

    def make(target: Path) -> None:
        build_image(board, described, paths.witness(), target)

    return build_once(cache() / f"witness-{board}-{digest(toolchain_key(), ours)}", make) / "firmware.uf2"


def build_image(board: str, described: str, firmware: Path, target: Path) -> None:
    """Make target/firmware.uf2 of what compiled_for() compiles. Raises BuildError."""
    image = compiled_for(board, described, firmware)
    check_size(board, len(image))
    (target / "firmware.uf2").write_bytes(uf2_file.packed(image, boards.load_board(board)["mcu"]))


def write_hal(folder: Path, mcu: str) -> None:
    """Make `folder` hold what of the firmware touches the chip, for this chip, its registers' numbers in place."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    room = ROOT / "firmware" / numbers.ROOM
    sources = {numbers.ROOM + path.name: path.read_bytes() for path in room.glob("*.py")}
    for path, text in numbers.put_in(sources, mcu).items():
        (folder / Path(path).name).write_bytes(text)


def compiled_for(board: str, described: str, firmware: Path) -> bytes:
    """Compile MicroPython with what the manifest in the folder `firmware` freezes; `described`: the module `board`, as
    text. Returns what goes to flash. Raises BuildError."""
    mcu, sdk_board = boards.load_board(board)["mcu"], boards.about(board)["sdk_board"]
    definition, micropython = ROOT / DEFINITION, patched(mcu)
    port = micropython / "micropython" / "ports" / "rp2"
    # Kept between firmware changes. The checkout's path is part of it because CMake stores it; what is switched on of
    # MicroPython, because its list of modules is not made anew for one that is gone.
    switched = (definition / "mpconfigboard.h").read_bytes()
    build = cache() / f"rp2-{sdk_board}-{digest(toolchain_key(), micropython.name, str(definition), switched)}"
    facts, log = build / "nmes", cache() / "logs"
    with locked(build.name):
        facts.mkdir(parents=True, exist_ok=True)
        (facts / "nmes_build.py").write_text(f'FIRMWARE = "{identity.firmware()}"\n')
        (facts / "witness_build.py").write_text(f'WITNESS = "{identity.witness()}"\n')
        (facts / "board.py").write_text(described)
        write_hal(facts / "nmes" / "hal" / "rp2", mcu)
        write_changed(facts / "nmes_board.h", board_header(board))
        run(
            f"configuring MicroPython for {board}",
            ["cmake", "-S", str(port), "-B", str(build), f"-DMICROPY_BOARD={sdk_board}",
             f"-DMICROPY_BOARD_DIR={definition}", f"-DMICROPY_MANIFEST_NMES_BUILD={facts}",
             f"-DMICROPY_MANIFEST_NMES_FIRMWARE={firmware}",
             f"-DNMES_SDK_BOARD={sdk_board}", f"-DNMES_PLATFORM={PLATFORMS[mcu]}", "-DPICO_NO_PICOTOOL=1"],
            log=log / f"cmake-{board}.log",
        )  # fmt: skip
        # The manifest names folders; CMake does not see new files in them unless told. And what is frozen is made anew,
        # because it says of itself what sources it was made of.
        (build / "frozen_content.c").unlink(missing_ok=True)
        shutil.rmtree(build / "frozen_mpy", ignore_errors=True)
        run(
            f"MicroPython for {board}, our {firmware.name} frozen in", ["make", JOBS, "-C", str(build)],
            log=log / f"uf2-{board}.log", SOURCE_DATE_EPOCH=DATE,
        )  # fmt: skip
        return (build / "firmware.bin").read_bytes()


def images(names: Iterable[str] | None = None) -> Iterator[tuple[str, Path]]:
    """The UF2 of these boards, or of every board, for each of its output stages: its name in build/, and its path.
    Raises BuildError."""
    for board, stage in boards.images():
        if names is None or board in names:
            yield paths.uf2(board, stage).name, uf2(board, stage)
    for board in boards.with_a_witness():
        if names is None or board in names:
            yield paths.witness_uf2(board).name, witness_uf2(board)


def stock_uf2() -> Path:
    """The UF2 of MicroPython's own board RPI_PICO, nothing of ours in it: what a person has who got it from
    micropython.org, for tests. Returns its path. Raises BuildError."""
    manifest = ROOT / "tests" / "chip" / "stock" / "manifest.py"

    def make(target: Path) -> None:
        mpy_cross()
        micropython, build = sources() / "micropython", target / "build"
        log = cache() / "logs"
        run(
            "configuring stock MicroPython",
            ["cmake", "-S", str(micropython / "ports" / "rp2"), "-B", str(build), "-DMICROPY_BOARD=RPI_PICO",
             f"-DMICROPY_FROZEN_MANIFEST={manifest}", "-DPICO_NO_PICOTOOL=1"],
            log=log / "cmake-stock.log",
        )  # fmt: skip
        run("stock MicroPython", ["make", JOBS, "-C", str(build)], log=log / "uf2-stock.log")
        (target / "firmware.uf2").write_bytes(uf2_file.packed((build / "firmware.bin").read_bytes(), "rp2040"))
        shutil.rmtree(build)

    return build_once(cache() / f"stock-{digest(toolchain_key(), manifest.read_bytes())}", make) / "firmware.uf2"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("unix", help="build the Unix port, print the path of `micropython`")
    image = verbs.add_parser("uf2", help="build a board's UF2, print its path")
    image.add_argument("board")
    image.add_argument("stage", nargs="?", default="", help="another output stage than its usual one")
    witness = verbs.add_parser("witness", help="build the UF2 of a board's witness, print its path")
    witness.add_argument("board")
    verbs.add_parser("stock", help="build MicroPython alone for a Pico, print the path of its UF2")
    arguments = parser.parse_args()
    try:
        match arguments.verb:
            case "unix":
                print(unix_micropython())
            case "stock":
                print(stock_uf2())
            case "witness":
                print(witness_uf2(arguments.board))
            case _:
                print(uf2(arguments.board, arguments.stage))
    except BuildError as error:
        say(f"toolchain: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
