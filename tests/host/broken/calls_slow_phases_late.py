# A firmware that accepts slow phases and then finds that they are late.
from nmes import supervisor

step = supervisor.Supervisor.step


def step_and_look(self, now_ms):
    step(self, now_ms)
    session = self.session
    if session.state == "RUNNING" and session.elapsed_ms(now_ms) > 1_500:
        if [lane for lane in session.lanes if lane.feed.phase and lane.feed.phase.rate_mhz <= 5_000]:
            self.fail(faults.CLOCK_WRONG, "late")


supervisor.Supervisor.step = step_and_look
