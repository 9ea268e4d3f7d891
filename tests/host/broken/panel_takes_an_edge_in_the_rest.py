# A trigger input whose next train lies ready as soon as the one before is over.
from nmes.core import biofeedback

contract = biofeedback.Trigger.contract


def at_once(self, clock_ms):
    found = contract(self, clock_ms)
    self._listen_ms = self._ready_ms = clock_ms + self._train_ms
    return found


biofeedback.Trigger.contract = at_once
