# A firmware that goes on with its session after a power cut.
run = app.run
app_supervisor = app.Supervisor


class Resuming(app_supervisor):
    def __init__(self, hal, session, store, board, stage):
        super().__init__(hal, session, store, board, stage)
        if hal.world.now_us and session.state == "IDLE":
            session.load(hal.world.plan["programme"])
            session.acknowledge(checklist.VERSION, len(checklist.ITEMS))
            session.arm(session.programme_crc, hal.now_ms())
            self._before = self._delivered = [0] * len(session.lanes)
            self._mid_train = [False] * len(session.lanes)
            self._feed_ms = [0] * len(session.lanes)
            self._rested_at = [-1] * len(session.lanes)
            self._judged = [0] * len(session.lanes)
            self.start()
            session.lanes[0].intensity_ua = 1_000


app.Supervisor = Resuming
