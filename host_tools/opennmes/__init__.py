"""OpenNMES host tools: check a prescription, run it on a device, and look at what was delivered.

The command `nmes` is in `cli`; from Python the way in is `Prescription`, `open_port` and `Device`.
"""

from nmes import VERSION
from opennmes.client import Device, DeviceRefused, LinkError
from opennmes.ports.errors import PortError
from opennmes.ports.open import open_port
from opennmes.prescription import Prescription, PrescriptionError

__version__ = VERSION

__all__ = ["Device", "DeviceRefused", "LinkError", "PortError", "Prescription", "PrescriptionError", "open_port"]
