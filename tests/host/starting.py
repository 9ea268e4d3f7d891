"""What a person at a host does before anything is delivered, by the Python API: on whatever board the device is."""

from __future__ import annotations

from typing import Any

from opennmes.device.client import Device, Message


def arm(device: Device, programme: dict[str, Any]) -> Message:
    """Load, confirm and arm. Returns what the device says of the programme."""
    loaded = device.load(programme)
    device.acknowledge()
    device.arm(loaded["programme_crc"])
    return loaded


def begin(device: Device, programme: dict[str, Any]) -> Message:
    """Load, confirm, arm and start, at zero. Returns what the device says of the programme."""
    loaded = arm(device, programme)
    device.start()
    return loaded
