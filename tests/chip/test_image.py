"""The image is the same bit for bit whoever builds it: from another checkout, into another folder, on another day."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import toolchain


def test_two_builds_in_two_places_are_the_same_to_the_bit(uf2: Path, tmp_path: Path) -> None:
    checkout, cache = tmp_path / "elsewhere", tmp_path / "cache"
    for folder in ("scripts", "firmware", "boards", "host_tools"):
        shutil.copytree(toolchain.ROOT / folder, checkout / folder, ignore=shutil.ignore_patterns("__pycache__"))
    cache.mkdir()
    sources = toolchain.sources()
    (cache / sources.name).symlink_to(sources)
    built = subprocess.run(
        [sys.executable, str(checkout / "scripts" / "toolchain.py"), "uf2", "pico"],
        env={**os.environ, "OPENNMES_CACHE": str(cache), "TZ": "Pacific/Auckland"}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert built.returncode == 0
    again = Path(built.stdout.strip())
    assert again.is_relative_to(cache)
    image = again.read_bytes()
    assert image == uf2.read_bytes()
    for today in ("%Y-%m-%d", "%b %e %Y"):
        assert time.strftime(today).encode() not in image
    for place in (checkout, cache, toolchain.ROOT, sources):
        assert bytes(place) not in image
