# A guard and a supervisor that leave the enable high, and an engine that goes on with what is queued.
def keeps(self, on):
    if on and not self._permitted:
        self.world.note("enable", 1)
        self._permitted = True


FaultyHal._enable = keeps
FaultyHal.stop = lambda self, channel: 0
FaultyHal.all_off = lambda self: None
FaultyHal.tripped = lambda self: 0
