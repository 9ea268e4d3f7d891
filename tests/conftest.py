"""What every test may import: the firmware, the host tools, the toolchain script, and the samples of tests/core."""

import gc
import os
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

# Whether a test passes must not depend on what else the machine is doing, nor on chance: what hypothesis draws is the
# same in every run but those of `make fuzz`.
settings.register_profile("opennmes", deadline=None, derandomize="FUZZ" not in os.environ)
settings.load_profile("opennmes")

# What tests start finds nothing of what this machine says to Python in general: a container's PYTHONUNBUFFERED changes
# the standard streams, and PYTHONDONTWRITEBYTECODE compiles hundreds of starts anew. PYTHONPATH is for the tests.
for name in [name for name in os.environ if name.startswith("PYTHON") and name != "PYTHONPATH"]:
    del os.environ[name]
sys.dont_write_bytecode = False

# They write many small files, and what a device keeps waits for the disk each time: in memory that takes a fifth less.
MEMORY, MEMORY_LEAST = "/dev/shm", 4 << 30  # bytes; a container's usual 64 MB are too few
if "TMPDIR" not in os.environ and os.access(MEMORY, os.W_OK):
    there = os.statvfs(MEMORY)
    if there.f_bavail * there.f_frsize >= MEMORY_LEAST and not there.f_flag & os.ST_NOEXEC:
        os.environ["TMPDIR"] = tempfile.tempdir = MEMORY

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [
    str(ROOT / folder)
    for folder in ("firmware", "host_tools", "scripts", "tests/core", "tests/core_reference", "tests/pio", "tests/chip")
]


# What takes longest comes first, so that no core is left with it at the end: the emulated chip is most of `make test`.
ROOMS = ("chip", "core_reference", "host", "core", "pio", "architecture")


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Nothing that is made while tests are collected is garbage, and it is much."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    folders = [ROOT / "tests" / room for room in ROOMS]
    files = {item.path for item in items}
    room = {file: next((n for n, folder in enumerate(folders) if folder in file.parents), 0) for file in files}
    items.sort(key=lambda item: room[item.path])


@pytest.fixture(autouse=True, scope="module")
def what_is_there_is_no_garbage():
    """Collections look only at what a file has made itself, and not at thousands of tests and all that is imported. The
    firmware collects often: on CPython that was most of what some of its tests took."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def no_time_is_told(request, monkeypatch):
    """Hosts do not tell devices the time: what tests of other things expect on the line is what they asked for. A test
    of the clock is marked `tells_time`."""
    client = sys.modules.get("opennmes.device.client")
    if client is not None and not request.node.get_closest_marker("tells_time"):
        monkeypatch.setattr(client.Device, "tells_time", False)
