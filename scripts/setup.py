#!/usr/bin/env python3
"""Install what OpenNMES needs on a bare Debian 12: packages, a private virtual environment, MicroPython, the UF2.

Only what is missing is installed, and each step says what it does. Run by `make setup`, with the system's Python and
nothing but the standard library.

    .venv/                       the Python packages of pyproject.toml and the `nmes` command
    build/typings/               stubs of MicroPython, for `make lint`; never in .venv, where they would hide its own
    build/compiled               the emulator in machine code (a link into the cache, as the next ones)
    build/micropython            the Unix port
    build/precompiled            the firmware's modules, compiled for it
    build/opennmes-BOARD.uf2     the firmware, and with another output stage opennmes-BOARD-STAGE.uf2, of the board that
                                 the tests need; scripts/firmware.py makes those of the others
    build/opennmes-witness-BOARD.uf2   the firmware of the witness that judges such a board (docs/verify.md)
    build/sshd                   for the campaign over two machines that a test makes up; it is not installed
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from compiled import HEADERS, compile_emulator
from opennmes.boards import setup_names  # of the standard library alone; toolchain has put it on the path
from precompiled import precompile
from sshd import sshd
from toolchain import ROOT, BuildError, cache, digest, images, locked, run, say, unix_micropython

VENV = ROOT / ".venv"
BUILD = ROOT / "build"
PYTHON = VENV / "bin" / "python"
# The stubs describe the MicroPython that scripts/toolchain.py builds.
STUBS = ("micropython-rp2-rpi_pico-stubs==1.25.0.post3", "micropython-stdlib-stubs==1.29.0.post2")


def has(*command: str) -> bool:
    """True when the command can be run and succeeds."""
    try:
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


def arm_library(name: str) -> bool:
    """True when the Arm compiler finds its library `name`; it prints the bare name when it does not."""
    try:
        found = subprocess.run(["arm-none-eabi-gcc", f"-print-file-name={name}"], capture_output=True, text=True).stdout
    except OSError:
        return False
    return Path(found.strip()).is_absolute()


def missing_packages() -> list[str]:
    """Debian packages for what this machine cannot do yet. Asks for the ability, not for the package."""
    needs = {
        "gcc": has("cc", "--version"),
        "libc6-dev": Path("/usr/include/stdio.h").exists(),
        "make": has("make", "--version"),
        "cmake": has("cmake", "--version"),
        "g++": has("c++", "--version"),  # CMake's check of the host; the SDK's own tools
        "pkgconf": has("pkg-config", "--version"),
        "libffi-dev": has("pkg-config", "--exists", "libffi"),
        "python3-dev": (HEADERS / "Python.h").exists(),
        "python3-venv": has(sys.executable, "-c", "import ensurepip, venv"),
        "gcc-arm-none-eabi": has("arm-none-eabi-gcc", "--version"),
        "libnewlib-arm-none-eabi": arm_library("libc.a"),
        "libstdc++-arm-none-eabi-newlib": arm_library("libstdc++.a"),
        "patch": has("patch", "--version"),
        "parallel": has("parallel", "--version"),  # GNU's: runs `make campaign` on all cores, or on several machines
        # Those other machines, and the two that a test makes up.
        "openssh-client": has("ssh", "-V"),
        "iproute2": has("ip", "-V") or has("/usr/sbin/ip", "-V"),
    }
    return [package for package, there in needs.items() if not there]


def install_packages() -> None:
    packages = missing_packages()
    if not packages:
        return
    say(f"Debian packages to install: {' '.join(packages)}")
    if not has("apt-get", "--version"):
        raise BuildError("there is no apt-get here; README.md says what works on other systems and how")
    if os.geteuid() == 0:
        become_root: list[str] = []
    elif shutil.which("sudo"):
        become_root = ["sudo"]
        # Ask for the password now, on the terminal: the steps below have no standard input.
        if subprocess.run(["sudo", "-v"]).returncode:
            raise BuildError(f"sudo refused; run as root, then try again: apt-get install {' '.join(packages)}")
    else:
        raise BuildError(
            f"neither root nor sudo here; run as root, then try again: apt-get install {' '.join(packages)}"
        )
    log = cache() / "logs"
    run("package lists", [*become_root, "apt-get", "update"], log=log / "apt-get-update.log")
    run(
        "installing packages",
        [
            *become_root,
            "env",
            "DEBIAN_FRONTEND=noninteractive",
            "apt-get",
            "install",
            "-y",
            "--no-install-recommends",
            *packages,
        ],
        log=log / "apt-get-install.log",
    )
    if still := missing_packages():
        raise BuildError(f"apt-get installed them, yet these are still missing: {' '.join(still)}; see {log}")


def make_venv() -> None:
    """The virtual environment, made again when pyproject.toml or the Python changed."""
    stamp = VENV / "made-of"
    key = digest((ROOT / "pyproject.toml").read_bytes(), sys.version, str(ROOT))
    if stamp.exists() and stamp.read_text() == key:
        return
    log = cache() / "logs"
    shutil.rmtree(VENV, ignore_errors=True)
    run("virtual environment", [sys.executable, "-m", "venv", str(VENV)], log=log / "venv.log")
    run(
        "Python packages", [str(PYTHON), "-m", "pip", "install", "--editable", f"{ROOT}[dev]"],
        cwd=ROOT, log=log / "pip.log",
    )  # fmt: skip
    stamp.write_text(key)


def make_typings() -> None:
    target = BUILD / "typings"
    stamp = target / "made-of"
    if stamp.exists() and stamp.read_text() == repr(STUBS):
        return
    shutil.rmtree(target, ignore_errors=True)
    run(
        "MicroPython stubs",
        [str(PYTHON), "-m", "pip", "install", "--target", str(target), "--no-user", *STUBS],
        log=cache() / "logs" / "stubs.log",
    )
    stamp.write_text(repr(STUBS))


def link(name: str, target: Path) -> None:
    """build/`name` points to `target`, at every moment."""
    scratch = BUILD / f".{name}.{os.getpid()}"
    scratch.symlink_to(target)
    scratch.replace(BUILD / name)


def link_images(names: Iterable[str] | None) -> None:
    """build/opennmes-*.uf2 of these boards, or of all. Raises BuildError."""
    for name, image in images(names):
        link(name, image)


def main() -> int:
    if sys.version_info < (3, 11):
        say(f"setup: Python 3.11 or later is needed, this is {sys.version.split()[0]}")
        return 1
    try:
        with locked("setup"):
            BUILD.mkdir(exist_ok=True)
            install_packages()
            make_venv()
            make_typings()
            link("compiled", compile_emulator(VENV))
            link("micropython", unix_micropython())
            if compiled := precompile():
                link("precompiled", compiled)
            link("sshd", sshd())
            link_images(setup_names())
    except BuildError as error:
        say(f"setup: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
