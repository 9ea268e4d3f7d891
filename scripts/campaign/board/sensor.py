"""What is at the biofeedback input, the hand switch and the trigger input: a person, the muscle's answer to the pulses,
the hum of an input that nothing drives, and another instrument."""

FLOATS = -1
ADC_MV = 3_300
SWITCHES_US = 40_000  # so often the answer begins and ends


class Sensor:
    """What input, switch and trigger input of a case say, at a time of its world. The plan has their changes, [us, mV,
    closed or high]."""

    def __init__(self, world):
        plan = world.plan
        self._world = world
        self._signal = _Rows(plan["signal"], FLOATS)
        self._switch = _Rows(plan["switch"], 0)
        self._edges = _Rows(plan.get("edges", []), 0)
        self._artefact_mv = plan["artefact_mv"]
        self._answer_mv, self._answer_us = plan["answer_mv"], plan["answer_us"]
        self._hum = plan["slow_us"]

    def mv(self, channel):
        now_us = self._world.now_us
        mv = self._signal.at(now_us)
        if mv == FLOATS:
            self._hum = (self._hum * 1_103_515_245 + 12_345) & 0x7FFFFFFF
            return (self._hum >> 8) % ADC_MV
        if channel.reaches(now_us):
            mv += self._artefact_mv
        elif channel._phases:
            since_us = now_us - channel._phases[-1][3]
            if since_us < self._answer_us and since_us // SWITCHES_US % 2 == 0:
                mv += self._answer_mv
        return min(mv, ADC_MV)

    def floats(self):
        return self._signal.at(self._world.now_us) == FLOATS

    def closed(self):
        return self._switch.at(self._world.now_us) == 1

    def high(self):
        return self._edges.at(self._world.now_us) == 1

    def next_edge(self, until_us):
        """The next change of the trigger input until then, (us, level); None: there is none."""
        return self._edges.next(until_us)


class _Rows:
    """Values that change at their times. Times are asked for in their order."""

    def __init__(self, rows, first):
        self._rows = rows
        self._first = first
        self._at = 0

    def at(self, now_us):
        while self._at < len(self._rows) and self._rows[self._at][0] <= now_us:
            self._at += 1
        return self._rows[self._at - 1][1] if self._at else self._first

    def next(self, until_us):
        if self._at == len(self._rows) or self._rows[self._at][0] > until_us:
            return None
        self._at += 1
        return self._rows[self._at - 1]
