# A firmware that never asks whether anything drives the input.
from nmes import triggered

triggered.Triggered._need_trigger = lambda self, asked: None
FaultyHal.signal_floats = lambda self: False
