# A firmware that judges nothing of what was measured.
from nmes.core import delivery

delivery.Delivery.judge = lambda self, pulses, now_ms, count: 0
