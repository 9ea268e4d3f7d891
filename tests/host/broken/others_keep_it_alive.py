# A firmware that takes any line for its host.
from nmes import link

take_line = link.Link._take_line


def from_anybody(self):
    take_line(self)
    self._supervisor.session._heard_ms = self._hal.now_ms()


link.Link._take_line = from_anybody
