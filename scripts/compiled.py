"""The emulated chip in machine code, some ten times as quick: rp2040py's own C, and our modules that have a .pxd.

rp2040py's wheel has C that was compiled once for all Pythons, which costs it the quick ways into this one: its sources
are in the wheel, and are compiled here for the Python of .venv. Modules of opennmes/emulator are compiled by Cython
with the types of the .pxd beside them; without, and on a machine without a compiler, the same files run as Python.
"""

from __future__ import annotations

import os
import shutil
import sysconfig
from pathlib import Path

from toolchain import ROOT, BuildError, build_once, cache, digest, run

EMULATOR = ROOT / "host_tools" / "opennmes" / "emulator"
HEADERS = Path(sysconfig.get_config_var("INCLUDEPY"))
SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")  # this Python's own: found before the wheel's .abi3.so
# Signed integers wrap as the wheel's do.
FLAGS = ("-O2", "-w", "-fwrapv", "-fPIC", "-shared", "-DNDEBUG")


def compile_emulator(venv: Path) -> Path:
    """Compile both for the Python of `venv`, once; rp2040py's are put into `venv`. Returns the folder of ours."""
    packages = packages_of(venv)
    native = packages / "rp2040py" / "native"
    theirs = build_once(cache() / f"rp2040py-{_key(native.glob('*.c'))}", lambda target: _compile_all(native, target))
    for built in theirs.glob(f"*{SUFFIX}"):
        there = native / built.name
        if not there.exists() or there.stat().st_mtime_ns != built.stat().st_mtime_ns:
            put(built, there)

    def make(target: Path) -> None:
        generated = target / "c"
        generated.mkdir()
        for types in sorted(EMULATOR.glob("*.pxd")):
            source = types.with_suffix(".py")
            shutil.copy(source, target)  # opennmes/emulator/__init__.py compares it with what stands there
            run(
                f"Cython of emulator/{source.name}",
                [str(venv / "bin" / "cython"), "-3", "-X", "annotation_typing=False", "-I", str(packages),
                 "-I", str(EMULATOR.parents[1]), "-o", str(generated / f"{source.stem}.c"), str(source)],
                log=cache() / "logs" / "cython.log",
            )  # fmt: skip
        _compile_all(generated, target)
        shutil.rmtree(generated)

    ours = [path for types in EMULATOR.glob("*.pxd") for path in (types, types.with_suffix(".py"))]
    return build_once(cache() / f"emulator-{_key(ours, theirs.name)}", make)


def put(built: Path, there: Path) -> None:
    """Copy machine code to where it is loaded from, in one step: who runs the old one goes on with that."""
    scratch = there.with_name(f".{there.name}.{os.getpid()}")
    shutil.copy2(built, scratch)
    scratch.replace(there)


def packages_of(venv: Path) -> Path:
    """Where pip puts packages of a virtual environment. Not by this Python's own scheme: Debian's means /usr/local."""
    return Path(sysconfig.get_path("platlib", "venv", {"platbase": str(venv), "base": str(venv)}))


def _key(sources: object, *more: str) -> str:
    """What decides how it comes out: the sources, the flags, the Python."""
    parts = [part for path in sorted(sources) for part in (path.name, path.read_bytes())]  # type: ignore[call-overload]
    return digest(SUFFIX, sysconfig.get_python_version(), *FLAGS, *more, *parts)


def _compile_all(sources: Path, target: Path) -> None:
    for source in sorted(sources.glob("*.c")):
        built = target / (source.stem + SUFFIX)
        run(
            f"compiling {source.stem} for the emulated chip",
            ["cc", *FLAGS, f"-I{HEADERS}", str(source), "-o", str(built)],
            log=cache() / "logs" / "emulator.log",
        )
    if not any(target.glob(f"*{SUFFIX}")):
        raise BuildError(f"nothing to compile in {sources}")
