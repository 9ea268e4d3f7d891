"""Captures of pins, whoever made them. One module a format; `open_capture` tells them apart by what is in the file."""

from __future__ import annotations

from pathlib import Path

from opennmes.measure.captures.base import Capture, CaptureError, Sampling
from opennmes.measure.captures.saleae import SaleaeCapture
from opennmes.measure.captures.sr import SrCapture
from opennmes.measure.captures.vcd import VcdCapture

__all__ = ["Capture", "CaptureError", "Sampling", "open_capture"]

_KNOWN = "a VCD file (PulseView, GTKWave), a sigrok session (.sr) or a digital CSV export of Saleae's Logic"


def open_capture(path: Path) -> Capture:
    """The capture in a file, whatever the file is called. Raises CaptureError."""
    try:
        if path.exists() and not path.is_file():
            raise CaptureError(f"{path} is no file, and a capture is read twice; save it as a file and give its name")
        with open(path, "rb") as file:
            begin = file.read(4096)
    except OSError as error:
        raise CaptureError(f"{path} cannot be read ({error.strerror}); expected {_KNOWN}") from None
    if not begin.strip():
        raise CaptureError(f"{path} is empty: capture again, and save when the capture is over")
    if begin.startswith(b"PK"):
        return SrCapture(path)
    text = begin.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"$"):
        return VcdCapture(path)
    if text[:5].strip(b'"').lower().startswith(b"time"):
        return SaleaeCapture(path)
    raise CaptureError(f"{path} is no capture of pins that could be understood; expected {_KNOWN}")
