"""Lamps and buzzer: shows what the supervisor says, and never touches an output."""

from nmes.core import signals

_LOOK_MS = 40  # a blink or a beep is as much longer or shorter at most


class Panel:
    """Shows on the lamps and the buzzer of `hal` what core/signals.py says of the supervisor's session."""

    def __init__(self, hal, supervisor):
        self._hal = hal
        self._supervisor = supervisor
        self._state = None
        self._since_ms = 0
        self._shown = -1
        self._looked_ms = 0

    def step(self, now_ms):
        """Show what is to be shown now. Allocates nothing."""
        session = self._supervisor.session
        if session.state != self._state:
            self._state = session.state
            self._since_ms = now_ms
        elif 0 <= now_ms - self._looked_ms < _LOOK_MS:
            return
        self._looked_ms = now_ms
        bits = signals.shown(session.state, session.fault, now_ms - self._since_ms)
        if bits != self._shown:
            self._shown = bits
            self._hal.signal(
                1 if bits & signals.READY_BIT else 0,
                1 if bits & signals.FAULT_BIT else 0,
                1 if bits & signals.BUZZER_BIT else 0,
            )
