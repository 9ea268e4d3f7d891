"""hal/rp2/hal.py's clock: MicroPython's ticks come round after 12.4 days, what it makes of them does not."""

from types import SimpleNamespace

import shipped

HAL = shipped.module(shipped.PROGRAM_FILE.with_name("hal.py"))
PERIOD = 1 << 30  # of ticks_ms on the RP2040


def ticks_diff(after, before):
    """py/mphal: the shorter way round."""
    return (after - before + PERIOD // 2) % PERIOD - PERIOD // 2


def test_h12_milliseconds_go_on_when_the_ticks_come_round():
    # Peer defect: time compared across a wrapped counter, 71.6 minutes after power on (saawsm/swx pulse_gen.c).
    at = [PERIOD - 1_000]
    HAL.time = SimpleNamespace(ticks_ms=lambda: at[0] % PERIOD, ticks_diff=ticks_diff)
    hal = HAL.Hal.__new__(HAL.Hal)
    hal._ticks, hal._now_ms = HAL.time.ticks_ms(), 0
    begin = at[0]
    for step_ms in (0, 1, 998, 1, 1, 5, 10_000, PERIOD // 2 - 1, PERIOD // 2 - 1, 7):
        at[0] += step_ms
        assert hal.now_ms() == at[0] - begin
