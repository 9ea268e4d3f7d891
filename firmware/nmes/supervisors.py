"""Which supervisor a stage for people has. Apart from app.py because a stock MicroPython has neither, and no room."""

from nmes.recording import Recording


def make(hal, session, store, board, stage):
    """The supervisor of a board with that stage: see nmes/supervisor.py."""
    if "signal_most_mv" in stage:
        from nmes.triggered import Triggered

        return Triggered(hal, session, store, board, stage)
    return Recording(hal, session, store, board, stage)
