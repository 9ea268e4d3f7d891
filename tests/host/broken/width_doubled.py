# An engine that makes phase A twice as wide as it was told, and a guard that does not mind.
channel_put = virtual.Channel.put


def put(self, level_a, level_b, width_a_us, *rest):
    done = channel_put(self, level_a, level_b, width_a_us, *rest)
    if done and self._waiting:
        waiting = self._waiting[-1]
        self._waiting[-1] = waiting[:3] + (2 * waiting[3],) + waiting[4:]
    return done


virtual.Channel.put = put
