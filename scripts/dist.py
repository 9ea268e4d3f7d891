"""`make dist`: the wheel and the source archive, installed once to see that they work, and the bill of materials.

build/dist/opennmes-VERSION-py3-none-any.whl    every verb without a checkout: host tools, firmware, boards, UF2s
build/dist/opennmes-VERSION.tar.gz
build/dist/opennmes-VERSION.cdx.json            CycloneDX: what is in it, with versions and licences
build/dist/venv/                                an environment with nothing but the wheel and what it needs
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

from toolchain import BINARIES, PLATFORMS, ROOT, SOURCES, BuildError, cache, patches, run, say

DIST = ROOT / "build" / "dist"
ENVIRONMENT = "venv"  # in the folder of what is made
# What is compiled into each UF2, under the names of the package-url standard; versions are those of toolchain.py.
FIRMWARE = (
    ("micropython", SOURCES["micropython"], "MIT", "pkg:github/micropython/micropython@v{}"),
    ("mbedtls", SOURCES["mbedtls"], "Apache-2.0 OR GPL-2.0-or-later", "pkg:github/Mbed-TLS/mbedtls@v{}"),
    ("pico-sdk", BINARIES["pico-sdk-source"], "BSD-3-Clause", "pkg:github/raspberrypi/pico-sdk@{}"),
    ("tinyusb", BINARIES["tinyusb-source"], "MIT", "pkg:github/hathach/tinyusb@{}"),
)


def commit_time() -> str:
    """When the last commit was made, in seconds: two builds of one commit are then the same to the bit."""
    try:
        asked = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True)
    except OSError:
        return "0"
    return asked.stdout.strip() or "0"


def build(into: Path) -> Path:
    """Wheel and source archive, in a folder of their own. Returns the wheel. Raises BuildError."""
    shutil.rmtree(into, ignore_errors=True)
    run(
        "wheel and source archive",
        [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--sdist", "--outdir", str(into), str(ROOT)],
        log=cache() / "logs" / "dist.log", SOURCE_DATE_EPOCH=commit_time(),
    )  # fmt: skip
    (wheel,) = into.glob("*.whl")
    return wheel


def install(wheel: Path) -> None:
    """An empty environment with the wheel in it. Raises BuildError."""
    environment = wheel.parent / ENVIRONMENT
    venv.create(environment)
    run(
        "installing the wheel",  # nobody needs all of it compiled: what is imported is, by whoever imports it first
        [sys.executable, "-m", "pip", "--python", str(environment / "bin" / "python"), "install", "--no-compile",
         str(wheel)],
        log=cache() / "logs" / "wheel.log",
    )  # fmt: skip


def bill_of_materials(wheel: Path) -> Path:
    """The CycloneDX document of what was installed and of what is in the UF2. Raises BuildError."""
    target = wheel.parent / f"{'-'.join(wheel.name.split('-')[:2])}.cdx.json"
    run(
        "bill of materials",
        [str(Path(sys.executable).with_name("cyclonedx-py")), "environment",
         str(wheel.parent / ENVIRONMENT / "bin" / "python"), "--pyproject", str(ROOT / "pyproject.toml"),
         "--output-reproducible", "--output-format", "JSON", "--output-file", str(target)],
        log=cache() / "logs" / "sbom.log",
    )  # fmt: skip
    document = json.loads(target.read_text())
    document["components"] += [firmware_component(*row) for row in FIRMWARE]
    target.write_text(json.dumps(document, indent=1) + "\n")
    return target


def firmware_component(name: str, version: str, licence: str, purl: str) -> dict[str, Any]:
    """One row of FIRMWARE as CycloneDX has it, with what our boards change in it."""
    reference = purl.format(version)
    component: dict[str, Any] = {
        "type": "firmware" if name == "micropython" else "library",
        "bom-ref": reference,
        "name": name,
        "version": version,
        "licenses": [{"expression": licence}],
        "purl": reference,
    }
    if name == "micropython":
        texts = sorted({patch.read_text() for mcu in PLATFORMS for patch in patches(mcu)})
        component["pedigree"] = {
            "patches": [{"type": "unofficial", "diff": {"text": {"content": text}}} for text in texts]
        }
    return component


def main() -> int:
    into = Path(sys.argv[1]).resolve() if sys.argv[1:] else DIST
    os.chdir(ROOT)
    try:
        wheel = build(into)
        install(wheel)
        document = bill_of_materials(wheel)
    except BuildError as error:
        say(f"dist: {error}")
        return 1
    say(f"{os.path.relpath(wheel)}, {os.path.relpath(document)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
