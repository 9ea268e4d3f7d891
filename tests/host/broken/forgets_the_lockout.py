# A firmware that keeps no pause between two motor sessions.
from nmes.core import lockout

lockout.Lockout.left_ms = lambda self, now_ms: 0
