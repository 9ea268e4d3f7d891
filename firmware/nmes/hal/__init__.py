"""The hardware, and nothing of sessions. `rp2` moves pins, `virtual` does the same in virtual time; hal/contract.py
says what each of them offers."""


def make(board, stage):
    """The HAL of a board (boards/*/board.py) with an output stage (boards/stages). Raises ValueError for another."""
    if board["hal"] == "rp2":
        if "signal_most_mv" in stage:
            from nmes.hal.rp2.biofeedback import Hal as ListeningHal

            return ListeningHal(board, stage)
        from nmes.hal.rp2.hal import Hal as Rp2Hal

        return Rp2Hal(board, stage)
    if board["hal"] == "virtual":
        from nmes.hal.virtual import Hal as VirtualHal

        return VirtualHal(board, stage)
    raise ValueError("board %s names the HAL %s; known: rp2, virtual" % (board["name"], board["hal"]))
