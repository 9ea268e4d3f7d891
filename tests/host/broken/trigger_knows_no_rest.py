# A trigger that gives a fast person more contractions than time alone would.
from nmes.core import biofeedback

contract = biofeedback.Trigger.contract


def without_a_rest(self, clock_ms):
    found = contract(self, clock_ms)
    self._listen_ms = self._ready_ms = clock_ms + self._train_ms + self._refractory_ms
    return found


biofeedback.Trigger.contract = without_a_rest
