# An engine that makes phase B weaker than it was told.
channel_put = virtual.Channel.put


def put(self, level_a, level_b, *rest):
    done = channel_put(self, level_a, level_b, *rest)
    if done and self._waiting:
        waiting = self._waiting[-1]
        self._waiting[-1] = waiting[:2] + (waiting[2] * 9 // 10,) + waiting[3:]
    return done


virtual.Channel.put = put
