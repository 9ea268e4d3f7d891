"""The longest programme that a line holds, on the emulated Pico: the watchdog waits for no comparison of memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sessions import STACK_BYTES, stack_used

from nmes.core import programme
from nmes.core.frame import LINE_MAX, encode
from nmes.hal.common import WATCHDOG_MS
from opennmes.device.client import Device
from opennmes.ports.emulator import EmulatedPortWithStage

# A real chip's Python may be so many tenths of the emulator's time (design, the row of the CPU).
SLOWER_TENTHS = 17
BOUND_MS = 250


def longest() -> dict[str, Any]:
    """Both channels with as many phases of their own as there may be, and names that fill the line."""
    channels = []
    for channel in range(programme.CHANNELS_MAX):
        phases = [
            {"name": f"{channel}{index} " + 17 * "é", "ratio": 1, "rate_mhz": 35_000 + index, "width_us": 250,
             "gap_us": 50, "work_ms": 5_000, "rest_ms": 10_000, "ramp_up_ms": 1_000, "ramp_down_ms": 1_000,
             "duration_ms": 60_000}
            for index in range(programme.PHASES_MAX)
        ]  # fmt: skip
        channels.append({"channel": channel, "delay_us": 4_000 * channel, "phases": phases})
    electrode = {"kind": "pads", "area_mm2": 2_500}
    return {
        "title": 60 * "é", "effect": "sensory", "electrode": electrode, "max_current_ua": 10_000, "channels": channels,
    }  # fmt: skip


def test_arming_and_starting_sixteen_phases_stay_far_from_the_watchdog_and_from_the_end_of_the_stack(uf2: Path) -> None:
    assert BOUND_MS * SLOWER_TENTHS < 5 * WATCHDOG_MS
    data = longest()
    line = len(encode({"seq": 9, "cmd": "load", "programme": data}))
    assert 0.8 * LINE_MAX < line <= LINE_MAX, line
    port = EmulatedPortWithStage(uf2)
    try:
        device = Device(port)
        device.connect()
        loaded = device.load(data)
        device.acknowledge()
        took_ms = {}

        def timed(what: str, command: str, **arguments: Any) -> None:
            begin_s = port.now_s()
            device.request(command, **arguments)
            took_ms[what] = round(1_000 * (port.now_s() - begin_s))

        timed("arm", "arm", programme_crc=loaded["programme_crc"])
        timed("start", "start")
        timed("pause", "pause")
        timed("go on", "start")
        print(took_ms, "ms")
        status = device.status()
        assert (status["state"], status["fault"]) == ("RUNNING", 0)
        assert max(took_ms.values()) < BOUND_MS, took_ms
        used = stack_used(port.stage._pico)
        print(used, "bytes of the stack")
        assert STACK_BYTES // 2 < used < STACK_BYTES * 3 // 4, "a quarter is for what no test has thought of"
    finally:
        port.close()
