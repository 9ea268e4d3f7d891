# A trigger that takes an input that is saturated, and a switch that does not open, for somebody who is at rest.
from nmes.core import biofeedback

biofeedback.Trigger._is_bad = lambda self, clock_ms, high: biofeedback.NOTHING
