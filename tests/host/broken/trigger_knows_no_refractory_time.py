# A trigger that takes the muscle's answer to a contraction for the wish for another.
from nmes.core import biofeedback

contract = biofeedback.Trigger.contract


def with_the_rest_alone(self, clock_ms):
    found = contract(self, clock_ms)
    self._listen_ms = self._ready_ms = clock_ms + self._cycle_ms
    return found


biofeedback.Trigger.contract = with_the_rest_alone
