"""What every test may import: the firmware, the host tools, the toolchain script, and the samples of tests/core."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [
    str(ROOT / folder)
    for folder in ("firmware", "host_tools", "scripts", "tests/core", "tests/core_reference", "tests/pio", "tests/chip")
]


@pytest.fixture(autouse=True)
def no_time_is_told(request, monkeypatch):
    """Hosts do not tell devices the time: what tests of other things expect on the line is what they asked for. A test
    of the clock is marked `tells_time`."""
    client = sys.modules.get("opennmes.device.client")
    if client is not None and not request.node.get_closest_marker("tells_time"):
        monkeypatch.setattr(client.Device, "tells_time", False)
