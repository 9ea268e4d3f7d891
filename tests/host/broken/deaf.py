# A firmware that judges nothing of what was measured.
from nmes.core import delivery

delivery.Delivery.judge = lambda self, seen, now_ms: 0
