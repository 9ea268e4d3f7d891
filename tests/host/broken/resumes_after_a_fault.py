# A firmware that clears its fault by itself and goes on where it was.
from nmes import supervisor

fail = supervisor.Supervisor.fail


def fail_and_go_on(self, number, text):
    intensities = [lane.intensity_ua for lane in self.session.lanes]
    was_on = self._on
    fail(self, number, text)
    if was_on:
        self.session.state = "PAUSED"
        self.start()
        for lane, intensity_ua in zip(self.session.lanes, intensities):
            lane.intensity_ua = intensity_ua


supervisor.Supervisor.fail = fail_and_go_on
