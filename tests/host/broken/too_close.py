# An engine whose rest is a tenth too short, and nobody who compares pulses with the clock.
from nmes import supervisor

channel_put = virtual.Channel.put


def put(self, now_us, *pulse):
    return channel_put(self, now_us, *(pulse[:5] + (pulse[5] * 9 // 10,) + pulse[6:]))


virtual.Channel.put = put
supervisor.OFF_CLOCK_MS = 1_000_000
