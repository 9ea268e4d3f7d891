# A trigger input whose train begins as soon as it may, whatever the input does.
from nmes import triggered
from nmes.core import biofeedback

triggered.Triggered._get_ready = lambda self: self._follow(biofeedback.CONTRACT)
