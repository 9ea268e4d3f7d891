"""The image is the same bit for bit whoever builds it: from another checkout, into another folder, on another day."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import toolchain


def test_two_builds_in_two_places_are_the_same_to_the_bit(uf2: Path) -> None:
    with toolchain.locked("elsewhere"):
        again, checkout, cache = built_elsewhere()
        image = again.read_bytes()
    assert image == uf2.read_bytes()
    for today in ("%Y-%m-%d", "%b %e %Y"):
        assert time.strftime(today).encode() not in image
    for place in (checkout, cache, toolchain.ROOT, toolchain.sources()):
        assert bytes(place) not in image


def built_elsewhere() -> tuple[Path, Path, Path]:
    """The image of a copy of this checkout with a cache of its own, and where the two are. As in the first place, what
    is compiled of MicroPython is kept for the next time; what is frozen, and linked, is made anew."""
    sources, compiled_from = toolchain.sources(), toolchain.tree_digest(toolchain.ROOT / toolchain.DEFINITION)
    recipe = (toolchain.ROOT / "scripts" / "toolchain.py").read_bytes()
    place = toolchain.cache() / f"elsewhere-{toolchain.digest(toolchain.toolchain_key(), compiled_from, recipe)}"
    checkout, cache = place / "checkout", place / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for left in (checkout, *cache.glob("uf2-*")):
        shutil.rmtree(left, ignore_errors=True)
    for folder in ("scripts", "firmware", "boards", "host_tools"):
        shutil.copytree(toolchain.ROOT / folder, checkout / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for path in checkout.rglob("*"):  # a new clone is no reason to compile again: the folder's name has what is
        os.utime(path, (0, 0))
    if not (cache / sources.name).exists():
        (cache / sources.name).symlink_to(sources)
    built = subprocess.run(
        [sys.executable, str(checkout / "scripts" / "toolchain.py"), "uf2", "pico"],
        env={**os.environ, "OPENNMES_CACHE": str(cache), "TZ": "Pacific/Auckland"}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert built.returncode == 0
    again = Path(built.stdout.strip())
    assert again.is_relative_to(cache)
    return again, checkout, cache
