"""OpenNMES host tools: check a prescription, run it on a device, and look at what was delivered.

The command `nmes` is in `cli`; from Python the way in is `Prescription`, `open_port` and `Device`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from nmes import VERSION

if TYPE_CHECKING:
    from opennmes.device.client import Device, DeviceRefused, LinkError
    from opennmes.ports.errors import PortError
    from opennmes.ports.open import open_port
    from opennmes.prescription import Prescription, PrescriptionError

__version__ = VERSION

__all__ = ["Device", "DeviceRefused", "LinkError", "PortError", "Prescription", "PrescriptionError", "open_port"]

_MODULES = {
    "Device": "device.client",
    "DeviceRefused": "device.client",
    "LinkError": "device.client",
    "PortError": "ports.errors",
    "Prescription": "prescription",
    "PrescriptionError": "prescription",
    "open_port": "ports.open",
}


def __getattr__(name: str) -> object:
    """Import what is asked for when it is: the command needs its first lines before a second has gone by."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
