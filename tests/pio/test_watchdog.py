"""hal/rp2/watchdog.py on registers of the datasheet: when it bites, what it resets, what it tells the next run."""

import pytest
import registers_model
import shipped

WATCHDOG = shipped.module(shipped.PROGRAM_FILE.with_name("watchdog.py"))

# RP2040 datasheet, 4.7.6 and 2.13.5.
CTRL, LOAD, REASON, SCRATCH = 0x40058000, 0x40058004, 0x40058008, range(0x4005800C, 0x4005802C, 4)
WDSEL = 0x40010008
ENABLE, PAUSES = 1 << 30, 7 << 24
EVERY_BLOCK, OSCILLATORS = 0x1FFFF, 0b11
TIMER, FORCED = 1, 2
DEADLINE_MS = 1_000  # the promise: a main loop that is stuck is reset within a second


@pytest.fixture
def chip(monkeypatch):
    registers = registers_model.Registers()
    registers.values[CTRL] = PAUSES  # 0x07000000 after a reset
    monkeypatch.setattr(WATCHDOG, "mem32", registers)
    return registers


def enabled(chip):
    return bool(chip[CTRL] & ENABLE)


def bites_after_ms(chip):
    # Ticks of 1 us (2.16), and the counter goes down by two a tick (erratum RP2040-E1).
    return chip[LOAD] / 2 / 1_000


def test_h05_it_bites_within_a_second_and_not_before_a_slow_turn_has_ended(chip):
    WATCHDOG.Watchdog().start()
    assert enabled(chip)
    assert 500 <= bites_after_ms(chip) <= DEADLINE_MS
    assert chip[LOAD] < 1 << 24, "the counter has 24 bits"


def test_the_counter_is_full_before_it_counts(chip):
    seen = []
    chip.on_write = lambda at, value: seen.append((at, value))
    WATCHDOG.Watchdog().start()
    first_on = next(i for i, (at, value) in enumerate(seen) if at == CTRL and value & ENABLE)
    assert any(at == LOAD and value for at, value in seen[:first_on])
    assert any(at == WDSEL for at, value in seen[:first_on])


def test_it_resets_the_whole_chip_but_its_oscillators(chip):
    WATCHDOG.Watchdog().start()
    assert chip[WDSEL] == EVERY_BLOCK & ~OSCILLATORS


def test_h05_a_debugger_does_not_keep_an_output_on(chip):
    WATCHDOG.Watchdog().start()
    assert not chip[CTRL] & PAUSES


def test_feeding_fills_the_counter_again(chip):
    watchdog = WATCHDOG.Watchdog()
    watchdog.start()
    full = chip[LOAD]
    chip[LOAD] = 1
    watchdog.feed()
    assert chip[LOAD] == full


def test_a_pause_is_over_with_a_full_counter_and_one_that_was_never_started_stays_off(chip):
    watchdog = WATCHDOG.Watchdog()
    watchdog.go_on()
    assert not enabled(chip)
    watchdog.start()
    full = chip[LOAD]
    watchdog.pause()
    assert not enabled(chip)
    chip[LOAD] = 1
    watchdog.go_on()
    assert enabled(chip) and chip[LOAD] == full
    watchdog.stop()
    assert not enabled(chip)
    watchdog.go_on()
    assert not enabled(chip)


@pytest.mark.parametrize("reason", [0, TIMER, FORCED, TIMER | FORCED])
def test_h05_the_next_run_knows_that_this_one_died_and_of_what(chip, reason):
    assert WATCHDOG.Watchdog().reset_cause == "", "after power on nothing has died"
    first = WATCHDOG.Watchdog()
    first.start()
    # What is left after a reset: scratch registers and the reason.
    chip.values = {at: value for at, value in chip.values.items() if at in SCRATCH} | {REASON: reason}
    died = WATCHDOG.Watchdog().reset_cause
    assert died and ("watchdog" in died) == bool(reason & TIMER)
    assert SCRATCH.start + 16 not in chip.values, "scratch 4 to 7 belong to the boot ROM (2.8.1.1)"


def test_a_run_that_ended_in_order_leaves_no_mark(chip):
    watchdog = WATCHDOG.Watchdog()
    watchdog.start()
    watchdog.stop()
    chip.values |= {REASON: TIMER}
    assert WATCHDOG.Watchdog().reset_cause == ""
