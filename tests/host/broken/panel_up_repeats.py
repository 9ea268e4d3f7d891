# A panel whose up comes again while it is held.
from nmes.core import buttons

EVERY_MS = 260
step = buttons.Buttons.step


def again(self, mask, now_ms):
    events = step(self, mask, now_ms)
    if events & buttons.UP or mask != buttons.UP:
        self._up_ms = now_ms
    elif now_ms - self._up_ms >= EVERY_MS:
        self._up_ms = now_ms
        events |= buttons.UP
    return events


buttons.Buttons.step = again
