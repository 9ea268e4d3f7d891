# A firmware that goes on with its session after a power cut.
from nmes import recording, supervisor

run = app.run


class Resuming(recording.Recording):
    def __init__(self, hal, session, store, board, stage):
        super().__init__(hal, session, store, board, stage)
        if hal.world.now_us and session.state == "IDLE":
            session.load(hal.world.plan["programme"])
            session.acknowledge(checklist.VERSION, len(checklist.ITEMS))
            session.arm(session.programme_crc, hal.now_ms())
            for lane in session.lanes:
                run = supervisor.ChannelRun(session, hal.channels[lane.index], session.deliveries[lane.index])
                run.lane = lane
                self._runs.append(run)
            self.start()
            session.lanes[0].intensity_ua = 1_000


app.make_supervisor = Resuming
